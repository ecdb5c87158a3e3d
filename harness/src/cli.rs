//! What the user typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use schedbench_reports::claims::{self, ClaimsError, Published};
use schedbench_reports::compare::Kind;

use crate::environment::Mode;
use crate::fault::Links;
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

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit code: 0 done; 1 a system failed all its cells, or a runtime error; \
    2 usage, scenario or missing broker; 3 an objective failed or was not judged; 4 a ledger does not balance, or a \
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
    /// Leave out systems whose broker is missing, and say so in the report
    #[arg(long)]
    pub skip_missing: bool,
    /// What is printed at the end
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// No progress on stderr
    #[arg(long)]
    pub no_progress: bool,
    /// Draw a line for each system as it goes: rate, latencies, failures,
    /// backlog; on a terminal
    #[arg(long, conflicts_with = "no_progress")]
    pub live: bool,
    /// Serve metrics for Prometheus while it runs, at http://ADDRESS/metrics;
    /// an address of the loopback, with port 0 for a free one
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<Loopback>,
    /// Published claims that the report sets beside its figures.
    #[command(flatten)]
    pub claims: ClaimsArgs,
}

/// Published claims of one's own.
#[derive(Clone, Debug, Args)]
pub struct ClaimsArgs {
    /// Published claims to set beside what was measured (docs/claims.md); may
    /// be given again
    #[arg(long, value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    pub claims: Vec<PathBuf>,
}

impl ClaimsArgs {
    /// The claims, file by file.
    ///
    /// # Errors
    /// A file cannot be read, or something in it is wrong.
    pub fn read(&self) -> Result<Vec<Published>, ClaimsError> {
        self.claims.iter().map(|file| claims::read(file)).collect()
    }
}

/// A scenario and what the command line changes in it.
#[derive(Clone, Debug, Args)]
pub struct ScenarioArgs {
    /// A built-in scenario (see `list`), or a file: its name ends in .toml or
    /// starts with /
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// How links to brokers are hurt
    #[arg(long, value_name = "HOW", default_value = "proxies")]
    pub network: Links,
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
    /// What the scenario has for one who is in a hurry: each trial once, or less
    /// of everything, as in `scorecard`
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
        let scenario = scenario.with_links(self.network);
        let option = match (self.quick, &self.trials) {
            (true, _) => "--quick",
            (false, Some(_)) => "--trials",
            (false, None) => return Ok(scenario),
        };
        let is_quick = self.quick && !scenario.settings.quick.is_empty();
        if !is_quick && !scenario.settings.has_trials() {
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
        // First, so that what else is asked for is laid over it.
        let quick = self.quick.then(Override::quick);
        let mut overrides: Vec<Override> = options
            .into_iter()
            .filter_map(|(option, path, value)| {
                Some(Override::option(option, path, value.as_deref()?))
            })
            .collect();
        overrides.splice(..0, quick);
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

/// An address that only this machine reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loopback(pub SocketAddr);

impl FromStr for Loopback {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self(address)),
            Ok(_) => {
                Err("expected an address of the loopback, such as 127.0.0.1:9100: anybody who \
                reaches another one would read it; `ssh -L` brings the port to another machine")
            }
            Err(_) => Err("expected an address and a port, such as 127.0.0.1:9100"),
        }
    }
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// Tables for a person.
    Table,
    /// Tables in Markdown.
    Md,
    /// For scripts.
    Json,
    /// A test report: what became worse is a failed test.
    Junit,
}

/// A figure that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureName(pub Kind);

impl FromStr for FigureName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        known.map(Self).ok_or_else(|| {
            let all: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
            format!("there is no such figure; there are {}", all.join(", "))
        })
    }
}

/// The smallest change that matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Of which figure; of all, where none is named.
    pub kind: Option<Kind>,
    /// As a ratio.
    pub size: f64,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, size) = match text.split_once('=') {
            Some((name, size)) => (Some(name.trim().parse::<FigureName>()?.0), size),
            None => (None, text),
        };
        let percent = size.trim().strip_suffix('%').map(str::trim);
        let percent = percent.and_then(|number| number.parse::<f64>().ok());
        match percent.filter(|percent| percent.is_finite() && *percent >= 0.0) {
            Some(percent) => Ok(Self { kind, size: percent / 100.0 }),
            None => Err("expected a size such as 2% or p99=5%".to_owned()),
        }
    }
}

/// Arguments of `compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "An outcome is a result.json, the directory of a run, or `latest`, \
    `latest~1` (the run before), `SCENARIO/latest~2`.\n\
    Exit code: 0 nothing became worse; 2 an outcome cannot be read, the two measured different \
    things, there are too few repeats to tell (5 are needed), or a system has no valid cell any \
    more and nothing else became worse; 3 a figure became worse, past the noise and past its \
    threshold, or tasks were lost where a profile promises to lose none and lost none before.")]
pub struct CompareArgs {
    /// The outcome that is compared with
    #[arg(value_name = "BEFORE", value_hint = ValueHint::AnyPath)]
    pub before: PathBuf,
    /// The outcome that is compared
    #[arg(value_name = "AFTER", value_hint = ValueHint::AnyPath)]
    pub after: PathBuf,
    /// Where `latest` is looked for
    #[arg(long, value_name = "DIR", default_value = "results", value_hint = ValueHint::DirPath)]
    pub results: PathBuf,
    /// The smallest change that matters, of all figures that are times, rates
    /// or sizes, or of one: 2%, p99=5%, failed=0.1%; may be given again. Of
    /// recovery, detection and resume 10% where none is given, of served 1%
    #[arg(long, value_name = "[FIGURE=]SIZE", value_delimiter = ',')]
    pub threshold: Vec<Threshold>,
    /// Only these: capacity, throughput, p50, p99, failed, cpu, pss; of backlogs
    /// build-up, resume, drain-rate; of trials of faults detection, recovery,
    /// served. The fewer, the smaller a change can be told; losses are always
    /// looked for
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub figures: Vec<FigureName>,
    /// Only these systems: a,b/profile
    #[arg(short, long, value_name = "LIST", value_delimiter = ',')]
    pub systems: Vec<String>,
    /// What is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: CompareFormat,
    /// Where to write what is printed, instead of stdout
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Write a page with the curves of both as well
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
}

/// Arguments of `merge`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Results belong together when plan, host, environment and all versions are \
    the same; systems may differ, and repeats of the same system are added up. An outcome is named \
    as for `compare`.\n\
    Exit code: 0 done; 2 a result cannot be read, or they do not belong together."
)]
pub struct MergeArgs {
    /// The results, two at least
    #[arg(value_name = "RESULT", required = true, num_args = 1.., value_hint = ValueHint::AnyPath)]
    pub outcomes: Vec<PathBuf>,
    /// Where the result and its page go: a directory, or a name ending in .json
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::AnyPath)]
    pub out: PathBuf,
    /// Where `latest` is looked for
    #[arg(long, value_name = "DIR", default_value = "results", value_hint = ValueHint::DirPath)]
    pub results: PathBuf,
}

/// Arguments of `history`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "A merged result is a run of its own: keep it elsewhere than its parts, or both \
    count.\n\
    A trend, not a gate: it ends with exit code 0 whatever changed, and with 2 where no result can \
    be read."
)]
pub struct HistoryArgs {
    /// Where the results are: every result.json below it
    #[arg(value_name = "DIR", default_value = "results", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
    /// The page; beside the results if not said
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
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
#[command(
    after_help = "Exit code: 0 done; 2 the result cannot be read. With --exit-code also 1, 3, 4, \
    130 and 143, as of `run`."
)]
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
    /// End as the run that left the result did; of a merged one, as a run of
    /// all its repeats would have
    #[arg(long)]
    pub exit_code: bool,
    /// Published claims to set beside it.
    #[command(flatten)]
    pub claims: ClaimsArgs,
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

    #[test]
    fn metrics_are_for_this_machine() {
        let read = |text: &str| text.parse::<super::Loopback>();
        for good in ["127.0.0.1:9100", "127.8.0.1:0", "[::1]:9100"] {
            assert_eq!(read(good), Ok(super::Loopback(good.parse().expect("an address"))));
        }
        for wrong in ["0.0.0.0:9100", "192.168.0.7:9100", "[::]:9100", "127.0.0.1", "9100", ":1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_threshold_has_a_figure_or_none() {
        let read = |text: &str| text.parse::<super::Threshold>();
        let size = |kind, size| Ok(super::Threshold { kind, size });
        assert_eq!(read("2%"), size(None, 0.02));
        assert_eq!(read("p99 = 5 %"), size(Some(super::Kind::P99), 0.05));
        for wrong in ["2", "p99", "p98=2%", "-1%", "NaN%", "inf%", "%", "=2%"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
