//! Tasks that were confirmed while nobody ran them, then the broker killed and
//! started again with its data: what a profile promises to keep is all there,
//! and what it is known to lose is found lost, to the last task.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench::plan::Target;
use schedbench_contract::{AckMode, Broker, ConfirmMode, DurabilityClass, Work};

use crate::ground::aim;
use crate::hand::{Act, Hand, by_hand};
use crate::systems::on_every_system;

const TASKS: u64 = 1_000;
/// Until all that survived has run, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn tasks_at_rest_outlive_a_broker_as_claimed(target: Target) {
    by_hand(target, &AtRest(target));
}

struct AtRest(Target);

/// What a kill of the broker's process leaves of tasks at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    All,
    Nothing,
    /// Nobody can say: it is shown and not asserted.
    Some,
}

impl Left {
    fn of(target: Target) -> Self {
        let profile = target.profile;
        match (profile.claims.durability, profile.broker) {
            (DurabilityClass::InProcess | DurabilityClass::BrokerMemory, _) => Self::Nothing,
            // Redis writes soon after it has replied, and says when it has.
            (DurabilityClass::BoundedWindow, Some(Broker::Redis)) => Self::All,
            (DurabilityClass::BoundedWindow, _) => Self::Some,
            (
                DurabilityClass::ProcessCrash
                | DurabilityClass::PowerLoss
                | DurabilityClass::Replicated,
                _,
            ) => Self::All,
        }
    }
}

impl Act for AtRest {
    fn prepare(&self, work: &mut Work) {
        work.write_each = true;
    }

    fn act(&self, hand: &mut Hand<'_, '_>) {
        let claims = &self.0.profile.claims;
        // Where the tasks are in a program of the system's own, that one is
        // killed, in `kill`; a broker beside it keeps nothing but locks.
        let in_its_program = matches!(claims.ack, AckMode::None | AckMode::Locked);
        if self.0.profile.broker.is_none() || in_its_program {
            return;
        }
        hand.dismiss();
        hand.submit_spread(0..TASKS);
        hand.settle();
        hand.wait("all tasks to rest", |hand| hand.backlog().outstanding() == TASKS);
        wait_until_written(hand);
        wait_until_registered(hand);
        hand.kill_and_restart_broker();
        hand.hire_again();
        let left = Left::of(self.0);
        let owed = if left == Left::All { TASKS } else { 0 };
        let deadline = Instant::now() + PATIENCE;
        // When it is in vain the judge says what is missing.
        while Instant::now() < deadline {
            let is_empty = hand.try_backlog().is_some_and(|backlog| backlog.outstanding() == 0);
            if is_empty && hand.log.counts().finished >= owed {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        hand.dismiss();
        self.fates(hand, left);
    }
}

impl AtRest {
    fn fates(&self, hand: &Hand<'_, '_>, left: Left) {
        let name = self.0.name();
        let counts = hand.judged();
        let [ok, unknown] = [counts.grid.ok, counts.grid.unknown];
        println!(
            "{name}: of {TASKS} at rest {} lost, {} vanished, {} residual, {} repeated",
            counts.lost, unknown[0], counts.residual, counts.repeated
        );
        assert_eq!(counts.residual, 0, "{name}: {counts:?}");
        let missing = match self.0.profile.claims.confirms {
            ConfirmMode::Confirmed => {
                assert_eq!(ok.iter().sum::<u64>(), TASKS, "{name}: all were confirmed");
                assert_eq!(counts.lost, ok[0], "{name}: what is missing is proved to be lost");
                counts.lost
            }
            // Nobody vouched for them: they are missing, and not lost.
            ConfirmMode::Unconfirmed => {
                assert_eq!(unknown.iter().sum::<u64>(), TASKS, "{name}: none was confirmed");
                assert_eq!(counts.lost, 0, "{name}");
                unknown[0]
            }
        };
        match left {
            Left::All => assert_eq!(missing, 0, "{name}"),
            Left::Nothing => assert_eq!(missing, TASKS, "{name}"),
            Left::Some => {}
        }
    }
}

/// Waits until Redis holds nothing of its append-only file back in memory
/// (`docs/decisions/0009-redis-everysec-is-class-w.md`): from then on a
/// kill of its process loses none of it.
pub(crate) fn wait_until_written(hand: &mut Hand<'_, '_>) {
    let writes = hand.target.profile.broker_settings.contains(&("appendonly", "yes"));
    let (true, Some(address)) = (writes, hand.address()) else { return };
    for mut redis in address.each().map(|node| aim(&node)) {
        hand.wait("Redis to write what it has", |_| {
            let info = redis.ask("INFO persistence");
            let is_zero = |field: &str| {
                let line = info.lines().find_map(|line| line.strip_prefix(field));
                line.expect("a field of a Redis that has such a file") == "0"
            };
            is_zero("aof_buffer_length:") && is_zero("aof_pending_bio_fsync:")
        });
    }
}

/// Waits until RabbitMQ's queue is on disk, whatever was confirmed into it
/// since it was declared (`docs/faults.md`, "Queues that are too young"): killed
/// before, it may come back without the queue, or with one of quorum that never
/// elects its leader.
pub(crate) fn wait_until_registered(hand: &mut Hand<'_, '_>) {
    if hand.target.profile.broker != Some(Broker::RabbitMq) {
        return;
    }
    let is_quorum = hand.target.profile.name.starts_with("quorum");
    let queue = hand.work.queue.clone();
    let in_quorum = format!("%2F_{queue}");
    for pid in hand.broker_pids() {
        let base = mnesia_of(pid);
        hand.wait("RabbitMQ to have its queue on disk", |_| {
            let is_named = || registers(&base).iter().any(|file| last(file, &in_quorum).is_some());
            is_declared(&base, &queue) && (!is_quorum || is_named())
        });
    }
}

/// Whether a node that starts again would know the queue: it is in Mnesia's
/// copy of that table, `BASE/NODE/rabbit_durable_queue.*`, or in its log,
/// `BASE/NODE/*.LOG`, with the decision behind it that makes it count.
fn is_declared(base: &Path, queue: &str) -> bool {
    inside(base.to_owned()).flat_map(inside).any(|file| {
        if file.extension().is_some_and(|extension| extension == "LOG") {
            last(&file, queue).is_some_and(|at| last(&file, "committed") > Some(at))
        } else {
            file.file_stem().is_some_and(|stem| stem == "rabbit_durable_queue")
                && last(&file, queue).is_some()
        }
    })
}

/// Where a text is in a file for the last time; nowhere in one that is gone.
fn last(file: &Path, text: &str) -> Option<usize> {
    let bytes = std::fs::read(file).unwrap_or_default();
    bytes.windows(text.len()).rposition(|window| window == text.as_bytes())
}

/// Where a node keeps its data, as it was told.
fn mnesia_of(pid: i32) -> PathBuf {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).expect("a process of ours");
    let mut variables = environment.split(|byte| *byte == 0);
    let base = variables.find_map(|one| one.strip_prefix(b"RABBITMQ_MNESIA_BASE="));
    OsStr::from_bytes(base.expect("a node of ours is told")).into()
}

/// The directories of the nodes, and what is in them.
fn inside(dir: PathBuf) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The files in which its quorum queues' logs are: `BASE/NODE/quorum/NODE`.
fn registers(base: &Path) -> Vec<PathBuf> {
    let nodes = inside(base.to_owned()).map(|node| node.join("quorum"));
    nodes.flat_map(inside).map(|node| node.join("names.dets")).collect()
}

on_every_system! { PROMISES: tasks_at_rest_outlive_a_broker_as_claimed; }
