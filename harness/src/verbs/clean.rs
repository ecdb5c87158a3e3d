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
use crate::environment::{self, BROKERS, Entry, Leftovers, compose, rooms};
use crate::run::Exit;
use crate::voice;

/// Cleans up and says what it did.
///
/// A broker that cannot be asked is told of, and the others go on; the exit
/// code is then 1.
///
/// # Errors
/// The engine's containers cannot be listed or removed, or `out` cannot be
/// written.
pub fn run(args: &CleanArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut nothing = true;
    for root in roots() {
        // A root that is not there has nothing in it.
        for removed in rooms::sweep(&root).unwrap_or_default() {
            writeln!(out, "removed  {}", removed.display())?;
            nothing = false;
        }
    }
    for name in environment::network::sweep() {
        writeln!(out, "removed  network namespace {name}")?;
        nothing = false;
    }
    let mut all_asked = true;
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|url| !url.is_empty());
    for entry in BROKERS.iter().filter(|entry| is_set(entry.url_env)) {
        match of_broker(entry, args.yes, out)? {
            Ok(found) => nothing &= !found,
            Err(error) => {
                voice::tell(&format!("error: {error}"));
                all_asked = false;
            }
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
        let elsewhere = if all_asked { "" } else { " where it was possible to look" };
        writeln!(out, "nothing to remove{elsewhere}")?;
    }
    Ok(if all_asked { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

/// Cleans up in one broker; whether there was something. The inner error is
/// the broker's, and ends only what concerns it.
fn of_broker(
    entry: &Entry,
    removes: bool,
    out: &mut impl Write,
) -> std::io::Result<environment::Result<bool>> {
    let queues = match entry.leftovers(entry.url_env) {
        Ok(queues) => queues,
        Err(error) => return Ok(Err(error)),
    };
    if removes && let Err(error) = entry.remove(entry.url_env, &queues) {
        return Ok(Err(error));
    }
    report(&queues, removes, entry.url_env, out)?;
    Ok(Ok(!queues.is_empty()))
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
