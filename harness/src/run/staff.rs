//! The workers of a cell: threads in this process, or processes with a pipe.

use std::time::{Duration, Instant};

use schedbench_adapters::clock;
use schedbench_contract::{InProcessWorkers, Launch, Program, Recorder};
use schedbench_reports::outcome::CellError;

use super::halt::{Halt, failure};
use super::stage::Stage;
use crate::environment::{Child, Spec};
use crate::record::Pipes;

/// A worker process that ignores its SIGTERM is killed after this.
const NOTICE: Duration = Duration::from_secs(10);

/// Who runs a cell's tasks.
pub enum Staff {
    /// Threads of this process.
    Here(Option<Box<dyn InProcessWorkers>>),
    /// Processes of their own, and the pipes they report on.
    Processes {
        /// The processes.
        children: Vec<Child>,
        /// Where their records come in.
        pipes: Pipes,
    },
}

impl Staff {
    /// Starts what an adapter asks for.
    ///
    /// # Errors
    /// A process or a pipe cannot be made.
    pub fn hire(launch: Launch, log: &Recorder, stage: &Stage<'_>) -> Result<Self, CellError> {
        match launch {
            Launch::InProcess(workers) => Ok(Self::Here(Some(workers))),
            Launch::Programs(programs) => Self::start(&programs, log, stage),
        }
    }

    fn start(
        programs: &[Program],
        log: &Recorder,
        stage: &Stage<'_>,
    ) -> Result<Self, CellError> {
        let mut children = Vec::with_capacity(programs.len());
        let mut pipes = Pipes::start(log.clone()).map_err(|error| failure(error.to_string()))?;
        for program in programs {
            let started = pipes.open(program.work.index).and_then(|events| {
                let spec = Spec::worker(program, stage.worker_log(&program.work), events)?;
                stage.keeper.spawn(spec)
            });
            match started {
                Ok(child) => children.push(child),
                Err(error) => {
                    for child in children {
                        child.kill();
                    }
                    return Err(failure(error.to_string()));
                }
            }
        }
        Ok(Self::Processes { children, pipes })
    }

    /// Waits until every worker process has said that it consumes.
    ///
    /// # Errors
    /// One died, or the deadline (monotonic ns) passed.
    pub fn ready(&mut self, deadline: u64, halt: &Halt<'_>) -> Result<(), CellError> {
        loop {
            let Self::Processes { children, pipes } = self else { return Ok(()) };
            if pipes.all_ready(children.len()) {
                return Ok(());
            }
            if let Some(death) = self.death() {
                return Err(death);
            }
            if halt.is_set() || clock::now() > deadline {
                return Err(halt.explain("a worker process did not report ready within 30 s"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether every worker process has run a task.
    #[must_use]
    pub fn all_have_run(&self) -> bool {
        match self {
            Self::Here(_) => true,
            Self::Processes { children, pipes } => pipes.all_have_run(children.len()),
        }
    }

    /// The end of a worker process that should live.
    #[must_use]
    pub fn death(&self) -> Option<CellError> {
        let Self::Processes { children, .. } = self else { return None };
        children.iter().find_map(|child| {
            let died = child.died("worker", child.ended()?);
            Some(super::stage::told(&died))
        })
    }

    /// The worker processes.
    #[must_use]
    pub fn children(&self) -> &[Child] {
        match self {
            Self::Here(_) => &[],
            Self::Processes { children, .. } => children,
        }
    }

    /// Lets the workers finish what they run and ends them; everything they
    /// reported has been recorded when this returns.
    ///
    /// # Errors
    /// A process had to be killed, so that its connection may still be known
    /// to the broker, or a pipe carried something that is no record.
    pub fn dismiss(&mut self) -> Result<(), String> {
        match self {
            Self::Here(workers) => {
                if let Some(workers) = workers.take() {
                    workers.stop();
                }
                Ok(())
            }
            Self::Processes { children, pipes } => {
                let deadline = Instant::now() + NOTICE;
                for child in children.iter() {
                    child.ask_to_end();
                }
                let mut killed = 0;
                for child in children.iter() {
                    if child.wait(deadline).is_none() {
                        child.kill();
                        killed += 1;
                    }
                }
                pipes.finish(Duration::from_secs(5))?;
                match killed {
                    0 => Ok(()),
                    many => Err(format!("{many} worker processes had to be killed")),
                }
            }
        }
    }
}
