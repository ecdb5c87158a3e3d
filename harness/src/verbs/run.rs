//! `schedbench run`: measures a scenario and writes its report.

mod faults;
mod measure;
mod missing;
mod reachable;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use schedbench_reports::analysis::{self, Analysis};
use schedbench_reports::outcome::Outcome;
use schedbench_reports::{export, terminal};

use faults::{commands_are_here, fills_a_small_disk, networks_can_be};
use measure::measure;
use missing::{with_workers, without_missing};

use crate::cli::{Format, RunArgs, Voice};
use crate::environment;
use crate::fault::Links;
use crate::plan::{Estimate, Missing, resolve};
use crate::run::live::{Listener, Unwatched};
use crate::run::{Exit, Interruption, Results, exit, shown};
use crate::voice;

/// Runs a scenario and prints what it came to.
///
/// # Errors
/// The scenario is wrong, a broker is missing, or results cannot be written.
pub fn run(args: &RunArgs, voice: Voice, out: &mut impl Write) -> Result<ExitCode> {
    let scenario = args.scenario.load()?;
    let claims = args.claims.read()?;
    let listener = to_be_watched(args, voice)?;
    let missing = if args.skip_missing { Missing::IsSkipped } else { Missing::IsAnError };
    let mut resolved = resolve(&scenario, missing)?;
    commands_are_here(&scenario)?;
    if scenario.links == Links::Namespaces {
        networks_can_be(&resolved.plan, args.env)?;
    }
    let skipped = without_missing(&mut resolved.plan, &scenario, args.env, args.skip_missing)?;
    resolved.skipped.extend(skipped);
    let say = |line: &str| {
        if !voice.quiet {
            voice::tell(line)
        }
    };
    let skipped = with_workers(&mut resolved.plan, args.skip_missing, &say)?;
    resolved.skipped.extend(skipped);
    let estimate = Estimate::of(&resolved.plan);
    environment::room::check(&args.out, estimate.disk_bytes, estimate.ledger_bytes)?;
    if resolved.plan.blocks.iter().any(fills_a_small_disk) {
        environment::room::check_small_disk(estimate.disk_bytes)?;
    }

    let interruption = Interruption::listen().context("cannot listen for signals")?;
    let (outcome, results) = measure(args, voice, &scenario, resolved, (&interruption, listener))?;
    results.render(&outcome, &claims)?;
    let analysis = analysis::analyse_beside(&outcome, &claims);
    match print(args.format, voice, (&outcome, &analysis), &results, out) {
        // The results are written; that nobody reads changes nothing.
        Err(error) if !voice::nobody_reads(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let code = exit(&outcome, &analysis);
    if let Exit::Signal(_) = code {
        // Nobody may listen any more.
        let mut stderr = std::io::stderr();
        let _ = writeln!(stderr, "stopped; what was measured is in {}", shown(results.directory()));
    }
    Ok(code.into())
}

fn print(
    format: Format,
    voice: Voice,
    (outcome, analysis): (&Outcome, &Analysis),
    results: &Results,
    out: &mut impl Write,
) -> Result<()> {
    match format {
        Format::Text => {
            let (colour, width) = (voice::colours_stdout(voice), voice::width());
            write!(out, "{}", terminal::render(outcome, analysis, colour, width))?;
            let report = shown(&results.report());
            writeln!(out, "Report: {report}")?;
        }
        Format::Json => write!(out, "{}", export::json(outcome, analysis))?,
        Format::Md => write!(out, "{}", export::markdown(outcome, analysis))?,
        Format::Csv => write!(out, "{}", export::csv(outcome))?,
    }
    Ok(())
}

/// The port for metrics, where they are asked for.
///
/// # Errors
/// It cannot be had, or nobody could see the live view.
fn to_be_watched(args: &RunArgs, voice: Voice) -> Result<Option<Listener>, Unwatched> {
    if args.live && voice.quiet {
        return Err(Unwatched::Quiet);
    }
    if args.live && !voice::stderr_is_terminal() {
        return Err(Unwatched::NoTerminal);
    }
    args.metrics.map(|at| Listener::at(at.0)).transpose()
}
