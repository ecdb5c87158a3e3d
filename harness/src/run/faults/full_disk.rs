//! A broker whose disk is full, and may end itself of it: that is what is
//! measured, and nobody's error. It is started again when there is room.

use schedbench_adapters::clock;
use schedbench_contract::Recorder;

use super::{Faults, NOT_OURS, Scene, nodes, note};
use crate::plan::Victim;
use crate::run::halt::failure;
use crate::run::stage::Stage;

/// So long after it has room again a broker may still end itself of what it
/// could not write; the JVM of Kafka takes a moment for it.
const AFTERMATH_NS: u64 = 3_000_000_000;

/// The broker whose disk was filled.
pub(super) struct FullDisk {
    /// How it was filled, in words.
    pub(super) how: &'static str,
    /// When it had room again, monotonic ns.
    has_room: Option<u64>,
    /// The places of those of its nodes that have ended themselves.
    ended: Vec<usize>,
}

impl FullDisk {
    /// Fills it. From then on no death of the broker is an error.
    pub(super) fn fill(stage: &mut Stage<'_>) -> Result<Self, String> {
        let broker = stage.broker.as_mut().filter(|broker| broker.child().is_some());
        let broker = broker.ok_or_else(|| NOT_OURS.to_owned())?;
        // First, so that no death is seen before it is known to be meant.
        stage.hurt.extend(0..broker.children().len());
        let how = broker.fill_disk().map_err(|error| {
            stage.hurt.clear();
            error.to_string()
        })?;
        Ok(Self { how, has_room: None, ended: Vec::new() })
    }

    /// Keeps it full: a broker that deletes (Redis after a rewrite of its file,
    /// 64 MB) would have room for seconds. Others would take that, too.
    fn keep_full(&self, stage: &mut Stage<'_>) -> Result<(), String> {
        match (&mut stage.broker, self.has_room) {
            (Some(broker), None) => broker.fill_disk().map(drop).map_err(|error| error.to_string()),
            _ => Ok(()),
        }
    }

    /// Gives the room back.
    pub(super) fn free(&mut self, stage: &mut Stage<'_>) -> Result<(), String> {
        let broker = stage.broker.as_mut();
        broker.map_or(Ok(()), |broker| broker.free_disk()).map_err(|error| error.to_string())?;
        self.has_room = Some(clock::now());
        Ok(())
    }

    /// Notes who has ended itself since the last look.
    fn look(&mut self, stage: &Stage<'_>, log: &Recorder) {
        let Some(broker) = &stage.broker else { return };
        let children = broker.children();
        for (place, child) in children.iter().enumerate() {
            if let (Some(exit), false) = (child.ended(), self.ended.contains(&place)) {
                let who = match children.len() {
                    1 => "the broker".to_owned(),
                    _ => nodes::named(&[place]),
                };
                let text = format!("{who} ended itself without room on its disk ({exit})");
                note(log, clock::now(), Victim::Broker, text);
                self.ended.push(place);
            }
        }
    }
}

impl Faults {
    /// Looks after a broker whose disk is or was full: who has ended is started
    /// again once there is room. After a while its death is an error again.
    pub(super) fn look_after_the_disk(&mut self, scene: &mut Scene<'_, '_>) {
        let Some(full) = &mut self.full_disk else { return };
        full.look(scene.stage, scene.log);
        if let Err(why) = full.keep_full(scene.stage) {
            scene.halt.set(failure(format!("could not keep its disk full: {why}")));
        }
        let Some(since) = full.has_room else { return };
        if !full.ended.is_empty() {
            let Some(broker) = scene.stage.broker.take() else { return };
            let all = full.ended.len() == broker.children().len();
            let ended = std::mem::take(&mut full.ended);
            if let Err(why) = self.start(broker, (!all).then_some(ended)) {
                scene.halt.set(failure(format!("could not start the broker again: {why}")));
            }
        } else if clock::now() >= since + AFTERMATH_NS {
            self.forget_the_disk(scene.stage);
        }
    }

    /// From now on a death of the broker is an error.
    pub(super) fn forget_the_disk(&mut self, stage: &mut Stage<'_>) {
        if self.full_disk.take().is_some() {
            let meant = self.places_of_lasting_faults();
            stage.hurt.retain(|place| meant.contains(place));
        }
    }
}
