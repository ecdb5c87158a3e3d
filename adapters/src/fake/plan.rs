//! What the fake broker does wrong, and to which tasks: computable without
//! running it, so that a test can ask the judge for exact counts.

use std::ops::Range;

use schedbench_contract::{RunEnd, TaskId, Work, seeded};

use crate::handler;

/// `fires-early`: this much before a task is due.
pub const EARLY_BY_NS: u64 = 5_000_000;
/// `fires-late`: this much after it.
pub const LATE_BY_NS: u64 = 200_000_000;
/// `slow-confirms`: from hand-over to confirmation.
pub const CONFIRM_AFTER_NS: u64 = 20_000_000;
/// `stalls`: from the first hand-over to the stall.
pub const STALL_AFTER_NS: u64 = 1_000_000_000;
/// `stalls`: how long no task starts.
pub const STALL_NS: u64 = 500_000_000;
/// `back-pressure`: the period.
pub const PRESSURE_EVERY_NS: u64 = 10_000_000;
/// `back-pressure`: how long, at the start of each period of the monotonic
/// clock, nothing is taken.
pub const PRESSURE_NS: u64 = 2_000_000;
/// `reorders`: how long a task waits to be overtaken; at lower rates than one
/// task in this time, some are not.
pub const OVERTAKEN_WITHIN_NS: u64 = 500_000_000;

/// The one thing a profile does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    None,
    /// Confirms tasks and never runs them.
    Loses,
    /// Runs the handler twice.
    Duplicates,
    /// Sends tasks twice and runs the handler for both.
    Resends,
    /// Starts a task before the one handed over just before it.
    Reorders,
    /// Starts delayed tasks [`EARLY_BY_NS`] before they are due.
    FiresEarly,
    /// Starts delayed tasks [`LATE_BY_NS`] after they are due.
    FiresLate,
    /// Acknowledges before the handler and never retries, though it says so.
    Forgets,
    /// Refuses tasks and runs them.
    Phantom,
    /// Runs ids that nobody sent, beside the tasks.
    Invents,
    /// Delivers other bodies than were sent.
    Corrupts,
    /// Starts nothing for [`STALL_NS`].
    Stalls,
    /// Takes nothing for [`PRESSURE_NS`] of every [`PRESSURE_EVERY_NS`].
    BackPressure,
    /// Confirms after [`CONFIRM_AFTER_NS`].
    SlowConfirms,
    /// Leaves the fate of tasks unknown, and runs half of those.
    Unknown,
    /// Serves one task at a time, slowly.
    SlowServer,
    /// Every task starts 5 ms late.
    Constant,
    /// 90 % start 1 ms late, 10 % 20 ms.
    Bimodal,
    /// Exponential lateness, 5 ms in the mean.
    Exponential,
    /// Keeps tasks for ever and says so.
    Keeps,
}

impl Defect {
    /// That of a profile; `None` for a name that is not one of the fake's.
    #[must_use]
    pub fn of(profile: &str) -> Option<Self> {
        super::DEFECTS.iter().find(|(name, _)| *name == profile).map(|&(_, defect)| defect)
    }

    /// It strikes one task in this many: the last of each such group.
    const fn one_in(self) -> Option<u64> {
        match self {
            Self::Loses
            | Self::Duplicates
            | Self::Resends
            | Self::Reorders
            | Self::Phantom
            | Self::Corrupts
            | Self::Unknown
            | Self::Keeps => Some(100),
            Self::FiresEarly | Self::FiresLate => Some(50),
            Self::Invents => Some(1_000),
            Self::None
            | Self::Forgets
            | Self::Stalls
            | Self::BackPressure
            | Self::SlowConfirms
            | Self::SlowServer
            | Self::Constant
            | Self::Bimodal
            | Self::Exponential => None,
        }
    }

    /// Whether it strikes the task of that sequence number.
    #[must_use]
    pub const fn strikes(self, sequence: u64) -> bool {
        match self.one_in() {
            Some(group) => sequence % group == group - 1,
            None => false,
        }
    }

    /// How long its one server takes for each task; `None` when any number of
    /// tasks start at a time.
    #[must_use]
    pub const fn service_ns(self) -> Option<u64> {
        match self {
            Self::Stalls => Some(50_000),
            Self::SlowServer => Some(500_000),
            _ => None,
        }
    }

    /// How late it starts the task; 0 where that is not its defect.
    #[must_use]
    pub fn latency_ns(self, id: TaskId) -> u64 {
        let uniform = || seeded::unit(seeded::mix(seeded::purpose(id.bits(), 0x1a7e)));
        match self {
            Self::Constant => 5_000_000,
            Self::Bimodal if uniform() < 0.9 => 1_000_000,
            Self::Bimodal => 20_000_000,
            Self::Exponential => (-5_000_000.0 * uniform().ln()) as u64,
            _ => 0,
        }
    }

    /// Whether starts are stamped with the time that the plan computes rather
    /// than with the clock, which would add this thread's own waking.
    pub(super) const fn is_exact(self) -> bool {
        matches!(
            self,
            Self::Stalls
                | Self::SlowServer
                | Self::Constant
                | Self::Bimodal
                | Self::Exponential
                | Self::FiresEarly
                | Self::FiresLate
        )
    }
}

/// Whether a profile plants its defect on the task of that sequence number.
///
/// `reorders` names the task that overtakes its predecessor; `fires-early` and
/// `fires-late` strike it only if it is delayed. Profiles that treat all tasks
/// alike plant nothing in this sense.
#[must_use]
pub fn is_planted(profile: &str, sequence: u64) -> bool {
    Defect::of(profile).is_some_and(|defect| defect.strikes(sequence))
}

/// How many tasks of a range a profile plants its defect on.
#[must_use]
pub fn planted(profile: &str, sequences: Range<u64>) -> u64 {
    let group = Defect::of(profile).and_then(Defect::one_in);
    group.map_or(0, |group| sequences.end / group - sequences.start.min(sequences.end) / group)
}

/// How many tasks of a range `acks-early-and-forgets` forgets: those whose
/// first attempt is planned to fail while another is allowed.
#[must_use]
pub fn forgotten(work: &Work, sequences: Range<u64>) -> u64 {
    let fails = |&sequence: &u64| {
        let id = TaskId::new(work.cell, sequence);
        handler::planned_end(work, id, 0) == RunEnd::Failed
    };
    sequences.filter(fails).count() as u64
}

/// Whether `unknown-1-in-100` runs a task whose fate it leaves unknown.
#[must_use]
pub const fn unknown_runs(sequence: u64) -> bool {
    (sequence / 100).is_multiple_of(2)
}

/// The id that `invents` runs beside the task of that id.
#[must_use]
pub const fn invented(beside: TaskId) -> TaskId {
    TaskId::new(beside.cell(), TaskId::MAX_SEQUENCE - beside.sequence())
}

/// Tasks per second that a profile serves at most; `None` for no limit.
#[must_use]
pub fn capacity_per_s(profile: &str) -> Option<u64> {
    let service_ns = Defect::of(profile).and_then(Defect::service_ns)?;
    Some(1_000_000_000 / service_ns)
}

/// How late a profile starts a task, where that is what it plants.
#[must_use]
pub fn latency_ns(profile: &str, id: TaskId) -> Option<u64> {
    let defect = Defect::of(profile)?;
    let known = matches!(defect, Defect::Constant | Defect::Bimodal | Defect::Exponential);
    known.then(|| defect.latency_ns(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_a_range_is_the_number_of_planted_sequences_in_it() {
        for &(profile, _) in crate::fake::DEFECTS {
            for range in [0..0, 0..99, 0..100, 57..4_321, 99..101, 1_000..1_000] {
                let counted = range.clone().filter(|&n| is_planted(profile, n)).count() as u64;
                assert_eq!(planted(profile, range.clone()), counted, "{profile} {range:?}");
            }
        }
    }

    #[test]
    fn latencies_have_the_distribution_of_their_name() {
        let mean = |profile| {
            let all = (0..20_000).map(|n| latency_ns(profile, TaskId::new(1, n)).expect("known"));
            all.sum::<u64>() / 20_000
        };
        assert_eq!(mean("latency-constant-5ms"), 5_000_000);
        // 0.9 × 1 ms + 0.1 × 20 ms, standard error 40 µs.
        assert!(mean("latency-bimodal").abs_diff(2_900_000) < 200_000);
        // Standard error 35 µs.
        assert!(mean("latency-exponential-5ms").abs_diff(5_000_000) < 180_000);
        assert_eq!(latency_ns("honest", TaskId::new(1, 1)), None);
    }
}
