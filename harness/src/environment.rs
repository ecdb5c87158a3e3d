//! A broker's life and every child's: find, start, healthy, kill, pause, stop.
//!
//! One [`Keeper`] thread spawns all children; a [`Watchdog`] in a session of
//! its own removes what a harness killed with -9 would leave; [`Rooms`] is the
//! run's private directory. What must hold however the harness ends:
//!
//! | how it ends              | processes            | directories          |
//! |--------------------------|----------------------|----------------------|
//! | returns, `Err`, a signal | the keeper's drop    | the rooms' drop      |
//! | `exit`, panic in main    | parent-death signal  | the watchdog         |
//! | SIGKILL, out of memory   | parent-death signal  | the watchdog         |
//! | the machine goes down    |                      | the next run's sweep |

mod address;
pub mod broker;
pub mod child;
pub mod compose;
mod cpu_clock;
mod disk;
mod error;
mod first_answer;
mod healthy;
pub mod host;
mod jars;
pub mod kafka;
pub mod keeper;
mod leftovers;
mod making;
mod missing;
mod mode;
pub mod network;
pub mod ordered;
pub mod placement;
pub mod ports;
pub mod postgres;
mod rabbitmq;
mod reap;
mod redis;
mod resp;
pub mod room;
pub mod rooms;
mod small_disk;
pub mod timing;
pub mod watchdog;
mod workshop;

pub use broker::{BROKERS, Entry, Ground, Leftovers, Need, Running, Source, UrlForm};
pub(crate) use child::tree;
pub use child::{Child, Exit};
pub(crate) use cpu_clock::{of_process, of_this_process, of_thread};
pub use error::{Died, Error, Result};
pub use jars::Jars;
pub use keeper::{Keeper, Spawner, Spec, User};
pub use missing::Missing;
pub use mode::Mode;
pub use network::{Link, Network};
pub use reap::reap;
pub use room::{Room, RoomError};
pub use rooms::Rooms;
pub(crate) use small_disk::SmallDisk;
pub use small_disk::{ROOM_BYTES, small_disk_is_possible};
pub use watchdog::Watchdog;
pub use workshop::{WorkerProgram, Workshop, source_of};
