//! What was lost, and how long before the fault it had been acknowledged.

use schedbench_contract::ledger::Enqueue;

use super::Reading;
use super::facts::{Ending, Fact};
use super::times::Times;
use super::trial::Conditions;

/// How long before a kill an acknowledgement counts as exposed to it, ns: the
/// last second.
const EXPOSED_NS: u64 = 1_000_000_000;

/// Sums over the tasks of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Acknowledged and proved lost.
    pub lost: u64,
    /// The earliest acknowledgement among them, monotonic ns.
    pub earliest_ack: Option<u64>,
    /// Acknowledged in the last second before the kill.
    pub exposed: u64,
}

/// The loss of one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Tasks acknowledged and proved lost.
    pub lost: u64,
    /// max over lost of (t_f − acknowledged), seconds: to be compared with
    /// what a system promises ("1–2 s"). Negative when all were acknowledged
    /// after the fault took effect.
    pub window_s: Reading,
    /// Tasks acknowledged in the last second before the kill, or before t_f where
    /// nothing was ended: what a zero was measured on.
    pub exposed: u64,
}

impl Losses {
    pub(super) fn see(&mut self, fact: &Fact, conditions: &Conditions) {
        let Conditions { struck_at, acknowledged_in, .. } = conditions;
        let acknowledged = fact.answered.filter(|_| fact.enqueue == Enqueue::Confirmed);
        let exposed = struck_at.saturating_sub(EXPOSED_NS)..*struck_at;
        self.exposed += u64::from(acknowledged.is_some_and(|at| exposed.contains(&at)));
        let is_its = acknowledged_in.contains(&acknowledged.unwrap_or(fact.intended));
        if fact.ending == Ending::Lost && is_its {
            self.lost += 1;
            self.earliest_ack = self.earliest_ack.into_iter().chain(acknowledged).min();
        }
    }

    pub(super) fn loss(&self, times: &Times) -> Loss {
        let window_s = match self.earliest_ack {
            Some(at) => Reading::Is(-times.since_effect_s(at)),
            None if self.lost == 0 => Reading::not_measured("nothing was lost"),
            None => Reading::not_measured("no lost task has the time of its acknowledgement"),
        };
        Loss { lost: self.lost, window_s, exposed: self.exposed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn told(facts: &[(Enqueue, u64, Ending)]) -> Loss {
        told_of(10 * S, facts)
    }

    fn told_of(struck_at: u64, facts: &[(Enqueue, u64, Ending)]) -> Loss {
        let times = Times { steady_from: 0, took_effect: 10 * S, cleared: None, ended: 20 * S };
        let conditions = Conditions {
            times,
            objective_ns: S,
            load: None,
            undisturbed_from: 0,
            errors_seen: Vec::new(),
            struck_at,
            acknowledged_in: 0..u64::MAX,
        };
        let mut losses = Losses::default();
        for &(enqueue, answered, ending) in facts {
            let fact = Fact { intended: 0, due: 0, enqueue, answered: Some(answered), ending };
            losses.see(&fact, &conditions);
        }
        losses.loss(&times)
    }

    #[test]
    fn the_window_reaches_back_to_the_earliest_acknowledgement() {
        let loss = told(&[
            (Enqueue::Confirmed, 8_500_000_000, Ending::Lost),
            (Enqueue::Confirmed, 9_200_000_000, Ending::Lost),
            (Enqueue::Confirmed, 9_100_000_000, Ending::Completed(11 * S)),
            (Enqueue::Refused, 9_100_000_000, Ending::Never),
            (Enqueue::Confirmed, 10 * S, Ending::Open),
        ]);
        assert_eq!(loss, Loss { lost: 2, window_s: Reading::Is(1.5), exposed: 2 });
    }

    #[test]
    fn exposed_is_what_came_just_before_the_kill_and_not_before_a_cut() {
        let facts = [9_500_000_000, 10_500_000_000, 12_500_000_000, 13_100_000_000]
            .map(|at| (Enqueue::Confirmed, at, Ending::Completed(14 * S)));
        assert_eq!(told(&facts).exposed, 1);
        assert_eq!(told_of(13 * S, &facts).exposed, 1);
        assert_eq!(told_of(13_200_000_000, &facts).exposed, 2);
    }

    #[test]
    fn a_loss_after_the_fault_is_negative_and_none_is_no_number() {
        let after = told(&[(Enqueue::Confirmed, 11 * S, Ending::Lost)]);
        assert_eq!(after.window_s, Reading::Is(-1.0));
        assert_eq!(told(&[]).window_s, Reading::not_measured("nothing was lost"));
    }
}
