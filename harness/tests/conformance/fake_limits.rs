//! A slow system, a system that pushes back and a slow generator leave the
//! same trace; the judge tells them apart.

use schedbench::judge::Limits;
use schedbench_adapters::fake_plan;
use schedbench_reports::outcome::{Held, State, Validity};

use crate::MS;
use crate::play::{Played, Staging, plan, play};
use crate::systems::{Lane, fake};

/// Lateness from which a generator that is put to sleep is blamed here: what is
/// planted is more than twice this. The default of 1 ms is for a machine that
/// does nothing else.
const LATE_NS: u64 = 20 * MS;
/// And one that is not: a machine takes a core away for less.
const NEVER_LATE_NS: u64 = 250 * MS;

fn played(profile: &str, count: u64, rate: u64, hiccup: Option<(u64, u64)>) -> Played {
    let _lane = Lane::enter(fake(profile));
    let lateness_ns = if hiccup.is_some() { LATE_NS } else { NEVER_LATE_NS };
    let limits = Limits { lateness_ns, ..Limits::default() };
    play(&plan(fake(profile), count, rate), &Staging { hiccup, limits, ..Staging::default() })
}

fn generator_is_blamed(played: &Played) -> bool {
    matches!(played.cell.validity, Validity::GeneratorLimited(_))
}

#[test]
fn a_slow_server_is_overloaded() {
    let capacity = fake_plan::capacity_per_s("slow-server").expect("it has one");
    let played = played("slow-server", 4 * capacity, 2 * capacity, None);
    assert!(!generator_is_blamed(&played), "{:?}", played.cell.validity);
    assert!(matches!(played.cell.state, State::Overloaded(_)), "{:?}", played.cell.state);
    assert!(!matches!(played.cell.held, Held::Yes));
    let throughput = played.metric("throughput");
    // What was offered is twice as much. A server that is put aside has less.
    let share = throughput / capacity as f64;
    assert!((0.85..1.02).contains(&share), "{throughput}/s");
    // Overload loses nothing: it is all done in the end.
    played.balances(4 * capacity, 0, 0);
}

#[test]
fn back_pressure_is_the_systems() {
    let played = played("back-pressure", 10_000, 5_000, None);
    assert!(!generator_is_blamed(&played), "{:?}", played.cell.validity);
    // Nothing is taken for 2 of every 10 ms: a fifth of all tasks wait 1 ms
    // on average.
    assert!(played.metric("back_pressure.p90") > 0.5e-3);
    assert!(played.metric("back_pressure.p99") > 1.5e-3);
    played.balances(10_000, 0, 0);
}

#[test]
fn a_generator_that_sleeps_is_limited_by_itself() {
    // 200 ms of each 500: two fifths of all tasks are late, by 100 ms on average.
    let played = played("honest", 10_000, 5_000, Some((500 * MS, 200 * MS)));
    assert!(generator_is_blamed(&played), "{:?}", played.cell.validity);
    assert!(played.metric("pacing_lateness.p90") > 50e-3);
    // Its lateness is in the latency, and nobody else is blamed for it.
    assert!(!matches!(played.cell.state, State::Overloaded(_)), "{:?}", played.cell.state);
    assert!(matches!(played.cell.held, Held::NotJudged(_)));
    played.balances(10_000, 0, 0);
}

/// A fifth of its time it waits for the system, and one task in six is late by
/// its own sleep: the one does not excuse the other.
#[test]
fn a_generator_that_sleeps_is_not_excused_by_back_pressure() {
    let played = played("back-pressure", 10_000, 5_000, Some((250 * MS, 50 * MS)));
    assert!(generator_is_blamed(&played), "{:?}", played.cell.validity);
    assert!(played.metric("back_pressure.p90") > 0.5e-3);
    played.balances(10_000, 0, 0);
}
