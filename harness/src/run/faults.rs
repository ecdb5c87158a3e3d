//! The plan's faults, done to processes of ours at their times and undone
//! again, whatever else happens to the cell.

mod broker;
mod commands;
mod full_disk;
mod heal;
mod hurt;
mod nodes;

use std::ops::Range;

use schedbench_adapters::clock;
use schedbench_contract::{MomentKind, Recorder};

use broker::Broker;
use full_disk::FullDisk;
use nodes::Nodes;

use super::halt::Halt;
use super::roads::{Lying, Roads};
use super::staff::Staff;
use super::stage::Stage;
use crate::environment::ordered;
use crate::plan::{CellPlan, Commands, Deed, Fault, Victim};
use crate::record::Injected;

/// The faults of a cell and how far each has come.
pub(super) struct Faults {
    all: Vec<(Fault, State)>,
    /// What lies on links, each with its place among `all`.
    on_links: Vec<(usize, Lying)>,
    /// The nodes that were found and hurt, each with its place among `all`.
    on_nodes: Vec<(usize, Nodes)>,
    /// The command pairs of the plan.
    commands: Vec<Commands>,
    /// What commands have hurt, each with its place among `all`.
    by_command: Vec<(usize, ordered::Hurt)>,
    /// When the window opens and closes, monotonic ns. What has not been done by
    /// its end, since a broker took long to start, is not done any more.
    window: Range<u64>,
    injected: Vec<Injected>,
    broker: Broker,
    /// What came of a disk that was full.
    full_disk: Option<FullDisk>,
    /// When a broker that had been ended answered again, monotonic ns.
    answers: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits,
    /// It lasts; its place among the injected.
    Lasts(usize),
    Over,
}

/// Whom an act is done to and who hears of it.
pub(super) struct Scene<'a, 'b> {
    pub(super) stage: &'a mut Stage<'b>,
    pub(super) staff: &'a mut Staff,
    pub(super) roads: &'a Roads,
    /// The cell's queue, whose leader may be asked for.
    pub(super) queue: &'a str,
    pub(super) log: &'a Recorder,
    pub(super) halt: &'a Halt<'a>,
}

impl Faults {
    /// Nothing has been done yet.
    pub(super) fn of(plan: &CellPlan, window: Range<u64>) -> Self {
        Self {
            all: plan.faults.iter().map(|fault| (*fault, State::Waits)).collect(),
            on_links: Vec::new(),
            on_nodes: Vec::new(),
            commands: plan.commands.clone(),
            by_command: Vec::new(),
            window,
            injected: Vec::new(),
            broker: Broker::OnStage,
            full_disk: None,
            answers: None,
        }
    }

    /// What has been done so far.
    pub(super) fn injected(&self) -> &[Injected] {
        &self.injected
    }

    /// Whether everything has been done and undone, and the broker is back.
    pub(super) fn are_over(&self) -> bool {
        matches!(self.broker, Broker::OnStage)
            && self.all.iter().all(|(_, state)| *state == State::Over)
    }

    /// When a broker that had been ended answered again, monotonic ns.
    pub(super) const fn answers(&self) -> Option<u64> {
        self.answers
    }

    /// When the next act is due; `None` where there is none.
    pub(super) fn next(&self) -> Option<u64> {
        let able = self.all.iter().filter(|(fault, state)| !self.waits_for_a_start(*fault, *state));
        let times = able.filter_map(|(fault, state)| match state {
            State::Waits => (clock::now() < self.window.end).then_some(fault.at_ns),
            State::Lasts(_) => Some(fault.until_ns()),
            State::Over => None,
        });
        times.min().map(|after| self.window.start.saturating_add(after))
    }

    /// Does everything whose time has come.
    pub(super) fn act(&mut self, scene: &mut Scene<'_, '_>) {
        self.look_for_the_broker(scene, false);
        self.look_for_commands(scene, false);
        self.look_after_the_disk(scene);
        for place in 0..self.all.len() {
            let (fault, state) = self.all[place];
            let now = clock::now();
            let Range { start: opens, end: closes } = self.window;
            let waits = self.waits_for_a_start(fault, state);
            let is_due = |after: u64| !waits && now >= opens.saturating_add(after);
            self.all[place].1 = match state {
                State::Waits if is_due(fault.at_ns) && now < closes => {
                    self.hurt(place, fault, scene)
                }
                State::Lasts(seen) if is_due(fault.until_ns()) => self.heal(place, seen, scene),
                state => state,
            };
        }
    }

    /// Undoes what lasts and waits for the broker: after this the stage is as
    /// it was before the first fault, or the cell knows why not.
    pub(super) fn end(&mut self, scene: &mut Scene<'_, '_>) {
        for place in 0..self.all.len() {
            let (fault, state) = self.all[place];
            if let State::Lasts(seen) = state {
                if self.waits_for_a_start(fault, state) {
                    self.look_for_the_broker(scene, true);
                }
                self.all[place].1 = self.heal(place, seen, scene);
            }
        }
        self.look_for_commands(scene, true);
        self.look_for_the_broker(scene, true);
        self.look_after_the_disk(scene);
        self.look_for_the_broker(scene, true);
        self.forget_the_disk(scene.stage);
    }

    /// Whether its next act needs the broker, which is being started: one thing
    /// at a time. Only a paused node need not wait, and must not: who is started
    /// may wait for it.
    fn waits_for_a_start(&self, fault: Fault, state: State) -> bool {
        let goes_on = state != State::Waits && fault.deed == Deed::Pause;
        let is_meant = fault.on.is_of_the_broker() && !goes_on;
        is_meant && matches!(self.broker, Broker::Starting(..))
    }
}

/// No fault falls on a process that the harness did not start.
const NOT_OURS: &str = "it is not ours: schedbench hurts only what it started itself";

fn note(log: &Recorder, at: u64, on: Victim, text: String) {
    let kind = match on {
        on if on.is_of_the_broker() => MomentKind::Broker,
        Victim::Workers | Victim::Worker(_) => MomentKind::Worker,
        _ => MomentKind::Note,
    };
    log.moment(at, kind, text);
}

/// The places of the workers that are meant. A system may have fewer programs
/// than the scenario has processes (one is fed all tasks, say), or none.
fn workers(on: Victim, staff: &Staff) -> Result<Vec<usize>, String> {
    let all = staff.children().len();
    let meant: Vec<usize> = match on {
        Victim::Worker(number) => vec![number as usize - 1],
        _ => (0..all).collect(),
    };
    match meant.iter().all(|place| *place < all) && !meant.is_empty() {
        true => Ok(meant),
        false => Err(format!("it has {all} worker processes")),
    }
}
