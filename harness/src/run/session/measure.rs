//! One cell measured and judged, or why it could not be.

use schedbench_adapters::clock;
use schedbench_contract::Endpoints;
use schedbench_reports::outcome::{Cell, CellError};

use super::Session;
use super::unmeasured::unmeasured;
use crate::environment;
use crate::judge;
use crate::plan::{CellPlan, Pacing};
use crate::record::{Allocated, Evidence, allocator};
use crate::run::cell::{PROBE_ROOM, Rehearsal, RunCell, Seen};
use crate::run::describe;
use crate::run::halt::failure;
use crate::run::roads::Roads;

impl Session<'_> {
    /// What a cell came to, whatever came in its way.
    pub(super) fn measure(
        &mut self,
        block: u32,
        number: u32,
        plan: &CellPlan,
        reruns: u32,
    ) -> Cell {
        let mut about = self.about(block, number, reruns);
        about.capacity = self.capacity(plan).ok().filter(|_| !plan.is_searching());
        if let Some(death) = self.stage.broker_death() {
            // It died in an earlier cell of its block, which has its log too.
            return unmeasured(&about, plan, death);
        }
        self.stage.settle();
        let network = self.stage.keeper.spawner().network();
        let roads = match Roads::to(self.stage.broker.as_deref(), network, plan) {
            Ok(roads) => roads,
            Err(error) => {
                let why = format!("putting a proxy before the broker: {error}");
                return unmeasured(&about, plan, failure(why));
            }
        };
        match self.observe(number, plan, roads) {
            Ok(seen) => self.judged(plan, seen, about),
            Err(error) => {
                self.note_system(plan.target, None);
                let mut cell = unmeasured(&about, plan, error);
                if self.stopped() {
                    cell.error = None;
                }
                cell
            }
        }
    }

    /// Runs it on its system.
    fn observe(&mut self, number: u32, plan: &CellPlan, roads: Roads) -> Result<Seen, CellError> {
        let address = self.stage.address();
        let at = Endpoints {
            producer: roads.producer(address.clone()),
            workers: roads.workers(address.clone()),
            control: address,
            second: self.stage.second_address(),
            prefix: format!("schedbench.{}.{number}", self.outcome.run.id),
        };
        let cell = RunCell {
            plan,
            number,
            shape: self.plan.shape,
            // A spinning generator takes cores from what runs in other processes.
            pacing: self.plan.pacing.unwrap_or(match plan.is_in_process() {
                true => Pacing::Spin,
                false => Pacing::Grid,
            }),
            at,
            roads,
            stage: &mut self.stage,
            held_before: allocator::held(),
            rehearsal: Rehearsal::default(),
        };
        cell.run().unwrap_or_else(|| Err(failure("this build lacks the system")))
    }

    /// What it showed, judged.
    fn judged(&mut self, plan: &CellPlan, mut seen: Seen, mut about: judge::About) -> Cell {
        let mut server = seen.server.take();
        if let (Some(server), Some(broker)) = (&mut server, &self.stage.broker) {
            server.settings.extend_from_slice(broker.settings());
        }
        self.note_system(plan.target, server);
        self.set_allocated(plan, &mut seen.between.usage.allocated);
        self.stage.forget_what_is_not_ours(&mut seen.between);
        about.started_s = self.since_began(seen.start);
        // Spinning is idle: what is left is the handling of tasks.
        if let Some(cpu) = &mut seen.between.usage.generator_cpu_s {
            *cpu = (*cpu - seen.driven.seen.spun_ns as f64 / 1e9).max(0.0);
        }
        charge_submit(plan, &mut seen);
        let mut cell = judge::judge(
            &Evidence {
                plan,
                ledger: seen.log.ledger(),
                probes_sent: seen.probes_sent,
                first_arrival: PROBE_ROOM,
                arrivals: seen.arrivals,
                start: seen.start,
                window: seen.driven.window.clone(),
                ended: seen.ended,
                hand_overs: seen.driven.hand_overs,
                pacing: seen.driven.seen,
                proof: seen.proof,
                usage: seen.between.usage,
                host: seen.between.host,
                moments: seen.moments,
                faults: seen.injected,
                rested: seen.rested,
                cut_short: seen.cut_short.as_ref().map(|error| error.message.clone()),
            },
            &judge::Limits { objective_p99_ns: self.plan.objective_p99_ns, ..Default::default() },
            &about,
        );
        if !self.stopped() {
            cell.error = seen.cut_short;
        }
        cell
    }

    pub(super) fn about(&self, block: u32, number: u32, reruns: u32) -> judge::About {
        judge::About {
            number,
            block,
            reruns,
            started_s: self.began.elapsed().as_secs_f64(),
            cores: Some(self.outcome.host.cores),
            system_cores: environment::placement::system_cores(),
            shape: Some(self.plan.shape),
            ..judge::About::default()
        }
    }

    /// Seconds from the run's start to a monotonic instant, ns.
    fn since_began(&self, instant: u64) -> f64 {
        let ago = i128::from(clock::now()) - i128::from(instant);
        self.began.elapsed().as_secs_f64() - ago as f64 / 1e9
    }

    /// In-process memory is the allocator's difference to `noop` at the load.
    fn set_allocated(&mut self, plan: &CellPlan, allocated: &mut Option<Allocated>) {
        let Some(allocated) = allocated else { return };
        let load = format!("{:?} {:?}", describe::load(&plan.load), plan.variant);
        if plan.target.system.name == "noop" {
            self.noop_allocated.insert(load, allocated.here);
        } else {
            allocated.noop = self.noop_allocated.get(&load).copied();
        }
    }
}

/// Time inside `submit` is the system's (`docs/decisions/0002`). What a system
/// in process does there is the system itself, which never pends. What a
/// broker's client does there besides waiting is a client's work, and can be
/// the bottleneck as a client thread can.
fn charge_submit(plan: &CellPlan, seen: &mut Seen) {
    let pacing = &mut seen.driven.seen;
    if plan.is_in_process() {
        pacing.pending_share = pacing.submit_share;
    } else {
        // Where no thread of the client could be read this is a lower bound,
        // which is enough to say that it was too much.
        let inside = pacing.submit_share - pacing.pending_share;
        let usage = &mut seen.between.usage;
        let busiest = &mut usage.busiest_client_thread;
        *busiest = Some(busiest.map_or(inside, |busiest| busiest.max(inside)));
        let window = &seen.driven.window;
        let inside_s = inside * window.end.saturating_sub(window.start) as f64 / 1e9;
        move_cpu(&mut usage.generator_cpu_s, &mut usage.client_cpu_s, inside_s);
    }
}

/// CPU of the generator's thread that was a client's: as much as the thread
/// was inside `submit` without waiting, and no more than it used.
fn move_cpu(generator: &mut Option<f64>, client: &mut Option<f64>, inside_s: f64) {
    if let Some(generator) = generator {
        let moved = inside_s.clamp(0.0, *generator);
        *generator -= moved;
        *client = Some(client.unwrap_or(0.0) + moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_inside_submit_is_the_clients_and_no_more_than_was_used() {
        let moved = |mut generator, mut client, inside_s| {
            move_cpu(&mut generator, &mut client, inside_s);
            (generator, client)
        };
        assert_eq!(moved(Some(2.0), Some(1.0), 1.5), (Some(0.5), Some(2.5)));
        assert_eq!(moved(Some(2.0), None, 1.5), (Some(0.5), Some(1.5)));
        // Inside by the clock, off its core for a part of it.
        assert_eq!(moved(Some(1.0), Some(1.0), 1.5), (Some(0.0), Some(2.0)));
        assert_eq!(moved(Some(1.0), Some(1.0), -0.1), (Some(1.0), Some(1.0)));
        assert_eq!(moved(None, Some(1.0), 1.5), (None, Some(1.0)), "not readable");
    }
}
