//! One cell from an empty queue to evidence.

mod offer;
mod proof;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use schedbench_adapters::{clock, visit, visit_in_child};
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{
    Adapter, Endpoints, Fill, Moment, MomentKind, Recorder, Server, Visit, Work, WorkersShape,
};
use schedbench_reports::outcome::CellError;

use super::halt::{Halt, failure};
use super::roads::Roads;
use super::staff::Staff;
use super::stage::Stage;
use crate::drive::{self, Driven};
use crate::plan::{Arrivals, CellPlan, Load, Pacing};
use crate::record::{Between, Injected, LONG_PAUSE_NS, Proof, Rested};

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
        let longest_pause_ns = staff.longest_pause_ns();
        let dismissed = staff.dismiss();
        let proof = self.proof(system, halt, dismissed);
        let mut seen = driven?;
        seen.server = server;
        seen.between.usage.longest_pause_ns = longest_pause_ns;
        let pauses = self.stage.broker_pauses(&(seen.start..seen.ended));
        for pause in pauses.iter().filter(|pause| pause.end - pause.start >= LONG_PAUSE_NS) {
            let text =
                format!("the broker paused for {} ms", (pause.end - pause.start) / 1_000_000);
            log.moment(pause.start, MomentKind::Pause, text);
        }
        let lengths = pauses.iter().map(|pause| pause.end - pause.start);
        seen.between.usage.broker_pause_ns = lengths.max();
        // What the ledger could not take may be what is missing.
        seen.proof = match log.ledger().out_of_range() {
            0 => proof,
            n => Proof::NotAsked(format!("{n} instants lay outside the ledger's horizon")),
        };
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

    pub(super) const fn is_open_loop(&self) -> bool {
        matches!(self.plan.load, Load::Open { .. })
    }
}
