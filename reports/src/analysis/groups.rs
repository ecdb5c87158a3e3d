//! Rows that may be compared: one durability class, acknowledgement mode,
//! confirmation mode, way of loading and variant.

use schedbench_contract::{AckMode, ConfirmMode, DurabilityClass};

use crate::outcome::{Cell, Claims, Load, Outcome};

use super::points::{Figure, Quality};
use super::rank::rank;
use super::rows::{Row, row};

/// What a ranking never crosses (`docs/measurement.md` §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassKey {
    /// What survives what.
    pub durability: DurabilityClass,
    /// Acknowledged before or after the handler.
    pub ack: AckMode,
    /// Whether each task is vouched for.
    pub confirms: ConfirmMode,
}

impl ClassKey {
    /// The class of what claims that.
    #[must_use]
    pub fn of(claims: &Claims) -> Self {
        Self { durability: claims.durability, ack: claims.ack, confirms: claims.confirms }
    }

    /// `survives a process crash, confirmed, acknowledged late`.
    #[must_use]
    pub fn title(self) -> String {
        let mut title = self.durability.describe().to_owned();
        if self.durability != DurabilityClass::InProcess {
            title.push_str(match self.confirms {
                ConfirmMode::Confirmed => ", confirmed",
                ConfirmMode::Unconfirmed => ", not confirmed",
            });
        }
        match self.ack {
            AckMode::Early => title.push_str(", acknowledged early"),
            AckMode::Late => title.push_str(", acknowledged late"),
            AckMode::Unlocked => title.push_str(", acknowledged late, run by several at once"),
            AckMode::None => {}
            AckMode::Locked => title.push_str(", locked while they run"),
        }
        title
    }

    /// What that means for a task, in a sentence or two.
    #[must_use]
    pub fn promise(self) -> String {
        let mut promise = match self.durability {
            DurabilityClass::InProcess => "Tasks live in a process's own memory and end with it.",
            DurabilityClass::BrokerMemory => "A broker that dies takes its tasks with it.",
            DurabilityClass::BoundedWindow => {
                "A broker that dies loses at most what it took in the last moments, a window of \
                 bounded length."
            }
            DurabilityClass::ProcessCrash => {
                "A broker that crashes loses nothing it has taken; a power loss may."
            }
            DurabilityClass::PowerLoss => {
                "What was taken is on the disk first: configured so, not verified by cutting the power."
            }
            DurabilityClass::Replicated => "What was taken is on three nodes.",
        }
        .to_owned();
        promise.push_str(match self.ack {
            AckMode::Early => " A killed worker's tasks are lost.",
            AckMode::Late => " A killed worker's tasks come again.",
            AckMode::Unlocked => {
                " A killed worker's tasks come again; so may any other, while it runs."
            }
            AckMode::None => "",
            AckMode::Locked => {
                " Each instance may run each task: a lock is forgotten once released."
            }
        });
        if self.confirms == ConfirmMode::Unconfirmed {
            promise.push_str(" Nothing is vouched for, so what is missing cannot be called lost.");
        }
        promise
    }

    pub(super) fn order(self) -> (DurabilityClass, ConfirmMode, AckMode) {
        (self.durability, self.confirms, self.ack)
    }
}

/// How its cells were loaded. The two are never set on one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Open loop, at rates.
    Open,
    /// So many tasks in flight.
    InFlight,
}

/// Rows that may be compared with each other.
#[derive(Clone, Debug)]
pub struct Group {
    /// Their class.
    pub class: ClassKey,
    /// How they were loaded.
    pub mode: Mode,
    /// What else differs from other groups, as in `delay 10 ms`.
    pub variant: Option<String>,
    /// The headline latency: `start_latency`, or `firing_error` of delayed tasks.
    pub latency: &'static str,
    /// `noop` first, then by capacity.
    pub rows: Vec<Row>,
    /// The highest load that all rows hold which hold any.
    pub common_load: Option<Load>,
}

impl Group {
    /// Its class and variant as a heading.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{} · {variant}", self.class.title()),
            None => self.class.title(),
        }
    }

    /// Rows that may be compared: all but `noop` and what is not comparable.
    pub fn contenders(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_contender())
    }
}

pub(super) fn groups(outcome: &Outcome) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, system) in outcome.systems.iter().enumerate() {
        let class = ClassKey::of(&system.claims);
        let own = |cell: &Cell| {
            cell.key.system == system.system
                && cell.key.profile == system.profile
                && !cell.key.is_of_a_trial()
        };
        for mode in [Mode::Open, Mode::InFlight] {
            for variant in variants(outcome) {
                let cells: Vec<usize> = (0..outcome.cells.len())
                    .filter(|i| {
                        let cell = &outcome.cells[*i];
                        own(cell) && mode_of(cell) == Some(mode) && cell.key.variant == variant
                    })
                    .collect();
                if cells.is_empty() {
                    continue;
                }
                let latency = headline(outcome, &cells);
                let row = row(outcome, index, system, &cells, latency);
                let same = |group: &&mut Group| {
                    group.class == class && group.mode == mode && group.variant == variant
                };
                match groups.iter_mut().find(same) {
                    Some(group) => group.rows.push(row),
                    None => groups.push(Group {
                        class,
                        mode,
                        variant,
                        latency,
                        rows: vec![row],
                        common_load: None,
                    }),
                }
            }
        }
    }
    // Variants keep the order in which the plan brought them.
    let order = variants(outcome);
    groups.sort_by_key(|group| {
        let variant = order.iter().position(|variant| *variant == group.variant);
        (group.mode, variant, group.class.order())
    });
    for group in &mut groups {
        finish(group);
    }
    // What the verdict states of immediate tasks is one family of tests, the
    // tables of all delays another.
    for is_delayed in [false, true] {
        let of =
            |group: &&mut Group| group.mode == Mode::Open && group.variant.is_some() == is_delayed;
        rank(groups.iter_mut().filter(of).map(|group| &mut group.rows));
    }
    groups
}

/// The variants of a run in the order of its cells; mostly just `None`.
fn variants(outcome: &Outcome) -> Vec<Option<String>> {
    let mut seen: Vec<Option<String>> = Vec::new();
    let mut order: Vec<&Cell> = outcome.cells.iter().collect();
    // Blocks are shuffled: the number in the text orders `delay 10 ms` before
    // `delay 1 s` no better than the alphabet, the plan's numbering does.
    order.sort_by_key(|cell| cell.number);
    for cell in order {
        if !seen.contains(&cell.key.variant) {
            seen.push(cell.key.variant.clone());
        }
    }
    seen.sort_by(|a, b| seconds_in(a.as_deref()).total_cmp(&seconds_in(b.as_deref())));
    seen
}

/// The time named in a variant, so that delays stand in their order; variants
/// without one come first.
fn seconds_in(variant: Option<&str>) -> f64 {
    let words: Vec<&str> = variant.unwrap_or_default().split_whitespace().collect();
    words
        .windows(2)
        .find_map(|pair| {
            let number: f64 = pair[0].parse().ok()?;
            let per = match pair[1] {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
            Some(number * per)
        })
        .unwrap_or(-1.0)
}

/// `None` of a backlog, which stands in no group.
fn mode_of(cell: &Cell) -> Option<Mode> {
    match cell.key.load {
        Load::Rate(_) => Some(Mode::Open),
        Load::InFlight(_) => Some(Mode::InFlight),
        Load::Backlog(_) => None,
    }
}

/// Delayed tasks have a firing error; all others a start latency.
fn headline(outcome: &Outcome, cells: &[usize]) -> &'static str {
    let has = |name: &str| {
        cells.iter().any(|i| {
            let cell = &outcome.cells[*i];
            cell.histograms.get(name).is_some_and(|h| h.count > 0 || h.at_infinity > 0)
                || cell.metrics.get(&format!("{name}.p99")).is_some_and(|v| v.number().is_some())
        })
    };
    if has("firing_error") { "firing_error" } else { "start_latency" }
}

/// The common load and the figures at it.
fn finish(group: &mut Group) {
    group.common_load = common_load(group);
    for row in &mut group.rows {
        let at_common = group.common_load.and_then(|load| row.at(load)).cloned();
        let point = at_common.or_else(|| {
            // Without a load in common each row shows its own best.
            if group.common_load.is_none() { row.best().cloned() } else { None }
        });
        let Some(point) = point else { continue };
        row.not_valid = match &point.quality {
            Quality::Valid => None,
            Quality::Invalid { word, .. } => Some(word),
        };
        if group.common_load.is_some() && point.held == Some(false) {
            row.p99 = Figure::missing("not held");
        } else if group.common_load.is_some() {
            row.p99 = point.p99;
        }
        row.cpu = point.cpu;
        row.pss = point.pss;
    }
    if group.mode != Mode::Open {
        group.rows.sort_by_key(|row| !row.is_noop());
    }
}

fn common_load(group: &Group) -> Option<Load> {
    let holds = |row: &Row, load: Load| row.at(load).is_some_and(|p| p.held == Some(true));
    let able: Vec<&Row> = group.contenders().filter(|row| row.capacity.held() > 0.0).collect();
    let first = able.first().copied().or_else(|| group.rows.first())?;
    let loads = first.points.iter().rev().map(|point| point.load);
    loads.into_iter().find(|load| {
        if able.is_empty() { holds(first, *load) } else { able.iter().all(|row| holds(row, *load)) }
    })
}
