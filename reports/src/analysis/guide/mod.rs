//! The choice guide: for the questions that a person has, the systems of a run
//! that qualify, in order where they may be ordered, and why the others do
//! not. Every word about a system comes from its claims and its cells.

mod figures;
mod promises;

use super::backlog::Backlog;
use super::faults::Faults;
use super::groups::Group;
use super::statistics::ENOUGH;
use crate::outcome::Outcome;

/// The questions that an outcome has an answer to.
#[derive(Clone, Debug)]
pub struct Guide {
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// `What is the highest rate?`
    pub asks: &'static str,
    /// By what it is answered.
    pub by: &'static str,
    /// Who qualifies, class by class; nothing is ordered across them.
    pub classes: Vec<Able>,
    /// Who does not, and why.
    pub others: Vec<Other>,
}

/// Those of one class that qualify.
#[derive(Clone, Debug)]
pub struct Able {
    /// The class, or what else they have in common.
    pub title: String,
    /// In their order, where they have one.
    pub systems: Vec<Choice>,
    /// How far the first is before the next, and whether that is more than
    /// noise; empty where nothing is ordered.
    pub margin: String,
}

/// A system that qualifies.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its name.
    pub label: String,
    /// Its place inside the class; `None` where nothing is ordered.
    pub place: Option<usize>,
    /// What speaks for it, in words or as a figure.
    pub by: String,
}

/// A system that does not qualify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its name.
    pub label: String,
    /// Why.
    pub why: String,
}

/// The guide; `None` where there is nothing to choose from.
pub(super) fn guide(
    outcome: &Outcome,
    groups: &[Group],
    faults: &Faults,
    backlogs: &[Backlog],
) -> Option<Guide> {
    let contenders = outcome.systems.iter().filter(|system| system.system != super::NOOP);
    if contenders.count() < 2 || outcome.cells.is_empty() {
        return None;
    }
    let questions = [
        promises::crash(outcome, faults, backlogs),
        figures::delays(outcome, groups),
        promises::order(outcome),
        figures::peak(groups),
        promises::runtimes(outcome),
        figures::cost(groups),
    ];
    let questions: Vec<Question> = questions.into_iter().flatten().collect();
    (!questions.is_empty()).then_some(Guide { questions })
}

/// What a margin says where repeats cannot.
fn not_tested() -> String {
    format!("as seen; noise is told from {ENOUGH} repeats on")
}
