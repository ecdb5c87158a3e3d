//! A comparison for scripts.

use serde_json::{Value as Json, json as object};

use crate::analysis::{Call, Test};
use crate::numbers::{Medium, load};
use crate::outcome::Reading;

use super::sentences::{called, verdict};
use super::told::reading;
use super::{Comparison, Item, Loss, Side, Told};

/// The version of this format. In version 2 it takes the fault, too, to name
/// an item; `bound` may be `no-impact` or `not-steady`; there are `losses`,
/// which are regressions without being items.
pub const FORMAT_VERSION: u32 = 2;

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
        "losses": it.losses.iter().map(loss).collect::<Vec<_>>(),
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
        "fault": item.fault,
        "under": item.under,
        "variant": item.variant,
        "figure": item.kind.name(),
        "title": item.kind.title(item.latency),
        "before": told(&item.before),
        "after": told(&item.after),
        "change": change.by,
        "interval": change.interval.map(ends),
        "p": change.adjusted,
        "smallest": change.smallest,
        "test": change.test.map(|test| match test {
            Test::Welch => "welch",
            Test::Ranks => "ranks",
        }),
        "call": called(&change.call),
        "why": match &change.call {
            Call::NotTested(why) => Some(why),
            _ => None,
        },
    })
}

fn loss(loss: &Loss) -> Json {
    object!({
        "system": loss.system,
        "profile": loss.profile,
        "under": loss.under,
        "before": loss.before,
        "after": loss.after,
        "lost": loss.lost,
    })
}

/// Of a median `repeats` are objects, since a trial may be no number.
fn told(told: &Told) -> Json {
    let repeats: Vec<Json> = match told {
        Told::Figure(figure) => figure.repeats.iter().map(|number| object!(number)).collect(),
        Told::Median { each, .. } => each.iter().map(one).collect(),
    };
    object!({
        "value": told.number(),
        "bound": told.bound(),
        "repeats": repeats,
        "interval": told.interval(),
    })
}

fn one(trial: &Reading) -> Json {
    object!({ "value": trial.number(), "bound": reading(trial) })
}
