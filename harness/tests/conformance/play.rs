//! Cells as a run plays them, judged.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use schedbench::judge::{self, About, Limits};
use schedbench::plan::{Arrival, Arrivals, CellPlan, Delay, Load, Pacing, Spacing, Stage, Target};
use schedbench::record::{Evidence, Host, Proof, Usage};
use schedbench::run::{self, PROBE_ROOM, Rehearsal, RunCell};
use schedbench_contract::ledger::Entry;
use schedbench_contract::{
    AckMode, Backlog, ConfirmMode, Endpoints, Handler, Recorder, Retry, TaskId, WorkersShape,
};
use schedbench_reports::outcome::{Cell, Value};

use crate::stage::{HARNESS, nothing_is_left, on_stage};
use crate::{MS, S};

/// Workers and connections of all checks.
pub(crate) const SHAPE: WorkersShape =
    WorkersShape { processes: 2, concurrency: 4, prefetch: 256, connections: 2, window: 4_096 };

/// Numbers of cells, so that a leftover of one is none of another's tasks.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The number of the next cell.
pub(crate) fn next_number() -> u32 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A cell of exactly `count` tasks, evenly spaced.
pub(crate) fn plan(target: Target, count: u64, rate: u64) -> CellPlan {
    let gap = S / rate;
    let stages = vec![Stage { rate: rate as f64, duration_ns: count * gap + gap / 2 }];
    CellPlan {
        target,
        repeat: 1,
        variant: None,
        load: Load::Open { spacing: Spacing::Constant, stages },
        seed: 7,
        warmup_ns: 0,
        horizon_ns: 300 * MS,
        delay: Delay::None,
        body_bytes: 100,
        keys: 0,
        cancel_ppm: 0,
        handler: Handler::None,
        fail_ppm: 0,
        retry: Retry { max: 0, backoff_ns: 0 },
        faults: Vec::new(),
        commands: Vec::new(),
        trial: None,
        part: None,
    }
}

/// What a check may change about how a cell is played.
#[derive(Clone, Debug)]
pub(crate) struct Staging {
    pub(crate) shape: WorkersShape,
    pub(crate) hiccup: Option<(u64, u64)>,
    /// Off where something is planned to be missing.
    pub(crate) patient: bool,
    pub(crate) limits: Limits,
    /// The cell's number, where a check has to know it before.
    pub(crate) number: Option<u32>,
}

impl Default for Staging {
    fn default() -> Self {
        Self { shape: SHAPE, hiccup: None, patient: true, limits: Limits::default(), number: None }
    }
}

/// A cell that was played.
pub(crate) struct Played {
    pub(crate) plan: CellPlan,
    pub(crate) log: Recorder,
    pub(crate) probes: u64,
    pub(crate) start: u64,
    pub(crate) taken: u64,
    pub(crate) hand_overs: Vec<schedbench::record::HandOver>,
    pub(crate) backlog: Backlog,
    pub(crate) cell: Cell,
}

impl Deref for Played {
    type Target = schedbench_reports::outcome::Counts;

    fn deref(&self) -> &Self::Target {
        &self.cell.counts
    }
}

/// Plays a cell on a stage of its own.
pub(crate) fn play(plan: &CellPlan, staging: &Staging) -> Played {
    on_stage(plan.target, |stage| play_on(stage, plan, staging))
}

/// Plays a cell and looks what it left behind.
pub(crate) fn play_on(stage: &mut run::Stage<'_>, plan: &CellPlan, staging: &Staging) -> Played {
    let number = staging.number.unwrap_or_else(next_number);
    let address = stage.address();
    let cell = RunCell {
        plan,
        number,
        shape: staging.shape,
        pacing: Pacing::Grid,
        at: Endpoints {
            producer: address.clone(),
            workers: address.clone(),
            control: address,
            second: stage.second_address(),
            prefix: format!("schedbench.test.{number}"),
        },
        roads: run::Roads::default(),
        stage,
        held_before: 0,
        rehearsal: Rehearsal {
            program: Some(HARNESS.into()),
            hiccup: staging.hiccup,
            patience_ns: if staging.patient { 60 * S } else { 0 },
        },
    };
    let seen = cell.run().expect("a system of this build");
    let seen = seen.unwrap_or_else(|error| {
        panic!("{}: {}\n{}", plan.target.name(), error.message, error.log.join("\n"))
    });
    nothing_is_left(stage, plan.target);
    let Proof::Asked(backlog) = seen.proof else { panic!("not asked: {:?}", seen.proof) };
    let evidence = Evidence {
        plan,
        ledger: seen.log.ledger(),
        probes_sent: seen.probes_sent,
        first_arrival: PROBE_ROOM,
        arrivals: seen.arrivals,
        start: seen.start,
        window: seen.driven.window.clone(),
        ended: seen.ended,
        hand_overs: seen.driven.hand_overs.clone(),
        pacing: seen.driven.seen.clone(),
        proof: seen.proof,
        // What others did on this machine, and how busy it was, is no
        // finding about the system.
        usage: Usage::default(),
        host: Host::default(),
        moments: seen.moments,
        faults: seen.injected,
        rested: seen.rested,
        cut_short: seen.cut_short.map(|error| error.message),
    };
    let about = About { number, shape: Some(staging.shape), ..About::default() };
    let cell = judge::judge(&evidence, &staging.limits, &about);
    Played {
        plan: plan.clone(),
        probes: seen.probes_sent,
        start: seen.start,
        taken: seen.driven.taken,
        hand_overs: seen.driven.hand_overs,
        backlog,
        cell,
        log: seen.log,
    }
}

impl Played {
    /// Sequence numbers of everything that was sent.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = u64> {
        (0..self.probes).chain(PROBE_ROOM..PROBE_ROOM + self.taken)
    }

    /// The id of a sequence number.
    pub(crate) fn id(&self, sequence: u64) -> TaskId {
        TaskId::new(self.log.ledger().cell(), sequence)
    }

    /// Each arrival of an open loop, and what the ledger has of it. Its times
    /// are monotonic.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = (Arrival, Entry)> {
        Arrivals::of(&self.plan).map(|arrival| {
            let entry = self.log.ledger().entry((PROBE_ROOM + arrival.index) as usize);
            let (intended, due) = (self.start + arrival.intended, self.start + arrival.due);
            (Arrival { intended, due, ..arrival }, entry)
        })
    }

    /// A figure of the judge's; for one that the generator's own lateness
    /// blurs, the bound that it reads.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        match self.cell.metrics.get(name) {
            Some(Value::Is(value) | Value::AtMost(value)) => *value,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// What the enqueues came to, and why: how often each.
    fn reasons(&self) -> String {
        let mut counts = BTreeMap::<String, u64>::new();
        for sequence in self.sequences() {
            let entry = self.log.ledger().entry(sequence as usize);
            *counts.entry(format!("{:?} {:?}", entry.enqueue, entry.reason)).or_default() += 1;
        }
        format!("{counts:?}")
    }

    /// Of the tasks that died, those that the judge counts so: the confirmed
    /// ones. An unconfirmed one that did not complete stays unknown.
    pub(crate) fn counted_as_dead(&self, died: u64) -> u64 {
        match self.plan.target.profile.claims.confirms {
            ConfirmMode::Confirmed => died,
            ConfirmMode::Unconfirmed => 0,
        }
    }

    /// That `arrivals` tasks and the probes are all accounted for: confirmed,
    /// and run once but for the dead and the cancelled. The system's own
    /// counts agree.
    pub(crate) fn balances(&self, arrivals: u64, dead: u64, cancelled: u64) {
        let attempted = self.probes + arrivals;
        let nothing_else = dead + cancelled;
        let name = self.plan.target.name();
        assert!(self.cell.counts.balances, "{name}: {:?} {:?}", self.cell.validity, **self);
        assert_eq!(self.attempted, attempted, "{name}");
        let claims = &self.plan.target.profile.claims;
        // Without a lock, or with one that is forgotten when a task ends, others
        // run it too.
        let unlocked = matches!(claims.ack, AckMode::Unlocked | AckMode::Locked);
        // gocron takes an interval job out in a loop of its own, and runs it again
        // where that loop is an interval behind (decision 0021): 3 of 20,000 on a
        // busy machine, one of them a third time.
        let lags = name == "gocron/interval";
        let may_repeat = unlocked || lags;
        let again = self.grid.ok[2] + self.grid.unknown[2];
        let twice = if may_repeat { again } else { 0 };
        assert!(claims.ack != AckMode::Locked || twice > 0, "{name} runs some tasks twice");
        let runs = [nothing_else, attempted - nothing_else - twice, twice];
        // Where nobody vouches for a task its fate is its run.
        let [ok, unknown] = match claims.confirms {
            ConfirmMode::Confirmed => [runs, [0; 3]],
            ConfirmMode::Unconfirmed => [[0; 3], runs],
        };
        let why = self.reasons();
        assert_eq!((self.grid.ok, self.grid.unknown), (ok, unknown), "{name}: {why} {:?}", **self);
        assert_eq!((self.grid.fail, self.unsent), ([0; 3], 0), "{name}");
        assert_eq!((self.lost, self.residual), (0, 0), "{name}");
        if lags {
            assert!(twice <= self.repeated && self.repeated <= attempted / 100, "{name}");
        } else {
            assert_eq!(self.repeated, twice, "{name}");
        }
        assert_eq!((self.unexpected, self.leftovers, self.corrupt), (0, 0, 0), "{name}");
        assert_eq!((self.dead, self.cancelled), (self.counted_as_dead(dead), cancelled), "{name}");
        assert_eq!(self.cancelled_but_ran, 0, "{name}");
        assert_eq!(self.backlog.outstanding(), 0, "{name}: {:?}", self.backlog);
        assert_eq!(self.backlog.dead.unwrap_or(dead), dead, "{name}");
    }
}
