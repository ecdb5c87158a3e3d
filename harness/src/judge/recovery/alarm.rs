//! When an alarm on the error budget would have rung.

use super::facts::Fact;
use super::grid::Grid;
use super::times::Times;

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
const LONG: usize = 50;
const SHORT: usize = 5;

/// The same step in seconds, the resolution of the answer.
pub(super) const STEP_S: f64 = STEP_NS as f64 / 1e9;

/// Tasks that turned out good or bad, by when that was known: good at the
/// completion, bad when S had passed since the due time or the system refused
/// it, whichever came first. An alarm knows nothing earlier.
///
/// The long window reaches back into the warm-up, and is never judged on less
/// than all of itself: over a part of it few bad tasks are many. So a fault
/// that comes before 5 s of tasks have been told, after the first arrival or
/// after an earlier fault, has no alarm. The short window stays out of the
/// warm-up, or a cold start would ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Steps before t_f.
    before: usize,
    /// Steps after which it is first asked.
    asked_from: usize,
    /// Good and bad tasks of each step.
    steps: Vec<(u32, u32)>,
}

/// When it rang.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rang {
    /// The fault took effect before there was enough to ask.
    NotAsked,
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
    /// `undisturbed_from` is from when tasks count for the long window.
    pub(super) fn over(times: &Times, undisturbed_from: u64, objective_ns: u64) -> Self {
        let steady_from = times.steady_from.min(undisturbed_from);
        let grid = Grid::with(&Times { steady_from, ..*times }, STEP_NS);
        let baseline = (times.baseline_ns() / STEP_NS) as usize;
        let asked_from = LONG.max(grid.before.saturating_sub(baseline) + SHORT);
        let budget = Budget { before: grid.before, asked_from, steps: vec![(0, 0); grid.len] };
        Self { grid, objective_ns, budget }
    }

    pub(super) fn see(&mut self, fact: &Fact) {
        let deadline = fact.due.saturating_add(self.objective_ns);
        let good = fact.within(self.objective_ns);
        let known = match fact.completed().filter(|_| good) {
            Some(completed) => completed,
            None => fact.refused().map_or(deadline, |at| at.min(deadline)),
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
    /// The first step at whose end both windows burn too fast, of those asked.
    pub(super) fn rang(&self) -> Rang {
        if self.asked_from > self.before + 1 {
            return Rang::NotAsked;
        }
        let rings = |&end: &usize| [LONG, SHORT].iter().all(|&width| self.burns(end, width));
        match (self.asked_from..=self.steps.len()).find(rings) {
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
    use schedbench_contract::ledger::Enqueue;

    use super::super::facts::Ending;
    use super::*;

    const S: u64 = 1_000_000_000;

    /// Ten seconds of baseline at 100 good tasks a step, then what is given.
    fn budget(then: &[(u32, u32)]) -> Budget {
        let mut steps = vec![(100, 0); 100];
        steps.extend_from_slice(then);
        Budget { before: 100, asked_from: LONG, steps }
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
        let times = Times { steady_from: 0, took_effect: S, cleared: None, ended: 10 * S };
        let mut filling = Filling::over(&times, 0, S);
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

    /// 20,000/s, the window open at 10 s and the fault 1 s later, tasks told
    /// from `undisturbed_from` on. From the fault on 3 % are refused at once.
    fn three_percent_refused(undisturbed_from: u64) -> Rang {
        let times =
            Times { steady_from: 10 * S, took_effect: 11 * S, cleared: None, ended: 20 * S };
        let mut filling = Filling::over(&times, undisturbed_from, S);
        for task in 0..20_000 * (20 * S - undisturbed_from) / S {
            let due = undisturbed_from + task * S / 20_000;
            let is_refused = due >= 11 * S && task % 100 < 3;
            let (enqueue, ending) = match is_refused {
                true => (Enqueue::Refused, Ending::Never),
                false => (Enqueue::Confirmed, Ending::Completed(due)),
            };
            filling.see(&Fact { intended: due, due, enqueue, answered: Some(due), ending });
        }
        filling.budget().rang()
    }

    /// 60 bad of 2,000 in each step. 1.44 % of the 100,000 of 5 s are 1,440, 24
    /// steps of them: the 25th is past it. Over the 1 s of the baseline alone
    /// it would have been past it after 10.
    #[test]
    fn the_long_window_reaches_back_into_the_warm_up() {
        assert_eq!(three_percent_refused(5 * S), Rang::After(2.5));
        assert_eq!(three_percent_refused(6 * S), Rang::After(2.5), "5 s before the fault");
        assert_eq!(three_percent_refused(7 * S), Rang::NotAsked, "4 s before it");
        assert_eq!(three_percent_refused(10 * S), Rang::NotAsked, "no warm-up");
    }

    /// 500/s from 2 s before the window on. One task of the warm-up, due 0.95 s
    /// before the window, took 1.2 s: 1 bad of 51 in the window's first step,
    /// and 1 of 2,500 in 5 s.
    #[test]
    fn one_late_task_of_the_warm_up_does_not_ring() {
        for (took_effect, warmup) in [(62, 2), (62, 0), (12, 2), (8, 2)] {
            let took_effect = took_effect * S;
            let times = Times {
                steady_from: 2 * S,
                took_effect,
                cleared: None,
                ended: took_effect + 9 * S,
            };
            let mut filling = Filling::over(&times, (2 - warmup) * S, S);
            for task in 0..500 * times.ended / S {
                let due = task * S / 500;
                let took = if due == 1_050_000_000 { 1_200_000_000 } else { 1_000_000 };
                filling.see(&Fact {
                    intended: due,
                    due,
                    enqueue: Enqueue::Confirmed,
                    answered: Some(due),
                    ending: Ending::Completed(due + took),
                });
            }
            let budget = filling.budget();
            let bad: u32 = budget.steps.iter().map(|step| step.1).sum();
            assert_eq!((budget.rang(), bad), (Rang::Never, 1), "{took_effect} {warmup}");
        }
    }

    /// All tasks of a cold start of 4 s are late, the last of them known as
    /// that 1 s later. It is half of the long window and none of the short one.
    #[test]
    fn a_cold_start_does_not_ring() {
        let times = Times { steady_from: 5 * S, took_effect: 9 * S, cleared: None, ended: 15 * S };
        let mut filling = Filling::over(&times, 0, S);
        for task in 0..15_000 {
            let due = task * S / 1_000;
            let took = if due < 4 * S { 2 * S } else { 1_000_000 };
            let ending = Ending::Completed(due + took);
            let enqueue = Enqueue::Confirmed;
            filling.see(&Fact { intended: due, due, enqueue, answered: Some(due), ending });
        }
        assert_eq!(filling.budget().rang(), Rang::Never);
    }
}
