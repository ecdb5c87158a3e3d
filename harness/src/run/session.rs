//! A run from its first cell to its last.

mod measure;
mod naming;
mod unmeasured;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Result;
use schedbench_contract::Server;
use schedbench_reports::outcome::{
    self, CellError, Ended, Outcome, SCHEMA_VERSION, Skipped, Validity,
};

use naming::{subject, tasks_of, title};
use unmeasured::{unmeasured, unoffered};

use super::describe;
use super::halt::failure;
use super::interruption::Interruption;
use super::results::Results;
use super::search::Found;
use super::stage::{self, Stage};
use crate::plan::{Block, CellPlan, Plan, Search, Step, Target};

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
        if disturbed && reruns < self.plan.reruns {
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
        // What was measured is worth more than what was not: it stays, and says
        // that it was disturbed.
        let is_measured = cell.error.is_none() && !self.stopped();
        let (place, replaced) = match replaces {
            Some(place) if !is_measured => {
                self.results.remove_histograms(&cell)?;
                return Ok(place);
            }
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
            self.wait_for_a_quieter_moment(&plan);
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
