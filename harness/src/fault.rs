//! Faults: what is done to a system while it is measured, and undone again.
//!
//! A fault is a value; applying it gives a guard that heals when it is dropped,
//! so that no way out of a cell leaves anything broken behind.

mod doors;
mod link;
pub mod proxy;

pub use doors::Doors;
pub use link::{LinkFault, Links, Side};
