//! `schedbench worker`: the child that runs a broker system's tasks.
//!
//! What it does comes as one line of JSON on standard input, secrets included;
//! what it reports goes to descriptor 3.

use std::fs::File;
use std::io::{BufRead, stdin};
use std::os::fd::{FromRawFd, OwnedFd};

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use schedbench_adapters::{PipeReport, find, own_cost, visit, visit_in_child};
use schedbench_contract::{Adapter, Visit, Work};
use tokio::signal::unix::{SignalKind, signal};

use crate::voice;

/// Where the harness puts the event pipe.
const EVENTS_FD: i32 = 3;

struct RunWorker {
    work: Work,
    /// A scheduler of the harness's own in a child: it makes no body again.
    is_housed: bool,
    report: PipeReport,
}

impl Visit for RunWorker {
    type Out = Result<()>;

    fn visit<A: Adapter>(self) -> Self::Out {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("cannot start the worker's runtime")?;
        runtime.block_on(async {
            let mut terminate =
                signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
            let stop = async move {
                terminate.recv().await;
            };
            A::run_worker(&self.work, self.report, stop).await.map_err(anyhow::Error::from)
        })?;
        if !self.is_housed {
            let cost =
                own_cost::say(&self.work).context("cannot measure our own part of a task")?;
            voice::tell(&cost);
        }
        Ok(())
    }
}

/// Reads its work and does it until SIGTERM.
///
/// # Errors
/// It was not started by a harness, or the system cannot be reached.
pub fn run() -> Result<ExitCode> {
    let mut line = String::new();
    stdin().lock().read_line(&mut line).context("cannot read the work from standard input")?;
    let work: Work = serde_json::from_str(&line)
        .map_err(|error| anyhow!("this is started by a harness, with its work as a line of JSON on standard input: {error}"))?;
    let report = PipeReport::new(events()?, work.write_each);
    let name = work.system.clone();
    let is_housed = find(&name).is_some_and(|system| system.is_in_process());
    let worker = RunWorker { work, is_housed, report };
    let done = match is_housed {
        true => visit_in_child(&name, worker),
        false => visit(&name, worker),
    };
    match done {
        Some(done) => done.map(|()| ExitCode::SUCCESS),
        None => bail!("this build has no system named {name}"),
    }
}

/// The inherited event pipe.
fn events() -> Result<File> {
    let path = format!("/proc/self/fd/{EVENTS_FD}");
    let target = std::fs::read_link(&path).with_context(|| {
        format!("descriptor {EVENTS_FD} is not open: a harness opens it as the event pipe")
    })?;
    if !target.to_string_lossy().starts_with("pipe:") {
        bail!("descriptor {EVENTS_FD} is no pipe but {}", target.display());
    }
    // SAFETY: the harness put the pipe there for this process; nothing else in
    // it knows the number, and this is called once.
    let pipe = unsafe { OwnedFd::from_raw_fd(EVENTS_FD) };
    Ok(File::from(pipe))
}
