//! What is made of results that are there: `report`, `merge`, `history`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use schedbench_reports::claims::{self, ClaimsError, Published};

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
