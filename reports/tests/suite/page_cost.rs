//! A sum over processes stands only where each of them is known.

use schedbench_reports::html::render;
use schedbench_reports::outcome::*;

use crate::outcomes;
use crate::page_parts::{rows, section};

/// One system's broker runs elsewhere.
fn elsewhere() -> Outcome {
    let mut outcome = outcomes::before_and_after().0;
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "redis-asynq") {
        for name in ["cpu.broker", "cpu.total", "rss.broker", "pss.broker", "pss.system"] {
            let why = Value::NotMeasured("the broker's CPU is not known".into());
            cell.metrics.insert(name.to_owned(), why);
        }
    }
    outcome
}

#[test]
fn without_the_broker_there_is_no_whole() {
    let page = render(&elsewhere());
    let cost = section(&page, "cost");
    let tables = rows(cost, "redis-asynq");
    let [by_process, bars @ ..] = tables.as_slice() else { panic!("{tables:?}") };
    assert_eq!(by_process[5], "–", "CPU in all: {by_process:?}");
    assert_eq!(by_process[9], "–", "RSS per task/s: {by_process:?}");
    assert_eq!(bars.len(), 3, "CPU, PSS and RSS");
    for cells in bars {
        assert_eq!(cells.last().unwrap(), "not measured", "{cells:?}");
        assert!(cells[1..].iter().any(|cell| cell.ends_with('B') || cell.ends_with('s')));
    }
    assert_eq!(cost.matches("class=\"tick total\">not measured").count(), 3);
    for cells in rows(cost, "rabbitmq") {
        let whole = cells.last().unwrap();
        assert!(whole.ends_with('B') || whole.ends_with('s'), "{cells:?}");
    }
}

/// In process there is no broker to be missing.
#[test]
fn in_process_the_workers_are_the_system() {
    let page = render(&outcomes::wide());
    for cells in rows(section(&page, "cost"), "go-timers") {
        let whole = cells.last().unwrap();
        assert!(whole.ends_with('B') || whole.ends_with('s'), "{cells:?}");
    }
}
