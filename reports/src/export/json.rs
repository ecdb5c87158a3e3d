//! A summary for scripts: what the analysis says, one object per row and per
//! cell, without histograms, series and texts. For all else there is
//! `result.json`.

mod backlog;
mod claims;
mod faults;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::{self, Analysis, Capacity, Figure, Group, Met, Mode, Objective, Spread};
use crate::outcome::{
    Again, Cell, Ended, Held, Limit, Load, Outcome, Series, Trial, Value, WindowCounts,
};
use crate::save::{indented, writable};

/// Version of this summary's keys: a key is added without a new one, and never
/// removed or given another meaning.
pub const FORMAT_VERSION: u32 = 1;

/// The summary as text, indented, with a newline at the end. Times are in
/// seconds, sizes in bytes, rates in tasks per second, failures a fraction of
/// one.
#[must_use]
pub fn json(outcome: &Outcome, analysis: &Analysis) -> String {
    let outcome = &*writable(outcome);
    let counts = &analysis.counts;
    let summary = Summary {
        format_version: FORMAT_VERSION,
        run: &outcome.run.id,
        scenario: &outcome.plan.scenario,
        started: &outcome.run.started,
        elapsed_s: outcome.run.elapsed_s,
        schedbench: &outcome.run.tool,
        commit: outcome.run.commit.as_deref(),
        plan_hash: &outcome.plan.hash,
        seed: outcome.plan.seed,
        ended: &outcome.ended,
        counts: Counts {
            planned: counts.planned,
            measured: counts.measured,
            valid: counts.valid,
            held: counts.held,
            unbalanced: counts.unbalanced.len(),
            errors: counts.errors.len(),
            invalid: counts.invalid.iter().map(|t| (t.word, t.cells.len())).collect(),
        },
        objectives: analysis.objectives.iter().map(objective).collect(),
        skipped: outcome.skipped.iter().map(|skipped| skipped.target.as_str()).collect(),
        window_s: analysis.window_s,
        horizon_s: analysis.horizon_s,
        verdict: analysis.verdict.iter().map(|sentence| sentence.text.as_str()).collect(),
        rows: analysis.groups.iter().flat_map(rows).collect(),
        guarantees: faults::guarantees(&analysis.faults),
        recoveries: faults::recoveries(&analysis.faults),
        backlogs: backlog::rows(&analysis.backlogs),
        scorecard: claims::scores(outcome, analysis.scorecard.as_ref()),
        claims: claims::claims(&analysis.claims),
        cells: outcome.cells.iter().map(row_of_cell).collect(),
    };
    indented(&summary)
}

/// The JSON schema of the summary, which describes each key.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Summary<'_>).to_value()
}

/// What one run found, for scripts. Times are in seconds, sizes in bytes,
/// rates in tasks per second, failures a fraction of one.
#[derive(Serialize, JsonSchema)]
struct Summary<'a> {
    /// Version of these keys: keys are added without a new one, and never
    /// removed or given another meaning.
    format_version: u32,
    /// The run's id.
    run: &'a str,
    /// The scenario's name.
    scenario: &'a str,
    /// Start, RFC 3339.
    started: &'a str,
    /// Seconds from start to end.
    elapsed_s: f64,
    /// Version of schedbench.
    schedbench: &'a str,
    /// Commit it was built from.
    commit: Option<&'a str>,
    /// What decides the measurement; runs with the same one may be compared.
    plan_hash: &'a str,
    /// Seed of arrivals, order, bodies and failures.
    seed: u64,
    /// `complete`, `running`, or an object with the reason.
    ended: &'a Ended,
    /// How many cells count.
    counts: Counts,
    /// What was demanded of each system; empty when nothing was.
    objectives: Vec<ObjectiveRow<'a>>,
    /// Targets that were asked for and left out.
    skipped: Vec<&'a str>,
    /// D, where all cells share it.
    window_s: Option<f64>,
    /// T, where all cells share it.
    horizon_s: Option<f64>,
    /// Sentences in plain text.
    verdict: Vec<&'a str>,
    /// One per system and profile in each class, as the tables show them.
    rows: Vec<Row<'a>>,
    /// One per system, profile, fault and load: what was promised and seen.
    guarantees: Vec<faults::GuaranteeRow<'a>>,
    /// One per system, profile, fault and load: how long it took.
    recoveries: Vec<faults::RecoveryRow<'a>>,
    /// What became of backlogs.
    backlogs: Vec<backlog::BacklogRow<'a>>,
    /// The scorecard: one per item, metric, load or fault, and system.
    scorecard: Vec<claims::ScoreRow<'a>>,
    /// Published claims beside what was measured.
    claims: Vec<claims::ClaimRow<'a>>,
    /// One per cell, in the order in which they ran.
    cells: Vec<CellRow<'a>>,
}

/// How many cells count.
#[derive(Serialize, JsonSchema)]
struct Counts {
    /// Cells that the plan held.
    planned: u32,
    /// Cells that were run.
    measured: usize,
    /// Cells that may be ranked.
    valid: usize,
    /// Valid cells whose load was held.
    held: usize,
    /// Cells whose ledger does not balance.
    unbalanced: usize,
    /// Cells that ended in an error.
    errors: usize,
    /// Cells that are not valid, by their verdict.
    invalid: BTreeMap<&'static str, usize>,
}

/// What was demanded of one system.
#[derive(Serialize, JsonSchema)]
struct ObjectiveRow<'a> {
    /// `system/profile`, with its variant where there is one.
    target: &'a str,
    /// What was demanded, in words.
    demand: &'a str,
    /// Whether it was met; null where no valid cell says.
    met: Option<bool>,
    /// Why it was not, or why that is not known.
    why: Option<&'a str>,
    /// What was seen where it was met.
    seen: Option<&'a str>,
}

fn objective(objective: &Objective) -> ObjectiveRow<'_> {
    let (met, why) = match &objective.met {
        Met::Yes => (Some(true), None),
        Met::No(why) => (Some(false), Some(why.as_str())),
        Met::Unknown(why) => (None, Some(why.as_str())),
    };
    let seen = why.is_none().then_some(objective.seen.as_str());
    ObjectiveRow { target: &objective.target, demand: &objective.demand, met, why, seen }
}

/// One system and profile in one class.
#[derive(Serialize, JsonSchema)]
struct Row<'a> {
    /// The class in words; rows are comparable inside one class, mode and
    /// variant only.
    class: String,
    /// `open` or `in-flight`.
    mode: &'static str,
    /// What else differs between rows of one class, as in `delay 10 ms`.
    variant: Option<&'a str>,
    /// Name of the system.
    system: &'a str,
    /// Name of the profile.
    profile: &'a str,
    /// The server and its version; empty in process.
    version: &'a str,
    /// Why it is shown and not ranked, where it is not comparable.
    not_comparable: Option<&'a str>,
    /// The worker's runtime.
    worker_runtime: &'a str,
    /// From 1, shared inside the noise; null for `noop` and what held nothing.
    rank: Option<usize>,
    /// The highest load held.
    capacity: Bracket<'a>,
    /// The highest load that all in the class hold; `p99`, `cpu` and `pss` are
    /// taken there.
    common_load: Option<Load>,
    /// Which latency `p99` is of: `start_latency` or `firing_error`.
    latency: &'a str,
    /// P99 of that latency at the common load.
    p99: Number<'a>,
    /// Failure rate at 10,000 tasks per second.
    failed_10k: Number<'a>,
    /// Failure rate at 100,000 tasks per second.
    failed_100k: Number<'a>,
    /// CPU-seconds per million tasks.
    cpu: Number<'a>,
    /// Memory of the system, its share of what is shared.
    pss: Number<'a>,
    /// One per load.
    points: Vec<Point<'a>>,
}

/// The highest rate held and the lowest above it that was not; null where no
/// such rate was tried.
#[derive(Serialize, JsonSchema)]
struct Bracket<'a> {
    /// Highest rate held.
    held: Option<f64>,
    /// Lowest rate above it that was not.
    failed: Option<f64>,
    /// Why nothing is known.
    unknown: Option<&'a str>,
}

/// All repeats of one load.
#[derive(Serialize, JsonSchema)]
struct Point<'a> {
    /// The load.
    load: Load,
    /// Repeats that count.
    repeats: usize,
    /// Whether any repeat may be ranked.
    valid: bool,
    /// Held in every valid repeat; null when none answers.
    held: Option<bool>,
    /// Tasks done per second.
    throughput: Number<'a>,
    /// Median of the row's latency.
    p50: Number<'a>,
    /// P99 of the row's latency.
    p99: Number<'a>,
    /// Failure rate.
    failed: Number<'a>,
}

/// A figure: `{"is": 0.0062}`, `{"at-least": 2.0}`, `{"not-measured": "…"}`,
/// with the 95 % interval of five repeats or more, or else their range, and with
/// the verdict's word where it may not be ranked.
#[derive(Serialize, JsonSchema)]
struct Number<'a> {
    #[serde(flatten)]
    value: &'a Value,
    /// 95 % interval of five repeats or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<(f64, f64)>,
    /// Smallest and largest of fewer repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<(f64, f64)>,
    /// The verdict's word where no cell of it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_valid: Option<&'static str>,
}

/// One cell.
#[derive(Serialize, JsonSchema)]
struct CellRow<'a> {
    /// Number of the cell.
    cell: u32,
    /// Name of the system.
    system: &'a str,
    /// Name of the profile.
    profile: &'a str,
    /// The load.
    load: Load,
    /// What else differs between cells of one load.
    variant: Option<&'a str>,
    /// The fault injected.
    fault: Option<&'a str>,
    /// The scenario's trial that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<&'a str>,
    /// Which repeat, from 1.
    repeat: u32,
    /// The verdict's word.
    validity: &'static str,
    /// Why it is not valid.
    why: Option<&'a str>,
    /// Null where the question has no answer.
    held: Option<bool>,
    /// Seconds from the run's start to the cell's.
    started_s: f64,
    /// Who limited the rate, and why that is said.
    limit: &'a Limit,
    /// Whether the ledger balances.
    balances: bool,
    /// Confirmed, not completed, and proved absent.
    lost: u64,
    /// Completions after the first.
    repeated: u64,
    /// Tasks that completed more than once, by who did it.
    again: Again,
    /// What became of each fault that was done to it, as in `result.json`,
    /// without its series.
    trials: Vec<Trial>,
    /// Starts before the due time.
    early: u64,
    /// What became of the window's tasks.
    window: &'a WindowCounts,
    /// By name, as in `result.json`.
    metrics: &'a BTreeMap<String, Value>,
}

fn rows(group: &Group) -> Vec<Row<'_>> {
    group
        .rows
        .iter()
        .map(|row| Row {
            class: group.class.title(),
            mode: match group.mode {
                Mode::Open => "open",
                Mode::InFlight => "in-flight",
            },
            variant: group.variant.as_deref(),
            system: &row.system,
            profile: &row.profile,
            version: &row.version,
            not_comparable: row.not_comparable.as_deref(),
            worker_runtime: &row.runtime,
            rank: row.rank.map(|rank| rank.place),
            capacity: bracket(&row.capacity),
            common_load: group.common_load,
            latency: group.latency,
            p99: number(&row.p99, row.not_valid),
            failed_10k: number(&row.failed_10k, not_valid_at(row, 10e3)),
            failed_100k: number(&row.failed_100k, not_valid_at(row, 100e3)),
            cpu: number(&row.cpu, row.not_valid),
            pss: number(&row.pss, row.not_valid),
            points: row.points.iter().map(point).collect(),
        })
        .collect()
}

fn bracket(capacity: &Capacity) -> Bracket<'_> {
    let (held, failed, unknown) = match capacity {
        Capacity::Is { held, failed } | Capacity::Between { held, failed } => {
            (Some(*held), Some(*failed), None)
        }
        Capacity::AtLeast(held) => (Some(*held), None, None),
        Capacity::NotHeld(failed) => (None, Some(*failed), None),
        Capacity::Unknown(why) => (None, None, Some(why.as_str())),
    };
    Bracket { held, failed, unknown }
}

fn point(point: &analysis::Point) -> Point<'_> {
    let number = |figure| number(figure, point.not_valid());
    Point {
        load: point.load,
        repeats: point.n(),
        valid: point.is_valid(),
        held: point.held,
        throughput: number(&point.throughput),
        p50: number(&point.p50),
        p99: number(&point.p99),
        failed: number(&point.failure),
    }
}

/// The failure rates are of loads of their own.
fn not_valid_at(row: &analysis::Row, rate: f64) -> Option<&'static str> {
    row.at(Load::Rate(rate)).and_then(analysis::Point::not_valid)
}

fn number<'a>(figure: &'a Figure, not_valid: Option<&'static str>) -> Number<'a> {
    let (interval, range) = match figure.spread {
        Some(Spread::Interval(low, high)) => (Some((low, high)), None),
        Some(Spread::Range(low, high)) => (None, Some((low, high))),
        None => (None, None),
    };
    Number { value: &figure.value, interval, range, not_valid }
}

fn row_of_cell(cell: &Cell) -> CellRow<'_> {
    CellRow {
        cell: cell.number,
        system: &cell.key.system,
        profile: &cell.key.profile,
        load: cell.key.load,
        variant: cell.key.variant.as_deref(),
        fault: cell.key.fault.as_deref(),
        trial: cell.key.trial.as_deref(),
        repeat: cell.key.repeat,
        validity: cell.validity.word(),
        why: cell.validity.why(),
        held: match cell.held {
            Held::Yes => Some(true),
            Held::No(_) => Some(false),
            Held::NotJudged(_) => None,
        },
        started_s: cell.started_s,
        limit: &cell.limit,
        balances: cell.counts.balances,
        lost: cell.counts.lost,
        repeated: cell.counts.repeated,
        again: cell.counts.again,
        trials: cell.trials.iter().map(without_series).collect(),
        early: cell.counts.early,
        window: &cell.counts.window,
        metrics: &cell.metrics,
    }
}

fn without_series(trial: &Trial) -> Trial {
    Trial { series: Series::default(), ..trial.clone() }
}
