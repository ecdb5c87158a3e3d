//! So many tasks in flight as planned, and never one more.

use schedbench::plan::{CellPlan, Delay, Load, Target};

use crate::play::{Staging, plan, play};
use crate::systems::on_every_system;
use crate::{MS, S};

/// With a broker that does 20k/s and more beside two others on two cores; the
/// others have a tenth in flight.
const DO_20K: [&str; 2] = ["redis-asynq", "kafka"];

fn in_flight_never_grows_beyond_the_plan(target: Target) {
    let does_20k = target.is_in_process() || DO_20K.contains(&target.system.name);
    let tasks = if does_20k { 100_000 } else { 10_000 };
    let most_tasks = 2 * tasks;
    // A delay keeps them there; without one they are gone as soon as they come.
    let delay = match target.profile.claims.delay.is_supported() {
        true => Delay::Fixed(500 * MS),
        false => Delay::None,
    };
    let load = Load::InFlight { tasks, window_ns: 20 * S, most_tasks };
    let played = play(&CellPlan { load, delay, ..plan(target, 0, 1) }, &Staging::default());
    let cell = &played.cell;
    let why = || format!("{}: {:?}, {:?}", target.name(), cell.validity, cell.error);
    assert_eq!(played.taken, most_tasks, "{}", why());
    played.balances(most_tasks, 0, 0);

    let mut ends: Vec<u64> = played
        .sequences()
        .skip(played.probes as usize)
        .map(|sequence| {
            played.log.ledger().entry(sequence as usize).first_end.expect("it completed")
        })
        .collect();
    ends.sort_unstable();
    for (place, hand_over) in played.hand_overs.iter().enumerate() {
        let next = played.hand_overs.get(place + 1).map_or(played.taken, |next| next.first);
        // A stamp may stand for the tasks that were run in one step.
        let ended = ends.partition_point(|&end| end <= hand_over.at + MS) as u64;
        let in_flight = next.saturating_sub(ended);
        assert!(in_flight <= tasks, "{}: {in_flight} of {tasks}", target.name());
    }
}

on_every_system! { DEFAULTS: in_flight_never_grows_beyond_the_plan; }
