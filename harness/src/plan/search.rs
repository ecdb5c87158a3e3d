//! A search for a capacity, and how many cells it takes.

use super::{Bracket, CellPlan};

/// A rate counts as not held after this many valid cells that did not hold it:
/// one hiccup of the machine must not decide a search (`docs/decisions/0007`).
pub const MOST_FAILURES: u32 = 2;
/// Cells that are run at a rate to get a valid one.
pub const MOST_TRIES: u32 = 5;

/// The search for the highest rate held: doubling, then bisection.
#[derive(Clone, Debug)]
pub struct Search {
    /// The cell; its rates are replaced.
    pub template: CellPlan,
    /// First rate tried, tasks per second.
    pub from: f64,
    /// No rate above this is tried.
    pub to: f64,
    /// Ends when the bracket is within this share of the rate, 0.05 for ± 5 %.
    pub precision: f64,
    /// Rates that it tries at most, whatever is found.
    pub most_rates: u64,
}

impl Search {
    /// A search that was not begun.
    #[must_use]
    pub fn new(template: CellPlan, from: f64, to: f64, precision: f64) -> Self {
        let most_rates = Bracket::new(from, to, precision).most_rates();
        Self { template, from, to, precision, most_rates }
    }

    /// Cells that it usually takes: doublings to the top, then halvings of a
    /// bracket whose width is its lower end. What ends below the top has fewer
    /// doublings, and second cells of the rates that were not held instead.
    #[must_use]
    pub fn usual_cells(&self) -> u64 {
        let doublings = (self.to / self.from).log2().ceil().max(0.0) as u64 + 1;
        let halvings = (1.0 / self.precision).log2().ceil().max(0.0) as u64;
        doublings + halvings
    }

    /// Cells that it takes at most.
    #[must_use]
    pub fn most_cells(&self) -> u64 {
        self.most_rates * u64::from(MOST_TRIES)
    }
}

#[cfg(test)]
mod tests;
