//! Faults: what was promised and what was seen, how long it took until it was
//! over, and the same over time.

mod drawings;
mod guarantees;
mod moments;
mod panels;
mod times;
mod who;

use maud::html;

use crate::analysis::Recovery;

use super::data::Data;
use super::{Page, Section};

pub(super) fn section(page: &Page<'_>, data: &mut Data) -> Option<Section> {
    let faults = &page.analysis.faults;
    if faults.is_empty() {
        return None;
    }
    let content = html! {
        (guarantees::table(page))
        @for fault in faults.names() {
            @let rows: Vec<&Recovery> =
                faults.recoveries.iter().filter(|one| one.tried.fault == fault).collect();
            h3 { (faults.title(fault)) }
            (times::medians(page, &rows))
            (times::each(page, &rows))
            (drawings::drawings(page, &rows, data))
        }
        @if !faults.names().is_empty() {
            p.note {
                "Times count from the moment the fault took effect; " i { "from heal" } " from the "
                "moment it was undone, negative where the system had recovered before. "
                "Of several trials the median of the valid ones, with the range below it and from "
                "five on the interval in which the median lies; drawn is the trial in the middle. "
                i { "> x" } ": not yet when the watching ended; such a trial stays in the median. A "
                "killed process is healed when it is started again, so its start is part of the "
                "recovery. SIGKILL keeps what the kernel has in its page cache: this is no power loss."
            }
        }
    };
    Some(Section { anchor: "faults", title: "Faults", content })
}
