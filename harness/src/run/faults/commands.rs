//! Pairs of commands that hurt and heal what is not ours.

use schedbench_adapters::clock;
use schedbench_reports::outcome::CellError;

use super::{Faults, Scene, State, note};
use crate::environment::ordered;
use crate::run::stage::Stage;

impl Faults {
    /// Starts the command that hurts. Its effect is somewhere in its run, which
    /// is looked after from then on.
    pub(super) fn order(
        &mut self,
        place: usize,
        pair: usize,
        stage: &Stage<'_>,
    ) -> Result<(), String> {
        let pair = self.commands.get(pair).ok_or("it has no such command")?;
        let hurt =
            ordered::Hurt::begin(stage.keeper.spawner(), stage.rooms, &pair.hurt, &pair.heal);
        self.by_command.push((place, hurt.map_err(|error| error.to_string())?));
        Ok(())
    }

    pub(super) fn heal_by_command(
        &mut self,
        place: usize,
        seen: usize,
        scene: &Scene<'_, '_>,
    ) -> State {
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
    pub(super) fn look_for_commands(&mut self, scene: &Scene<'_, '_>, waits: bool) {
        for (_, hurt) in &mut self.by_command {
            let said = if waits { hurt.wait() } else { hurt.look() };
            if let Err(failed) = said {
                scene.halt.set(told(failed, scene.stage));
            }
        }
        self.by_command.retain(|(_, hurt)| !hurt.is_over());
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
