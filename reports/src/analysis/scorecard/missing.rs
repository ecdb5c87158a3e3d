//! Why a system has no figure in the scorecard, as far as the outcome knows.

use schedbench_contract::DurabilityClass;

use super::{DELAY, Reader, Score, is_alike_key};
use crate::analysis::backlog::Backlog;
use crate::analysis::faults::{Hurt, deeds};
use crate::metrics::Metric;
use crate::outcome::{Cell, CellKey, Load, System, Value};
use crate::scorecard::{At, Part, Tasks};

/// What a line of a part is read from.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// Each system's own load.
    Own,
    /// One rate for all.
    Rate(Load),
    /// A fault, and what else tells its cells apart.
    Fault(&'a str, Option<&'a str>),
    /// Backlogs like this one.
    Backlog(&'a Backlog),
}

impl Place<'_> {
    fn is_of(self, cell: &Cell) -> bool {
        let key = &cell.key;
        match self {
            Self::Own => true,
            Self::Rate(at) => key.load == at,
            // Of several faults in a cell each may stand for itself.
            Self::Fault(fault, variant) => {
                let is_it = |done: &str| done == fault;
                key.variant.as_deref() == variant
                    && (key.fault.as_deref().is_some_and(is_it)
                        || cell.trials.iter().any(|trial| is_it(&trial.fault)))
            }
            Self::Backlog(one) => is_alike_key(one, key),
        }
    }

    /// What is said of a system whose cells are of other places.
    const fn elsewhere(self) -> &'static str {
        match self {
            Self::Own => "not in this run",
            Self::Rate(_) => "not tried at this rate",
            Self::Fault(..) => "not tried with this fault",
            Self::Backlog(_) => "not tried with this backlog",
        }
    }

    /// Whether nothing of a system in process is hurt by it.
    fn spares_workers(self) -> bool {
        let Self::Fault(fault, _) = self else { return false };
        let deeds = deeds(fault);
        !deeds.is_empty() && deeds.iter().all(|deed| deed.hurt() != Hurt::Workers)
    }
}

/// Whether a cell is of the kind that a part is read from.
fn is_of_part(key: &CellKey, part: &Part) -> bool {
    match part.at {
        At::Backlogs => key.is_of_a_backlog(),
        At::Trials => key.is_of_a_trial() && !key.is_of_a_backlog(),
        _ => {
            let of_tasks = match part.tasks {
                Tasks::Immediate => key.variant.is_none(),
                Tasks::Delayed => key.variant.as_deref() == Some(DELAY),
            };
            of_tasks && matches!(key.load, Load::Rate(_)) && !key.is_of_a_trial()
        }
    }
}

impl Reader<'_> {
    /// Why a system has no figure there, of that metric or of any of the part.
    pub(super) fn missing(
        &self,
        part: &Part,
        place: Place<'_>,
        metric: Option<&Metric>,
        system: &System,
    ) -> Score {
        if part.metrics.is_empty() {
            return Score::words("not measured yet");
        }
        if part.tasks == Tasks::Delayed
            && let Some(why) = system.claims.delay.strip_prefix("unsupported: ")
        {
            return Score::words(format!("unsupported: {why}"));
        }
        let in_process = system.claims.durability == DurabilityClass::InProcess;
        if part.at == At::Backlogs && in_process {
            return Score::words("not applicable: no broker that keeps it");
        }
        if part.at == At::Trials && system.system == crate::analysis::NOOP {
            return Score::words("not applicable: does nothing");
        }
        if in_process && place.spares_workers() {
            return Score::words("not applicable: no broker to hurt");
        }
        if in_process && metric.is_some_and(|metric| metric.name.ends_with(".broker")) {
            return Score::words("not applicable: no broker");
        }
        Score::words(self.because(part, place, metric, system))
    }

    /// `not measured: …`, or its first words alone where nothing more is known.
    fn because(
        &self,
        part: &Part,
        place: Place<'_>,
        metric: Option<&Metric>,
        system: &System,
    ) -> String {
        let outcome = self.found.outcome;
        let is_its = |key: &CellKey| {
            (&key.system, &key.profile) == (&system.system, &system.profile)
                && is_of_part(key, part)
        };
        let cells: Vec<&Cell> = outcome.cells.iter().filter(|cell| is_its(&cell.key)).collect();
        if cells.is_empty() {
            let target = format!("{}/{}", system.system, system.profile);
            let skipped = outcome.skipped.iter().find(|skipped| skipped.target == target);
            return not_measured(skipped.map_or("not in this run", |skipped| &skipped.why));
        }
        let here = || cells.iter().filter(|cell| place.is_of(cell));
        if here().next().is_none() {
            return not_measured(place.elsewhere());
        }
        let names = || match metric {
            Some(metric) => vec![metric.name],
            None => part.metrics.to_vec(),
        };
        let of_metrics = here().flat_map(|cell| {
            names().into_iter().filter_map(|name| match cell.metrics.get(name)? {
                Value::NotMeasured(why) if !why.trim().is_empty() => Some(not_measured(why)),
                Value::Unsupported(why) => Some(format!("unsupported: {why}")),
                _ => None,
            })
        });
        // Where another cell is valid and has no figure either, that is no reason.
        let a_valid_one = here().any(|cell| cell.validity.why().is_none());
        let of_cells = here().filter(|_| !a_valid_one).filter_map(|cell| {
            Some(not_measured(&format!("{}: {}", cell.validity.word(), cell.validity.why()?)))
        });
        of_metrics.chain(of_cells).next().unwrap_or_else(|| "not measured".to_owned())
    }
}

fn not_measured(why: &str) -> String {
    format!("not measured: {why}")
}
