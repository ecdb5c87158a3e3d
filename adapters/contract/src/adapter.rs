use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    Comparable, Fed, Profile, Record, Recorder, Result, Runtime, Task, TaskId, Work, WorkersShape,
};

/// A system under test, spoken to in its own words.
///
/// One value lives for one cell: [`open`](Self::open) creates what is named
/// after the cell, [`close`](Self::close) removes all of it. An adapter never
/// starts a process: it returns what to start, as data.
pub trait Adapter: Sized + Send + Sync + 'static {
    /// Its name in scenarios, tables and file names.
    const NAME: &'static str;
    /// Its profiles, the default first.
    const PROFILES: &'static [Profile];
    /// What its worker processes are written in.
    const RUNTIME: Runtime = Runtime::Rust;
    /// Which of its tasks have figures that others' may be set beside.
    const COMPARABLE: Comparable = Comparable::Always;
    /// Its producing side.
    type Producer: Producer;

    /// The server that a profile needs beside its broker (locks in a Redis
    /// beside a database, say), as a profile of that server.
    #[must_use]
    fn second(profile: &Profile) -> Option<&'static Profile> {
        let _ = profile;
        None
    }

    /// Connects and creates what is named `at.prefix`.
    ///
    /// # Errors
    /// The server is not there, too old or refuses us, or the name exists.
    fn open(
        at: &Endpoints,
        profile: &'static Profile,
        shape: &WorkersShape,
    ) -> impl Future<Output = Result<Self>> + Send;

    /// A producer that notes what it does in `log`. Called after `workers`.
    ///
    /// # Errors
    /// The connection fails.
    fn producer(&self, log: Recorder) -> impl Future<Output = Result<Self::Producer>> + Send;

    /// What runs the tasks: in this process (started by this call), or
    /// programs for the harness to start, one per worker process.
    ///
    /// # Errors
    /// The work asks for something the system does not do.
    fn workers(&self, work: &Work, log: Recorder) -> Result<Launch>;

    /// What the system says it holds, over the control road; the proof of loss.
    ///
    /// # Errors
    /// The server cannot be asked.
    fn backlog(&self) -> impl Future<Output = Result<Backlog>> + Send;

    /// Consumers the system sees on the cell's queue, if it can tell.
    ///
    /// # Errors
    /// The server cannot be asked.
    fn consumers(&self) -> impl Future<Output = Result<Option<u32>>> + Send;

    /// Which server it is and how it is configured, asked from it.
    ///
    /// # Errors
    /// The server cannot be asked.
    fn server(&self) -> impl Future<Output = Result<Option<Server>>> + Send;

    /// Throws away every task that still waits.
    ///
    /// # Errors
    /// The server cannot be asked.
    fn purge(&self) -> impl Future<Output = Result<()>> + Send;

    /// Removes everything that was created for the cell and disconnects.
    ///
    /// # Errors
    /// Something could not be removed.
    fn close(self) -> impl Future<Output = Result<()>> + Send;

    /// The body of `schedbench worker`: consumes until `stop` resolves, then
    /// lets what runs finish and gives back what it holds. Systems whose
    /// workers are in process or not in Rust keep the default.
    ///
    /// # Errors
    /// The server is not there or the work cannot be done.
    fn run_worker(
        work: &Work,
        report: impl Report,
        stop: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = Result<()>> {
        let _ = (work, report, stop);
        async {
            Err(crate::Error::Unsupported {
                system: Self::NAME,
                what: "a Rust worker process",
                why: "its workers run elsewhere".into(),
            })
        }
    }
}

/// The producing side of a system, driven by one thread of its own.
pub trait Producer: Send {
    /// Pends while the window is full, then takes at least one task from the
    /// front of `batch` and says how many.
    ///
    /// It notes each task in its recorder as taken before the bytes leave.
    /// A lost connection is no error: reconnect, note the moment, pend. The
    /// future may be polled with a waker that parks a thread, inside the
    /// context of the shared runtime.
    ///
    /// # Errors
    /// The system is unusable; this ends the cell.
    fn submit(&mut self, batch: &[Task<'_>]) -> impl Future<Output = Result<usize>> + Send;

    /// Takes a task back before it starts; whether that succeeded.
    ///
    /// # Errors
    /// The system cannot cancel, or is unusable.
    fn cancel(&mut self, id: TaskId) -> impl Future<Output = Result<bool>> + Send;

    /// Resolves once every task taken is confirmed, refused or unknown.
    ///
    /// # Errors
    /// The system is unusable.
    fn settle(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Where a worker in a process of its own writes its records.
pub trait Report: Send + 'static {
    /// Adds a record; it leaves when 4,096 bytes are full, within 5 ms, or at
    /// once where the work says so.
    fn record(&mut self, record: Record);
    /// Lets everything leave now; called before the worker waits for tasks.
    fn flush(&mut self);
}

/// What runs the tasks.
pub enum Launch {
    /// Threads of this process, already running.
    InProcess(Box<dyn InProcessWorkers>),
    /// Processes for the harness to start.
    Programs(Vec<Program>),
    /// Processes for the harness to start and for the producer to feed.
    Fed(Vec<Fed>),
}

/// Worker threads of an in-process system.
pub trait InProcessWorkers: Send {
    /// Stops them, lets running handlers finish, and joins the threads.
    fn stop(self: Box<Self>);
}

/// A worker process to start. The event pipe is its descriptor 3.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program; `None` means what the system's [`Runtime`] says: this
    /// binary's own `worker` verb, or the program made from its sources.
    pub program: Option<PathBuf>,
    /// Its arguments; never a secret.
    pub args: Vec<String>,
    /// Added to its environment.
    pub env: Vec<(String, String)>,
    /// What it does: one line of JSON on its standard input.
    pub work: Work,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// One road to a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Host name or IP address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User, where the server has users.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Database or virtual host.
    pub database: Option<String>,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Host and port of the cluster's further nodes, where all of them are
    /// known: a client whose node is gone goes to one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<(String, u16)>,
}

impl Address {
    /// Each node's, this one's first; none of them knows of others.
    pub fn each(&self) -> impl Iterator<Item = Self> + '_ {
        let this = (self.host.clone(), self.port);
        let all = std::iter::once(this).chain(self.others.iter().cloned());
        all.map(|(host, port)| Self { host, port, others: Vec::new(), ..self.clone() })
    }
}

/// Three roads to one broker: faults lie on the first two, proof and leader
/// search use the third. In-process systems ignore them.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The producer's road; `None` for a system without a broker.
    pub producer: Option<Address>,
    /// The workers' road.
    pub workers: Option<Address>,
    /// The road of proof.
    pub control: Option<Address>,
    /// Where the server is that a profile needs [beside](Adapter::second) its
    /// broker.
    pub second: Option<Address>,
    /// `schedbench.<run>.<cell>`: everything created is named after it.
    pub prefix: String,
}

impl Endpoints {
    /// Refuses TLS for a system whose own workers would not check with whom
    /// they speak, or would send a password unencrypted.
    ///
    /// # Errors
    /// The workers' road is TLS.
    pub fn refuse_tls_for_workers(&self, system: &'static str) -> Result<()> {
        if !self.workers.as_ref().is_some_and(|address| address.tls) {
            return Ok(());
        }
        Err(crate::Error::Unsupported {
            system,
            what: "TLS",
            why: "its worker here does not check certificates; use a URL without it".into(),
        })
    }
}

/// What a system says it holds; `None` where it cannot say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Waiting to be taken.
    pub ready: Option<u64>,
    /// Taken by a worker and not acknowledged.
    pub held: Option<u64>,
    /// Waiting to become due.
    pub scheduled: Option<u64>,
    /// Waiting for another attempt.
    pub retry: Option<u64>,
    /// Set aside after the last attempt.
    pub dead: Option<u64>,
}

impl Backlog {
    /// What can still run: everything but the dead.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        [self.ready, self.held, self.scheduled, self.retry].iter().flatten().sum()
    }
}

/// A server as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The year that version was released, where known.
    pub year: Option<u16>,
    /// Its effective configuration, as far as it decides a result.
    pub settings: Vec<(String, String)>,
}

/// A computation generic over systems. The registry names the type, so only
/// what is inside `visit` is compiled once per system.
pub trait Visit {
    /// What comes out.
    type Out;
    /// Runs with the system's own type.
    fn visit<A: Adapter>(self) -> Self::Out;
}
