//! Faults at a share of a system's own capacity, searched in the same run.

use rustix::process::Signal;
use schedbench_reports::outcome::{Cell, Held, Load, Outcome, Reading, Validity};

use crate::harness::{Running, cells_of};
use crate::place::{Place, stand_in};

fn scenario(from_to: &str, share: &str, more: &str) -> String {
    format!(
        "name = \"small\"\nsummary = \"for a test\"\nsystems = [\"redis-asynq\"]\n\
         [load]\nrates = [\"1k\", \"{share}\"]\narrivals = \"constant\"\nwarmup = \"500 ms\"\n\
         duration = \"7 s\"\nhorizon = \"3 s\"\n{from_to}\nprecision = \"50 %\"\n\
         search = \"1 s\"\n\
         [[fault]]\nkind = \"stall\"\non = \"links\"\nat = \"5 s\"\nfor = \"500 ms\"\n{more}"
    )
}

fn load(cell: &Cell) -> f64 {
    let Load::Rate(rate) = cell.key.load else { panic!("{:?}", cell.key) };
    rate
}

/// The outcome once the cells of both loads are in it.
fn run(place: &Place, text: &str) -> Outcome {
    let file = place.file("small.toml", text);
    let command = place.schedbench(&["run", file.to_str().expect("UTF-8")]);
    let mut running = Running::start(place, command);
    running.wait_until("both loads", |_| {
        place.results().is_some_and(|results| {
            let outcome = results.outcome();
            cells_of(&outcome, "redis-asynq").iter().filter(|it| it.key.fault.is_some()).count() > 1
        })
    });
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();
    outcome
}

#[test]
fn a_share_is_that_of_what_the_search_held() {
    let place = Place::new();
    let outcome = run(&place, &scenario("from = \"250\"\nto = \"1k\"", "50 %", ""));
    let all = cells_of(&outcome, "redis-asynq");
    let (searched, hurt): (Vec<&Cell>, Vec<&Cell>) =
        all.into_iter().partition(|cell| cell.key.fault.is_none());
    assert!(searched.iter().all(|cell| cell.key.trial.as_deref() == Some("capacity")));
    let held = searched.iter().filter(|cell| cell.held == Held::Yes).map(|cell| load(cell));
    let capacity = held.fold(0.0, f64::max);
    let last = searched.iter().map(|cell| cell.number).max();
    assert!(hurt.iter().all(|cell| Some(cell.number) > last), "the search comes first");
    let is_share = |cell: &&&Cell| cell.key.variant.as_deref() == Some("50 % of its capacity");
    let share = hurt.iter().find(is_share).expect("the share");
    // On a machine too busy to hold anything it has to say so instead.
    if capacity == 0.0 {
        let error = share.error.as_ref().expect("an error").message.as_str();
        assert!(error.contains("so there is no share of it to run at"), "{error}");
        return;
    }
    assert!(share.counts.balances && share.error.is_none(), "{share:?}");
    assert_eq!(load(share), capacity / 2.0);
    for cell in &hurt {
        let [trial] = cell.trials.as_slice() else { panic!("{:?}", cell.trials) };
        match &trial.readings["load.of_capacity"] {
            Reading::Is(rho) => assert_eq!(*rho, load(cell) / capacity),
            // The top of the search was held: there may be more.
            Reading::NotMeasured(why) => assert!(why.contains("may be higher"), "{why}"),
            other => panic!("{other:?}"),
        }
        assert!(trial.readings.contains_key("drain.multiple"));
    }
    let page = schedbench_reports::html::render(&outcome);
    assert!(page.contains("50 % of its capacity"));
    place.wait_until_nothing_is_left("after a search and its shares");
}

/// Where the broker of the search does not start, nothing is found.
#[test]
fn a_share_of_nothing_is_not_another_rate() {
    let place = Place::new();
    let text = scenario("from = \"250\"\nto = \"1k\"", "50 %", "")
        .replace("\"7 s\"\nhorizon = \"3 s\"", "\"1 s\"\nhorizon = \"200 ms\"")
        .replace("at = \"5 s\"\nfor = \"500 ms\"", "at = \"200 ms\"\nfor = \"200 ms\"");
    let file = place.file("small.toml", text);
    let mut command = place.schedbench(&["run", file.to_str().expect("UTF-8")]);
    command.env("SCHEDBENCH_REDIS_SERVER", stand_in("redis-that-cannot-start"));
    let mut running = Running::beside(&place, command);
    running.end();
    let outcome = place.results().expect("results").outcome();
    let all = cells_of(&outcome, "redis-asynq");
    let is_share = |cell: &&&Cell| cell.key.variant.as_deref() == Some("50 % of its capacity");
    let share = all.iter().find(is_share).expect("the share's cell");
    assert!(matches!(share.validity, Validity::Incomplete(_)), "{share:?}");
    assert_eq!(load(share), 0.0, "nothing was offered");
    assert!(share.error.is_some() && share.trials.is_empty());
    let page = schedbench_reports::html::render(&outcome);
    assert!(page.contains("50 % of its capacity"));
}
