//! Readers that go away, and disks that are full.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::harness::files_below;
use crate::place::{PROGRAM, Place, Said, small};
use crate::processes::{send, wait_for};

/// The writing end of a pipe that nobody reads any more, as after `| head -1`.
fn unread() -> Stdio {
    let (_, writer) = std::io::pipe().expect("a pipe");
    writer.into()
}

fn said(mut command: Command) -> Said {
    Said::of(command.output().expect("a run"))
}

#[test]
fn whoever_stops_reading_ends_nothing_badly() {
    let place = Place::new();
    for args in [
        &["list"][..],
        &["list", "--format", "json"],
        &["list", "quick"],
        &["doctor"],
        &["doctor", "--format", "json"],
        &["check", "quick"],
        &["check", "quick", "--json"],
        &["schema", "result"],
        &["completions", "zsh"],
        &["man"],
        &["clean"],
        &["--help"],
        &["--version"],
    ] {
        let mut command = place.schedbench(args);
        command.stdout(unread());
        let said = said(command);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_run_is_whole_although_nobody_reads() {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"wheel\""));
    for format in ["text", "json", "md", "csv"] {
        let args = ["run", scenario.to_str().expect("UTF-8"), "--format", format];
        let mut command = place.schedbench(&[&args[..], &["--loads", "1k"]].concat());
        command.stdout(unread());
        said(command).ends_well();
        let results = place.results().expect("results");
        assert!(results.at("report.html").is_file());
        place.says(&["report", "results/small/latest/result.json", "-o", "-"]).ends(0);
        let mut report = place.schedbench(&["report", "results/small/latest/result.json"]);
        report.args(["--format", format]).stdout(unread());
        let report = said(report);
        assert_eq!((report.code, report.stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn a_run_ends_in_order_although_nobody_hears_its_progress() {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"wheel\""));
    let scenario = scenario.to_str().expect("UTF-8");
    let mut command = place.schedbench(&["run", scenario, "--loads", "1k"]);
    let ended = command.stderr(unread()).stdout(Stdio::null()).status().expect("a run");
    assert!(matches!(ended.code(), Some(0 | 4)), "{ended}");

    let mut long = place.schedbench(&["run", scenario, "--repeats", "500", "--loads", "1k"]);
    let mut child = long.stderr(unread()).stdout(unread()).spawn().expect("a run");
    let first = place.results().expect("results").outcome().run.id;
    wait_for("a cell", || {
        place.results().is_some_and(|results| {
            let outcome = results.outcome();
            outcome.run.id != first && !outcome.cells.is_empty()
        })
    });
    send(i32::try_from(child.id()).expect("a number"), Signal::INT);
    assert_eq!(child.wait().expect("its end").code(), Some(130));
}

#[test]
fn a_full_disk_is_said() {
    let place = Place::new();
    for args in [&["list"][..], &["schema", "result"], &["check", "quick", "--json"], &["doctor"]] {
        let mut command = place.schedbench(args);
        command.stdout(OpenOptions::new().write(true).open("/dev/full").expect("a device"));
        let said = said(command);
        assert_eq!(said.code, Some(1), "{args:?}: {}", said.stderr);
        said.complains_of(&["error: ", "No space left on device"]);
    }
}

/// A run whose files may not grow beyond this many KiB, as on a full disk.
fn run_with_little_room(place: &Place, kilobytes: u32) -> Said {
    let scenario = place.file("small.toml", small("\"wheel\""));
    // bash counts in KiB; dash in half ones.
    let limited = format!("ulimit -f {kilobytes}; exec \"$@\"");
    let run = ["run", scenario.to_str().expect("UTF-8"), "--loads", "1k"];
    said(place.program("bash", &[&["-c", &limited, "bash", PROGRAM], &run[..]].concat()))
}

#[test]
fn results_that_have_no_room_are_said() {
    let place = Place::new();
    for kilobytes in [1, 24] {
        let said = run_with_little_room(&place, kilobytes).ends(1);
        assert_eq!(said.stdout, "");
        said.complains_of(&["error: cannot write results/small/", "File too large"]);
        place.wait_until_nothing_is_left("after a full disk");
    }
    let parts = files_below(&place.at("results"));
    let parts = parts.iter().filter(|path| path.to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0);
}
