//! A pair of commands that hurts and heals a broker which the run did not
//! start: a Redis of the test's own, stopped and continued by `kill`.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use schedbench_reports::outcome::Ended;

use crate::harness::{Running, cells_of, files_below};
use crate::place::{Place, Said};
use crate::processes::wait_for;
use crate::secrets::Locked;

/// 1k/s for 6 s, and a fault from 1 s on for 2 s.
fn scenario(hurt: &str, heal: &str) -> String {
    format!(
        "name = \"small\"\nsummary = \"for a test\"\nsystems = [\"redis-asynq/memory\"]\n\
         [load]\nrates = [\"1k\"]\narrivals = \"constant\"\nwarmup = \"500 ms\"\n\
         duration = \"6 s\"\nhorizon = \"2 s\"\n\
         [[fault]]\nkind = \"command\"\non = \"broker\"\nat = \"1 s\"\nfor = \"2 s\"\n\
         hurt = [{hurt}]\nheal = [{heal}]\n\
         [brokers.redis]\nurl_env = \"THEIR_REDIS\"\n"
    )
}

fn stopping(server: i32) -> String {
    let signal = |signal| format!("\"kill\", \"-{signal}\", \"{server}\"");
    scenario(&signal("STOP"), &signal("CONT"))
}

fn run(place: &Place, text: &str, theirs: &Locked) -> Command {
    let file = place.file("small.toml", text);
    let mut command = place.schedbench(&["run", file.to_str().expect("UTF-8")]);
    command.env("THEIR_REDIS", theirs.url(&theirs.password().0));
    command
}

fn is_stopped(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

#[test]
fn a_broker_that_is_not_ours_is_stopped_and_goes_on() {
    let (theirs, place) = (Locked::new(), Place::new());
    let text = stopping(theirs.room().1);
    let file = place.file("small.toml", &text);
    let check = place.says(&["check", file.to_str().expect("UTF-8")]).ends(0).stdout;
    assert!(check.contains("command broker at 1 s for 2 s"), "{check}");
    assert!(check.contains("hurt  [\"kill\", \"-STOP\", "), "{check}");
    assert!(check.contains("heal  [\"kill\", \"-CONT\", "), "{check}");

    let mut running = Running::start(&place, run(&place, &text, &theirs));
    running.wait_for_cells(2);
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();
    let [cell] = cells_of(&outcome, "redis-asynq")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{cell:?}");
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    let [trial] = cell.trials.as_slice() else { panic!("{:?}", cell.trials) };
    assert_eq!(trial.fault, "command broker at 1 s for 2 s");
    assert!((1.0..1.5).contains(&trial.took_effect_s), "{trial:?}");
    assert!((3.0..3.5).contains(&trial.cleared_s.expect("healed")), "{trial:?}");
    let done = &cell.series.columns["throughput"];
    let at = |second: f64| done[((second - cell.series.start_s) / cell.series.bin_s) as usize];
    assert_eq!(at(2.05), Some(0.0), "{done:?}");
    // Two intervals, of 100 ms each: a busy machine may stand still for one.
    assert!([4.95, 5.05].into_iter().any(|second| at(second) > Some(0.0)), "{done:?}");
    assert!(!is_stopped(theirs.room().1));
    for file in files_below(&place.at("results")) {
        let bytes = fs::read(&file).expect("a result");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&theirs.password().0), "{}", file.display());
    }
    place.wait_until_nothing_is_left("after a command");
}

#[test]
fn an_interrupted_one_is_healed() {
    let (theirs, place) = (Locked::new(), Place::new());
    let server = theirs.room().1;
    let mut running = Running::beside(&place, run(&place, &stopping(server), &theirs));
    running.wait_until("a stopped server", |_| is_stopped(server));
    running.send(Signal::INT);
    running.end();
    assert!(!is_stopped(server));
    let outcome = place.results().expect("results").outcome();
    assert!(matches!(outcome.ended, Ended::Interrupted(_)), "{:?}", outcome.ended);
    place.wait_until_nothing_is_left("after an interrupted command");
}

/// Nobody of the harness is left to heal then, but for its watchdog.
#[test]
fn that_of_a_killed_run_is_healed() {
    let (theirs, place) = (Locked::new(), Place::new());
    let server = theirs.room().1;
    let mut running = Running::beside(&place, run(&place, &stopping(server), &theirs));
    running.wait_until("a stopped server", |_| is_stopped(server));
    running.kill();
    wait_for("the watchdog", || !is_stopped(server));
    place.wait_until_nothing_is_left("after a kill");
}

#[test]
fn one_that_fails_is_the_cells_error_and_is_healed_all_the_same() {
    let (theirs, place) = (Locked::new(), Place::new());
    let healed = place.at("healed");
    let text =
        scenario("\"ls\", \"/nowhere/at/all\"", &format!("\"touch\", \"{}\"", healed.display()));
    let mut running = Running::beside(&place, run(&place, &text, &theirs));
    running.wait_for_cells(2);
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();
    let [cell] = cells_of(&outcome, "redis-asynq")[..] else { panic!("one cell") };
    let error = cell.error.as_ref().expect("an error");
    let said = "a command of a fault: `ls /nowhere/at/all` failed (exit 2)";
    assert_eq!(error.message, said);
    assert!(error.log.iter().any(|line| line.contains("No such file")), "{error:?}");
    assert!(healed.exists());

    // What reads a result runs nothing of the scenario in it.
    fs::remove_file(&healed).expect("it is there");
    let results = place.results().expect("results");
    let run = results.path().to_str().expect("UTF-8");
    let _ = place.says(&["report", run]);
    assert!(!healed.exists());
}

#[test]
fn a_program_that_is_not_here_is_found_before_the_run() {
    let (theirs, place) = (Locked::new(), Place::new());
    let text = scenario("\"kill\", \"1\"", "\"no-such-program\", \"x\"");
    let said = Said::of(run(&place, &text, &theirs).output().expect("a run")).refused(2);
    said.complains_of(&["no program `no-such-program` here", "small.toml:16"]);
    assert!(!place.at("results").exists(), "nothing was started");
}
