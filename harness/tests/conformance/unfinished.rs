//! What waits in a system when the cell's time is over is no loss, wherever it
//! waits: in this process, in a program that the cell then ends, in a broker.

use schedbench::plan::{CellPlan, Target};
use schedbench_contract::Handler;

use crate::MS;
use crate::play::{Staging, plan, play};
use crate::systems::{DEFAULTS, Lane, each};

fn what_waits_when_the_time_is_over_is_not_lost(target: Target) {
    // 8 handlers of 50 ms do 160 tasks a second.
    let plan = CellPlan { handler: Handler::SleepNs(50 * MS), ..plan(target, 2_000, 1_000) };
    let played = play(&plan, &Staging { patient: false, ..Staging::default() });
    let name = target.name();
    println!("{name}: {} wait, {} lost", played.residual, played.lost);
    assert_eq!(played.lost, 0, "{name}: {:?}", played.cell.counts);
    // `noop` runs no handler.
    let is_busy = target.system.name != "noop";
    assert_eq!(played.residual > 500, is_busy, "{name}: {:?}", played.cell.counts);
}

/// With a broker this is asked in every ramp; here the programs are ended that
/// keep it.
#[test]
fn what_waits_in_a_process_is_not_lost() {
    each(Lane::InProcess, DEFAULTS, what_waits_when_the_time_is_over_is_not_lost);
}
