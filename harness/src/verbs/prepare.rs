//! `schedbench prepare`: makes, before any run, what a run would make.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use schedbench_adapters::{SYSTEMS, System, find};
use schedbench_contract::{Broker, WorkerSource};

use crate::cli::{PrepareArgs, Voice};
use crate::environment::{Error, Workshop, kafka, source_of};
use crate::run::Exit;
use crate::voice;

/// Makes the named systems' programs, or all; goes on after one that fails,
/// and says at the end which did.
///
/// # Errors
/// A name is unknown, or `out` cannot be written.
pub fn run(args: &PrepareArgs, voice: Voice, out: &mut impl Write) -> Result<ExitCode> {
    let workshop = Workshop::open()?;
    let say = |line: &str| {
        if !voice.quiet {
            voice::tell(line)
        }
    };
    let mut worst = 0;
    for system in named(&args.systems)?.into_iter().filter(|one| needs(one, Broker::Kafka)) {
        match kafka::prepare(say) {
            Ok(()) => writeln!(out, "{:12}  broker present", system.name)?,
            Err(error) => {
                voice::tell(&format!("error: {error}"));
                worst = worst.max(Exit::Failed.number());
            }
        }
    }
    for (system, source) in chosen(&args.systems)? {
        let was_there = workshop.look(source).is_ok_and(|made| made.is_some());
        match workshop.have(source, &say) {
            Ok(_) => {
                let word = if was_there { "present" } else { "made" };
                writeln!(out, "{:12}  worker {word}", system.name)?;
            }
            Err(error) => {
                voice::tell(&format!("error: {error}"));
                worst = worst.max(match error {
                    Error::Missing(_) => Exit::Usage.number(),
                    _ => Exit::Failed.number(),
                });
            }
        }
    }
    Ok(ExitCode::from(worst))
}

/// Whether a profile of it needs that broker.
fn needs(system: &System, broker: Broker) -> bool {
    system.profiles.iter().any(|profile| profile.broker == Some(broker))
}

/// The systems to prepare that have a worker to be made.
fn chosen(names: &[String]) -> Result<Vec<(&'static System, &'static WorkerSource)>> {
    let made = |system: &'static System| Some((system, source_of(system)?));
    Ok(named(names)?.into_iter().filter_map(made).collect())
}

/// The systems of those names; all for none.
fn named(names: &[String]) -> Result<Vec<&'static System>> {
    let mut systems: Vec<&System> = SYSTEMS.iter().filter(|one| !one.only_for_tests).collect();
    if !names.is_empty() {
        systems.clear();
        for name in names {
            let Some(system) = find(name) else {
                bail!("this build has no system named {name}; schedbench list names them");
            };
            systems.push(system);
        }
    }
    Ok(systems)
}
