//! This machine made ready and tidied up: `doctor`, `prepare`, `clean`.

use clap::Args;

use super::ListFormat;
use crate::environment::Mode;

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
