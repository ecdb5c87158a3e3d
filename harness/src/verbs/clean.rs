//! `schedbench clean`: removes what killed runs left behind.
//!
//! Directories whose owner is dead are removed; the lock in each says so, and
//! a run that lives keeps its own. Queues in a broker that is not ours may be
//! another run's, as containers may, so they are listed, and removed with
//! `--yes` only. Results
//! are never touched. A broker of our own dies with its run and leaves none.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::CleanArgs;
use crate::environment::{BROKERS, Leftovers, compose, rooms};

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
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|url| !url.is_empty());
    for entry in BROKERS.iter().filter(|entry| is_set(entry.url_env)) {
        let queues = entry.leftovers(entry.url_env)?;
        nothing &= queues.is_empty();
        report(&queues, args.yes, entry.url_env, out)?;
        if args.yes {
            entry.remove(entry.url_env, &queues)?;
        }
    }
    for project in compose::leftovers()? {
        nothing = false;
        if args.yes {
            compose::remove(&project)?;
            writeln!(out, "removed  containers of {project}")?;
        } else {
            writeln!(out, "found    containers of {project}")?;
            writeln!(out, "To remove them, when no run uses them: schedbench clean --yes")?;
        }
    }
    if nothing {
        writeln!(out, "nothing to remove")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(
    queues: &Leftovers,
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
