//! Controls: trials in which nothing was done. They have to read "no impact",
//! or something other than the faults is in the times beside them
//! (`docs/faults.md`, "Trials").

use super::sentences::{few, plural};
use crate::outcome::{Outcome, Reading};

/// What the controls of an outcome showed. Times are those of valid trials, so
/// a control that is not valid vouches for nothing, as one that was not steady.
#[derive(Debug, Default)]
struct Controls {
    calm: u32,
    hit: u32,
    untold: u32,
    /// In whose trials there was an impact, each once.
    hit_on: Vec<String>,
}

impl Controls {
    fn of(outcome: &Outcome) -> Self {
        let mut all = Self::default();
        for cell in &outcome.cells {
            for trial in cell.trials.iter().filter(|trial| trial.is_control()) {
                let impact = trial.readings.get("detection.impact");
                match impact.filter(|_| cell.validity.is_valid()) {
                    Some(Reading::NoImpact) => all.calm += 1,
                    Some(Reading::Is(_) | Reading::MoreThan(_)) => {
                        all.hit += 1;
                        let label = super::super::label(outcome, &cell.key);
                        if !all.hit_on.contains(&label) {
                            all.hit_on.push(label);
                        }
                    }
                    Some(Reading::NotSteady(_) | Reading::NotMeasured(_)) | None => all.untold += 1,
                }
            }
        }
        all
    }
}

/// `Control: no impact in 3 of 3.`, or what that leaves in doubt; `None` without
/// a control.
pub(super) fn sentence(outcome: &Outcome) -> Option<String> {
    let Controls { calm, hit, untold, hit_on } = Controls::of(outcome);
    let all = calm + hit + untold;
    let open = match untold {
        0 => String::new(),
        some => format!(", {some} could not be judged"),
    };
    match (all, calm, hit) {
        (0, ..) => None,
        (_, 0, 0) => Some(format!(
            "Control: {} could not be judged, so nothing vouches for the times beside it.",
            plural(all, "trial")
        )),
        (_, _, 0) => Some(format!("Control: no impact in {calm} of {all}{open}.")),
        (_, _, _) => Some(format!(
            "A control showed an impact in {hit} of {all} ({}){open}: times beside it are not the \
             faults' alone.",
            few(&hit_on, ", ")
        )),
    }
}
