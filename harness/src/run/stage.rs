//! Where cells are run: the runtime, the keeper, the brokers.

use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use schedbench_adapters::clock;
use schedbench_contract::{Address, Broker, Profile, Work};
use schedbench_reports::outcome::CellError;
use tokio::runtime::Runtime;

use super::halt::failure;
use super::progress::Progress;
use crate::environment::{self, Died, Entry, Ground, Keeper, Mode, Need, Rooms, Running};
use crate::plan::{CellPlan, Target};
use crate::record::{Between, Memory, Role, Sampler};

/// A broker is quiet when it takes no more than it does idle for this long.
const QUIET_FOR: Duration = Duration::from_secs(1);
/// A broker that is not quiet by then is measured all the same; the wait is
/// recorded, and whoever reads it sees that it was not enough.
const MOST_WAIT: Duration = Duration::from_secs(60);

/// A process that dies closes its connections first; so long at most until it
/// has ended, and how often to look.
const DYING: Duration = Duration::from_millis(200);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What every cell of a run shares.
pub struct Stage<'a> {
    /// The clients' I/O.
    pub runtime: &'a Runtime,
    /// Who spawns every child.
    pub keeper: &'a Keeper,
    /// Reads CPU and memory.
    pub sampler: &'a Sampler,
    /// The run's private directories.
    pub rooms: &'a Rooms,
    /// Where children's logs go.
    pub logs: PathBuf,
    /// How brokers are had.
    pub mode: Mode,
    /// The environment variable in which the scenario says a broker's URL is.
    pub url_env: &'a dyn Fn(Broker) -> Option<String>,
    /// The broker of the block that runs.
    pub broker: Option<Box<dyn Running>>,
    /// What its system needs beside it.
    pub second: Option<Box<dyn Running>>,
    /// What a person sees.
    pub progress: Progress,
    /// Set when the run is being stopped.
    pub stop: &'a AtomicBool,
    /// How long the harness waited for quiet before this cell, ns.
    pub settle_wait_ns: u64,
    /// The places of the broker's nodes that are dead on purpose: nobody's error.
    pub hurt: Vec<usize>,
}

impl Stage<'_> {
    /// A fresh broker for a target, if it needs one, and what it needs beside:
    /// that one is never hurt. `by_proxies` says whether cells reach the broker so.
    ///
    /// # Errors
    /// It is not there, or died at its start.
    pub fn start_broker(&mut self, target: Target, by_proxies: bool) -> Result<(), CellError> {
        self.end_broker();
        self.hurt.clear();
        if let Some(kind) = target.profile.broker {
            let networks = Entry::of(kind).networks(target.profile);
            self.keeper.new_network(networks).map_err(|error| blame(&error))?;
        }
        // Where the link itself is taken down there are no proxies.
        let by_proxies = by_proxies && !self.keeper.has_networks();
        self.broker = self.start_one(target, target.profile, by_proxies)?;
        if let Some(profile) = (target.system.second)(target.profile) {
            // Not in the network of the one that is hurt.
            let network = self.keeper.spawner().network();
            self.keeper.spawner().lay(None);
            self.second = self.start_one(target, profile, false)?;
            self.keeper.spawner().lay(network);
        }
        Ok(())
    }

    /// Gives the block's broker a disk that can be full, where a cell fills it.
    ///
    /// # Errors
    /// There is none for it, or it does not come back on it.
    pub fn shrink_disk(&mut self, fills: bool) -> Result<(), CellError> {
        let Some(broker) = self.broker.as_mut().filter(|_| fills) else { return Ok(()) };
        broker.move_to_small_disk().map_err(|error| blame(&error))?;
        for child in broker.children() {
            self.sampler.watch(Role::Broker, child);
        }
        Ok(())
    }

    fn start_one(
        &self,
        target: Target,
        profile: &Profile,
        by_proxies: bool,
    ) -> Result<Option<Box<dyn Running>>, CellError> {
        let Some(kind) = profile.broker else { return Ok(None) };
        let who = target.name();
        let url_env = (self.url_env)(kind);
        let ground = Ground { keeper: self.keeper, rooms: self.rooms, logs: &self.logs };
        let need = Need { who: &who, profile, url_env: url_env.as_deref(), by_proxies };
        let entry = Entry::of(kind);
        let broker = self
            .mode
            .source(entry, &who, need.url_env, profile.topology)
            .map_err(environment::Error::from)
            .and_then(|source| entry.have_from(source, &ground, &need))
            .map_err(|error| blame(&error))?;
        self.progress.say(&format!("{who}: {}", broker.describe()));
        for child in broker.children() {
            self.sampler.watch(Role::Broker, child);
        }
        Ok(Some(broker))
    }

    /// Ends the block's broker, if it has one, and what is beside it.
    pub fn end_broker(&mut self) {
        for broker in [self.broker.take(), self.second.take()].into_iter().flatten() {
            if let Err(error) = broker.stop() {
                self.progress.say(&format!("warning: {error}"));
            }
        }
        self.keeper.spawner().lay(None);
    }

    /// Where the server beside the block's broker is.
    #[must_use]
    pub fn second_address(&self) -> Option<Address> {
        self.second.as_ref().map(|second| second.address().clone())
    }

    /// Where the block's broker is.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.broker.as_ref().map(|broker| broker.address().clone())
    }

    /// The block's broker and what is beside it.
    fn brokers(&self) -> impl Iterator<Item = &dyn Running> {
        self.broker.iter().chain(&self.second).map(|broker| &**broker)
    }

    /// Takes out what cannot be known of brokers whose processes are not ours:
    /// what they took and, where one works on this machine, what others did.
    pub fn forget_what_is_not_ours(&self, between: &mut Between) {
        for broker in self.brokers().filter(|broker| broker.child().is_none()) {
            between.usage.broker_cpu_s = None;
            between.usage.broker = None;
            let host = broker.address().host.as_str();
            if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
                between.host.foreign_cores = None;
            }
        }
    }

    /// What the block's broker and what is beside it take of the memory now, all
    /// processes together; `None` where one's are not ours to see.
    #[must_use]
    pub fn broker_memory(&self) -> Option<Memory> {
        let are_ours = self.brokers().all(|broker| broker.child().is_some());
        are_ours.then(|| self.sampler.broker_memory()).flatten()
    }

    /// When the broker's processes stopped all of their threads, in a stretch of
    /// monotonic time, ns.
    pub fn broker_pauses(&self, stretch: &Range<u64>) -> Vec<Range<u64>> {
        self.broker.as_ref().and_then(|broker| broker.pauses(stretch)).unwrap_or_default()
    }

    /// Fails where a cell's queue is not kept as its profile claims.
    ///
    /// # Errors
    /// It is on fewer servers.
    pub fn check_queue(&self, name: &str) -> Result<(), CellError> {
        let checked = self.broker.as_ref().map_or(Ok(()), |broker| broker.check_queue(name));
        checked.map_err(|error| blame(&error))
    }

    /// The broker's end, if it should live and does not.
    #[must_use]
    pub fn broker_death(&self) -> Option<CellError> {
        let broker = self.broker.iter().map(|broker| broker.check_all_but(&self.hurt));
        let second = self.second.iter().map(|second| second.check());
        broker.chain(second).find_map(Result::err).map(|error| blame(&error))
    }

    /// What is behind an error that a client or a worker had: the death of the
    /// block's broker, or the error itself.
    #[must_use]
    pub fn behind(&self, error: CellError) -> CellError {
        if self.brokers().all(|broker| broker.child().is_none()) {
            return self.broker_death().unwrap_or(error);
        }
        let until = clock::now() + DYING.as_nanos() as u64;
        loop {
            match self.broker_death() {
                Some(death) => return death,
                None if clock::now() >= until => return error,
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    /// Waits until the last cell's writes are on the disk and its broker has
    /// done what it does behind (an AOF rewrite, freeing memory).
    pub fn settle(&mut self) {
        let began = clock::now();
        self.settle_wait_ns = 0;
        if self.broker.is_none() {
            return;
        }
        rustix::fs::sync();
        let children: Vec<_> = self.brokers().flat_map(Running::children).collect();
        if !children.is_empty() {
            let used = || children.iter().map(|child| child.cpu()).sum::<Option<Duration>>();
            let idle = |broker: &dyn Running| broker.idle_share() * broker.children().len() as f64;
            let quiet = QUIET_FOR.as_secs_f64() * self.brokers().map(idle).sum::<f64>();
            let most = began + MOST_WAIT.as_nanos() as u64;
            while clock::now() < most && !self.stop.load(Ordering::Relaxed) {
                let Some(before) = used() else { break };
                std::thread::sleep(QUIET_FOR);
                let Some(after) = used() else { break };
                if after.saturating_sub(before).as_secs_f64() < quiet {
                    break;
                }
            }
        }
        self.settle_wait_ns = clock::now() - began;
    }

    /// Where a worker's output goes.
    #[must_use]
    pub fn worker_log(&self, work: &Work) -> PathBuf {
        let name = format!("{:05}-{}-worker-{}.log", work.cell, work.system, work.index + 1);
        self.logs.join(name)
    }
}

/// About how long a cell takes, its preparation and end included.
#[must_use]
pub fn length(plan: &CellPlan) -> Duration {
    let measured =
        plan.warmup_ns + plan.load.window_ns() + plan.longest_delay_ns() + plan.horizon_ns;
    let around = if plan.target.profile.broker.is_some() { 1_800 } else { 80 };
    Duration::from_nanos(measured) + Duration::from_millis(around)
}

/// An error of the environment as a cell's error, with the log where there is one.
#[must_use]
pub fn blame(error: &environment::Error) -> CellError {
    match error {
        environment::Error::Died(died) => told(died),
        other => failure(other.to_string()),
    }
}

/// A death as a cell's error: the sentence, where the whole log is, seen from
/// the outcome, and its last lines.
#[must_use]
pub fn told(died: &Died) -> CellError {
    let name = died.full_log.file_name().unwrap_or_default();
    let message = format!(
        "{}: {} died {:.1} s after it started ({}); full log: logs/{}",
        died.who,
        died.what,
        died.after.as_secs_f64(),
        died.exit,
        name.display()
    );
    CellError { message, log: died.log.clone() }
}

/// What of a path is worth showing: relative to where the user stands.
#[must_use]
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
