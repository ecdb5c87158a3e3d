//! Random timelines of faults and a model of a queue with a planted defect:
//! whatever happens when, what was planted is what is read.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use schedbench::plan::{CellPlan, Deed, Fault, Load, Spacing, Stage as Rate, Victim};
use schedbench::record::Injected;
use schedbench_contract::RunEnd;
use schedbench_contract::ledger::Reason;
use schedbench_reports::outcome::{Cell, Reading};

use crate::stage::{MS, S, Stage, plan};

/// An interval is 0.4 s at this rate.
const RATE: u64 = 5_000;
const SECONDS: u64 = 90;

/// What the model does wrong, each so many times per fault.
#[derive(Clone, Copy, Debug)]
enum Defect {
    None,
    /// Acknowledged before the fault, and gone with it.
    Loses(u64),
    /// Run again after the fault.
    Repeats(u64),
    /// Handed over in the fault; nobody knows whether it arrived. It did not.
    Swallows(u64),
    /// Handed over in the fault; nobody knows whether it arrived. It did.
    Mutters(u64),
}

#[derive(Clone, Debug)]
struct Timeline {
    /// From and until, ns from the window's start, apart or overlapping.
    faults: Vec<(u64, u64)>,
    /// How many times the rate a backlog is worked off at.
    catches_up: u64,
    defect: Defect,
}

fn timelines() -> impl Strategy<Value = Timeline> {
    let defect = prop_oneof![
        Just(Defect::None),
        (1..500u64).prop_map(Defect::Loses),
        (1..500u64).prop_map(Defect::Repeats),
        (1..500u64).prop_map(Defect::Swallows),
        (1..500u64).prop_map(Defect::Mutters),
    ];
    let first = (12_000..20_000u64, 2_000..5_000u64);
    // Beginning in the first, or well after it.
    let second = prop::option::of((prop::bool::ANY, 0..1_000u64, 2_000..5_000u64));
    (first, second, 3..8u64, defect).prop_map(|((at, long), second, catches_up, defect)| {
        let mut faults = vec![(at * MS, (at + long) * MS)];
        if let Some((overlaps, shift, lasts)) = second {
            let at = at + shift + if overlaps { 1_000 } else { 40_000 };
            faults.push((at * MS, (at + lasts) * MS));
        }
        Timeline { faults, catches_up, defect }
    })
}

/// A stretch in which nothing ran, and when the last task that waited had run.
#[derive(Clone, Copy, Debug)]
struct Outage {
    gone: u64,
    back: u64,
    well: u64,
}

impl Timeline {
    /// Stretches of time without a server: what overlaps is one.
    fn outages(&self, opens: u64) -> Vec<Outage> {
        let mut outages: Vec<Outage> = Vec::new();
        for &(from, until) in &self.faults {
            let (gone, back) = (opens + from, opens + until);
            match outages.last_mut() {
                Some(last) if gone <= last.back => last.back = last.back.max(back),
                _ => outages.push(Outage { gone, back, well: back }),
            }
        }
        outages
    }

    /// One server, first in first out, which is away in the outages.
    fn play(&self) -> (Cell, Vec<Outage>) {
        let stages = vec![Rate { rate: RATE as f64, duration_ns: SECONDS * S }];
        let load = Load::Open { spacing: Spacing::Constant, stages };
        let fault = |&(at_ns, until): &(u64, u64)| Fault {
            deed: Deed::Kill,
            on: Victim::Broker,
            at_ns,
            for_ns: until - at_ns,
        };
        let faults: Vec<Fault> = self.faults.iter().map(fault).collect();
        let plan = CellPlan { load, horizon_ns: 20 * S, faults: faults.clone(), ..plan(1.0, 1) };
        let mut stage = Stage::new(plan);
        let opens = stage.window.start;
        let mut outages = self.outages(opens);
        let mut planted = vec![0; outages.len()];
        let mut free = 0;
        for task in stage.tasks() {
            let before =
                outages.iter().position(|one| (one.gone - S..one.gone).contains(&task.due));
            let inside = outages.iter().position(|one| (one.gone..one.back).contains(&task.due));
            let mut is_one = |at: Option<usize>, most: u64| {
                at.is_some_and(|at| {
                    planted[at] += u64::from(planted[at] < most + 1);
                    planted[at] <= most
                })
            };
            let (mut runs, mut again, mut unknown) = (true, false, false);
            match self.defect {
                Defect::None => {}
                Defect::Loses(most) => runs = !is_one(before, most),
                Defect::Repeats(most) => again = is_one(before, most),
                Defect::Swallows(most) => {
                    unknown = is_one(inside, most);
                    runs = !unknown;
                }
                Defect::Mutters(most) => unknown = is_one(inside, most),
            }
            if unknown {
                stage.offer(&task, 0, 0);
                stage.log.taken(&task.task(), task.intended);
                stage.log.unknown(task.id, Reason::ConnectionLost, task.intended + MS);
            } else {
                stage.hand_over(&task, 0, 0);
            }
            if runs {
                let mut start = free.max(task.due + MS);
                if let Some(away) = outages.iter().find(|one| (one.gone..one.back).contains(&start))
                {
                    start = away.back;
                }
                free = start + S / (self.catches_up * RATE);
                stage.ran(task.id, start, 1_000, RunEnd::Done);
                let earlier = outages.iter_mut().rfind(|one| one.back <= start);
                if let (Some(outage), true) = (earlier, start > task.due + 2 * MS) {
                    outage.well = start;
                }
            }
            if again && let Some(before) = before {
                stage.ran(task.id, outages[before].back + MS, 1_000, RunEnd::Done);
            }
        }
        for (fault, &(from, until)) in faults.into_iter().zip(&self.faults) {
            let (took_effect, cleared) = (opens + from, Some(opens + until));
            stage.faults.push(Injected { fault, took_effect, cleared });
        }
        (stage.judge(), outages)
    }
}

/// How often the defect showed over all outages.
fn planted(most: u64, outages: &[Outage]) -> u64 {
    most * outages.len() as u64
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 50,
        // The same fifty each time: each takes a fifth of a second.
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_judge_is_never_wrong(timeline in timelines()) {
        let (cell, outages) = timeline.play();
        let counts = &cell.counts;
        prop_assert!(counts.balances, "{counts:?}");
        let expected = match timeline.defect {
            Defect::None => (0, 0, [0, 0]),
            Defect::Loses(most) => (planted(most, &outages), 0, [0, 0]),
            Defect::Repeats(most) => (0, planted(most, &outages), [0, 0]),
            Defect::Swallows(most) => (0, 0, [planted(most, &outages), 0]),
            Defect::Mutters(most) => (0, 0, [0, planted(most, &outages)]),
        };
        let [vanished, recovered, _] = counts.grid.unknown;
        let read = (counts.lost, counts.repeated, [vanished, recovered]);
        prop_assert_eq!(read, expected, "{:?}", counts);
        prop_assert_eq!((counts.residual, counts.unexpected, counts.early), (0, 0, 0));

        prop_assert_eq!(cell.trials.len(), outages.len());
        let lost: u64 = cell.trials.iter().map(|trial| trial.lost).sum();
        prop_assert_eq!(lost, counts.lost, "each loss belongs to one fault");
        for (trial, outage) in cell.trials.iter().zip(&outages) {
            let ns = |seconds: f64| (seconds * 1e9) as u64;
            let opens = outages[0].gone - ns(cell.trials[0].took_effect_s);
            prop_assert!(opens.abs_diff(outage.gone - ns(trial.took_effect_s)) < MS);
            let seconds = |from: u64, to: u64| (to as f64 - from as f64) / 1e9;
            let within = |name: &str, truth: f64| match &trial.readings[name] {
                // An interval's edge may lie anywhere beside the truth.
                Reading::Is(read) => (truth - trial.resolution_s..=truth + trial.resolution_s)
                    .contains(read),
                // 50 intervals have to be watched for it.
                Reading::MoreThan(least) => *least <= truth + 20.0,
                _ => false,
            };
            prop_assert!(within("detection.impact", 0.0), "{trial:?}");
            let well = seconds(outage.gone, outage.well);
            prop_assert!(within("recovery.from_fault", well), "{well} {trial:?}");
            let drained = seconds(outage.back, outage.well);
            prop_assert!(within("drain", drained), "{drained} {trial:?}");
            // All that was due while it was away.
            let away = seconds(outage.gone, outage.back) * RATE as f64;
            match trial.readings["lost_goodput"] {
                Reading::Is(read) => {
                    let slack = 2.0 * trial.interval_s * RATE as f64;
                    prop_assert!((away - slack..=away + slack).contains(&read), "{away} {trial:?}");
                }
                ref other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
