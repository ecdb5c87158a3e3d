//! Commands that a scenario names to hurt and to heal what the harness did not
//! start: each a child without a shell, with a deadline.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::environment::{Child, Error, Result, Rooms, Spawner, Spec, Watchdog};

/// A command that has not ended by then is killed, and has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// What its error shows of its output.
const LINES: usize = 5;

/// What was hurt by a command. It is healed by another when this is dropped,
/// if it was not before: also where hurting failed, which may have done half.
#[derive(Debug)]
pub struct Hurt {
    spawner: Spawner,
    watchdog: Option<Watchdog>,
    heal: Vec<String>,
    /// Where this run's harness stands, for the watchdog, which stands elsewhere.
    dir: PathBuf,
    /// Private, and removed with the run: output may hold anything.
    room: PathBuf,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Hurting(Child, Instant),
    IsHurt,
    Healing(Child, Instant),
    Over,
}

/// A command that failed: which, how, and the last lines of its output.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed {
    /// One sentence.
    pub why: String,
    /// The last lines.
    pub output: Vec<String>,
}

impl Hurt {
    /// Starts the command that hurts. From before its start on the watchdog
    /// knows the one that heals.
    ///
    /// # Errors
    /// It cannot be started; what heals has been run then.
    pub fn begin(
        spawner: Spawner,
        rooms: &Rooms,
        hurt: &[String],
        heal: &[String],
    ) -> Result<Self> {
        let room = rooms.room("command")?;
        let dir = std::env::current_dir().map_err(Error::io("finding this directory"))?;
        let watchdog = rooms.watchdog().cloned();
        if let Some(watchdog) = &watchdog {
            watchdog.heal(heal, &dir);
        }
        let mut this =
            Self { spawner, watchdog, heal: heal.to_vec(), dir, room, stage: Stage::IsHurt };
        this.stage = Stage::Hurting(this.start("hurt", hurt)?, Instant::now() + PATIENCE);
        Ok(this)
    }

    /// Starts the command that heals; one that still hurts is killed first.
    ///
    /// # Errors
    /// It cannot be started, or hurting had not ended.
    pub fn heal(&mut self) -> std::result::Result<(), Failed> {
        let unfinished = match &self.stage {
            Stage::Hurting(child, _) if child.ended().is_none() => {
                child.kill();
                Some(failed(child, "had not ended when its time was over"))
            }
            Stage::Hurting(..) | Stage::IsHurt => None,
            Stage::Healing(..) | Stage::Over => return Ok(()),
        };
        let started = self.start("heal", &self.heal);
        let child =
            started.map_err(|error| Failed { why: error.to_string(), output: Vec::new() })?;
        self.stage = Stage::Healing(child, Instant::now() + PATIENCE);
        unfinished.map_or(Ok(()), Err)
    }

    /// Whether everything is over: healed, and the command has ended.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Looks whether the command that runs has ended, and how.
    ///
    /// # Errors
    /// It failed, or ran for longer than [`PATIENCE`] and was killed.
    pub fn look(&mut self) -> std::result::Result<(), Failed> {
        let (Stage::Hurting(child, until) | Stage::Healing(child, until)) = &self.stage else {
            return Ok(());
        };
        let said = match child.ended() {
            None if Instant::now() < *until => return Ok(()),
            None => {
                child.kill();
                let why = format!("had not ended after {} s", PATIENCE.as_secs());
                Err(failed(child, &why))
            }
            Some(exit) if exit.code == Some(0) => Ok(()),
            Some(exit) => Err(failed(child, &format!("failed ({exit})"))),
        };
        self.stage = match self.stage {
            Stage::Hurting(..) => Stage::IsHurt,
            _ => {
                if let (Some(watchdog), Ok(())) = (&self.watchdog, &said) {
                    watchdog.forget_heal(&self.heal, &self.dir);
                }
                Stage::Over
            }
        };
        said
    }

    /// Waits for the end of the command that runs.
    ///
    /// # Errors
    /// As for [`look`](Self::look).
    pub fn wait(&mut self) -> std::result::Result<(), Failed> {
        if let Stage::Hurting(child, until) | Stage::Healing(child, until) = &self.stage {
            let _ = child.wait(*until);
        }
        self.look()
    }

    fn start(&self, what: &str, command: &[String]) -> Result<Child> {
        let Some((program, args)) = command.split_first() else {
            return Err(Error::Unfit(format!("no command to {what} with")));
        };
        let log = self.room.join(format!("{what}.log"));
        let mut spec = Spec::new(format!("`{}`", command.join(" ")), program, log);
        spec.args = args.iter().map(Into::into).collect();
        self.spawner.spawn(spec)
    }
}

impl Drop for Hurt {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.heal();
        let _ = self.wait();
    }
}

fn failed(child: &Child, how: &str) -> Failed {
    Failed { why: format!("{} {how}", child.name()), output: child.log_tail(LINES) }
}

/// Whether a command's program is here, as it would be found.
#[must_use]
pub fn is_here(program: &str) -> bool {
    if program.contains('/') {
        return super::broker::is_program(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| super::broker::is_program(&dir.join(program)))
}
