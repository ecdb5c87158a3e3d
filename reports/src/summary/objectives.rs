//! What was demanded and became of it, before all else.

use super::{Remark, Tone, plain};
use crate::analysis::{Analysis, Met, counted};

/// `objectives: 3 passed, 1 failed`, then each that did not pass, with what was
/// seen; empty where nothing was demanded.
pub(crate) fn objectives(analysis: &Analysis) -> Vec<Remark> {
    let all = &analysis.objectives;
    if all.is_empty() {
        return Vec::new();
    }
    let is_met = all.iter().all(|one| one.met == Met::Yes);
    let tone = if is_met { Tone::Note } else { Tone::Alarm };
    let mut remarks = vec![Remark { tone, text: format!("objectives: {}", counted(all)) }];
    for one in all.iter().filter(|one| one.met != Met::Yes) {
        let text =
            format!("objective {}: {}: {}; {}", one.word(), one.target, one.demand, one.told());
        remarks.push(Remark { tone: Tone::Alarm, text: plain(&text) });
    }
    remarks
}
