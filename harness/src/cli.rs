//! What the user typed.

mod compare;
mod machine;
mod reference;
mod results;
mod run;
mod scenario;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use compare::{CompareArgs, CompareFormat, FigureName, Threshold};
pub use machine::{CleanArgs, DoctorArgs, PrepareArgs};
pub use reference::{CompletionsArgs, ListArgs, ListFormat, ManArgs, SchemaArgs, SchemaOf};
pub use results::{ClaimsArgs, HistoryArgs, MergeArgs, ReportArgs, ReportFormat};
pub use run::{CheckArgs, Format, Loopback, RunArgs};
pub use scenario::ScenarioArgs;

/// Compares task schedulers and queues, reproducibly.
///
/// `schedbench run quick` measures the embedded schedulers in about half a
/// minute and prints where the report is.
#[derive(Clone, Debug, Parser)]
#[command(name = "schedbench", version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// How it speaks.
    #[command(flatten)]
    pub voice: Voice,
}

/// Options of every verb.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Voice {
    /// Colours; `auto` means on a terminal and without NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Say only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, without NO_COLOR.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Run a scenario and write its report
    Run(RunArgs),
    /// Render a result again
    Report(ReportArgs),
    /// Compare two results: better, worse, or within the noise
    Compare(CompareArgs),
    /// Make one result of several of one plan that were measured apart
    Merge(MergeArgs),
    /// Show how each figure went over all results in a directory
    History(HistoryArgs),
    /// Show systems, their profiles and claims, and the built-in scenarios
    List(ListArgs),
    /// Check a scenario and print its plan without running it
    Check(CheckArgs),
    /// Show which systems can run here, and what the others need
    Doctor(DoctorArgs),
    /// Make the worker programs of systems whose workers are not in Rust
    Prepare(PrepareArgs),
    /// Run the tasks of a cell: the harness starts this itself
    #[command(hide = true)]
    Worker,
    /// Clear up after a killed harness: it starts this itself
    #[command(hide = true)]
    Reap,
    /// Remove what killed runs left behind: directories, queues, containers
    Clean(CleanArgs),
    /// Print the JSON schema of scenario files or of result.json
    Schema(SchemaArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write all of them to a directory
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
