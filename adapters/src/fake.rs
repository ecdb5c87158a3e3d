//! A broker that does one thing wrong, known exactly: it tests the judge.
//!
//! It runs in process and is otherwise honest: tasks start in the order they
//! were handed over, as soon as they are due, and no handler takes time.

mod broker;
mod events;
pub mod plan;
mod state;

use plan::Defect;
use schedbench_contract::{
    AckMode, Claims, ConfirmMode, Delay, DurabilityClass, Order, Profile, Resends, Retries,
    Topology,
};

use crate::in_process::housed::Housed;
use crate::in_process::system::InProcess;

/// The fake broker.
pub(crate) type Fake = InProcess<broker::Broker>;
/// The same in a child, to be hurt there.
pub(crate) type FakeInChild = Housed<broker::Broker>;

const CLAIMS: Claims = Claims {
    durability: DurabilityClass::InProcess,
    ack: AckMode::None,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::Native { early_by_at_most_ns: 0 },
    order: Order::Queue,
    cancel: true,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: usize::MAX,
};

/// Starts by their own times, in no order of the queue.
const UNORDERED: Claims = Claims { order: Order::None, ..CLAIMS };

macro_rules! profiles {
    ($($name:literal $defect:ident $claims:expr, $summary:literal;)+) => {
        const PROFILES: &[Profile] = &[$(Profile {
            name: $name,
            summary: $summary,
            broker: None,
            broker_settings: &[],
            topology: Topology::Single,
            claims: $claims,
        }),+];
        const DEFECTS: &[(&str, Defect)] = &[$(($name, Defect::$defect)),+];
    };
}

profiles! {
    "honest" None CLAIMS, "keeps all its promises";
    "loses-1-in-100" Loses CLAIMS, "confirms 1 task in 100 and never runs it";
    "duplicates-1-in-100" Duplicates CLAIMS, "runs 1 task in 100 twice";
    "resends-1-in-100" Resends CLAIMS, "sends 1 task in 100 twice, says so, and runs both";
    "resends-unseen" Duplicates
        Claims { resends: Resends::Unseen("it is planted"), ..CLAIMS },
        "runs 1 task in 100 twice, and its client may have sent it twice";
    "reorders" Reorders CLAIMS, "starts 1 task in 100 before its predecessor";
    "fires-early" FiresEarly UNORDERED, "starts 1 delayed task in 50 up to 5 ms early";
    "fires-late" FiresLate UNORDERED, "starts 1 delayed task in 50 200 ms late";
    "acks-early-and-forgets" Forgets Claims { ack: AckMode::Early, ..CLAIMS },
        "never retries a failed task, though it says so";
    "phantom" Phantom CLAIMS, "refuses 1 task in 100 and runs it";
    "invents" Invents CLAIMS, "beside 1 task in 1000 it runs one that nobody sent";
    "corrupts-1-in-100" Corrupts CLAIMS, "delivers another body for 1 task in 100";
    "stalls" Stalls CLAIMS, "20k/s; starts nothing for 500 ms, 1 s after the first task";
    "back-pressure" BackPressure CLAIMS, "takes nothing for 2 ms of every 10 ms";
    "slow-confirms" SlowConfirms CLAIMS, "confirms after 20 ms";
    "unknown-1-in-100" Unknown CLAIMS, "leaves 1 task in 100 unknown and runs half of them";
    "slow-server" SlowServer CLAIMS, "serves 2k/s";
    "latency-constant-5ms" Constant UNORDERED, "starts every task 5 ms late";
    "latency-bimodal" Bimodal UNORDERED, "starts 90 % of tasks 1 ms late, 10 % 20 ms";
    "latency-exponential-5ms" Exponential UNORDERED, "exponential lateness, mean 5 ms";
    "keeps" Keeps CLAIMS, "keeps 1 task in 100 for ever, and says so";
}
