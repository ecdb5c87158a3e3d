//! Faults on real processes: a real Redis and real workers, killed and stopped
//! with real signals, and what the ledger then says. Those on links are in
//! `links`, those on nodes of a cluster in `clusters`.

use std::ops::RangeInclusive;
use std::process::Command;

use rustix::process::Signal;
use schedbench_contract::MomentKind;
use schedbench_reports::outcome::{Cell, Outcome, Reading, Trial, Validity};

use crate::containers::with_docker;
use crate::harness::{Running, cells_of};
use crate::place::{Place, Said};

/// 5k/s, of which the first 6 s are the baseline, and one fault.
pub(crate) fn scenario(systems: &str, seconds: u32, fault: &str) -> String {
    format!(
        "name = \"small\"\nsummary = \"for a test\"\nsystems = [{systems}]\n\
         [load]\nrates = [\"5k\"]\narrivals = \"constant\"\nwarmup = \"1 s\"\n\
         duration = \"{seconds} s\"\nhorizon = \"3 s\"\n\
         [workers]\nprocesses = 2\nconcurrency = 2\nprefetch = 16\n\
         [[fault]]\n{fault}\nat = \"6 s\"\nfor = \"2 s\"\n"
    )
}

pub(crate) fn run(place: &Place, text: &str, more: &[&str]) -> Command {
    let file = place.file("small.toml", text);
    place.schedbench(&[&["run", file.to_str().expect("UTF-8")], more].concat())
}

/// The outcome once noop and the one system have been measured. On a busy
/// machine the run would measure again what was disturbed; it is ended instead.
pub(crate) fn outcome(place: &Place, text: &str) -> Outcome {
    outcome_of(place, text, 2)
}

/// The same with as many cells, that of noop among them.
fn outcome_of(place: &Place, text: &str, cells: usize) -> Outcome {
    let mut running = Running::start(place, run(place, text, &[]));
    for cell in 1..=cells {
        running.wait_for_cells(cell);
    }
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();
    outcome
}

pub(crate) fn trial(outcome: &Outcome) -> (&Cell, &Trial) {
    trial_of(outcome, "redis-asynq")
}

fn trial_of<'a>(outcome: &'a Outcome, system: &str) -> (&'a Cell, &'a Trial) {
    let [cell] = cells_of(outcome, system)[..] else { panic!("one cell") };
    // A busy machine disturbs; it is no finding about the fault.
    let sound = matches!(cell.validity, Validity::Valid | Validity::Disturbed(_));
    assert!(sound, "{:?} {:?}", cell.validity, cell.error);
    assert!(cell.counts.balances, "{:?}", cell.counts);
    let [trial] = cell.trials.as_slice() else { panic!("one trial: {:?}", cell.trials) };
    (cell, trial)
}

/// A figure that was measured, in its own unit.
pub(crate) fn seconds(trial: &Trial, name: &str) -> f64 {
    match trial.readings[name] {
        Reading::Is(value) => value,
        ref other => panic!("{name}: {other:?} in {trial:?}"),
    }
}

/// What a series has in its intervals that lie wholly between two seconds.
pub(crate) fn whole_bins(cell: &Cell, column: &str, from: f64, to: f64) -> Vec<f64> {
    let (series, start, width) =
        (&cell.series.columns[column], cell.series.start_s, cell.series.bin_s);
    let begins = |bin: usize| start + width * bin as f64;
    let within = |bin: &usize| begins(*bin) >= from && begins(bin + 1) <= to;
    let bins: Vec<f64> = (0..series.len()).filter(within).filter_map(|bin| series[bin]).collect();
    assert!(!bins.is_empty(), "{column} from {from} s to {to} s: {series:?}");
    bins
}

/// Tasks done per second in those intervals.
pub(crate) fn done_between(cell: &Cell, from: f64, to: f64) -> f64 {
    let bins = whole_bins(cell, "throughput", from, to);
    bins.iter().sum::<f64>() / bins.len() as f64
}

/// That it showed within a second. On a busy machine the time before it may
/// have been no baseline, or too few tasks for its intervals; then the trial
/// has to say so.
pub(crate) fn had_an_impact(cell: &Cell, trial: &Trial) {
    match &trial.readings["detection.impact"] {
        Reading::Is(after) => assert!(*after < 1.0, "{trial:?}"),
        Reading::NotSteady(_) => {}
        other if has_no_baseline(cell, other) => {}
        other => panic!("{other:?} in {trial:?}"),
    }
}

/// Whether a busy machine left too few intervals to measure against.
fn has_no_baseline(cell: &Cell, reading: &Reading) -> bool {
    let says_so =
        matches!(reading, Reading::NotMeasured(why) if why.starts_with("the baseline has"));
    says_so && is_disturbed(cell)
}

fn is_disturbed(cell: &Cell) -> bool {
    matches!(cell.validity, Validity::Disturbed(_))
}

/// Tasks that wait for a second at so many per second, when they are lost. Those
/// that a busy machine hands over or starts late wait longer or not yet.
fn waited_a_second(cell: &Cell, rate: u64) -> RangeInclusive<u64> {
    let spread = if is_disturbed(cell) { rate / 2 } else { rate / 20 };
    rate - spread..=rate + spread
}

#[test]
fn a_killed_broker_comes_back_and_has_lost_nothing() {
    let place = Place::new();
    let text = scenario("\"redis-asynq\"", 34, "kind = \"kill\"\non = \"broker\"");
    let outcome = outcome(&place, &text);
    let (cell, trial) = trial(&outcome);
    assert_eq!(trial.fault, "kill broker at 6 s for 2 s");
    assert!((6.0..6.5).contains(&trial.took_effect_s), "{trial:?}");
    assert!((8.0..8.5).contains(&trial.cleared_s.expect("healed")), "{trial:?}");
    // Positive control: while nobody is there nothing is done.
    let done = &cell.series.columns["throughput"];
    let bin = ((7.0 - cell.series.start_s) / cell.series.bin_s) as usize;
    assert_eq!(done[bin], Some(0.0), "{done:?}");
    had_an_impact(cell, trial);
    assert!(seconds(trial, "detection.client") < 1.0, "{trial:?}");
    // The file of a killed process is whole: the kernel has it (class W).
    assert_eq!((trial.lost, cell.counts.lost), (0, 0), "{:?}", cell.counts);
    assert!(trial.exposed > 1_000, "{trial:?}");
    match &trial.readings["recovery.from_fault"] {
        Reading::Is(after) | Reading::MoreThan(after) => assert!(*after >= 2.0, "{trial:?}"),
        Reading::NotSteady(_) => {}
        other if has_no_baseline(cell, other) => {}
        other => panic!("{other:?} in {trial:?}"),
    }
    let broker = cell.moments.iter().filter(|mark| mark.kind == MomentKind::Broker).count();
    assert_eq!(broker, 3, "killed, started, answers: {:?}", cell.moments);
    let page = schedbench_reports::html::render(&outcome);
    assert!(page.contains("<h3>kill broker at 6 s for 2 s</h3>"));
    place.wait_until_nothing_is_left("after a fault");
}

#[test]
fn a_paused_broker_goes_on_with_everything() {
    let place = Place::new();
    let text = scenario("\"redis-asynq\"", 9, "kind = \"pause\"\non = \"broker\"");
    let outcome = outcome(&place, &text);
    let (cell, trial) = trial(&outcome);
    assert_eq!(cell.counts.lost, 0);
    let done = &cell.series.columns["throughput"];
    let bin = ((7.0 - cell.series.start_s) / cell.series.bin_s) as usize;
    assert_eq!(done[bin], Some(0.0), "{done:?}");
    had_an_impact(cell, trial);
    place.wait_until_nothing_is_left("after a fault");
}

/// A scheduler of ours is in a child where it is hurt. It keeps nothing: what
/// waits for its time is lost with it, and that is what the ledger proves.
#[test]
fn a_killed_wheel_has_lost_what_waited_in_it() {
    let place = Place::new();
    let text = scenario("\"wheel\"", 9, "kind = \"kill\"\non = \"workers\"")
        .replace("rates = [\"5k\"]", "rates = [\"2k\"]")
        + "[task]\ndelay = [{ fixed = \"1 s\" }]\n";
    let outcome = outcome(&place, &text);
    let [cell] = cells_of(&outcome, "wheel")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{cell:?}");
    let [trial] = cell.trials.as_slice() else { panic!("{:?}", cell.trials) };
    assert!(waited_a_second(cell, 2_000).contains(&trial.lost), "{} lost", trial.lost);
    assert_eq!(trial.lost, cell.counts.lost);
    // None in the second after: it was not there.
    let done = &cell.series.columns["throughput"];
    let bin = ((7.0 - cell.series.start_s) / cell.series.bin_s) as usize;
    assert_eq!(done[bin], Some(0.0), "{done:?}");
    assert!(cell.counts.early == 0 && cell.counts.repeated == 0, "{:?}", cell.counts);
    place.wait_until_nothing_is_left("after a fault");
}

/// So do the baselines beside it: the heap, tokio's timer and its delay queue.
#[test]
fn killed_baselines_have_lost_what_waited_in_them() {
    let place = Place::new();
    let baselines = ["heap", "tokio", "delay-queue"];
    let text =
        scenario("\"heap\", \"tokio\", \"delay-queue\"", 4, "kind = \"kill\"\non = \"workers\"")
            .replace("rates = [\"5k\"]", "rates = [\"500\"]")
            .replace("at = \"6 s\"\nfor = \"2 s\"", "at = \"2 s\"\nfor = \"500 ms\"")
            + "[task]\ndelay = [{ fixed = \"1 s\" }]\n";
    let outcome = outcome_of(&place, &text, 1 + baselines.len());
    for system in baselines {
        let [cell] = cells_of(&outcome, system)[..] else { panic!("one cell of {system}") };
        assert!(cell.counts.balances && cell.error.is_none(), "{cell:?}");
        let [trial] = cell.trials.as_slice() else { panic!("{:?}", cell.trials) };
        assert!(waited_a_second(cell, 500).contains(&trial.lost), "{system}: {} lost", trial.lost);
        assert_eq!(trial.lost, cell.counts.lost, "{system}");
        assert_eq!(cell.counts.repeated, 0, "{system}: {:?}", cell.counts);
    }
    place.wait_until_nothing_is_left("after a fault");
}

#[test]
fn a_killed_worker_is_replaced() {
    let place = Place::new();
    // A rate that one worker on a busy machine keeps up with: nothing else
    // than what the dead one holds may be left.
    let text = scenario("\"redis-asynq\"", 11, "kind = \"kill\"\non = \"worker:1\"")
        .replace("rates = [\"5k\"]", "rates = [\"1k\"]");
    let outcome = outcome(&place, &text);
    let (cell, _) = trial(&outcome);
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    let said: Vec<&str> = cell.moments.iter().map(|mark| mark.text.as_str()).collect();
    // That it ended is what its pipe says, not who killed it.
    for word in ["fault: kill worker:1", "worker 1 ended", "healed: worker:1 started again"] {
        assert!(said.contains(&word), "{word} in {said:?}");
    }
    // What it held has a lease of 30 s: the system says that it has it.
    assert!(cell.counts.residual <= 32, "{:?}", cell.counts);
    place.wait_until_nothing_is_left("after a fault");
}

/// Stopped for longer than its group waits for it, with all that it may hold in
/// its hands: it has to learn that, and to join again; and the other has to go
/// on committing when it gets more partitions and when it gives them back.
#[test]
fn a_worker_of_kafka_that_was_put_out_of_its_group_comes_back() {
    let place = Place::new();
    let fault = "kind = \"pause\"\non = \"worker:1\"\n";
    let text = scenario("\"kafka\"", 28, fault)
        .replace("rates = [\"5k\"]", "rates = [\"250\"]")
        .replace("concurrency = 2\nprefetch = 16", "concurrency = 4\nprefetch = 4")
        .replace("at = \"6 s\"\nfor = \"2 s\"", "at = \"4 s\"\nfor = \"13 s\"")
        .replace("[workers]", "[task]\nwork = { sleep = \"50 ms\" }\n[workers]");
    let outcome = outcome(&place, &text);
    let (cell, _) = trial_of(&outcome, "kafka");
    // More is offered than both can do, 160/s: what is done is what works.
    let done = |from, to| done_between(cell, from, to);
    let (both, one, after) = (done(0.0, 4.0), done(5.0, 16.0), done(23.0, 28.0));
    assert!(one < 0.7 * both && after > 1.5 * one, "{both}/s, {one}/s, then {after}/s");
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    place.wait_until_nothing_is_left("after a fault");
}

#[test]
fn an_interrupted_fault_is_healed() {
    let place = Place::new();
    let text = scenario("\"redis-asynq\"", 4, "kind = \"pause\"\non = \"broker\"")
        .replace("at = \"6 s\"", "at = \"1 s\"")
        .replace("horizon = \"3 s\"", "horizon = \"1 s\"");
    let mut running = Running::beside(&place, run(&place, &text, &[]));
    running.wait_until("a stopped broker", |pid| {
        crate::processes::descendants(pid).into_iter().any(is_stopped)
    });
    running.send(Signal::INT);
    running.end();
    let outcome = place.results().expect("results").outcome();
    assert!(matches!(outcome.ended, schedbench_reports::outcome::Ended::Interrupted(_)));
    place.wait_until_nothing_is_left("after an interrupted fault");
}

#[test]
fn what_waited_in_a_child_that_an_interruption_ended_is_not_lost() {
    let place = Place::new();
    let text = scenario("\"wheel\"", 14, "kind = \"pause\"\non = \"workers\"")
        + "[task]\ndelay = [{ fixed = \"2 s\" }]\n";
    let mut running = Running::beside(&place, run(&place, &text, &[]));
    running.wait_until("a worker that runs", |pid| !crate::processes::workers(pid).is_empty());
    running.wait_until("a stopped worker", |pid| {
        crate::processes::workers(pid).into_iter().any(is_stopped)
    });
    running.send(Signal::INT);
    running.end();
    let outcome = place.results().expect("results").outcome();
    let cut = cells_of(&outcome, "wheel");
    let [Cell { counts, .. }] = cut[..] else { panic!("one cell: {cut:?}") };
    // 2 s of tasks at 5k/s wait when it is stopped.
    assert!(counts.lost == 0 && counts.residual > 5_000, "{counts:?}");
}

/// Whether a process is stopped (SIGSTOP).
fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
}

#[test]
fn what_would_not_be_started_here_is_not_hurt() {
    let place = Place::new();
    for fault in ["kind = \"kill\"\non = \"broker\"", "kind = \"stall\"\non = \"links\""] {
        let text = scenario("\"redis-asynq\"", 14, fault);
        let mut there = run(&place, &text, &["--env", "external"]);
        there.env("REDIS_URL", "redis://127.0.0.1:1/0");
        let file = place.file("small.toml", &text);
        let args = ["run", file.to_str().expect("UTF-8"), "--env", "compose"];
        for mut command in [there, with_docker(&place, &args)] {
            let said = Said::of(command.output().expect("a run")).refused(2);
            said.complains_of(&["only one that schedbench starts itself is ever hurt"]);
            assert!(!place.at("results").exists(), "nothing was started");
        }
        assert!(!place.at("docker/project").exists(), "and no container");
    }
}

#[test]
fn what_is_not_ours_is_not_hurt() {
    let place = Place::new();
    let text = scenario("\"redis-asynq\"", 14, "kind = \"kill\"\non = \"broker\"")
        + "[brokers.redis]\nurl_env = \"THEIR_REDIS\"\n";
    let mut command = run(&place, &text, &[]);
    command.env("THEIR_REDIS", "redis://127.0.0.1:1/0");
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["cannot have its broker killed", "THEIR_REDIS"]);
    assert!(!place.at("results").exists(), "nothing was started");
}

/// Two trials behind a Redis each: one whose links stand still, one that is left
/// alone and is judged all the same.
#[test]
fn each_trial_is_a_cell_of_its_own_and_a_control_is_judged() {
    const TRIALS: &str = "name = \"small\"\nsummary = \"for a test\"\n\
        systems = [\"redis-asynq\"]\n\
        [load]\nrates = [\"5k\"]\narrivals = \"constant\"\nwarmup = \"500 ms\"\n\
        duration = \"7 s\"\nhorizon = \"3 s\"\n\
        [[trial]]\nname = \"control\"\n\
        [[trial]]\nname = \"standstill\"\n\
        fault = [{ kind = \"stall\", on = \"links\", at = \"5 s\", for = \"1 s\" }]\n";
    let place = Place::new();
    let mut running = Running::start(&place, run(&place, TRIALS, &["--quick"]));
    running.wait_for_cells(3);
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();

    let cells = cells_of(&outcome, "redis-asynq");
    let named = |name: &str| {
        let mut all = cells.iter().filter(|cell| cell.key.trial.as_deref() == Some(name));
        let (Some(cell), None) = (all.next(), all.next()) else { panic!("one {name}") };
        assert!(cell.counts.balances, "{:?} {:?}", cell.counts, cell.error);
        let [trial] = cell.trials.as_slice() else { panic!("one trial: {:?}", cell.trials) };
        (*cell, trial)
    };
    let (hurt, trial) = named("standstill");
    assert_eq!(trial.fault, "stall links at 5 s for 1 s");
    assert_eq!(hurt.key.fault.as_deref(), Some("stall links at 5 s for 1 s"));
    had_an_impact(hurt, trial);
    let healed = trial.cleared_s.expect("healed");
    assert_eq!(done_between(hurt, trial.took_effect_s + 0.2, healed), 0.0, "while it stood still");
    let (left_alone, trial) = named("control");
    assert_eq!((trial.took_effect_s, trial.cleared_s), (5.0, Some(6.0)));
    assert_eq!(trial.fault, "no fault, as a control, at 5 s for 1 s");
    assert_eq!(left_alone.key.fault, None);
    let faults = left_alone.moments.iter().filter(|mark| mark.text.starts_with("fault:"));
    assert_eq!(faults.count(), 0, "{:?}", left_alone.moments);
    // A busy machine may disturb it; then that is what its readings are of.
    match trial.readings["detection.impact"] {
        Reading::NoImpact | Reading::NotSteady(_) => {}
        Reading::Is(_) if left_alone.validity != Validity::Valid => {}
        ref other if has_no_baseline(left_alone, other) => {}
        ref other => panic!("{other:?} in {trial:?}"),
    }
    assert_ne!(hurt.block, left_alone.block, "each has a broker of its own");
    assert_eq!(cells_of(&outcome, "noop").len(), 1, "noop goes through no trial");

    let page = schedbench_reports::html::render(&outcome);
    assert!(page.contains("<h3>standstill: stall links at 5 s for 1 s</h3>"));
    assert!(page.contains("<h3>control: no fault, as a control, at 5 s for 1 s</h3>"));
    place.wait_until_nothing_is_left("after trials");
}
