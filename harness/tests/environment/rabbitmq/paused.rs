//! The leader of a quorum queue is stopped (SIGSTOP) and not gone: how long
//! until a connection that was open takes a message, and until a new one does.
//!
//! Run by hand: `cargo test --release --test environment -- --ignored
//! --nocapture paused`. Each of five rounds takes above four minutes.

use std::fmt;
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use schedbench::environment::{Entry, Ground, Rooms};
use schedbench_adapters::amqp::Amqp;
use schedbench_contract::{Address, Broker, Profile, Topology};

use super::cluster::variable;
use super::{need, stand};
use crate::ground::{self, profile, wait_for};

const QUEUE: &str = "schedbench.test.1";
/// Single runs took 68 s.
const PATIENCE: Duration = Duration::from_secs(240);
/// Given to each of those that are tried again and again.
const A_TRY: Duration = Duration::from_secs(5);
const ROUNDS: usize = 5;

static DEFAULT: Profile = Profile { topology: Topology::Cluster, ..profile(&[]) };
static TUNED: Profile =
    Profile { topology: Topology::Cluster, ..profile(&[("net_ticktime", "8")]) };

/// What became of one connection.
#[derive(Default)]
struct Fate {
    /// When it had signed in and had a channel, seconds after the pause.
    signed_in: Option<f64>,
    /// When a message was confirmed.
    confirmed: Option<f64>,
    /// Messages that were refused (nack) before.
    refused: u32,
    /// What ended it otherwise, and when.
    error: Option<(f64, String)>,
}

impl Fate {
    /// Publishes on it until a message is confirmed or it breaks.
    fn publish(mut self, amqp: &mut Amqp, began: Instant) -> Self {
        loop {
            let said = amqp.publish_confirmed(QUEUE);
            let now = began.elapsed().as_secs_f64();
            match said {
                Ok(()) => self.confirmed = Some(now),
                // Refused: once more.
                Err(error) if error.kind() == ErrorKind::Other => {
                    self.refused += 1;
                    continue;
                }
                Err(error) => self.error = Some((now, error.to_string())),
            }
            return self;
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seconds) = self.signed_in {
            write!(text, "signed in after {seconds:.1} s, ")?;
        }
        match (&self.confirmed, &self.error) {
            (Some(seconds), _) => write!(text, "confirmed after {seconds:.1} s")?,
            (None, Some((seconds, error))) => write!(text, "ended after {seconds:.1} s: {error}")?,
            (None, None) => write!(text, "nothing")?,
        }
        write!(text, ", {} refused", self.refused)
    }
}

/// A new connection to a node, and a message on it.
fn anew(at: &Address, began: Instant, patience: Duration) -> Fate {
    let signed_in = Amqp::sign_in(at, Instant::now() + patience);
    let now = began.elapsed().as_secs_f64();
    match signed_in {
        Ok(mut amqp) => {
            let fate = Fate { signed_in: Some(now), ..Fate::default() };
            fate.publish(&mut amqp, began)
        }
        Err(error) => Fate { error: Some((now, error.to_string())), ..Fate::default() },
    }
}

/// New connections one after the other, each given up after a few seconds, as
/// a client does: what became of the first that got a message confirmed.
fn again_and_again(at: &Address, began: Instant) -> Fate {
    let mut last = Fate::default();
    while last.confirmed.is_none() && began.elapsed() < PATIENCE {
        last = anew(at, began, A_TRY);
        thread::sleep(Duration::from_millis(200));
    }
    last
}

/// A connection that was open to one follower; a new one to the other, which
/// waits; new ones to it, which are given up and tried again.
fn round(settings: &Profile) -> [Fate; 3] {
    stand!(at, logs, rooms);
    let rabbit = Entry::of(Broker::RabbitMq).have(&at, &need(settings)).expect("a cluster");
    let addresses: Vec<Address> = rabbit
        .children()
        .into_iter()
        .map(|child| {
            let port = variable(child, "RABBITMQ_NODE_PORT").parse().expect("a port");
            Address { port, ..rabbit.address().clone() }
        })
        .collect();
    let signed_in = |at: &Address| Amqp::sign_in(at, Instant::now() + PATIENCE).expect("a login");
    signed_in(&addresses[0]).declare_quorum_queue(QUEUE, 3).expect("a queue");
    rabbit.check_queue(QUEUE).expect("three members");
    wait_for("a leader", || rabbit.leader(QUEUE).is_ok());
    let leader = rabbit.leader(QUEUE).expect("a leader");
    let [one, other] = [1, 2].map(|step| addresses[(leader + step) % 3].clone());
    let mut open = signed_in(&one);
    open.publish_confirmed(QUEUE).expect("while all is well");
    let node = rabbit.children()[leader].clone();
    node.pause();
    let began = Instant::now();
    let fates = thread::scope(|scope| {
        let open = scope.spawn(|| Fate::default().publish(&mut open, began));
        let new = scope.spawn(|| anew(&other, began, PATIENCE));
        let again = scope.spawn(|| again_and_again(&other, began));
        [open, new, again].map(|thread| thread.join().expect("it ends"))
    });
    node.resume();
    fates
}

fn rounds(name: &str, settings: &Profile) {
    for number in 1..=ROUNDS {
        let [open, new, again] = round(settings);
        println!("{name}, round {number}: open connection: {open}");
        println!("{name}, round {number}: new connection: {new}");
        println!("{name}, round {number}: new ones again and again: {again}");
    }
}

#[test]
#[ignore = "a measurement, 24 minutes"]
fn paused_leader_by_default() {
    rounds("net_ticktime 60 s", &DEFAULT);
}

#[test]
#[ignore = "a measurement, 22 minutes"]
fn paused_leader_tuned() {
    rounds("net_ticktime 8 s", &TUNED);
}
