//! A stage on which evidence is planted: plans, ledgers and everything around
//! them, with virtual time only.

use std::ops::Range;

use hdrhistogram::Histogram;
use schedbench::judge::{About, Limits, judge};
use schedbench::plan::{
    Arrival, Arrivals, CellPlan, Delay, Load, Pacing, Spacing, Stage as Rate, Target,
};
use schedbench::record::{Evidence, HandOver, Host, Injected, PacingSeen, Proof, Rested, Usage};
use schedbench_adapters::System;
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{
    AckMode, Backlog, Claims, Comparable, ConfirmMode, Delay as Claimed, DurabilityClass, Handler,
    Moment, Order, Profile, Recorder, Resends, Retries, Retry, Run, RunEnd, Task, TaskId, Topology,
};
use schedbench_reports::outcome::{Cell, Held, Value};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000_000_000;
/// The instant at which a staged warm-up starts.
pub(crate) const START: u64 = 5_000 * S;
/// The ledger's epoch, a little before.
pub(crate) const EPOCH: u64 = START - 10 * S;
pub(crate) const CELL: u32 = 9;

/// What a harmless system claims.
pub(crate) const CLAIMS: Claims = Claims {
    durability: DurabilityClass::InProcess,
    ack: AckMode::None,
    confirms: ConfirmMode::Confirmed,
    delay: Claimed::Native { early_by_at_most_ns: 0 },
    order: Order::None,
    cancel: true,
    retries: Retries::Native,
    resends: Resends::Noted,
    largest_body: 1 << 20,
};

/// A system of those claims; leaked, since a registry is static.
pub(crate) fn target(claims: Claims) -> Target {
    let profiles: &'static [Profile] = Box::leak(Box::new([Profile {
        name: "planted",
        summary: "exists only on the stage",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims,
    }]));
    let system = System {
        name: "stage",
        profiles,
        runtime: schedbench_contract::Runtime::Rust,
        comparable: Comparable::Always,
        second: |_| None,
        only_for_tests: true,
    };
    Target { system: Box::leak(Box::new(system)), profile: &profiles[0] }
}

/// Constant arrivals at `rate` for `seconds`, no warm-up, T = 2 s.
pub(crate) fn plan(rate: f64, seconds: u64) -> CellPlan {
    CellPlan {
        target: target(CLAIMS),
        repeat: 1,
        variant: None,
        load: Load::Open {
            spacing: Spacing::Constant,
            stages: vec![Rate { rate, duration_ns: seconds * S }],
        },
        seed: 7,
        warmup_ns: 0,
        horizon_ns: 2 * S,
        delay: Delay::None,
        body_bytes: 0,
        keys: 0,
        cancel_ppm: 0,
        handler: Handler::None,
        fail_ppm: 0,
        retry: Retry { max: 0, backoff_ns: S },
        faults: Vec::new(),
        commands: Vec::new(),
        trial: None,
        part: None,
    }
}

/// The same with other claims.
pub(crate) fn claiming(plan: CellPlan, change: impl FnOnce(&mut Claims)) -> CellPlan {
    let mut claims = plan.target.profile.claims;
    change(&mut claims);
    CellPlan { target: target(claims), ..plan }
}

/// The same of a system that is comparable only where tasks are delayed.
pub(crate) fn comparable_from(plan: CellPlan, by_at_least_ns: u64) -> CellPlan {
    let why = "it is fed through a pipe";
    let comparable = Comparable::Delayed { by_at_least_ns, why };
    let system = System { comparable, ..*plan.target.system };
    let target = Target { system: Box::leak(Box::new(system)), ..plan.target };
    CellPlan { target, ..plan }
}

/// A planned task, with absolute times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    pub(crate) id: TaskId,
    pub(crate) intended: u64,
    pub(crate) due: u64,
    pub(crate) key: Option<u32>,
    pub(crate) arrival: Arrival,
}

impl Planned {
    pub(crate) fn task(&self) -> Task<'static> {
        Task { id: self.id, intended: self.intended, due: self.due, key: self.key, body: &[] }
    }
}

/// One cell on the stage. Its fields are the evidence, to be bent at will.
pub(crate) struct Stage {
    pub(crate) plan: CellPlan,
    pub(crate) log: Recorder,
    pub(crate) probes_sent: u64,
    pub(crate) first_arrival: u64,
    pub(crate) arrivals: u64,
    pub(crate) window: Range<u64>,
    pub(crate) ended: u64,
    pub(crate) hand_overs: Vec<HandOver>,
    pub(crate) pacing: PacingSeen,
    pub(crate) proof: Proof,
    pub(crate) usage: Usage,
    pub(crate) host: Host,
    pub(crate) moments: Vec<Moment>,
    pub(crate) faults: Vec<Injected>,
    pub(crate) rested: Option<Rested>,
    pub(crate) cut_short: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) about: About,
}

pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits")
}

/// Whose answer is "I hold nothing".
pub(crate) fn empty() -> Backlog {
    Backlog { ready: Some(0), held: Some(0), scheduled: Some(0), retry: Some(0), dead: None }
}

impl Stage {
    /// A cell of that plan in which nothing has happened yet. The system says
    /// afterwards that it holds nothing.
    pub(crate) fn new(plan: CellPlan) -> Self {
        let arrivals = match plan.load {
            Load::Open { .. } => Arrivals::of(&plan).count() as u64,
            Load::InFlight { most_tasks, .. } => most_tasks,
            Load::Backlog { tasks } => tasks,
        };
        let start = START + plan.warmup_ns;
        let window = start..start + plan.load.window_ns();
        let ended = window.end + plan.drain_ns();
        let room = usize::try_from(arrivals).expect("fits") + 4;
        let log = Recorder::new(Ledger::new(CELL, room, EPOCH, ended - EPOCH + 60 * S));
        Self {
            log,
            probes_sent: 0,
            first_arrival: 4,
            arrivals,
            window,
            ended,
            hand_overs: Vec::new(),
            pacing: PacingSeen {
                how: Pacing::Grid,
                fifo: true,
                lateness: histogram(),
                back_pressure: histogram(),
                batches: 0,
                tasks: 0,
                pending_share: 0.0,
                submit_share: 0.0,
                spun_ns: 0,
            },
            proof: Proof::Asked(empty()),
            usage: Usage::default(),
            host: Host::default(),
            moments: Vec::new(),
            faults: Vec::new(),
            rested: None,
            cut_short: None,
            limits: Limits::default(),
            about: About::default(),
            plan,
        }
    }

    /// Its tasks, absolute.
    pub(crate) fn tasks(&self) -> Vec<Planned> {
        Arrivals::of(&self.plan)
            .map(|arrival| Planned {
                id: self.id(arrival.index),
                intended: START + arrival.intended,
                due: START + arrival.due,
                key: arrival.key,
                arrival,
            })
            .collect()
    }

    pub(crate) fn id(&self, index: u64) -> TaskId {
        TaskId::new(CELL, self.first_arrival + index)
    }

    /// Hands a task over `late` after it was intended, of which `pressed` is
    /// the system's back-pressure, and has it confirmed at once.
    pub(crate) fn hand_over(&mut self, task: &Planned, late: u64, pressed: u64) {
        self.offer(task, late, pressed);
        self.log.taken_and_confirmed(&task.task(), task.intended + late + pressed);
    }

    /// What the generator notes of a hand-over.
    pub(crate) fn offer(&mut self, task: &Planned, late: u64, pressed: u64) {
        if self.window.contains(&task.intended) {
            self.pacing.lateness.record(late).expect("grows");
            self.pacing.back_pressure.record(pressed).expect("grows");
            self.pacing.batches += 1;
            self.pacing.tasks += 1;
        }
    }

    /// A handler that took `length`.
    pub(crate) fn ran(&self, id: TaskId, start: u64, length: u64, ended: RunEnd) {
        self.log.ran(Run { id, start, end: start + length, ended });
    }

    /// Every task handed over in time; each then starts `latency` after it was
    /// due and runs 1 µs.
    pub(crate) fn run_all(&mut self, latency: impl Fn(&Planned) -> u64) {
        for task in self.tasks() {
            self.hand_over(&task, 1_000, 0);
            self.ran(task.id, task.due + latency(&task), 1_000, RunEnd::Done);
        }
    }

    pub(crate) fn judge(&self) -> Cell {
        let evidence = Evidence {
            plan: &self.plan,
            ledger: self.log.ledger(),
            probes_sent: self.probes_sent,
            first_arrival: self.first_arrival,
            arrivals: self.arrivals,
            start: START,
            window: self.window.clone(),
            ended: self.ended,
            hand_overs: self.hand_overs.clone(),
            pacing: self.pacing.clone(),
            proof: self.proof.clone(),
            usage: self.usage.clone(),
            host: self.host,
            moments: self.moments.clone(),
            faults: self.faults.clone(),
            rested: self.rested,
            cut_short: self.cut_short.clone(),
        };
        judge(&evidence, &self.limits, &self.about)
    }
}

/// A metric that must be there.
pub(crate) fn metric<'a>(cell: &'a Cell, name: &str) -> &'a Value {
    cell.metrics.get(name).unwrap_or_else(|| panic!("{name} is missing"))
}

/// The number of a metric, whatever its bound.
pub(crate) fn number(cell: &Cell, name: &str) -> f64 {
    metric(cell, name).number().unwrap_or_else(|| panic!("{name}: {:?}", metric(cell, name)))
}

/// Whether two numbers agree within a share of the second.
pub(crate) fn close(found: f64, expected: f64, share: f64) -> bool {
    (found - expected).abs() <= share * expected.abs()
}

/// Why a cell is not valid, or nothing.
pub(crate) fn why(cell: &Cell) -> &str {
    cell.validity.why().unwrap_or("")
}

/// Why a load was not held, or nothing.
pub(crate) fn broken(held: &Held) -> &str {
    match held {
        Held::No(why) | Held::NotJudged(why) => why,
        Held::Yes => "",
    }
}
