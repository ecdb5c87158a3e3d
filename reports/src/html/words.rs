//! Figures and states as cells of a table, each state in one quiet style.

use maud::{Markup, html};

use crate::analysis::{Figure, Median, Spread, in_words};
use crate::metrics::Unit;
use crate::numbers::{Medium, Scale, fraction, interval, short, value};
use crate::outcome::{Reading, Value};

const PAGE: Medium = Medium::Page;

/// A figure as text with its interval: `31.2 (29.8–33.0) ms`.
pub(super) fn written(figure: &Figure, unit: Unit) -> String {
    match (&figure.value, figure.spread) {
        (Value::Is(number), _) if *number == 0.0 && unit == Unit::Fraction => fraction(0.0, PAGE),
        (Value::Is(number), Some(spread)) if unit != Unit::Fraction || *number >= 1e-4 => {
            let (low, high) = spread.ends();
            interval(*number, low, high, unit, PAGE)
        }
        (other, _) => value(other, unit, PAGE),
    }
}

/// As [`written`], in a unit given by the column.
fn in_scale(figure: &Figure, unit: Unit, scale: &Scale) -> String {
    match &figure.value {
        Value::Is(number) if unit == Unit::Fraction => fraction(*number, PAGE),
        Value::Is(number) => match figure.spread.map(Spread::ends) {
            Some((low, high)) if high > low => {
                scale.attach(&scale.bare_interval(*number, low, high)[0], PAGE)
            }
            _ => scale.write(*number, PAGE),
        },
        Value::AtMost(number) => format!("≤ {}", scale.write(*number, PAGE)),
        other => short(other, unit, PAGE),
    }
}

/// A table's cell: the number in the column's unit, its interval small below,
/// or the state's words, quiet.
pub(super) fn cell(figure: &Figure, unit: Unit, scale: &Scale) -> Markup {
    match &figure.value {
        Value::NotMeasured(why) | Value::Unsupported(why) => {
            let state = match (&figure.value, why.as_str()) {
                (_, "not held") => "not held".to_owned(),
                (value, _) => short(value, unit, PAGE),
            };
            html! { td.n.state title=[(!why.is_empty()).then_some(why)] { (state) } }
        }
        _ => {
            let ends = figure.spread.map(|spread| {
                let (low, high) = spread.ends();
                let what = match spread {
                    Spread::Interval(..) => "95 % interval",
                    Spread::Range(..) => "range",
                };
                (what, figure.repeats.len(), low, high)
            });
            html! {
                td.n {
                    (in_scale(figure, unit, scale))
                    @if let Some((what, n, low, high)) = ends && unit != Unit::Fraction && high > low {
                        small title={ (what) " over " (n) " repeats" } {
                            @let [_, low, high] = scale.bare_interval(figure.number().unwrap_or(low), low, high);
                            (low) "–" (high)
                        }
                    }
                }
            }
        }
    }
}

/// As [`cell`], in a unit of its own: where a column spans microseconds to
/// seconds, one unit for all would make most of it unreadable.
pub(super) fn own_cell(figure: &Figure, unit: Unit) -> Markup {
    cell(figure, unit, &Scale::of(unit, figure.number().unwrap_or(0.0)))
}

/// A median over trials: the range below it, and what of them is no number.
pub(super) fn median_cell(median: &Median, unit: Unit) -> Markup {
    let is_number = median.value.number().is_some();
    let why = match &median.value {
        Reading::NotSteady(why) | Reading::NotMeasured(why) => Some(why),
        _ => None,
    };
    html! {
        td.n.state[!is_number] title=[why] {
            (in_words(&median.value, unit, PAGE))
            @if is_number && let Some(spread) = median.spread(unit, PAGE) { small { (spread) } }
            @for mixed in median.mixed() { small { (mixed) } }
        }
    }
}

/// The unit in which a column of figures reads best: that of its middle.
pub(super) fn column<'f>(unit: Unit, figures: impl Iterator<Item = &'f Figure>) -> Scale {
    let mut numbers: Vec<f64> = figures.filter_map(Figure::number).filter(|x| *x > 0.0).collect();
    numbers.sort_by(f64::total_cmp);
    Scale::of(unit, numbers.get(numbers.len() / 2).copied().unwrap_or(0.0))
}
