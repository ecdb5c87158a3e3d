//! The tables: who holds what, firing errors, throughput in flight, faults.

use schedbench_contract::DurabilityClass;

use super::{ALWAYS, Head, Line, NONE, NOT_RANKED, Table, backlog, faults, plain};
use crate::analysis::{Analysis, Figure, Group, Mode, Point, Row};
use crate::metrics::Unit;
use crate::numbers::{self, Medium};
use crate::outcome::{Load, Outcome, Value};

/// All tables of a run: faults, backlogs, classes, delays, in flight.
pub(crate) fn tables(outcome: &Outcome, analysis: &Analysis) -> Vec<Table> {
    let groups = &analysis.groups;
    let undelayed = |group: &&Group| group.mode == Mode::Open && !is_delayed(group);
    let mut tables = faults::tables(&analysis.faults);
    tables.extend(backlog::tables(&analysis.backlogs));
    tables.extend(groups.iter().filter(undelayed).map(open));
    tables.extend(delayed(outcome, groups));
    tables.extend(groups.iter().filter(|group| group.mode == Mode::InFlight).map(in_flight));
    tables
}

/// Whether a group is about delayed tasks.
fn is_delayed(group: &Group) -> bool {
    group.mode == Mode::Open && group.latency == "firing_error"
}

pub(super) fn head(title: impl Into<String>, need: u8) -> Head {
    Head { title: title.into(), need }
}

/// One class under open load: capacity, P99 at the load all hold, failures at
/// two loads, cost.
fn open(group: &Group) -> Table {
    let p99 =
        group.common_load.map_or_else(|| "P99".to_owned(), |at| format!("P99 at {}", short(at)));
    let failed_at = failure_loads(group);
    let mut heads = vec![head("system", ALWAYS), head("capacity", ALWAYS), head(p99, 60)];
    for (place, at) in failed_at.iter().enumerate() {
        let words = if place == 0 { "failed @" } else { "@" };
        heads.push(head(format!("{words}{}", short(*at)), 50 - place as u8));
    }
    heads.extend([head("CPU-s/M", 40), head("PSS", 30), head("limit", 35)]);
    let lines = group.rows.iter().map(|row| {
        let of_row = |figure: &Figure, unit: Unit| own(figure, unit, row.not_valid);
        let mut cells =
            vec![plain(&row.label), plain(&row.capacity.text()), of_row(&row.p99, Unit::Seconds)];
        cells.extend(failed_at.iter().map(|at| at_load(row, *at, |p| &p.failure, Unit::Fraction)));
        cells.push(of_row(&row.cpu, Unit::CpuSecondsPerMillion));
        cells.push(of_row(&row.pss, Unit::Bytes));
        cells.push(row.beyond().map_or_else(
            || NONE.to_owned(),
            |point| format!("{} @{}", point.limit.word(), short(point.load)),
        ));
        line(row, cells, note(group, row))
    });
    Table { title: plain(&group.title()), heads, lines: lines.collect(), splits: false }
}

/// 10k/s and 100k/s where they were tried, so that every ramp reads alike;
/// otherwise the load that all hold and the highest one.
fn failure_loads(group: &Group) -> Vec<Load> {
    let tried: Vec<Load> =
        group.rows.iter().flat_map(|row| row.points.iter().map(|point| point.load)).collect();
    let usual = |rate: f64| tried.contains(&Load::Rate(rate)).then_some(Load::Rate(rate));
    let highest = tried.iter().copied().max_by(|a, b| a.amount().total_cmp(&b.amount()));
    let first = usual(10e3).or(group.common_load).or(highest);
    let second = usual(100e3).or(highest).filter(|second| Some(*second) != first);
    first.into_iter().chain(second).collect()
}

fn line(row: &Row, cells: Vec<String>, note: String) -> Line {
    Line { cells, note, quiet: row.is_noop() }
}

/// `redis 7.0.15 (2022), worker Rust`; what runs in this process has no worker,
/// what keeps its tasks in memory in a program of another runtime has one.
fn note(group: &Group, row: &Row) -> String {
    let mut words = Vec::new();
    if !row.version.is_empty() {
        words.push(plain(&row.version));
    }
    let is_here = group.class.durability == DurabilityClass::InProcess && row.runtime == "Rust";
    if !is_here && !row.runtime.is_empty() {
        words.push(format!("worker {}", plain(&row.runtime)));
    }
    if let Some(gap) = row.gap() {
        words.push(format!("not held at {} below its capacity", numbers::load(gap.load)));
    }
    if let Some(why) = &row.not_comparable {
        words.push(format!("not comparable: {}", plain(why)));
    }
    words.join(", ")
}

/// A figure in a narrow cell.
fn figure(figure: &Figure, unit: Unit) -> String {
    value(&figure.value, unit)
}

/// A figure, marked where what it is of is not valid.
pub(super) fn own(of: &Figure, unit: Unit, not_valid: Option<&str>) -> String {
    let text = figure(of, unit);
    if not_valid.is_none() || text == NONE { text } else { text + NOT_RANKED }
}

fn value(value: &Value, unit: Unit) -> String {
    match value {
        Value::NotMeasured(why) if why == "not held" => "not held".to_owned(),
        Value::NotMeasured(_) => NONE.to_owned(),
        other => numbers::short(other, unit, Medium::Terminal),
    }
}

fn at_load(row: &Row, load: Load, pick: fn(&Point) -> &Figure, unit: Unit) -> String {
    row.at(load).map_or_else(|| NONE.to_owned(), |point| marked(point, pick(point), unit))
}

fn marked(point: &Point, of: &Figure, unit: Unit) -> String {
    let text = figure(of, unit);
    if point.is_valid() || text == NONE { text } else { text + NOT_RANKED }
}

/// A load in a head: `50k`.
fn short(load: Load) -> String {
    numbers::amount(load.amount(), Unit::Tasks, Medium::Terminal)
}

/// Firing errors of delayed tasks: one table per class, a row per system,
/// delay and load.
fn delayed(outcome: &Outcome, groups: &[Group]) -> Vec<Table> {
    let mut titles: Vec<String> = Vec::new();
    for group in groups.iter().filter(|group| is_delayed(group)) {
        let title = group.class.title();
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let table = |title: &String| {
        let own = groups.iter().filter(|group| is_delayed(group) && group.class.title() == *title);
        let lines = own.flat_map(|group| {
            group.rows.iter().flat_map(move |row| {
                row.points.iter().map(move |point| firing_error(outcome, group, row, point))
            })
        });
        let heads = vec![
            head("system", ALWAYS),
            head("variant", ALWAYS),
            head("load", 70),
            head("P50", 50),
            head("P99", 60),
            head("early", 55),
            head("failed", 40),
        ];
        let title = plain(&format!("{title}: firing error"));
        Table { title, heads, lines: lines.collect(), splits: false }
    };
    titles.iter().map(table).collect()
}

fn firing_error(outcome: &Outcome, group: &Group, row: &Row, point: &Point) -> Line {
    let cells = point.counted.iter().filter_map(|index| outcome.cells.get(*index));
    let early = cells.fold(0_u64, |sum, cell| sum.saturating_add(cell.counts.early));
    let cells = vec![
        plain(&row.label),
        plain(group.variant.as_deref().unwrap_or(NONE)),
        numbers::load(point.load),
        marked(point, &point.p50, Unit::Seconds),
        marked(point, &point.p99, Unit::Seconds),
        numbers::whole(early),
        marked(point, &point.failure, Unit::Fraction),
    ];
    line(row, cells, String::new())
}

/// Throughput against tasks in flight. Latency there is Little's law and is
/// not shown.
fn in_flight(group: &Group) -> Table {
    let mut loads: Vec<Load> = Vec::new();
    for point in group.rows.iter().flat_map(|row| &row.points) {
        if !loads.contains(&point.load) {
            loads.push(point.load);
        }
    }
    loads.sort_by(|a, b| a.amount().total_cmp(&b.amount()));
    let mut heads = vec![head("system", ALWAYS)];
    heads.extend(loads.iter().map(|at| head(short(*at), ALWAYS)));
    let lines = group.rows.iter().map(|row| {
        let mut cells = vec![plain(&row.label)];
        cells.extend(loads.iter().map(|at| at_load(row, *at, |p| &p.throughput, Unit::PerSecond)));
        line(row, cells, note(group, row))
    });
    let title = plain(&format!("{}: throughput against tasks in flight", group.title()));
    Table { title, heads, lines: lines.collect(), splits: true }
}
