//! Field by field, what differs between two runs: what makes them measure
//! different things, what may explain a change, and what only has to be known.

use std::collections::BTreeSet;

use crate::numbers::{Medium, bytes, load, seconds};
use crate::outcome::{Cell, Outcome, System};

/// What a difference means for a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The two measured different things.
    Refuses,
    /// It may be the reason of a change.
    Warns,
    /// It should make no difference.
    Notes,
}

impl Weight {
    /// What a table calls it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refuses => "forbids it",
            Self::Warns => "warning",
            Self::Notes => "note",
        }
    }
}

/// One field in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path in the outcome, as in `host.cores`.
    pub field: String,
    /// What it is before.
    pub before: String,
    /// What it is after.
    pub after: String,
    /// What that means.
    pub weight: Weight,
}

/// Memory of two machines of one kind differs by what firmware keeps.
const MEMORY: f64 = 0.05;

/// How the run's brokers were had: `local`, `compose` or `external`. Outcomes
/// from before it was recorded have it in their command; without it `local`
/// was meant.
#[must_use]
pub fn environment(outcome: &Outcome) -> String {
    if let Some(environment) = &outcome.host.environment {
        return environment.clone();
    }
    let words = &outcome.run.command;
    let behind = words.iter().position(|word| word == "--env").and_then(|at| words.get(at + 1));
    let joined = words.iter().find_map(|word| word.strip_prefix("--env="));
    joined.or(behind.map(String::as_str)).unwrap_or("local").to_owned()
}

/// Every field in which they differ, what forbids a comparison first.
#[must_use]
pub fn differences(before: &Outcome, after: &Outcome) -> Vec<Difference> {
    let mut found = Found { both: (before, after), list: Vec::new() };
    found.plan();
    found.host();
    found.run();
    found.systems();
    found.list.sort_by_key(|difference| difference.weight);
    found.list
}

struct Found<'a> {
    both: (&'a Outcome, &'a Outcome),
    list: Vec<Difference>,
}

impl Found<'_> {
    /// Notes a field unless both say the same.
    fn field(&mut self, weight: Weight, field: &str, of: impl Fn(&Outcome) -> String) {
        let (before, after) = (of(self.both.0), of(self.both.1));
        self.pair(weight, field, before, after);
    }

    fn pair(&mut self, weight: Weight, field: &str, before: String, after: String) {
        if before != after {
            self.list.push(Difference { field: field.to_owned(), before, after, weight });
        }
    }

    fn plan(&mut self) {
        use Weight::{Notes, Refuses};
        self.field(Refuses, "plan.hash", |it| it.plan.hash.clone());
        let same_plan = self.list.is_empty();
        // The hash says that something differs, these say what. Where it is the
        // same, a name or a summary is all that can.
        let weight = if same_plan { Notes } else { Refuses };
        self.field(weight, "plan.scenario", |it| it.plan.scenario.clone());
        self.field(Notes, "plan.seed", |it| it.plan.seed.to_string());
        self.field(Notes, "plan.repeats", |it| it.plan.repeats.to_string());
        if same_plan {
            return;
        }
        self.field(Refuses, "plan.arrivals", |it| it.plan.arrivals.clone());
        self.field(Refuses, "plan.body_bytes", |it| it.plan.body_bytes.to_string());
        self.field(Refuses, "plan.handler", |it| it.plan.handler.clone());
        self.field(Refuses, "plan.shape.processes", |it| it.plan.shape.processes.to_string());
        self.field(Refuses, "plan.shape.concurrency", |it| it.plan.shape.concurrency.to_string());
        self.field(Refuses, "plan.shape.prefetch", |it| it.plan.shape.prefetch.to_string());
        self.field(Refuses, "plan.shape.connections", |it| it.plan.shape.connections.to_string());
        self.field(Refuses, "plan.shape.window", |it| it.plan.shape.window.to_string());
        let time = |s: f64| seconds(s, Medium::Terminal);
        self.field(Refuses, "plan.objective_p99_s", |it| time(it.plan.objective_p99_s));
        self.field(Refuses, "cells.key.load", loads);
        self.field(Refuses, "cells.window.warmup_s", |it| windows(it, |cell| cell.window.warmup_s));
        self.field(Refuses, "cells.window.duration_s", |it| {
            windows(it, |cell| cell.window.duration_s)
        });
        self.field(Refuses, "cells.window.horizon_s", |it| {
            windows(it, |cell| cell.window.horizon_s)
        });
        self.field(Refuses, "plan.overrides", |it| it.plan.overrides.join(", "));
        let line = first_line_apart(&self.both.0.plan.text, &self.both.1.plan.text);
        if let Some((number, before, after)) = line {
            self.pair(Refuses, &format!("plan.text, line {number}"), before, after);
        }
    }

    fn host(&mut self) {
        use Weight::{Refuses, Warns};
        self.field(Refuses, "host.environment", environment);
        self.field(Refuses, "host.cpu", |it| it.host.cpu.clone());
        self.field(Refuses, "host.cores", |it| it.host.cores.to_string());
        let (one, other) =
            (self.both.0.host.memory_bytes as f64, self.both.1.host.memory_bytes as f64);
        if (one - other).abs() > MEMORY * one.max(other) {
            let text = |amount| bytes(amount, Medium::Terminal);
            self.pair(Refuses, "host.memory_bytes", text(one), text(other));
        }
        self.field(Refuses, "host.placement", |it| it.host.placement.clone());
        self.field(Refuses, "host.network", |it| it.host.network.clone().unwrap_or_default());
        self.field(Refuses, "host.fifo", |it| it.host.fifo.to_string());
        self.field(Refuses, "host.timer_slack_ns", |it| it.host.timer_slack_ns.to_string());
        self.field(Warns, "host.clock_source", |it| it.host.clock_source.clone());
        self.field(Warns, "host.kernel", |it| it.host.kernel.clone());
        self.field(Warns, "host.os", |it| it.host.os.clone());
    }

    fn run(&mut self) {
        self.field(Weight::Warns, "run.tool", |it| it.run.tool.clone());
        self.field(Weight::Warns, "run.commit", |it| it.run.commit.clone().unwrap_or_default());
    }

    fn systems(&mut self) {
        use Weight::{Refuses, Warns};
        for after in &self.both.1.systems {
            let same = |it: &&System| (&it.system, &it.profile) == (&after.system, &after.profile);
            let Some(before) = self.both.0.systems.iter().find(same) else { continue };
            let name = format!("{}/{}", after.system, after.profile);
            let mut field = |weight, field: &str, of: &dyn Fn(&System) -> String| {
                self.pair(weight, &format!("{name}: {field}"), of(before), of(after));
            };
            field(Refuses, "claims.durability", &|it| it.claims.durability.describe().to_owned());
            field(Refuses, "claims.ack", &|it| word(&it.claims.ack));
            field(Refuses, "claims.confirms", &|it| word(&it.claims.confirms));
            field(Warns, "claims.delay", &|it| it.claims.delay.clone());
            field(Warns, "claims.retries", &|it| it.claims.retries.clone());
            field(Warns, "worker_runtime", &|it| it.worker_runtime.clone());
            field(Warns, "server", &|it| {
                let named = |server: &schedbench_contract::Server| {
                    format!("{} {}", server.name, server.version)
                };
                it.server.as_ref().map(named).unwrap_or_default()
            });
            for key in settings(before).union(&settings(after)) {
                field(Warns, &format!("server.settings.{key}"), &|it| setting(it, key));
            }
        }
    }
}

/// A mode of the contract in the word that the outcome has for it.
fn word(mode: &impl serde::Serialize) -> String {
    serde_json::to_value(mode)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn settings(system: &System) -> BTreeSet<String> {
    let all = system.server.iter().flat_map(|server| &server.settings);
    all.map(|(key, _)| key.clone()).collect()
}

fn setting(system: &System, key: &str) -> String {
    let mut all = system.server.iter().flat_map(|server| &server.settings);
    all.find(|(name, _)| name == key).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// `1k/s, 5k/s`: of a search there would be too many to name.
fn loads(outcome: &Outcome) -> String {
    let mut all: Vec<crate::outcome::Load> = Vec::new();
    for cell in &outcome.cells {
        if !all.contains(&cell.key.load) {
            all.push(cell.key.load);
        }
    }
    all.sort_by(|a, b| a.amount().total_cmp(&b.amount()));
    let named: Vec<String> = all.iter().take(12).map(|at| load(*at)).collect();
    let more = if all.len() > named.len() { ", …" } else { "" };
    named.join(", ") + more
}

/// The lengths that occur.
fn windows(outcome: &Outcome, of: fn(&Cell) -> f64) -> String {
    let mut all: Vec<f64> = outcome.cells.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    let named: Vec<String> = all.iter().take(6).map(|s| seconds(*s, Medium::Terminal)).collect();
    named.join(", ")
}

/// The first line in which two texts differ, numbered from 1 as in the second
/// where that has it; comments, empty lines and white space at its ends do not
/// count.
fn first_line_apart(before: &str, after: &str) -> Option<(usize, String, String)> {
    let (mut one, mut other) = (counting(before), counting(after));
    loop {
        let (a, b) = (one.next(), other.next());
        let (number, _) = b.or(a)?;
        let (a, b) = (a.map_or("", |(_, line)| line), b.map_or("", |(_, line)| line));
        if a != b {
            return Some((number, a.to_owned(), b.to_owned()));
        }
    }
}

/// The lines that say something, with their numbers.
fn counting(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_differs_in_its_first_line_that_counts() {
        let text = "# one\nrates = [1]\n";
        assert_eq!(first_line_apart(text, "# another\n  rates = [1]"), None);
        let apart = first_line_apart(text, "# one\nrates = [2]\n");
        assert_eq!(apart, Some((2, "rates = [1]".to_owned(), "rates = [2]".to_owned())));
        let longer = first_line_apart(text, "# one\nrates = [1]\nkeys = 4");
        assert_eq!(longer, Some((3, String::new(), "keys = 4".to_owned())));
        let commented = first_line_apart("a = 1\nb = 2", "# note\na = 1\nb = 3");
        assert_eq!(commented, Some((3, "b = 2".to_owned(), "b = 3".to_owned())));
    }
}
