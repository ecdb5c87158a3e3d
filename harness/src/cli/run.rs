//! `run`, and `check`, which plans the same and runs nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};

use super::{ClaimsArgs, ScenarioArgs};
use crate::environment::Mode;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_for_this_machine() {
        let read = |text: &str| text.parse::<Loopback>();
        for good in ["127.0.0.1:9100", "127.8.0.1:0", "[::1]:9100"] {
            assert_eq!(read(good), Ok(Loopback(good.parse().expect("an address"))));
        }
        for wrong in ["0.0.0.0:9100", "192.168.0.7:9100", "[::]:9100", "127.0.0.1", "9100", ":1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
