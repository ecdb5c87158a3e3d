//! Tasks that were confirmed while nobody ran them, then the broker killed and
//! started again with its data: what a profile promises to keep is all there,
//! and what it is known to lose is found lost, to the last task.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench::plan::Target;
use schedbench_contract::{AckMode, Adapter, Broker, ConfirmMode, DurabilityClass, Work};

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

    fn act<A: Adapter>(&self, hand: &mut Hand<'_, '_, A>) {
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
    fn fates<A: Adapter>(&self, hand: &Hand<'_, '_, A>, left: Left) {
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
pub(crate) fn wait_until_written<A: Adapter>(hand: &mut Hand<'_, '_, A>) {
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

/// Waits until RabbitMQ has written down which of its logs is a quorum queue's.
/// It does so some 3 s after it has confirmed the queue, whatever was confirmed
/// into that since; killed before, it comes back with an empty one that never
/// elects its leader (`docs/faults.md`, "Quorum queues that are too young").
pub(crate) fn wait_until_registered<A: Adapter>(hand: &mut Hand<'_, '_, A>) {
    if hand.target.profile.broker != Some(Broker::RabbitMq)
        || !hand.target.profile.name.starts_with("quorum")
    {
        return;
    }
    let name = format!("%2F_{}", hand.work.queue);
    for pid in hand.broker_pids() {
        let at = mnesia_of(pid);
        hand.wait("RabbitMQ to register its queue on disk", |_| {
            registers(&at).iter().any(|file| {
                let bytes = std::fs::read(file).unwrap_or_default();
                bytes.windows(name.len()).any(|window| window == name.as_bytes())
            })
        });
    }
}

/// Where a node keeps its data, as it was told.
fn mnesia_of(pid: i32) -> PathBuf {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).expect("a process of ours");
    let mut variables = environment.split(|byte| *byte == 0);
    let base = variables.find_map(|one| one.strip_prefix(b"RABBITMQ_MNESIA_BASE="));
    OsStr::from_bytes(base.expect("a node of ours is told")).into()
}

/// The files in which the node's queues of that kind are: `BASE/NODE/quorum/NODE`.
fn registers(base: &Path) -> Vec<PathBuf> {
    let inside = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let nodes = inside(base.to_owned()).map(|node| node.path().join("quorum"));
    nodes.flat_map(inside).map(|node| node.path().join("names.dets")).collect()
}

on_every_system! { PROMISES: tasks_at_rest_outlive_a_broker_as_claimed; }
