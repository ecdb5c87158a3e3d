//! One suite that every registered system passes: who adds a system to the
//! registry has these tests of it without another line.
//!
//! Each check takes its expectations from what the profile claims. Tasks go
//! the way they go in a run: `RunCell` on a `Stage`, worker processes of the
//! real binary, brokers started by the environment, counts from the judge.
//! What cannot be staged by a plan (a killed worker, a body over the limit) is
//! done by hand on the same stage.
//!
//! The machine may be busy: bounds on lateness are seconds, the drain listens
//! for a minute where something is missing, and no test looks at what other
//! processes did to the measurement.
//!
//! Tests begin in the order of their names. Those that take the lane of the
//! systems in process for long are not neighbours: waiting for it they would
//! hold every thread that could start a broker.

mod again;
mod apart;
mod backlog;
mod balance;
mod bodies;
mod cancel;
mod delays;
mod early;
mod failover;
mod fake_counts;
mod fake_latency;
mod fake_limits;
mod fake_stall;
#[path = "../environment/ground.rs"]
mod ground;
mod hand;
mod in_child;
mod in_flight;
mod isolated;
mod judged;
mod kill;
mod leaders;
mod management;
mod not_ours;
mod order;
mod outage;
mod play;
mod profiles;
mod refusal;
mod retries;
mod shards;
mod stage;
mod survival;
mod systems;
mod timelines;
mod unfinished;

/// Nanoseconds of a millisecond.
const MS: u64 = 1_000_000;
/// Nanoseconds of a second.
const S: u64 = 1_000 * MS;
