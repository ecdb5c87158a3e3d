//! Whole trials, task by task, through a queue in virtual time.

use schedbench_contract::ledger::Enqueue;

use super::super::{Conditions, Ending, Fact, Fault, Reading, Times};
use super::stage::{S, Server, completed, conditions, constant, is_close, judged, poisson, times};

/// 2,000/s into a server of 4,000/s, that is down as told.
fn half_loaded(down: &[(f64, f64)], until: f64) -> Vec<Fact> {
    Server { capacity: 4_000.0, down: down.to_vec() }.serve(constant(2_000.0, until))
}

/// Down for D = 10 s at ρ = 1/2: drained D ρ / (1 − ρ) = 10 s after the
/// healing. A task intended u after t_f completes D − u (1 − ρ) late: with
/// S = 6 s those from u = 8 s on are in time, a fifth.
#[test]
fn a_clean_outage_reads_as_the_queue_says() {
    let conditions = Conditions { objective_ns: 6 * S, ..conditions(times(60, 70, 135)) };
    let told = judged(&half_loaded(&[(60.0, 70.0)], 135.0), conditions);
    let interval = told.resolution.interval_s;
    assert!((interval - 1.0).abs() < 1e-4, "{interval}");
    assert_eq!(told.resolution.recovery_s(), interval);
    assert!(is_close(&told.detection.impact, 0.0, 1e-9), "{told:?}");
    assert!(is_close(&told.detection.alarm, 6.1, 1e-9), "{told:?}");
    assert!(is_close(&told.from_fault, 20.0, 1e-3), "{told:?}");
    assert!(is_close(&told.from_heal, 10.0, 1e-3), "{told:?}");
    assert!(is_close(&told.drain, 10.0, 1e-3), "{told:?}");
    assert!(is_close(&told.drain_multiple, 1.0, 1e-4), "{told:?}");
    assert!(is_close(&told.lost_goodput, 20_000.0, 5.0), "{told:?}");
    assert!(is_close(&told.attainment.in_fault, 0.2, 1e-3), "{told:?}");
    // Of 129 s that were decided, 8 s were too late.
    assert!(is_close(&told.attainment.overall, 1.0 - 8.0 / 129.0, 1e-3), "{told:?}");
    assert_eq!(told.relapses, Reading::Is(0.0));
    assert_eq!(told.loss.exposed, 2_000);
}

#[test]
fn a_queue_that_is_not_touched_has_no_impact() {
    let told = judged(&half_loaded(&[], 120.0), conditions(times(60, 70, 120)));
    assert_eq!(told.detection.impact, Reading::NoImpact);
    assert_eq!(told.detection.alarm, Reading::NoImpact);
    assert_eq!(told.from_heal, Reading::NoImpact);
    assert!(is_close(&told.attainment.in_fault, 1.0, 0.0));
}

/// Down for 5 s and back 25 s before the fault is healed.
#[test]
fn a_queue_that_failed_over_recovers_before_the_healing() {
    let told = judged(&half_loaded(&[(60.0, 65.0)], 125.0), conditions(times(60, 95, 125)));
    assert!(is_close(&told.from_fault, 10.0, 1e-3), "{told:?}");
    assert!(is_close(&told.from_heal, -25.0, 1e-3), "{told:?}");
    assert!(matches!(told.drain, Reading::MoreThan(drain) if drain < 1.0), "{told:?}");
}

#[test]
fn a_queue_at_half_its_rate_never_recovers() {
    let mut facts = half_loaded(&[], 60.0);
    facts.extend((0..120_000).map(|n| {
        let due = 60.0 + f64::from(n) / 2_000.0;
        completed(due, 60.0 + f64::from(n + 1) / 1_000.0)
    }));
    let told = judged(&facts, conditions(times(60, 70, 120)));
    assert!(is_close(&told.detection.impact, 0.0, 1e-9));
    assert!(matches!(told.from_fault, Reading::MoreThan(x) if (58.5..=60.0).contains(&x)));
    assert!(matches!(told.from_heal, Reading::MoreThan(x) if (48.5..=50.0).contains(&x)));
    assert!(matches!(told.drain, Reading::MoreThan(_)));
}

/// Two faults that overlap are one stretch, from the first effect to the last
/// healing.
#[test]
fn overlapping_faults_are_judged_as_one() {
    let fault = |from, to: u64| Fault { took_effect: from * S, cleared: Some(to * S) };
    let trials = Times::of(&[fault(60, 66), fault(64, 70)], 0, 135 * S);
    assert_eq!(trials, [times(60, 70, 135)]);
    let facts = half_loaded(&[(60.0, 66.0), (64.0, 70.0)], 135.0);
    let told = judged(&facts, conditions(trials[0]));
    assert!(is_close(&told.from_fault, 20.0, 1e-3), "{told:?}");
    assert!(is_close(&told.from_heal, 10.0, 1e-3), "{told:?}");
}

/// Down for 4 s at 30 s and at 100 s. The second one's baseline would hold the
/// first one's drain.
#[test]
fn a_later_fault_is_measured_from_the_recovery_of_the_earlier() {
    let fault = |from, to: u64| Fault { took_effect: from * S, cleared: Some(to * S) };
    let trials = Times::of(&[fault(30, 34), fault(90, 94)], 0, 160 * S);
    let facts = half_loaded(&[(30.0, 34.0), (90.0, 94.0)], 160.0);
    let first = judged(&facts, conditions(trials[0]));
    assert!(is_close(&first.from_fault, 8.0, 1e-2), "{first:?}");
    let naive = judged(&facts, conditions(trials[1]));
    assert!(matches!(naive.from_fault, Reading::NotSteady(_)), "{naive:?}");
    let second = judged(&facts, conditions(trials[1].after(&trials[0], &first)));
    assert!(is_close(&second.from_fault, 8.0, 1e-2), "{second:?}");
    assert!(is_close(&second.drain, 4.0, 1e-2), "{second:?}");
}

#[test]
fn a_stall_in_the_baseline_is_not_steady() {
    let facts = half_loaded(&[(30.0, 35.0), (60.0, 70.0)], 135.0);
    let told = judged(&facts, conditions(times(60, 70, 135)));
    assert!(matches!(told.from_fault, Reading::NotSteady(_)), "{told:?}");
    assert!(matches!(told.lost_goodput, Reading::NotSteady(_)));
    assert!(matches!(told.detection.alarm, Reading::NotSteady(_)), "it rang then");
    assert!(is_close(&told.attainment.in_fault, 0.0, 1e-3), "needs no baseline");
}

/// Healed at 4 s, but the producers come back at 12 s: until then the broker
/// holds nothing, and everything is owed. Drained at 12 + 10 ρ / (1 − ρ).
#[test]
fn a_backlog_that_waits_at_the_producers_is_not_drained() {
    let server = Server { capacity: 40_000.0, down: vec![(2.0, 12.0)] };
    let facts = server.serve(constant(20_000.0, 28.0));
    let told = judged(&facts, conditions(times(2, 4, 28)));
    assert!(is_close(&told.drain, 18.0, 0.1), "{told:?}");
    assert!(is_close(&told.from_heal, 18.0, 0.2), "{told:?}");
}

/// What the fault refused or lost is owed no more, and is an error while it
/// lasts.
#[test]
fn refused_and_lost_tasks_do_not_keep_a_backlog_up() {
    let mut facts = half_loaded(&[], 130.0);
    for fact in &mut facts {
        let at = fact.due as f64 / 1e9;
        if (59.5..60.0).contains(&at) {
            fact.ending = Ending::Lost;
        } else if (60.0..70.0).contains(&at) {
            fact.enqueue = Enqueue::Refused;
            fact.ending = Ending::Never;
        }
    }
    let told = judged(&facts, conditions(times(60, 70, 130)));
    assert!(is_close(&told.from_fault, 10.0, 1.0), "{told:?}");
    assert!(is_close(&told.drain, 0.0, 1.0), "{told:?}");
    // Refusals are known at once; half a second's loss is only 1 s after due.
    assert!(is_close(&told.detection.alarm, 0.1, 1e-9), "{told:?}");
    assert!(is_close(&told.attainment.in_fault, 0.0, 0.0), "{told:?}");
    assert_eq!((told.loss.lost, told.loss.exposed), (1_000, 2_000));
    assert!(is_close(&told.loss.window_s, 0.5, 1e-3), "{told:?}");
}

/// The same property as in `healthy`, task by task: Poisson arrivals through a
/// queue at half its capacity.
#[test]
fn a_healthy_queue_has_no_impact() {
    for (per_second, took_effect, ended) in [(500.0, 60, 110), (5_000.0, 20, 50)] {
        let server = Server { capacity: 2.0 * per_second, down: Vec::new() };
        for seed in 0..8 {
            let facts = server.serve(poisson(per_second, ended as f64, seed));
            let told = judged(&facts, conditions(times(took_effect, None, ended)));
            assert_eq!(told.from_fault, Reading::NoImpact, "{per_second}/s, seed {seed}");
            assert_eq!(told.detection.alarm, Reading::NoImpact);
            assert!(told.baseline.is_some_and(|found| {
                let mean = told.resolution.interval_s * per_second;
                (found.goodput / mean - 1.0).abs() < 0.03
                    && (found.scatter / mean.sqrt() - 1.0).abs() < 0.7
            }));
        }
    }
}
