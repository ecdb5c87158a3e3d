//! From the outcome to what people read: tables, charts, the HTML page.
//!
//! Pure: no clock, no socket. The outcome's schema is owned here.

pub mod analysis;
pub mod charts;
pub mod export;
pub mod hlog;
pub mod html;
pub mod load;
pub mod metrics;
pub mod numbers;
pub mod outcome;
pub mod save;
pub mod schema;
mod summary;
pub mod terminal;
