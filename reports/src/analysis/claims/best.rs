//! At which of several loads a claim is looked at.

use super::super::points::Point;
use crate::claims::Bound;
use crate::metrics::{Direction, Metric};

/// The point whose figure is best for a claim; the first where none has one.
pub(super) fn best<'p>(
    points: Vec<&'p Point>,
    figure: impl Fn(&Point) -> Option<f64>,
    bound: &Bound,
    metric: &Metric,
) -> Option<&'p Point> {
    let most = match bound {
        Bound::AtLeast(_) => true,
        Bound::AtMost(_) => false,
        Bound::Is { .. } | Bound::Between(..) => metric.direction == Direction::Higher,
    };
    let first = points.first().copied();
    let told = points.into_iter().filter_map(|point| Some((figure(point)?, point)));
    let best = told.reduce(|best, other| {
        let better = if most { other.0 > best.0 } else { other.0 < best.0 };
        if better { other } else { best }
    });
    best.map(|(_, point)| point).or(first)
}
