//! The backlog's growth over the window (`docs/measurement.md` §3).

use super::flow::Level;

/// Bins of the regression. Twenty, not more: neighbouring bins of a queue are
/// correlated, and the finer they are the more certain a slope looks that is
/// not. What correlation is left [widens](widened) the interval.
const BINS: usize = 20;

/// The most that is believed of a correlation between neighbours: twenty bins
/// cannot tell a stronger one from a trend.
const STRONGEST: f64 = 0.9;

/// Up to this nothing is widened. Twenty values that do not hang together have
/// a correlation of −0.1 ± 0.2 around a line of their own.
const WEAKEST: f64 = 0.1;

/// Student's t for a one-sided 95 % at 18 degrees of freedom (two of the
/// twenty bins are spent on the line).
const T_95: f64 = 1.734_063_606_617_536;

/// A line through the backlog.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    /// Growth, tasks per second: least squares over the bins' means.
    pub(super) per_s: f64,
    /// Upper end of its one-sided 95 % interval: a load is held when growth
    /// beyond the limit is ruled out.
    pub(super) upper_per_s: f64,
    /// Lower end likewise: a backlog is said to grow when standing still is
    /// ruled out.
    pub(super) lower_per_s: f64,
}

impl Slope {
    /// Over the window of `seconds`.
    pub(super) fn of(backlog: &Level, seconds: f64) -> Self {
        Self::through(&backlog.means(BINS), seconds / BINS as f64)
    }

    /// Through one value per bin, bins `width_s` apart:
    /// slope = Σ (x − x̄)(y − ȳ) / Σ (x − x̄)², its standard error
    /// √(Σ residual² / (n − 2) / Σ (x − x̄)²), widened.
    fn through(values: &[f64], width_s: f64) -> Self {
        let n = values.len() as f64;
        let mean_x = (n - 1.0) / 2.0 * width_s;
        let mean_y = values.iter().sum::<f64>() / n;
        let points =
            || values.iter().enumerate().map(|(i, y)| (i as f64 * width_s - mean_x, y - mean_y));
        let xx: f64 = points().map(|(x, _)| x * x).sum();
        let per_s = points().map(|(x, y)| x * y).sum::<f64>() / xx;
        let residuals: Vec<f64> = points().map(|(x, y)| y - per_s * x).collect();
        let rest: f64 = residuals.iter().map(|residual| residual * residual).sum();
        let error = widened(&residuals) * (rest / (n - 2.0) / xx).sqrt();
        Self { per_s, upper_per_s: per_s + T_95 * error, lower_per_s: per_s - T_95 * error }
    }
}

/// By which factor residuals that follow each other make the standard error
/// larger: √((1 + r₁)/(1 − r₁)), as if there were n (1 − r₁)/(1 + r₁) values
/// that do not (Bayley and Hammersley 1946, Journal of the Royal Statistical
/// Society, Supplement 8). A correlation below 0 would make it smaller; that is
/// not taken.
///
/// The residuals of a line through n values have a smaller r₁ than the values
/// around their true line, for the line follows them: of 200,000 series each it
/// was −0.10, 0.09, 0.26 and 0.41 in the mean where r was 0, 0.25, 0.5 and
/// 0.75, so by (2 + 6 r)/n. Put back is (2 + 8 r)/n, for r₁ scatters by 0.2, and
/// to find too little of it uncovers more than to find too much covers.
fn widened(residuals: &[f64]) -> f64 {
    let n = residuals.len() as f64;
    let all: f64 = residuals.iter().map(|residual| residual * residual).sum();
    let neighbours: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    if neighbours <= WEAKEST * all {
        return 1.0;
    }
    let r = ((neighbours / all + 2.0 / n) / (1.0 - 8.0 / n)).min(STRONGEST);
    ((1.0 + r) / (1.0 - r)).sqrt()
}

#[cfg(test)]
mod tests {
    use schedbench_contract::seeded;

    use super::*;

    #[test]
    fn a_straight_line_is_found_and_has_no_error() {
        let values: Vec<f64> = (0..BINS).map(|bin| 7.0 + 1.5 * bin as f64).collect();
        let slope = Slope::through(&values, 0.5);
        assert!((slope.per_s - 3.0).abs() < 1e-12);
        assert!((slope.upper_per_s - 3.0).abs() < 1e-9);
    }

    /// Values ±1 around 0 in turn: by hand, xx = 665 for a width of 1,
    /// xy = 10, slope = 2/133, residuals² = 20 − 100/665.
    #[test]
    fn scatter_widens_the_bound() {
        let values: Vec<f64> = (0..BINS).map(|bin| if bin % 2 == 0 { -1.0 } else { 1.0 }).collect();
        let slope = Slope::through(&values, 1.0);
        assert!((slope.per_s - 10.0 / 665.0).abs() < 1e-12, "{slope:?}");
        let error = ((20.0 - 100.0 / 665.0) / 18.0f64 / 665.0).sqrt();
        assert!((slope.upper_per_s - slope.per_s - T_95 * error).abs() < 1e-12);
    }

    /// 1 2 1 2 … scatters as 1 1 1 1 2 2 2 2 … does, which says less.
    #[test]
    fn what_follows_itself_is_less_certain() {
        let swing = |slow: usize| {
            let value = |bin: usize| if (bin / slow).is_multiple_of(2) { 1.0 } else { 2.0 };
            (0..BINS).map(value).collect::<Vec<f64>>()
        };
        let of = |slow| Slope::through(&swing(slow), 1.0);
        let width = |slope: Slope| slope.upper_per_s - slope.lower_per_s;
        assert!(width(of(4)) > 1.5 * width(of(1)), "{:?} {:?}", of(4), of(1));
        assert_eq!(widened(&[0.0; BINS]), 1.0);
        let rising: Vec<f64> = (0..BINS).map(|bin| bin as f64 - 9.5).collect();
        assert!((widened(&rising) - 19.0_f64.sqrt()).abs() < 1e-12, "no more than 0.9 is believed");
    }

    /// How often the true slope, 0, lies below the upper end, and below that of
    /// an interval that was not widened, of series in which each value is `r`
    /// times the one before and a standard normal.
    fn coverage(r: f64, seed: u64) -> (f64, f64) {
        const SERIES: u64 = 40_000;
        let normal = |place: u64| {
            // Box and Muller.
            let unit = |place| seeded::unit(seeded::at(seed, place));
            (-2.0 * unit(2 * place).ln()).sqrt()
                * (std::f64::consts::TAU * unit(2 * place + 1)).cos()
        };
        let (mut covered, mut plainly) = (0_u32, 0_u32);
        for series in 0..SERIES {
            let first = series * BINS as u64;
            let mut value = normal(first) / (1.0 - r * r).sqrt();
            let mut values = vec![value];
            for place in first + 1..first + BINS as u64 {
                value = r * value + normal(place);
                values.push(value);
            }
            let slope = Slope::through(&values, 1.0);
            let mean = values.iter().sum::<f64>() / BINS as f64;
            let rest: f64 = (0..BINS)
                .map(|bin| (values[bin] - mean - slope.per_s * (bin as f64 - 9.5)).powi(2))
                .sum();
            // Σ (x − x̄)² of twenty bins is 665.
            let plain = slope.per_s + T_95 * (rest / 18.0 / 665.0).sqrt();
            covered += u32::from(slope.upper_per_s >= 0.0);
            plainly += u32::from(plain >= 0.0);
        }
        (f64::from(covered) / SERIES as f64, f64::from(plainly) / SERIES as f64)
    }

    /// Of 40,000 series a share of 95 % has a standard deviation of 0.11 points.
    #[test]
    fn the_bound_covers_what_it_says_also_where_neighbours_are_alike() {
        let (white, plain) = coverage(0.0, 1);
        assert!((0.94..=0.96).contains(&plain), "white noise, not widened: {plain}");
        assert!((0.0..=0.01).contains(&(white - plain)), "white noise: {white}, was {plain}");
        for (r, seed, was) in [(0.25, 2, 0.92), (0.5, 3, 0.86), (0.75, 4, 0.76)] {
            let (covered, plain) = coverage(r, seed);
            assert!(covered >= 0.93, "correlation {r}: {covered}");
            assert!(plain < was, "correlation {r}, not widened: {plain}");
        }
    }

    #[test]
    fn the_constant_is_students_t() {
        use statrs::distribution::{ContinuousCDF as _, StudentsT};
        let t = StudentsT::new(0.0, 1.0, (BINS - 2) as f64).expect("valid").inverse_cdf(0.95);
        assert!((t - T_95).abs() < 1e-6, "{t}");
    }
}
