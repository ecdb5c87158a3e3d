//! Worker programs that cannot be made, or that die at their start: a clear
//! word within seconds, and nothing half-made or running is left.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use schedbench::environment::ports;
use schedbench_reports::outcome::{Ended, Validity};

use crate::harness::{cells_of, files_below};
use crate::place::{Place, Said, small};

/// Some seconds on a machine that does nothing else; a virtual environment takes
/// more than a minute where twenty processes want each core.
const SECONDS: Duration = Duration::from_secs(240);

/// The program with caches of its own, so that nothing is made or fetched yet,
/// and with indexes that nobody serves.
fn cut_off(place: &Place, args: &[&str]) -> Command {
    let port = ports::free().expect("a port");
    let mut command = place.schedbench(args);
    command
        .env("XDG_CACHE_HOME", place.at("cache"))
        .env("PIP_INDEX_URL", format!("http://127.0.0.1:{port}/simple"))
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env("PIP_CACHE_DIR", place.at("pip-cache"))
        // Longer than this test would wait: what the program says goes before.
        .env("PIP_DEFAULT_TIMEOUT", "600")
        .env("GOPROXY", format!("http://127.0.0.1:{port}"))
        .env("GOMODCACHE", place.at("modules"))
        .env("GOFLAGS", "")
        .env_remove("SCHEDBENCH_CELERY_WORKER")
        .env_remove("SCHEDBENCH_ASYNQ_WORKER");
    for name in ["PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_RETRIES"] {
        command.env_remove(name);
    }
    command
}

/// Ends it and asserts that it took seconds.
#[track_caller]
fn said_soon(mut command: Command) -> Said {
    let began = Instant::now();
    let said = Said::of(command.output().expect("a run"));
    assert!(began.elapsed() < SECONDS, "after {:?}\n{}", began.elapsed(), said.stderr);
    said
}

/// Asserts that no program is there that a later run would take for made.
#[track_caller]
fn nothing_is_made(place: &Place) {
    let workers = place.at("cache/schedbench/workers");
    for file in files_below(&workers) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rest = [".log", ".lock"].iter().any(|end| name.ends_with(end));
        assert!(rest, "{} is left", file.display());
    }
    let doctor = cut_off(place, &["doctor"]).output().expect("doctor");
    let doctor = Said::of(doctor).ends(0).stdout;
    assert!(doctor.contains("its worker is not made yet"), "{doctor}");
}

const UNREACHABLE: [(&str, &str); 2] =
    [("celery", "Its packages (PIP_INDEX_URL)"), ("asynq", "Its modules (GOPROXY)")];

#[test]
fn what_cannot_be_fetched_is_said_by_prepare() {
    for (system, what) in UNREACHABLE {
        let place = Place::new();
        // Twice: what the first attempt left is no program for the second.
        for _ in 0..2 {
            let said = said_soon(cut_off(&place, &["prepare", system])).refused(2);
            let said = said.complains_of(&[
                &format!("error: {system}: no worker here\n"),
                &format!("{what} cannot be fetched: "),
                "refused",
                "full log: ",
                &format!("schedbench prepare {system}"),
            ]);
            assert_eq!(said.stderr.matches("making the worker of ").count(), 1, "{}", said.stderr);
            nothing_is_made(&place);
        }
        place.wait_until_nothing_is_left("after a worker that cannot be made");
    }
}

#[test]
fn what_cannot_be_fetched_ends_a_run_before_it_begins_or_is_skipped() {
    for (system, what) in UNREACHABLE {
        let place = Place::new();
        let scenario = place.file("small.toml", small(&format!("\"{system}\", \"wheel\"")));
        let scenario = scenario.to_str().expect("UTF-8");
        let said = said_soon(cut_off(&place, &["run", scenario])).refused(2);
        said.complains_of(&[&format!("{what} cannot be fetched: "), "--skip-missing"]);
        assert!(!place.at("results").exists(), "nothing was started");
        nothing_is_made(&place);

        let said = said_soon(cut_off(&place, &["run", scenario, "--skip-missing"])).ends_well();
        said.complains_of(&["skipped: ", what]);
        let outcome = place.results().expect("results").outcome();
        let [skipped] = outcome.skipped.as_slice() else { panic!("{:?}", outcome.skipped) };
        assert!(skipped.target.starts_with(&format!("{system}/")), "{skipped:?}");
        assert_eq!(skipped.remedy, Some(format!("schedbench prepare {system}")));
        assert!(cells_of(&outcome, system).is_empty());
        assert!(cells_of(&outcome, "wheel").iter().all(|cell| cell.error.is_none()));
        place.wait_until_nothing_is_left("after a run without a worker");
    }
}

/// Runs a system whose worker dies at its start, and the wheel beside it;
/// asserts that its cells fail with these words, and nothing else.
fn dies_at_its_start(place: &Place, system: &str, mut command: Command, words: &[&str]) {
    let began = Instant::now();
    let said = Said::of(command.output().expect("a run")).ends(1);
    // A broker has to come up and go down besides.
    assert!(began.elapsed() < 2 * SECONDS, "after {:?}\n{}", began.elapsed(), said.stderr);
    said.complains_of(words);
    let outcome = place.results().expect("results").outcome();
    assert_eq!(outcome.ended, Ended::Complete);
    let cells = cells_of(&outcome, system);
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(matches!(cell.validity, Validity::Incomplete(_)), "{:?}", cell.validity);
        let error = cell.error.as_ref().expect("an error");
        let text = format!("{}\n{}", error.message, error.log.join("\n"));
        assert!(text.contains("worker died "), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
    }
    assert!(cells_of(&outcome, "wheel").iter().all(|cell| cell.error.is_none()));
    place.wait_until_nothing_is_left("after a worker that died at its start");
}

#[test]
fn a_python_worker_that_cannot_import_fails_its_cells() {
    let place = Place::new();
    let cache = place.at("cache");
    let with_cache = |args: &[&str]| {
        let mut command = place.schedbench(args);
        command.env("XDG_CACHE_HOME", &cache).env_remove("SCHEDBENCH_CELERY_WORKER");
        command
    };
    Said::of(with_cache(&["prepare", "celery"]).output().expect("a run")).ends(0);
    let kombu = files_below(&cache.join("schedbench/workers"))
        .into_iter()
        .find(|file| file.ends_with("site-packages/kombu/__init__.py"))
        .expect("a package of Celery's");
    fs::write(kombu, "raise ImportError('a planted fault')\n").expect("a write");
    let scenario = place.file("small.toml", small("\"celery\", \"wheel\""));
    let run = with_cache(&["run", scenario.to_str().expect("UTF-8")]);
    let words = ["(exit 1)", "full log: logs/", "ImportError: a planted fault"];
    dies_at_its_start(&place, "celery", run, &words);
}

/// A program in a worker's place that says something and ends.
fn mayfly(place: &Place) -> PathBuf {
    let text = "#!/bin/sh\necho 'panic: a planted fault' >&2\nexit 7\n";
    let path = place.file("mayfly", text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

#[test]
fn a_go_worker_that_dies_at_its_start_fails_its_cells() {
    // Fed by the harness, and a consumer on a broker.
    for system in ["go-timers", "asynq"] {
        let place = Place::new();
        let scenario = place.file("small.toml", small(&format!("\"{system}\", \"wheel\"")));
        let mut run = place.schedbench(&["run", scenario.to_str().expect("UTF-8")]);
        let variable = format!("SCHEDBENCH_{}_WORKER", system.to_uppercase().replace('-', "_"));
        run.env(variable, mayfly(&place));
        let words = ["(exit 7)", "full log: logs/", "panic: a planted fault"];
        dies_at_its_start(&place, system, run, &words);
    }
}
