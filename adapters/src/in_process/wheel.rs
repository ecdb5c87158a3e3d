use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use schedbench_contract::{
    Backlog, Claims, Error, InProcessWorkers, Order, Profile, Result, Task, TaskId, Topology, Work,
    WorkersShape,
};
use schedbench_wheel::More;

use super::attempt::Attempt;
use super::hand_over::HandOver;
use super::pen::Pen;
use super::run::Runner;
use super::run_queue::RunQueue;
use super::system::{Hand, Scheduler};
use super::threads::Threads;
use super::wheel_core::WheelCore;
use super::{CLAIMS, locked, pool};
use crate::clock;

/// The built-in timer wheel. One thread, `sched-wheel`, turns it; producers
/// give that thread what is to wait and the workers what is not.
///
/// At most `window` delayed tasks wait to be put into the wheel: a producer
/// that is faster than the wheel is held back. A task that workers have been
/// given is past cancelling, also while it queues for one.
pub(crate) struct Wheel {
    settings: Settings,
    hand_over: HandOver,
    core: Mutex<WheelCore>,
    due: Arc<RunQueue>,
    dead: Arc<AtomicU64>,
}

#[derive(Clone, Copy)]
struct Settings {
    resolution_ns: u64,
    /// Handlers run on the wheel's own thread.
    inline: bool,
    /// The last stretch of a sleep is spun through, where what follows is not
    /// the waking of another thread, which takes as long.
    spin_ns: u64,
}

const MAX_DELAY_NS: u64 = 3_600 * 1_000_000_000;
/// Tasks that come out of the wheel in one step.
const STEP: usize = 256;

const fn profile(name: &'static str, summary: &'static str, claims: Claims) -> Profile {
    Profile {
        name,
        summary,
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims,
    }
}

impl Scheduler for Wheel {
    type Pen = Pen;
    const NAME: &'static str = "wheel";
    const PROFILES: &'static [Profile] = &[
        profile("1ms", "timer wheel: ticks of 1 ms, four levels, up to 1 h", CLAIMS),
        profile("1us", "timer wheel: ticks of 1 µs", CLAIMS),
        profile(
            "inline",
            "timer wheel: ticks of 1 µs, handlers run on the wheel's own thread",
            Claims { order: Order::Queue, ..CLAIMS },
        ),
    ];

    fn new(profile: &'static Profile, shape: &WorkersShape, tasks: usize) -> Result<Self> {
        let settings = match profile.name {
            "1us" => Settings { resolution_ns: 1_000, inline: false, spin_ns: 0 },
            "inline" => Settings { resolution_ns: 1_000, inline: true, spin_ns: 60_000 },
            _ => Settings { resolution_ns: 1_000_000, inline: false, spin_ns: 0 },
        };
        Ok(Self {
            settings,
            hand_over: HandOver::new(shape.window as usize),
            core: Mutex::new(WheelCore::new(settings.empty_wheel()?, tasks)),
            due: Arc::new(RunQueue::new()),
            dead: Arc::default(),
        })
    }

    fn launch(self: &Arc<Self>, work: &Work, log: &Pen) -> Result<Box<dyn InProcessWorkers>> {
        let wheel = Arc::clone(self);
        let mut threads = Threads::new(move || {
            wheel.hand_over.wake_all();
            wheel.due.wake_all();
        });
        let (wheel, stop) = (Arc::clone(self), threads.stop_flag());
        if self.settings.inline {
            let (runner, at_most) = (Runner::new(work, log), Runner::at_most(work));
            threads
                .spawn("sched-wheel".into(), move || wheel.run_inline(&runner, at_most, &stop))?;
        } else {
            threads.spawn("sched-wheel".into(), move || wheel.turn(&stop))?;
            let wheel = Arc::clone(self);
            pool::spawn(&mut threads, &self.due, work, log, &self.dead, move |again| {
                wheel.hand_over.again(again);
            })?;
        }
        Ok(Box::new(threads))
    }

    fn offer(
        self: &Arc<Self>,
        batch: &[Task<'_>],
        log: &Pen,
        hand: &mut Hand,
        cx: &mut Context<'_>,
    ) -> Poll<usize> {
        let taken = self.hand_over.offer(batch, self.settings.inline, log, hand, cx);
        if taken.is_ready() {
            self.due.push(&hand.immediate);
        }
        taken
    }

    fn cancel(&self, id: TaskId) -> bool {
        let mut core = locked(&self.core);
        let mut due = Vec::new();
        core.accept(&self.hand_over, &mut due);
        self.due.push(&due);
        core.cancel(id)
    }

    fn backlog(&self) -> Backlog {
        // With the core locked nothing goes from the hand-over to the wheel
        // or from there to the workers. Only from a worker back to the
        // hand-over may something go meanwhile: asked in this order, it is
        // named twice then, and not missed.
        let core = locked(&self.core);
        let (scheduled, retries) = core.waiting();
        let (ready, held) = self.due.ready_and_held();
        let (arriving, failed) = self.hand_over.waiting();
        Backlog {
            ready: Some(ready),
            held: Some(held),
            scheduled: Some(scheduled + arriving),
            retry: Some(retries + failed),
            dead: Some(self.dead.load(Ordering::Acquire)),
        }
    }

    fn purge(&self) {
        let mut core = locked(&self.core);
        core.accept(&self.hand_over, &mut Vec::new());
        if let Ok(empty) = self.settings.empty_wheel() {
            core.clear(empty);
        }
        self.due.purge();
    }
}

impl Settings {
    fn empty_wheel(self) -> Result<schedbench_wheel::Wheel<Attempt>> {
        schedbench_wheel::Wheel::new(self.resolution_ns, MAX_DELAY_NS, clock::now())
            .map_err(|why| Error::Broken(why.to_string()))
    }
}

impl Wheel {
    /// Puts in what arrived, takes out what is due, and says until when
    /// nothing is to be done.
    fn step(&self, due: &mut Vec<Attempt>) -> Option<u64> {
        let mut core = locked(&self.core);
        core.accept(&self.hand_over, due);
        let more = core.expire(clock::now(), STEP, due);
        self.due.push(due);
        due.clear();
        match more {
            More::Yes => Some(0),
            More::No => core.next_due(),
        }
    }

    fn turn(&self, stop: &AtomicBool) {
        let mut due = Vec::with_capacity(STEP);
        while !stop.load(Ordering::Acquire) {
            let until = self.step(&mut due);
            self.hand_over.wait(until, self.settings.spin_ns, stop);
        }
    }

    fn run_inline(&self, runner: &Runner, at_most: usize, stop: &AtomicBool) {
        let (mut due, mut batch, mut again) = (Vec::with_capacity(STEP), Vec::new(), Vec::new());
        while !stop.load(Ordering::Acquire) {
            let until = self.step(&mut due);
            self.due.try_take(&mut batch, at_most);
            if batch.is_empty() {
                self.hand_over.wait(until, self.settings.spin_ns, stop);
                continue;
            }
            let died = runner.run(&batch, &mut again);
            self.dead.fetch_add(died, Ordering::Relaxed);
            if !again.is_empty() {
                self.hand_over.again(&again);
                again.clear();
            }
            self.due.finished(batch.len());
            batch.clear();
        }
    }
}
