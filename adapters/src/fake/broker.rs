use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use schedbench_contract::{
    Backlog, InProcessWorkers, Profile, Result, Run, RunEnd, Task, TaskId, Work, WorkersShape,
};

use super::events::{Attempt, Event};
use super::plan::{self, Defect};
use super::state::State;
use crate::in_process::locked;
use crate::in_process::pen::Pen;
use crate::in_process::system::{Hand, Scheduler};
use crate::in_process::threads::Threads;
use crate::{clock, handler};

/// One thread, `sched-fake`, that lets events happen at their times.
///
/// It is exact rather than fast: everything is under one lock.
pub(crate) struct Broker {
    defect: Defect,
    state: Mutex<State>,
    changed: Condvar,
}

/// Events that happen before a producer gets the lock.
const STEP: usize = 64;
/// Starts of a reordered pair differ by more than a unit of the ledger.
const APART_NS: u64 = 1_000;

impl Scheduler for Broker {
    type Pen = Pen;
    const NAME: &'static str = "fake";
    const PROFILES: &'static [Profile] = super::PROFILES;

    fn new(profile: &'static Profile, _: &WorkersShape, tasks: usize) -> Result<Self> {
        let state = State::new(tasks);
        let defect = Defect::of(profile.name).unwrap_or(Defect::None);
        Ok(Self { defect, state: Mutex::new(state), changed: Condvar::new() })
    }

    fn launch(self: &Arc<Self>, work: &Work, log: &Pen) -> Result<Box<dyn InProcessWorkers>> {
        let broker = Arc::clone(self);
        let mut threads = Threads::new(move || {
            drop(locked(&broker.state));
            broker.changed.notify_all();
        });
        let (broker, stop) = (Arc::clone(self), threads.stop_flag());
        let (work, log) = (work.clone(), log.clone());
        threads.spawn("sched-fake".into(), move || broker.live(&work, &log, &stop))?;
        Ok(Box::new(threads))
    }

    fn offer(
        self: &Arc<Self>,
        batch: &[Task<'_>],
        log: &Pen,
        _: &mut Hand,
        cx: &mut Context<'_>,
    ) -> Poll<usize> {
        let mut state = locked(&self.state);
        let now = clock::now();
        let next = state.events.next_at();
        let since = now % plan::PRESSURE_EVERY_NS;
        let pressed = self.defect == Defect::BackPressure && since < plan::PRESSURE_NS;
        if pressed {
            state.held_back.push(cx.waker().clone());
            state.events.add(now - since + plan::PRESSURE_NS, Event::Resume);
        } else {
            state.stalls_at.get_or_insert(now + plan::STALL_AFTER_NS);
            for task in batch {
                state.place(self.defect, task, now, log);
            }
        }
        let wake = state.events.next_at() != next;
        drop(state);
        if wake {
            self.changed.notify_one();
        }
        if pressed { Poll::Pending } else { Poll::Ready(batch.len()) }
    }

    fn cancel(&self, id: TaskId) -> bool {
        let mut state = locked(&self.state);
        let cancelled = state.waits(id).is_some_and(std::mem::take);
        if cancelled {
            state.events.retain(|event| event.task() != Some(id));
            state.overtaken.take_if(|attempt| attempt.id == id);
        }
        cancelled
    }

    fn settle(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = locked(&self.state);
        if state.unconfirmed == 0 {
            return Poll::Ready(());
        }
        state.settling.push(cx.waker().clone());
        Poll::Pending
    }

    fn backlog(&self) -> Backlog {
        locked(&self.state).backlog()
    }

    fn purge(&self) {
        let mut state = locked(&self.state);
        state.events.retain(|event| event.task().is_none());
        state.waits.fill(false);
        state.overtaken = None;
        state.kept = 0;
    }
}

impl Broker {
    fn live(&self, work: &Work, log: &Pen, stop: &AtomicBool) {
        let mut state = locked(&self.state);
        let mut happened = 0;
        while !stop.load(Ordering::Acquire) {
            let now = clock::now();
            if let Some((at, event)) = state.events.pop(now) {
                self.happens(&mut state, event, at, work, log);
                happened += 1;
                if happened % STEP == 0 {
                    drop(state);
                    state = locked(&self.state);
                }
                continue;
            }
            state = self.sleep(state, now);
        }
        // A producer that settles must not wait for a thread that is gone.
        for id in state.events.take_confirmations() {
            state.confirm(id, log);
        }
    }

    fn sleep<'a>(&self, state: MutexGuard<'a, State>, now: u64) -> MutexGuard<'a, State> {
        match state.events.next_at() {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(at) => {
                let woken = self.changed.wait_timeout(state, Duration::from_nanos(at - now));
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn happens(&self, state: &mut State, event: Event, at: u64, work: &Work, log: &Pen) {
        match event {
            Event::Due(attempt) => match self.defect.service_ns() {
                Some(service_ns) => {
                    let start = state.serve(at, service_ns, self.defect);
                    state.events.add(start, Event::Served(attempt));
                }
                None => self.starts(state, attempt, at, work, log),
            },
            Event::Served(attempt) => self.run(state, attempt, at, work, log),
            Event::Confirmed(id) => state.confirm(id, log),
            Event::NotOvertaken(id) => {
                if let Some(attempt) = state.overtaken.take_if(|attempt| attempt.id == id) {
                    self.run(state, attempt, at, work, log);
                }
            }
            Event::Resume => state.held_back.drain(..).for_each(Waker::wake),
        }
    }

    /// Starts a task, or lets it wait until its successor has overtaken it.
    fn starts(&self, state: &mut State, attempt: Attempt, at: u64, work: &Work, log: &Pen) {
        let first = self.defect == Defect::Reorders && attempt.number == 0;
        let sequence = attempt.id.sequence();
        if first && self.defect.strikes(sequence + 1) {
            state.events.add(at + plan::OVERTAKEN_WITHIN_NS, Event::NotOvertaken(attempt.id));
            if let Some(earlier) = state.overtaken.replace(attempt) {
                self.run(state, earlier, at, work, log);
            }
            return;
        }
        self.run(state, attempt, at, work, log);
        if first && self.defect.strikes(sequence) {
            let predecessor = |waits: &mut Attempt| waits.id.sequence() + 1 == sequence;
            let Some(overtaken) = state.overtaken.take_if(predecessor) else { return };
            let later = clock::now() + APART_NS;
            while clock::now() < later {
                std::hint::spin_loop();
            }
            self.run(state, overtaken, at, work, log);
        }
    }

    fn run(&self, state: &mut State, attempt: Attempt, at: u64, work: &Work, log: &Pen) {
        let Attempt { id, number, .. } = attempt;
        if let Some(waits) = state.waits(id) {
            *waits = false;
        }
        let start = if self.defect.is_exact() { at } else { clock::now() };
        let struck = self.defect.strikes(id.sequence());
        let mut ended = handler::planned_end(work, id, number);
        if self.defect == Defect::Corrupts && struck && ended == RunEnd::Done {
            ended = RunEnd::Corrupt;
        }
        log.ran(Run { id, start, end: start, ended }, number);
        match ended {
            RunEnd::Failed if self.defect != Defect::Forgets => {
                let again = Attempt { number: number + 1, ..attempt };
                state.events.add(start + work.retry.backoff_ns, Event::Due(again));
            }
            RunEnd::FailedFinally => state.dead += 1,
            RunEnd::Done if struck => match self.defect {
                Defect::Duplicates | Defect::Resends => {
                    log.ran(Run { id, start, end: start, ended }, number);
                }
                Defect::Invents => {
                    log.ran(Run { id: plan::invented(id), start, end: start, ended }, number);
                }
                _ => {}
            },
            _ => {}
        }
    }
}
