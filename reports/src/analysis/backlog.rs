//! What became of backlogs: tasks that built up while no worker ran, and were
//! drained once there were some.

use std::collections::BTreeMap;

use schedbench_contract::ConfirmMode;

use super::faults::{Median, median};
use super::groups::ClassKey;
use super::points::{Figure, mean};
use crate::metrics::Unit;
use crate::numbers::whole;
use crate::outcome::{Cell, CellKey, Load, Outcome, Reading, System, Value};

/// The figures of a backlog in the order of a table, without `backlog.`, with
/// their units.
pub const FIGURES: [(&str, Unit); 7] = [
    ("build_up", Unit::PerSecond),
    ("answers", Unit::Seconds),
    ("restart", Unit::Seconds),
    ("ready", Unit::Seconds),
    ("resume", Unit::Seconds),
    ("drain_time", Unit::Seconds),
    ("drain_rate", Unit::PerSecond),
];

/// The metric of what a pending task takes of the broker's memory. It may be
/// an upper bound, which is no reading of a trial.
const MEMORY: &str = "backlog.bytes_per_task";

/// One system, profile, number of tasks and fault, over its repeats.
#[derive(Clone, Debug)]
pub struct Backlog {
    /// Name of the system.
    pub system: String,
    /// Name of the profile.
    pub profile: String,
    /// `system`, or `system/profile` where a system has more than one.
    pub label: String,
    /// Its class; nothing is compared across classes.
    pub class: ClassKey,
    /// Tasks that were to build up.
    pub tasks: u64,
    /// What was done to the broker while they rested, in words.
    pub fault: Option<String>,
    /// What else differs between cells of one load.
    pub variant: Option<String>,
    /// What became of the tasks.
    pub seen: Ran,
    /// Cells that are told, in the order of the outcome: the valid ones, or all
    /// where none is valid.
    pub cells: Vec<usize>,
    /// The verdict's word where none is valid: its figures are shown and never
    /// compared.
    pub not_valid: Option<&'static str>,
    /// By their names in [`FIGURES`], over the cells told.
    pub figures: BTreeMap<&'static str, Median>,
    /// Bytes that the broker's memory grew by for each pending task, the mean
    /// over the cells told.
    pub memory: Figure,
}

/// Sums over the repeats whose ledger balances, valid or not
/// (`docs/decisions/0026`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Repeats.
    pub repeats: u32,
    /// Those that lost something.
    pub losing: u32,
    /// Handed over.
    pub handed_over: u64,
    /// Confirmed.
    pub confirmed: u64,
    /// Ran to a success at least once.
    pub survived: u64,
    /// Confirmed, and proved lost.
    pub lost: u64,
    /// Confirmed and not run; the system said that it still held them.
    pub left: u64,
    /// Confirmed and not run, and the system could not be asked.
    pub not_proved: u64,
    /// Never confirmed, and not run.
    pub vanished: u64,
    /// Ran more than once.
    pub again: u64,
    /// Repeats whose ledger does not balance, or that came to nothing.
    pub untold: u32,
}

pub(super) fn backlogs(outcome: &Outcome) -> Vec<Backlog> {
    let mut all: Vec<(usize, Backlog)> = Vec::new();
    for (index, cell) in outcome.cells.iter().enumerate() {
        let Load::Backlog(tasks) = cell.key.load else { continue };
        let Some((order, system)) = system_of(outcome, &cell.key) else { continue };
        let known = all.iter().position(|(_, known)| known.is_of(&cell.key));
        let known = known.unwrap_or_else(|| {
            all.push((order, Backlog::of(outcome, system, &cell.key, tasks)));
            all.len() - 1
        });
        let one = &mut all[known].1;
        one.seen.see(cell);
        one.cells.push(index);
    }
    for (_, one) in &mut all {
        one.sum_up(outcome);
    }
    all.sort_by_key(|(order, one)| (one.class.order(), one.tasks, *order));
    all.into_iter().map(|(_, one)| one).collect()
}

fn system_of<'a>(outcome: &'a Outcome, key: &CellKey) -> Option<(usize, &'a System)> {
    let is_it = |(_, system): &(usize, &System)| {
        (&system.system, &system.profile) == (&key.system, &key.profile)
    };
    outcome.systems.iter().enumerate().find(is_it)
}

impl Backlog {
    fn of(outcome: &Outcome, system: &System, key: &CellKey, tasks: u64) -> Self {
        Self {
            system: key.system.clone(),
            profile: key.profile.clone(),
            label: super::label(outcome, key),
            class: ClassKey::of(&system.claims),
            tasks,
            fault: key.trial_and_fault(),
            variant: key.variant.clone(),
            seen: Ran::default(),
            cells: Vec::new(),
            not_valid: None,
            figures: BTreeMap::new(),
            memory: Figure::missing(""),
        }
    }

    fn is_of(&self, key: &CellKey) -> bool {
        (&self.system, &self.profile, &self.variant) == (&key.system, &key.profile, &key.variant)
            && key.load == Load::Backlog(self.tasks)
            && self.fault == key.trial_and_fault()
    }

    fn sum_up(&mut self, outcome: &Outcome) {
        let of = |index: &usize| outcome.cells.get(*index);
        let is_valid = |index: &usize| of(index).is_some_and(|cell| cell.validity.is_valid());
        if self.cells.iter().any(is_valid) {
            self.cells.retain(is_valid);
        } else {
            self.not_valid = self.cells.first().and_then(of).map(|cell| cell.validity.word());
        }
        self.figures = FIGURES.map(|(name, _)| (name, median(&self.each(outcome, name)))).into();
        let cells: Vec<&Cell> = self.cells.iter().filter_map(of).collect();
        self.memory = mean(&cells, MEMORY);
    }

    /// A figure of [`FIGURES`] in each of the cells told.
    pub(crate) fn each(&self, outcome: &Outcome, name: &str) -> Vec<Reading> {
        let named = format!("backlog.{name}");
        let cells = self.cells.iter().filter_map(|index| outcome.cells.get(*index));
        cells.map(|cell| reading(cell.metrics.get(&named))).collect()
    }

    /// What did not run, in words: `0 lost`, `412 lost`, `at least 12 lost in 2
    /// of 3`, `137 missing, never confirmed`, `9,100 left`.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let seen = &self.seen;
        let mut words = Vec::new();
        if seen.repeats == 0 {
            return words;
        }
        if self.class.confirms == ConfirmMode::Unconfirmed {
            words.push(format!("{} missing, never confirmed", whole(seen.vanished)));
            return words;
        }
        let not_proved = seen.not_proved > 0;
        if seen.lost > 0 || !not_proved {
            let least = if seen.lost > 0 && seen.left > 0 { "at least " } else { "" };
            let of = if seen.repeats > 1 && seen.losing > 0 {
                format!(" in {} of {}", seen.losing, seen.repeats)
            } else {
                String::new()
            };
            words.push(format!("{least}{} lost{of}", whole(seen.lost)));
        }
        for (n, what) in [
            (seen.not_proved, "missing, not proved"),
            (seen.left, "left"),
            (seen.vanished, "vanished"),
        ] {
            if n > 0 {
                words.push(format!("{} {what}", whole(n)));
            }
        }
        words
    }
}

impl Backlog {
    /// What it lost over all repeats: a lower bound where more is missing, and a
    /// zero only where nothing is.
    #[must_use]
    pub fn lost(&self) -> Value {
        let Ran { repeats, lost, left, not_proved, .. } = self.seen;
        let unconfirmed = self.class.confirms == ConfirmMode::Unconfirmed;
        let missing = left > 0 || not_proved > 0;
        match lost {
            _ if repeats == 0 => Value::NotMeasured("no ledger balances".to_owned()),
            0 if missing || unconfirmed => Value::NotMeasured(self.missing().join(", ")),
            lost if missing => Value::AtLeast(lost as f64),
            lost => Value::Is(lost as f64),
        }
    }
}

impl Ran {
    fn see(&mut self, cell: &Cell) {
        let counts = &cell.counts;
        if !counts.balances || counts.attempted == 0 {
            self.untold += 1;
            return;
        }
        self.repeats += 1;
        self.losing += u32::from(counts.lost > 0);
        let is_proved = matches!(
            cell.metrics.get("backlog.lost"),
            Some(Value::Is(_) | Value::AtLeast(_) | Value::AtMost(_))
        );
        let (left, not_proved) =
            if is_proved { (counts.residual, 0) } else { (0, counts.residual) };
        let grid = &counts.grid;
        let confirmed = grid.ok.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
        for (sum, more) in [
            (&mut self.handed_over, counts.attempted.saturating_sub(counts.unsent)),
            (&mut self.confirmed, confirmed),
            (&mut self.survived, counts.window.done),
            (&mut self.lost, counts.lost),
            (&mut self.left, left),
            (&mut self.not_proved, not_proved),
            (&mut self.vanished, grid.unknown[0]),
            (&mut self.again, grid.ok[2].saturating_add(grid.unknown[2])),
        ] {
            // A file may hold anything: sums stop at the largest number.
            *sum = sum.saturating_add(more);
        }
    }
}

/// A metric as the median takes it.
fn reading(value: Option<&Value>) -> Reading {
    match value {
        Some(Value::Is(number) | Value::AtMost(number)) => Reading::Is(*number),
        Some(Value::AtLeast(number)) => Reading::MoreThan(*number),
        Some(Value::NotMeasured(why) | Value::Unsupported(why)) => {
            Reading::NotMeasured(why.clone())
        }
        None => Reading::not_measured("not measured"),
    }
}
