//! A run from its first cell to its last.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Result;
use schedbench_adapters::clock;
use schedbench_contract::{Endpoints, Server};
use schedbench_reports::outcome::{
    self, Cell, CellError, CellKey, Counts, Ended, Held, Limit, Outcome, SCHEMA_VERSION, Series,
    Skipped, State, Validity, Window,
};

use super::cell::{Rehearsal, RunCell, Seen};
use super::describe;
use super::halt::failure;
use super::interruption::Interruption;
use super::live::Subject;
use super::results::Results;
use super::roads::Roads;
use super::search::Found;
use super::stage::{self, Stage};
use crate::environment;
use crate::judge;
use crate::plan::{Block, CellPlan, Pacing, Plan, Search, Step, Target};
use crate::record::{Allocated, Evidence, allocator};

/// A disturbed cell is measured again at the plan's end, at most this often.
const MOST_RERUNS: u32 = 2;

/// What a run needs from its caller.
pub struct Session<'a> {
    /// What to run.
    pub plan: &'a Plan,
    /// Where it is run.
    pub stage: Stage<'a>,
    /// Where it leaves what it finds.
    pub results: &'a Results,
    /// The outcome so far.
    pub outcome: Outcome,
    /// Whether a signal has asked the run to end.
    pub interruption: &'a Interruption,
    /// When the run began.
    pub began: Instant,
    next_number: u32,
    /// What the allocator held in `noop`'s cells, by load and variant.
    noop_allocated: HashMap<String, u64>,
    /// What the last search for each kind of task of each target found.
    capacities: HashMap<String, Found>,
    disturbed: Vec<(usize, CellPlan, u32)>,
}

impl<'a> Session<'a> {
    /// A session about to begin.
    #[must_use]
    pub fn new(
        plan: &'a Plan,
        stage: Stage<'a>,
        results: &'a Results,
        run: outcome::Run,
        host: outcome::Host,
        skipped: Vec<Skipped>,
        interruption: &'a Interruption,
    ) -> Self {
        let outcome = Outcome {
            schema_version: SCHEMA_VERSION,
            run,
            plan: describe::plan(plan),
            host,
            systems: Vec::new(),
            skipped,
            cells: Vec::new(),
            ended: Ended::Running,
        };
        Self {
            plan,
            stage,
            results,
            outcome,
            interruption,
            began: Instant::now(),
            next_number: 1,
            noop_allocated: HashMap::new(),
            capacities: HashMap::new(),
            disturbed: Vec::new(),
        }
    }

    /// Runs every block, then what was disturbed, and gives the outcome.
    ///
    /// # Errors
    /// The outcome cannot be written. What fails in a system ends its cells.
    pub fn run(mut self) -> Result<Outcome> {
        if let Err(error) = self.run_all() {
            // Whoever finds the file reads that it is not whole, and why; that
            // it may not be writable either is what `error` says already.
            self.outcome.ended = Ended::Failed(error.to_string());
            let _ = self.keep();
            return Err(error);
        }
        self.stage.progress.finish();
        Ok(self.outcome)
    }

    fn run_all(&mut self) -> Result<()> {
        self.keep()?;
        for (index, block) in self.plan.blocks.iter().enumerate() {
            if self.stopped() {
                break;
            }
            self.block(index as u32, block)?;
        }
        self.run_disturbed_again()?;
        self.outcome.ended = match self.interruption.signal() {
            Some(signal) => Ended::Interrupted(signal),
            None => Ended::Complete,
        };
        self.keep()
    }

    pub(super) fn stopped(&self) -> bool {
        self.interruption.flag().load(Ordering::Relaxed)
    }

    fn keep(&mut self) -> Result<()> {
        self.outcome.run.elapsed_s = self.began.elapsed().as_secs_f64();
        self.results.keep_outcome(&self.outcome)
    }

    /// A fresh broker, then the block's cells.
    fn block(&mut self, index: u32, block: &Block) -> Result<()> {
        let by_proxies = block.steps.iter().any(|step| describe::cell_of(step).is_tried());
        let fills = block.steps.iter().any(|step| describe::cell_of(step).fills_a_disk());
        let started = self.stage.start_broker(block.target, by_proxies);
        if let Err(error) = started.and_then(|()| self.stage.shrink_disk(fills)) {
            if self.stopped() {
                return Ok(());
            }
            return self.fail_block(index, block, &error);
        }
        for step in &block.steps {
            if self.stopped() {
                break;
            }
            match step {
                Step::Cell(cell) => {
                    self.cell(index, cell, 0, None)?;
                }
                Step::Search(search) => {
                    let found = self.search(index, search)?;
                    self.capacities.insert(tasks_of(&search.template), found);
                }
                Step::AtCapacity { share, cell } => match self.capacity(cell) {
                    Ok(capacity) => {
                        let cell = cell.at_rate(capacity.rate * share);
                        self.cell(index, &cell, 0, None)?;
                    }
                    Err(why) => {
                        let why = format!("{why}, so there is no share of it to run at");
                        self.failed_cell(index, &unoffered(cell), failure(why))?;
                    }
                },
            }
        }
        self.stage.end_broker();
        Ok(())
    }

    fn fail_block(&mut self, index: u32, block: &Block, error: &CellError) -> Result<()> {
        for step in &block.steps {
            let cell = match step {
                Step::AtCapacity { cell, .. } => unoffered(cell),
                Step::Cell(cell) | Step::Search(Search { template: cell, .. }) => cell.clone(),
            };
            if let Step::Search(_) = step {
                let why = format!("its capacity was not searched: {}", error.message);
                self.capacities.insert(tasks_of(&cell), Err(why));
            }
            self.failed_cell(index, &cell, error.clone())?;
        }
        Ok(())
    }

    /// What the search for the capacity at such tasks found.
    fn capacity(&self, plan: &CellPlan) -> Found {
        let nothing = || Err("its capacity was not searched".to_owned());
        self.capacities.get(&tasks_of(plan)).cloned().unwrap_or_else(nothing)
    }

    /// Runs a cell, keeps what it showed, and has it run again at the plan's
    /// end where it was disturbed.
    fn cell(
        &mut self,
        block: u32,
        plan: &CellPlan,
        reruns: u32,
        replaces: Option<usize>,
    ) -> Result<()> {
        let place = self.run_and_keep(block, plan, reruns, replaces)?;
        let disturbed = matches!(self.outcome.cells[place].validity, Validity::Disturbed(_));
        if disturbed && reruns < MOST_RERUNS {
            self.disturbed.push((place, plan.clone(), reruns + 1));
        }
        Ok(())
    }

    /// Runs a cell and keeps what it showed; its place in the outcome.
    pub(super) fn run_and_keep(
        &mut self,
        block: u32,
        plan: &CellPlan,
        reruns: u32,
        replaces: Option<usize>,
    ) -> Result<usize> {
        let number = self.next_number;
        self.next_number += 1;
        let subject = subject(plan, number);
        self.stage.progress.begin(title(plan), stage::length(plan), subject);
        let cell = self.measure(block, number, plan, reruns);
        self.results.keep_histograms(&self.outcome.run, &cell)?;
        self.stage.progress.end(&cell);
        let (place, replaced) = match replaces {
            Some(place) => (place, Some(std::mem::replace(&mut self.outcome.cells[place], cell))),
            None => {
                self.outcome.cells.push(cell);
                (self.outcome.cells.len() - 1, None)
            }
        };
        self.keep()?;
        // After the outcome, so that no cell in it is ever without its log.
        if let Some(replaced) = replaced {
            self.results.remove_histograms(&replaced)?;
        }
        Ok(place)
    }

    fn measure(&mut self, block: u32, number: u32, plan: &CellPlan, reruns: u32) -> Cell {
        let mut about = self.about(block, number, reruns);
        about.capacity = self.capacity(plan).ok().filter(|_| !plan.is_searching());
        if let Some(death) = self.stage.broker_death() {
            // It died in an earlier cell of its block, which has its log too.
            return unmeasured(&about, plan, death);
        }
        self.stage.settle();
        let address = self.stage.address();
        let network = self.stage.keeper.spawner().network();
        let roads = match Roads::to(self.stage.broker.as_deref(), network, plan) {
            Ok(roads) => roads,
            Err(error) => {
                let why = format!("putting a proxy before the broker: {error}");
                return unmeasured(&about, plan, failure(why));
            }
        };
        let at = Endpoints {
            producer: roads.producer(address.clone()),
            workers: roads.workers(address.clone()),
            control: address,
            second: self.stage.second_address(),
            prefix: format!("schedbench.{}.{number}", self.outcome.run.id),
        };
        let cell = RunCell {
            plan,
            number,
            shape: self.plan.shape,
            // A spinning generator takes cores from what runs in other processes.
            pacing: self.plan.pacing.unwrap_or(match plan.is_in_process() {
                true => Pacing::Spin,
                false => Pacing::Grid,
            }),
            at,
            roads,
            stage: &mut self.stage,
            held_before: allocator::held(),
            rehearsal: Rehearsal::default(),
        };
        let seen = cell.run();
        match seen.unwrap_or_else(|| Err(failure("this build lacks the system"))) {
            Ok(mut seen) => {
                let mut server = seen.server.take();
                if let (Some(server), Some(broker)) = (&mut server, &self.stage.broker) {
                    server.settings.extend_from_slice(broker.settings());
                }
                self.note_system(plan.target, server);
                self.set_allocated(plan, &mut seen.between.usage.allocated);
                self.stage.forget_what_is_not_ours(&mut seen.between);
                about.started_s = self.since_began(seen.start);
                // Spinning is idle: what is left is the handling of tasks.
                if let Some(cpu) = &mut seen.between.usage.generator_cpu_s {
                    *cpu = (*cpu - seen.driven.seen.spun_ns as f64 / 1e9).max(0.0);
                }
                charge_submit(plan, &mut seen);
                let mut cell = judge::judge(
                    &Evidence {
                        plan,
                        ledger: seen.log.ledger(),
                        probes_sent: seen.probes_sent,
                        first_arrival: super::cell::PROBE_ROOM,
                        arrivals: seen.arrivals,
                        start: seen.start,
                        window: seen.driven.window.clone(),
                        ended: seen.ended,
                        hand_overs: seen.driven.hand_overs,
                        pacing: seen.driven.seen,
                        proof: seen.proof,
                        usage: seen.between.usage,
                        host: seen.between.host,
                        moments: seen.moments,
                        faults: seen.injected,
                        rested: seen.rested,
                        cut_short: seen.cut_short.as_ref().map(|error| error.message.clone()),
                    },
                    &judge::Limits {
                        objective_p99_ns: self.plan.objective_p99_ns,
                        ..Default::default()
                    },
                    &about,
                );
                if !self.stopped() {
                    cell.error = seen.cut_short;
                }
                cell
            }
            Err(error) => {
                self.note_system(plan.target, None);
                let mut cell = unmeasured(&about, plan, error);
                if self.stopped() {
                    cell.error = None;
                }
                cell
            }
        }
    }

    fn about(&self, block: u32, number: u32, reruns: u32) -> judge::About {
        judge::About {
            number,
            block,
            reruns,
            started_s: self.began.elapsed().as_secs_f64(),
            cores: Some(self.outcome.host.cores),
            system_cores: environment::placement::system_cores(),
            shape: Some(self.plan.shape),
            ..judge::About::default()
        }
    }

    /// Seconds from the run's start to a monotonic instant, ns.
    fn since_began(&self, instant: u64) -> f64 {
        let ago = i128::from(clock::now()) - i128::from(instant);
        self.began.elapsed().as_secs_f64() - ago as f64 / 1e9
    }

    /// In-process memory is the allocator's difference to `noop` at the load.
    fn set_allocated(&mut self, plan: &CellPlan, allocated: &mut Option<Allocated>) {
        let Some(allocated) = allocated else { return };
        let load = format!("{:?} {:?}", describe::load(&plan.load), plan.variant);
        if plan.target.system.name == "noop" {
            self.noop_allocated.insert(load, allocated.here);
        } else {
            allocated.noop = self.noop_allocated.get(&load).copied();
        }
    }

    fn note_system(&mut self, target: Target, server: Option<Server>) {
        let known = self.outcome.systems.iter_mut().find(|system| {
            system.system == target.system.name && system.profile == target.profile.name
        });
        match known {
            Some(system) if system.server.is_none() => system.server = server,
            Some(_) => {}
            None => self.outcome.systems.push(describe::system(target, server)),
        }
    }

    fn failed_cell(&mut self, block: u32, plan: &CellPlan, error: CellError) -> Result<()> {
        let number = self.next_number;
        self.next_number += 1;
        self.note_system(plan.target, None);
        let about = self.about(block, number, 0);
        let cell = unmeasured(&about, plan, error);
        self.stage.progress.end(&cell);
        self.outcome.cells.push(cell);
        self.keep()
    }

    fn run_disturbed_again(&mut self) -> Result<()> {
        while let Some((place, plan, reruns)) = self.disturbed.pop() {
            if self.stopped() {
                return Ok(());
            }
            self.stage.progress.add_cell();
            let block = self.outcome.cells[place].block;
            let started = self.stage.start_broker(plan.target, plan.is_tried());
            match started.and_then(|()| self.stage.shrink_disk(plan.fills_a_disk())) {
                Ok(()) => {
                    // A disturbed trial of a fault stays beside its successor:
                    // what it lost is lost (`docs/decisions/0026`).
                    let replaces = plan.faults.is_empty().then_some(place);
                    self.cell(block, &plan, reruns, replaces)?;
                    self.stage.end_broker();
                }
                // The disturbed measurement stays and says so.
                Err(error) => self.stage.progress.say(&error.message),
            }
        }
        Ok(())
    }
}

/// Time inside `submit` is the system's (`docs/decisions/0002`). What a system
/// in process does there is the system itself, which never pends. What a
/// broker's client does there besides waiting is a client's work, and can be
/// the bottleneck as a client thread can.
fn charge_submit(plan: &CellPlan, seen: &mut Seen) {
    let pacing = &mut seen.driven.seen;
    if plan.is_in_process() {
        pacing.pending_share = pacing.submit_share;
    } else {
        // Where no thread of the client could be read this is a lower bound,
        // which is enough to say that it was too much.
        let inside = pacing.submit_share - pacing.pending_share;
        let usage = &mut seen.between.usage;
        let busiest = &mut usage.busiest_client_thread;
        *busiest = Some(busiest.map_or(inside, |busiest| busiest.max(inside)));
        let window = &seen.driven.window;
        let inside_s = inside * window.end.saturating_sub(window.start) as f64 / 1e9;
        move_cpu(&mut usage.generator_cpu_s, &mut usage.client_cpu_s, inside_s);
    }
}

/// CPU of the generator's thread that was a client's: as much as the thread
/// was inside `submit` without waiting, and no more than it used.
fn move_cpu(generator: &mut Option<f64>, client: &mut Option<f64>, inside_s: f64) {
    if let Some(generator) = generator {
        let moved = inside_s.clamp(0.0, *generator);
        *generator -= moved;
        *client = Some(client.unwrap_or(0.0) + moved);
    }
}

/// Whose capacity a search finds: the target's, for tasks of this kind.
fn tasks_of(plan: &CellPlan) -> String {
    // By the roads of what is hurt a system has another capacity.
    format!("{} {:?} {}", plan.target.name(), plan.delay, plan.is_tried())
}

/// A cell at a share of what is not known, as it stands in the outcome: nothing
/// was offered in it.
fn unoffered(plan: &CellPlan) -> CellPlan {
    if plan.is_tried() { plan.at_rate(0.0) } else { plan.clone() }
}

fn key(plan: &CellPlan) -> CellKey {
    CellKey {
        system: plan.target.system.name.to_owned(),
        profile: plan.target.profile.name.to_owned(),
        load: describe::load(&plan.load),
        variant: plan.variant.clone(),
        fault: plan.fault_in_words(),
        trial: plan.trial_name().map(str::to_owned),
        repeat: plan.repeat,
    }
}

fn title(plan: &CellPlan) -> String {
    let load = schedbench_reports::numbers::load(describe::load(&plan.load));
    let variant = plan.variant.as_ref().map_or_else(String::new, |text| format!("  {text}"));
    let trial = plan.trial_name().map_or_else(String::new, |name| format!("  {name}"));
    format!("{}  {load}{variant}{trial}  repeat {}", plan.target.name(), plan.repeat)
}

/// What tells it from other cells while it is watched.
fn subject(plan: &CellPlan, number: u32) -> Subject {
    let apart = [plan.variant.as_deref(), plan.trial_name()];
    Subject {
        system: plan.target.system.name.to_owned(),
        profile: plan.target.profile.name.to_owned(),
        load: schedbench_reports::numbers::load(describe::load(&plan.load)),
        variant: apart.into_iter().flatten().collect::<Vec<_>>().join(", "),
        repeat: plan.repeat,
        cell: number,
    }
}

/// The row of a cell that could not be measured at all.
fn unmeasured(about: &judge::About, plan: &CellPlan, error: CellError) -> Cell {
    Cell {
        key: key(plan),
        number: about.number,
        block: about.block,
        started_s: about.started_s,
        reruns: about.reruns,
        validity: Validity::Incomplete(error.message.clone()),
        state: State::NotSteady("not measured".to_owned()),
        held: Held::NotJudged("not measured".to_owned()),
        limit: Limit::Unknown("not measured".to_owned()),
        error: Some(error),
        window: Window {
            warmup_s: plan.warmup_ns as f64 / 1e9,
            duration_s: plan.load.window_ns() as f64 / 1e9,
            horizon_s: plan.horizon_ns as f64 / 1e9,
            drain_s: 0.0,
        },
        pacing: "none".to_owned(),
        counts: Counts { balances: true, ..Counts::default() },
        metrics: BTreeMap::new(),
        histograms: BTreeMap::new(),
        series: Series::default(),
        moments: Vec::new(),
        trials: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_inside_submit_is_the_clients_and_no_more_than_was_used() {
        let moved = |mut generator, mut client, inside_s| {
            move_cpu(&mut generator, &mut client, inside_s);
            (generator, client)
        };
        assert_eq!(moved(Some(2.0), Some(1.0), 1.5), (Some(0.5), Some(2.5)));
        assert_eq!(moved(Some(2.0), None, 1.5), (Some(0.5), Some(1.5)));
        // Inside by the clock, off its core for a part of it.
        assert_eq!(moved(Some(1.0), Some(1.0), 1.5), (Some(0.0), Some(2.0)));
        assert_eq!(moved(Some(1.0), Some(1.0), -0.1), (Some(1.0), Some(1.0)));
        assert_eq!(moved(None, Some(1.0), 1.5), (None, Some(1.0)), "not readable");
    }
}
