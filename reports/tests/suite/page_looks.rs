//! Lines of one drawing are told apart without colours: by marker and dash.

use std::collections::BTreeSet;

use schedbench_reports::html::render;

use crate::outcomes;
use crate::page_parts::section;

/// The value of an attribute of a tag.
fn attribute<'t>(tag: &'t str, key: &str) -> Option<&'t str> {
    let rest = tag.split_once(&format!(" {key}=\""))?.1;
    rest.split('"').next()
}

/// Looks whose names stand at the ends of lines of a drawing; names of moments are
/// flags.
fn labelled(drawing: &str) -> Vec<&str> {
    let classes = drawing.split("class=\"label ").skip(1);
    let looks = classes.filter_map(|rest| rest.split('"').next());
    let all: BTreeSet<&str> = looks.filter(|look| look.starts_with('s')).collect();
    all.into_iter().collect()
}

/// How a look's line is broken.
fn dash<'p>(page: &'p str, look: &str) -> &'p str {
    let rule = page.split(&format!(".{look}{{--c:")).nth(1).expect("a rule of the look");
    let rule = rule.split('}').next().unwrap_or_default();
    rule.split_once("--d:").expect("a dash").1
}

/// The shape of a look's full markers in a drawing: a tag with its size, or with
/// its corners as seen from the first.
fn marker(drawing: &str, look: &str) -> Option<String> {
    let is_one = |tag: &&str| {
        attribute(tag, "class")
            .is_some_and(|class| class == format!("m {look}") || class == format!("m {look} fine"))
    };
    let tag = drawing.split('<').find(is_one)?;
    let name = tag.split(' ').next().unwrap_or_default();
    let corners = attribute(tag, "points").map(|points| {
        let points: Vec<(i32, i32)> = points
            .split(' ')
            .filter_map(|point| point.split_once(','))
            .map(|(x, y)| (x.parse().expect("a number"), y.parse().expect("a number")))
            .collect();
        let seen = points.iter().map(|(x, y)| (x - points[0].0, y - points[0].1));
        seen.collect::<Vec<_>>()
    });
    Some(format!("{name} {:?} {:?} {corners:?}", attribute(tag, "width"), attribute(tag, "height")))
}

fn drawings(page: &str) -> impl Iterator<Item = &str> {
    let all = page.split("<svg ").skip(1).map(|rest| rest.split("</svg>").next().unwrap_or(rest));
    all.filter(|drawing| drawing.contains("data-c="))
}

#[test]
fn no_two_lines_of_a_drawing_share_both_marker_and_dash() {
    let mut compared = 0;
    for (name, outcome) in outcomes::all() {
        let page = render(&outcome);
        for drawing in drawings(&page) {
            let looks = labelled(drawing);
            let told: Vec<_> = looks
                .iter()
                .filter_map(|look| Some((dash(&page, look), marker(drawing, look)?)))
                .collect();
            let apart: BTreeSet<_> = told.iter().collect();
            assert_eq!(apart.len(), told.len(), "{name}: {looks:?}: {told:?}");
            compared += told.len().saturating_sub(1);
        }
    }
    assert!(compared > 100, "{compared}");
}

/// Over time a line has too many points for a marker at each, but not none.
#[test]
fn lines_over_time_have_markers_where_several_share_a_drawing() {
    for (outcome, anchor) in
        [(outcomes::ramp(), "time"), (outcomes::wide(), "time"), (outcomes::piled(), "backlog")]
    {
        let page = render(&outcome);
        let several = drawings(section(&page, anchor)).filter(|one| labelled(one).len() > 1);
        let mut seen = 0;
        for drawing in several {
            seen += 1;
            for look in labelled(drawing) {
                assert!(marker(drawing, look).is_some(), "{}: {look}", outcome.plan.scenario);
            }
        }
        assert!(seen > 0, "{anchor}");
    }
    // Alone it needs none.
    let page = render(&outcomes::single());
    assert!(drawings(section(&page, "time")).all(|one| marker(one, "s0").is_none()));
}
