//! A run of the program that goes on while the test watches it, and what it
//! left when it has ended.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;
use schedbench_reports::outcome::{Cell, Outcome};

use crate::place::Place;
use crate::processes::{descendants, end_all_of, send, wait_for};

/// Runs that are watched at a time: they wait for what was planned, and three
/// leave half of two cores idle. More would measure each other.
const AT_A_TIME: usize = 3;
static GOING_ON: Mutex<usize> = Mutex::new(0);
static ONE_ENDED: Condvar = Condvar::new();

/// One of the few that go on.
struct Turn;

impl Turn {
    fn wait() -> Self {
        let full = |going_on: &mut usize| *going_on >= AT_A_TIME;
        let turn = ONE_ENDED.wait_while(Self::going_on(), full);
        *turn.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }

    /// Poisoned by a test that failed, which is no matter of the others.
    fn going_on() -> MutexGuard<'static, usize> {
        GOING_ON.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *Self::going_on() -= 1;
        ONE_ENDED.notify_one();
    }
}

/// A run in the background; killed with all its children when dropped.
pub(crate) struct Running<'a> {
    place: &'a Place,
    child: Child,
    _turn: Option<Turn>,
}

impl<'a> Running<'a> {
    /// Starts it once few others go on; its standard output and error go to
    /// `stdout` and `stderr` in its place.
    pub(crate) fn start(place: &'a Place, command: Command) -> Self {
        Self::with(place, command, Some(Turn::wait()))
    }

    /// Starts it beside whatever goes on: for a test that asks only how it ends
    /// and what it leaves. No figure of it is looked at that others could spoil.
    pub(crate) fn beside(place: &'a Place, command: Command) -> Self {
        Self::with(place, command, None)
    }

    fn with(place: &'a Place, mut command: Command, turn: Option<Turn>) -> Self {
        let file = |name| File::create(place.at(name)).expect("a file");
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        Self { place, child: command.spawn().expect("a run"), _turn: turn }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a number")
    }

    /// Sends it a signal.
    pub(crate) fn send(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits until it has come to something; fails at once when it ends before.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, mut holds: impl FnMut(i32) -> bool) {
        let pid = self.pid();
        wait_for(what, || {
            let holds = holds(pid);
            let ended = self.child.try_wait().expect("a child");
            assert!(holds || ended.is_none(), "{what}: it ended before\n{}", self.stderr());
            holds
        });
    }

    /// Waits for its end and does something meanwhile.
    #[track_caller]
    pub(crate) fn end_while(&mut self, mut meanwhile: impl FnMut(&Self)) -> ExitStatus {
        wait_for("the run's end", || {
            meanwhile(self);
            self.child.try_wait().expect("a child").is_some()
        });
        self.end()
    }

    /// Waits until that many cells are in its outcome.
    #[track_caller]
    pub(crate) fn wait_for_cells(&mut self, count: usize) {
        let place = self.place;
        let measured = |_| place.results().is_some_and(|it| it.outcome().cells.len() >= count);
        self.wait_until(&format!("{count} cells"), measured);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut ended = None;
        wait_for("the run's end", || {
            ended = self.child.try_wait().expect("a child");
            ended.is_some()
        });
        assert!(!self.stderr().contains("panicked"), "{}", self.stderr());
        ended.expect("it ended")
    }

    /// Kills it (SIGKILL); gives the children that it had.
    pub(crate) fn kill(&mut self) -> Vec<i32> {
        // Stopped first, so that nothing is started between the look and the kill.
        self.send(Signal::STOP);
        let children = descendants(self.pid());
        self.child.kill().expect("a kill");
        self.child.wait().expect("its end");
        children
    }

    /// What it has said on standard output.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.place.at("stdout")).expect("UTF-8")
    }

    /// What it has said on standard error.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.place.at("stderr")).expect("UTF-8")
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        end_all_of(self.place.path());
    }
}

/// The directory of a run.
pub(crate) struct Results(PathBuf);

impl Place {
    /// Where the newest run of the scenario `small` left its results, if it has.
    pub(crate) fn results(&self) -> Option<Results> {
        let results = Results(self.at("results/small/latest"));
        results.at("result.json").exists().then_some(results)
    }
}

impl Results {
    /// The directory, by its `latest` link.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Its outcome.
    #[track_caller]
    pub(crate) fn outcome(&self) -> Outcome {
        schedbench_reports::load::read(&self.at("result.json")).expect("an outcome")
    }
}

/// Every file below a directory.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").flatten();
    let below = entries.flat_map(|entry| {
        let path = entry.path();
        if path.is_dir() { files_below(&path) } else { vec![path] }
    });
    below.collect()
}

/// The cells of a system.
pub(crate) fn cells_of<'a>(outcome: &'a Outcome, system: &str) -> Vec<&'a Cell> {
    outcome.cells.iter().filter(|cell| cell.key.system == system).collect()
}
