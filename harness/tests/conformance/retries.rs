//! Failing handlers are tried again as planned, and then set aside.

use schedbench::plan::{CellPlan, Target};
use schedbench_contract::{Delay as Claim, Retries, Retry, seeded};

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
    back_offs_are_waited_for(&played);
    played.balances(5_000, deaths, 0);
}

/// What a back-off may be short by: due times are of the wall clock and read
/// here on the monotonic one.
const CLOCKS_DIFFER_NS: u64 = MS;

/// That no attempt came before its back-off was over, by more than the profile
/// starts delayed tasks early.
fn back_offs_are_waited_for(played: &Played) {
    let (plan, ledger) = (&played.plan, played.log.ledger());
    let early = match plan.target.profile.claims.delay {
        Claim::Native { early_by_at_most_ns } => early_by_at_most_ns,
        _ => 0,
    };
    let each = plan.retry.backoff_ns.saturating_sub(early + CLOCKS_DIFFER_NS);
    let (mut again, mut shortest) = (0, u64::MAX);
    for sequence in played.sequences() {
        let entry = ledger.entry(sequence as usize);
        let (Some(start), Some(end)) = (entry.first_start, entry.first_end) else { continue };
        if entry.failures == 0 {
            continue;
        }
        let took = end - start;
        // Ends are kept within 2⁻¹² of the time since the start.
        let took_at_most = took + took / 4_096 + ledger.unit().ns();
        let least = u64::from(entry.failures) * each;
        let name = plan.target.name();
        assert!(took_at_most >= least, "{name} {sequence}: {took} ns for {entry:?}");
        again += 1;
        shortest = shortest.min(took / u64::from(entry.failures));
    }
    println!("{}: {again} tried again, after {} ms or more", plan.target.name(), shortest / MS);
    assert!(again > 500, "{again} tasks succeeded after a failure");
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
