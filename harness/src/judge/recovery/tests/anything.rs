//! Any facts and any moments: something is said, and nothing contradicts
//! itself.

use proptest::prelude::*;
use schedbench_contract::ledger::Enqueue;

use super::super::{Ending, Fact, Fault, Interval, Reading, Times, judge};
use super::stage::{S, by_hand, conditions, judged};

fn instant() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..40 * S, 1 => any::<u64>()]
}

fn fact() -> impl Strategy<Value = Fact> {
    let enqueue = prop_oneof![
        8 => Just(Enqueue::Confirmed),
        1 => Just(Enqueue::Refused),
        1 => Just(Enqueue::Unknown),
        1 => Just(Enqueue::Unsent),
    ];
    let ending = prop_oneof![
        8 => instant().prop_map(Ending::Completed),
        1 => Just(Ending::Open),
        1 => Just(Ending::Lost),
        1 => Just(Ending::Dead),
        1 => Just(Ending::Never),
    ];
    (instant(), instant(), enqueue, prop::option::of(instant()), ending).prop_map(
        |(intended, due, enqueue, answered, ending)| Fact {
            intended,
            due,
            enqueue,
            answered,
            ending,
        },
    )
}

fn interval() -> impl Strategy<Value = Interval> {
    let completed = prop_oneof![Just(0), Just(1_850), Just(2_000), 0..9_000_u64];
    let p99 = prop::option::of(prop_oneof![Just(5e6), 1e6..1e8]);
    let errors = prop::option::of(prop_oneof![3 => Just(0.0), 1 => 0.0..1.0_f64]);
    (completed, p99, errors, 0..300_i64).prop_map(|(completed, p99_ns, errors, backlog)| Interval {
        completed,
        p99_ns,
        window: 1,
        errors,
        backlog,
    })
}

fn moment() -> impl Strategy<Value = u64> {
    0..40 * S
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Also where a fault is cleared before it took effect, or takes effect
    /// before the steady part or after the end.
    #[test]
    fn nothing_panics(
        facts in prop::collection::vec(fact(), 0..100),
        steady_from in moment(),
        took_effect in moment(),
        cleared in prop::option::of(moment()),
        ended in moment(),
    ) {
        let times = Times { steady_from, took_effect, cleared, ended };
        let told = judged(&facts, conditions(times));
        if told.baseline.is_none() {
            prop_assert!(matches!(
                told.from_fault,
                Reading::NotMeasured(_) | Reading::NotSteady(_)
            ));
        }
        for share in [&told.attainment.in_fault, &told.attainment.overall] {
            prop_assert!(share.number().is_none_or(|share| (0.0..=1.0).contains(&share)));
        }
    }

    /// After a steady minute, intervals of any kind.
    #[test]
    fn figures_agree_with_each_other(
        then in prop::collection::vec((1..60_usize, interval()), 0..12),
        cleared in 0..300_u64,
    ) {
        let trial = by_hand(&then, cleared);
        let watched = (trial.series.intervals.len() - 60) as f64;
        let told = judge(&trial);
        prop_assert!(told.baseline.is_some());
        let Some(impact) = told.detection.impact.number() else {
            prop_assert_eq!(&told.from_fault, &Reading::NoImpact);
            prop_assert_eq!(&told.lost_goodput, &Reading::NoImpact);
            return Ok(());
        };
        let from_fault = told.from_fault.number().unwrap_or(f64::NAN);
        prop_assert!(impact < from_fault && from_fault <= watched, "{told:?}");
        let healed = (cleared as f64 <= watched).then_some(cleared as f64);
        prop_assert_eq!(told.from_heal.number(), healed.map(|healed| from_fault - healed));
        prop_assert_eq!(told.drain.number().is_some(), healed.is_some());
        let drained = told.drain.number().zip(healed).map(|(drain, healed)| drain + healed);
        prop_assert!(drained.is_none_or(|drained| (0.0..=watched).contains(&drained)), "{told:?}");
        let lost = told.lost_goodput.number().unwrap_or(f64::NAN);
        prop_assert!((0.0..=2_000.0 * watched).contains(&lost), "{told:?}");
        let exact = |reading: &Reading| matches!(reading, Reading::Is(_));
        prop_assert_eq!(exact(&told.from_fault), exact(&told.relapses));
        prop_assert_eq!(exact(&told.from_fault), exact(&told.lost_goodput));
    }

    /// Whatever the faults, the trials follow each other and do not overlap.
    #[test]
    fn trials_do_not_overlap(
        faults in prop::collection::vec((moment(), prop::option::of(0..10 * S)), 0..8),
        ended in moment(),
    ) {
        let faults: Vec<Fault> = faults
            .iter()
            .map(|&(at, lasts)| Fault { took_effect: at, cleared: lasts.map(|lasts| at + lasts) })
            .collect();
        let trials = Times::of(&faults, 0, ended);
        for pair in trials.windows(2) {
            prop_assert!(pair[0].ended <= pair[1].took_effect);
            prop_assert!(pair[0].took_effect < pair[1].took_effect);
        }
    }
}
