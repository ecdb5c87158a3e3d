//! Probes: the system is there from end to end before the load begins.

use std::time::Duration;

use schedbench_adapters::clock;
use schedbench_contract::{BodyPool, Producer, Recorder, Task, TaskId};
use schedbench_reports::outcome::CellError;

use super::cell::{PATIENCE_NS, PROBE_ROOM, RunCell};
use super::halt::Halt;
use super::staff::Staff;
use crate::drive::Parker;

impl RunCell<'_, '_> {
    /// Tasks with the lowest sequence numbers, until each worker process has
    /// run one: the system is there from end to end.
    pub(super) fn probe<P: Producer>(
        &mut self,
        producer: &mut P,
        bodies: &BodyPool,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
    ) -> Result<u64, CellError> {
        let runtime = self.stage.runtime;
        let _context = runtime.enter();
        let deadline = clock::now() + PATIENCE_NS;
        let mut parker = Parker::here();
        let mut sent = 0;
        loop {
            // Once every worker has run one, those that fail by plan and wait for
            // their next attempt are waited for; more would only fail too.
            if sent == 0 || !staff.all_have_run() {
                let now = clock::now();
                let id = TaskId::new(self.number, sent);
                let probe = Task { id, intended: now, due: now, key: None, body: bodies.of(id) };
                let submitted = parker.block_on(producer.submit(&[probe]), deadline, halt.flag());
                match submitted {
                    Ok(Ok(_)) => sent += 1,
                    Ok(Err(error)) => {
                        return Err(self.stage.behind(halt.explain(&error.to_string())));
                    }
                    Err(_) => return Err(halt.explain("no probe task was taken within 30 s")),
                }
            }
            let look_until = clock::now() + 100_000_000;
            while clock::now() < look_until {
                halt.look(staff, self.stage);
                if let Some(why) = halt.reason() {
                    return Err(why);
                }
                let counts = log.counts();
                let all_back = counts.finished + counts.refused >= sent && counts.settled >= sent;
                if all_back && staff.all_have_run() {
                    return Ok(sent);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // A probe that is retried, or on its way to the second of two
            // workers, needs time; a hundred more are no help.
            if clock::now() > deadline || sent + 1 >= PROBE_ROOM {
                let counts = log.counts();
                return Err(halt.explain(&format!(
                    "only {} of {sent} probe tasks completed within 30 s",
                    counts.finished
                )));
            }
        }
    }
}
