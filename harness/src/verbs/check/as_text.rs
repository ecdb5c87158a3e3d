use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use schedbench_contract::{Broker, Handler, Topology};

use super::trials;
use crate::plan::{Block, CellPlan, Deed, Estimate, Load, Pacing, Plan, Resolved, Spacing, Step};
use crate::scenario::{Bytes, Count, Fraction, Nanos, Rate, wrapped};

/// The run in a line: systems, loads, repeats, cells and time.
#[must_use]
pub fn headline(plan: &Plan) -> String {
    let estimate = Estimate::of(plan);
    let mut targets: Vec<String> = plan.blocks.iter().map(|block| block.target.name()).collect();
    targets.sort();
    targets.dedup();
    // A backlog is measured without it.
    let has_noop = targets.iter().any(|name| name.starts_with("noop/"));
    let others = targets.len().saturating_sub(usize::from(has_noop)) as u64;
    let searches = plan
        .blocks
        .iter()
        .any(|block| block.steps.iter().any(|step| matches!(step, Step::Search(_))));
    let cells = if searches {
        format!("at most {} cells", estimate.cells)
    } else {
        plural(estimate.cells, "cell")
    };
    let systems = match others {
        0 => "noop".to_owned(),
        others if has_noop => format!("noop + {}", plural(others, "system")),
        others => plural(others, "system"),
    };
    let loads = loads_in_words(plan);
    // How long a drain takes is what a trial is about.
    let time = match trials::of(plan).as_slice() {
        [] if searches => format!("at most {}", length(estimate.measuring_ns)),
        [] => format!("about {}", length(estimate.measuring_ns)),
        _ => format!("{} to {}", length(estimate.least_ns), length(estimate.measuring_ns)),
    };
    format!(
        "{}: {systems}{loads} × {} = {cells} in {}, {time} of measuring   seed {}",
        plan.source.name,
        plural(u64::from(plan.repeats), "repeat"),
        plural(plan.blocks.len() as u64, "block"),
        plan.seed,
    )
}

/// ` × 6 loads`, where cells differ in nothing else, and the trials, of which
/// not every system has all.
fn loads_in_words(plan: &Plan) -> String {
    if !plan.parts.is_empty() {
        return format!(" in {}", plural(plan.parts.len() as u64, "part"));
    }
    match trials::of(plan).len() {
        0 => {}
        trials => return format!(" in {}", plural(trials as u64, "trial")),
    }
    let Some(block) = plan.blocks.last() else { return String::new() };
    // Where something is hurt each load is a block of its own.
    let alike =
        |other: &&Block| (other.repeat, other.target.name()) == (block.repeat, block.target.name());
    let steps: Vec<&Step> = plan.blocks.iter().filter(alike).flat_map(|it| &it.steps).collect();
    let of_loads = steps.iter().filter(|step| match step {
        Step::Cell(cell) => cell.variant.is_none(),
        Step::AtCapacity { cell, .. } => cell.is_tried(),
        Step::Search(_) => false,
    });
    let loads = of_loads.count();
    let searches = steps
        .iter()
        .filter(|step| matches!(step, Step::Search(search) if search.template.is_tried()));
    if loads > 0 && loads + searches.count() == steps.len() {
        format!(" × {}", plural(loads as u64, "load"))
    } else {
        String::new()
    }
}

pub(super) fn write(resolved: &Resolved, out: &mut impl Write) -> io::Result<()> {
    let plan = &resolved.plan;
    let estimate = Estimate::of(plan);
    writeln!(out, "{}", headline(plan))?;
    writeln!(out, "{}", plan.source.summary)?;
    for change in &plan.source.overrides {
        writeln!(out, "  changed: {change}")?;
    }
    if plan.parts.is_empty() {
        settings(plan, out)?;
        brokers(plan, out)?;
        loads(plan, out)?;
        blocks(plan, out)?;
        faults(plan, out)?;
    } else {
        for part in &plan.parts {
            let took = Estimate::of(part);
            let (cells, time) = (plural(took.cells, "cell"), length(took.measuring_ns));
            write!(out, "\npart {}: at most {cells}, {time}", part.source.name)?;
            settings(part, out)?;
            loads(part, out)?;
            faults(part, out)?;
        }
        brokers(plan, out)?;
        blocks(plan, out)?;
        writeln!(out)?;
    }
    writeln!(
        out,
        "ledger         {} for the largest cell, {} tasks",
        size(estimate.ledger_bytes),
        grouped(estimate.largest_tasks)
    )?;
    writeln!(out, "disk           at most {}", size(estimate.disk_bytes))?;
    writeln!(out, "plan           {}", plan.hash)?;
    for skipped in &resolved.skipped {
        writeln!(out, "skipped        {}: {}", skipped.target, skipped.why)?;
        if let Some(remedy) = &skipped.remedy {
            writeln!(out, "               {remedy}")?;
        }
    }
    for note in &resolved.notes {
        writeln!(out, "note           {note}")?;
    }
    Ok(())
}

/// A cell of a plan: any of them has the tasks of all.
pub(super) fn cells(plan: &Plan) -> impl Iterator<Item = &CellPlan> {
    plan.blocks.iter().flat_map(|block| &block.steps).map(|step| match step {
        Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell,
        Step::Search(search) => &search.template,
    })
}

fn settings(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    // noop's cells go without delays, retries and handlers: the last block's
    // is a system's wherever there is one.
    let Some(cell) = cells(plan).last() else { return Ok(()) };
    writeln!(out)?;
    if cell.load.is_backlog() {
        let most = Nanos(cell.horizon_ns);
        writeln!(out, "cell           builds up in at most {most}, drains in at most {most}")?;
    } else {
        writeln!(
            out,
            "cell           {} of warm-up, window, up to {} of drain; a task has {}",
            Nanos(cell.warmup_ns),
            Nanos(cell.drain_ns()),
            Nanos(cell.horizon_ns),
        )?;
    }
    let mut task = vec![format!("{} each", Bytes(cell.body_bytes as u64))];
    task.push(match cell.handler {
        Handler::None => "handlers do nothing".to_owned(),
        Handler::SleepNs(ns) => format!("handlers sleep {}", Nanos(ns)),
        Handler::CpuNs(ns) => format!("handlers keep a core busy {}", Nanos(ns)),
    });
    let share = |ppm: u32| Fraction(f64::from(ppm) / 1e6);
    if cell.fail_ppm > 0 {
        task.push(format!("{} of attempts fail", share(cell.fail_ppm)));
    }
    if cell.retry.max > 0 {
        let retry = &cell.retry;
        task.push(format!(
            "up to {} after {}",
            plural(u64::from(retry.max), "retry"),
            Nanos(retry.backoff_ns)
        ));
    }
    if cell.keys > 0 {
        task.push(format!("{} keys", Count(u64::from(cell.keys))));
    }
    if cell.cancel_ppm > 0 {
        task.push(format!("{} cancelled", share(cell.cancel_ppm)));
    }
    writeln!(out, "tasks          {}", task.join(", "))?;
    let shape = &plan.shape;
    writeln!(
        out,
        "workers        {} × {}, prefetch {}, {}, window {}",
        plural(u64::from(shape.processes), "process"),
        plural(u64::from(shape.concurrency), "handler"),
        shape.prefetch,
        plural(u64::from(shape.connections), "connection"),
        shape.window,
    )?;
    let p99 = Nanos(plan.objective_p99_ns);
    match plan.objective_holds {
        Some(rate) => writeln!(
            out,
            "objective      {} held by all: P99 start latency of at most {p99}",
            Rate(rate)
        )?,
        None => writeln!(out, "objective      P99 start latency of at most {p99}")?,
    }
    for (line, demand) in plan.objectives.iter().enumerate() {
        writeln!(out, "{:15}{}", if line == 0 { "objectives" } else { "" }, demand.text)?;
    }
    let pacing = match plan.pacing {
        None => "grid for brokers, spin in process",
        Some(Pacing::Grid) => "grid",
        Some(Pacing::Spin) => "spin",
    };
    writeln!(out, "pacing         {pacing}")
}

/// Which brokers the plan needs, and for what; nothing where it needs none.
fn brokers(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let mut alike: BTreeMap<Vec<Broker>, BTreeSet<String>> = BTreeMap::new();
    for target in plan.blocks.iter().map(|block| block.target) {
        alike.entry(target.brokers()).or_default().insert(target.name());
    }
    alike.remove(&Vec::new());
    for (at, (brokers, targets)) in alike.into_iter().enumerate() {
        let names: Vec<&str> = brokers.into_iter().map(Broker::name).collect();
        let targets: Vec<String> = targets.into_iter().collect();
        let text = format!("{} for {}", names.join(" and "), targets.join(", "));
        for (line, text) in wrapped(&text, 65).iter().enumerate() {
            writeln!(out, "{:15}{text}", if at + line == 0 { "brokers" } else { "" })?;
        }
    }
    Ok(())
}

/// Arrivals per stage, each load once.
fn loads(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let mut seen: Vec<&Load> = Vec::new();
    // What a search will decide is no load yet.
    let is_known = |step: &&Step| match step {
        Step::Cell(_) => true,
        Step::Search(search) => !search.template.is_tried(),
        Step::AtCapacity { cell, .. } => !cell.is_tried(),
    };
    let steps = plan.blocks.iter().flat_map(|block| &block.steps).filter(is_known);
    let cells = steps.map(crate::run::describe::cell_of);
    for cell in cells.filter(|cell| cell.load.mean_rate().is_some()) {
        if !seen.contains(&&cell.load) {
            seen.push(&cell.load);
        }
    }
    seen.sort_by(|a, b| {
        a.mean_rate().partial_cmp(&b.mean_rate()).unwrap_or(std::cmp::Ordering::Equal)
    });
    for (at, load) in seen.iter().enumerate() {
        let Load::Open { spacing, stages } = load else { continue };
        let spacing = match spacing {
            Spacing::Poisson => "Poisson",
            Spacing::Constant => "constant",
        };
        for stage in stages {
            let tasks = stage.rate * stage.duration_ns as f64 / 1e9;
            writeln!(
                out,
                "{:15}{:>7}/s for {:<8} {:>14} tasks, {spacing}",
                if at == 0 { "arrivals" } else { "" },
                Rate(stage.rate).to_string(),
                Nanos(stage.duration_ns).to_string(),
                grouped(tasks.round() as u64),
            )?;
        }
    }
    Ok(())
}

fn blocks(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let name = plan.blocks.iter().map(|block| block.target.name().len()).max().unwrap_or(0);
    let number = plan.blocks.len().to_string().len();
    writeln!(out, "\nblocks in their order, each with its cells in theirs")?;
    for (at, block) in plan.blocks.iter().enumerate() {
        let head = format!(
            "  {:>number$}  {:name$}  repeat {}  ",
            at + 1,
            block.target.name(),
            block.repeat,
        );
        let mut line = head.clone();
        for (step, words) in steps(block).into_iter().enumerate() {
            // Readable at 80 columns: what does not fit goes below its kind.
            if step > 0 && line.chars().count() + words.chars().count() + 2 > 80 {
                writeln!(out, "{}", line.trim_end())?;
                line = " ".repeat(head.chars().count());
            }
            line.push_str(&words);
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The timeline of faults, the same in every cell that has any; but `node` is
/// the leader in a cluster.
fn faults(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    let trials = trials::of(plan);
    if !trials.is_empty() {
        return trials::write(&trials, out);
    }
    let Some(cell) = cells(plan).find(|cell| !cell.faults.is_empty()) else {
        return writeln!(out, "faults         none");
    };
    if cell.load.is_backlog() {
        let after = "once its tasks are handed over";
        writeln!(out, "faults         in each cell, the time counted from {after}")?;
    } else {
        let window = Nanos(cell.load.window_ns());
        writeln!(out, "faults         in each cell but noop's, in its window of {window}")?;
    }
    timeline(cell, 15, out)?;
    let is_other = |other: &&CellPlan| !other.faults.is_empty() && other.faults != cell.faults;
    let Some(other) = cells(plan).find(is_other) else { return Ok(()) };
    let in_words = |cell: &CellPlan| match cell.target.profile.topology {
        Topology::Cluster | Topology::Shards => "in clusters",
        Topology::Single => "elsewhere",
    };
    writeln!(out, "{:15}{}", "", in_words(other))?;
    timeline(other, 15, out)
}

/// A line per fault of a cell, in the order in which they begin.
pub(super) fn timeline(cell: &CellPlan, indent: usize, out: &mut impl Write) -> io::Result<()> {
    let mut faults = cell.faults.clone();
    faults.sort_by_key(|fault| fault.at_ns);
    for fault in faults {
        let what = match fault.deed {
            Deed::Kill => "   SIGKILL, then started again",
            Deed::Terminate => "   SIGTERM, then started again",
            Deed::Pause => "   SIGSTOP, then SIGCONT",
            Deed::DiskFull => "   no room, then room again",
            Deed::Command(_) | Deed::Link(_) => "",
        };
        writeln!(out, "{:indent$}{fault}{what}", "")?;
        let Deed::Command(pair) = fault.deed else { continue };
        if let Some(pair) = cell.commands.get(pair) {
            // As a list: what a shell would make of it does not matter.
            writeln!(out, "{:indent$}  hurt  {:?}", "", pair.hurt)?;
            writeln!(out, "{:indent$}  heal  {:?}", "", pair.heal)?;
        }
    }
    Ok(())
}

fn steps(block: &Block) -> Vec<String> {
    let words = |cell: &CellPlan, load: String| {
        let named = cell.trial_name().filter(|_| !cell.is_searching());
        let differs = cell.variant.as_deref().into_iter().chain(named);
        match differs.collect::<Vec<_>>().join(", ").as_str() {
            "" => load,
            differs => format!("{load} ({differs})"),
        }
    };
    block
        .steps
        .iter()
        .map(|step| match step {
            Step::Cell(cell) => words(cell, load_words(&cell.load)),
            Step::Search(search) => words(
                &search.template,
                format!(
                    "search {} to {} ± {}, {} each",
                    Rate(search.from),
                    Rate(search.to),
                    Fraction(search.precision),
                    Nanos(search.template.load.window_ns()),
                ),
            ),
            // Its variant says of what it is a share.
            Step::AtCapacity { cell, .. } if cell.is_tried() => {
                words(cell, Nanos(cell.load.window_ns()).to_string())
            }
            Step::AtCapacity { share, cell } => words(
                cell,
                format!("{} of that for {}", Fraction(*share), Nanos(cell.load.window_ns())),
            ),
        })
        .collect()
}

fn load_words(load: &Load) -> String {
    match load {
        Load::InFlight { tasks, .. } => format!("{} in flight", Count(*tasks)),
        Load::Backlog { tasks } => format!("{} pending", Count(*tasks)),
        Load::Open { stages, .. } => {
            let rates: Vec<String> =
                stages.iter().map(|stage| format!("{}/s", Rate(stage.rate))).collect();
            rates.join("→")
        }
    }
}

fn plural(count: u64, word: &str) -> String {
    match (count, word) {
        (1, word) => format!("1 {word}"),
        (count, "process") => format!("{count} processes"),
        (count, "retry") => format!("{count} retries"),
        (count, word) => format!("{count} {word}s"),
    }
}

/// A length of time to two figures.
fn length(ns: u64) -> String {
    let seconds = ns as f64 / 1e9;
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1e6 => format!("{:.0} kB", (b / 1e3).ceil()),
        b if b < 1e9 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
