//! What was seen while a cell ran: the ledger is filled here, processes are
//! sampled, and everything is handed to the judge as one piece of evidence.

pub mod allocator;
mod evidence;
mod footprint;
mod pipes;
mod sampler;

pub use evidence::{
    Allocated, Evidence, HandOver, Host, Injected, Memory, PacingSeen, Proof, Rested, Usage,
};
pub use footprint::{Footprint, Growth, READINGS};
pub use pipes::{LONG_PAUSE_NS, Pipes, PipesEnd, WorkerSeen};
pub(crate) use sampler::Machine;
pub use sampler::{Between, Role, Sampler, Snapshot};
