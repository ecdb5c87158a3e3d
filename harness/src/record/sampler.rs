//! CPU and memory by role.
//!
//! CPU is read exactly, in nanoseconds, at the two edges of a window: a
//! [`Snapshot`] each. Memory is read four times a second by a thread of its
//! own, since a peak has no edge. Roles inside the harness are told apart by
//! the names of threads: `pacer…` is the generator, `client…` the client,
//! `sched…` the system itself, `worker…` its handlers; the rest is the
//! harness's own and belongs to nobody's figure.

mod machine;
mod memory;
mod others;
mod threads;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use schedbench_adapters::clock::{self, ClockPair};

use crate::environment::{Child, Exit, of_this_process, placement};
use crate::record::{Host, Memory, Usage};
pub(crate) use machine::Machine;
use memory::{Reading, Reads};
use others::Others;
use threads::{Group, Threads, ThreadsSince};

/// How often memory is read.
const EVERY: Duration = Duration::from_millis(250);
/// Readings kept: two hours of them.
const MOST_READINGS: usize = 4 * 3_600 * 2;

/// What a process of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It is the broker, or part of it.
    Broker,
    /// It runs handlers.
    Workers,
}

/// A process of ours; without its descriptor once it has ended.
#[derive(Debug)]
enum Watched {
    Living(Child),
    Ended(Exit),
}

#[derive(Default)]
struct State {
    watched: Vec<(Role, Watched)>,
    readings: VecDeque<Reading>,
    stop: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stopped: Condvar,
    reads: Mutex<Reads>,
}

/// Who reads CPU and memory; one for a run.
pub struct Sampler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// CPU used up to one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    at: u64,
    clocks: ClockPair,
    harness: Duration,
    threads: Threads,
    children: BTreeMap<usize, ChildSeen>,
    machine: Option<Machine>,
    others: Others,
    /// Of the later edge only.
    memory: Option<Reading>,
}

#[derive(Clone, Copy, Debug)]
struct ChildSeen {
    role: Role,
    cpu: Option<Duration>,
    ended: Option<u64>,
}

impl Snapshot {
    /// When it was taken, monotonic ns.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }
}

/// What lay between two snapshots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Between {
    /// CPU and memory by role. `allocated` is not known here.
    pub usage: Usage,
    /// What the machine did besides. `settle_wait_ns` is not known here.
    pub host: Host,
    /// CPU-seconds of the harness that are nobody's figure: judging, the
    /// terminal, this sampler.
    pub harness_cpu_s: f64,
    /// Why a figure above is `None`, one sentence each.
    pub not_measured: Vec<String>,
}

impl Sampler {
    /// Starts the thread that reads memory.
    ///
    /// # Errors
    /// No thread is to be had.
    pub fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let reader = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("sampler".into()).spawn(move || read(&reader))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Counts a process, from its start to its end, for a role. To be called
    /// right after it was started.
    pub fn watch(&self, role: Role, child: &Child) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, watched) in &mut state.watched {
            // Its descriptor is not held longer than needed.
            if let Watched::Living(child) = watched
                && let Some(exit) = child.ended()
            {
                *watched = Watched::Ended(exit);
            }
        }
        state.watched.push((role, Watched::Living(child.clone())));
    }

    /// CPU used up to now. Costs about 20 µs for each of our threads and
    /// processes, and 1 µs for each other one.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let (machine, others) = (Machine::read(), Others::read());
        let (clocks, at) = (ClockPair::read(), clock::now());
        let harness = of_this_process();
        let threads = Threads::read();
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let children = state.watched.iter().enumerate().map(|(number, (role, watched))| {
            let (cpu, ended) = match watched {
                Watched::Ended(exit) => (exit.cpu, Some(exit.at)),
                Watched::Living(child) => match child.ended() {
                    Some(exit) => (exit.cpu, Some(exit.at)),
                    None => (child.cpu(), None),
                },
            };
            (number, ChildSeen { role: *role, cpu, ended })
        });
        let children = children.collect();
        Snapshot { at, clocks, harness, threads, children, machine, others, memory: None }
    }

    /// The same at a window's end, with the memory of then. Processes for which
    /// reading the proportional one is dear are read now only, which takes some
    /// ms and holds them up for as long.
    #[must_use]
    pub fn last_snapshot(&self) -> Snapshot {
        let snapshot = self.snapshot();
        Snapshot { memory: Some(self.shared.read_memory(true)), ..snapshot }
    }

    /// The memory of all of the broker's processes now; `None` where it has
    /// none. It takes milliseconds where they are large, and holds them up
    /// meanwhile: nothing to be done while anything is measured.
    #[must_use]
    pub fn broker_memory(&self) -> Option<Memory> {
        self.shared.read_memory(true).broker
    }

    /// What lay between two snapshots, the later of which is a
    /// [last](Self::last_snapshot) one, and the largest memory seen.
    #[must_use]
    pub fn between(&self, from: &Snapshot, to: &Snapshot) -> Between {
        let mut between = Between::default();
        let seconds = to.at.saturating_sub(from.at) as f64 / 1e9;
        let threads = to.threads.since(&from.threads);
        let harness = to.harness.saturating_sub(from.harness);
        let unknown = unknown_groups(&threads, harness, &mut between.not_measured);
        let group = |group: Group| -> Option<Duration> {
            let cpu = threads.groups.get(&group).filter(|_| !unknown.contains(&group))?;
            Some(cpu.iter().sum())
        };

        let mut children: BTreeMap<Role, Option<Duration>> = BTreeMap::new();
        let mut in_children = Some(Duration::ZERO);
        for (number, now) in &to.children {
            if now.ended.is_some_and(|ended| ended < from.at) {
                continue;
            }
            // One that is new has used all of its CPU in between.
            let before = from.children.get(number).map_or(Some(Duration::ZERO), |seen| seen.cpu);
            let used = now.cpu.zip(before).map(|(now, before)| now.saturating_sub(before));
            if used.is_none() {
                let what = format!("CPU of {:?}: a process was not readable", now.role);
                between.not_measured.push(what.to_lowercase().replacen("cpu", "CPU", 1));
            }
            in_children = in_children.zip(used).map(|(sum, used)| sum + used);
            let sum = children.entry(now.role).or_insert(Some(Duration::ZERO));
            *sum = sum.zip(used).map(|(sum, used)| sum + used);
        }
        // A role may have threads here and processes of its own: both count.
        let role = |role: Role, threads_of: Group| -> Option<f64> {
            let has_threads =
                threads.groups.contains_key(&threads_of) || threads.ended.contains_key(&threads_of);
            match (children.get(&role).copied(), has_threads) {
                (None, false) => None,
                (None, true) => group(threads_of),
                (Some(used), false) => used,
                (Some(used), true) => used.zip(group(threads_of)).map(|(a, b)| a + b),
            }
            .map(|cpu| cpu.as_secs_f64())
        };
        let usage = &mut between.usage;
        usage.generator_cpu_s = group(Group::Generator).map(|cpu| cpu.as_secs_f64());
        usage.client_cpu_s = group(Group::Client).map(|cpu| cpu.as_secs_f64());
        usage.broker_cpu_s = role(Role::Broker, Group::System);
        usage.workers_cpu_s = role(Role::Workers, Group::Workers);
        if seconds > 0.0 && group(Group::Client).is_some() {
            let busiest = threads.groups.get(&Group::Client).and_then(|all| all.iter().max());
            usage.busiest_client_thread = busiest.map(|cpu| cpu.as_secs_f64() / seconds);
        }
        between.harness_cpu_s = harness.as_secs_f64()
            - [Group::Generator, Group::Client, Group::System, Group::Workers]
                .iter()
                .filter_map(|group| threads.groups.get(group))
                .flatten()
                .sum::<Duration>()
                .as_secs_f64();

        let tree = in_children.map(|children| (children + harness).as_secs_f64());
        if let (Some(first), Some(last)) = (&from.machine, &to.machine) {
            let machine = last.since(first);
            between.host.steal = machine.steal();
            if let Some(tree) = tree.filter(|_| seconds > 0.0) {
                let foreign = to.others.since(&from.others).as_secs_f64();
                between.host.foreign_cores = Some(foreign / seconds);
                let rest = machine.busy_s() - tree - foreign;
                between.host.unattributed_cores = Some(rest / seconds);
            }
        } else {
            between.not_measured.push("foreign CPU and steal: /proc/stat is not readable".into());
        }
        between.host.clock_drift_ns = to.clocks.drift_from(from.clocks);
        self.add_memory(from, to, &mut between);
        between
    }

    fn add_memory(&self, from: &Snapshot, to: &Snapshot, between: &mut Between) {
        let window = from.at..=to.at;
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let in_window = state.readings.iter().filter(|reading| window.contains(&reading.at));
        for reading in in_window.chain(&to.memory) {
            let usage = &mut between.usage;
            let slots = [&mut usage.harness, &mut usage.broker, &mut usage.workers];
            for (slot, seen) in
                slots.into_iter().zip([reading.harness, reading.broker, reading.workers])
            {
                if let Some(seen) = seen {
                    let largest = slot.get_or_insert_default();
                    *largest =
                        Memory { rss: largest.rss.max(seen.rss), pss: largest.pss.max(seen.pss) };
                }
            }
            usage.rss_per_worker = usage.rss_per_worker.max(reading.rss_per_worker);
        }
    }
}

/// The groups whose CPU cannot be said, since a thread that has ended took its
/// clock along; `harness` is what the whole process used. Adds why.
fn unknown_groups(
    threads: &ThreadsSince,
    harness: Duration,
    why: &mut Vec<String>,
) -> BTreeSet<Group> {
    for (group, ended) in threads.ended.iter().filter(|(group, _)| **group != Group::Harness) {
        why.push(format!("CPU of {}: {ended} of its threads ended in the window", group.name()));
    }
    let in_threads = threads.groups.values().flatten().sum::<Duration>();
    let unseen = harness.saturating_sub(in_threads);
    // The clocks are read one after the other, hence the tolerance.
    if threads.ended.is_empty() && unseen > Duration::from_millis(20).max(harness / 50) {
        let seconds = unseen.as_secs_f64();
        why.push(format!("CPU by thread: threads came and went in the window, {seconds:.3} s"));
        return Group::ALL.into();
    }
    threads.ended.keys().copied().collect()
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.shared.stopped.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Reads memory now; `at_edge` also what is too dear to be read often.
    fn read_memory(&self, at_edge: bool) -> Reading {
        let children: Vec<(Role, Child)> = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let living = state.watched.iter().filter_map(|(role, watched)| match watched {
                Watched::Living(child) => Some((*role, child.clone())),
                Watched::Ended(_) => None,
            });
            living.collect()
        };
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).read(&children, at_edge)
    }
}

fn read(shared: &Shared) {
    placement::to_generator();
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    while !state.stop {
        drop(state);
        let reading = shared.read_memory(false);
        state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.readings.len() >= MOST_READINGS {
            state.readings.pop_front();
        }
        state.readings.push_back(reading);
        if !state.stop {
            let woken = shared.stopped.wait_timeout(state, EVERY);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
