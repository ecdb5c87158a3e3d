//! The moments of a trial, and faults that overlap.

use super::{Reading, Recovery};

/// Longest baseline, ns: 60 s, or all of the steady part if that is shorter.
pub(super) const LONGEST_BASELINE_NS: u64 = 60_000_000_000;

/// One fault of the timeline. Monotonic ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// t_f: when the injector saw it take effect.
    pub took_effect: u64,
    /// t_c: when it was cleared; `None` for one that stays.
    pub cleared: Option<u64>,
}

/// The moments that a trial is judged by. Monotonic ns of the one clock that
/// injector, generator and handlers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When the steady part began: the end of the warm-up, or the end of the
    /// fault before this one.
    pub steady_from: u64,
    /// t_f.
    pub took_effect: u64,
    /// t_c; `None` when the fault was not cleared while it was watched.
    pub cleared: Option<u64>,
    /// When the watching ended: the end of the run, or the next fault.
    pub ended: u64,
}

impl Times {
    /// One entry for each stretch of time in which something was broken.
    ///
    /// Faults that overlap or touch are one, from the first effect to the last
    /// healing: what one of them alone would have done cannot be told. Faults
    /// apart from each other are judged apart: the view of the earlier ends
    /// where the later takes effect, and the later's baseline begins where the
    /// earlier was cleared, or recovered from: [`Self::after`].
    #[must_use]
    pub fn of(faults: &[Fault], steady_from: u64, ended: u64) -> Vec<Self> {
        let mut faults = faults.to_vec();
        faults.sort_unstable_by_key(|fault| fault.took_effect);
        let mut stretches: Vec<Fault> = Vec::new();
        for fault in faults {
            match stretches.last_mut() {
                Some(last) if last.cleared.is_none_or(|end| fault.took_effect <= end) => {
                    last.cleared = last.cleared.zip(fault.cleared).map(|(a, b)| a.max(b));
                }
                _ => stretches.push(fault),
            }
        }
        let mut steady_from = steady_from;
        let next_effects = stretches.iter().skip(1).map(|next| next.took_effect).chain([ended]);
        let views = stretches.iter().zip(next_effects).map(|(stretch, next)| {
            let ended = next.min(ended);
            let times = Self {
                steady_from,
                took_effect: stretch.took_effect,
                cleared: stretch.cleared.filter(|&cleared| cleared <= ended),
                ended,
            };
            steady_from = stretch.cleared.unwrap_or(ended);
            times
        });
        views.collect()
    }

    /// The same trial with a baseline that begins where the system had
    /// recovered from the fault before it, if it had.
    #[must_use]
    pub fn after(self, earlier: &Self, recovery: &Recovery) -> Self {
        match recovery.from_fault {
            Reading::Is(seconds) => {
                let recovered = earlier.took_effect.saturating_add((seconds * 1e9) as u64);
                Self { steady_from: self.steady_from.max(recovered), ..self }
            }
            _ => self,
        }
    }

    /// When the baseline W = [t_f − w, t_f) begins.
    pub(super) fn baseline_from(&self) -> u64 {
        self.steady_from.max(self.took_effect.saturating_sub(LONGEST_BASELINE_NS))
    }

    /// w, ns.
    pub(super) fn baseline_ns(&self) -> u64 {
        self.took_effect.saturating_sub(self.baseline_from())
    }

    /// When the fault was over, or the watching.
    pub(super) fn fault_until(&self) -> u64 {
        self.cleared.unwrap_or(self.ended).min(self.ended)
    }

    /// D = t_c − t_f, seconds, if it was cleared while it was watched.
    pub(super) fn duration_s(&self) -> Option<f64> {
        let cleared = self.cleared.filter(|&cleared| cleared <= self.ended)?;
        Some(self.since_effect_s(cleared))
    }

    /// Seconds from t_f, negative before it.
    pub(super) fn since_effect_s(&self, instant: u64) -> f64 {
        (i128::from(instant) - i128::from(self.took_effect)) as f64 / 1e9
    }

    /// How long it was watched from t_f on, seconds.
    pub(super) fn watched_s(&self) -> f64 {
        self.since_effect_s(self.ended).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(took_effect: u64, cleared: impl Into<Option<u64>>) -> Fault {
        Fault { took_effect, cleared: cleared.into() }
    }

    fn told(faults: &[Fault]) -> Vec<(u64, u64, Option<u64>, u64)> {
        let each = |t: &Times| (t.steady_from, t.took_effect, t.cleared, t.ended);
        Times::of(faults, 5, 100).iter().map(each).collect()
    }

    #[test]
    fn overlapping_faults_are_one() {
        assert_eq!(told(&[fault(20, 40), fault(10, 30)]), [(5, 10, Some(40), 100)]);
        assert_eq!(told(&[fault(10, 50), fault(20, 30)]), [(5, 10, Some(50), 100)]);
        assert_eq!(told(&[fault(10, 20), fault(20, 30)]), [(5, 10, Some(30), 100)]);
    }

    #[test]
    fn faults_apart_each_have_their_view() {
        let seen = told(&[fault(10, 20), fault(60, 70)]);
        assert_eq!(seen, [(5, 10, Some(20), 60), (20, 60, Some(70), 100)]);
    }

    #[test]
    fn a_fault_that_stays_swallows_what_follows() {
        assert_eq!(told(&[fault(10, None), fault(60, 70)]), [(5, 10, None, 100)]);
        assert_eq!(told(&[fault(10, 200)]), [(5, 10, None, 100)], "cleared after the watching");
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn the_baseline_is_sixty_seconds_or_what_there_is() {
        let s = 1_000_000_000;
        let times = |steady_from| Times {
            steady_from,
            took_effect: 100 * s,
            cleared: Some(130 * s),
            ended: 300 * s,
        };
        assert_eq!(times(0).baseline_ns(), 60 * s);
        assert_eq!(times(90 * s).baseline_ns(), 10 * s);
        assert_eq!(times(200 * s).baseline_ns(), 0);
        assert_eq!(times(0).duration_s(), Some(30.0));
        assert_eq!(times(0).since_effect_s(40 * s), -60.0);
    }
}
