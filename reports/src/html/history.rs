//! The page of a history: where figures changed, then how each went.

use maud::{Markup, html};

use crate::analysis::{Figure, Measure, Spread};
use crate::charts::{Axis, Dot, Join, Lines, Mark, Moment, NARROW, Series};
use crate::compare::Kind;
use crate::compare::sentences::change;
use crate::compare::under::{at_several, preposition};
use crate::history::{Entry, Of, Strand, TOLD_FROM, Trend, Turn};
use crate::metrics::Unit;
use crate::numbers::{Medium, amount, load};

use super::data::Data;
use super::plots::{figure, room};
use super::title::date;
use super::words::written;
use super::{Document, Section, document};

const PAGE: Medium = Medium::Page;

/// Colours of loads, light and dark; each reads on its ground at 4.5 : 1.
const COLOURS: [(&str, &str); 6] = [
    ("#1d4ed8", "#6ea2ff"),
    ("#b45309", "#ffab4a"),
    ("#15803d", "#58d08a"),
    ("#7e22ce", "#c79bff"),
    ("#c81e1e", "#ff7b7b"),
    ("#0e7490", "#4fc9dc"),
];

/// A change of the drawing's whole height is at least this to either side, so
/// that noise is not drawn as drama.
const AT_LEAST: f64 = 0.2;

/// Times the median: no drawing goes higher, so that one such run does not
/// flatten all others.
const AT_MOST: f64 = 10.0;

/// Names of runs below an axis.
const NAMED: usize = 5;

/// Runs in the table behind a drawing, the last ones.
const IN_TABLE: usize = 12;

/// The page; `left_out` says which files are not in it, and why.
#[must_use]
pub fn history(directory: &str, strands: &[Strand], left_out: &[String]) -> String {
    let mut data = Data::default();
    let titles: Vec<String> = strands.iter().map(title).collect();
    let content: Vec<Markup> = strands.iter().map(|strand| of_strand(strand, &mut data)).collect();
    let sections: Vec<Section> = vec![Section {
        anchor: "trends",
        title: "Trends",
        content: html! {
            @for (title, content) in titles.iter().zip(&content) {
                h3 { (title) }
                (content)
            }
            p.note {
                "Each figure is drawn over its own median of all runs shown. Whiskers: the range over a run's repeats, \
                 from five repeats on a 95" (PAGE.space()) "% interval. A change is marked where the energy distance \
                 between the runs before and after it is larger than in 99 of 100 orders of the same runs (E-divisive \
                 means, Matteson and James 2014); it needs about " (TOLD_FROM) " runs. A trend, not a gate: runs on one machine \
                 at different times differ by more than their repeats."
                (by_chance(strands))
                @if strands.iter().flat_map(|strand| &strand.trends).any(goes_beyond) {
                    " An arrowhead at the top: more than " (crate::numbers::figure(AT_MOST)) " times the median."
                }
                @if strands.iter().flat_map(|strand| &strand.trends).any(|trend| trend.under.is_some()) {
                    " Of trials and backlogs it is the median, where that is a number, and its own interval, 94"
                    (PAGE.space()) "% with five of them."
                }
            }
        },
    }];
    document(&Document {
        heading: &format!("{directory}: history · schedbench"),
        looks: &looks(),
        header: &header(directory, strands),
        verdict: &verdict(strands, left_out),
        sections: if strands.is_empty() { &[] } else { &sections },
        data: &data,
    })
}

fn looks() -> String {
    let rule = |(style, (light, dark)): (usize, &(&str, &str))| {
        format!(".s{style}{{--c:light-dark({light},{dark});--d:none}}")
    };
    // Names are written as they are; a lone drawing is not blown up.
    let page = "h3::first-letter{text-transform:none}\
        .columns:has(>.column:only-child){max-width:40rem}";
    COLOURS.iter().enumerate().map(rule).collect::<String>() + page
}

fn header(directory: &str, strands: &[Strand]) -> Markup {
    let runs: usize = strands.iter().map(|strand| strand.runs.len()).sum();
    html! {
        header {
            h1 { "History" }
            p.lead { "How each figure went over all runs in " (directory) "." }
            p.counts {
                strong { (runs) } (if runs == 1 { " run" } else { " runs" })
                @if strands.len() > 1 {
                    " of " (strands.len()) " plans or machines, which are not set beside each other"
                }
            }
        }
    }
}

/// Every change, the newest first.
fn verdict(strands: &[Strand], left_out: &[String]) -> Markup {
    let mut changes: Vec<(&str, String)> = Vec::new();
    for strand in strands {
        changes.extend(sentences(strand, PAGE));
    }
    changes.sort_by(|a, b| b.0.cmp(a.0));
    html! {
        section #verdict {
            h2.quiet { "Verdict" }
            @if changes.is_empty() {
                p {
                    "No figure has changed past the noise of its runs."
                    @if strands.iter().all(|strand| strand.runs.len() < TOLD_FROM) {
                        " Of so few runs no change could be told: about " (TOLD_FROM) " are needed."
                    }
                }
            }
            @for (_, sentence) in changes.iter().take(40) { p { (sentence) } }
            @if changes.len() > 40 { p.bound { "and " (changes.len() - 40) " more, marked below" } }
            @for left in left_out { p.bound { "Left out: " (left) } }
        }
    }
}

/// Every figure has its own chance of one in a hundred, and nothing corrects
/// for how many there are.
fn by_chance(strands: &[Strand]) -> String {
    // What is zero in some run has no ratio, and is marked nowhere.
    let is_told = |trend: &&Trend| {
        let positive = |(_, figure): &(usize, Figure)| figure.number() > Some(0.0);
        trend.dots.len() >= TOLD_FROM && trend.dots.iter().all(positive)
    };
    let trends = strands.iter().flat_map(|strand| &strand.trends);
    let told = trends.filter(is_told).count();
    if told == 0 {
        return String::new();
    }
    let figures = if told == 1 { "figure" } else { "figures" };
    let marked = crate::numbers::figure(told as f64 / 100.0);
    format!(
        " Of {told} {figures} with so many runs, about {marked} would be marked by chance alone."
    )
}

/// The changes of a strand, the loads that it holds no longer and what it
/// loses, a sentence for each system and run, with the start of the run that it
/// begins with.
#[must_use]
pub fn sentences(strand: &Strand, medium: Medium) -> Vec<(&str, String)> {
    let mut places: Vec<(usize, &Of)> = Vec::new();
    for trend in &strand.trends {
        for turn in &trend.turns {
            if !places.contains(&(turn.run, &trend.of)) {
                places.push((turn.run, &trend.of));
            }
        }
    }
    let sentence = |(place, of): &(usize, &Of)| {
        let run = &strand.runs[*place].about.run;
        let kinds =
            Kind::ALL.into_iter().filter_map(|kind| turned(strand, of, kind, *place, medium));
        let what = kinds.collect::<Vec<_>>().join("; ");
        let from = format!("run {} of {}", run.id, date(&run.started));
        (run.started.as_str(), format!("{} from {from} on: {what}", name(of)))
    };
    let fallen = strand.fallen.iter().map(|it| {
        let run = &strand.runs[it.run].about.run;
        let under = it.under.join(", ");
        let what = match (it.of.mode, it.under.len()) {
            (None, _) => format!("no longer back at the end of {under}"),
            (Some(_), 1) => format!("{under} is no longer held"),
            (Some(_), _) => format!("{under} are no longer held"),
        };
        let from = format!("run {} of {}", run.id, date(&run.started));
        (run.started.as_str(), format!("{} from {from} on: {what}", name(&it.of)))
    });
    let lost = strand.lost.iter().map(|it| {
        let run = &strand.runs[it.run].about.run;
        let from = format!("run {} of {}", run.id, date(&run.started));
        let text = format!("{} from {from} on: tasks lost, where none may be", it.name);
        (run.started.as_str(), format!("{text}; {} in the newest", it.words))
    });
    lost.chain(places.iter().map(sentence)).chain(fallen).collect()
}

/// `P99 start latency +26 % to +29 % at 4 loads`.
fn turned(strand: &Strand, of: &Of, kind: Kind, run: usize, medium: Medium) -> Option<String> {
    let trends = strand.trends.iter().filter(|trend| trend.of == *of && trend.kind == kind);
    let turns: Vec<(&Trend, f64)> = trends
        .flat_map(|trend| trend.turns.iter().map(move |turn| (trend, turn)))
        .filter(|(_, turn)| turn.run == run)
        .map(|(trend, turn)| (trend, turn.by))
        .collect();
    let ratio = |by: f64| change(by, Measure::Ratio, medium);
    let title = kind.title(of.latency);
    match turns.as_slice() {
        [] => None,
        [(trend, by)] => {
            let under = trend.under.clone().or(trend.load.map(load));
            let at = under.map_or_else(String::new, |it| format!(" {} {it}", preposition(kind)));
            Some(format!("{title} {}{at}", ratio(*by)))
        }
        all => {
            let low = all.iter().map(|(_, by)| *by).fold(f64::INFINITY, f64::min);
            let high = all.iter().map(|(_, by)| *by).fold(f64::NEG_INFINITY, f64::max);
            let several = at_several(kind, all.len());
            Some(format!("{title} {} to {}{several}", ratio(low), ratio(high)))
        }
    }
}

/// The load, trial or backlog, or the figure where it has none.
fn at(trend: &Trend) -> String {
    let under = trend.under.clone().or(trend.load.map(load));
    under.unwrap_or_else(|| trend.kind.title(trend.of.latency))
}

/// `ramp on 2 × AMD EPYC 7763, brokers local: 31 runs`.
#[must_use]
pub fn title(strand: &Strand) -> String {
    let Some(last) = strand.runs.last() else { return String::new() };
    let (plan, host) = (&last.about.plan, &last.about.host);
    format!(
        "{} on {} × {}, brokers {}: {} {}",
        plan.scenario,
        host.cores,
        host.cpu,
        crate::compare::environment(&last.about),
        strand.runs.len(),
        if strand.runs.len() == 1 { "run" } else { "runs" }
    )
}

fn name(of: &Of) -> String {
    let variant = of.variant.as_ref().map_or_else(String::new, |it| format!(", {it}"));
    format!("{}/{}{variant}", of.system, of.profile)
}

/// A column per system, a drawing per figure, a line per load.
fn of_strand(strand: &Strand, data: &mut Data) -> Markup {
    if strand.trends.is_empty() {
        return html! { p { "No figure has a valid number in two runs." } };
    }
    let mut order: Vec<&Of> = Vec::new();
    for trend in &strand.trends {
        if !order.contains(&&trend.of) {
            order.push(&trend.of);
        }
    }
    let mut drawn: Vec<(String, Vec<Markup>)> = Vec::new();
    for of in order {
        let mut drawings = Vec::new();
        for kind in Kind::ALL {
            let trends: Vec<&Trend> =
                strand.trends.iter().filter(|it| it.of == *of && it.kind == kind).collect();
            drawings.extend(trends.chunks(COLOURS.len()).map(|some| drawing(strand, some, data)));
        }
        // Its trials and backlogs stand in no group, but under its name.
        match drawn.iter_mut().find(|(known, _)| *known == name(of)) {
            Some((_, known)) => known.extend(drawings),
            None => drawn.push((name(of), drawings)),
        }
    }
    html! {
        div.plots {
            @for (title, drawings) in &drawn {
                h3 { (title) }
                div.columns { @for drawing in drawings { div.column { (drawing) } } }
            }
        }
    }
}

fn drawing(strand: &Strand, trends: &[&Trend], data: &mut Data) -> Markup {
    let Some(first) = trends.first() else { return html! {} };
    let series: Vec<Series> =
        trends.iter().enumerate().map(|(style, trend)| line(strand, trend, style)).collect();
    let ends = |dot: &Dot| dot.spread.map_or([dot.y, dot.y], |(low, high)| [low, high]);
    let all = || series.iter().flat_map(|series| &series.dots).flat_map(ends);
    let low = all().fold(1.0 - AT_LEAST, f64::min).max(0.0);
    let high = all().fold(1.0 + AT_LEAST, f64::max).min(AT_MOST);
    let last = strand.runs.len().saturating_sub(1).max(1) as f64;
    let title = first.kind.title(first.of.latency);
    let lines = Lines {
        title: format!("{title} of {} over runs", name(&first.of)),
        width: NARROW,
        height: 260,
        right: room(series.iter().map(|series| series.name.as_str())),
        x: Axis::named(-0.02 * last, 1.02 * last, days(&strand.runs)),
        y: Axis::exactly(low - 0.02, high + 0.02, Unit::Fraction),
        x_labels: true,
        x_title: "",
        diagonal: None,
        limit: None,
        shades: Vec::new(),
        series,
        moments: moments(trends),
        name_rows: 2,
    };
    figure(
        (&capital(&title), "of the median of all runs"),
        &[lines],
        false,
        data,
        &table(strand, trends),
    )
}

fn line(strand: &Strand, trend: &Trend, style: usize) -> Series {
    let dots = trend.dots.iter().filter_map(|(run, figure)| {
        let entry = &strand.runs[*run];
        let over = |x: f64| x / trend.median;
        Some(Dot {
            x: *run as f64,
            y: over(figure.number()?),
            spread: figure.spread.map(Spread::ends).map(|(low, high)| (over(low), over(high))),
            mark: if over(figure.number()?) > AT_MOST { Mark::Beyond } else { Mark::Full },
            join: Join::Solid,
            tip: tip(entry, trend, &written(figure, trend.kind.unit())),
        })
    });
    Series {
        style,
        class: "",
        marker: style,
        name: at(trend),
        labelled: true,
        dots: dots.collect(),
    }
}

fn tip(entry: &Entry, trend: &Trend, written: &str) -> String {
    let run = &entry.about.run;
    let commit = run.commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    format!(
        "{} · {}\n{} {written}\nrun {}, schedbench {}{commit}",
        at(trend),
        date(&run.started),
        trend.kind.title(trend.of.latency),
        run.id,
        run.tool
    )
}

fn goes_beyond(trend: &Trend) -> bool {
    let is_beyond = |number: f64| number / trend.median > AT_MOST;
    trend.dots.iter().any(|(_, figure)| figure.number().is_some_and(is_beyond))
}

fn moments(trends: &[&Trend]) -> Vec<Moment> {
    let mut all: Vec<Moment> = Vec::new();
    for (style, trend) in trends.iter().enumerate() {
        all.extend(trend.turns.iter().map(|Turn { run, by }| Moment {
            x: *run as f64 - 0.5,
            class: format!("s{style}"),
            text: format!("{} {}", at(trend), change(*by, Measure::Ratio, PAGE)),
        }));
    }
    all.sort_by(|a, b| a.x.total_cmp(&b.x));
    all
}

/// A few runs by their day, evenly chosen.
fn days(runs: &[Entry]) -> Vec<(f64, String)> {
    let last = runs.len().saturating_sub(1);
    let steps = last.clamp(1, NAMED - 1);
    let mut places: Vec<usize> = (0..=steps).map(|step| step * last / steps).collect();
    places.dedup();
    let day = |place: &usize| {
        let started = date(&runs[*place].about.run.started);
        // `23 Nov 2026, 04:30 UTC`: the day is enough below an axis.
        let words: Vec<&str> = started.split(' ').take(2).collect();
        (*place as f64, words.join(" "))
    };
    let mut days: Vec<(f64, String)> = places.iter().map(day).collect();
    days.dedup_by(|later, earlier| later.1 == earlier.1);
    days
}

fn table(strand: &Strand, trends: &[&Trend]) -> Markup {
    let from = strand.runs.len().saturating_sub(IN_TABLE);
    html! {
        table {
            thead { tr { th { "Run" } @for trend in trends { th.n { (at(trend)) } } } }
            tbody {
                tr {
                    th scope="row" { "median of all that have it" }
                    @for trend in trends { td.n { (amount(trend.median, trend.kind.unit(), PAGE)) } }
                }
                @for (place, entry) in strand.runs.iter().enumerate().skip(from) {
                    tr {
                        th scope="row" { (date(&entry.about.run.started)) small { (entry.about.run.id) } }
                        @for trend in trends {
                            @match trend.dots.iter().find(|(run, _)| *run == place) {
                                Some((_, figure)) => { td.n { (written(figure, trend.kind.unit())) } }
                                None => { td.n.state { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}
