//! A fault undone when it is over.

use schedbench_adapters::clock;

use super::nodes::Nodes;
use super::{Faults, Scene, State, note, workers};
use crate::environment;
use crate::plan::{Deed, Victim};
use crate::run::halt::failure;

impl Faults {
    pub(super) fn heal(&mut self, place: usize, seen: usize, scene: &mut Scene<'_, '_>) -> State {
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
}
