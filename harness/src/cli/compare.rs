//! `compare`: what, how and past which size.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use schedbench_reports::compare::Kind;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_has_a_figure_or_none() {
        let read = |text: &str| text.parse::<Threshold>();
        let size = |kind, size| Ok(Threshold { kind, size });
        assert_eq!(read("2%"), size(None, 0.02));
        assert_eq!(read("p99 = 5 %"), size(Some(Kind::P99), 0.05));
        for wrong in ["2", "p99", "p98=2%", "-1%", "NaN%", "inf%", "%", "=2%"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
