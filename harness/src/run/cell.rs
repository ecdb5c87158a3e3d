//! One cell from an empty queue to evidence.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use schedbench_adapters::{clock, visit, visit_in_child};
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{
    Adapter, Backlog, BodyPool, Endpoints, Fill, Moment, Recorder, Server, Visit, Work,
    WorkersShape,
};
use schedbench_reports::outcome::CellError;

use super::faults::{Faults, Scene};
use super::halt::{Halt, failure};
use super::live::Timetable;
use super::roads::Roads;
use super::staff::Staff;
use super::stage::Stage;
use super::watch::Pacer;
use crate::drive::{self, Driven, Ended, InFlightSetup, OpenSetup};
use crate::environment;
use crate::plan::{Arrivals, CellPlan, Load, Pacing};
use crate::record::{Allocated, Between, Injected, Proof, Rested};

/// Sequence numbers kept for probes, before the first arrival.
pub const PROBE_ROOM: u64 = 1_024;
/// Nothing but a broken system takes longer to open, close or answer.
pub(super) const PATIENCE_NS: u64 = 30_000_000_000;
/// Between the last preparation and the first arrival, so that the pacer's
/// thread is there in time.
const LEAD_NS: u64 = 50_000_000;

/// Everything seen of a cell, before it is judged.
#[derive(Debug)]
pub struct Seen {
    /// The pen; its ledger has everything of every task.
    pub log: Recorder,
    /// Probes sent.
    pub probes_sent: u64,
    /// Arrivals that the plan holds, or that were handed over in flight.
    pub arrivals: u64,
    /// From when arrivals count.
    pub start: u64,
    /// What the generator did.
    pub driven: Driven,
    /// When nothing more was listened for.
    pub ended: u64,
    /// The faults that were done to it.
    pub injected: Vec<Injected>,
    /// Of a backlog, once its workers were started: what was done to it.
    pub rested: Option<Rested>,
    /// Whether what is missing was proved to be lost.
    pub proof: Proof,
    /// CPU, memory, and what the machine did besides.
    pub between: Between,
    /// What happened when.
    pub moments: Vec<Moment>,
    /// The server as it described itself.
    pub server: Option<Server>,
    /// Why the cell ended before its time.
    pub cut_short: Option<CellError>,
}

/// What the harness's own tests change about a cell; a run changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    /// The binary of the harness where this process is another one.
    pub program: Option<PathBuf>,
    /// A generator that sleeps for the second number of ns, once per the first.
    pub hiccup: Option<(u64, u64)>,
    /// How much longer than planned is offered and listened while something is
    /// missing: on a busy machine it is late, not lost.
    pub patience_ns: u64,
}

/// A cell that is about to run.
pub struct RunCell<'a, 'b> {
    /// What to do.
    pub plan: &'a CellPlan,
    /// Its number, the upper bits of its tasks' ids.
    pub number: u32,
    /// Workers and connections.
    pub shape: WorkersShape,
    /// How the generator keeps time.
    pub pacing: Pacing,
    /// Where the system is.
    pub at: Endpoints,
    /// Where faults lie on the way to it.
    pub roads: Roads,
    /// Where it is run.
    pub stage: &'a mut Stage<'b>,
    /// Bytes that the allocator held before anything of the cell was made.
    pub held_before: u64,
    /// What a test changes about it.
    pub rehearsal: Rehearsal,
}

impl Visit for RunCell<'_, '_> {
    type Out = Result<Seen, CellError>;

    fn visit<A: Adapter>(mut self) -> Self::Out {
        let halt = Halt::new(self.stage.stop);
        let system = self.open::<A>(&halt)?;
        let ran = self.with_system(&system, &halt);
        // Whatever happened, nothing of the cell stays behind in the system.
        let purged = self.ask(&halt, system.purge());
        let closed = self.ask(&halt, system.close());
        let mut seen = ran?;
        if seen.cut_short.is_none() {
            purged.and(closed)?;
        } else if let (Some(cut), Err(why)) = (&mut seen.cut_short, purged.and(closed)) {
            let left = format!("; what it made could not be removed: {}", why.message);
            cut.message.push_str(&left);
        }
        // The end of workers that were asked to end is no event of the cell.
        seen.moments = seen.log.moments();
        seen.moments.retain(|moment| moment.at <= seen.ended);
        Ok(seen)
    }
}

impl RunCell<'_, '_> {
    /// Runs it on its plan's system: whole in a child process where that could
    /// not be killed otherwise. `None` where this build lacks the system.
    ///
    /// # Errors
    /// There is nothing to judge, and why.
    pub fn run(self) -> Option<Result<Seen, CellError>> {
        // Not generic: who calls this compiles no client of its own.
        let name = self.plan.target.system.name;
        match self.plan.is_in_a_child() {
            true => visit_in_child(name, self),
            false => visit(name, self),
        }
    }

    fn open<A: Adapter>(&self, halt: &Halt<'_>) -> Result<A, CellError> {
        self.ask(halt, A::open(&self.at, self.plan.target.profile, &self.shape))
    }

    /// Waits for an answer of the system, with the patience of a cell's ends.
    pub(super) fn ask<T>(
        &self,
        halt: &Halt<'_>,
        question: impl Future<Output = schedbench_contract::Result<T>>,
    ) -> Result<T, CellError> {
        let _context = self.stage.runtime.enter();
        // An interrupted run still clears up, so only the deadline ends this.
        let never = AtomicBool::new(false);
        match drive::block_on_until(question, clock::now() + PATIENCE_NS, &never) {
            Ok(answer) => {
                answer.map_err(|error| self.stage.behind(halt.explain(&error.to_string())))
            }
            Err(_) => Err(self.stage.behind(halt.explain("no answer from the system within 30 s"))),
        }
    }

    fn work(&self) -> Work {
        Work {
            system: self.plan.target.system.name.to_owned(),
            profile: self.plan.target.profile.name.to_owned(),
            queue: self.at.prefix.clone(),
            cell: self.number,
            index: 0,
            at: self.at.workers.clone(),
            second: self.at.second.clone(),
            shape: self.shape,
            seed: self.plan.seed,
            handler: self.plan.handler,
            fail_ppm: self.plan.fail_ppm,
            retry: self.plan.retry,
            body: self.fill(),
            // What ran and was acknowledged must not die with its worker: it
            // would look lost.
            write_each: self.plan.is_tried(),
            options: BTreeMap::new(),
        }
    }

    pub(super) fn fill(&self) -> Fill {
        Fill { seed: self.plan.seed, bytes: self.plan.body_bytes }
    }

    /// Tasks that the ledger needs room for, besides the probes.
    fn room(&self) -> u64 {
        match &self.plan.load {
            Load::Open { .. } => Arrivals::of(self.plan).count() as u64,
            Load::InFlight { most_tasks, .. } => *most_tasks,
            Load::Backlog { tasks } => *tasks,
        }
    }

    /// How long after the ledger's epoch the last time can lie.
    fn span_ns(&self) -> u64 {
        let window = match &self.plan.load {
            Load::Open { .. } => self.plan.load.window_ns(),
            Load::InFlight { window_ns, .. } => {
                // The warm-up may last a window longer, then the window itself.
                (1 + drive::LONGEST_WINDOW) * window_ns
            }
            Load::Backlog { .. } => self.longest_rest_ns(),
        };
        LEAD_NS
            + PATIENCE_NS
            + self.plan.warmup_ns
            + window
            + 2 * self.plan.drain_ns()
            + self.rehearsal.patience_ns
    }

    fn with_system<A: Adapter>(&mut self, system: &A, halt: &Halt<'_>) -> Result<Seen, CellError> {
        let server = self.ask(halt, system.server())?;
        self.stage.check_queue(&self.at.prefix)?;
        let arrivals = self.room();
        let tasks = usize::try_from(PROBE_ROOM + arrivals)
            .map_err(|_| failure("more tasks than this machine can address"))?;
        let log = Recorder::new(Ledger::new(self.number, tasks, clock::now(), self.span_ns()));
        let mut staff = Staff::nobody();
        let driven = if self.plan.load.is_backlog() {
            self.let_rest(system, &log, &mut staff, halt, arrivals)
        } else {
            staff = self.hire(system, &log, halt)?;
            self.drive(system, &log, &mut staff, halt, arrivals)
        };
        let dismissed = staff.dismiss();
        let proof = self.proof(system, halt, dismissed);
        let mut seen = driven?;
        seen.server = server;
        seen.proof = proof;
        Ok(seen)
    }

    /// Starts the workers.
    pub(super) fn hire<A: Adapter>(
        &self,
        system: &A,
        log: &Recorder,
        halt: &Halt<'_>,
    ) -> Result<Staff, CellError> {
        let launch = system
            .workers(&self.work(), log.clone())
            .map_err(|error| halt.explain(&error.to_string()))?;
        Staff::hire(launch, log, self.stage, self.rehearsal.program.as_deref())
    }

    /// Workers gone, connections gone, then the question what is still there.
    fn proof<A: Adapter>(
        &self,
        system: &A,
        halt: &Halt<'_>,
        dismissed: Result<(), String>,
    ) -> Proof {
        let asked = dismissed.map_err(failure).and_then(|()| {
            // That an outage broke the road of proof, too, is noticed by the
            // first question on it.
            self.what_is_left(system, halt).or_else(|_| self.what_is_left(system, halt))
        });
        match asked {
            Ok(backlog) => Proof::Asked(backlog),
            Err(why) => Proof::NotAsked(why.message),
        }
    }

    /// What the system holds once nobody consumes it.
    fn what_is_left<A: Adapter>(&self, system: &A, halt: &Halt<'_>) -> Result<Backlog, CellError> {
        let deadline = clock::now() + PATIENCE_NS / 3;
        loop {
            match self.ask(halt, system.consumers())? {
                Some(0) | None => return self.ask(halt, system.backlog()),
                Some(left) if clock::now() > deadline => {
                    return Err(failure(format!("{left} consumers are still connected")));
                }
                Some(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn drive<A: Adapter>(
        &mut self,
        system: &A,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        arrivals: u64,
    ) -> Result<Seen, CellError> {
        let bodies = BodyPool::new(self.fill());
        let mut producer = self.ask(halt, system.producer(log.clone()))?;
        staff.ready(Duration::from_nanos(PATIENCE_NS), halt, self.stage)?;
        let probes_sent = self.probe(&mut producer, &bodies, log, staff, halt)?;

        let start = clock::now() + LEAD_NS;
        let planned = self.planned_window(start);
        let opened =
            AtomicU64::new(if self.is_open_loop() { start + self.plan.warmup_ns } else { 0 });
        let (closed, pacer_done) = (AtomicBool::new(false), AtomicBool::new(false));
        let mut faults = Faults::of(self.plan, planned.start);
        let plan = self.plan;
        let timetable = || Timetable::of(plan, PROBE_ROOM, start);
        let pulse = self.stage.progress.watch(log, timetable);
        let (seen_edges, edges_seen) = std::sync::mpsc::channel::<()>();
        let (driven, edges) = std::thread::scope(|scope| {
            let pacer = std::thread::Builder::new().name("pacer".into());
            let runtime = self.stage.runtime.handle().clone();
            let (plan, number, pacing) = (self.plan, self.number, self.pacing);
            let Rehearsal { hiccup, patience_ns, .. } = self.rehearsal;
            let (opened, closed, pacer_done) = (&opened, &closed, &pacer_done);
            let planned_window = planned.clone();
            let (bodies, pulse) = (&bodies, pulse.as_deref());
            let thread = pacer.spawn_scoped(scope, move || {
                let _context = runtime.enter();
                let fifo = environment::timing::keep_time();
                let base = OpenSetup {
                    cell: number,
                    first_sequence: PROBE_ROOM,
                    start,
                    deadline: patience_ns
                        + match plan.load {
                            Load::Open { .. } => planned_window.end + plan.drain_ns(),
                            Load::InFlight { .. } | Load::Backlog { .. } => plan.horizon_ns,
                        },
                    window: planned_window,
                    pacing,
                    fifo,
                    bodies,
                    stop: halt.flag(),
                    log,
                    pulse,
                    hiccup,
                };
                let stream = Arrivals::of(plan);
                let driven = match &plan.load {
                    Load::Open { .. } => drive::drive_open(&base, stream, &mut producer),
                    Load::InFlight { tasks, window_ns, most_tasks } => {
                        let setup = InFlightSetup {
                            base,
                            tasks: *tasks,
                            warmup_ns: plan.warmup_ns,
                            window_ns: *window_ns,
                            most_tasks: *most_tasks,
                            opened,
                            closed,
                        };
                        drive::drive_in_flight(&setup, &stream, &mut producer)
                    }
                    Load::Backlog { tasks } => {
                        drive::drive_backlog(&base, *tasks, &stream, &mut producer)
                    }
                };
                pacer_done.store(true, Ordering::Release);
                // A thread that has ended takes its CPU clock along.
                let _ = edges_seen.recv();
                driven
            });
            let thread =
                thread.map_err(|error| failure(format!("cannot start the pacer: {error}")))?;
            let pacer =
                Pacer { opened, closes: planned.end, is_closed: closed, is_done: pacer_done };
            let edges = self.watch(log, staff, halt, &pacer, &mut faults);
            drop(seen_edges);
            let driven = thread.join().map_err(|_| failure("the generator's thread panicked"))?;
            Ok::<_, CellError>((driven, edges))
        })?;
        let in_flight = matches!(self.plan.load, Load::InFlight { .. });
        let cut_short = halt.reason().or_else(|| match &driven.ended {
            Ended::Broken(why) => Some(self.stage.behind(halt.explain(why))),
            Ended::Stopped => Some(failure("the run was stopped")),
            Ended::Complete | Ended::GaveUp => None,
        });
        if cut_short.is_none() {
            self.drain(log, staff, halt, &driven);
        }
        let (stage, roads, queue) = (&mut *self.stage, &self.roads, self.at.prefix.as_str());
        faults.end(&mut Scene { stage, staff, roads, queue, log, halt });
        let mut between = match &edges.snapshots {
            (Some(first), Some(second)) => self.stage.sampler.between(first, second),
            _ => Between::default(),
        };
        between.host.settle_wait_ns = self.stage.settle_wait_ns;
        if matches!(staff, Staff::Here(_)) {
            let here = edges.most_held.saturating_sub(self.held_before);
            between.usage.allocated = Some(Allocated { here, noop: None });
        }
        let ended = clock::now();
        Ok(Seen {
            log: log.clone(),
            probes_sent,
            arrivals: if in_flight { driven.taken } else { arrivals },
            start,
            driven,
            ended,
            injected: faults.injected().to_vec(),
            rested: None,
            proof: Proof::NotAsked("not asked yet".to_owned()),
            between,
            moments: Vec::new(),
            server: None,
            cut_short: cut_short.or_else(|| halt.reason()),
        })
    }

    pub(super) const fn is_open_loop(&self) -> bool {
        matches!(self.plan.load, Load::Open { .. })
    }

    /// The window as planned; in flight, where it would be at the latest.
    fn planned_window(&self, start: u64) -> Range<u64> {
        let window = self.plan.load.window_ns();
        let opens = start + self.plan.warmup_ns;
        if self.is_open_loop() {
            opens..opens + window
        } else {
            opens..opens + (1 + drive::LONGEST_WINDOW) * window
        }
    }
}
