//! The report: one self-contained HTML file.
//!
//! Sections stand in the order of a reader's questions: who won, who holds
//! what, how it looks against load; what was lost under faults and when it was
//! back, which comes first where nothing else was measured; how it looks over
//! time, the ledger, what it costs, what others claim of it, and how to run it
//! again. A section without data is left out.

mod again;
mod backlog;
mod claims;
mod compare;
mod cost;
mod data;
mod faults;
mod guide;
mod history;
mod holds;
mod ledger;
mod load;
mod objectives;
mod overtime;
mod palette;
mod percentiles;
mod plots;
mod scorecard;
mod timeline;
mod title;
mod words;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::analysis::{Analysis, analyse_beside};
use crate::claims::Published;
use crate::outcome::Outcome;

pub use compare::compare;
pub use history::{history, sentences as changes, title as strand_title};

use data::Data;
use palette::Palette;

const CSS: &str = include_str!("../page.css");
const SCRIPT: &str = include_str!("../page.js");

/// Everything the sections are made from.
struct Page<'a> {
    outcome: &'a Outcome,
    analysis: &'a Analysis,
    palette: &'a Palette,
}

/// One section: its anchor, its title, its content.
struct Section {
    anchor: &'static str,
    title: &'static str,
    content: Markup,
}

/// The report of an outcome as one HTML file.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    render_beside(outcome, &[])
}

/// The report of an outcome, with these claims set beside it.
#[must_use]
pub fn render_beside(outcome: &Outcome, claims: &[Published]) -> String {
    let analysis = analyse_beside(outcome, claims);
    let palette = Palette::of(&outcome.systems);
    let page = Page { outcome, analysis: &analysis, palette: &palette };
    let mut data = Data::default();
    let mut first =
        [[holds::section(&page), load::section(&page, &mut data)], hurt(&page, &mut data)];
    // Without a contender under load they show the harness's own ceiling only.
    if !analysis.groups.iter().any(|group| group.contenders().next().is_some()) {
        first.reverse();
    }
    let then = [
        overtime::section(&page, &mut data),
        percentiles::section(&page, &mut data),
        ledger::section(&page),
        cost::section(&page),
    ];
    let mut sections: Vec<Section> = first.into_iter().flatten().chain(then).flatten().collect();
    let card = scorecard::section(&page, &sections);
    let rest = [card, claims::section(&page), guide::section(&page), Some(again::section(&page))];
    sections.extend(rest.into_iter().flatten());
    document(&Document {
        heading: &format!("{} · schedbench", outcome.plan.scenario),
        looks: &palette.css(),
        header: &title::header(&page, &sections),
        verdict: &title::verdict(&page, &sections),
        sections: &sections,
        data: &data,
    })
}

/// What was done to systems, and what became of them.
fn hurt(page: &Page<'_>, data: &mut Data) -> [Option<Section>; 2] {
    [faults::section(page, data), backlog::section(page, data)]
}

/// What a page is put together from.
struct Document<'a> {
    heading: &'a str,
    /// Rules that paint the looks of its series.
    looks: &'a str,
    header: &'a Markup,
    verdict: &'a Markup,
    sections: &'a [Section],
    data: &'a Data,
}

/// The file: everything in it, nothing asked for.
fn document(of: &Document<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without an icon of its own a browser asks the server for one.
                link rel="icon" href="data:,";
                title { (of.heading) }
                style { (PreEscaped(CSS)) (PreEscaped(of.looks)) }
            }
            body {
                a.skip href="#verdict" { "To the verdict" }
                (of.header)
                nav aria-label="Contents" {
                    a href="#verdict" { "Verdict" }
                    @for section in of.sections {
                        a href={ "#" (section.anchor) } { (section.title) }
                    }
                    (theme())
                }
                main {
                    (of.verdict)
                    @for section in of.sections {
                        section id=(section.anchor) {
                            h2 { (section.title) }
                            (section.content)
                        }
                    }
                }
                div #tip role="status" hidden {}
                script #data type="application/json" { (PreEscaped(of.data.json())) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
    // Control characters are errors in HTML; names read from disk may hold some.
    .replace(|c: char| c.is_control() && c != '\n' && c != '\t', " ")
}

/// Light, dark, or as the device prefers: works without the script.
fn theme() -> Markup {
    html! {
        fieldset.theme {
            legend { "Theme" }
            @for (value, name) in [("auto", "auto"), ("light", "light"), ("dark", "dark")] {
                label {
                    input type="radio" name="theme" id={ "theme-" (value) } checked[value == "auto"];
                    span { (name) }
                }
            }
        }
    }
}
