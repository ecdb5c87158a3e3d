//! The scorecard: its 23 items, read from an outcome by the names of metrics.

mod missing;
mod score;

use super::Found;
use super::backlog::Backlog;
use super::faults::Recovery;
use super::groups::{Group, Mode};
use super::measured::of as figure_of;
use super::points::Figure;
use super::rows::Row;
use crate::metrics::{self, Direction, Metric};
use crate::numbers::load;
use crate::outcome::{CellKey, Load, System};
use crate::scorecard::{At, ITEMS, Item, Part, Tasks};
use missing::Place;
pub use score::{Score, Scorecard, Scored, What};

/// The scenario whose report opens with it.
const SCENARIO: &str = "scorecard";

/// The delay of the items about delayed tasks.
const DELAY: &str = "delay 10 ms";

/// The scorecard; `None` where the outcome covers no item.
pub(super) fn scorecard(found: &Found<'_>) -> Option<Scorecard> {
    let outcome = found.outcome;
    let reader = Reader { found };
    let mut systems: Vec<usize> = (0..outcome.systems.len()).collect();
    systems.sort_by_key(|index| reader.place(&outcome.systems[*index]));
    let lines: Vec<Scored> = ITEMS.iter().flat_map(|item| reader.lines(item, &systems)).collect();
    let is_whole = outcome.plan.scenario == SCENARIO;
    let card = Scorecard { is_whole, systems, lines };
    (is_whole || card.told() > 0).then_some(card)
}

/// Whether it is 1, 2 or 5 times a power of ten: what a ramp tries. Between them
/// lie the rates that a search found on its way.
fn is_round(rate: f64) -> bool {
    if rate <= 0.0 || !rate.is_finite() {
        return false;
    }
    let leading = rate / 10_f64.powf(rate.log10().floor());
    [1.0, 2.0, 5.0, 10.0].iter().any(|round| (leading - round).abs() < 1e-9)
}

struct Reader<'a> {
    found: &'a Found<'a>,
}

impl Reader<'_> {
    fn lines(&self, item: &'static Item, systems: &[usize]) -> Vec<Scored> {
        item.parts().flat_map(|part| self.lines_of(item, part, systems)).collect()
    }

    fn lines_of(&self, item: &'static Item, part: &'static Part, systems: &[usize]) -> Vec<Scored> {
        let named = part.metrics.iter().filter_map(|name| metrics::find(name));
        let all: Vec<Scored> = named
            .flat_map(|metric| {
                let lines = self.of(part, metric, systems).into_iter();
                lines.map(move |(at, scores)| Scored {
                    item,
                    part,
                    metric: Some(metric),
                    at,
                    scores,
                })
            })
            .collect();
        if !all.is_empty() {
            return all;
        }
        // One line says it for all of its metrics.
        let metric = match part.metrics {
            [only] => metrics::find(only),
            _ => None,
        };
        let score = |index: &usize| {
            self.missing(part, Place::Own, metric, &self.found.outcome.systems[*index])
        };
        let scores = systems.iter().map(score).collect();
        vec![Scored { item, part, metric, at: String::new(), scores }]
    }

    /// Where it is read, and a score for each system.
    fn of(
        &self,
        part: &Part,
        metric: &'static Metric,
        systems: &[usize],
    ) -> Vec<(String, Vec<Score>)> {
        let line = |at: String, place: Place<'_>, score: &dyn Fn(&System) -> Option<Score>| {
            let scores: Vec<Score> = systems
                .iter()
                .map(|index| {
                    let system = &self.found.outcome.systems[*index];
                    let missing = || self.missing(part, place, Some(metric), system);
                    score(system).filter(|score| !score.is_bare()).unwrap_or_else(missing)
                })
                .collect();
            (at, scores)
        };
        let lines: Vec<(String, Vec<Score>)> = match part.at {
            At::EachRate => self
                .rates(part.tasks)
                .into_iter()
                .map(|rate| {
                    let score = |system: &System| self.at_rate(system, part, metric, rate);
                    line(load(rate), Place::Rate(rate), &score)
                })
                .collect(),
            At::Trials => self
                .faults()
                .into_iter()
                .map(|(fault, variant)| {
                    let at = [Some(fault), variant].into_iter().flatten().collect::<Vec<_>>();
                    let score = |system: &System| self.trial(system, (fault, variant), metric);
                    line(at.join(", "), Place::Fault(fault, variant), &score)
                })
                .collect(),
            At::Backlogs => self
                .backlogs()
                .into_iter()
                .map(|alike| {
                    let also = [&alike.fault, &alike.variant].into_iter().flatten();
                    let at = also
                        .fold(load(Load::Backlog(alike.tasks)), |at, also| format!("{at}, {also}"));
                    let score = |system: &System| self.backlog(system, alike, metric);
                    line(at, Place::Backlog(alike), &score)
                })
                .collect(),
            At::HighestHeld | At::LowestRate | At::Best | At::Capacity => {
                let score = |system: &System| self.at_its_own(system, part, metric);
                vec![line(String::new(), Place::Own, &score)]
            }
        };
        let is_of_use = |score: &Score| score.is_told() || score.says_why();
        lines.into_iter().filter(|(_, scores)| scores.iter().any(is_of_use)).collect()
    }

    fn row(&self, system: &System, tasks: Tasks) -> Option<&Row> {
        let of_them = |variant: &Option<String>| match tasks {
            Tasks::Immediate => variant.is_none(),
            Tasks::Delayed => variant.as_deref() == Some(DELAY),
        };
        let groups = self.found.groups.iter();
        let groups = groups.filter(|group| group.mode == Mode::Open && of_them(&group.variant));
        let mut rows = groups.flat_map(|group| &group.rows);
        rows.find(|row| (&row.system, &row.profile) == (&system.system, &system.profile))
    }

    /// Where its row is among those of "Who holds what"; behind them without one.
    fn place(&self, system: &System) -> (usize, usize) {
        let is_it = |row: &Row| (&row.system, &row.profile) == (&system.system, &system.profile);
        let mut groups = self.found.groups.iter().enumerate();
        let of =
            |(place, group): (usize, &Group)| Some((place, group.rows.iter().position(is_it)?));
        groups.find_map(of).unwrap_or((usize::MAX, 0))
    }

    /// The rates that a ramp tried: of those that a search found on its way
    /// most systems have none.
    fn rates(&self, tasks: Tasks) -> Vec<Load> {
        let systems = self.found.outcome.systems.iter();
        let rows: Vec<&Row> = systems.filter_map(|system| self.row(system, tasks)).collect();
        let mut all: Vec<Load> = Vec::new();
        for at in rows.iter().flat_map(|row| &row.points).map(|point| point.load) {
            if !all.contains(&at) {
                all.push(at);
            }
        }
        all.sort_by(|a, b| a.amount().total_cmp(&b.amount()));
        let is_common =
            |at: &Load| 2 * rows.iter().filter(|row| row.at(*at).is_some()).count() > rows.len();
        if all.iter().any(|at| is_round(at.amount())) {
            all.retain(|at| is_round(at.amount()));
        }
        if all.iter().any(is_common) {
            all.retain(is_common);
        }
        all
    }

    fn at_rate(
        &self,
        system: &System,
        part: &Part,
        metric: &'static Metric,
        at: Load,
    ) -> Option<Score> {
        let point = self.row(system, part.tasks)?.at(at)?;
        Some(Score::at_point(self.found.outcome, point, metric, false))
    }

    fn at_its_own(&self, system: &System, part: &Part, metric: &'static Metric) -> Option<Score> {
        let outcome = self.found.outcome;
        let row = self.row(system, part.tasks)?;
        let point = match part.at {
            At::Capacity => {
                return Some(Score::of(What::Capacity(row.capacity.clone())));
            }
            At::LowestRate => {
                let tried = self.rates(part.tasks);
                let mut valid = row.points.iter().filter(|point| point.is_valid());
                let first = valid.clone().next()?;
                valid.find(|point| tried.contains(&point.load)).unwrap_or(first)
            }
            At::Best => {
                let most = metric.direction == Direction::Higher;
                let valid = row.points.iter().filter(|point| point.is_valid());
                let told = valid.filter_map(|point| {
                    Some((figure_of(outcome, &point.counted, metric).number()?, point))
                });
                let best = told.reduce(|best, other| {
                    if (other.0 > best.0) == most && other.0 != best.0 { other } else { best }
                });
                best?.1
            }
            _ => match row.points.iter().rev().find(|point| point.held == Some(true)) {
                Some(point) => point,
                None => return Some(Score::words("no rate held")),
            },
        };
        Some(Score::at_point(outcome, point, metric, true))
    }

    /// Each fault, apart where it was done at a share of each one's capacity: on
    /// one line chance would choose which of the two a system has.
    fn faults(&self) -> Vec<(&str, Option<&str>)> {
        let mut all = Vec::new();
        for row in &self.found.faults.recoveries {
            let one = (row.tried.fault.as_str(), row.tried.variant.as_deref());
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    fn trial(
        &self,
        system: &System,
        of: (&str, Option<&str>),
        metric: &'static Metric,
    ) -> Option<Score> {
        let is_it = |row: &&Recovery| {
            (row.tried.fault.as_str(), row.tried.variant.as_deref()) == of
                && (&row.tried.system, &row.tried.profile) == (&system.system, &system.profile)
        };
        let row = self.found.faults.recoveries.iter().find(is_it)?;
        let median = row.figures.get(metric.name)?;
        Some(Score {
            at: load(row.tried.load),
            n: Some(median.trials()),
            not_valid: row.not_valid,
            ..Score::of(What::Median(median.clone()))
        })
    }

    /// The first of each size, with what was done to it.
    fn backlogs(&self) -> Vec<&Backlog> {
        let mut all: Vec<&Backlog> = Vec::new();
        for one in self.found.backlogs {
            if !all.iter().any(|known| is_alike(known, one)) {
                all.push(one);
            }
        }
        all
    }

    fn backlog(&self, system: &System, alike: &Backlog, metric: &'static Metric) -> Option<Score> {
        let is_it = |one: &&Backlog| {
            is_alike(alike, one) && (&one.system, &one.profile) == (&system.system, &system.profile)
        };
        let one = self.found.backlogs.iter().find(is_it)?;
        if metric.name == "backlog.lost" {
            // Repeats that are not valid count: a zero says of how many it is.
            let trials = if one.seen.repeats == 1 { "trial" } else { "trials" };
            let at = format!("in {} {trials}", one.seen.repeats);
            let figure = Figure { value: one.lost(), spread: None, repeats: Vec::new() };
            let n = Some(one.seen.repeats as usize);
            return Some(Score { at, n, ..Score::of(What::Figure(figure)) });
        }
        let name = metric.name.strip_prefix("backlog.").unwrap_or(metric.name);
        let what = match one.figures.get(name) {
            Some(median) => What::Median(median.clone()),
            None => What::Figure(figure_of(self.found.outcome, &one.cells, metric)),
        };
        Some(Score { n: Some(one.cells.len()), not_valid: one.not_valid, ..Score::of(what) })
    }
}

/// Whether they differ in nothing but whose they are.
fn is_alike(one: &Backlog, other: &Backlog) -> bool {
    (one.tasks, &one.fault, &one.variant) == (other.tasks, &other.fault, &other.variant)
}

/// The same of a cell.
fn is_alike_key(one: &Backlog, key: &CellKey) -> bool {
    (Load::Backlog(one.tasks), &one.fault, &one.variant)
        == (key.load, &key.trial_and_fault(), &key.variant)
}
