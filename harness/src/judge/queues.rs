//! The queues of a cell that has several: which of them a fault stopped, and
//! how long until they ran again.

use schedbench_reports::outcome::Reading;

use super::recovery::Times;
use super::seconds_between;
use super::tasks::{self, Seen};
use crate::record::Evidence;

/// Tasks that each queue has to do in as long a time before the fault: else a
/// queue may do nothing by chance.
const ENOUGH: u64 = 10;

/// What one queue did.
#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    /// First successes before the fault, in a time as long as it.
    before: u64,
    /// First successes in the fault, once it had lasted for a tenth of itself:
    /// what was being run when it took effect is done by then.
    meanwhile: u64,
    /// The first of them after it was healed, monotonic ns.
    again: Option<u64>,
}

/// `queues.stalled` and `queues.resumed` (`docs/measurement.md` §9); nothing
/// where a cell has one queue.
pub(super) fn readings(evidence: &Evidence<'_>, times: &Times) -> Vec<(&'static str, Reading)> {
    let queues = evidence.plan.target.profile.topology.queues();
    if queues == 1 {
        return Vec::new();
    }
    let [stalled, resumed] = match times.cleared {
        Some(cleared) => told(&of_each(evidence, times, cleared, queues), times, cleared),
        None => ["it was not healed while it was watched"; 2].map(Reading::not_measured),
    };
    vec![("queues.stalled", stalled), ("queues.resumed", resumed)]
}

fn of_each(evidence: &Evidence<'_>, times: &Times, cleared: u64, queues: usize) -> Vec<Queue> {
    let lasted = cleared.saturating_sub(times.took_effect);
    let before = times.took_effect.saturating_sub(lasted)..times.took_effect;
    let meanwhile = times.took_effect + lasted / 10..cleared;
    let mut all = vec![Queue::default(); queues];
    tasks::each(evidence, |seen| {
        let Seen::Task(task) = seen else { return };
        let Some(end) = task.entry.first_end else { return };
        let queue = &mut all[(task.sequence % queues as u64) as usize];
        queue.before += u64::from(before.contains(&end));
        queue.meanwhile += u64::from(meanwhile.contains(&end));
        if end >= cleared {
            queue.again = Some(queue.again.map_or(end, |again| again.min(end)));
        }
    });
    all
}

fn told(all: &[Queue], times: &Times, cleared: u64) -> [Reading; 2] {
    if all.iter().any(|queue| queue.before < ENOUGH) {
        let why = format!("fewer than {ENOUGH} tasks of a queue in as long a time before it");
        return [Reading::NotMeasured(why.clone()), Reading::NotMeasured(why)];
    }
    let stalled: Vec<&Queue> = all.iter().filter(|queue| queue.meanwhile == 0).collect();
    let share = Reading::Is(stalled.len() as f64 / all.len() as f64);
    if stalled.is_empty() {
        return [share, Reading::NoImpact];
    }
    let again: Option<Vec<u64>> = stalled.iter().map(|queue| queue.again).collect();
    let resumed = match again.and_then(|all| all.into_iter().max()) {
        Some(last) => Reading::Is(seconds_between(cleared, last)),
        None => Reading::MoreThan(seconds_between(cleared, times.ended)),
    };
    [share, resumed]
}
