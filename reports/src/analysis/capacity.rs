//! Capacity: the highest rate held in every valid repeat.

use crate::numbers::rate;
use crate::outcome::{Cell, Held, Load};

use super::points::Point;

/// A search is done when its bracket is this narrow: ± 5 % of the middle.
const RESOLVED: f64 = 1.11;

/// What is known about the highest rate held.
#[derive(Clone, Debug, PartialEq)]
pub enum Capacity {
    /// A search closed in on it.
    Is {
        /// Highest rate held.
        held: f64,
        /// Lowest rate above it that was not.
        failed: f64,
    },
    /// Held here, and not at the grid's next rate.
    Between {
        /// Highest rate held.
        held: f64,
        /// Lowest rate above it that was not.
        failed: f64,
    },
    /// The highest rate that was validly tried was held.
    AtLeast(f64),
    /// Not even the lowest rate tried was.
    NotHeld(f64),
    /// No valid cell answers.
    Unknown(String),
}

impl Capacity {
    /// Highest rate held, 0 when none was.
    #[must_use]
    pub const fn held(&self) -> f64 {
        match self {
            Self::Is { held, .. } | Self::Between { held, .. } | Self::AtLeast(held) => *held,
            Self::NotHeld(_) | Self::Unknown(_) => 0.0,
        }
    }

    /// From where to where it may lie.
    #[must_use]
    pub const fn bracket(&self) -> Option<(f64, f64)> {
        match self {
            Self::Is { held, failed } | Self::Between { held, failed } => Some((*held, *failed)),
            Self::AtLeast(held) => Some((*held, f64::INFINITY)),
            Self::NotHeld(failed) => Some((0.0, *failed)),
            Self::Unknown(_) => None,
        }
    }

    /// As tables say it: `52k/s`, `≥ 100k/s`, `not held at 1k/s`.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Is { held, .. } | Self::Between { held, .. } => rate(*held),
            Self::AtLeast(held) => format!("≥ {}", rate(*held)),
            Self::NotHeld(failed) => format!("not held at {}", rate(*failed)),
            Self::Unknown(why) if why.is_empty() => "not measured".to_owned(),
            Self::Unknown(why) => why.clone(),
        }
    }

    /// What a grid leaves open: `not 50k/s`.
    #[must_use]
    pub fn beyond(&self) -> Option<String> {
        match self {
            Self::Between { failed, .. } => Some(format!("not {}", rate(*failed))),
            _ => None,
        }
    }
}

/// The capacity that a row's points show: the highest rate held below the first
/// that any repeat found too high. The repeats of a search try different rates,
/// and what one of them held alone is not what all hold.
pub(super) fn capacity(points: &[Point], repeats: &[Capacity]) -> Capacity {
    let failed = |one: &Capacity| one.bracket().map(|(_, failed)| failed);
    let too_high = repeats.iter().filter_map(failed).fold(f64::INFINITY, f64::min);
    let rated = points.iter().filter_map(|point| match point.load {
        Load::Rate(rate) if rate.is_finite() => {
            Some((rate, point.held.filter(|held| !held || rate < too_high)))
        }
        _ => None,
    });
    let why = points.iter().find_map(|point| match &point.quality {
        super::Quality::Invalid { word, .. } => Some(*word),
        super::Quality::Valid => None,
    });
    from_answers(rated, why.unwrap_or_default())
}

/// The capacity of one repeat, for spreads and tests.
pub(super) fn of_repeat(all: &[Cell], points: &[Point], repeat: u32) -> Capacity {
    let answers = points.iter().flat_map(|point| &point.counted).filter_map(|index| {
        let cell = all.get(*index)?;
        match cell.key.load {
            Load::Rate(rate) if cell.key.repeat == repeat && cell.validity.is_valid() => {
                let held = match cell.held {
                    Held::Yes => Some(true),
                    Held::No(_) => Some(false),
                    Held::NotJudged(_) => None,
                };
                Some((rate, held))
            }
            _ => None,
        }
    });
    from_answers(answers, "")
}

fn from_answers(answers: impl Iterator<Item = (f64, Option<bool>)>, why: &str) -> Capacity {
    let answers: Vec<(f64, bool)> =
        answers.filter_map(|(rate, held)| Some((rate, held?))).collect();
    let held = answers.iter().filter(|(_, held)| *held).map(|(rate, _)| *rate).fold(0.0, f64::max);
    let failed = answers
        .iter()
        .filter(|(rate, is_held)| !is_held && *rate > held)
        .map(|(rate, _)| *rate)
        .fold(f64::INFINITY, f64::min);
    if answers.is_empty() {
        Capacity::Unknown(why.to_owned())
    } else if held == 0.0 {
        Capacity::NotHeld(failed)
    } else if failed.is_infinite() {
        Capacity::AtLeast(held)
    } else if failed / held <= RESOLVED {
        Capacity::Is { held, failed }
    } else {
        Capacity::Between { held, failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answers: &[(f64, Option<bool>)]) -> Capacity {
        from_answers(answers.iter().copied(), "generator-limited")
    }

    #[test]
    fn known_answers() {
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(of(&[(1e3, yes), (1e4, yes)]), Capacity::AtLeast(1e4));
        assert_eq!(
            of(&[(1e3, yes), (2e3, no), (5e3, no)]),
            Capacity::Between { held: 1e3, failed: 2e3 }
        );
        assert_eq!(
            of(&[(1e3, yes), (52e3, yes), (55e3, no), (1e5, no)]),
            Capacity::Is { held: 52e3, failed: 55e3 }
        );
        assert_eq!(of(&[(1e3, no), (2e3, no)]), Capacity::NotHeld(1e3));
        // The generator could not offer more: at least what was held.
        assert_eq!(of(&[(1e3, yes), (2e3, None)]), Capacity::AtLeast(1e3));
        assert_eq!(of(&[(1e3, None)]).text(), "generator-limited");
        assert_eq!(of(&[]).text(), "generator-limited");
        assert_eq!(of(&[(1e3, no)]).text(), "not held at 1k/s");
    }
}
