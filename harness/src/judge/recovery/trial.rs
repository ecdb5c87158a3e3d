//! A trial as the judge takes it: moments and sums, no task any more.

use std::ops::Range;

use super::alarm::{self, Budget};
use super::attainment::Served;
use super::facts::{Fact, Facts};
use super::grid::Grid;
use super::loss::Losses;
use super::series::{self, Series};
use super::times::Times;

/// What a trial was made under.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Its moments.
    pub times: Times,
    /// S: the latency objective, ns from due to completion.
    pub objective_ns: u64,
    /// ρ: load / capacity, where the capacity is known.
    pub load: Option<f64>,
    /// From when on no earlier fault is in what the tasks tell: the first
    /// arrival, warm-up or not, or where the steady part after that fault
    /// begins. Monotonic ns.
    pub undisturbed_from: u64,
    /// When adapters lost a connection, monotonic ns, in any order. Refusals
    /// are told by the tasks; of an enqueue that became unknown the ledger
    /// keeps no instant.
    pub errors_seen: Vec<u64>,
    /// When the first process was ended in it; t_f where none was. What was
    /// acknowledged just before that is exposed. Monotonic ns.
    pub struck_at: u64,
    /// When a lost task was acknowledged for its loss to be this fault's: of
    /// several faults in one cell each loss belongs to one. Monotonic ns.
    pub acknowledged_in: Range<u64>,
}

/// One fault of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What it was made under.
    pub conditions: Conditions,
    /// Its intervals.
    pub series: Series,
    /// What an alarm on the error budget saw.
    pub budget: Budget,
    /// The earliest refusal from t_f on, monotonic ns: an adapter saw it, and
    /// its connection may have stayed.
    pub refused_at: Option<u64>,
    /// Who was served within the objective.
    pub served: Served,
    /// What was lost.
    pub losses: Losses,
}

impl Trial {
    /// Sums up a trial's tasks. They are asked for twice: for the goodput that
    /// decides the length of an interval, and for what the intervals hold.
    #[must_use]
    pub fn of<F: Facts + ?Sized>(facts: &F, conditions: Conditions) -> Self {
        let times = conditions.times;
        let objective_ns = conditions.objective_ns;
        let mut intervals =
            series::Filling::over(Grid::of(&times, baseline_per_second(facts, &times)));
        let mut budget = alarm::Filling::over(&times, conditions.undisturbed_from, objective_ns);
        let mut refused_at: Option<u64> = None;
        let mut served = Served::default();
        let mut losses = Losses::default();
        facts.each(&mut |fact: &Fact| {
            intervals.see(fact);
            budget.see(fact);
            let refused = fact.refused().filter(|&at| at >= times.took_effect);
            refused_at = refused_at.into_iter().chain(refused).min();
            served.see(fact, &times, objective_ns);
            losses.see(fact, &conditions);
        });
        Self {
            series: intervals.series(),
            budget: budget.budget(),
            refused_at,
            conditions,
            served,
            losses,
        }
    }
}

/// First completions per second over the baseline: the G0 that Δ is made from.
/// (The G0 of the verdicts is the median over the intervals of that length.)
fn baseline_per_second<F: Facts + ?Sized>(facts: &F, times: &Times) -> f64 {
    let baseline = times.baseline_from()..times.took_effect;
    let mut completed = 0_u64;
    facts.each(&mut |fact: &Fact| {
        completed += u64::from(fact.completed().is_some_and(|at| baseline.contains(&at)));
    });
    let seconds = times.baseline_ns() as f64 / 1e9;
    if seconds > 0.0 { completed as f64 / seconds } else { 0.0 }
}
