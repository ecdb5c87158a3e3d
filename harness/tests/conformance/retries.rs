//! Failing handlers are tried again as planned, and then set aside.

use schedbench::plan::{CellPlan, Target};
use schedbench_contract::{Retries, Retry, seeded};

use crate::MS;
use crate::play::{Played, Staging, plan, play};
use crate::systems::on_every_system;

fn failed_attempts_are_retried_as_planned(target: Target) {
    if target.profile.claims.retries != Retries::Native {
        return;
    }
    let retry = Retry { max: 2, backoff_ns: 20 * MS };
    // 40 of them die; with a tenth that fails it would be 5, and now and then none.
    let plan = CellPlan { fail_ppm: 200_000, retry, ..plan(target, 5_000, 5_000) };
    let played = play(&plan, &Staging::default());
    let (failures, deaths) = planned(&played);
    assert!(failures > 800 && deaths > 0, "{failures} failures, {deaths} deaths");
    attempts_are_as_planned(&played);
    played.balances(5_000, deaths, 0);
}

/// Failed attempts and deaths that the seed plans, computed without the judge.
pub(crate) fn planned(played: &Played) -> (u64, u64) {
    let plan = &played.plan;
    let (mut failures, mut deaths) = (0, 0);
    for sequence in played.sequences() {
        let fails = |&attempt: &u32| {
            seeded::attempt_fails(plan.seed, played.id(sequence), attempt, plan.fail_ppm)
        };
        let failed = (0..=plan.retry.max).take_while(fails).count() as u64;
        failures += failed;
        deaths += u64::from(failed > u64::from(plan.retry.max));
    }
    (failures, deaths)
}

/// That every attempt happened which was planned, and no other.
pub(crate) fn attempts_are_as_planned(played: &Played) {
    let (failures, deaths) = planned(played);
    let name = played.plan.target.name();
    let seen = (played.failed_attempts, played.planned_failures, played.dead);
    assert_eq!(seen, (failures, failures, played.counted_as_dead(deaths)), "{name}");
    for sequence in played.sequences() {
        let entry = played.log.ledger().entry(sequence as usize);
        assert_eq!(entry.dead, entry.successes == 0, "{name} {sequence}: {entry:?}");
    }
}

on_every_system! { DEFAULTS: failed_attempts_are_retried_as_planned; }
