//! A fault taking effect, on whom it means.

use schedbench_adapters::clock;

use super::broker::pause_broker;
use super::full_disk::FullDisk;
use super::nodes::{self, Nodes};
use super::{Faults, Scene, State, note, workers};
use crate::environment;
use crate::plan::{Deed, Fault, Victim};
use crate::record::Injected;
use crate::run::halt::failure;
use crate::run::stage::Stage;

impl Faults {
    pub(super) fn hurt(&mut self, place: usize, fault: Fault, scene: &mut Scene<'_, '_>) -> State {
        if fault.on.is_of_nodes()
            && let Err(why) = self.find_nodes(place, fault.on, scene)
        {
            scene.halt.set(failure(format!("could not {fault}: {why}")));
            return State::Over;
        }
        // Read before: a client may see a death before its parent does.
        let took_effect = clock::now();
        if let Err(why) = self.befall(place, fault, scene) {
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

    /// Does to whom it means what the fault is.
    fn befall(
        &mut self,
        place: usize,
        fault: Fault,
        scene: &mut Scene<'_, '_>,
    ) -> Result<(), String> {
        match (fault.deed, fault.on) {
            (deed, on) if on.is_of_nodes() => {
                self.hurt_nodes(place, deed, scene.stage);
                Ok(())
            }
            (Deed::Kill, Victim::Broker) => self.take_broker(scene.stage, |nodes| {
                environment::Child::kill_all(nodes.iter().copied());
            }),
            (Deed::Terminate, Victim::Broker) => self.take_broker(scene.stage, |nodes| {
                nodes.iter().copied().for_each(environment::Child::ask_to_end);
            }),
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
        }
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
    pub(super) fn places_of_lasting_faults(&self) -> Vec<usize> {
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

    pub(super) fn nodes_of(&self, place: usize) -> Option<&Nodes> {
        self.on_nodes.iter().find(|(of, _)| *of == place).map(|(_, nodes)| nodes)
    }

    /// `broker`; `leader: node 2`.
    pub(super) fn whom(&self, place: usize, on: Victim) -> String {
        self.nodes_of(place).map_or_else(
            || on.to_string(),
            |found| format!("{on}: {}", nodes::named(&found.places)),
        )
    }
}
