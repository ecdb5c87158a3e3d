//! A virtual environment with exactly the wheels of `requirements.txt`.

use std::path::Path;

use super::WorkerProgram;
use super::bench::{Bench, Lack};
use crate::environment::Result;

const NO_PYTHON: Lack = Lack {
    why: "Python is not installed, and its worker is written in Python.",
    remedy: "apt-get install python3-venv",
};

/// What pip says where no index of packages answers.
pub(super) const UNREACHABLE: &[&str] = &["connection broken by", "Max retries exceeded"];
/// By itself pip tries each request six times, waiting longer each time, and
/// takes how long one may be silent from the user's settings.
const PATIENCE: [&str; 4] = ["--retries", "1", "--timeout", "10"];

pub(super) fn make(bench: &Bench<'_>) -> Result<()> {
    let mut command = bench.command("python3")?;
    bench.run(command.args(["-m", "venv", "venv"]), || NO_PYTHON)?;
    let mut command = bench.command(interpreter(bench.place))?;
    command.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]);
    command.args(PATIENCE);
    // Wheels only: a source distribution would run its own code to be built,
    // and needs compilers.
    command.args(["--require-hashes", "--only-binary", ":all:", "-r", "requirements.txt"]);
    bench.run(&mut command, || NO_PYTHON)
}

/// Debian's Python comes without what an environment is made with.
pub(super) fn lacks(tail: &[String]) -> Option<Lack> {
    tail.iter().any(|line| line.contains("ensurepip is not available")).then_some(Lack {
        why: "This Python cannot make virtual environments.",
        remedy: "apt-get install python3-venv",
    })
}

pub(super) fn program(place: &Path) -> WorkerProgram {
    let script = place.join("worker.py").to_string_lossy().into_owned();
    WorkerProgram { program: interpreter(place), args: vec![script] }
}

fn interpreter(place: &Path) -> std::path::PathBuf {
    place.join("venv/bin/python")
}
