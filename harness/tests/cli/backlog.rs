//! A backlog on a real Redis that is really killed: what the ledger, the page
//! and the terminal say of what survived.

use schedbench_contract::MomentKind;
use schedbench_reports::analysis::analyse;
use schedbench_reports::outcome::{Cell, Load, Mark, Outcome, Validity, Value};
use schedbench_reports::{html, numbers, terminal};

use crate::harness::cells_of;
use crate::place::Place;

/// 3,000 tasks, and their broker killed after they have rested for 3 s.
fn scenario(systems: &str) -> String {
    format!(
        "name = \"small\"\nsummary = \"for a test\"\nsystems = [{systems}]\n\
         [load]\nmode = \"backlog\"\npending = [\"3k\"]\nhorizon = \"60 s\"\n\
         [[fault]]\nkind = \"kill\"\non = \"broker\"\nat = \"3 s\"\nfor = \"1 s\"\n"
    )
}

fn run(place: &Place, text: &str) -> Outcome {
    let file = place.file("small.toml", text);
    let said = place.says(&["run", file.to_str().expect("UTF-8")]).ends_well();
    assert!(said.stderr.contains("survived"), "each cell's line says it: {}", said.stderr);
    place.results().expect("results").outcome()
}

/// The last that was measured: on a busy machine it was disturbed before.
fn cell<'a>(outcome: &'a Outcome, profile: &str) -> &'a Cell {
    let all = cells_of(outcome, "redis-asynq");
    let cell = all.into_iter().rfind(|cell| cell.key.profile == profile).expect("its cell");
    let sound = matches!(cell.validity, Validity::Valid | Validity::Disturbed(_));
    assert!(sound && cell.counts.balances, "{:?} {:?}", cell.validity, cell.error);
    assert_eq!(cell.key.load, Load::Backlog(3_000));
    cell
}

fn number(cell: &Cell, name: &str) -> f64 {
    match cell.metrics[name] {
        Value::Is(value) => value,
        ref other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_redis_with_a_file_keeps_all_and_one_without_loses_all() {
    let place = Place::new();
    let outcome = run(&place, &scenario("\"redis-asynq/memory\", \"redis-asynq/everysec\""));
    assert!(cells_of(&outcome, "noop").is_empty(), "it holds no task while no worker runs");

    let kept = cell(&outcome, "everysec");
    assert_eq!(kept.counts.grid.ok, [0, 3_000, 0], "{:?}", kept.counts);
    assert_eq!((kept.counts.lost, kept.counts.residual), (0, 0));
    assert_eq!(kept.metrics["backlog.survived"], Value::Is(3_000.0));
    let (ready, resume) = (number(kept, "backlog.ready"), number(kept, "backlog.resume"));
    let drained = number(kept, "backlog.drain_time");
    assert!(0.0 < ready && 0.0 < resume && resume <= drained, "{:?}", kept.metrics);
    assert!(number(kept, "backlog.drain_rate") > 0.0);
    let [trial] = kept.trials.as_slice() else { panic!("{:?}", kept.trials) };
    // From 3 s to 4 s, each as late as this machine was busy.
    let killed_for = trial.cleared_s.expect("healed") - trial.took_effect_s;
    assert!((0.0..4.0).contains(&killed_for), "{trial:?}");
    let told = number(kept, "backlog.answers") - number(kept, "backlog.restart");
    assert!((told - killed_for).abs() < 1e-6, "{told} s, and {killed_for} s between both moments");
    assert_eq!((trial.lost, trial.exposed), (0, 3_000));
    let said: Vec<_> = kept.moments.iter().map(|mark| (mark.kind, mark.text.as_str())).collect();
    for word in [
        (MomentKind::Broker, "fault: kill broker"),
        (MomentKind::Broker, "the broker answers again"),
        (MomentKind::Worker, "workers on"),
    ] {
        assert!(said.contains(&word), "{word:?} in {said:?}");
    }

    // A hash with the message of some 200 B, its state and since when, the key's
    // name, a place in the table of keys and one in the list: about 800 B.
    for cell in [kept, cell(&outcome, "memory")] {
        let per_task = number(cell, "backlog.bytes_per_task");
        assert!((150.0..3_000.0).contains(&per_task), "{per_task} B in {:?}", cell.moments);
        let is_memory = |mark: &Mark| mark.text.starts_with("memory of the broker (PSS): ");
        assert!(cell.moments.iter().any(is_memory), "{:?}", cell.moments);
    }

    let gone = cell(&outcome, "memory");
    assert_eq!(gone.counts.grid.ok, [3_000, 0, 0], "{:?}", gone.counts);
    assert_eq!((gone.counts.lost, gone.counts.residual), (3_000, 0), "proved, to the last");
    assert_eq!(gone.trials[0].lost, 3_000);

    // On a busy machine it was measured again, and each time lost all.
    let all = cells_of(&outcome, "redis-asynq").into_iter();
    let lost: u64 = all.map(|cell| cell.counts.lost).sum();
    let lost = format!("{} lost", numbers::whole(lost));
    let page = html::render(&outcome);
    assert!(page.contains("id=\"backlog\"") && page.contains(&lost), "{lost}");
    let text = terminal::render(&outcome, &analyse(&outcome), false, 120);
    assert!(text.contains("backlog: ") && text.contains(&lost), "{text}");
    place.wait_until_nothing_is_left("after a backlog");
}

/// 100 ms of work each, eight at a time: 3,000 take 37 s, and may take 5.
#[test]
fn a_drain_that_takes_too_long_is_cut_off_counted_and_thrown_away() {
    let place = Place::new();
    let text = scenario("\"redis-asynq/everysec\"").replace("60 s", "5 s")
        + "[task]\nwork = { sleep = \"100 ms\" }\n";
    let outcome = run(&place, &text);
    let cell = cell(&outcome, "everysec");
    let Value::AtLeast(cut) = cell.metrics["backlog.drain_time"] else {
        panic!("{:?}", cell.metrics)
    };
    assert!((5.0..10.0).contains(&cut), "{cut}");
    let counts = &cell.counts;
    assert!(counts.residual > 1_000 && counts.lost == 0, "{counts:?}");
    assert_eq!(counts.window.done + counts.residual, 3_000, "{counts:?}");
    assert!(html::render(&outcome).contains(" left"));
    place.wait_until_nothing_is_left("after a drain that was cut off");
}
