//! A comparison for scripts.

use serde_json::{Value as Json, json as object};

use crate::analysis::{Call, Figure};
use crate::numbers::{Medium, load};
use crate::outcome::Value;

use super::sentences::{called, verdict};
use super::{Comparison, Item, Side};

/// The version of this format.
pub const FORMAT_VERSION: u32 = 1;

/// The comparison as JSON, every figure in its base unit. What is no number is
/// `null`.
#[must_use]
pub fn json(it: &Comparison) -> String {
    let items = |items: &[Item]| -> Vec<Json> { items.iter().map(item).collect() };
    let whole = object!({
        "format_version": FORMAT_VERSION,
        "scenario": it.scenario,
        "before": side(&it.before),
        "after": side(&it.after),
        "regressed": it.has_regressed(),
        "verdict": verdict(it, Medium::Terminal)
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>(),
        "tested": it.tested(),
        "items": items(&it.items),
        "control": items(&it.control),
        "remarks": it.remarks,
        "differences": it
            .differences
            .iter()
            .map(|one| object!({
                "field": one.field,
                "before": one.before,
                "after": one.after,
                "weight": one.weight.word(),
            }))
            .collect::<Vec<_>>(),
    });
    crate::save::indented(&whole)
}

fn side(side: &Side) -> Json {
    object!({ "run": side.run, "started": side.started, "tool": side.tool })
}

fn item(item: &Item) -> Json {
    let ends = |ends: (f64, f64)| [ends.0, ends.1];
    let change = &item.change;
    object!({
        "system": item.system,
        "profile": item.profile,
        "load": item.load.map(load),
        "variant": item.variant,
        "figure": item.kind.name(),
        "title": item.kind.title(item.latency),
        "before": figure(&item.before),
        "after": figure(&item.after),
        "change": change.by,
        "interval": change.interval.map(ends),
        "p": change.adjusted,
        "smallest": change.smallest,
        "call": called(&change.call),
        "why": match &change.call {
            Call::NotTested(why) => Some(why),
            _ => None,
        },
    })
}

fn figure(figure: &Figure) -> Json {
    let bound = match figure.value {
        Value::Is(_) => "is",
        Value::AtLeast(_) => "at-least",
        Value::AtMost(_) => "at-most",
        Value::NotMeasured(_) => "not-measured",
        Value::Unsupported(_) => "unsupported",
    };
    object!({
        "value": figure.number(),
        "bound": bound,
        "repeats": figure.repeats,
        "interval": figure.spread.map(|spread| [spread.ends().0, spread.ends().1]),
    })
}
