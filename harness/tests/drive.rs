//! The generator against systems whose behaviour is known.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use schedbench::drive::{
    Driven, Ended, InFlightSetup, OpenSetup, drive_backlog, drive_in_flight, drive_open,
};
use schedbench::plan::{Arrivals, CellPlan, Delay, Load, Pacing, Spacing, Stage, Target};
use schedbench_adapters::{clock, find, visit_in_process};
use schedbench_contract::ledger::{Enqueue, Ledger};
use schedbench_contract::{
    Adapter, BodyPool, Endpoints, Fill, Handler, Launch, Recorder, Retry, Visit, Work, WorkersShape,
};

const SHAPE: WorkersShape =
    WorkersShape { processes: 1, concurrency: 2, prefetch: 64, connections: 1, window: 1_024 };
const SECOND: u64 = 1_000_000_000;

fn cell(system: &str, profile: &str, load: Load) -> CellPlan {
    let system = find(system).expect("a system of this build");
    let profile = system.profile(Some(profile)).expect("one of its profiles");
    CellPlan {
        target: Target { system, profile },
        repeat: 1,
        variant: None,
        load,
        seed: 7,
        warmup_ns: SECOND / 10,
        horizon_ns: SECOND,
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

fn open_loop(rate: f64) -> Load {
    let stages = vec![Stage { rate, duration_ns: SECOND }];
    Load::Open { spacing: Spacing::Poisson, stages }
}

struct Drive<'a> {
    plan: &'a CellPlan,
    hiccup: Option<(u64, u64)>,
}

impl Drive<'_> {
    fn work(&self, system: &str) -> Work {
        Work {
            system: system.into(),
            profile: self.plan.target.profile.name.into(),
            queue: "test".into(),
            cell: 1,
            index: 0,
            at: None,
            second: None,
            shape: SHAPE,
            seed: self.plan.seed,
            handler: self.plan.handler,
            fail_ppm: self.plan.fail_ppm,
            retry: self.plan.retry,
            body: Fill { seed: self.plan.seed, bytes: self.plan.body_bytes },
            write_each: false,
            options: std::collections::BTreeMap::default(),
        }
    }
}

impl Visit for Drive<'_> {
    type Out = (Driven, Recorder);

    fn visit<A: Adapter>(self) -> Self::Out {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let plan = self.plan;
        let at = Endpoints {
            producer: None,
            workers: None,
            control: None,
            second: None,
            prefix: "test".into(),
        };
        let open = A::open(&at, plan.target.profile, &SHAPE);
        let system = runtime.block_on(open).expect("in process");
        let room = match &plan.load {
            Load::Open { .. } => Arrivals::of(plan).count(),
            Load::InFlight { most_tasks, .. } => *most_tasks as usize,
            Load::Backlog { tasks } => *tasks as usize,
        };
        let log = Recorder::new(Ledger::new(1, room, clock::now(), 60 * SECOND));
        let work = self.work(A::NAME);
        let workers = system.workers(&work, log.clone()).expect("workers");
        let mut producer = runtime.block_on(system.producer(log.clone())).expect("a producer");
        let (bodies, stop) = (BodyPool::new(work.body), AtomicBool::new(false));
        let (opened, closed) = (AtomicU64::new(0), AtomicBool::new(false));
        let start = clock::now() + 10_000_000;
        let opens = start + plan.warmup_ns;
        let window = opens..opens + plan.load.window_ns();
        let base = OpenSetup {
            cell: 1,
            first_sequence: 0,
            start,
            deadline: match plan.load {
                Load::Open { .. } => window.end + plan.drain_ns(),
                Load::InFlight { .. } => plan.horizon_ns,
                Load::Backlog { .. } => start + plan.horizon_ns,
            },
            window,
            pacing: Pacing::Grid,
            fifo: false,
            bodies: &bodies,
            stop: &stop,
            log: &log,
            pulse: None,
            hiccup: self.hiccup,
        };
        let _context = runtime.enter();
        let driven = match &plan.load {
            Load::Open { .. } => drive_open(&base, Arrivals::of(plan), &mut producer),
            Load::InFlight { tasks, window_ns, most_tasks } => {
                let setup = InFlightSetup {
                    base,
                    tasks: *tasks,
                    warmup_ns: plan.warmup_ns,
                    window_ns: *window_ns,
                    most_tasks: *most_tasks,
                    opened: &opened,
                    closed: &closed,
                };
                drive_in_flight(&setup, &Arrivals::of(plan), &mut producer)
            }
            Load::Backlog { tasks } => {
                drive_backlog(&base, *tasks, &Arrivals::of(plan), &mut producer)
            }
        };
        let deadline = clock::now() + plan.drain_ns();
        while log.counts().finished + log.counts().refused < driven.taken && clock::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Launch::InProcess(workers) = workers {
            workers.stop();
        }
        (driven, log)
    }
}

fn drive(plan: &CellPlan, hiccup: Option<(u64, u64)>) -> (Driven, Recorder) {
    visit_in_process(plan.target.system.name, Drive { plan, hiccup }).expect("one of them")
}

#[test]
fn every_arrival_is_handed_over_once_and_confirmed() {
    let plan = cell("noop", "default", open_loop(20_000.0));
    let (driven, log) = drive(&plan, None);
    let arrivals = Arrivals::of(&plan).count();
    assert_eq!((driven.taken, &driven.ended), (arrivals as u64, &Ended::Complete));
    for sequence in 0..arrivals {
        let entry = log.ledger().entry(sequence);
        assert_eq!((entry.enqueue, entry.sends), (Enqueue::Confirmed, 1), "{sequence}");
        assert_eq!(entry.successes, 1, "{sequence}");
    }
    assert_eq!(driven.seen.tasks, driven.seen.lateness.len());
}

/// Drives again until it holds: for bounds from above on what a busy machine
/// adds to, in this second or that, and a generator that is wrong adds to every
/// time.
fn at_last(mut drive: impl FnMut() -> Result<(), String>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(why) = drive() {
        assert!(Instant::now() < deadline, "{why}");
    }
}

#[test]
fn a_generator_that_sleeps_is_late_and_the_system_is_not_blamed() {
    let plan = cell("noop", "default", open_loop(10_000.0));
    at_last(|| {
        let (driven, _) = drive(&plan, Some((SECOND / 10, 20_000_000)));
        let seen = &driven.seen;
        // Asleep for 20 ms in each 100 ms: about a fifth of all tasks are late.
        let late = seen.lateness.count_between(1_000_000, 1_000_000_000);
        let share = late as f64 / seen.tasks as f64;
        assert!(share >= 0.1, "{share}");
        assert!(seen.lateness.value_at_quantile(0.99) >= 15_000_000);
        assert!(seen.pending_share < 0.01, "{}", seen.pending_share);
        if share < 0.5 { Ok(()) } else { Err(format!("{share} of all are late")) }
    });
}

#[test]
fn a_generator_that_sleeps_long_is_late_in_every_batch_that_follows() {
    // 200 ms of each 500: 2,000 tasks of 5,000 come due meanwhile, and are
    // handed over in many batches.
    let plan = cell("noop", "default", open_loop(10_000.0));
    let (driven, _) = drive(&plan, Some((SECOND / 2, SECOND / 5)));
    let seen = &driven.seen;
    let late = seen.lateness.count_between(1_000_000, 1_000_000_000) as f64 / seen.tasks as f64;
    assert!(late >= 0.3, "{late}");
    // None of that is the system's.
    let pressed = seen.back_pressure.value_at_quantile(0.9);
    assert!(pressed < 50_000_000, "{pressed}");
}

#[test]
fn a_system_that_pends_is_blamed_and_the_generator_is_not() {
    // It takes nothing during 2 of every 10 ms. A generator that were blamed
    // for that would be late in all those tasks.
    let plan = cell("fake", "back-pressure", open_loop(10_000.0));
    at_last(|| {
        let (driven, _) = drive(&plan, None);
        let pressed = driven.seen.back_pressure.count_between(500_000, 1_000_000_000);
        let late = driven.seen.lateness.count_between(500_000, 1_000_000_000);
        assert!(pressed as f64 / driven.seen.tasks as f64 > 0.05, "{pressed}");
        assert!(driven.seen.pending_share > 0.05, "{}", driven.seen.pending_share);
        if late < pressed / 2 {
            return Ok(());
        }
        Err(format!("{late} late, {pressed} under back-pressure"))
    });
}

#[test]
fn in_flight_never_exceeds_n_and_turns_over() {
    let load = Load::InFlight { tasks: 500, window_ns: SECOND / 2, most_tasks: 2_000_000 };
    let plan = cell("wheel", "1ms", load);
    let (driven, log) = drive(&plan, None);
    assert_eq!(driven.ended, Ended::Complete);
    assert_eq!(log.counts().taken, driven.taken);
    assert!(driven.taken >= 1_500, "{}", driven.taken);
    let mut ends: Vec<u64> = (0..driven.taken as usize)
        .map(|sequence| log.ledger().entry(sequence).first_end.expect("it ran"))
        .collect();
    ends.sort_unstable();
    // A start and end stamp may stand for up to 16 tasks, so the ends known
    // at a hand-over are given that much room.
    for (place, hand_over) in driven.hand_overs.iter().enumerate() {
        let next = driven.hand_overs.get(place + 1).map_or(driven.taken, |next| next.first);
        let ended = ends.partition_point(|&end| end <= hand_over.at + 1_000_000) as u64;
        assert!(next.saturating_sub(ended) <= 500, "{hand_over:?}: {next} sent, {ended} ended");
    }
}

#[test]
fn a_backlog_is_handed_over_to_the_last_task_and_no_further() {
    let plan = cell("wheel", "1ms", Load::Backlog { tasks: 10_000 });
    let (driven, log) = drive(&plan, None);
    assert_eq!(driven.ended, Ended::Complete);
    let counts = log.counts();
    assert_eq!((driven.taken, counts.taken, counts.settled), (10_000, 10_000, 10_000));
    let firsts = || driven.hand_overs.iter().map(|batch| batch.first);
    assert_eq!(firsts().next(), Some(0));
    assert!(firsts().zip(firsts().skip(1)).all(|(one, next)| one < next && next - one <= 256));
}
