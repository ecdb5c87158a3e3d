//! A full disk: real brokers on small disks of their own, which takes root;
//! elsewhere it is refused, which is tested too.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::statfs;
use rustix::process::{Signal, geteuid};
use schedbench_reports::outcome::{Cell, Outcome, Trial, Validity};

use crate::harness::{Running, cells_of};
use crate::place::{PROGRAM, Place, Said};
use crate::processes::{is_alive, redis_servers, wait_for};

/// 1k/s of 16 kB for 17 s, full from 3 s on for 8 s. The bodies are for
/// PostgreSQL: it notices at the end of a segment of its journal, 16 MB, which
/// takes 1 s at this rate and longer on a busy machine, and ends itself only if
/// there is no room yet when it recovers from that.
fn scenario(systems: &str) -> String {
    format!(
        "name = \"small\"\nsummary = \"for a test\"\nsystems = [{systems}]\n\
         [load]\nrates = [\"1k\"]\narrivals = \"constant\"\nwarmup = \"500 ms\"\n\
         duration = \"17 s\"\nhorizon = \"3 s\"\n[task]\nbody = \"16 kB\"\n\
         [[fault]]\nkind = \"disk-full\"\non = \"broker\"\nat = \"3 s\"\nfor = \"8 s\"\n"
    )
}

fn run(place: &Place, text: &str) -> Command {
    let file = place.file("small.toml", text);
    place.schedbench(&["run", file.to_str().expect("UTF-8")])
}

/// The outcome once noop and that many others have been measured.
fn outcome(place: &Place, text: &str, others: usize) -> Outcome {
    let mut running = Running::start(place, run(place, text));
    for cells in 1..=1 + others {
        running.wait_for_cells(cells);
    }
    let outcome = place.results().expect("results").outcome();
    running.send(Signal::INT);
    running.end();
    wait_for("no mount", || mounts_of(place).is_empty());
    place.wait_until_nothing_is_left("after a full disk");
    outcome
}

/// The processes that see something mounted there.
fn mounts_of(place: &Place) -> Vec<String> {
    let text = place.path().display().to_string();
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    let seen = all.filter_map(|entry| {
        let mounts = fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default();
        mounts.contains(&text).then(|| entry.file_name().to_string_lossy().into_owned())
    });
    seen.collect()
}

/// What was positive about the fault: nothing is done once the broker has
/// noticed, 7.5 s after it was full at the latest.
fn suffered<'a>(outcome: &'a Outcome, system: &str) -> (&'a Cell, &'a Trial) {
    let [cell] = cells_of(outcome, system)[..] else { panic!("one cell of {system}") };
    // A busy machine disturbs; it is no finding about the fault.
    let sound = matches!(cell.validity, Validity::Valid | Validity::Disturbed(_));
    assert!(sound, "{system}: {:?} {:?}", cell.validity, cell.error);
    assert!(cell.counts.balances, "{system}: {:?}", cell.counts);
    let [trial] = cell.trials.as_slice() else { panic!("{system}: {:?}", cell.trials) };
    assert_eq!(trial.fault, "disk-full broker at 3 s for 8 s");
    // A node of RabbitMQ's is told, and may answer late where others want the cores.
    let within = if cell.validity == Validity::Valid { 1.0 } else { 4.0 };
    let (full, room) = (trial.took_effect_s, trial.cleared_s.expect("room"));
    assert!((3.0..3.0 + within).contains(&full), "{system}: {trial:?}");
    assert!((11.0..11.0 + within).contains(&room), "{system}: {trial:?}");
    let done = &cell.series.columns["throughput"];
    assert_eq!(done_at(cell, 10.7), Some(0.0), "{system}: {done:?}");
    assert_eq!((cell.counts.lost, trial.lost), (0, 0), "{system}: {:?}", cell.counts);
    (cell, trial)
}

fn done_at(cell: &Cell, second: f64) -> Option<f64> {
    let done = &cell.series.columns["throughput"];
    done[((second - cell.series.start_s) / cell.series.bin_s) as usize]
}

fn says(cell: &Cell, text: &str) -> bool {
    cell.moments.iter().any(|mark| mark.text.starts_with(text))
}

fn goes_on(cell: &Cell) {
    let done = &cell.series.columns["throughput"];
    assert!(done_at(cell, 16.9) > Some(0.0), "it goes on when there is room: {done:?}");
}

fn lives_through_it(cell: &Cell) {
    assert!(!says(cell, "the broker ended itself"), "{:?}", cell.moments);
    goes_on(cell);
}

fn ends_and_comes_back(cell: &Cell) {
    let ended = "the broker ended itself without room on its disk (exit 1)";
    assert!(says(cell, ended), "{:?}", cell.moments);
    assert!(says(cell, "the broker answers again"), "{:?}", cell.moments);
}

/// Redis refuses what writes, RabbitMQ blocks who publishes: both live. Kafka
/// and PostgreSQL end themselves, and come back with all that they confirmed.
#[test]
fn every_broker_of_ours_has_a_disk_that_can_be_full() {
    if !geteuid().is_root() {
        return;
    }
    let place = Place::for_everybody();
    let text = scenario("\"redis-asynq\", \"rabbitmq\", \"postgres\", \"kafka\"");
    let outcome = outcome(&place, &text, 4);
    let (redis, _) = suffered(&outcome, "redis-asynq");
    lives_through_it(redis);
    assert!(redis.counts.window.refused > 1_000, "{:?}", redis.counts);
    let (rabbitmq, _) = suffered(&outcome, "rabbitmq");
    lives_through_it(rabbitmq);
    assert!(says(rabbitmq, "connection 0 to 127.0.0.1"), "blocked: {:?}", rabbitmq.moments);
    let (postgres, _) = suffered(&outcome, "postgres");
    ends_and_comes_back(postgres);
    goes_on(postgres);
    // Its start alone may take longer than what is left of the window.
    let (kafka, _) = suffered(&outcome, "kafka");
    ends_and_comes_back(kafka);
    assert!(schedbench_reports::html::render(&outcome).contains("disk-full broker at 3 s for 8 s"));
}

/// Those that write before each answer, and those of several nodes.
#[test]
fn so_have_those_that_sync_and_clusters() {
    if !geteuid().is_root() || std::env::var_os("SCHEDBENCH_ALL_PROFILES").is_none() {
        return;
    }
    let place = Place::for_everybody();
    let text = scenario("\"redis-asynq/always\", \"rabbitmq/quorum-3\", \"kafka/rf3\"");
    let text = text.replace("[load]", "clusters = true\n[load]");
    let outcome = outcome(&place, &text, 3);
    let (redis, _) = suffered(&outcome, "redis-asynq");
    ends_and_comes_back(redis);
    goes_on(redis);
    let (rabbitmq, _) = suffered(&outcome, "rabbitmq");
    lives_through_it(rabbitmq);
    let (kafka, _) = suffered(&outcome, "kafka");
    for node in 1..=3 {
        assert!(says(kafka, &format!("node {node} ended itself")), "{:?}", kafka.moments);
    }
    assert!(says(kafka, "the broker answers again"), "{:?}", kafka.moments);
}

/// However a run ends: no process, no directory, no mount.
#[test]
fn a_full_disk_goes_with_its_run() {
    if !geteuid().is_root() {
        return;
    }
    // It ends in the middle of the fault: what would come after is short.
    let text = scenario("\"redis-asynq\"")
        .replace("\"17 s\"\nhorizon = \"3 s\"", "\"3100 ms\"\nhorizon = \"1 s\"")
        .replace("at = \"3 s\"\nfor = \"8 s\"", "at = \"500 ms\"\nfor = \"2500 ms\"");
    for killed in [false, true] {
        let place = Place::new();
        let mut running = Running::beside(&place, run(&place, &text));
        running.wait_until("a Redis whose disk is full", |pid| {
            redis_servers(pid).iter().any(|(redis, _)| {
                statfs(format!("/proc/{redis}/cwd")).is_ok_and(|disk| disk.f_bfree == 0)
            })
        });
        let seen = mounts_of(&place);
        assert!(!seen.is_empty(), "who is in there sees it");
        assert!(!seen.contains(&std::process::id().to_string()), "nobody else does: {seen:?}");
        let servers = redis_servers(running.pid());
        if killed {
            running.kill();
        } else {
            running.send(Signal::INT);
            assert_eq!(running.end().code(), Some(130), "{}", running.stderr());
        }
        wait_for("its end", || !servers.iter().any(|(redis, _)| is_alive(*redis)));
        wait_for("no mount", || mounts_of(&place).is_empty());
        place.wait_until_nothing_is_left("after a full disk");
    }
}

/// A small disk takes root: without it the run is refused, and nothing started.
#[test]
fn without_root_a_full_disk_is_refused() {
    let place = Place::for_everybody();
    let file = place.file("small.toml", scenario("\"redis-asynq\""));
    // What is built may lie where nobody else may enter.
    let program = place.at("schedbench");
    fs::copy(PROGRAM, &program).expect("a copy");
    let program = program.to_str().expect("UTF-8");
    let mut command = place.program(program, &["run", file.to_str().expect("UTF-8")]);
    if geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["redis-asynq/everysec", "A full disk is unsupported here", "as root"]);
    assert!(!place.at("results").exists(), "nothing was started");
}
