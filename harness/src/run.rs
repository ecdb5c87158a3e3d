//! A run: every cell of a plan, one after another, and what it leaves behind.

mod bracket;
mod cell;
mod describe;
mod halt;
mod interruption;
mod progress;
mod results;
mod session;
mod staff;
mod stage;
mod summary;

pub use cell::{PROBE_ROOM, Rehearsal, RunCell, Seen};
pub use describe::left_out;
pub use halt::Halt;
pub use interruption::Interruption;
pub use progress::{Loudness, Progress, minutes};
pub use results::Results;
pub use session::Session;
pub use staff::Staff;
pub use stage::{Stage, length, shown};
pub use summary::{Exit, exit};
