//! A backlog: tasks that build up while no worker runs, what is done to the
//! broker while they rest, and their drain.

use std::time::Duration;

use schedbench_adapters::clock;
use schedbench_contract::{Adapter, Backlog, BodyPool, Handler, MomentKind, Producer, Recorder};
use schedbench_reports::outcome::CellError;

use super::cell::{PATIENCE_NS, PROBE_ROOM, RunCell, Seen};
use super::faults::{Faults, Scene};
use super::halt::{Halt, failure};
use super::live::Phase;
use super::staff::Staff;
use crate::drive::{self, Driven, Ended, OpenSetup};
use crate::plan::{Arrivals, Fault};
use crate::record::{Between, Proof, Rested};

/// How often the broker is looked for while it starts, and the counters while
/// it drains: what a moment of it may be late, ns.
const LOOK_EVERY_NS: u64 = 1_000_000;
/// Nothing has run for so long: the system is asked whether it holds anything.
const QUIET_NS: u64 = 1_000_000_000;
/// How often a person is told.
const TELL_EVERY_NS: u64 = 200_000_000;

impl RunCell<'_, '_> {
    /// The longest that all of it may take, ns.
    pub(super) fn longest_rest_ns(&self) -> u64 {
        let hurt = self.plan.faults.iter().map(Fault::until_ns).max().unwrap_or(0);
        // Build-up and drain; the broker's start and the workers' besides.
        hurt + 2 * self.plan.horizon_ns + 4 * PATIENCE_NS
    }

    /// Hands the tasks over, hurts the broker, starts workers and waits until
    /// all that there is has run.
    pub(super) fn let_rest<A: Adapter>(
        &mut self,
        system: &A,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        tasks: u64,
    ) -> Result<Seen, CellError> {
        let empty = self.weigh_empty(halt);
        let producer = self.ask(halt, system.producer(log.clone()))?;
        let start = clock::now();
        let mut driven = self.build_up(producer, log, staff, halt, (start, tasks))?;
        let gone = clock::now();
        let mut cut_short = halt.reason().or_else(|| match &driven.ended {
            Ended::Broken(why) => Some(self.stage.behind(halt.explain(why))),
            Ended::Stopped => Some(failure("the run was stopped")),
            Ended::Complete | Ended::GaveUp => None,
        });
        if driven.taken < tasks {
            let text = format!("only {} of {tasks} tasks were taken in time", driven.taken);
            log.moment(clock::now(), MomentKind::Note, text);
        }

        let mut faults = Faults::of(self.plan, clock::now()..u64::MAX);
        let mut footprint = Err("it was cut short");
        if cut_short.is_none() {
            footprint = self.footprint(empty, gone, log, halt);
            self.hurt_at_rest(log, staff, halt, &mut faults);
            cut_short = halt.reason();
        }
        let (mut rested, mut between) = (None, Between::default());
        if cut_short.is_none() {
            let workers_on = clock::now();
            log.moment(workers_on, MomentKind::Worker, "workers on".to_owned());
            *staff = self.hire(system, log, halt)?;
            staff.ready(Duration::from_nanos(PATIENCE_NS), halt, self.stage)?;
            let workers_ready = clock::now();
            // Before that processes come and go; CPU and memory are the drain's.
            let before = self.stage.sampler.snapshot();
            let until = workers_on + self.plan.horizon_ns + self.rehearsal.patience_ns;
            let is_drained = self.drain_backlog(system, log, staff, halt, until);
            between = self.stage.sampler.between(&before, &self.stage.sampler.last_snapshot());
            let answers = faults.answers();
            rested = Some(Rested { answers, workers_on, workers_ready, is_drained, footprint });
            cut_short = halt.reason();
        }
        faults.end(&mut Scene {
            stage: self.stage,
            staff,
            roads: &self.roads,
            queue: &self.at.prefix,
            log,
            halt,
        });
        between.host.settle_wait_ns = self.stage.settle_wait_ns;
        let ended = clock::now();
        driven.window = start..ended;
        Ok(Seen {
            log: log.clone(),
            probes_sent: 0,
            arrivals: driven.taken,
            start,
            driven,
            ended,
            injected: faults.injected().to_vec(),
            rested,
            proof: Proof::NotAsked("not asked yet".to_owned()),
            between,
            moments: Vec::new(),
            server: None,
            cut_short: cut_short.or_else(|| halt.reason()),
        })
    }

    /// On a thread of its own, not of real-time priority: it hands over without
    /// a pause, and would keep the broker from its core.
    fn build_up<P: Producer>(
        &mut self,
        mut producer: P,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        (start, tasks): (u64, u64),
    ) -> Result<Driven, CellError> {
        let bodies = BodyPool::new(self.fill());
        let runtime = self.stage.runtime.handle().clone();
        let arrivals = Arrivals::of(self.plan);
        let deadline = start + self.plan.horizon_ns;
        // Its tasks are due when they are handed over, whenever that is.
        let pulse = self.stage.progress.watch(log, || None);
        let setup = OpenSetup {
            cell: self.number,
            first_sequence: PROBE_ROOM,
            start,
            window: start..deadline,
            deadline,
            pacing: self.pacing,
            fifo: false,
            bodies: &bodies,
            stop: halt.flag(),
            log,
            pulse: pulse.as_deref(),
            hiccup: None,
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("pacer".into());
            let thread = thread.spawn_scoped(scope, || {
                let _context = runtime.enter();
                let driven = drive::drive_backlog(&setup, tasks, &arrivals, &mut producer);
                // It disconnects here: nobody waits for the broker that dies.
                drop(producer);
                driven
            });
            let thread =
                thread.map_err(|error| failure(format!("cannot start the pacer: {error}")))?;
            let mut told = Telling::of(Phase::BuildUp);
            while !thread.is_finished() {
                told.look(self, log, staff, halt);
                drive::sleep_until(clock::now() + LOOK_EVERY_NS);
            }
            thread.join().map_err(|_| failure("the generator's thread panicked"))
        })
    }

    /// Does the faults and undoes them, until the broker is back.
    fn hurt_at_rest(
        &mut self,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        faults: &mut Faults,
    ) {
        let mut told = Telling::of(Phase::Rest);
        while !faults.are_over() && !halt.is_set() {
            faults.act(&mut Scene {
                stage: self.stage,
                staff,
                roads: &self.roads,
                queue: &self.at.prefix,
                log,
                halt,
            });
            told.look(self, log, staff, halt);
            drive::sleep_until(clock::now() + LOOK_EVERY_NS);
        }
    }

    /// Until everything has run, the system says that it holds nothing, or
    /// `until`; whether it was drained.
    fn drain_backlog<A: Adapter>(
        &mut self,
        system: &A,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        until: u64,
    ) -> bool {
        let (mut finished, mut quiet_since) = (0, clock::now());
        // Not every system tells what its workers hold, and for so long those
        // may rightly have nothing to report.
        let runs_ns = match self.plan.handler {
            Handler::None => 0,
            Handler::SleepNs(ns) | Handler::CpuNs(ns) => ns,
        };
        let back_off_ns = if self.plan.retry.max > 0 { self.plan.retry.backoff_ns } else { 0 };
        let quiet_ns = QUIET_NS + runs_ns + back_off_ns + self.plan.longest_delay_ns();
        let mut told = Telling::of(Phase::Drain);
        loop {
            let now = clock::now();
            let counts = log.counts();
            if counts.finished + counts.refused >= counts.taken {
                return true;
            }
            if now >= until || halt.is_set() {
                return false;
            }
            if counts.finished != finished {
                (finished, quiet_since) = (counts.finished, now);
            } else if now >= quiet_since + quiet_ns {
                // Soon after an outage a question may still fail: asked again.
                if self.ask(halt, system.backlog()).is_ok_and(|backlog| is_empty(&backlog)) {
                    return true;
                }
                quiet_since = clock::now();
            }
            told.look(self, log, staff, halt);
            drive::sleep_until(clock::now() + LOOK_EVERY_NS);
        }
    }
}

/// Whether a system says that it holds nothing; one that cannot say has not.
fn is_empty(backlog: &Backlog) -> bool {
    let Backlog { ready, held, scheduled, retry, .. } = backlog;
    [ready, held, scheduled, retry].iter().any(|part| part.is_some()) && backlog.outstanding() == 0
}

/// Looks after broker and workers, and tells a person, a few times a second.
struct Telling {
    next: u64,
    phase: Phase,
}

impl Telling {
    const fn of(phase: Phase) -> Self {
        Self { next: 0, phase }
    }

    fn look(
        &mut self,
        cell: &mut RunCell<'_, '_>,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
    ) {
        let now = clock::now();
        if now >= self.next {
            self.next = now + TELL_EVERY_NS;
            halt.look(staff, cell.stage);
            cell.stage.progress.tick(log.counts(), self.phase);
        }
    }
}
