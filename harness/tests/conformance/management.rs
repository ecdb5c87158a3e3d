//! What RabbitMQ's own management says of a cell's queues is what the adapter
//! and the ledger say: the plugin runs here and nowhere else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schedbench::environment::ports;
use schedbench::plan::Target;
use schedbench_adapters::find;
use schedbench_contract::ledger::Enqueue;
use schedbench_contract::{Address, Profile, Retry, Work, WorkersShape, seeded};
use serde_json::Value;

use crate::S;
use crate::ground::wait_for;
use crate::hand::{Act, Hand, by_hand};
use crate::play::SHAPE;
use crate::systems::Lane;

/// Run by the worker; then it is stopped, and these are handed over.
const RUN: u64 = 200;
const LEFT: u64 = 300;
/// Of these the worker holds as many as it may.
const PREFETCH: u32 = 32;
/// Due long after the test.
const LATER: u64 = 40;
const FAIL_PPM: u32 = 200_000;

/// A profile of RabbitMQ with the management plugin, on that port.
fn managed(profile: &str, port: u16) -> Target {
    let system = find("rabbitmq").expect("in every build");
    let profile = system.profile(Some(profile)).expect("one of its profiles");
    let port: &'static str = port.to_string().leak();
    // Statistics are collected every 5 s by default.
    let settings = vec![
        ("management.tcp.ip", "127.0.0.1"),
        ("management.tcp.port", port),
        ("collect_statistics_interval", "500"),
    ];
    let profile = Profile { broker_settings: settings.leak(), ..*profile };
    Target { system, profile: Box::leak(Box::new(profile)) }
}

/// The management of a node.
struct Management {
    port: u16,
    authorization: String,
}

impl Management {
    fn of(broker: &Address, port: u16) -> Self {
        let user = broker.user.as_deref().expect("a user");
        let password = &broker.password.as_ref().expect("a password").0;
        Self { port, authorization: STANDARD.encode(format!("{user}:{password}")) }
    }

    /// The JSON behind a path. In HTTP 1.0 the answer ends with the connection.
    fn ask(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("its port");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        let Self { authorization, .. } = self;
        let question = format!(
            "GET /api/{path} HTTP/1.0\r\nHost: localhost\r\n\
             Authorization: Basic {authorization}\r\n\r\n"
        );
        stream.write_all(question.as_bytes()).expect("a question");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.lines().next().is_some_and(|line| line.contains(" 200 ")), "{head}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// A number that a queue has under these keys; 0 where it has none yet.
    fn of_queue(&self, queue: &str, keys: &[&str]) -> u64 {
        let all = self.ask("queues");
        let mut queues = all.as_array().expect("queues").iter();
        let queue = queues.find(|one| one["name"] == queue).expect("a queue of that name");
        number(queue, keys)
    }

    /// Messages of a queue that are ready, and that a consumer has.
    fn depth(&self, queue: &str) -> [u64; 2] {
        ["messages_ready", "messages_unacknowledged"].map(|key| self.of_queue(queue, &[key]))
    }

    /// Waits until that number is the expected one; management is behind.
    fn comes_to(&self, what: &str, expected: u64, mut number: impl FnMut(&Self) -> u64) {
        let mut last = 0;
        wait_for(&format!("{what} to be {expected}"), || {
            last = number(self);
            assert!(last <= expected, "{what} is {last}, and {expected} is all there is");
            std::thread::sleep(Duration::from_millis(50));
            last == expected
        });
    }
}

fn number(value: &Value, keys: &[&str]) -> u64 {
    keys.iter().fold(value, |value, key| &value[key]).as_u64().unwrap_or(0)
}

struct Agree {
    port: u16,
}

impl Act for Agree {
    fn prepare(&self, work: &mut Work) {
        work.shape = WorkersShape { processes: 1, connections: 1, prefetch: PREFETCH, ..SHAPE };
        work.fail_ppm = FAIL_PPM;
        work.retry = Retry { max: 0, backoff_ns: 0 };
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let management = Management::of(&hand.address().expect("a broker"), self.port);
        let main = hand.work.queue.clone();
        let dead = format!("{main}.dead");
        let die = |hand: &Hand<'_, '_>, sequences: std::ops::Range<u64>| {
            let fails = |sequence: &u64| {
                seeded::attempt_fails(hand.work.seed, hand.id(*sequence), 0, FAIL_PPM)
            };
            sequences.filter(fails).count() as u64
        };

        // All of them run, and some die.
        hand.submit(0..RUN);
        hand.settle();
        hand.wait("them to run", |hand| hand.log.counts().finished == RUN);
        let died = die(hand, 0..RUN);
        assert!(died > 10, "{died}");
        hand.wait("the dead to be aside", |hand| hand.backlog().dead == Some(died));
        management.comes_to("acks", RUN, |it| it.of_queue(&main, &["message_stats", "ack"]));
        wait_for("an empty queue", || management.depth(&main) == [0, 0]);

        // A worker that stands still holds what it may, the rest waits.
        let worker = hand.children().remove(0);
        worker.pause();
        hand.submit(RUN..RUN + LEFT);
        hand.submit_due(RUN + LEFT..RUN + LEFT + LATER, 3_600 * S);
        hand.settle();
        let (held, confirmed) = (u64::from(PREFETCH), RUN + LEFT + LATER);
        let ready = LEFT - held;
        hand.wait("the worker's share", |hand| hand.backlog().ready == Some(ready));
        let backlog = hand.backlog();
        assert_eq!((backlog.scheduled, backlog.dead), (Some(LATER), Some(died)));
        assert_eq!((backlog.retry, backlog.held), (Some(0), None), "AMQP does not tell");
        let in_ledger = (0..confirmed)
            .map(|sequence| hand.log.ledger().entry(sequence as usize))
            .filter(|entry| entry.enqueue == Enqueue::Confirmed)
            .count() as u64;
        let open = in_ledger - hand.log.counts().finished;
        assert_eq!((in_ledger, open), (confirmed, LEFT + LATER));

        // The same, told by the management.
        wait_for("the management's ready and held", || management.depth(&main) == [ready, held]);
        let delayed = format!("{main}.delay.{}", 3_600 * 1_000);
        wait_for("the management's delayed", || management.depth(&delayed) == [LATER, 0]);
        wait_for("the management's dead", || management.depth(&dead) == [died, 0]);
        let waits: u64 = [&main, &delayed].iter().flat_map(|queue| management.depth(queue)).sum();
        assert_eq!(waits, open, "the ledger's open tasks");
        // What was published into each, and confirmed in all: the dead were
        // published a second time, by the worker.
        let published = ["message_stats", "publish"];
        management.comes_to("publishes", RUN + LEFT, |it| it.of_queue(&main, &published));
        management.comes_to("publishes", LATER, |it| it.of_queue(&delayed, &published));
        management.comes_to("publishes", died, |it| it.of_queue(&dead, &published));
        management.comes_to("confirms", confirmed + died, |it| {
            number(&it.ask("overview"), &["message_stats", "confirm"])
        });

        // It goes on, and nothing but the dead and the delayed is left.
        worker.resume();
        hand.wait("the rest to run", |hand| hand.log.counts().finished == RUN + LEFT);
        let died = died + die(hand, RUN..RUN + LEFT);
        hand.wait("the dead to be aside", |hand| hand.backlog().dead == Some(died));
        wait_for("an empty queue", || management.depth(&main) == [0, 0]);
        wait_for("all of the dead", || management.depth(&dead) == [died, 0]);
        management.comes_to("acks", RUN + LEFT, |it| it.of_queue(&main, &["message_stats", "ack"]));
        assert_eq!(hand.backlog().outstanding(), LATER);
        println!("{main}: {confirmed} confirmed, {died} dead, {ready} + {held} + {LATER} agreed");
    }
}

#[test]
fn rabbitmqs_own_counts_agree() {
    for profile in ["durable", "quorum"] {
        let port = ports::free().expect("a port");
        let target = managed(profile, port);
        let _place = Lane::enter(target);
        by_hand(target, &Agree { port });
    }
}
