//! What all line charts share: which rows stand in one drawing, its frame with
//! title and data, the legend that toggles, the switch of scales.

use maud::{Markup, PreEscaped, html};

use crate::analysis::{Group, Mode, Row};
use crate::charts::{BROAD, Lines, Scaling};

use super::Page;
use super::data::Data;

/// Most lines in one drawing that holds several classes.
const MOST_LINES: usize = 5;

/// Most lines in the drawing of one class, `noop` beside them not counted:
/// with more, a class has several.
const MOST_OF_A_CLASS: usize = 5;

/// Rows that stand in one column of drawings.
pub(super) struct Multiple<'a> {
    /// What they have in common; empty when it is everything.
    pub(super) title: String,
    /// Places of their groups in the analysis.
    pub(super) groups: Vec<usize>,
    /// The rows, each with its group.
    pub(super) rows: Vec<(&'a Group, &'a Row)>,
}

/// Columns of drawings: one per way of loading and variant, or one per class
/// of these when there are more than five lines. `noop` stands in each.
pub(super) fn multiples<'a>(groups: &'a [Group], mode: Mode) -> Vec<Multiple<'a>> {
    let mut variants: Vec<&Option<String>> = Vec::new();
    for group in groups.iter().filter(|group| group.mode == mode) {
        if !variants.contains(&&group.variant) {
            variants.push(&group.variant);
        }
    }
    let mut out = Vec::new();
    for variant in variants {
        let of: Vec<(usize, &Group)> = groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.mode == mode && group.variant == *variant)
            .collect();
        let rows = |groups: &[(usize, &'a Group)]| -> Vec<(&'a Group, &'a Row)> {
            groups.iter().flat_map(|(_, g)| g.rows.iter().map(move |row| (*g, row))).collect()
        };
        let all = rows(&of);
        let fits = of.len() == 1 && contenders(&all) <= MOST_OF_A_CLASS;
        if all.len() <= MOST_LINES || fits {
            let title = match (variant, of.as_slice()) {
                (Some(variant), _) => variant.clone(),
                (None, [(_, only)]) => only.title(),
                (None, _) => String::new(),
            };
            out.push(Multiple {
                title,
                groups: of.iter().map(|(place, _)| *place).collect(),
                rows: all,
            });
            continue;
        }
        for (place, group) in &of {
            let noop = all.iter().find(|(_, row)| row.is_noop()).copied();
            let own: Vec<(&Group, &Row)> =
                group.rows.iter().filter(|row| !row.is_noop()).map(|row| (*group, row)).collect();
            let parts = own.len().div_ceil(MOST_OF_A_CLASS).max(1);
            let each = own.len().div_ceil(parts).max(1);
            let mut chunks: Vec<&[(&Group, &Row)]> = own.chunks(each).collect();
            if chunks.is_empty() {
                chunks.push(&[]);
            }
            for (part, chunk) in chunks.iter().enumerate() {
                let title = match parts {
                    1 => group.title(),
                    _ => format!("{} ({} of {parts})", group.title(), part + 1),
                };
                // Anchors stand once.
                let groups = if part == 0 { vec![*place] } else { Vec::new() };
                out.push(Multiple {
                    title,
                    groups,
                    rows: noop.into_iter().chain(chunk.iter().copied()).collect(),
                });
            }
        }
    }
    out
}

fn contenders(rows: &[(&Group, &Row)]) -> usize {
    rows.iter().filter(|(_, row)| !row.is_noop()).count()
}

/// Room for labels at the right of all drawings of a section, CSS pixels:
/// on a phone text is 19 of the drawing's pixels high, about 10 wide.
pub(super) fn room<'n>(names: impl Iterator<Item = &'n str>) -> u32 {
    let longest = names.map(|name| name.chars().count()).max().unwrap_or(0) as u32;
    (18 + longest * 10).clamp(70, 210)
}

/// A name that fits at a line's end.
pub(super) fn fit(name: &str) -> String {
    const MOST: usize = 20;
    if name.chars().count() <= MOST {
        name.to_owned()
    } else {
        name.chars().take(MOST - 1).chain(std::iter::once('…')).collect()
    }
}

/// One drawing with its title and its data. `variants` are the same drawing in
/// other scales; the switch of the section shows one of them. A lonely one is
/// drawn broad as well, for screens that have the room.
pub(super) fn figure(
    (title, sub): (&str, &str),
    variants: &[Lines],
    lonely: bool,
    data: &mut Data,
    table: &Markup,
) -> Markup {
    let mut drawn: Vec<(String, String)> = Vec::new();
    for lines in variants {
        let log = [lines.x.scaling(), lines.y.scaling()].contains(&Scaling::Log);
        let scaling = match (variants.len(), log) {
            (1, _) => "",
            (_, true) => " vlog",
            (_, false) => " vlin",
        };
        let mut draw = |lines: &Lines, width: &str| {
            let picture = lines.draw(data.next());
            data.add(&lines.series, &picture);
            drawn.push((format!("draw{width}{scaling}"), picture.svg));
        };
        draw(lines, if lonely { " narrow" } else { "" });
        if lonely {
            // Text is not enlarged here, so labels need less room.
            let right = 14 + lines.right * 3 / 4;
            draw(&Lines { width: BROAD, right, ..lines.clone() }, " broad");
        }
    }
    html! {
        figure {
            figcaption { b { (title) } @if !sub.is_empty() { " " small { (sub) } } }
            @for (class, svg) in &drawn {
                div class=(class) { (PreEscaped(svg)) }
            }
            (behind(table))
        }
    }
}

/// A chart's numbers, behind a toggle.
pub(super) fn behind(table: &Markup) -> Markup {
    html! {
        details.data {
            summary { "data" }
            div.scroll tabindex="0" role="region" aria-label="data" { (table) }
        }
    }
}

/// The legend: it names what the lines' ends name already, so it only toggles.
pub(super) fn legend(page: &Page<'_>, rows: &[(&Group, &Row)]) -> Markup {
    let mut seen: Vec<(usize, &str)> = Vec::new();
    for (_, row) in rows {
        let style = page.palette.index(&row.system, &row.profile);
        if !seen.iter().any(|(known, _)| *known == style) {
            seen.push((style, &row.label));
        }
    }
    html! {
        fieldset.legend {
            legend { "Show" }
            @for (style, label) in seen {
                label {
                    input type="checkbox" class={ "t" (style) } checked;
                    span class={ "key s" (style) } {}
                    (label)
                }
            }
        }
    }
}

/// The switch between logarithmic and linear axes.
pub(super) fn switch(name: &str) -> Markup {
    html! {
        fieldset.switch {
            legend { "Axes" }
            label { input.log type="radio" name=(name) checked; span { "log" } }
            label { input.lin type="radio" name=(name); span { "linear" } }
        }
    }
}
