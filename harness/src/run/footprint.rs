//! Reads the broker's memory on both sides of a build-up.
//!
//! Reading the proportional share of a JVM takes milliseconds, and holds up
//! whoever maps memory there. So it is done while nothing is handed over and
//! nothing is timed.

use schedbench_adapters::clock;
use schedbench_contract::{MomentKind, Recorder};

use super::cell::RunCell;
use super::halt::Halt;
use crate::drive;
use crate::record::{Footprint, Memory, READINGS};

/// Between two readings, ns.
const APART_NS: u64 = 100_000_000;
/// After the producer has gone: until the broker has noticed that and has ended
/// what served it (in PostgreSQL a process of some MB), ns.
const SERVED_NS: u64 = 500_000_000;
/// How long after the last confirmation the second readings are through, with
/// what reading takes, ns. A fault that comes before that is not put off.
const THROUGH_NS: u64 = 1_500_000_000;

/// Readings of one side, or why there are none.
pub(super) type Side = Result<[Memory; READINGS], &'static str>;

impl RunCell<'_, '_> {
    /// The broker's memory before a producer connects.
    pub(super) fn weigh_empty(&self, halt: &Halt<'_>) -> Side {
        self.weigh(clock::now(), halt)
    }

    /// Both sides, once everything is confirmed and the producer has gone, which
    /// was at `gone`; a moment of the cell says what they are.
    pub(super) fn footprint(
        &self,
        empty: Side,
        gone: u64,
        log: &Recorder,
        halt: &Halt<'_>,
    ) -> Result<Footprint, &'static str> {
        let before = empty?;
        let first = self.plan.faults.iter().map(|fault| fault.at_ns).min();
        if first.is_some_and(|at_ns| at_ns < THROUGH_NS) {
            return Err("the broker was hurt before its memory could be read");
        }
        let after = self.weigh(gone + SERVED_NS, halt)?;
        let footprint = Footprint { before, after };
        log.moment(clock::now(), MomentKind::Note, footprint.growth().in_words());
        Ok(footprint)
    }

    fn weigh(&self, from: u64, halt: &Halt<'_>) -> Side {
        let mut all = [Memory::default(); READINGS];
        for (place, reading) in all.iter_mut().enumerate() {
            drive::sleep_until(from + place as u64 * APART_NS);
            if halt.is_set() {
                return Err("it was cut short");
            }
            let memory = self.stage.broker_memory();
            *reading = memory.ok_or("the broker's processes are not ours to read")?;
        }
        Ok(all)
    }
}
