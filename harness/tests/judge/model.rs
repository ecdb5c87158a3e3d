//! Random histories: the judge's counts balance and are those of a naive
//! model that keeps a list of what happened to each task.

use proptest::prelude::*;
use schedbench::plan::CellPlan;
use schedbench::record::Proof;
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Backlog, Retry, RunEnd, TaskId, seeded};
use schedbench_reports::outcome::{Counts, Grid, WindowCounts};

use crate::stage::{CELL, MS, Planned, S, START, Stage, empty, plan};

const FAIL_PPM: u32 = 200_000;
const RETRIES: u32 = 1;

/// Something that happens to a task after it was handed over.
#[derive(Clone, Copy, Debug)]
enum Event {
    Confirmed,
    Refused,
    Unknown,
    SentAgain,
    Cancelled(bool),
    /// How the handler ended, and whether within T of due.
    Ran(RunEnd, bool),
}

#[derive(Clone, Debug)]
struct History {
    taken: bool,
    events: Vec<Event>,
}

fn event() -> impl Strategy<Value = Event> {
    let end = prop_oneof![
        6 => Just(RunEnd::Done),
        1 => Just(RunEnd::Corrupt),
        2 => Just(RunEnd::Failed),
        1 => Just(RunEnd::FailedFinally),
    ];
    prop_oneof![
        8 => Just(Event::Confirmed),
        2 => Just(Event::Refused),
        2 => Just(Event::Unknown),
        1 => Just(Event::SentAgain),
        1 => any::<bool>().prop_map(Event::Cancelled),
        8 => (end, prop::bool::weighted(0.8)).prop_map(|(end, in_time)| Event::Ran(end, in_time)),
    ]
}

fn history() -> impl Strategy<Value = History> {
    let taken = prop::bool::weighted(0.9);
    (taken, prop::collection::vec(event(), 0..6))
        .prop_map(|(taken, events)| History { taken, events })
}

fn staged() -> Stage {
    Stage::new(CellPlan {
        warmup_ns: 20 * MS,
        fail_ppm: FAIL_PPM,
        retry: Retry { max: RETRIES, backoff_ns: MS },
        ..plan(1_000.0, 1)
    })
}

/// Runs are short and their times far from T, so that the ledger's rounding
/// moves nothing across it.
fn run_start(task: &Planned, in_time: bool, place: usize) -> u64 {
    task.due + place as u64 * 500 + if in_time { MS } else { 3 * S }
}

fn play(stage: &Stage, task: &Planned, history: &History) {
    if history.taken {
        stage.log.taken(&task.task(), task.intended + 10);
    }
    for (place, event) in history.events.iter().enumerate() {
        let at = task.intended + 1_000 * (place as u64 + 1);
        match *event {
            Event::Confirmed => stage.log.confirmed(task.id, at),
            Event::Refused => stage.log.refused(task.id, Reason::Full, at),
            Event::Unknown => stage.log.unknown(task.id, Reason::Timeout, at),
            Event::SentAgain => stage.log.sent_again(task.id),
            Event::Cancelled(done) => stage.log.cancelled(task.id, done),
            Event::Ran(end, in_time) => {
                stage.ran(task.id, run_start(task, in_time, place), 100, end);
            }
        }
    }
}

/// What the model makes of one task, read off the list of events.
struct Told {
    row: Option<usize>,
    successes: u64,
    done: bool,
    dead: bool,
    cancelled: bool,
    ran: bool,
    corrupt: bool,
    failures: u64,
    planned_failures: u64,
    planned_dead: bool,
    sends: u64,
}

fn tell(task: &Planned, history: &History) -> Told {
    // Row 0 ok, 1 unknown, 2 fail; nothing heard and never taken: no row.
    let mut row = history.taken.then_some(1);
    let mut firm = false;
    let mut cancelled = false;
    let mut runs = Vec::new();
    for event in &history.events {
        match *event {
            Event::Confirmed if !firm => (row, firm) = (Some(0), true),
            Event::Refused if !firm => (row, firm) = (Some(2), true),
            Event::Unknown if !firm => row = Some(1),
            Event::Cancelled(done) => cancelled = done,
            Event::Ran(end, in_time) => runs.push((end, in_time)),
            _ => {}
        }
    }
    let succeeded = |end: RunEnd| matches!(end, RunEnd::Done | RunEnd::Corrupt);
    let planned = (0..=RETRIES)
        .take_while(|&attempt| seeded::attempt_fails(7, task.id, attempt, FAIL_PPM))
        .count() as u64;
    let ran = !runs.is_empty();
    Told {
        row,
        successes: runs.iter().filter(|run| succeeded(run.0)).count() as u64,
        done: runs.iter().find(|run| succeeded(run.0)).is_some_and(|run| run.1),
        dead: runs.iter().any(|run| run.0 == RunEnd::FailedFinally),
        cancelled,
        ran,
        corrupt: runs.iter().any(|run| run.0 == RunEnd::Corrupt),
        failures: runs.iter().filter(|run| !succeeded(run.0)).count() as u64,
        planned_failures: if ran { planned } else { 0 },
        planned_dead: planned == u64::from(RETRIES) + 1,
        sends: u64::from(history.taken)
            + history.events.iter().filter(|event| matches!(event, Event::SentAgain)).count()
                as u64,
    }
}

/// The model's counts, `may_hold` being what the system says it still has.
fn model(tasks: &[Planned], histories: &[History], may_hold: u64, window_start: u64) -> Counts {
    let mut counts = Counts { attempted: tasks.len() as u64, balances: true, ..Counts::default() };
    let mut grid = [[0u64; 3]; 3];
    let (mut missing, mut window_missing) = (0, 0);
    let mut window = WindowCounts::default();
    for (task, history) in tasks.iter().zip(histories) {
        let told = tell(task, history);
        let row = told.row.or((told.successes > 0).then_some(2));
        match row {
            None => counts.unsent += 1,
            Some(row) => grid[row][told.successes.min(2) as usize] += 1,
        }
        if told.successes > 1 {
            let again = &mut counts.again;
            let who = match (told.sends, told.failures) {
                (2.., _) => &mut again.sent_again,
                (1, 0) => &mut again.redelivered,
                _ => &mut again.not_told,
            };
            *who += 1;
        }
        let silent = told.row == Some(0) && told.successes == 0;
        counts.dead += u64::from(silent && told.dead);
        let is_missing = silent && !told.dead && !told.cancelled;
        missing += u64::from(is_missing);
        counts.cancelled += u64::from(told.cancelled && !told.ran);
        counts.cancelled_but_ran += u64::from(told.cancelled && told.ran);
        counts.repeated += told.successes.saturating_sub(1);
        counts.corrupt += u64::from(told.corrupt);
        counts.failed_attempts += told.failures;
        counts.planned_failures += told.planned_failures;
        if task.intended < window_start {
            continue;
        }
        window.intended += 1;
        match (told.row, &told) {
            (_, Told { planned_dead: true, .. }) => window.planned_dead += 1,
            (_, Told { cancelled: true, .. }) => window.cancelled += 1,
            (_, Told { done: true, .. }) => window.done += 1,
            (Some(0), _) if is_missing => window_missing += 1,
            (Some(0), _) => window.late += 1,
            (Some(1), _) => window.unknown += 1,
            (Some(_), _) => window.refused += 1,
            (None, _) => window.unsent += 1,
        }
    }
    window.lost = u64::saturating_sub(window_missing, may_hold);
    window.late += window_missing - window.lost;
    counts.lost = u64::saturating_sub(missing, may_hold);
    counts.residual = missing - counts.lost;
    counts.grid = Grid { ok: grid[0], unknown: grid[1], fail: grid[2] };
    counts.window = window;
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_balance_and_agree_with_the_model(
        some in prop::collection::vec(history(), 1..400),
        may_hold in prop_oneof![Just(0u64), 0u64..200],
        foreign in 0u64..5,
        leftovers in 0u64..5,
    ) {
        let mut stage = staged();
        let tasks = stage.tasks();
        // The histories repeat until every task has one.
        let histories: Vec<History> = some.iter().cycle().take(tasks.len()).cloned().collect();
        for (task, history) in tasks.iter().zip(&histories) {
            play(&stage, task, history);
        }
        for n in 0..foreign {
            stage.ran(TaskId::new(CELL + 1, n), START, 1, RunEnd::Done);
        }
        for n in 0..leftovers {
            stage.ran(TaskId::new(CELL - 1, n), START, 1, RunEnd::Failed);
        }
        stage.proof = Proof::Asked(Backlog { retry: Some(may_hold), ..empty() });
        // Late ends come 3 s after due.
        stage.ended += 10 * S;
        let cell = stage.judge();
        let expected = Counts {
            unexpected: foreign,
            leftovers,
            ..model(&tasks, &histories, may_hold, stage.window.start)
        };
        prop_assert_eq!(cell.counts, expected);
        let Counts { grid, unsent, attempted, window, .. } = cell.counts;
        prop_assert_eq!(grid.sum() + unsent, attempted);
        let parts = window.done + window.refused + window.unsent + window.unknown
            + window.late + window.lost + window.planned_dead + window.cancelled;
        prop_assert_eq!(parts, window.intended);
        let latency = &cell.histograms["start_latency"];
        let judged = window.intended - window.planned_dead - window.cancelled;
        prop_assert_eq!(latency.count + latency.at_infinity, judged);
        prop_assert_eq!(latency.count, window.done);
        prop_assert!(cell.validity.word() != "unbalanced", "{:?}", cell.validity);
    }
}
