//! Where a demand has to be met: the cells, trials and capacities that it is
//! about, each with what was seen there.

use schedbench_contract::ConfirmMode;

use super::super::capacity::Capacity;
use super::super::faults::{Median, Recovery};
use super::super::groups::{Group, Mode};
use super::super::points::{Figure, Point};
use super::super::statistics::{Spread, spread};
use super::super::{Found, measured};
use super::About;
use crate::metrics::{self, Metric};
use crate::numbers::{load, whole};
use crate::outcome::{Cell, CellKey, Demand, DemandedAt, Load, System, Validity, Value};

/// What a scenario's search for a capacity, whose share its trials offer, has
/// as the name of its trial. Its cells are steps and no load that was named.
const SEARCH: &str = "capacity";

/// One of the places.
pub(super) struct Place {
    /// `10k/s, delay 10 ms`: what the demand itself does not say.
    pub(super) words: String,
    pub(super) about: About,
    pub(super) seen: Seen,
}

/// What was seen in a place.
pub(super) enum Seen {
    /// Over repeats.
    Figure(Figure),
    /// Over trials, or over backlogs.
    Median(Median),
    /// From where to where the capacity lies, and what repeats say of it.
    Capacity(Capacity, Option<Spread>),
    /// Nothing that counts, and why.
    Nothing(String),
}

/// A demand of one system.
pub(super) struct Asked<'a> {
    pub(super) found: Found<'a>,
    pub(super) demand: &'a Demand,
    pub(super) metric: &'static Metric,
    pub(super) system: &'a System,
}

impl Asked<'_> {
    /// All places in the order of the outcome.
    pub(super) fn places(&self) -> Vec<Place> {
        if self.metric.name == metrics::CAPACITY.name {
            self.capacities()
        } else if metrics::is_of_trials(self.metric.name) {
            self.trials()
        } else if self.demand.at == DemandedAt::HighestHeld {
            self.at_the_highest_held()
        } else {
            self.cells()
        }
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &Group, &super::super::Row)> {
        let groups = self.found.groups.iter().enumerate();
        let open = groups.filter(|(_, group)| group.mode == Mode::Open);
        open.flat_map(|(index, group)| group.rows.iter().map(move |row| (index, group, row)))
            .filter(|(_, _, row)| {
                (&row.system, &row.profile) == (&self.system.system, &self.system.profile)
                    && row.points.iter().any(|point| self.has_cells(point))
            })
    }

    /// Whether any cell of a point is of the part that the demand is about.
    fn has_cells(&self, point: &Point) -> bool {
        let mut cells = point.cells.iter().filter_map(|cell| self.found.outcome.cells.get(*cell));
        cells.any(|cell| self.is_of_part(cell))
    }

    /// Whether a cell is of the part that the demand is about.
    fn is_of_part(&self, cell: &Cell) -> bool {
        self.demand.part.is_none() || self.demand.part == cell.part
    }

    fn capacities(&self) -> Vec<Place> {
        let place = |(index, group, row): (usize, &Group, &super::super::Row)| Place {
            words: group.variant.clone().unwrap_or_default(),
            about: About::Group(index),
            seen: match &row.capacity {
                Capacity::Unknown(why) if why.is_empty() => Seen::Nothing(NO_VALID.to_owned()),
                Capacity::Unknown(why) => Seen::Nothing(format!("{NO_VALID}: {why}")),
                known => Seen::Capacity(known.clone(), spread(&row.capacities)),
            },
        };
        self.rows().map(place).collect()
    }

    fn at_the_highest_held(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (index, group, row) in self.rows() {
            let mut down = row.points.iter().rev();
            match down.find(|point| point.held == Some(true) && self.has_cells(point)) {
                Some(point) => {
                    let key = |index: &usize| self.found.outcome.cells.get(*index);
                    let Some(first) = point.cells.first().and_then(key) else { continue };
                    places.extend(self.seen_in(&first.key, &point.cells));
                }
                None => places.push(Place {
                    words: group.variant.clone().unwrap_or_default(),
                    about: About::Group(index),
                    seen: Seen::Nothing("no rate was held".to_owned()),
                }),
            }
        }
        places
    }

    fn trials(&self) -> Vec<Place> {
        let place = |row: &Recovery| Place {
            words: self.words(row.tried.load, row.tried.variant.as_deref(), Some(&row.tried.fault)),
            about: About::Faults,
            seen: match (row.not_valid, row.figures.get(self.metric.name)) {
                (Some(word), _) => Seen::Nothing(format!("no valid trial: {word}")),
                (None, Some(median)) => Seen::Median(median.clone()),
                (None, None) => Seen::Nothing("not measured".to_owned()),
            },
        };
        let is_asked = |row: &&Recovery| {
            let cells =
                row.trials.iter().filter_map(|(cell, _)| self.found.outcome.cells.get(*cell));
            cells.into_iter().any(|cell| self.asks(cell))
        };
        self.found.faults.recoveries.iter().filter(is_asked).map(place).collect()
    }

    fn cells(&self) -> Vec<Place> {
        let mut places: Vec<(&CellKey, Vec<usize>)> = Vec::new();
        for (index, cell) in self.found.outcome.cells.iter().enumerate() {
            if !self.asks(cell) {
                continue;
            }
            let same = |(key, _): &&mut (&CellKey, Vec<usize>)| {
                key.load == cell.key.load
                    && key.variant == cell.key.variant
                    && key.trial_and_fault() == cell.key.trial_and_fault()
            };
            match places.iter_mut().find(same) {
                Some((_, cells)) => cells.push(index),
                None => places.push((&cell.key, vec![index])),
            }
        }
        places.iter().flat_map(|(key, cells)| self.seen_in(key, cells)).collect()
    }

    /// Whether a cell is one of those that the demand is about.
    fn asks(&self, cell: &Cell) -> bool {
        let key = &cell.key;
        (&key.system, &key.profile) == (&self.system.system, &self.system.profile)
            && key.trial.as_deref() != Some(SEARCH)
            && self.is_of_part(cell)
            && self.demand.trial.as_ref().is_none_or(|name| key.trial.as_ref() == Some(name))
            && match &self.demand.at {
                DemandedAt::Each | DemandedAt::HighestHeld => true,
                DemandedAt::Load(load) => key.load == *load,
                DemandedAt::Share(share) => {
                    let words = format!("{share} of its capacity");
                    key.variant.iter().any(|variant| variant.split(", ").any(|it| it == words))
                }
                DemandedAt::LongestWindow => cell.window.duration_s >= self.longest_window(),
            }
    }

    fn longest_window(&self) -> f64 {
        let all = self.found.outcome.cells.iter();
        let own = all.filter(|cell| {
            (&cell.key.system, &cell.key.profile) == (&self.system.system, &self.system.profile)
                && self.is_of_part(cell)
        });
        own.map(|cell| cell.window.duration_s).fold(0.0, f64::max)
    }

    /// What all repeats of a place say together; of what the ledger counts,
    /// what each says, so that more repeats make no demand harder.
    fn seen_in(&self, key: &CellKey, cells: &[usize]) -> Vec<Place> {
        let (about, words) = (self.about(key), self.words_of(key));
        let of = |index: &usize| self.found.outcome.cells.get(*index);
        let is_lost = self.metric.name == "backlog.lost" && key.is_of_a_backlog();
        if is_lost || metrics::is_of_the_ledger(self.metric.name) {
            let several = cells.len() > 1;
            let place = |cell: &Cell| Place {
                words: match several {
                    true => joined([&words, &format!("repeat {}", cell.key.repeat)]),
                    false => words.clone(),
                },
                about,
                seen: match self.counted(cell) {
                    Ok(value) => Seen::Figure(Figure { value, spread: None, repeats: Vec::new() }),
                    Err(why) => Seen::Nothing(why),
                },
            };
            return cells.iter().filter_map(of).map(place).collect();
        }
        let usable = |index: &&usize| of(index).is_some_and(is_usable);
        let usable: Vec<usize> = cells.iter().filter(usable).copied().collect();
        let seen = match (usable.is_empty(), cells.first().and_then(of)) {
            (true, Some(first)) => {
                let why = first.validity.why().filter(|why| !why.is_empty());
                let why = why.map_or_else(String::new, |why| format!(", {why}"));
                Seen::Nothing(format!("{NO_VALID}: {}{why}", first.validity.word()))
            }
            (true, None) => Seen::Nothing(NO_VALID.to_owned()),
            (false, _) => self.over(key, &usable),
        };
        vec![Place { words, about, seen }]
    }

    fn over(&self, key: &CellKey, cells: &[usize]) -> Seen {
        let figure = || Seen::Figure(measured::of(self.found.outcome, cells, self.metric));
        let Some(name) = self.metric.name.strip_prefix("backlog.") else { return figure() };
        let rows = self.found.backlogs.iter();
        let mut own = rows.filter(|row| {
            (&row.system, &row.profile, &row.variant) == (&key.system, &key.profile, &key.variant)
                && Load::Backlog(row.tasks) == key.load
                && row.fault == key.trial_and_fault()
        });
        let median = own.next().and_then(|row| row.figures.get(name));
        median.map_or_else(figure, |median| Seen::Median(median.clone()))
    }

    /// What the ledger of a cell counts, valid or not
    /// (`docs/decisions/0026`), or why it does not say.
    fn counted(&self, cell: &Cell) -> Result<Value, String> {
        let counts = &cell.counts;
        if !counts.balances {
            return Err("the ledger does not balance".to_owned());
        }
        if counts.attempted == 0 {
            let why = cell.error.as_ref().map(|error| format!(": {}", error.message));
            return Err(format!("nothing was handed over{}", why.unwrap_or_default()));
        }
        let is_whole = cell.error.is_none() && cell.is_whole();
        if !matches!(self.metric.name, "lost" | "backlog.lost") {
            let number = match self.metric.name {
                // No zero, but nothing seen.
                "inversions" if counts.inversions == 0 && counts.ordered == 0 => {
                    return Err(measured::NO_ORDER.to_owned());
                }
                "repeated" => counts.repeated,
                "inversions" => counts.inversions,
                "early" => counts.early,
                "cancelled_but_ran" => counts.cancelled_but_ran,
                other => return Err(format!("`{other}` is not counted")),
            } as f64;
            return Ok(if is_whole { Value::Is(number) } else { Value::AtLeast(number) });
        }
        let unconfirmed = self.system.claims.confirms == ConfirmMode::Unconfirmed;
        let vanished = if unconfirmed { counts.grid.unknown[0] } else { 0 };
        match (counts.lost, counts.residual.saturating_add(vanished)) {
            (0, 0) if !is_whole => Err("cut short, and nothing was lost until then".to_owned()),
            (lost, 0) if !is_whole => Ok(Value::AtLeast(lost as f64)),
            (lost, 0) => Ok(Value::Is(lost as f64)),
            (0, missing) if unconfirmed => {
                Err(format!("{} missing, and nothing was confirmed", whole(missing)))
            }
            (0, missing) => Err(format!("{} missing at the end, not proved lost", whole(missing))),
            (lost, _) => Ok(Value::AtLeast(lost as f64)),
        }
    }

    fn about(&self, key: &CellKey) -> About {
        let name = self.metric.name;
        if ["cpu.", "busy.", "rss.", "pss."].iter().any(|prefix| name.starts_with(prefix)) {
            return About::Cost;
        }
        if key.is_of_a_backlog() {
            return About::Backlogs;
        }
        if key.is_of_a_trial() {
            return About::Faults;
        }
        if metrics::is_of_the_ledger(name) {
            return About::Ledger;
        }
        let mode = if matches!(key.load, Load::InFlight(_)) { Mode::InFlight } else { Mode::Open };
        let is_it = |group: &Group| {
            group.mode == mode
                && group.variant == key.variant
                && group
                    .rows
                    .iter()
                    .any(|row| (&row.system, &row.profile) == (&key.system, &key.profile))
        };
        self.found.groups.iter().position(is_it).map_or(About::Cells, About::Group)
    }

    fn words_of(&self, key: &CellKey) -> String {
        self.words(key.load, key.variant.as_deref(), key.trial_or_fault())
    }

    /// Only what the demand does not say itself.
    fn words(&self, at: Load, variant: Option<&str>, trial: Option<&str>) -> String {
        let at = match self.demand.at {
            DemandedAt::Load(_) => String::new(),
            _ => load(at),
        };
        let trial = trial.filter(|_| self.demand.trial.is_none());
        joined([at.as_str(), variant.unwrap_or_default(), trial.unwrap_or_default()])
    }
}

const NO_VALID: &str = "no valid cell";

/// Measured well; whether it may be ranked is another question.
fn is_usable(cell: &Cell) -> bool {
    matches!(cell.validity, Validity::Valid | Validity::NotComparable(_))
}

fn joined<'w>(words: impl IntoIterator<Item = &'w (impl AsRef<str> + ?Sized + 'w)>) -> String {
    let told = words.into_iter().map(AsRef::as_ref).filter(|word| !word.is_empty());
    told.collect::<Vec<_>>().join(", ")
}
