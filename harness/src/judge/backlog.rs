//! The backlog's growth over the window (`docs/measurement.md` §3).

use super::flow::Level;

/// Bins of the regression. Twenty, not more: neighbouring bins of a queue are
/// correlated, and the finer they are the more certain a slope looks that is
/// not.
const BINS: usize = 20;

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
    /// √(Σ residual² / (n − 2) / Σ (x − x̄)²).
    fn through(values: &[f64], width_s: f64) -> Self {
        let n = values.len() as f64;
        let mean_x = (n - 1.0) / 2.0 * width_s;
        let mean_y = values.iter().sum::<f64>() / n;
        let points =
            || values.iter().enumerate().map(|(i, y)| (i as f64 * width_s - mean_x, y - mean_y));
        let xx: f64 = points().map(|(x, _)| x * x).sum();
        let per_s = points().map(|(x, y)| x * y).sum::<f64>() / xx;
        let rest: f64 = points().map(|(x, y)| (y - per_s * x).powi(2)).sum();
        let error = (rest / (n - 2.0) / xx).sqrt();
        Self { per_s, upper_per_s: per_s + T_95 * error, lower_per_s: per_s - T_95 * error }
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn the_constant_is_students_t() {
        use statrs::distribution::{ContinuousCDF as _, StudentsT};
        let t = StudentsT::new(0.0, 1.0, (BINS - 2) as f64).expect("valid").inverse_cdf(0.95);
        assert!((t - T_95).abs() < 1e-6, "{t}");
    }
}
