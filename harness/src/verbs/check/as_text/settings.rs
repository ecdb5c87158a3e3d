//! What every cell has alike: its phases, tasks, workers and objectives.

use std::io::{self, Write};

use schedbench_contract::Handler;

use super::cells;
use crate::plan::{CellPlan, Pacing, Plan};
use crate::scenario::{Bytes, Count, Fraction, Nanos, Rate};
use crate::verbs::check::amounts::plural;

pub(super) fn settings(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
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
    writeln!(out, "tasks          {}", tasks_in_words(cell))?;
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
    objectives(plan, out)?;
    let pacing = match plan.pacing {
        None => "grid for brokers, spin in process",
        Some(Pacing::Grid) => "grid",
        Some(Pacing::Spin) => "spin",
    };
    writeln!(out, "pacing         {pacing}")
}

/// `100 B each, handlers do nothing`, and what else is not as usual.
fn tasks_in_words(cell: &CellPlan) -> String {
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
    task.join(", ")
}

fn objectives(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
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
    Ok(())
}
