//! A run: every cell of a plan, one after another, and what it leaves behind.

mod backlog;
pub mod cell;
pub mod describe;
mod faults;
mod footprint;
pub mod halt;
pub mod held;
pub mod interruption;
pub mod live;
mod probe;
pub mod progress;
pub mod quiet;
pub mod results;
mod roads;
pub mod search;
pub mod session;
pub mod staff;
pub mod stage;
pub mod summary;
mod watch;

pub use cell::{PROBE_ROOM, Rehearsal, RunCell, Seen};
pub use describe::left_out;
pub use halt::Halt;
pub use held::{Held, HeldProducer, hold, hold_in_child};
pub use interruption::Interruption;
pub use live::Live;
pub use progress::{Loudness, Progress, minutes};
pub use results::Results;
pub use roads::Roads;
pub use session::Session;
pub use staff::Staff;
pub use stage::{Stage, length, shown};
pub use summary::{Exit, exit};
