//! SLA attainment: the share of tasks that completed within the objective.

use super::Reading;
use super::facts::Fact;
use super::times::Times;

/// Tasks that count, and those of them that completed within S of due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Completed within the objective.
    pub within: u64,
    /// All: refused, unsent, unknown and lost ones are in it.
    pub of: u64,
}

impl Share {
    fn see(&mut self, within: bool) {
        self.of += 1;
        self.within += u64::from(within);
    }

    fn reading(self) -> Reading {
        if self.of == 0 {
            return Reading::not_measured("no task was intended in it");
        }
        Reading::Is(self.within as f64 / self.of as f64)
    }
}

/// Attainment while the fault lasted and over the whole trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Of the tasks intended in [t_f, t_c), or until the end of the watching.
    pub in_fault: Share,
    /// Of all tasks intended in the steady part or later.
    pub overall: Share,
}

/// SLA attainment, shares of 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Attainment {
    /// |intended inside [t_f, t_c) and completed within S| / |intended inside|.
    pub in_fault: Reading,
    /// The same over the trial.
    pub overall: Reading,
}

impl Served {
    /// A task whose S had not passed when the watching ended is in neither:
    /// it could still have come in time.
    pub(super) fn see(&mut self, fact: &Fact, times: &Times, objective_ns: u64) {
        let decided = fact.due.saturating_add(objective_ns) <= times.ended;
        if !decided || fact.intended < times.steady_from {
            return;
        }
        let within = fact.within(objective_ns);
        self.overall.see(within);
        if (times.took_effect..times.fault_until()).contains(&fact.intended) {
            self.in_fault.see(within);
        }
    }

    pub(super) fn attainment(&self) -> Attainment {
        Attainment { in_fault: self.in_fault.reading(), overall: self.overall.reading() }
    }
}

#[cfg(test)]
mod tests {
    use schedbench_contract::ledger::Enqueue;

    use super::super::facts::Ending;
    use super::*;

    #[test]
    fn whatever_did_not_complete_in_time_counts_against_it() {
        let times = Times { steady_from: 10, took_effect: 100, cleared: Some(200), ended: 400 };
        let mut served = Served::default();
        let task = |due, ending| Fact {
            intended: due,
            due,
            enqueue: Enqueue::Unknown,
            answered: None,
            ending,
        };
        served.see(&task(5, Ending::Never), &times, 50);
        served.see(&task(50, Ending::Completed(100)), &times, 50);
        served.see(&task(100, Ending::Completed(150)), &times, 50);
        served.see(&task(110, Ending::Completed(161)), &times, 50);
        served.see(&task(120, Ending::Lost), &times, 50);
        served.see(&task(130, Ending::Never), &times, 50);
        served.see(&task(200, Ending::Completed(210)), &times, 50);
        served.see(&task(351, Ending::Open), &times, 50);
        assert_eq!(served.in_fault, Share { within: 1, of: 4 });
        assert_eq!(served.overall, Share { within: 3, of: 6 });
        assert_eq!(served.attainment().in_fault, Reading::Is(0.25));
        let none = Served::default().attainment().in_fault;
        assert!(matches!(none, Reading::NotMeasured(_)));
    }
}
