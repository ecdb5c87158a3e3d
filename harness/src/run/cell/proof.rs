//! What the system still holds, asked when the cell is over.

use std::time::Duration;

use schedbench_adapters::clock;
use schedbench_contract::{Adapter, Backlog};
use schedbench_reports::outcome::CellError;

use super::{PATIENCE_NS, RunCell};
use crate::record::Proof;
use crate::run::halt::{Halt, failure};

impl RunCell<'_, '_> {
    /// Workers gone, connections gone, then the question what is still there.
    pub(super) fn proof<A: Adapter>(
        &self,
        system: &A,
        halt: &Halt<'_>,
        dismissed: Result<Option<u64>, String>,
    ) -> Proof {
        let asked = dismissed.map_err(failure).and_then(|ended_with_them| {
            // That an outage broke the road of proof, too, is noticed by the
            // first question on it.
            let left = self.what_is_left(system, halt);
            let mut left = left.or_else(|_| self.what_is_left(system, halt))?;
            // What the dismissal itself ended is none of the system's losses.
            if let Some(tasks) = ended_with_them {
                left.held = Some(left.held.unwrap_or(0) + tasks);
            }
            Ok(left)
        });
        match asked {
            Ok(backlog) => Proof::Asked(backlog),
            Err(why) => Proof::NotAsked(why.message),
        }
    }

    /// What the system holds once nobody consumes it.
    fn what_is_left<A: Adapter>(&self, system: &A, halt: &Halt<'_>) -> Result<Backlog, CellError> {
        let deadline = clock::now() + PATIENCE_NS / 3;
        loop {
            match self.ask(halt, system.consumers())? {
                Some(0) | None => return self.ask(halt, system.backlog()),
                Some(left) if clock::now() > deadline => {
                    return Err(failure(format!("{left} consumers are still connected")));
                }
                Some(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}
