use std::task::Waker;

use schedbench_contract::ledger::Reason;
use schedbench_contract::{Backlog, Task, TaskId};

use super::events::{Attempt, Event, Events};
use super::plan::{self, Defect};
use crate::clock;
use crate::in_process::pen::Pen;

/// What the broker knows, under its lock.
pub(super) struct State {
    pub(super) events: Events,
    /// Per task of the cell, whether it waits for its first run.
    pub(super) waits: Vec<bool>,
    pub(super) kept: u64,
    pub(super) dead: u64,
    /// When the server has finished what it was given.
    pub(super) free_at: u64,
    pub(super) stalls_at: Option<u64>,
    /// The task that is to be overtaken.
    pub(super) overtaken: Option<Attempt>,
    pub(super) unconfirmed: u64,
    pub(super) settling: Vec<Waker>,
    pub(super) held_back: Vec<Waker>,
}

impl State {
    /// Nothing, for a cell of `tasks` tasks.
    pub(super) fn new(tasks: usize) -> Self {
        Self {
            events: Events::default(),
            waits: vec![false; tasks],
            kept: 0,
            dead: 0,
            free_at: 0,
            stalls_at: None,
            overtaken: None,
            unconfirmed: 0,
            settling: Vec::new(),
            held_back: Vec::new(),
        }
    }

    pub(super) fn waits(&mut self, id: TaskId) -> Option<&mut bool> {
        self.waits.get_mut(usize::try_from(id.sequence()).ok()?)
    }

    /// Takes one task over, as truthfully as the defect lets it.
    pub(super) fn place(&mut self, defect: Defect, task: &Task<'_>, now: u64, log: &Pen) {
        let id = task.id;
        let struck = defect.strikes(id.sequence());
        match defect {
            Defect::SlowConfirms => {
                log.taken(task, now);
                self.unconfirmed += 1;
                self.events.add(now + plan::CONFIRM_AFTER_NS, Event::Confirmed(id));
            }
            Defect::Resends if struck => {
                log.taken_and_confirmed(task, now);
                log.sent_again(id);
            }
            Defect::Phantom if struck => {
                log.taken(task, now);
                log.refused(id, Reason::Full, now);
            }
            Defect::Unknown if struck => {
                log.taken(task, now);
                log.unknown(id, Reason::Timeout, now);
            }
            _ => log.taken_and_confirmed(task, now),
        }
        match defect {
            Defect::Loses if struck => return,
            Defect::Unknown if struck && !plan::unknown_runs(id.sequence()) => return,
            Defect::Keeps if struck => {
                self.kept += 1;
                return;
            }
            _ => {}
        }
        let delayed = task.due > now;
        let due = match defect {
            Defect::FiresEarly if struck && task.is_delayed() => task.due - plan::EARLY_BY_NS,
            Defect::FiresLate if struck && task.is_delayed() => task.due + plan::LATE_BY_NS,
            _ => task.due + defect.latency_ns(id),
        };
        if let Some(waits) = self.waits(id) {
            *waits = true;
        }
        self.events.add(due.max(now), Event::Due(Attempt { id, number: 0, delayed }));
    }

    pub(super) fn confirm(&mut self, id: TaskId, log: &Pen) {
        log.confirmed(id, clock::now());
        self.unconfirmed -= 1;
        if self.unconfirmed == 0 {
            self.settling.drain(..).for_each(Waker::wake);
        }
    }

    /// When the one server starts what became due at `at`.
    pub(super) fn serve(&mut self, at: u64, service_ns: u64, defect: Defect) -> u64 {
        let mut start = at.max(self.free_at);
        let stall = self.stalls_at.filter(|_| defect == Defect::Stalls);
        if let Some(from) = stall.filter(|&from| (from..from + plan::STALL_NS).contains(&start)) {
            start = from + plan::STALL_NS;
        }
        self.free_at = start + service_ns;
        start
    }

    pub(super) fn backlog(&self) -> Backlog {
        let (mut ready, mut scheduled, mut retry) = (self.kept, 0, 0);
        let waiting = self.events.iter().filter_map(|event| match event {
            Event::Due(attempt) | Event::Served(attempt) => Some(attempt),
            _ => None,
        });
        for attempt in waiting.chain(&self.overtaken) {
            match attempt {
                Attempt { number: 1.., .. } => retry += 1,
                Attempt { delayed: true, .. } => scheduled += 1,
                _ => ready += 1,
            }
        }
        Backlog {
            ready: Some(ready),
            held: Some(0),
            scheduled: Some(scheduled),
            retry: Some(retry),
            dead: Some(self.dead),
        }
    }
}
