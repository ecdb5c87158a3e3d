//! `schedbench doctor`: which systems can run here, and what the others need.
//!
//! It answers a question, so its exit code is 0 whatever the answer; scripts
//! read `ready` in `--format json`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use schedbench_adapters::{LEFT_OUT, SYSTEMS, find};
use schedbench_contract::{Broker, Runtime, Topology, WorkerSource};
use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{Medium, amount, whole};
use serde::Serialize;

use crate::cli::{DoctorArgs, ListFormat};
use crate::environment::{
    Entry, Error, Missing, Mode, Room, Source, Workshop, host, source_of, timing,
};

/// Says what can run here.
///
/// # Errors
/// `out` cannot be written.
pub fn run(args: &DoctorArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let findings = Findings::look(args.env);
    match args.format {
        ListFormat::Text => findings.write(out)?,
        ListFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &findings)?;
            writeln!(out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Serialize)]
struct Findings {
    /// Whether every system can run.
    ready: bool,
    groups: Vec<Systems>,
    pacing: Pacing,
    room: Free,
}

/// Systems that need the same.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Systems {
    /// `system`, or `system/profile` where a profile needs what the others do not.
    systems: Vec<String>,
    ready: bool,
    /// What they would run on.
    with: Option<String>,
    /// Why they cannot run.
    why: Option<String>,
    /// The one command that would make them.
    remedy: Option<String>,
}

#[derive(Debug, Serialize)]
struct Pacing {
    fifo: bool,
    timer_slack_ns: u64,
    clock_source: String,
    clock_read_ns: f64,
}

#[derive(Debug, Serialize)]
struct Free {
    disk_bytes: u64,
    brokers_disk_bytes: u64,
    memory_bytes: u64,
    open_files: u64,
}

impl Findings {
    fn look(mode: Mode) -> Self {
        let groups = groups(mode);
        let timing = timing::possible();
        let room = Room::look(Path::new("."));
        Self {
            ready: groups.iter().all(|group| group.ready),
            groups,
            pacing: Pacing {
                fifo: timing.fifo,
                timer_slack_ns: timing.timer_slack_ns,
                clock_source: host::clock_source(),
                clock_read_ns: host::clock_read_ns(),
            },
            room: Free {
                disk_bytes: room.results,
                brokers_disk_bytes: room.brokers,
                memory_bytes: room.memory,
                open_files: room.open_files,
            },
        }
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let names = |group: &Systems| group.systems.join(", ");
        let names_width = self.groups.iter().map(|group| names(group).len()).max().unwrap_or(0);
        let width = names_width.max("pacing".len());
        for group in &self.groups {
            let state = if group.ready { "ready" } else { "missing" };
            let rest = match (&group.with, &group.remedy, &group.why) {
                (Some(with), ..) => with.clone(),
                (None, Some(remedy), Some(why)) => format!("{remedy}   ({why})"),
                (None, remedy, why) => remedy.clone().or(why.clone()).unwrap_or_default(),
            };
            line(out, width, &names(group), state, &rest)?;
        }
        let Pacing { fifo, timer_slack_ns, clock_source, .. } = &self.pacing;
        let allowed = if *fifo { "allowed" } else { "not allowed (ulimit -r 1, as root)" };
        let pacing =
            format!("SCHED_FIFO {allowed}, timer slack {timer_slack_ns} ns, clock {clock_source}");
        let is_full = *fifo && *timer_slack_ns == 1;
        line(out, width, "pacing", if is_full { "full" } else { "partial" }, &pacing)?;
        let bytes = |number: u64| amount(number as f64, Unit::Bytes, Medium::Terminal);
        let room = format!(
            "{} free, {} memory, {} open files",
            bytes(self.room.disk_bytes.min(self.room.brokers_disk_bytes)),
            bytes(self.room.memory_bytes),
            whole(self.room.open_files)
        );
        writeln!(out, "  {:width$}   {room}", "room")?;
        if !self.ready {
            writeln!(out, "All at once: scripts/setup")?;
        }
        Ok(())
    }
}

fn line(
    out: &mut impl Write,
    width: usize,
    name: &str,
    state: &str,
    rest: &str,
) -> std::io::Result<()> {
    let line = format!("  {name:width$}   {state:7}   {rest}");
    writeln!(out, "{}", line.trim_end())
}

/// Systems by what their default profiles need, and beside them, as
/// `system/profile`, the profiles that need something else.
fn groups(mode: Mode) -> Vec<Systems> {
    let mut alike: BTreeMap<(Vec<Broker>, &str), Vec<String>> = BTreeMap::new();
    for system in SYSTEMS.iter().filter(|system| !system.only_for_tests) {
        // A worker's source has its system's name.
        let worker = source_of(system).map_or("", |source| source.name);
        let mut note = |brokers: Vec<Broker>, name: String| {
            alike.entry((brokers, worker)).or_default().push(name);
        };
        let Some((default, others)) = system.profiles.split_first() else { continue };
        let usual = system.brokers(default);
        note(usual.clone(), system.name.to_owned());
        for profile in others {
            let brokers = system.brokers(profile);
            if brokers != usual {
                note(brokers, format!("{}/{}", system.name, profile.name));
            }
        }
    }
    let here = alike.into_iter().map(|((brokers, worker), names)| {
        let group = on_brokers(mode, &brokers, names);
        match find(worker).and_then(source_of) {
            Some(source) => with_worker(group, source),
            None => group,
        }
    });
    let left_out = LEFT_OUT.iter().map(|(system, feature)| Systems {
        systems: vec![(*system).to_owned()],
        ready: false,
        with: None,
        why: Some("this build lacks it".into()),
        remedy: Some(format!("cargo build --release --features {feature}")),
    });
    here.chain(left_out).collect()
}

/// What a group is that needs each of these brokers: as the first that is
/// missing, or on all of them.
fn on_brokers(mode: Mode, brokers: &[Broker], systems: Vec<String>) -> Systems {
    let mut with: Vec<String> = Vec::new();
    for broker in brokers {
        let one = on_broker(mode, *broker, systems.clone());
        if !one.ready {
            return one;
        }
        with.extend(one.with);
    }
    let with = (!with.is_empty()).then(|| with.join(", "));
    Systems { systems, ready: true, with, why: None, remedy: None }
}

/// What a group is when its workers' program is looked at too.
fn with_worker(group: Systems, source: &'static WorkerSource) -> Systems {
    if !group.ready {
        return group;
    }
    let lacks = |why: String, remedy: String| Systems {
        systems: group.systems.clone(),
        ready: false,
        with: None,
        why: Some(why),
        remedy: Some(remedy),
    };
    match Workshop::open().and_then(|workshop| workshop.look(source)) {
        Ok(Some(_)) => {
            let broker = group.with.iter().cloned();
            let worker = format!("worker in {}", Runtime::Source(source).describe());
            let with: Vec<String> = broker.chain([worker]).collect();
            Systems { with: Some(with.join(", ")), ..group }
        }
        Ok(None) => {
            let remedy = format!("schedbench prepare {}", source.name);
            lacks("its worker is not made yet".into(), remedy)
        }
        Err(Error::Missing(missing)) => lacks(missing.why, missing.remedy),
        Err(error) => lacks(error.to_string(), "schedbench prepare".into()),
    }
}

fn on_broker(mode: Mode, broker: Broker, systems: Vec<String>) -> Systems {
    let entry = Entry::of(broker);
    let name = broker.name();
    match mode.source(entry, name, None, Topology::Single) {
        Ok(Source::Program(program)) => {
            let version = (entry.version)(&program);
            let is_old = version.as_deref().is_some_and(|version| entry.is_too_old(version));
            let version = version.unwrap_or_else(|| "of unknown version".into());
            Systems {
                systems,
                ready: !is_old,
                with: (!is_old).then(|| format!("{name} {version}")),
                why: is_old.then(|| format!("{name} {version} is too old")),
                remedy: is_old.then(|| entry.remedy.to_owned()),
            }
        }
        Ok(Source::Url(variable)) => {
            let (with, why) = match entry.ask(&variable) {
                Ok(version) => (Some(format!("{name} {version} of {variable}")), None),
                Err(error) => (None, Some(error.to_string())),
            };
            let remedy = why.is_some().then(|| entry.remedy.to_owned());
            Systems { systems, ready: with.is_some(), with, why, remedy }
        }
        Ok(Source::Compose(_)) => Systems {
            systems,
            ready: true,
            with: Some(format!("{name} in a container of docker compose")),
            why: None,
            remedy: None,
        },
        Err(Missing { why, remedy, instead, .. }) => {
            let instead = instead.map_or_else(String::new, |name| format!("   (or: {name})"));
            let remedy = Some(format!("{remedy}{instead}"));
            Systems { systems, ready: false, with: None, why: Some(why), remedy }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_is_in_one_group_and_so_is_a_profile_that_needs_more() {
        let groups = groups(Mode::Local);
        let named: Vec<&String> = groups.iter().flat_map(|group| &group.systems).collect();
        let systems = named.iter().filter(|name| !name.contains('/')).count();
        let listed = SYSTEMS.iter().filter(|system| !system.only_for_tests).count();
        assert_eq!(systems, listed + LEFT_OUT.len());
        for system in SYSTEMS.iter().filter(|system| !system.only_for_tests) {
            let usual = system.brokers(&system.profiles[0]);
            for profile in system.profiles {
                let name = format!("{}/{}", system.name, profile.name);
                let times = named.iter().filter(|named| ***named == name).count();
                let differs = system.brokers(profile) != usual;
                assert_eq!(times, usize::from(differs), "{name}");
            }
        }
    }

    #[test]
    fn what_makes_a_worker_is_named_as_its_system_is() {
        for source in SYSTEMS.iter().filter_map(source_of) {
            assert!(find(source.name).is_some(), "{}", source.name);
        }
    }

    #[test]
    fn the_text_has_a_line_for_each_group_and_the_commands() {
        let mut findings = Findings::look(Mode::Local);
        findings.ready = false;
        findings.groups.push(Systems {
            systems: vec!["kafka".into()],
            ready: false,
            with: None,
            why: None,
            remedy: Some("scripts/setup kafka".into()),
        });
        let mut text = Vec::new();
        findings.write(&mut text).expect("a text");
        let text = String::from_utf8(text).expect("UTF-8");
        assert_eq!(text.lines().count(), findings.groups.len() + 3, "{text}");
        assert!(text.contains("   missing   scripts/setup kafka\n"), "{text}");
        assert!(text.ends_with("All at once: scripts/setup\n"), "{text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
    }
}
