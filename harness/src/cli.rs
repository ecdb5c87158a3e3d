//! What the user typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::environment::Mode;
use crate::scenario::{self, Override, Scenario, ScenarioError};

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

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit code: 0 done; 1 a system failed all its cells, or a runtime error; \
    2 usage, scenario or missing broker; 3 an objective was not met; 4 a ledger does not balance, or a \
    system has no valid cell; 130 or 143 after a signal.")]
pub struct RunArgs {
    /// The scenario and what to change in it.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Directory for results: DIR/SCENARIO/TIME-ID/
    #[arg(short, long, value_name = "DIR", default_value = "results", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// How brokers are had
    #[arg(long, value_name = "MODE", default_value = "local")]
    pub env: Mode,
    /// How links to brokers are hurt
    #[arg(long, value_name = "HOW", default_value = "proxies")]
    pub network: Links,
    /// Leave out systems whose broker is missing, and say so in the report
    #[arg(long)]
    pub skip_missing: bool,
    /// What is printed at the end
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// No progress on stderr
    #[arg(long)]
    pub no_progress: bool,
}

/// How links to brokers are hurt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Links {
    /// By TCP proxies in user space.
    #[default]
    Proxies,
    /// Brokers in network namespaces of their own, whose link is taken down; as root.
    Namespaces,
}

/// A scenario and what the command line changes in it.
#[derive(Clone, Debug, Args)]
pub struct ScenarioArgs {
    /// A built-in scenario (see `list`), or a file: its name ends in .toml or
    /// starts with /
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// Systems instead of the scenario's: a,b/profile
    #[arg(short, long, value_name = "LIST", help_heading = "Changes to the scenario")]
    pub systems: Option<String>,
    /// Profiles for systems that are named without one, or `all`
    #[arg(long, value_name = "LIST", help_heading = "Changes to the scenario")]
    pub profiles: Option<String>,
    /// Let profiles run that start three brokers on this machine
    #[arg(long, help_heading = "Changes to the scenario")]
    pub clusters: bool,
    /// Loads: rates such as 1k,20k, numbers in flight, or, of a scenario with
    /// faults, shares of each system's capacity such as 50%
    #[arg(
        short,
        long,
        visible_alias = "rate",
        visible_short_alias = 'r',
        value_name = "LIST",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub loads: Option<String>,
    /// The window, as in 10s
    #[arg(short, long, value_name = "TIME", help_heading = "Changes to the scenario")]
    pub duration: Option<String>,
    /// Load before the window, as in 2s
    #[arg(short, long, value_name = "TIME", help_heading = "Changes to the scenario")]
    pub warmup: Option<String>,
    /// How often each cell is measured; intervals need 5
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub repeats: Option<String>,
    /// Measure each trial once; of a scenario with trials
    #[arg(long, conflicts_with_all = ["repeats", "trials"], help_heading = "Changes to the scenario")]
    pub quick: bool,
    /// Measure each trial so often; of a scenario with trials
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "repeats",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub trials: Option<String>,
    /// Systems of each trial: listed, or full for every system in every trial
    #[arg(long, value_name = "MATRIX", help_heading = "Changes to the scenario")]
    pub matrix: Option<String>,
    /// Seed of arrivals, order, bodies, keys and failures
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub seed: Option<String>,
    /// How the generator keeps time: grid or spin
    #[arg(long, value_name = "PACING", help_heading = "Changes to the scenario")]
    pub pacing: Option<String>,
    /// Any field of the scenario, as in load.warmup=2s; may be given again
    #[arg(long, value_name = "FIELD=VALUE", help_heading = "Changes to the scenario")]
    pub set: Vec<String>,
}

impl ScenarioArgs {
    /// The scenario with its changes.
    ///
    /// # Errors
    /// There is no such scenario, or something in it is wrong.
    pub fn load(&self) -> Result<Scenario, ScenarioError> {
        let scenario = scenario::load(&self.scenario, &self.overrides()?)?;
        let option = match (self.quick, &self.trials) {
            (true, _) => "--quick",
            (false, Some(_)) => "--trials",
            (false, None) => return Ok(scenario),
        };
        if scenario.settings.trial.is_empty() {
            let problem = format!("{option} with a scenario without trials");
            let expected = "expected one with a [[trial]], such as `faults`";
            return Err(ScenarioError::new(problem, expected)
                .help("Of any scenario:  --repeats N measures each cell N times"));
        }
        Ok(scenario)
    }

    /// The changes: options first, then `--set`s in their order.
    ///
    /// # Errors
    /// A `--set` without a field and a value.
    pub fn overrides(&self) -> Result<Vec<Override>, ScenarioError> {
        let options = [
            ("--systems", "systems", &self.systems),
            ("--profiles", "profiles", &self.profiles),
            ("--duration", "load.duration", &self.duration),
            ("--warmup", "load.warmup", &self.warmup),
            ("--repeats", "repeats", &self.repeats),
            ("--trials", "repeats", &self.trials),
            ("--matrix", "matrix", &self.matrix),
            ("--seed", "seed", &self.seed),
            ("--pacing", "pacing", &self.pacing),
        ];
        let mut overrides: Vec<Override> = options
            .into_iter()
            .filter_map(|(option, path, value)| {
                Some(Override::option(option, path, value.as_deref()?))
            })
            .collect();
        overrides.extend(self.quick.then(|| Override::option("--quick", "repeats", "1")));
        overrides.extend(self.clusters.then(|| Override::option("--clusters", "clusters", "true")));
        for argument in &self.set {
            overrides.push(Override::set(argument)?);
        }
        // Last, because its field depends on the mode, which --set may change.
        overrides.extend(self.loads.as_deref().map(Override::loads));
        Ok(overrides)
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for a person.
    Text,
    /// The outcome.
    Json,
    /// Tables in Markdown.
    Md,
    /// One row per cell.
    Csv,
}

/// How a report is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// The self-contained page.
    Html,
    /// Tables for a person.
    Text,
    /// The outcome.
    Json,
    /// Tables in Markdown.
    Md,
    /// One row per cell.
    Csv,
}

/// How lists are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For a person.
    Text,
    /// For machines.
    Json,
}

/// Arguments of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The result
    #[arg(value_name = "RESULT.json", value_hint = ValueHint::FilePath)]
    pub result: PathBuf,
    /// Where to write; `-` for stdout. A page goes beside its result, all else
    /// to stdout
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// What to make of it
    #[arg(long, value_name = "FORMAT", default_value = "html")]
    pub format: ReportFormat,
}

/// Arguments of `list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Print the text of this built-in scenario, to start one of your own
    #[arg(value_name = "SCENARIO")]
    pub scenario: Option<String>,
    /// For a person or for machines
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "scenario")]
    pub format: ListFormat,
}

/// Arguments of `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The scenario and what to change in it.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Leave out systems that this build lacks
    #[arg(long)]
    pub skip_missing: bool,
    /// The plan as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `doctor`.
#[derive(Clone, Copy, Debug, Args)]
pub struct DoctorArgs {
    /// How brokers would be had
    #[arg(long, value_name = "MODE", default_value = "local")]
    pub env: Mode,
    /// For a person or for machines
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// Arguments of `prepare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "A run makes what it needs by itself; this is for making it beforehand. \
    Exit code: 0 all is there; 1 something could not be made; 2 a compiler or an interpreter is \
    missing.")]
pub struct PrepareArgs {
    /// Systems; all of them when none is named
    #[arg(value_name = "SYSTEM")]
    pub systems: Vec<String>,
}

/// Arguments of `clean`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit code: 0 done; 1 a broker could not be asked, which is told, and the \
    rest was done.")]
pub struct CleanArgs {
    /// Remove queues in brokers and containers too; without it they are only
    /// listed
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `schema`.
#[derive(Clone, Copy, Debug, Args)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_name = "WHAT", default_value = "scenario")]
    pub what: SchemaOf,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Scenario files.
    Scenario,
    /// result.json.
    Result,
}

/// Arguments of `completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// Directory for a page of each verb; without it, the main page goes to
    /// stdout
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
