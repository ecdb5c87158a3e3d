//! The verbs, in order.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use schedbench::cli::{Cli, Verb, Voice};
use schedbench::record::allocator::Counting;
use schedbench::run::Exit;
use schedbench::run::live::Unwatched;
use schedbench::scenario::ScenarioError;
use schedbench::{environment, verbs, voice};
use schedbench_reports::claims::ClaimsError;
use schedbench_reports::load::LoadError;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    // A file at its limit (ulimit -f) is then an error like a full disk, not
    // the end of the process. That it is tried is all that matters.
    let _ = signal_hook::flag::register(libc::SIGXFSZ, Arc::default());
    let cli = Cli::parse();
    let mut out = io::stdout().lock();
    let done = match &cli.verb {
        Verb::Run(args) => verbs::run::run(args, cli.voice, &mut out),
        Verb::Report(args) => verbs::report::run(args, cli.voice, &mut out),
        Verb::Compare(args) => verbs::compare::run(args, cli.voice, &mut out),
        Verb::Merge(args) => verbs::merge::run(args, &mut out),
        Verb::History(args) => verbs::history::run(args, &mut out),
        Verb::List(args) => verbs::list::run(args, &mut out),
        Verb::Check(args) => verbs::check::run(args, &mut out),
        Verb::Doctor(args) => verbs::doctor::run(args, &mut out),
        Verb::Prepare(args) => verbs::prepare::run(args, cli.voice, &mut out),
        Verb::Worker => verbs::worker::run(),
        Verb::Reap => environment::reap().map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Verb::Clean(args) => verbs::clean::run(args, &mut out),
        Verb::Schema(args) => verbs::schema::run(*args, &mut out),
        Verb::Completions(args) => verbs::completions::run(*args, &mut out),
        Verb::Man(args) => verbs::man::run(args, &mut out),
    };
    let flushed = out.flush().map_err(anyhow::Error::from);
    let flushed =
        flushed.or_else(|error| if voice::nobody_reads(&error) { Ok(()) } else { Err(error) });
    match done.and_then(|code| flushed.map(|()| code)) {
        Ok(code) => code,
        Err(error) => failed(&error, cli.voice),
    }
}

/// Says why, and gives the exit code that stands for it.
fn failed(error: &anyhow::Error, voice: Voice) -> ExitCode {
    let mut stderr = anstream::AutoStream::new(io::stderr(), voice::choice(voice));
    // Nothing can be said when stderr is gone, hence the ignored results.
    if let Some(error) = error.downcast_ref::<ScenarioError>() {
        let _ = writeln!(stderr, "{}", error.render(true));
        return Exit::Usage.into();
    }
    if let Some(error) = error.downcast_ref::<ClaimsError>() {
        let _ = writeln!(stderr, "{}", error.render(true));
        return Exit::Usage.into();
    }
    // A reader that has seen enough, as in `schedbench list | head`.
    if voice::nobody_reads(error) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(stderr, "error: {error:#}");
    if error.downcast_ref::<environment::Missing>().is_some()
        || error.downcast_ref::<environment::RoomError>().is_some()
        // What was named is no result, as a scenario can be none.
        || error.downcast_ref::<LoadError>().is_some()
        || error.downcast_ref::<verbs::outcomes::Wrong>().is_some()
        || error.downcast_ref::<Unwatched>().is_some()
    {
        return Exit::Usage.into();
    }
    Exit::Failed.into()
}
