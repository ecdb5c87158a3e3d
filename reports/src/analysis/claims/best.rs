//! At which of several loads a claim is looked at.

use super::super::points::Point;
use crate::claims::Bound;
use crate::metrics::{Direction, Metric};

/// The point whose figure is best for a claim: the largest or the least where it
/// says at least or at most that, else the nearest to what it says. The first
/// where none has a figure.
pub(super) fn best<'p>(
    points: Vec<&'p Point>,
    figure: impl Fn(&Point) -> Option<f64>,
    bound: &Bound,
    metric: &Metric,
) -> Option<&'p Point> {
    let first = points.first().copied();
    let told = points.into_iter().filter_map(|point| Some((figure(point)?, point)));
    let best = told.min_by(|one, other| {
        let by_distance = far(one.0, bound).total_cmp(&far(other.0, bound));
        // As near as each other: the better one.
        by_distance.then(match metric.direction {
            Direction::Higher => other.0.total_cmp(&one.0),
            Direction::Lower | Direction::Neither => one.0.total_cmp(&other.0),
        })
    });
    best.map(|(_, point)| point).or(first)
}

/// How far a figure is from what is claimed, less where it suits it better.
fn far(figure: f64, bound: &Bound) -> f64 {
    let outside = |low: f64, high: f64| (low - figure).max(figure - high).max(0.0);
    match *bound {
        Bound::AtLeast(_) => -figure,
        Bound::AtMost(_) => figure,
        Bound::Is { value, .. } => outside(value, value),
        Bound::Between(low, high) => outside(low, high),
    }
}
