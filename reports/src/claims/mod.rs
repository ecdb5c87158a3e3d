//! Published figures as data: who claims what of which system, in which
//! conditions, and by which cells of an outcome it can be put to the test.
//!
//! The article's are built in; `--claims FILE` gives others
//! (`docs/claims.md`). Setting them beside an outcome is
//! [`crate::analysis::Beside`].

mod error;
mod read;

use std::sync::OnceLock;

pub use error::ClaimsError;
pub use read::{parse, read};

use crate::metrics::Metric;

/// The article that this project puts to the test.
const ARTICLE: &str = include_str!("article.toml");

/// A file of claims.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Whose they are, as a heading: `the article`.
    pub name: String,
    /// Where they were published, and what is known of how they were had.
    pub about: String,
    /// In the order of the source.
    pub claims: Vec<Claim>,
}

/// One claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Short and unique in its file, as in `4.13`.
    pub id: String,
    /// Where it stands in its source.
    pub section: String,
    /// Of what it is said.
    pub subject: String,
    /// What is said, in a line.
    pub says: String,
    /// Its conditions, as far as the source tells them.
    pub conditions: String,
    /// Its figures; empty where it has none that could be measured.
    pub figures: Vec<Figure>,
    /// Which cells can tell; empty where none can.
    pub against: Vec<Against>,
    /// What a system's own code or documents say otherwise.
    pub refuted: Option<String>,
    /// Why it cannot be true by its own figures, with the sum.
    pub contradicts: Option<String>,
    /// What else is known of it.
    pub known: Option<String>,
    /// Why nothing here measures it.
    pub unmeasured: Option<String>,
    /// The arguments of `schedbench run` that would measure it.
    pub run: Option<String>,
}

/// A figure of a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is a figure of: one of the table of metrics.
    pub metric: &'static Metric,
    /// The value, in the metric's base unit.
    pub bound: Bound,
}

/// What is claimed of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// It is this, give or take the fraction `within` of it.
    Is {
        /// The value.
        value: f64,
        /// How far from it still counts, as a fraction of it.
        within: f64,
    },
    /// It is this or more.
    AtLeast(f64),
    /// It is this or less.
    AtMost(f64),
    /// It lies between these.
    Between(f64, f64),
}

impl Bound {
    /// The values for which the claim holds, ends included.
    #[must_use]
    pub fn holds(&self) -> (f64, f64) {
        match *self {
            Self::Is { value, within } => {
                let margin = value.abs() * within;
                (value - margin, value + margin)
            }
            Self::AtLeast(value) => (value, f64::INFINITY),
            Self::AtMost(value) => (f64::NEG_INFINITY, value),
            Self::Between(low, high) => (low, high),
        }
    }
}

/// Which cells of an outcome can tell, and what still differs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Against {
    /// Only cells of this scenario.
    pub scenario: Option<String>,
    /// Only these systems; all but the harness's own ceiling where it is empty.
    pub systems: Vec<Which>,
    /// Only cells at this rate, tasks per second; without it the load at which
    /// the first figure is best.
    pub rate: Option<f64>,
    /// Which tasks.
    pub delay: Delay,
    /// Only trials of such a fault; without it no trial at all.
    pub fault: Option<Hurt>,
    /// The claim's cores; a host with another number is not comparable.
    pub cores: Option<u32>,
    /// The claim's D, seconds, likewise.
    pub duration_s: Option<f64>,
    /// The claim's T, seconds, likewise.
    pub horizon_s: Option<f64>,
    /// What differs whatever the outcome: with it nothing is comparable.
    pub differs: Option<String>,
}

/// A system, or one profile of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// Name of the system.
    pub system: String,
    /// Name of the profile; all of them without it.
    pub profile: Option<String>,
}

/// Delays of the tasks that a claim is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delay {
    /// Immediate ones.
    #[default]
    None,
    /// Delayed ones, however long.
    Any,
    /// Delayed by this, in the words of a cell's variant: `10 ms`.
    By(String),
}

/// A fault, as a scenario names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hurt {
    /// `kill`, `black-hole` …; any of them.
    pub kinds: Vec<String>,
    /// `broker`, `leader`, `links` …; any of them.
    pub on: Vec<String>,
}

/// The article's claims.
///
/// # Panics
/// Never: a test reads them.
#[must_use]
pub fn article() -> &'static Published {
    static READ: OnceLock<Published> = OnceLock::new();
    READ.get_or_init(|| {
        parse("article.toml", ARTICLE.as_bytes()).expect("a test reads the built-in claims")
    })
}
