//! From the outcome to what people read: tables, charts, the HTML page.
//!
//! Pure: no clock, no socket. The outcome's schema is owned here.

pub mod amount;
pub mod analysis;
pub mod charts;
pub mod claims;
pub mod compare;
pub mod export;
pub mod history;
pub mod hlog;
pub mod html;
pub mod load;
pub mod merge;
pub mod metrics;
pub mod numbers;
pub mod outcome;
pub mod save;
pub mod schema;
pub mod scorecard;
mod summary;
pub mod terminal;
