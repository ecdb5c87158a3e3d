//! The bounds of single fields, and the errors for what lies outside.

use std::ops::Range;

use super::shares;
use crate::plan::{CellPlan, Load};
use crate::scenario::{self, At, Count, Fraction, Mode, Nanos, Scenario, ScenarioError, Text};

/// Tasks that the 40 bits of an id's sequence can number.
const MOST_TASKS: f64 = (1u64 << 40) as f64;

pub(super) struct Bounds<'a> {
    pub(super) text: &'a Text,
}

/// A quantity that can be 0.
pub(super) trait Zero {
    fn is_zero(&self) -> bool;
}

impl Zero for Nanos {
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Zero for Count {
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Bounds<'_> {
    pub(super) fn above_zero<T: Zero>(
        &self,
        written: &At<T>,
        title: &str,
        label: &str,
    ) -> Result<(), ScenarioError> {
        if written.is_zero() {
            return Err(self.text.error(&written.span, title, label));
        }
        Ok(())
    }

    /// A number from `least` to `most`.
    pub(super) fn whole(
        &self,
        written: &At<Count>,
        least: u32,
        most: u32,
    ) -> Result<u32, ScenarioError> {
        u32::try_from(written.0).ok().filter(|number| (least..=most).contains(number)).ok_or_else(
            || {
                self.text.error(
                    &written.span,
                    "a number out of range",
                    format!("expected {least} to {most}, found {}", written.0),
                )
            },
        )
    }

    pub(super) fn not_empty<T>(&self, list: &At<Vec<T>>, name: &str) -> Result<(), ScenarioError> {
        if list.is_empty() {
            return Err(self.text.error(
                &list.span,
                format!("no {name}"),
                "expected at least one in the list",
            ));
        }
        Ok(())
    }

    pub(super) fn each_once<T: PartialEq + std::fmt::Display>(
        &self,
        list: &[At<T>],
    ) -> Result<(), ScenarioError> {
        for (at, item) in list.iter().enumerate() {
            if list[..at].contains(item) {
                return Err(self.text.error(
                    &item.span,
                    format!("the load {} is given twice", item.value),
                    "expected each load once; repeats = 2 measures each twice",
                ));
            }
        }
        Ok(())
    }

    /// At least one task is expected in the window, and no more than ids can
    /// number.
    pub(super) fn some_tasks(
        &self,
        cell: &CellPlan,
        span: &Range<usize>,
    ) -> Result<(), ScenarioError> {
        let Load::Open { stages, .. } = &cell.load else { return Ok(()) };
        let seconds = |ns: u64| ns as f64 / 1e9;
        let window: f64 = stages.iter().map(|stage| stage.rate * seconds(stage.duration_ns)).sum();
        if window < 1.0 {
            return Err(self.text.error(
                span,
                "a window without a task",
                format!(
                    "expected at least one task in {}, found {window:.2} on average",
                    Nanos(cell.load.window_ns())
                ),
            ));
        }
        let warmup = stages.first().map_or(0.0, |stage| stage.rate * seconds(cell.warmup_ns));
        if window + warmup >= MOST_TASKS {
            return Err(self.text.error(
                span,
                "too many tasks in a cell",
                "expected fewer than 2^40, which is what an id can number",
            ));
        }
        Ok(())
    }

    /// No more tasks than ids can number.
    pub(super) fn can_be_numbered(&self, tasks: &At<Count>) -> Result<(), ScenarioError> {
        if tasks.0 as f64 >= MOST_TASKS {
            return Err(self.text.error(
                &tasks.span,
                "too many tasks in a cell",
                "expected fewer than 2^40, which is what an id can number",
            ));
        }
        Ok(())
    }

    /// The error for a load that was not given.
    pub(super) fn nothing(
        &self,
        load: &At<scenario::Load>,
        field: &str,
        example: &str,
    ) -> ScenarioError {
        self.text.error(
            &load.span,
            format!("missing key `{field}`"),
            format!("expected {field} = {example} with mode = \"{}\"", load.mode.name()),
        )
    }

    /// Refuses fields that mean nothing in the scenario's mode: they would be
    /// ignored, and the reader would think otherwise.
    pub(super) fn mode_has_its_fields(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        use Mode::{Capacity, Open, Soak};
        let load = &scenario.settings.load;
        fn span<T>(field: &Option<At<T>>) -> Option<&Range<usize>> {
            field.as_ref().map(|at| &at.span)
        }
        // Those of a search mean something where a share of what it finds is
        // offered, or was until the command line named other loads.
        let searches = shares::are_offered(&scenario.settings) || scenario.is_changed("load.rates");
        let modes = |field: &str| -> &[Mode] {
            match field {
                "from" | "to" | "precision" if searches => &[Open, Capacity, Soak],
                "search" if searches => &[Open, Soak],
                _ => Mode::with(field),
            }
        };
        let warmup = load.warmup.is_written().then_some(&load.warmup.span);
        let fields = [
            ("rates", span(&load.rates)),
            ("full_rates", span(&load.full_rates)),
            ("stages", span(&load.stages)),
            ("in_flight", span(&load.in_flight)),
            ("most_tasks", span(&load.most_tasks)),
            ("pending", span(&load.pending)),
            ("warmup", warmup),
            ("duration", span(&load.duration)),
            ("arrivals", span(&load.arrivals)),
            ("from", span(&load.from)),
            ("to", span(&load.to)),
            ("precision", span(&load.precision)),
            ("search", span(&load.search)),
            ("share", span(&load.share)),
        ];
        for (field, span) in fields {
            let Some(span) = span else { continue };
            let modes = modes(field);
            if modes.contains(&load.mode) {
                continue;
            }
            let belongs: Vec<String> =
                modes.iter().map(|mode| format!("\"{}\"", mode.name())).collect();
            return Err(self.text.error(
                span,
                format!("`{field}` has no meaning with mode = \"{}\"", load.mode.name()),
                format!("expected mode {} with it", belongs.join(" or ")),
            ));
        }
        if let (Some(rates), Some(stages)) = (&load.rates, &load.stages) {
            let later = if stages.span.start > rates.span.start {
                stages.span.clone()
            } else {
                rates.span.clone()
            };
            return Err(self.text.error(
                &later,
                "both rates and stages",
                "expected rates (a cell each) or stages (one cell), not both",
            ));
        }
        if let (Some(duration), Some(_)) = (&load.duration, &load.stages) {
            return Err(self.text.error(
                &duration.span,
                "`duration` beside stages",
                "expected only the stages' own durations",
            ));
        }
        Ok(())
    }
}

/// A share in millionths.
pub(super) fn ppm(bounds: &Bounds<'_>, share: &At<Fraction>) -> Result<u32, ScenarioError> {
    let millionths = (share.0 * 1e6).round() as u32;
    if millionths == 0 && share.0 > 0.0 {
        return Err(bounds.text.error(
            &share.span,
            "a share below one in a million",
            "expected 0, or at least 0.000001",
        ));
    }
    Ok(millionths)
}
