//! The broker taken off the stage, started again and put back.

use std::thread::JoinHandle;

use schedbench_adapters::clock;

use super::{Faults, NOT_OURS, Scene, nodes, note};
use crate::environment::{self, Running};
use crate::plan::Victim;
use crate::record::Role;
use crate::run::halt::failure;
use crate::run::stage::{Stage, blame};

/// The block's broker while it is not on the stage.
pub(super) enum Broker {
    OnStage,
    Gone(Box<dyn Running>),
    /// All of it, or those nodes only.
    Starting(Option<Vec<usize>>, JoinHandle<(Box<dyn Running>, environment::Result<()>)>),
}

impl Faults {
    /// Off the stage, so that its death is nobody's error.
    pub(super) fn take_broker(
        &mut self,
        stage: &mut Stage<'_>,
        end: impl FnOnce(&[&environment::Child]),
    ) -> Result<(), String> {
        let Some(broker) = stage.broker.take() else { return Err(NOT_OURS.to_owned()) };
        if broker.child().is_none() {
            stage.broker = Some(broker);
            return Err(NOT_OURS.to_owned());
        }
        end(&broker.children());
        self.broker = Broker::Gone(broker);
        Ok(())
    }

    pub(super) fn start_broker(&mut self) -> Result<(), String> {
        match std::mem::replace(&mut self.broker, Broker::OnStage) {
            Broker::Gone(broker) => self.start(broker, None),
            _ => Ok(()),
        }
    }

    pub(super) fn start_nodes(
        &mut self,
        place: usize,
        stage: &mut Stage<'_>,
    ) -> Result<(), String> {
        let places = self.nodes_of(place).map(|nodes| nodes.places.clone());
        stage.broker.take().map_or(Ok(()), |broker| self.start(broker, places))
    }

    /// On a thread of its own: a broker takes seconds to start.
    pub(super) fn start(
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
    pub(super) fn look_for_the_broker(&mut self, scene: &mut Scene<'_, '_>, waits: bool) {
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

pub(super) fn pause_broker(stage: &Stage<'_>) -> Result<(), String> {
    match &stage.broker {
        Some(broker) if broker.child().is_some() => {
            broker.children().into_iter().for_each(environment::Child::pause);
            Ok(())
        }
        _ => Err(NOT_OURS.to_owned()),
    }
}
