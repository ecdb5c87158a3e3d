//! A cell that other processes disturbed: it waits for a quieter moment and is
//! measured again.

use std::process::{Child, Command, Stdio};

use crate::harness::cells_of;
use crate::place::{PROGRAM, Place, Said, small};

/// Processes that want every core, until this is dropped.
struct Crowd(Vec<Child>);

impl Crowd {
    fn gather() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let one = || {
            let mut shell = Command::new("sh");
            shell.args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().expect("a shell")
        };
        Self((0..cores).map(|_| one()).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for one in &mut self.0 {
            let _ = one.kill();
            let _ = one.wait();
        }
    }
}

#[test]
fn it_waits_and_is_measured_again() {
    let place = Place::new();
    let text = small("\"wheel\"").replace("\"500\", \"1k\"", "\"1k\"");
    let text = text.replace("duration = \"200 ms\"", "duration = \"1500 ms\"");
    let file = place.file("small.toml", text);
    let _crowd = Crowd::gather();
    let file = file.to_str().expect("UTF-8");
    let mut run = place.program(PROGRAM, &["run", file, "--set", "reruns=1"]);
    let said = Said::of(run.output().expect("a run"));
    let outcome = place.results().expect("results").outcome();
    for system in ["noop", "wheel"] {
        // As long as the cell itself, and 1 s at least.
        let waits = ": was disturbed; waits up to 1 s for a quieter moment: ";
        let lines = said.stderr.lines().filter(|line| line.contains(waits));
        let of_it = lines.filter(|line| line.contains(&format!("{system}/"))).count();
        assert_eq!(of_it, 1, "{}", said.stderr);
        let [cell] = cells_of(&outcome, system)[..] else { panic!("{:?}", outcome.cells) };
        assert_eq!(cell.reruns, 1, "{:?}", cell.validity);
    }
    assert_eq!(said.code, Some(4), "{}", said.stderr);
}
