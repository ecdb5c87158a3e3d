//! The other profiles: a thousand tasks through what a profile can change.

use schedbench::plan::{CellPlan, Delay, Target};
use schedbench_contract::{Retries, Retry};

use crate::MS;
use crate::delays::starts_as_claimed;
use crate::play::{Staging, plan, play};
use crate::retries::{attempts_are_as_planned, planned};
use crate::systems::on_every_system;

fn other_profiles_keep_their_promises(target: Target) {
    let claims = &target.profile.claims;
    let mut plan = plan(target, 1_000, 2_000);
    if claims.delay.is_supported() {
        plan.delay = Delay::Mix(vec![(0, 1), (50 * MS, 1), (700 * MS, 1)]);
    }
    if claims.retries == Retries::Native {
        plan = CellPlan { fail_ppm: 200_000, retry: Retry { max: 1, backoff_ns: 0 }, ..plan };
    }
    let played = play(&plan, &Staging::default());
    let (_, deaths) = planned(&played);
    attempts_are_as_planned(&played);
    played.balances(1_000, deaths, 0);
    if claims.delay.is_supported() {
        starts_as_claimed(&played);
    }
}

on_every_system! { OTHERS: other_profiles_keep_their_promises; }
