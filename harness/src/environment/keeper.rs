//! The one thread that spawns every child.
//!
//! Linux ties the parent-death signal to the *thread* that forked, so children
//! are started by a thread that lives as long as the process. Nothing else in
//! the harness starts a process that is meant to stay.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::mem::ManuallyDrop;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, set_parent_process_death_signal,
};
use schedbench_contract::{Feed, Program};

use crate::environment::{Child, Error, Network, Result, SmallDisk, Watchdog};

/// Where a worker finds its event pipe.
const EVENTS_FD: i32 = 3;
/// A pipe takes this much without a reader; a child may end before it reads.
const MOST_STDIN: usize = 64 * 1024;

/// What to start. It may hold secrets in `stdin`, so it cannot be printed.
pub struct Spec {
    /// Its name in messages, as in `redis-asynq/everysec`.
    pub name: String,
    /// The program: a path, or a name to look for on PATH.
    pub program: PathBuf,
    /// Its arguments; never a secret.
    pub args: Vec<OsString>,
    /// Added to its environment.
    pub env: Vec<(String, String)>,
    /// Whether it gets nothing of the harness's own environment: for servers
    /// that take settings from there.
    pub bare: bool,
    /// What it reads on standard input, then the end, or what it is fed.
    pub stdin: Vec<u8>,
    /// Where to put the other end of its standard input, for who feeds it.
    pub feed: Option<Feed>,
    /// Its standard output and error are appended here, mode 0600.
    pub log: PathBuf,
    /// Where it runs; the harness's own directory for `None`.
    pub dir: Option<PathBuf>,
    /// Who it runs as; whoever runs the harness for `None`.
    pub user: Option<User>,
    /// Whether it is a server, which is in a network of its own where there is
    /// one.
    pub serves: bool,
    /// Which of its cluster's nodes it is of, from 0, where each has a network
    /// of its own.
    pub node: usize,
    /// The write end of its event pipe, descriptor 3 there.
    pub events: Option<OwnedFd>,
    /// A disk of its own that lies over a directory for it alone.
    pub(crate) disk: Option<Arc<SmallDisk>>,
}

/// A user of this machine, by number: some servers refuse to run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's own number.
    pub uid: u32,
    /// The number of the user's first group.
    pub gid: u32,
}

impl Spec {
    /// A program with nothing on standard input.
    #[must_use]
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: PathBuf) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            bare: false,
            stdin: Vec::new(),
            feed: None,
            log,
            dir: None,
            user: None,
            serves: false,
            node: 0,
            events: None,
            disk: None,
        }
    }

    /// The worker that an adapter asks for: its `Work` as one line on standard
    /// input, its event pipe as descriptor 3.
    ///
    /// # Errors
    /// This binary cannot be found.
    pub fn worker(program: &Program, log: PathBuf, events: OwnedFd) -> Result<Self> {
        let work = &program.work;
        let name = format!("{}/{} worker {}", work.system, work.profile, work.index + 1);
        let mut spec = match &program.program {
            Some(path) => Self::new(name, path, log),
            None => {
                let mut spec = Self::new(name, this_program()?, log);
                spec.args.push("worker".into());
                spec
            }
        };
        spec.args.extend(program.args.iter().map(OsString::from));
        spec.env.clone_from(&program.env);
        spec.stdin = serde_json::to_vec(work)
            .map_err(|error| Error::Unfit(format!("the work cannot be written down: {error}")))?;
        spec.stdin.push(b'\n');
        spec.events = Some(events);
        Ok(spec)
    }
}

/// This binary, even when it was rebuilt or removed meanwhile.
pub(crate) fn this_program() -> Result<PathBuf> {
    let path = std::env::current_exe().map_err(Error::io("finding this program"))?;
    Ok(if path.exists() { path } else { PathBuf::from("/proc/self/exe") })
}

struct Request {
    spec: Spec,
    network: Option<Arc<Network>>,
    answer: Sender<Result<Child>>,
}

/// The keeper of all children; dropping it ends them.
#[derive(Debug)]
pub struct Keeper {
    spawner: Spawner,
    thread: Option<JoinHandle<()>>,
    /// Where servers get networks of their own: who removes them if need be.
    networks: Option<Watchdog>,
}

/// Who asks the keeper to start something; useless once the keeper is dropped.
#[derive(Clone, Debug)]
pub struct Spawner {
    /// `None` once the keeper is dropped, so that its thread can end.
    requests: Arc<Mutex<Option<Sender<Request>>>>,
    children: Arc<Mutex<Vec<Child>>>,
    stop: Arc<AtomicBool>,
    network: Arc<Mutex<Option<Arc<Network>>>>,
}

impl Keeper {
    /// Starts the thread. `watchdog` is told of every child.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(watchdog: Option<Watchdog>) -> Result<Self> {
        let (requests, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || keep(&inbox, watchdog.as_ref()))
            .map_err(Error::io("starting the keeper's thread"))?;
        let requests = Arc::new(Mutex::new(Some(requests)));
        let (children, stop, network) = Default::default();
        Ok(Self {
            spawner: Spawner { requests, children, stop, network },
            thread: Some(thread),
            networks: None,
        })
    }

    /// The same keeper, which from now on looks at that flag: once it is set,
    /// nobody waits any longer for a broker that is still starting.
    #[must_use]
    pub fn heeding(mut self, stop: Arc<AtomicBool>) -> Self {
        self.spawner.stop = stop;
        self
    }

    /// The same keeper, which gives servers networks of their own from now on.
    #[must_use]
    pub fn with_networks(mut self, watchdog: Watchdog) -> Self {
        self.networks = Some(watchdog);
        self
    }

    /// Whether servers get networks of their own.
    #[must_use]
    pub const fn has_networks(&self) -> bool {
        self.networks.is_some()
    }

    /// A new network for the servers that are started next, where they get one:
    /// one for each of `nodes` that can be cut off from each other, or 1 for all.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new_network(&self, nodes: usize) -> Result<()> {
        let new = self.networks.clone().map(|watchdog| Network::lay(nodes, Some(watchdog)));
        self.spawner.lay(new.transpose()?.map(Arc::new));
        Ok(())
    }

    /// To start children with from elsewhere.
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Starts a process: in a group of its own, killed when the harness dies.
    ///
    /// # Errors
    /// The program is not there or cannot be started.
    pub fn spawn(&self, spec: Spec) -> Result<Child> {
        self.spawner.spawn(spec)
    }
}

impl Spawner {
    /// Whether the run is being stopped, and no broker is waited for any more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Has servers that are started from now on in this network, or in the
    /// harness's own for `None`.
    pub fn lay(&self, network: Option<Arc<Network>>) {
        *self.network.lock().unwrap_or_else(PoisonError::into_inner) = network;
    }

    /// The network that servers are started in, if it is not the harness's own.
    #[must_use]
    pub fn network(&self) -> Option<Arc<Network>> {
        self.network.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where a server that is started now shall listen.
    #[must_use]
    pub fn host(&self) -> String {
        let network = self.network();
        network.map_or(Ipv4Addr::LOCALHOST, |network| network.address(0)).to_string()
    }

    /// Starts a process: in a group of its own, killed when the harness dies.
    ///
    /// # Errors
    /// The program is not there or cannot be started, or the keeper is dropped.
    pub fn spawn(&self, spec: Spec) -> Result<Child> {
        let gone = || Error::Unfit("the keeper of all children has ended".into());
        // Held until the child is noted: a keeper that is dropped meanwhile
        // waits, and then ends this child too.
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, answered) = channel();
        let network = self.network().filter(|_| spec.serves);
        requests
            .as_ref()
            .ok_or_else(gone)?
            .send(Request { spec, network, answer })
            .map_err(|_| gone())?;
        let child = answered.recv().map_err(|_| gone())??;
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain(|child| child.ended().is_none());
        children.push(child.clone());
        Ok(child)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.spawner.requests.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut children = self.spawner.children.lock().unwrap_or_else(PoisonError::into_inner);
        for child in children.drain(..) {
            if child.ended().is_none() {
                child.kill();
            }
        }
        drop(children);
        // Nobody is in it any more.
        self.spawner.lay(None);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(inbox: &Receiver<Request>, watchdog: Option<&Watchdog>) {
    let mut reserved = None;
    for Request { spec, network, answer } in inbox {
        if reserved.is_none() {
            reserved = reserve_events_fd();
        }
        // The asker may have given up; the child then ends with the keeper.
        let _ = answer.send(spawn_inside(network.as_deref(), spec, watchdog));
    }
}

/// A child is in the network namespace of the thread that started it.
fn spawn_inside(
    network: Option<&Network>,
    spec: Spec,
    watchdog: Option<&Watchdog>,
) -> Result<Child> {
    let entering = || format!("{}: entering its network", spec.name);
    let inside = network.map(|network| network.enter(spec.node)).transpose();
    let _inside = inside.map_err(Error::io(entering()))?;
    spawn(spec, watchdog)
}

/// Makes sure that descriptor 3 is taken in this process. Otherwise the pipe
/// by which std's `spawn` learns of a failed exec could get that number, and
/// putting the event pipe there would cut it.
fn reserve_events_fd() -> Option<OwnedFd> {
    let null = File::open("/dev/null").ok()?;
    fcntl_dupfd_cloexec(&null, EVENTS_FD).ok().filter(|fd| fd.as_raw_fd() == EVENTS_FD)
}

fn spawn(spec: Spec, watchdog: Option<&Watchdog>) -> Result<Child> {
    let Spec { name, program, args, env, bare, stdin, feed, log, dir, user, .. } = spec;
    let (events, disk) = (spec.events, spec.disk);
    if stdin.len() > MOST_STDIN {
        return Err(Error::Unfit(format!("{name}: more than 64 KiB for its standard input")));
    }
    let output = log_file(&log)?;
    let errors = output.try_clone().map_err(Error::io("duplicating a log's descriptor"))?;
    let mut command = Command::new(&program);
    if bare {
        command.env_clear();
    }
    command.args(args).envs(env).process_group(0);
    command.stdin(Stdio::piped()).stdout(output).stderr(errors);
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    if let Some(User { uid, gid }) = user {
        // A change of credentials clears the parent-death signal. The standard
        // library changes them before it calls `become_child`, which sets it.
        command.uid(uid).gid(gid);
    }
    let harness = getpid();
    let events_fd = events.as_ref().map(AsRawFd::as_raw_fd);
    // SAFETY: between fork and exec the closure makes system calls only, on
    // descriptors that are open in the parent until `spawn` returns; it
    // neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(move || become_child(harness, events_fd));
    }
    let starting = || format!("{name}: starting {}", program.display());
    let started = match disk {
        // This thread goes there and comes back: it has forked meanwhile.
        Some(disk) => disk.within(|| command.spawn()).map_err(Error::io(starting()))?,
        None => command.spawn(),
    };
    let mut process = started.map_err(Error::io(starting()))?;
    drop(events);
    let input = process.stdin.take();
    let pid = Pid::from_child(&process);
    // It is not reaped before `Child` does it, so that the number is still its.
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(error) => {
            let _ = process.kill();
            let _ = process.wait();
            return Err(Error::io(format!("{name}: watching process {}", process.id()))(error));
        }
    };
    if let Some(watchdog) = watchdog {
        watchdog.process(pid);
    }
    if let Some(mut input) = input {
        // A child that ended already is found out, with its log, by who waits for it.
        let _ = input.write_all(&stdin);
        if let Some(feed) = feed {
            feed.put(input.into());
        }
    }
    Ok(Child::new(name, pid, pidfd, log, watchdog.cloned()))
}

/// Runs in the child, between fork and exec.
fn become_child(harness: Pid, events: Option<i32>) -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The harness may have died before the line above: nobody sends it then.
    if getppid() != Some(harness) {
        return Err(Errno::SRCH.into());
    }
    let mut first_to_close = libc::c_long::from(EVENTS_FD);
    if let Some(events) = events {
        // SAFETY: `events` is open in the parent, and so here; `ManuallyDrop`
        // keeps both numbers from being closed by these values.
        let (from, mut to) = unsafe {
            (
                ManuallyDrop::new(OwnedFd::from_raw_fd(events)),
                ManuallyDrop::new(OwnedFd::from_raw_fd(EVENTS_FD)),
            )
        };
        if events != EVENTS_FD {
            rustix::io::dup2(&*from, &mut to)?;
        }
        fcntl_setfd(&*to, FdFlags::empty())?;
        first_to_close += 1;
    }
    // Ours are close-on-exec anyway; this is for what the harness inherited
    // itself (a make job server, a terminal multiplexer's socket). Kernels
    // before 5.11 do not know it, which leaves things as they were.
    // SAFETY: marks descriptors, touches no memory.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first_to_close,
            libc::c_long::from(libc::c_int::MAX),
            libc::CLOSE_RANGE_CLOEXEC as libc::c_long,
        );
    }
    Ok(())
}

fn log_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path).map_err(Error::io(format!("opening the log {}", path.display())))
}
