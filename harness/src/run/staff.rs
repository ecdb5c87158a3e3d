//! The workers of a cell: threads in this process, or processes with a pipe.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use schedbench_contract::{Fed, Feed, InProcessWorkers, Launch, Program, Recorder};
use schedbench_reports::outcome::CellError;

use super::halt::{Halt, failure};
use super::stage::{Stage, told};
use crate::environment::{Child, Error, Spec, Workshop, source_of};
use crate::record::{Pipes, Role};

/// A worker process that ignores its SIGTERM is killed after this. On a machine
/// that is busy with other things a worker of `kafka/acks0` took more than 10 s,
/// and without its end there is no proof of loss.
const NOTICE: Duration = Duration::from_secs(30);
/// How often a wait for the workers looks whether the cell must stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Who runs a cell's tasks.
pub enum Staff {
    /// Threads of this process; `None` once they have been stopped.
    Here(Option<Box<dyn InProcessWorkers>>),
    /// Processes of their own, and the pipes they report on.
    Processes {
        /// The processes.
        children: Vec<Child>,
        /// What each was started from.
        programs: Vec<(Program, Option<Feed>)>,
        /// Those that a fault has ended, by their places.
        killed: BTreeSet<usize>,
        /// Where their records come in; `None` once they have been read out.
        pipes: Option<Pipes>,
    },
}

impl Staff {
    /// No worker yet.
    pub(super) const fn nobody() -> Self {
        Self::Here(None)
    }

    /// Starts what an adapter asks for. A program without a name is the one
    /// made from the system's sources; of a system without sources, the
    /// `worker` verb of the binary `harness`, this process's for `None`.
    ///
    /// # Errors
    /// A program, a process or a pipe cannot be made.
    pub fn hire(
        launch: Launch,
        log: &Recorder,
        stage: &Stage<'_>,
        harness: Option<&Path>,
    ) -> Result<Self, CellError> {
        match launch {
            Launch::InProcess(workers) => Ok(Self::Here(Some(workers))),
            Launch::Programs(programs) => {
                let programs = programs.into_iter().map(|program| (program, None)).collect();
                Self::start(programs, log, stage, harness)
            }
            Launch::Fed(fed) => {
                let programs = fed.into_iter().map(|Fed { program, feed }| (program, Some(feed)));
                Self::start(programs.collect(), log, stage, harness)
            }
        }
        .map_err(|error: Error| failure(error.to_string()))
    }

    fn start(
        mut programs: Vec<(Program, Option<Feed>)>,
        log: &Recorder,
        stage: &Stage<'_>,
        harness: Option<&Path>,
    ) -> Result<Self, Error> {
        for (program, _) in &mut programs {
            fill(program, stage)?;
            if let (None, Some(harness)) = (&program.program, harness) {
                program.program = Some(harness.to_owned());
                program.args.insert(0, "worker".to_owned());
            }
        }
        let pipes = Pipes::start(log.clone()).map_err(Error::io("starting the pipes' thread"))?;
        // Dropped on an error, these end what was started already.
        let mut staff = Self::Processes {
            children: Vec::new(),
            programs: Vec::new(),
            killed: BTreeSet::new(),
            pipes: None,
        };
        for program in &programs {
            let child = spawn(program, &pipes, stage)?;
            if let Self::Processes { children, .. } = &mut staff {
                children.push(child);
            }
        }
        if let Self::Processes { pipes: place, programs: all, .. } = &mut staff {
            *place = Some(pipes);
            *all = programs;
        }
        Ok(staff)
    }

    /// Kills the workers at these places (SIGKILL); their end is no error
    /// until they have been replaced.
    pub(super) fn kill(&mut self, places: Vec<usize>) {
        let Self::Processes { children, killed, .. } = self else { return };
        killed.extend(&places);
        Child::kill_all(places.iter().map(|place| &children[*place]));
    }

    /// Asks the workers at these places to end (SIGTERM), and does not wait.
    pub(super) fn ask_to_end(&mut self, places: Vec<usize>) {
        let Self::Processes { children, killed, .. } = self else { return };
        for place in places {
            killed.insert(place);
            children[place].ask_to_end();
        }
    }

    /// Starts such workers again; one that has not ended yet is killed first.
    pub(super) fn replace(&mut self, places: &[usize], stage: &Stage<'_>) -> Result<(), Error> {
        let Self::Processes { children, programs, killed, pipes: Some(pipes) } = self else {
            return Ok(());
        };
        for place in places {
            if children[*place].ended().is_none() {
                children[*place].kill();
            }
            children[*place] = spawn(&programs[*place], pipes, stage)?;
            killed.remove(place);
        }
        Ok(())
    }

    /// Waits until every worker process has said that it consumes.
    ///
    /// # Errors
    /// One died, or the broker, or it took longer than `patience`.
    pub fn ready(
        &mut self,
        patience: Duration,
        halt: &Halt<'_>,
        stage: &mut Stage<'_>,
    ) -> Result<(), CellError> {
        let deadline = Instant::now() + patience;
        loop {
            let Self::Processes { pipes: Some(pipes), .. } = self else { return Ok(()) };
            if pipes.wait_ready(Instant::now() + LOOK_EVERY) {
                return Ok(());
            }
            halt.look(self, stage);
            if halt.is_set() || Instant::now() > deadline {
                let seconds = patience.as_secs();
                let why = format!("a worker process did not report ready within {seconds} s");
                return Err(halt.explain(&why));
            }
        }
    }

    /// Whether every worker process has run a task.
    #[must_use]
    pub fn all_have_run(&self) -> bool {
        match self {
            Self::Processes { pipes: Some(pipes), .. } => {
                pipes.seen().values().all(|worker| worker.ran)
            }
            Self::Here(_) | Self::Processes { .. } => true,
        }
    }

    /// The end of a worker process that should live.
    #[must_use]
    pub fn death(&self) -> Option<CellError> {
        let Self::Processes { children, killed, .. } = self else { return None };
        let living = children.iter().enumerate().filter(|(place, _)| !killed.contains(place));
        living
            .map(|(_, child)| child)
            .find_map(|child| Some(told(&child.died("worker", child.ended()?))))
    }

    /// The worker processes.
    #[must_use]
    pub fn children(&self) -> &[Child] {
        match self {
            Self::Here(_) => &[],
            Self::Processes { children, .. } => children,
        }
    }

    /// The longest pause that a worker process has reported, if any has.
    pub fn longest_pause_ns(&self) -> Option<u64> {
        let Self::Processes { pipes: Some(pipes), .. } = self else { return None };
        pipes.seen().values().map(|worker| worker.longest_pause_ns).max().filter(|ns| *ns > 0)
    }

    /// Lets the workers finish what they run and ends them; everything they
    /// reported has been recorded when this returns. Says how many tasks ended
    /// with them, where tasks are in the workers and nowhere else.
    ///
    /// # Errors
    /// A process had to be killed, so that its connection may still be known
    /// to the broker, or did not say what ended with it, or a pipe carried
    /// something that is no record.
    pub fn dismiss(&mut self) -> Result<Option<u64>, String> {
        let (children, programs, by_fault, pipes) = match self {
            Self::Here(workers) => {
                if let Some(workers) = workers.take() {
                    workers.stop();
                }
                return Ok(None);
            }
            Self::Processes { children, programs, killed, pipes } => {
                (children, programs, killed, pipes)
            }
        };
        let deadline = Instant::now() + NOTICE;
        std::thread::scope(|scope| {
            for child in children.iter() {
                scope.spawn(|| child.terminate(deadline));
            }
        });
        let seen = pipes.take().map(Pipes::stop).unwrap_or_default();
        let killed = children
            .iter()
            .enumerate()
            .filter(|(place, _)| !by_fault.contains(place))
            .filter(|(_, child)| child.ended().is_none_or(|exit| exit.code.is_none()))
            .count();
        let is_fed = programs.iter().any(|(_, feed)| feed.is_some());
        match (killed, seen.protocol_errors()) {
            (0, 0) if is_fed => seen
                .held()
                .map(Some)
                .ok_or_else(|| "a worker process did not say what ended with it".to_owned()),
            (0, 0) => Ok(None),
            (0, errors) => Err(format!("{errors} records of workers were none of the protocol's")),
            (killed, _) => Err(format!("{killed} worker processes had to be killed")),
        }
    }
}

fn spawn(
    (program, feed): &(Program, Option<Feed>),
    pipes: &Pipes,
    stage: &Stage<'_>,
) -> Result<Child, Error> {
    let events = pipes.open(program.work.index).map_err(Error::io("making a pipe"))?;
    let mut spec = Spec::worker(program, stage.worker_log(&program.work), events)?;
    spec.feed.clone_from(feed);
    let child = stage.keeper.spawn(spec)?;
    stage.sampler.watch(Role::Workers, &child);
    Ok(child)
}

/// Names the program that was made from a system's sources. A run has it made
/// before its first cell; then this finds it.
fn fill(program: &mut Program, stage: &Stage<'_>) -> Result<(), Error> {
    let system = schedbench_adapters::find(&program.work.system);
    let Some(source) = system.and_then(source_of) else { return Ok(()) };
    if program.program.is_none() {
        let made = Workshop::open()?.have(source, &|line| stage.progress.say(line))?;
        made.fill(program);
    }
    Ok(())
}

impl Drop for Staff {
    fn drop(&mut self) {
        match self {
            Self::Here(workers) => {
                if let Some(workers) = workers.take() {
                    workers.stop();
                }
            }
            Self::Processes { children, .. } => {
                for child in children.iter().filter(|child| child.ended().is_none()) {
                    child.kill();
                }
            }
        }
    }
}
