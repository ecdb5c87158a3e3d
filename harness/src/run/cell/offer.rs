//! The load offered: a thread that paces, and one that stands beside it.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use schedbench_adapters::clock;
use schedbench_contract::{Adapter, BodyPool, Producer, Recorder};
use schedbench_reports::outcome::CellError;

use super::{LEAD_NS, PATIENCE_NS, PROBE_ROOM, Rehearsal, RunCell, Seen};
use crate::drive::{self, Driven, Ended, InFlightSetup, OpenSetup};
use crate::environment;
use crate::plan::{Arrivals, CellPlan, Load};
use crate::record::{Allocated, Between, Proof};
use crate::run::faults::{Faults, Scene};
use crate::run::halt::{Halt, failure};
use crate::run::live::Timetable;
use crate::run::staff::Staff;
use crate::run::watch::{Edges, Pacer};

impl RunCell<'_, '_> {
    /// Offers the load while its window is watched, and listens for the rest.
    pub(super) fn drive<A: Adapter>(
        &mut self,
        system: &A,
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        arrivals: u64,
    ) -> Result<Seen, CellError> {
        let bodies = BodyPool::new(self.fill());
        let mut producer = self.ask(halt, system.producer(log.clone()))?;
        staff.ready(Duration::from_nanos(PATIENCE_NS), halt, self.stage)?;
        let probes_sent = self.probe(&mut producer, &bodies, log, staff, halt)?;

        let start = clock::now() + LEAD_NS;
        let mut faults = Faults::of(self.plan, self.planned_window(start));
        let pacer = (producer, &bodies, start);
        let paced = self.pace(pacer, log, staff, halt, &mut faults);
        let (driven, edges) = match paced {
            Ok(paced) => paced,
            Err(why) => {
                let (stage, roads, queue) =
                    (&mut *self.stage, &self.roads, self.at.prefix.as_str());
                faults.end(&mut Scene { stage, staff, roads, queue, log, halt });
                return Err(why);
            }
        };
        let in_flight = matches!(self.plan.load, Load::InFlight { .. });
        let cut_short = halt.reason().or_else(|| match &driven.ended {
            Ended::Broken(why) => Some(self.stage.behind(halt.explain(why))),
            Ended::Stopped => Some(failure("the run was stopped")),
            Ended::Complete | Ended::GaveUp => None,
        });
        if cut_short.is_none() {
            self.drain(log, staff, halt, &driven, &mut faults);
        }
        let (stage, roads, queue) = (&mut *self.stage, &self.roads, self.at.prefix.as_str());
        faults.end(&mut Scene { stage, staff, roads, queue, log, halt });
        let mut between = match &edges.snapshots {
            (Some(first), Some(second)) => self.stage.sampler.between(first, second),
            _ => Between::default(),
        };
        between.host.settle_wait_ns = self.stage.settle_wait_ns;
        if matches!(staff, Staff::Here(_)) {
            let here = edges.most_held.saturating_sub(self.held_before);
            let calls = edges.allocations();
            between.usage.allocated = Some(Allocated { here, noop: None, calls });
        }
        let ended = clock::now();
        Ok(Seen {
            log: log.clone(),
            probes_sent,
            arrivals: if in_flight { driven.taken } else { arrivals },
            start,
            driven,
            ended,
            injected: faults.injected().to_vec(),
            rested: None,
            proof: Proof::NotAsked("not asked yet".to_owned()),
            between,
            moments: Vec::new(),
            server: None,
            cut_short: cut_short.or_else(|| halt.reason()),
        })
    }

    /// The pacer on a thread of its own, which is there until the window's last
    /// snapshot.
    fn pace<P: Producer>(
        &mut self,
        (mut producer, bodies, start): (P, &BodyPool, u64),
        log: &Recorder,
        staff: &mut Staff,
        halt: &Halt<'_>,
        faults: &mut Faults,
    ) -> Result<(Driven, Edges), CellError> {
        let planned = self.planned_window(start);
        let opened =
            AtomicU64::new(if self.is_open_loop() { start + self.plan.warmup_ns } else { 0 });
        let (closed, pacer_done) = (AtomicBool::new(false), AtomicBool::new(false));
        let plan = self.plan;
        let timetable = || Timetable::of(plan, PROBE_ROOM, start);
        let pulse = self.stage.progress.watch(log, timetable);
        let (seen_edges, edges_seen) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let pacer = std::thread::Builder::new().name("pacer".into());
            let runtime = self.stage.runtime.handle().clone();
            let (plan, number, pacing) = (self.plan, self.number, self.pacing);
            let Rehearsal { hiccup, patience_ns, .. } = self.rehearsal;
            let (opened, closed, pacer_done) = (&opened, &closed, &pacer_done);
            let planned_window = planned.clone();
            let pulse = pulse.as_deref();
            let thread = pacer.spawn_scoped(scope, move || {
                let _context = runtime.enter();
                let fifo = environment::timing::keep_time();
                let setup = OpenSetup {
                    cell: number,
                    first_sequence: PROBE_ROOM,
                    start,
                    deadline: patience_ns
                        + match plan.load {
                            Load::Open { .. } => planned_window.end + plan.drain_ns(),
                            Load::InFlight { .. } | Load::Backlog { .. } => plan.horizon_ns,
                        },
                    window: planned_window,
                    pacing,
                    fifo,
                    bodies,
                    stop: halt.flag(),
                    log,
                    pulse,
                    hiccup,
                };
                let ending = Ending(pacer_done);
                let driven = offer(plan, setup, (opened, closed), &mut producer);
                drop(ending);
                // A thread that has ended takes its CPU clock along.
                let _ = edges_seen.recv();
                driven
            });
            let thread =
                thread.map_err(|error| failure(format!("cannot start the pacer: {error}")))?;
            let pacer =
                Pacer { opened, closes: planned.end, is_closed: closed, is_done: pacer_done };
            let edges = self.watch(log, staff, halt, &pacer, faults);
            drop(seen_edges);
            let driven = thread.join().map_err(|_| failure("the generator's thread panicked"))?;
            Ok::<_, CellError>((driven, edges))
        })
    }

    /// The window as planned; in flight, where it would be at the latest.
    fn planned_window(&self, start: u64) -> Range<u64> {
        let window = self.plan.load.window_ns();
        let opens = start + self.plan.warmup_ns;
        if self.is_open_loop() {
            opens..opens + window
        } else {
            opens..opens + (1 + drive::LONGEST_WINDOW) * window
        }
    }
}

/// Says that the pacer has ended, also where it panicked: who stands beside it
/// waits for that.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Drives the load, whichever kind it is, to its end.
fn offer<'a, P: Producer>(
    plan: &CellPlan,
    base: OpenSetup<'a>,
    (opened, closed): (&'a AtomicU64, &'a AtomicBool),
    producer: &mut P,
) -> Driven {
    let arrivals = Arrivals::of(plan);
    match &plan.load {
        Load::Open { .. } => drive::drive_open(&base, arrivals, producer),
        Load::InFlight { tasks, window_ns, most_tasks } => {
            let setup = InFlightSetup {
                base,
                tasks: *tasks,
                warmup_ns: plan.warmup_ns,
                window_ns: *window_ns,
                most_tasks: *most_tasks,
                opened,
                closed,
            };
            drive::drive_in_flight(&setup, &arrivals, producer)
        }
        Load::Backlog { tasks } => drive::drive_backlog(&base, *tasks, &arrivals, producer),
    }
}
