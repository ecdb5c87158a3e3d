//! The plan's faults, done to processes of ours at their times and undone
//! again, whatever else happens to the cell.

mod full_disk;
mod nodes;

use std::thread::JoinHandle;

use schedbench_adapters::clock;
use schedbench_contract::{MomentKind, Recorder};
use schedbench_reports::outcome::CellError;

use super::halt::{Halt, failure};
use super::roads::{Lying, Roads};
use super::staff::Staff;
use super::stage::{Stage, blame};
use crate::environment::{self, Running, ordered};
use crate::plan::{CellPlan, Commands, Deed, Fault, Victim};
use crate::record::{Injected, Role};
use full_disk::FullDisk;
use nodes::Nodes;

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
    /// When the window opens, monotonic ns.
    opens: u64,
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

/// The block's broker while it is not on the stage.
enum Broker {
    OnStage,
    Gone(Box<dyn Running>),
    /// All of it, or those nodes only.
    Starting(Option<Vec<usize>>, JoinHandle<(Box<dyn Running>, environment::Result<()>)>),
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
    pub(super) fn of(plan: &CellPlan, opens: u64) -> Self {
        Self {
            all: plan.faults.iter().map(|fault| (*fault, State::Waits)).collect(),
            on_links: Vec::new(),
            on_nodes: Vec::new(),
            commands: plan.commands.clone(),
            by_command: Vec::new(),
            opens,
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
            State::Waits => Some(fault.at_ns),
            State::Lasts(_) => Some(fault.until_ns()),
            State::Over => None,
        });
        times.min().map(|after| self.opens.saturating_add(after))
    }

    /// Does everything whose time has come.
    pub(super) fn act(&mut self, scene: &mut Scene<'_, '_>) {
        self.look_for_the_broker(scene, false);
        self.look_for_commands(scene, false);
        self.look_after_the_disk(scene);
        for place in 0..self.all.len() {
            let (fault, state) = self.all[place];
            let now = clock::now();
            let opens = self.opens;
            let waits = self.waits_for_a_start(fault, state);
            let is_due = |after: u64| !waits && now >= opens.saturating_add(after);
            self.all[place].1 = match state {
                State::Waits if is_due(fault.at_ns) => self.hurt(place, fault, scene),
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

    fn hurt(&mut self, place: usize, fault: Fault, scene: &mut Scene<'_, '_>) -> State {
        if fault.on.is_of_nodes()
            && let Err(why) = self.find_nodes(place, fault.on, scene)
        {
            scene.halt.set(failure(format!("could not {fault}: {why}")));
            return State::Over;
        }
        // Read before: a client may see a death before its parent does.
        let took_effect = clock::now();
        let done = match (fault.deed, fault.on) {
            (deed, on) if on.is_of_nodes() => {
                self.hurt_nodes(place, deed, scene.stage);
                Ok(())
            }
            (Deed::Kill, Victim::Broker) => self.take_broker(scene.stage, |child| {
                let _ = child.kill();
            }),
            (Deed::Terminate, Victim::Broker) => {
                self.take_broker(scene.stage, environment::Child::ask_to_end)
            }
            (Deed::Pause, Victim::Broker) => pause_broker(scene.stage),
            (Deed::Command(pair), _) => self.order(place, pair, scene.stage),
            (Deed::DiskFull, _) => FullDisk::fill(scene.stage).map(|full| {
                self.full_disk = Some(full);
            }),
            (Deed::Kill, on) => workers(on, scene.staff).map(|hurt| scene.staff.kill(hurt)),
            (Deed::Terminate, on) => {
                workers(on, scene.staff).map(|hurt| scene.staff.ask_to_end(hurt))
            }
            (Deed::Pause, on) => workers(on, scene.staff).map(|hurt| {
                hurt.into_iter().for_each(|worker| scene.staff.children()[worker].pause());
            }),
            (Deed::Link(link), on) => match scene.roads.suffer(on, link) {
                Ok(lying) => {
                    self.on_links.push((place, lying));
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            },
        };
        if let Err(why) = done {
            scene.halt.set(failure(format!("could not {fault}: {why}")));
            return State::Over;
        }
        // It is full when that is done, and RabbitMQ's when it says so.
        let took_effect = if fault.deed == Deed::DiskFull { clock::now() } else { took_effect };
        let kind = fault.deed.kind().name();
        let whom = self.whom(place, fault.on);
        let how = self.full_disk.as_ref().filter(|_| fault.deed == Deed::DiskFull);
        let how = how.map_or_else(String::new, |full| format!(": {}", full.how));
        let queues = self.nodes_of(place).map_or_else(String::new, Nodes::queues_in_words);
        note(scene.log, took_effect, fault.on, format!("fault: {kind} {whom}{queues}{how}"));
        self.injected.push(Injected { fault, took_effect, cleared: None });
        State::Lasts(self.injected.len() - 1)
    }

    fn heal(&mut self, place: usize, seen: usize, scene: &mut Scene<'_, '_>) -> State {
        let (fault, _) = self.all[place];
        let cleared = clock::now();
        let healed = match (fault.deed, fault.on) {
            (Deed::Kill | Deed::Terminate, Victim::Broker) => self.start_broker(),
            (Deed::Kill | Deed::Terminate, on) if on.is_of_nodes() => {
                self.start_nodes(place, scene.stage)
            }
            (Deed::Pause, on) if on.is_of_nodes() => {
                self.nodes_of(place).into_iter().for_each(Nodes::resume);
                Ok(())
            }
            (Deed::DiskFull, _) => {
                let full = self.full_disk.as_mut();
                let freed = full.map_or(Ok(()), |full| full.free(scene.stage));
                self.look_after_the_disk(scene);
                freed
            }
            (Deed::Pause, Victim::Broker) => {
                let broker = scene.stage.broker.iter();
                broker.flat_map(|broker| broker.children()).for_each(environment::Child::resume);
                Ok(())
            }
            (Deed::Command(_), _) => return self.heal_by_command(place, seen, scene),
            (Deed::Kill | Deed::Terminate, on) => workers(on, scene.staff).and_then(|missing| {
                scene.staff.replace(&missing, scene.stage).map_err(|error| error.to_string())
            }),
            (Deed::Pause, on) => workers(on, scene.staff).map(|paused| {
                paused.into_iter().for_each(|worker| scene.staff.children()[worker].resume());
            }),
            (Deed::Link(_), _) => self.heal_links(place),
        };
        let cleared = if fault.deed == Deed::DiskFull { clock::now() } else { cleared };
        match healed {
            // A reset was over when it had taken effect.
            Ok(()) if fault.for_ns == 0 => {
                self.injected[seen].cleared = Some(self.injected[seen].took_effect);
            }
            Ok(()) => {
                let whom = self.whom(place, fault.on);
                let text = match fault.deed {
                    Deed::Kill | Deed::Terminate => format!("healed: {whom} started again"),
                    Deed::Pause => format!("healed: {whom} goes on"),
                    Deed::DiskFull => format!("healed: {whom} has room again"),
                    Deed::Command(_) | Deed::Link(_) => format!("healed: {whom}"),
                };
                note(scene.log, cleared, fault.on, text);
                self.injected[seen].cleared = Some(cleared);
            }
            Err(why) => scene.halt.set(failure(format!("could not heal {}: {why}", fault.on))),
        }
        State::Over
    }

    fn heal_links(&mut self, place: usize) -> Result<(), String> {
        let Some(at) = self.on_links.iter().position(|(of, _)| *of == place) else {
            return Ok(());
        };
        let (_, lying) = self.on_links.swap_remove(at);
        lying.heal().map_err(|error| error.to_string())
    }

    /// Starts the command that hurts. Its effect is somewhere in its run, which
    /// is looked after from then on.
    fn order(&mut self, place: usize, pair: usize, stage: &Stage<'_>) -> Result<(), String> {
        let pair = self.commands.get(pair).ok_or("it has no such command")?;
        let hurt =
            ordered::Hurt::begin(stage.keeper.spawner(), stage.rooms, &pair.hurt, &pair.heal);
        self.by_command.push((place, hurt.map_err(|error| error.to_string())?));
        Ok(())
    }

    /// Finds the nodes that a fault means and keeps them: they are healed, also
    /// where another node leads by then.
    fn find_nodes(
        &mut self,
        place: usize,
        on: Victim,
        scene: &Scene<'_, '_>,
    ) -> Result<(), String> {
        let hurt = self.places_of_lasting_faults();
        self.on_nodes.push((place, Nodes::find(on, scene, &hurt)?));
        Ok(())
    }

    /// The places of the nodes that are hurt now.
    fn places_of_lasting_faults(&self) -> Vec<usize> {
        let lasting = self.on_nodes.iter().filter(|(of, _)| self.all[*of].1 != State::Over);
        lasting.flat_map(|(_, nodes)| &nodes.places).copied().collect()
    }

    fn hurt_nodes(&self, place: usize, deed: Deed, stage: &mut Stage<'_>) {
        if let Some(nodes) = self.nodes_of(place) {
            // First, so that no death is seen before it is known to be meant.
            if deed != Deed::Pause {
                stage.hurt.extend(&nodes.places);
            }
            nodes.suffer(deed);
        }
    }

    fn nodes_of(&self, place: usize) -> Option<&Nodes> {
        self.on_nodes.iter().find(|(of, _)| *of == place).map(|(_, nodes)| nodes)
    }

    /// `broker`; `leader: node 2`.
    fn whom(&self, place: usize, on: Victim) -> String {
        self.nodes_of(place).map_or_else(
            || on.to_string(),
            |found| format!("{on}: {}", nodes::named(&found.places)),
        )
    }

    fn heal_by_command(&mut self, place: usize, seen: usize, scene: &Scene<'_, '_>) -> State {
        let cleared = clock::now();
        let on = self.all[place].0.on;
        for (_, hurt) in self.by_command.iter_mut().filter(|(of, _)| *of == place) {
            match hurt.heal() {
                Ok(()) => {
                    note(scene.log, cleared, on, format!("healed: {on}"));
                    self.injected[seen].cleared = Some(cleared);
                }
                Err(failed) => scene.halt.set(told(failed, scene.stage)),
            }
        }
        State::Over
    }

    /// Hears how commands end; once they are healed nothing is left to undo.
    fn look_for_commands(&mut self, scene: &Scene<'_, '_>, waits: bool) {
        for (_, hurt) in &mut self.by_command {
            let said = if waits { hurt.wait() } else { hurt.look() };
            if let Err(failed) = said {
                scene.halt.set(told(failed, scene.stage));
            }
        }
        self.by_command.retain(|(_, hurt)| !hurt.is_over());
    }

    /// Off the stage, so that its death is nobody's error.
    fn take_broker(
        &mut self,
        stage: &mut Stage<'_>,
        end: impl Fn(&environment::Child),
    ) -> Result<(), String> {
        let Some(broker) = stage.broker.take() else { return Err(NOT_OURS.to_owned()) };
        if broker.child().is_none() {
            stage.broker = Some(broker);
            return Err(NOT_OURS.to_owned());
        }
        broker.children().into_iter().for_each(end);
        self.broker = Broker::Gone(broker);
        Ok(())
    }

    fn start_broker(&mut self) -> Result<(), String> {
        match std::mem::replace(&mut self.broker, Broker::OnStage) {
            Broker::Gone(broker) => self.start(broker, None),
            _ => Ok(()),
        }
    }

    fn start_nodes(&mut self, place: usize, stage: &mut Stage<'_>) -> Result<(), String> {
        let places = self.nodes_of(place).map(|nodes| nodes.places.clone());
        stage.broker.take().map_or(Ok(()), |broker| self.start(broker, places))
    }

    /// On a thread of its own: a broker takes seconds to start.
    fn start(
        &mut self,
        mut broker: Box<dyn Running>,
        only: Option<Vec<usize>>,
    ) -> Result<(), String> {
        let places = only.clone();
        let starting = std::thread::Builder::new().name("restart".into()).spawn(move || {
            let started = match places {
                Some(places) => broker.restart_nodes(&places),
                None => broker.restart(),
            };
            (broker, started)
        });
        self.broker = Broker::Starting(only, starting.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Has it on the stage again once it answers.
    fn look_for_the_broker(&mut self, scene: &mut Scene<'_, '_>, waits: bool) {
        match std::mem::replace(&mut self.broker, Broker::OnStage) {
            Broker::Starting(only, starting) if waits || starting.is_finished() => {
                match starting.join() {
                    Ok((broker, started)) => {
                        let is_new = |place: &usize| only.iter().all(|only| only.contains(place));
                        let all = broker.children().into_iter().enumerate();
                        for (_, child) in all.filter(|(place, _)| is_new(place)) {
                            scene.stage.sampler.watch(Role::Broker, child);
                        }
                        scene.stage.hurt.retain(|place| !is_new(place));
                        match started {
                            Ok(()) => {
                                let text = match &only {
                                    Some(only) => {
                                        format!("{}: in the cluster again", nodes::named(only))
                                    }
                                    None => "the broker answers again".to_owned(),
                                };
                                let answers = clock::now();
                                self.answers = Some(answers);
                                note(scene.log, answers, Victim::Broker, text);
                            }
                            Err(error) => scene.halt.set(blame(&error)),
                        }
                        scene.stage.broker = Some(broker);
                    }
                    Err(_) => scene.halt.set(failure("the thread that restarts it panicked")),
                }
            }
            other => self.broker = other,
        }
    }
}

/// No fault falls on a process that the harness did not start.
const NOT_OURS: &str = "it is not ours: schedbench hurts only what it started itself";

fn pause_broker(stage: &Stage<'_>) -> Result<(), String> {
    match &stage.broker {
        Some(broker) if broker.child().is_some() => {
            broker.children().into_iter().for_each(environment::Child::pause);
            Ok(())
        }
        _ => Err(NOT_OURS.to_owned()),
    }
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

/// A command's failure as the cell's error. Its output may hold anything, but
/// not the broker's password.
fn told(failed: ordered::Failed, stage: &Stage<'_>) -> CellError {
    let address = stage.address();
    let password = address.as_ref().and_then(|address| address.password.as_ref());
    let masked = |text: String| match password {
        Some(password) if !password.0.is_empty() => text.replace(&password.0, "***"),
        _ => text,
    };
    CellError {
        message: format!("a command of a fault: {}", masked(failed.why)),
        log: failed.output.into_iter().map(masked).collect(),
    }
}

fn note(log: &Recorder, at: u64, on: Victim, text: String) {
    let kind = match on {
        on if on.is_of_the_broker() => MomentKind::Broker,
        Victim::Workers | Victim::Worker(_) => MomentKind::Worker,
        _ => MomentKind::Note,
    };
    log.moment(at, kind, text);
}
