//! `schedbench list`: systems, what they claim, and scenarios.

use std::io::Write;
use std::process::ExitCode;

use schedbench_adapters::{LEFT_OUT, SYSTEMS, System};
use schedbench_contract::{Broker, Claims, Delay, Order, Profile, Resends, Retries};
use schedbench_reports::analysis::{ack_in_words, confirms_in_words};
use serde_json::{Value, json};

use crate::cli::{ListArgs, ListFormat};
use crate::scenario::{self, BUILT_IN, Bytes, Nanos, wrapped};

/// Prints the list, or one built-in scenario.
///
/// # Errors
/// There is no such scenario, or `out` cannot be written.
pub fn run(args: &ListArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    if let Some(name) = &args.scenario {
        let scenario = scenario::load(name, &[])?;
        out.write_all(scenario.text.scenario().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    match args.format {
        ListFormat::Text => text(out)?,
        ListFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &as_json()?)?;
            writeln!(out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listed() -> impl Iterator<Item = &'static System> {
    SYSTEMS.iter().filter(|system| !system.only_for_tests)
}

fn text(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "systems, as system or system/profile; the first profile is the default")?;
    let profiles = || listed().flat_map(|system| system.profiles);
    let longest = profiles().map(|profile| profile.name.len()).max().unwrap_or(0);
    let width = longest.min(24);
    for system in listed() {
        writeln!(out, "\n{}", system.name)?;
        for profile in system.profiles {
            let needs = needs(system, profile);
            for (at, line) in wrapped(profile.summary, 76 - width).iter().enumerate() {
                let name = if at == 0 { profile.name } else { "" };
                writeln!(out, "  {name:width$}  {line}")?;
            }
            let claims = claims(profile);
            for line in claims.iter().chain(&needs).flat_map(|line| wrapped(line, 74 - width)) {
                writeln!(out, "  {:width$}    {line}", "")?;
            }
        }
    }
    for (system, feature) in LEFT_OUT {
        writeln!(
            out,
            "\n{system}\n  not in this build: cargo build --release --features {feature}"
        )?;
    }
    writeln!(out, "\nscenarios, for run and check; list SCENARIO prints one")?;
    let width = BUILT_IN.iter().map(|built_in| built_in.name.len()).max().unwrap_or(0);
    for built_in in BUILT_IN {
        let scenario = scenario::load(built_in.name, &[])?;
        writeln!(out, "  {:width$}  {}", built_in.name, scenario.settings.summary.value)?;
    }
    Ok(())
}

/// The server that a profile needs beside its broker.
fn second(system: &System, profile: &Profile) -> Option<&'static str> {
    (system.second)(profile).and_then(|profile| profile.broker).map(Broker::name)
}

/// The servers of a profile that needs more than one.
fn needs(system: &System, profile: &Profile) -> Option<String> {
    let names: Vec<&str> = system.brokers(profile).into_iter().map(Broker::name).collect();
    (names.len() > 1).then(|| format!("needs {}", names.join(" and ")))
}

/// What a profile promises: what survives first, then how it treats tasks.
fn claims(profile: &Profile) -> [String; 2] {
    let Claims { durability, ack, confirms, delay, order, cancel, retries, resends, largest_body } =
        &profile.claims;
    let (ack, confirms) = (ack_in_words(*ack), confirms_in_words(*confirms));
    let delay = match delay {
        Delay::Unsupported(_) => "no delay".to_owned(),
        Delay::Native { early_by_at_most_ns: 0 } => "delays, never early".to_owned(),
        Delay::Native { early_by_at_most_ns } => {
            format!("delays, early by at most {}", Nanos(*early_by_at_most_ns))
        }
        Delay::Classes(most) => format!("at most {most} different delays"),
        Delay::InTheWorker => "delays in the worker".to_owned(),
    };
    let mut does = vec![delay];
    match order {
        Order::None => {}
        Order::Queue => does.push("order of the queue".to_owned()),
        Order::Key => does.push("order of each key".to_owned()),
    }
    does.push(if *cancel { "cancels" } else { "no cancel" }.to_owned());
    does.push(
        match retries {
            Retries::Unsupported(_) => "no retries",
            Retries::Native => "retries",
        }
        .to_owned(),
    );
    if let Resends::Unseen(_) = resends {
        does.push("its client repeats unseen".to_owned());
    }
    if *largest_body < 1 << 30 {
        does.push(format!("bodies up to {}", Bytes(*largest_body as u64)));
    }
    if profile.topology.is_of_several() {
        does.push("needs --clusters".to_owned());
    }
    let class = format!("class {}, {}", durability.letter(), durability.describe());
    [format!("{class}, {ack}, {confirms}"), does.join(", ")]
}

fn as_json() -> anyhow::Result<Value> {
    let systems: Vec<Value> = listed()
        .map(|system| {
            let profiles: Vec<Value> = system
                .profiles
                .iter()
                .enumerate()
                .map(|(at, profile)| {
                    json!({
                        "name": profile.name,
                        "default": at == 0,
                        "summary": profile.summary,
                        "broker": profile.broker.map(Broker::name),
                        "nodes": profile.topology.nodes(),
                        "second": second(system, profile),
                        "claims": profile.claims,
                    })
                })
                .collect();
            json!({ "name": system.name, "profiles": profiles })
        })
        .collect();
    let scenarios = BUILT_IN
        .iter()
        .map(|built_in| {
            let scenario = scenario::load(built_in.name, &[])?;
            Ok(json!({ "name": built_in.name, "summary": scenario.settings.summary }))
        })
        .collect::<anyhow::Result<Vec<Value>>>()?;
    let left_out: Vec<Value> = LEFT_OUT
        .iter()
        .map(|(system, feature)| json!({ "name": system, "feature": feature }))
        .collect();
    Ok(json!({ "systems": systems, "left_out": left_out, "scenarios": scenarios }))
}
