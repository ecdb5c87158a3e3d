//! Links that swallow everything for longer than any client waits for an
//! answer. Nobody is told: each has to notice the silence by itself, and to
//! replace its connection.

use rustix::process::Signal;
use schedbench_contract::MomentKind;
use schedbench_reports::outcome::{Cell, Mark};

use crate::harness::{Running, cells_of};
use crate::place::Place;

/// Seconds from the window's start. The longest to wait is AMQP: two of its
/// heartbeats of 10 s, and as much again for a busy machine.
const SILENT_FROM: f64 = 3.0;
const SILENT_UNTIL: f64 = 43.0;

/// Few tasks, so that six of these can go on side by side.
fn scenario(system: &str) -> String {
    format!(
        "name = \"small\"\nsummary = \"for a test\"\nsystems = [\"{system}\"]\n\
         [load]\nrates = [\"100\"]\narrivals = \"constant\"\nwarmup = \"1 s\"\n\
         duration = \"58 s\"\nhorizon = \"5 s\"\n\
         [workers]\nconcurrency = 2\nprefetch = 16\n\
         [[fault]]\nkind = \"black-hole\"\non = \"links\"\nat = \"{SILENT_FROM} s\"\nfor = \"40 s\"\n"
    )
}

/// Its producer and its worker notice, and are back once there is a link again.
fn notices(system: &str) {
    let place = Place::new();
    let file = place.file("small.toml", scenario(system));
    let run = place.schedbench(&["run", file.to_str().expect("UTF-8")]);
    let mut running = Running::beside(&place, run);
    // That of noop is the first.
    running.wait_for_cells(2);
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();
    let [cell] = cells_of(&outcome, system)[..] else { panic!("one cell") };
    assert!(cell.error.is_none() && cell.counts.balances, "{cell:?}");
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    for is_workers in [false, true] {
        let of = |kind: MomentKind| told(cell, kind, is_workers);
        let (gone, back) = (of(MomentKind::Disconnected), of(MomentKind::Reconnected));
        let who = if is_workers { "the worker" } else { "the producer" };
        let noticed = gone.iter().any(|at| (SILENT_FROM..SILENT_UNTIL).contains(at));
        assert!(noticed, "{who} did not notice: {:#?}", cell.moments);
        let is_back = back.iter().any(|at| *at >= SILENT_UNTIL);
        assert!(is_back, "{who} was not back: {:#?}", cell.moments);
    }
    assert!(done_after(cell, SILENT_UNTIL) > 100.0, "{:?}", cell.series);
    place.wait_until_nothing_is_left("after a silence");
}

/// When it was told.
fn told(cell: &Cell, kind: MomentKind, by_worker: bool) -> Vec<f64> {
    let is_it = |mark: &&Mark| mark.kind == kind && mark.text.starts_with("worker ") == by_worker;
    cell.moments.iter().filter(is_it).map(|mark| mark.at_s).collect()
}

/// Tasks done in the intervals that begin from then on.
fn done_after(cell: &Cell, from: f64) -> f64 {
    let (series, width) = (&cell.series, cell.series.bin_s);
    let rates = series.columns["throughput"].iter().enumerate();
    let after = rates.filter(|(bin, _)| series.start_s + width * *bin as f64 >= from);
    after.filter_map(|(_, rate)| *rate).sum::<f64>() * width
}

/// At once: each waits for what was planned.
#[test]
fn a_link_that_swallows_everything_is_given_up() {
    std::thread::scope(|scope| {
        for system in ["redis-asynq", "asynq", "rabbitmq", "kafka", "celery", "postgres"] {
            let named = std::thread::Builder::new().name(system.to_owned());
            named.spawn_scoped(scope, move || notices(system)).expect("a thread");
        }
    });
}
