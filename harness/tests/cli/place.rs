//! Where a test runs the program: a directory with its own `TMPDIR`, and an
//! environment without what the machine happens to have set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::assert::OutputAssertExt;
use tempfile::TempDir;

use crate::processes::{end_all_of, processes_of, wait_for};

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_schedbench");

/// Variables that change what the program does.
const FOREIGN: &[&str] = &[
    "REDIS_URL",
    "POSTGRES_URL",
    "SCHEDBENCH_REDIS_SERVER",
    "SCHEDBENCH_POSTGRES",
    "SCHEDBENCH_CA_FILE",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "RUST_BACKTRACE",
];

/// A directory to run the program in; whatever still runs there is ended with it.
pub(crate) struct Place(TempDir);

impl Place {
    /// An empty one, on a disk.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        fs::create_dir(dir.path().join("tmp")).expect("a directory");
        Self(dir)
    }

    /// One that other users may pass, for brokers that run as one of them: what
    /// is built may lie in a home that nobody else may enter.
    pub(crate) fn for_everybody() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let passable = || fs::Permissions::from_mode(0o711);
        let mut dir = tempfile::Builder::new();
        let dir = dir.permissions(passable()).tempdir_in("/var/tmp").expect("a directory");
        fs::create_dir(dir.path().join("tmp")).expect("a directory");
        fs::set_permissions(dir.path().join("tmp"), passable()).expect("its mode");
        Self(dir)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path in it.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, bytes).expect("a file");
        path
    }

    /// The program, about to run here.
    ///
    /// Others run beside it: each of its cells is disturbed, and would be each
    /// other time.
    pub(crate) fn schedbench(&self, args: &[&str]) -> Command {
        let mut command = self.program(PROGRAM, args);
        if args.first() == Some(&"run") {
            command.args(["--set", "reruns=0"]);
        }
        command
    }

    /// Another program, with the same environment.
    pub(crate) fn program(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.path()).env("TMPDIR", self.at("tmp"));
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program to its end and gives back what it said and returned.
    pub(crate) fn says(&self, args: &[&str]) -> Said {
        Said::of(self.schedbench(args).output().expect("a run"))
    }

    /// What runs have left in their private directories.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.at("tmp")).expect("a directory").flatten();
        all.map(|entry| entry.path()).collect()
    }

    /// Waits until no process of this place and nothing in its `TMPDIR` is left.
    pub(crate) fn wait_until_nothing_is_left(&self, when: &str) {
        wait_for(&format!("no process, {when}"), || processes_of(self.path()).is_empty());
        let left = self.left();
        assert!(left.is_empty(), "{when}: {left:?}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        end_all_of(self.path());
    }
}

/// What a run of the program said, and how it ended.
pub(crate) struct Said {
    /// The exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    output: Output,
}

impl Said {
    /// From an output, which is UTF-8 and holds no panic.
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(!stderr.contains("panicked"), "{stderr}");
        Self { code: output.status.code(), stdout, stderr, output }
    }

    /// Asserts this exit code; shows everything if it is another.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        self.output.clone().assert().code(code);
        self
    }

    /// Asserts an end without an error; a cell of a busy test machine may be
    /// disturbed, which is exit code 4 and no fault of the program.
    #[track_caller]
    pub(crate) fn ends_well(self) -> Self {
        let code = self.code;
        assert!(matches!(code, Some(0 | 4)), "{code:?}\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that it was refused: one message on standard error, nothing on
    /// standard output.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> Self {
        let said = self.ends(code);
        assert_eq!(said.stdout, "", "{}", said.stderr);
        let errors = said.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{}", said.stderr);
        said
    }

    /// The same of what says all that it can first.
    #[track_caller]
    pub(crate) fn refused_after_output(self, code: i32) -> Self {
        let said = self.ends(code);
        assert_ne!(said.stdout, "");
        assert!(said.stderr.starts_with("error: "), "{}", said.stderr);
        said
    }

    /// Asserts that standard error has each of these.
    #[track_caller]
    pub(crate) fn complains_of(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in:\n{}", self.stderr);
        }
        self
    }
}

/// A scenario named `small` with these systems: 2 loads, 1 repeat.
pub(crate) fn small(systems: &str) -> String {
    let head = "name = \"small\"\nsummary = \"a test\"";
    let times = "warmup = \"50 ms\"\nduration = \"200 ms\"\nhorizon = \"200 ms\"";
    format!("{head}\nsystems = [{systems}]\n[load]\nrates = [\"500\", \"1k\"]\n{times}\n")
}

/// The same in flight.
pub(crate) fn small_in_flight(systems: &str) -> String {
    let rates = "rates = [\"500\", \"1k\"]";
    small(systems).replace(rates, "mode = \"in-flight\"\nin_flight = [\"10\", \"50\"]")
}

/// Where a Redis server is on this machine.
pub(crate) fn redis_server() -> PathBuf {
    let entry = schedbench::environment::Entry::of(schedbench_contract::Broker::Redis);
    entry.find().expect("redis-server; scripts/setup installs it")
}

/// Puts a PostgreSQL of two scripts there; gives the directory of its programs.
pub(crate) fn postgres_stand_in(place: &Place) -> PathBuf {
    let bin = place.at("bin");
    fs::create_dir(&bin).expect("a directory");
    for name in ["postgres", "initdb"] {
        fs::copy(stand_in("postgresql/postgres"), bin.join(name)).expect("a copy");
    }
    bin
}

/// A program that takes the place of a Redis server.
pub(crate) fn stand_in(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/programs").join(name)
}
