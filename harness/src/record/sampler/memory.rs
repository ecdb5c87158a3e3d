use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use procfs::process::Process;
use schedbench_adapters::clock;

use super::Role;
use crate::environment::Child;
use crate::record::Memory;

/// Proportional memory is read this often, where it is cheap.
const PSS_EVERY: Duration = Duration::from_secs(1);
/// Reading it walks the page tables under the process's memory lock, which
/// holds up whoever maps memory there. A reading that took longer than this is
/// not repeated inside a window. (Measured: 0.05 ms for 10 MB, 3.2 ms for 500 MB.)
const CHEAP: Duration = Duration::from_millis(1);

/// Memory at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) at: u64,
    pub(super) harness: Option<Memory>,
    pub(super) broker: Option<Memory>,
    pub(super) workers: Option<Memory>,
    /// RSS of `workers` for each program of theirs that had any, bytes.
    pub(super) rss_per_worker: Option<u64>,
}

/// Who reads memory, and what it has learnt about its price.
#[derive(Default)]
pub(super) struct Reads {
    /// By process: how long it took to read its PSS.
    price: BTreeMap<i32, Duration>,
    /// When all of those that are cheap were last read, together: a sum lacks
    /// what one of its parts lacks.
    read_at: Option<Instant>,
}

impl Reads {
    pub(super) fn read(&mut self, children: &[(Role, Child)], at_edge: bool) -> Reading {
        let myself = i32::try_from(std::process::id()).unwrap_or(0);
        let mut reading = Reading { at: clock::now(), ..Reading::default() };
        let is_time = at_edge || self.read_at.is_none_or(|when| when.elapsed() >= PSS_EVERY);
        if is_time {
            self.read_at = Some(Instant::now());
        }
        // The harness's own is read at the edge only: its memory lock is the
        // generator's.
        reading.harness = self.of(myself, at_edge);
        let mut living = vec![myself];
        let mut programs = 0;
        for (role, child) in children {
            let slot = match role {
                Role::Broker => &mut reading.broker,
                Role::Workers => &mut reading.workers,
            };
            let mut has_memory = false;
            for pid in child.processes() {
                living.push(pid);
                let is_cheap = self.price.get(&pid).is_none_or(|took| *took <= CHEAP);
                if let Some(memory) = self.of(pid, is_time && (at_edge || is_cheap)) {
                    has_memory = true;
                    *slot = Some(match *slot {
                        // A sum lacks what one of its parts lacks.
                        Some(sum) => Memory {
                            rss: sum.rss + memory.rss,
                            pss: sum.pss.zip(memory.pss).map(|(sum, more)| sum + more),
                        },
                        None => memory,
                    });
                }
            }
            // A program with all that it has forked is one worker, and one that
            // has ended is none.
            programs += u64::from(has_memory && *role == Role::Workers);
        }
        let rss = reading.workers.map(|memory| memory.rss);
        reading.rss_per_worker = rss.and_then(|rss| rss.checked_div(programs));
        self.price.retain(|pid, _| living.contains(pid));
        reading
    }

    fn of(&mut self, pid: i32, with_pss: bool) -> Option<Memory> {
        let process = Process::new(pid).ok()?;
        let rss = process.statm().ok()?.resident * procfs::page_size();
        let mut pss = None;
        if with_pss {
            let before = Instant::now();
            pss = process.smaps_rollup().ok().and_then(|all| {
                let map = all.memory_map_rollup.0.into_iter().next()?;
                map.extension.map.get("Pss").copied()
            });
            self.price.insert(pid, before.elapsed());
        }
        // A zombie has no memory and is not counted as having 0.
        (rss > 0).then_some(Memory { rss, pss })
    }
}
