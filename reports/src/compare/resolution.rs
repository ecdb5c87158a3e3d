//! How small a change could have been told.

use crate::analysis::{Measure, Test};
use crate::numbers::Medium;

use super::sentences::change;
use super::{Comparison, Item};

/// What could be told, of each family of figures that are tested together.
pub(super) fn resolutions(it: &Comparison, medium: Medium) -> Vec<String> {
    let of = |is: &dyn Fn(&Item) -> bool| -> Vec<&Item> {
        it.items.iter().filter(|item| item.change.adjusted.is_some() && is(item)).collect()
    };
    let trials =
        |test: Test| of(&|item| item.kind.is_of_a_trial() && item.change.test == Some(test));
    let loads = of(&|item| !item.kind.is_of_a_trial());
    let cannot = |figures: &[&Item], what: &str| {
        Some(format!("{what} below about {}.", resolution(figures, medium)?))
    };
    let ranked = trials(Test::Ranks).len();
    let ranks = (ranked > 0).then(|| {
        let figures = if ranked == 1 { "figure" } else { "figures" };
        format!(
            "Of trials, {ranked} {figures} by ranks alone, since a trial is no number: what those \
             cannot tell has no size."
        )
    });
    [cannot(&loads, "Cannot tell"), cannot(&trials(Test::Welch), "Of trials it cannot tell"), ranks]
        .into_iter()
        .flatten()
        .collect()
}

/// `4.5 % (2.1 % to 12 %, by figure): 24 figures tested together`.
fn resolution(tested: &[&Item], medium: Medium) -> Option<String> {
    let of_ratio = tested.iter().filter(|item| item.kind.measure() == Measure::Ratio);
    let mut sizes: Vec<f64> = of_ratio.filter_map(|item| item.change.smallest).collect();
    sizes.retain(|size| size.is_finite());
    sizes.sort_by(f64::total_cmp);
    let (first, last) = (sizes.first()?, sizes.last()?);
    let middle = sizes[sizes.len() / 2];
    let written =
        |size: f64| change(size, Measure::Ratio, medium).trim_start_matches('+').to_owned();
    let [first, last] = [written(*first), written(*last)];
    let range =
        if first == last { String::new() } else { format!(" ({first} to {last}, by figure)") };
    let figures = if tested.len() == 1 { "figure" } else { "figures" };
    Some(format!("{}{range}: {} {figures} tested together", written(middle), tested.len()))
}
