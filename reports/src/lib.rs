//! From the outcome to what people read: tables, charts, the HTML page.
//!
//! Pure: no clock, no socket. The outcome's schema is owned here.

pub mod hlog;
pub mod load;
pub mod metrics;
pub mod outcome;
pub mod save;
pub mod schema;
