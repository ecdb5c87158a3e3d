//! The verbs, in order.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use schedbench::cli::{Cli, Color, Verb, Voice};
use schedbench::scenario::ScenarioError;
use schedbench::verbs;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = io::stdout().lock();
    let done = match &cli.verb {
        Verb::List(args) => verbs::list::run(args, &mut out),
        Verb::Check(args) => verbs::check::run(args, &mut out),
        Verb::Schema(args) => verbs::schema::run(*args, &mut out),
        Verb::Completions(args) => verbs::completions::run(*args, &mut out),
        Verb::Man(args) => verbs::man::run(args, &mut out),
        Verb::Run(_) | Verb::Report(_) | Verb::Doctor(_) | Verb::Worker | Verb::Clean(_) => {
            Err(anyhow::anyhow!("this verb is not part of this build"))
        }
    };
    match done.and_then(|code| out.flush().map(|()| code).map_err(Into::into)) {
        Ok(code) => code,
        Err(error) => failed(&error, cli.voice),
    }
}

/// Says why, and gives the exit code that stands for it.
fn failed(error: &anyhow::Error, voice: Voice) -> ExitCode {
    if let Some(error) = error.downcast_ref::<ScenarioError>() {
        let choice = match voice.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        let mut stderr = anstream::AutoStream::new(io::stderr(), choice);
        // Nothing can be said when stderr is gone.
        let _ = writeln!(stderr, "{}", error.render(true));
        return ExitCode::from(2);
    }
    // A reader that has seen enough, as in `schedbench list | head`.
    if let Some(error) = error.root_cause().downcast_ref::<io::Error>()
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}
