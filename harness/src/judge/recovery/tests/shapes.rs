//! Series by hand: what each shape reads.

use super::super::{Interval, Reading, judge};
use super::stage::{HEALTHY, OUTAGE, S, by_hand};

const SLOW: Interval = Interval { p99_ns: Some(11e6), ..HEALTHY };

#[test]
fn a_fault_that_does_nothing_reads_no_impact_and_never_zero() {
    let told = judge(&by_hand(&[(100, HEALTHY)], 30));
    let detection = &told.detection;
    for reading in [
        &detection.impact,
        &detection.client,
        &detection.alarm,
        &told.from_fault,
        &told.from_heal,
        &told.relapses,
        &told.drain,
        &told.drain_multiple,
        &told.lost_goodput,
    ] {
        assert_eq!(*reading, Reading::NoImpact);
    }
    assert!(told.baseline.is_some());
}

#[test]
fn two_bad_intervals_are_no_impact_and_three_are() {
    let two = judge(&by_hand(&[(2, OUTAGE), (100, HEALTHY)], 2));
    assert_eq!(two.detection.impact, Reading::NoImpact);
    let three = judge(&by_hand(&[(5, HEALTHY), (3, OUTAGE), (100, HEALTHY)], 8));
    assert_eq!(three.detection.impact, Reading::Is(5.0));
    assert_eq!(three.from_fault, Reading::Is(8.0));
    assert_eq!(three.resolution.shortest_impact_s, 3.0);
}

/// Not five intervals earlier, from where 45 of the next 50 are ok as well.
#[test]
fn an_outage_ends_where_it_ends() {
    let told = judge(&by_hand(&[(20, OUTAGE), (60, HEALTHY)], 15));
    assert_eq!(told.detection.impact, Reading::Is(0.0));
    assert_eq!(told.from_fault, Reading::Is(20.0));
    assert_eq!(told.from_heal, Reading::Is(5.0));
    assert_eq!(told.drain, Reading::Is(5.0));
    assert_eq!(told.drain_multiple, Reading::Is(5.0 / 15.0), "ρ = 1/2");
    assert_eq!(told.lost_goodput, Reading::Is(40_000.0));
    assert_eq!(told.relapses, Reading::Is(0.0));
    assert_eq!(told.detection.client, Reading::MoreThan(80.0), "it had something to see");
    assert_eq!(told.detection.alarm, Reading::MoreThan(80.0));
}

#[test]
fn latency_and_errors_alone_are_an_impact() {
    let slow = judge(&by_hand(&[(10, SLOW), (60, HEALTHY)], 10));
    assert_eq!(slow.from_fault, Reading::Is(10.0));
    assert_eq!(slow.lost_goodput, Reading::Is(0.0));
    let failing = Interval { errors: Some(0.02), ..HEALTHY };
    let failing = judge(&by_hand(&[(10, failing), (60, HEALTHY)], 10));
    assert_eq!(failing.from_fault, Reading::Is(10.0));
}

/// A profile without confirmations: every enqueue is unknown, all the time.
#[test]
fn where_nothing_is_confirmed_goodput_and_latency_decide() {
    let mut trial = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 10);
    trial.series.intervals.iter_mut().for_each(|interval| interval.errors = Some(1.0));
    assert_eq!(judge(&trial).from_fault, Reading::Is(10.0));
}

#[test]
fn failed_over_before_the_healing_is_negative() {
    let told = judge(&by_hand(&[(5, OUTAGE), (100, HEALTHY)], 30));
    assert_eq!(told.from_fault, Reading::Is(5.0));
    assert_eq!(told.from_heal, Reading::Is(-25.0));
    assert_eq!(told.drain, Reading::Is(0.0));
}

#[test]
fn never_recovered_is_a_lower_bound() {
    let told = judge(&by_hand(&[(100, OUTAGE)], 30));
    assert_eq!(told.from_fault, Reading::MoreThan(100.0));
    assert_eq!(told.from_heal, Reading::MoreThan(70.0));
    assert_eq!(told.drain, Reading::MoreThan(70.0));
    assert_eq!(told.drain_multiple, Reading::MoreThan(70.0 / 30.0));
    assert_eq!(told.lost_goodput, Reading::MoreThan(200_000.0));
    assert!(matches!(told.relapses, Reading::NotMeasured(_)));
    assert_eq!(told.from_fault, Reading::MoreThan(100.0));
}

/// 30 ok intervals are no 45: it may have recovered then, not before.
#[test]
fn a_recovery_that_was_not_watched_long_enough_is_a_lower_bound() {
    let told = judge(&by_hand(&[(20, OUTAGE), (30, HEALTHY)], 20));
    assert_eq!(told.from_fault, Reading::MoreThan(20.0));
    assert_eq!(told.from_heal, Reading::MoreThan(0.0));
    assert_eq!(told.lost_goodput, Reading::MoreThan(40_000.0));
    assert_eq!(told.resolution.lasting_s, 50.0);
}

#[test]
fn a_relapse_is_counted_and_costs_goodput() {
    let shape =
        [(10, OUTAGE), (50, HEALTHY), (4, OUTAGE), (50, HEALTHY), (2, OUTAGE), (50, HEALTHY)];
    let told = judge(&by_hand(&shape, 10));
    assert_eq!(told.from_fault, Reading::Is(10.0));
    assert_eq!(told.relapses, Reading::Is(1.0), "two bad intervals are none");
    assert_eq!(told.lost_goodput, Reading::Is(28_000.0));
}

/// Six bad of fifty: it was not back before the second outage.
#[test]
fn a_short_return_is_no_recovery() {
    let told = judge(&by_hand(&[(10, OUTAGE), (20, HEALTHY), (6, OUTAGE), (60, HEALTHY)], 10));
    assert_eq!(told.from_fault, Reading::Is(36.0));
    assert_eq!(told.relapses, Reading::Is(0.0));
}

#[test]
fn a_fault_that_stays_has_no_healing() {
    let mut trial = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 10);
    trial.conditions.times.cleared = None;
    let told = judge(&trial);
    assert_eq!(told.from_fault, Reading::Is(10.0));
    assert!(matches!(told.from_heal, Reading::NotMeasured(_)));
    assert!(matches!(told.drain, Reading::NotMeasured(_)));
    assert!(matches!(told.drain_multiple, Reading::NotMeasured(_)));
}

#[test]
fn without_its_capacity_a_drain_is_no_multiple() {
    for load in [None, Some(1.0), Some(0.0), Some(f64::NAN)] {
        let mut trial = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 8);
        trial.conditions.load = load;
        let told = judge(&trial);
        assert_eq!(told.drain, Reading::Is(2.0));
        assert!(matches!(told.drain_multiple, Reading::NotMeasured(_)), "{load:?}");
    }
}

#[test]
fn what_the_client_saw_counts_from_the_fault_on() {
    let mut trial = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 10);
    trial.conditions.errors_seen = vec![63 * S, 62 * S, 12 * S];
    assert_eq!(judge(&trial).detection.client, Reading::Is(2.0));
    let mut quiet = by_hand(&[(100, HEALTHY)], 10);
    quiet.conditions.errors_seen = vec![62 * S];
    assert_eq!(judge(&quiet).detection.client, Reading::Is(2.0), "an error without impact");
}

fn not_steady(reading: &Reading, why: &str) -> bool {
    matches!(reading, Reading::NotSteady(told) if told.contains(why))
}

#[test]
fn a_detector_that_fires_in_the_baseline_makes_the_trial_not_steady() {
    let mut trial = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 10);
    trial.series.intervals[40..43].fill(SLOW);
    let told = judge(&trial);
    assert!(not_steady(&told.from_fault, "from 20.0 s before the fault"), "{told:?}");
    assert!(not_steady(&told.detection.impact, "three bad intervals"));
    assert_eq!(told.baseline, None);
}

/// Six seconds of nothing in sixty: 4 s is more than G0, and no interval is
/// bad by it. An outage of the trial itself would not be seen either.
#[test]
fn scatter_that_hides_an_outage_is_not_steady() {
    let mut trial = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 10);
    for place in (0..60).step_by(10) {
        trial.series.intervals[place] = OUTAGE;
    }
    let told = judge(&trial);
    assert!(not_steady(&told.from_fault, "would not stand out"), "{told:?}");
}

#[test]
fn a_baseline_of_nothing_is_not_measured() {
    let mut short = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 10);
    short.series.intervals.drain(..51);
    short.series.before = 9;
    let told = judge(&short);
    let Reading::NotMeasured(why) = &told.from_fault else { panic!("{told:?}") };
    assert_eq!(why, "the baseline has 9 intervals of 1 s, 10 are needed");

    let mut dead = by_hand(&[(60, HEALTHY)], 10);
    dead.series.intervals[..60].fill(OUTAGE);
    assert!(matches!(judge(&dead).from_fault, Reading::NotMeasured(_)));

    let mut empty = by_hand(&[], 0);
    empty.series.intervals.clear();
    assert!(matches!(judge(&empty).from_fault, Reading::NotMeasured(_)));
}

/// A latency that is made from three intervals is known to three.
#[test]
fn the_resolution_includes_the_window_of_the_latency() {
    let mut trial = by_hand(&[(10, OUTAGE), (60, HEALTHY)], 10);
    assert_eq!(judge(&trial).resolution.recovery_s(), 1.0);
    trial.series.intervals[70].window = 3;
    let told = judge(&trial).resolution;
    assert_eq!((told.interval_s, told.latency_window_s, told.recovery_s()), (1.0, 3.0, 3.0));
}
