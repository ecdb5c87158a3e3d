//! Which systems run, in which profiles.

use schedbench_adapters::{LEFT_OUT, SYSTEMS, System};
use schedbench_contract::Profile;
use schedbench_reports::outcome::Skipped;

use super::Missing;
use crate::plan::Target;
use crate::scenario::{At, Scenario, ScenarioError, suggest};

/// The harness's own ceiling: first in every run.
pub(super) const CEILING: &str = "noop";

/// The targets of a scenario in its order, without `noop` unless it is the
/// only one, and what was left out.
pub(super) fn choose(
    scenario: &Scenario,
    missing: Missing,
) -> Result<(Vec<Target>, Vec<Skipped>), ScenarioError> {
    let settings = &scenario.settings;
    if settings.systems.is_empty() {
        return Err(scenario.text.error(
            &settings.systems.span,
            "no system to measure",
            format!("expected at least one of {}", known()),
        ));
    }
    let wanted = Wanted::of(scenario)?;
    let mut targets: Vec<Target> = Vec::new();
    let mut skipped = Vec::new();
    for written in settings.systems.iter() {
        match one(scenario, written, &wanted)? {
            Choice::Run(found) => {
                for target in found {
                    if targets.iter().any(|other| other.name() == target.name()) {
                        return Err(scenario.text.error(
                            &written.span,
                            format!("{} is named twice", target.name()),
                            "expected each system and profile once",
                        ));
                    }
                    targets.push(target);
                }
            }
            Choice::LeftOut { system, feature } => {
                let remedy = format!("cargo build --release --features {feature}");
                if missing == Missing::IsAnError {
                    return Err(scenario
                        .text
                        .error(
                            &written.span,
                            format!("{system}: not in this build"),
                            format!("this build has {}", suggest::one_of(in_this_build())),
                        )
                        .help(format!("To have it:       {remedy}"))
                        .help("To run the rest:  --skip-missing"));
                }
                skipped.push(Skipped {
                    target: (**written).clone(),
                    why: "not in this build".to_owned(),
                    remedy: Some(remedy),
                });
            }
        }
    }
    Ok((targets, skipped))
}

enum Choice {
    Run(Vec<Target>),
    LeftOut { system: &'static str, feature: &'static str },
}

/// `profiles`: those to take for systems that are named without one.
enum Wanted<'a> {
    Defaults,
    All,
    These(Vec<&'a str>),
}

impl<'a> Wanted<'a> {
    fn of(scenario: &'a Scenario) -> Result<Self, ScenarioError> {
        let profiles = &scenario.settings.profiles;
        if profiles.iter().any(|name| name.as_str() == "all") {
            return Ok(Self::All);
        }
        if profiles.is_empty() {
            return Ok(Self::Defaults);
        }
        let systems: Vec<&System> = scenario
            .settings
            .systems
            .iter()
            .filter(|written| !written.contains('/'))
            .filter_map(|written| schedbench_adapters::find(written))
            .collect();
        let known: Vec<&str> =
            systems.iter().flat_map(|system| system.profiles).map(|profile| profile.name).collect();
        for name in profiles {
            // Systems that this build lacks may have it.
            if !known.contains(&name.as_str()) && LEFT_OUT.is_empty() {
                return Err(unknown_profile(scenario, name, name, "these systems", &known));
            }
        }
        Ok(Self::These(profiles.iter().map(|name| name.as_str()).collect()))
    }
}

fn one(
    scenario: &Scenario,
    written: &At<String>,
    wanted: &Wanted<'_>,
) -> Result<Choice, ScenarioError> {
    let (name, profile) = match written.split_once('/') {
        Some((name, profile)) => (name, Some(profile)),
        None => (written.as_str(), None),
    };
    let Some(system) = schedbench_adapters::find(name) else {
        if let Some((system, feature)) = LEFT_OUT.iter().find(|(left_out, _)| *left_out == name) {
            return Ok(Choice::LeftOut { system, feature });
        }
        let near = suggest::nearest(name, names())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(scenario.text.error(
            &written.span,
            format!("unknown system `{name}`"),
            format!("expected {}{near}", known()),
        ));
    };
    let profiles: Vec<&'static Profile> = match (profile, wanted) {
        (Some(profile), _) => vec![system.profile(Some(profile)).ok_or_else(|| {
            let known: Vec<&str> = system.profiles.iter().map(|profile| profile.name).collect();
            unknown_profile(scenario, written, profile, name, &known)
        })?],
        (None, Wanted::All) => system
            .profiles
            .iter()
            .filter(|profile| scenario.settings.clusters || !profile.topology.is_of_several())
            .collect(),
        (None, Wanted::Defaults) => system.profiles.iter().take(1).collect(),
        (None, Wanted::These(these)) => {
            let has: Vec<&Profile> =
                system.profiles.iter().filter(|profile| these.contains(&profile.name)).collect();
            if has.is_empty() { system.profiles.iter().take(1).collect() } else { has }
        }
    };
    refuse_clusters(scenario, written, name, &profiles)?;
    Ok(Choice::Run(profiles.into_iter().map(|profile| Target { system, profile }).collect()))
}

/// Starting several brokers on one machine is a thing to be asked for.
fn refuse_clusters(
    scenario: &Scenario,
    written: &At<String>,
    system: &str,
    profiles: &[&Profile],
) -> Result<(), ScenarioError> {
    let cluster = profiles.iter().find(|profile| profile.topology.is_of_several());
    let Some(profile) = cluster.filter(|_| !scenario.settings.clusters) else { return Ok(()) };
    let nodes = profile.topology.nodes();
    Err(scenario
        .text
        .error(
            &written.span,
            format!("{system}/{} is a cluster of {nodes}", profile.name),
            "expected a system that starts one broker, or `clusters = true`",
        )
        .help("To let it start them all on this machine:  --clusters"))
}

fn unknown_profile(
    scenario: &Scenario,
    written: &At<String>,
    profile: &str,
    of: &str,
    known: &[&str],
) -> ScenarioError {
    let near = suggest::nearest(profile, known.iter().copied())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    scenario.text.error(
        &written.span,
        format!("unknown profile `{profile}` of {of}"),
        format!("expected {}{near}", suggest::one_of(known.iter().copied())),
    )
}

fn in_this_build() -> impl Iterator<Item = &'static str> {
    SYSTEMS.iter().filter(|system| !system.only_for_tests).map(|system| system.name)
}

/// Systems a user may name, those of other builds too.
fn names() -> impl Iterator<Item = &'static str> {
    in_this_build().chain(LEFT_OUT.iter().map(|(name, _)| *name))
}

fn known() -> String {
    suggest::one_of(names())
}

#[cfg(test)]
mod tests {
    use schedbench_contract::Topology;

    use super::*;
    use crate::scenario::{Override, read};

    const TEXT: &str = "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"wheel\"]\n\
                        [load]\nrates = [\"1k\"]\n";

    /// What is said of a profile of this topology in that scenario.
    fn said(scenario: &Scenario, topology: Topology) -> String {
        let known = &schedbench_adapters::find("wheel").expect("in every build").profiles[0];
        let profile = Profile { name: "three", topology, ..*known };
        let written = scenario.settings.systems.iter().next().expect("one");
        let refused = refuse_clusters(scenario, written, "stand-in", &[known, &profile]);
        refused.err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_cluster_is_started_only_where_it_was_asked_for() {
        let plain = read("mine.toml", TEXT.as_bytes(), &[]).expect("a scenario");
        for several in [Topology::Cluster, Topology::Shards] {
            let refused = said(&plain, several);
            for words in ["stand-in/three is a cluster of 3", "mine.toml:3:", "--clusters"] {
                assert!(refused.contains(words), "{words} in {refused}");
            }
        }
        assert_eq!(said(&plain, Topology::Single), "");
        let set = Override::set("clusters=true").expect("a setting");
        let asked = read("mine.toml", TEXT.as_bytes(), &[set]).expect("a scenario");
        assert_eq!(said(&asked, Topology::Cluster), "");
        assert_eq!(said(&asked, Topology::Shards), "");
    }
}
