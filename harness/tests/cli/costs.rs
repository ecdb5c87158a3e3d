//! What a run's systems cost, in the cells of its outcome.

use schedbench_reports::outcome::{Outcome, Value};

use crate::harness::cells_of;
use crate::place::{Place, small};

/// The figure of the only cell of a system.
fn figure(outcome: &Outcome, system: &str, metric: &str) -> Value {
    let [cell] = cells_of(outcome, system)[..] else { panic!("{:?}", outcome.cells) };
    assert!(cell.error.is_none(), "{:?}", cell.error);
    cell.metrics[metric].clone()
}

fn number(outcome: &Outcome, system: &str, metric: &str) -> f64 {
    match figure(outcome, system, metric) {
        Value::Is(number) => number,
        other => panic!("{metric} of {system}: {other:?}"),
    }
}

#[test]
fn allocations_are_counted_in_process_and_pauses_where_something_collects() {
    let place = Place::new();
    let text = small("\"wheel\", \"tokio\", \"go-timers\", \"kafka\"")
        .replace("\"500\", \"1k\"", "\"20k\"")
        .replace("duration = \"200 ms\"", "duration = \"3 s\"");
    let file = place.file("small.toml", text);
    // Whoever cannot do so many on a busy machine has its costs all the same.
    place.says(&["run", file.to_str().expect("UTF-8")]).ends_well();
    let outcome = place.results().expect("results").outcome();
    // One for each sleep, some of them before the window in which it is done; the
    // wheel has its places already.
    let of_tokio = number(&outcome, "tokio", "allocations.per_task");
    let of_wheel = number(&outcome, "wheel", "allocations.per_task");
    assert!(of_tokio > 0.5 && of_wheel < 0.2, "{of_tokio} and {of_wheel}");
    for system in ["go-timers", "kafka"] {
        let elsewhere = figure(&outcome, system, "allocations.per_task");
        assert!(matches!(elsewhere, Value::NotMeasured(_)), "{system}: {elsewhere:?}");
    }
    for (system, metric) in [("go-timers", "pause.workers"), ("kafka", "pause.broker")] {
        let pause = number(&outcome, system, metric);
        assert!(pause > 0.0 && pause < 3.0, "{pause} s of {system}");
    }
    for (system, metric) in [("kafka", "pause.workers"), ("go-timers", "pause.broker")] {
        let none = figure(&outcome, system, metric);
        assert!(matches!(none, Value::Unsupported(_)), "{system}: {none:?}");
    }
}
