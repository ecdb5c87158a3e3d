//! What a system under test and the harness agree on.
//!
//! A leaf crate: identities, tasks, the adapter's traits, what a system
//! claims, the worker protocol and the ledger. It knows no async runtime, no
//! broker client and no clock; every time in it is an argument, in
//! nanoseconds of `CLOCK_MONOTONIC` unless a name says otherwise.

mod adapter;
mod body;
mod claims;
mod error;
mod feed;
mod id;
pub mod ledger;
mod moment;
mod profile;
mod recorder;
mod runtime;
pub mod seeded;
mod small_float;
mod task;
mod wire;
mod work;

pub use adapter::{
    Adapter, Address, Backlog, Endpoints, InProcessWorkers, Launch, Producer, Program, Report,
    Secret, Server, Visit,
};
pub use body::{BodyPool, Fill};
pub use claims::{
    AckMode, Claims, Comparable, ConfirmMode, Delay, DurabilityClass, Order, Resends, Retries,
};
pub use error::{Error, Result};
pub use feed::{FEED_BYTES, Fed, Feed, feed_record};
pub use id::TaskId;
pub use moment::{Moment, MomentKind};
pub use profile::{Broker, Profile, Topology};
pub use recorder::{Counts, Recorder, Run, RunEnd};
pub use runtime::{Language, Runtime, WorkerSource};
pub use small_float::SmallFloat;
pub use task::Task;
pub use wire::{RECORD_BYTES, Record, Status};
pub use work::{Handler, Retry, Work, WorkersShape};
