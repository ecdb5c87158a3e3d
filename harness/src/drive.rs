//! The load generator: it hands tasks over when the plan says so and never
//! lets a stall move the schedule.

mod absences;
mod backlog;
mod closed;
mod open;
mod park;
mod pulse;
mod wait;

pub use backlog::drive_backlog;
pub use closed::{InFlightSetup, LONGEST_WINDOW, drive_in_flight};
pub use open::{Driven, Ended, OpenSetup, drive_open};
pub use park::{Interrupt, Parker, block_on_until};
pub use pulse::Pulse;
pub use wait::{Waiter, sleep_until};
