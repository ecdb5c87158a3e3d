//! `schedbench clean`: removes what killed runs left behind.
//!
//! Directories whose owner is dead are removed; the lock in each says so, and
//! a run that lives keeps its own. Queues in a Redis that is not ours may be
//! another run's, so they are listed, and removed with `--yes` only. Results
//! are never touched. A Redis of our own dies with its run and leaves none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use schedbench_contract::Broker;

use crate::cli::CleanArgs;
use crate::environment::{Entry, leftovers, rooms};

/// Cleans up and says what it did.
///
/// # Errors
/// A broker cannot be asked, or `out` cannot be written.
pub fn run(args: &CleanArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut nothing = true;
    for root in roots() {
        // A root that is not there has nothing in it.
        for removed in rooms::sweep(&root).unwrap_or_default() {
            writeln!(out, "removed  {}", removed.display())?;
            nothing = false;
        }
    }
    let variable = Entry::of(Broker::Redis).url_env;
    if std::env::var_os(variable).is_some_and(|url| !url.is_empty()) {
        let queues = leftovers::queues(variable)?;
        nothing &= queues.is_empty();
        report(&queues, args.yes, variable, out)?;
        if args.yes {
            leftovers::remove(variable, &queues)?;
        }
    }
    if nothing {
        writeln!(out, "nothing to remove")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(
    queues: &BTreeMap<String, u64>,
    removes: bool,
    variable: &str,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let verb = if removes { "removed" } else { "found  " };
    for (queue, keys) in queues {
        writeln!(out, "{verb}  queue {queue} in {variable} ({keys} keys)")?;
    }
    if !removes && !queues.is_empty() {
        writeln!(out, "To remove these queues, when no run uses them: schedbench clean --yes")?;
    }
    Ok(())
}

/// Where runs may have had their directories: a killed one may have had
/// another `TMPDIR`.
fn roots() -> BTreeSet<PathBuf> {
    ["/var/tmp", "/tmp"].map(PathBuf::from).into_iter().chain([rooms::root()]).collect()
}
