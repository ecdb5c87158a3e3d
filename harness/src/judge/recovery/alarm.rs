//! When an alarm on the error budget would have rung.

use super::facts::Fact;
use super::grid::Grid;
use super::times::Times;
use schedbench_contract::ledger::Enqueue;

/// The error budget: 0.1 % of the tasks, the failure rate from which a load
/// does not count as held either (`docs/measurement.md` §3).
const BUDGET: f64 = 0.001;

/// Burn rate that rings: 14.4 times the budget, which spends 2 % of a 30-day
/// budget in an hour (Google, "The Site Reliability Workbook", chapter 5,
/// "Multiwindow, Multi-Burn-Rate Alerts"). Its windows of 1 h and 5 min are
/// 5 s and 0.5 s here, so that the trial is not all waiting.
const BURN_RATE: f64 = 14.4;

/// Steps in which the alarm is asked, ns.
const STEP_NS: u64 = 100_000_000;

/// The two windows, in steps.
const WINDOWS: [usize; 2] = [50, 5];

/// The same step in seconds, the resolution of the answer.
pub(super) const STEP_S: f64 = STEP_NS as f64 / 1e9;

/// Tasks that turned out good or bad, by when that was known: good at the
/// completion, bad when S had passed since the due time or the system refused
/// it, whichever came first. An alarm knows nothing earlier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Steps before t_f.
    before: usize,
    /// Good and bad tasks of each step.
    steps: Vec<(u32, u32)>,
}

/// When it rang.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rang {
    /// Before the fault already.
    Before,
    /// Seconds after t_f.
    After(f64),
    Never,
}

/// Fills a budget, task by task.
pub(super) struct Filling {
    grid: Grid,
    objective_ns: u64,
    budget: Budget,
}

impl Filling {
    pub(super) fn over(times: &Times, objective_ns: u64) -> Self {
        let grid = Grid::with(times, STEP_NS);
        let budget = Budget { before: grid.before, steps: vec![(0, 0); grid.len] };
        Self { grid, objective_ns, budget }
    }

    pub(super) fn see(&mut self, fact: &Fact) {
        let deadline = fact.due.saturating_add(self.objective_ns);
        let refused = match fact.enqueue {
            Enqueue::Refused => fact.answered,
            _ => None,
        };
        let good = fact.within(self.objective_ns);
        let known = match fact.completed().filter(|_| good) {
            Some(completed) => completed,
            None => refused.map_or(deadline, |at| at.min(deadline)),
        };
        let Some(place) = self.grid.place(known) else { return };
        let (goods, bads) = &mut self.budget.steps[place];
        let count = if good { goods } else { bads };
        *count = count.saturating_add(1);
    }

    pub(super) fn budget(self) -> Budget {
        self.budget
    }
}

impl Budget {
    /// The first step at whose end both windows burn too fast.
    pub(super) fn rang(&self) -> Rang {
        let rings = |&end: &usize| WINDOWS.iter().all(|&width| self.burns(end, width));
        match (1..=self.steps.len()).find(rings) {
            Some(end) if end <= self.before => Rang::Before,
            Some(end) => Rang::After((end - self.before) as f64 * STEP_S),
            None => Rang::Never,
        }
    }

    /// Whether the burn rate exceeds its limit over the `width` steps that end
    /// before step `end`. Where nothing was judged nothing burns.
    fn burns(&self, end: usize, width: usize) -> bool {
        let window = &self.steps[end.saturating_sub(width)..end];
        let (mut good, mut bad) = (0.0, 0.0);
        for &(goods, bads) in window {
            good += f64::from(goods);
            bad += f64::from(bads);
        }
        bad > BURN_RATE * BUDGET * (good + bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds of baseline at 100 good tasks a step, then what is given.
    fn budget(then: &[(u32, u32)]) -> Budget {
        let mut steps = vec![(100, 0); 100];
        steps.extend_from_slice(then);
        Budget { before: 100, steps }
    }

    #[test]
    fn rings_when_both_windows_burn() {
        // 1.44 % of the 5,000 tasks of 5 s are 72: the first step has 60 bad.
        let rang = budget(&[(40, 60), (40, 60), (40, 60)]).rang();
        assert_eq!(rang, Rang::After(0.2));
        // 100 bad of 5,000 at once.
        assert_eq!(budget(&[(0, 100)]).rang(), Rang::After(0.1));
    }

    #[test]
    fn a_burn_within_the_limit_never_rings() {
        assert_eq!(budget(&[(99, 1); 200]).rang(), Rang::Never);
        assert_eq!(budget(&[(98, 2); 200]).rang(), Rang::After(3.7), "74 of 5,000 after 37 steps");
        assert_eq!(budget(&[(0, 0); 200]).rang(), Rang::Never, "nothing judged, nothing burnt");
    }

    #[test]
    fn an_alarm_from_before_the_fault_is_told_apart() {
        let mut earlier = budget(&[(100, 0); 10]);
        earlier.steps[50] = (0, 100);
        assert_eq!(earlier.rang(), Rang::Before);
    }

    #[test]
    fn a_task_is_bad_when_its_deadline_passes_or_it_is_refused() {
        use super::super::facts::Ending;
        const S: u64 = 1_000_000_000;
        let times = Times { steady_from: 0, took_effect: S, cleared: None, ended: 10 * S };
        let mut filling = Filling::over(&times, S);
        let task =
            |due, enqueue, answered, ending| Fact { intended: due, due, enqueue, answered, ending };
        filling.see(&task(S, Enqueue::Confirmed, None, Ending::Completed(S + S / 2)));
        filling.see(&task(S, Enqueue::Confirmed, None, Ending::Completed(3 * S)));
        filling.see(&task(4 * S, Enqueue::Refused, Some(4 * S), Ending::Never));
        filling.see(&task(5 * S, Enqueue::Unsent, None, Ending::Never));
        let budget = filling.budget();
        let told: Vec<(usize, (u32, u32))> = budget
            .steps
            .iter()
            .copied()
            .enumerate()
            .filter(|&(_, counts)| counts != (0, 0))
            .collect();
        assert_eq!(told, [(15, (1, 0)), (20, (0, 1)), (40, (0, 1)), (60, (0, 1))]);
    }
}
