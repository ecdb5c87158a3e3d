//! A scenario of several parts: each is measured with a load and tasks of its
//! own, and shares all else with the others.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::name;
use super::overrides::{self, Override};
use super::settings::{Fault, Load, Mode, Retry, Settings, Task};
use super::trials::Trial;
use super::{At, Scenario, ScenarioError, Text};
use crate::fault::Links;

/// A part: what is written in it takes the place of the same fields outside of
/// it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table [[part]]")]
pub struct Part {
    /// What notes and errors call it: letters and digits of any script, `-` and `_`.
    pub name: At<String>,
    /// Those of the scenario's systems that it makes sense for; all if left
    /// out.
    pub systems: Option<At<Vec<At<String>>>>,
    /// Its load, as `[load]`.
    pub load: Option<At<Load>>,
    /// Its tasks, as `[task]`.
    pub task: Option<At<Task>>,
    /// What follows a failed attempt in it, as `[retry]`.
    pub retry: Option<At<Retry>>,
    /// What is done meanwhile, as `[[fault]]`.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// Its trials, as `[[trial]]`.
    #[serde(default)]
    pub trial: Vec<Trial>,
}

impl Part {
    fn takes(&self, written: &str) -> bool {
        let Some(systems) = &self.systems else { return true };
        systems.iter().any(|mine| {
            mine.as_str() == written
                || written.split_once('/').is_some_and(|(system, _)| system == mine.as_str())
        })
    }
}

/// The parts of a scenario, each as a scenario of its own; `base` is its table
/// without any change of a load, `whole` what all of it says.
///
/// # Errors
/// Something in a part is wrong.
pub(super) fn apart<'i>(
    base: &Spanned<DeTable<'i>>,
    whole: &Settings,
    text: &Text,
    changes: &'i [Override],
    padded: &'i [(usize, String)],
    recorded: &[String],
) -> Result<Vec<(At<String>, Scenario)>, ScenarioError> {
    let Some(DeValue::Array(written)) = base.get_ref().get("part").map(Spanned::get_ref) else {
        return Ok(Vec::new());
    };
    let tables: Vec<DeTable<'i>> = written
        .iter()
        .filter_map(|part| Some(laid_over(base.get_ref(), part.get_ref().as_table()?)))
        .collect();
    let concerned = concerned(&tables, changes);
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut parts = Vec::new();
    for (place, (mut table, part)) in tables.into_iter().zip(&whole.part).enumerate() {
        can_be_named(text, &part.name)?;
        if !names.insert(&part.name) {
            return Err(text.error(
                &part.name.span,
                format!("two parts named `{}`", part.name.value),
                "expected each name once: notes say which part they are about",
            ));
        }
        let mut own = recorded.to_vec();
        for ((change, padded), concerned) in changes.iter().zip(padded).zip(&concerned) {
            if concerned.contains(&place) {
                let (change, padded) = (std::slice::from_ref(change), std::slice::from_ref(padded));
                own.extend(overrides::lay_over(&mut table, text, change, padded)?);
            }
        }
        let at_fault =
            |error: toml::de::Error| super::explain::explain(text, error.message(), error.span());
        let table = Spanned::new(base.span(), table);
        let mut settings =
            Settings::deserialize(toml::de::Deserializer::from(table)).map_err(at_fault)?;
        are_in_the_scenario(text, whole, part, recorded)?;
        settings.systems = whole.systems.clone();
        settings.systems.value.retain(|written| part.takes(written));
        let scenario = Scenario {
            settings,
            text: text.clone(),
            overrides: own,
            parts: Vec::new(),
            part: Some(part.name.value.clone()),
            links: Links::default(),
        };
        parts.push((part.name.clone(), scenario));
    }
    Ok(parts)
}

/// The scenario's table with what a part has of its own. Of the load outside of
/// it a part has what means something in its mode.
fn laid_over<'i>(base: &DeTable<'i>, part: &DeTable<'i>) -> DeTable<'i> {
    let mut table = base.clone();
    table.remove("part");
    for (key, value) in part {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("name" | "systems", _) => {}
            ("load" | "task" | "retry", DeValue::Table(own)) => {
                let mut fields = match table.remove(key.get_ref().as_ref()).map(Spanned::into_inner)
                {
                    Some(DeValue::Table(fields)) => fields,
                    _ => DeTable::new(),
                };
                if key.get_ref() == "load" {
                    let mode = mode(own).or_else(|| mode(&fields)).unwrap_or(Mode::Open);
                    fields =
                        fields.into_iter().filter(|(field, _)| mode.has(field.get_ref())).collect();
                }
                for (key, value) in own {
                    // The key goes too, so that its position is the part's.
                    fields.remove(key.get_ref().as_ref());
                    fields.insert(key.clone(), value.clone());
                }
                table.insert(key.clone(), Spanned::new(value.span(), DeValue::Table(fields)));
            }
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
    table
}

/// Of each change of a load the parts that it is for: those where nothing is
/// hurt, if there are any, and whose mode has the field. A window that a fault
/// lies in is not shortened with the others.
fn concerned(tables: &[DeTable<'_>], changes: &[Override]) -> Vec<BTreeSet<usize>> {
    let is_hurt = |table: &DeTable<'_>| table.contains_key("fault") || table.contains_key("trial");
    let mode = |table: &DeTable<'_>| {
        let load = table.get("load").and_then(|load| load.get_ref().as_table());
        load.and_then(mode).unwrap_or(Mode::Open)
    };
    let any_unhurt = tables.iter().any(|table| !is_hurt(table));
    changes
        .iter()
        .map(|change| {
            let Some(field) = change.field_of_a_load() else { return BTreeSet::new() };
            let unhurt = |table: &DeTable<'_>| !any_unhurt || !is_hurt(table);
            let taking = |table: &DeTable<'_>| unhurt(table) && mode(table).has(field);
            let these = |takes: &dyn Fn(&DeTable<'_>) -> bool| -> BTreeSet<usize> {
                (0..tables.len()).filter(|place| takes(&tables[*place])).collect()
            };
            // One that none takes is told where it has no meaning.
            let takers = these(&taking);
            if takers.is_empty() { these(&unhurt) } else { takers }
        })
        .collect()
}

fn mode(load: &DeTable<'_>) -> Option<Mode> {
    Mode::named(load.get("mode")?.get_ref().as_str()?)
}

fn can_be_named(text: &Text, written: &At<String>) -> Result<(), ScenarioError> {
    match name::wrong(written, 40) {
        Some(expected) => {
            Err(text.error(&written.span, "a part's name that no note can have", expected))
        }
        None => Ok(()),
    }
}

/// That a part is for systems of the scenario, unless the command line left
/// some of them out.
fn are_in_the_scenario(
    text: &Text,
    whole: &Settings,
    part: &Part,
    recorded: &[String],
) -> Result<(), ScenarioError> {
    let Some(systems) = &part.systems else { return Ok(()) };
    if recorded.iter().any(|change| change.starts_with("systems=")) {
        return Ok(());
    }
    let names = || whole.systems.iter().map(|name| name.as_str());
    for written in systems.iter() {
        let one = Part { systems: Some(At::nowhere(vec![written.clone()])), ..part.clone() };
        if names().any(|name| one.takes(name)) {
            continue;
        }
        let near = super::suggest::nearest(written, names())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(text.error(
            &written.span,
            format!("`{}` is not among the scenario's systems", written.value),
            format!("expected {}{near}", super::suggest::one_of(names())),
        ));
    }
    Ok(())
}
