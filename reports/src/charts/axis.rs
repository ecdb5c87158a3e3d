//! Axes: few ticks at 1, 2, 5 × 10ⁿ, linear, logarithmic or by nines.

use crate::metrics::Unit;
use crate::numbers::{Medium, Scale, amount, figure};

/// How numbers lie on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// Evenly, from zero.
    Linear,
    /// By their logarithm.
    Log,
    /// Quantiles by log(1/(1 − q)): 90 %, 99 %, 99.9 % … evenly.
    Nines,
}

/// An axis from one number to another.
#[derive(Clone, Debug)]
pub struct Axis {
    scaling: Scaling,
    from: f64,
    to: f64,
    unit: Unit,
    /// Its ticks, where they are not numbers.
    named: Vec<(f64, String)>,
}

/// Most labels on an axis.
const MOST: usize = 7;

impl Axis {
    /// An axis that shows all of `numbers`: from zero when linear, from a
    /// little below the smallest positive one when logarithmic. What cannot be
    /// drawn (not finite, not positive on a log axis) does not stretch it.
    #[must_use]
    pub fn around(scaling: Scaling, unit: Unit, numbers: impl IntoIterator<Item = f64>) -> Self {
        // Beyond 1e15 (a year in 31 ns steps) no figure of ours is real, and
        // ticks would lose their precision.
        let usable = numbers
            .into_iter()
            .filter(|x| x.is_finite() && x.abs() < 1e15 && (scaling != Scaling::Log || *x > 1e-12));
        let (mut low, mut high) = usable
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        match scaling {
            Scaling::Linear => {
                low = low.min(0.0);
                high = if high <= low { low + 1.0 } else { high + (high - low) * 0.04 };
            }
            Scaling::Log => {
                // At least a decade, so that noise is not drawn as drama.
                if high / low < 10.0 {
                    let middle = (low * high).sqrt();
                    (low, high) = (middle / 10f64.sqrt(), middle * 10f64.sqrt());
                }
                let margin = (high / low).powf(0.04);
                (low, high) = (low / margin, high * margin);
            }
            Scaling::Nines => {
                low = low.clamp(0.0, 0.999_999_9);
                high = high.clamp(low + 1e-9, 0.999_999_99);
            }
        }
        Self { scaling, from: low, to: high, unit, named: Vec::new() }
    }

    /// An axis exactly from one number to another, linear.
    #[must_use]
    pub const fn exactly(from: f64, to: f64, unit: Unit) -> Self {
        Self { scaling: Scaling::Linear, from, to, unit, named: Vec::new() }
    }

    /// The same, with these ticks and no others.
    #[must_use]
    pub const fn named(from: f64, to: f64, named: Vec<(f64, String)>) -> Self {
        Self { scaling: Scaling::Linear, from, to, unit: Unit::Number, named }
    }

    /// Where a number lies, 0 to 1; `None` when it cannot be drawn.
    #[must_use]
    pub fn place(&self, number: f64) -> Option<f64> {
        let of = |x: f64| match self.scaling {
            Scaling::Linear => x,
            Scaling::Log => x.ln(),
            Scaling::Nines => nines(x),
        };
        let place = (of(number) - of(self.from)) / (of(self.to) - of(self.from));
        // A little outside is drawn (whiskers, rounding), the rest is not.
        place.is_finite().then(|| place.clamp(-0.02, 1.02))
    }

    /// Ticks and their labels.
    #[must_use]
    pub fn ticks(&self) -> Vec<(f64, String)> {
        match self.scaling {
            _ if !self.named.is_empty() => self.named.clone(),
            Scaling::Linear => self.linear_ticks(),
            Scaling::Log => self.log_ticks(),
            // 0 % would stand on the toes of 50 %.
            Scaling::Nines => [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]
                .into_iter()
                .filter(|q| *q >= self.from - 1e-12 && *q <= self.to + 1e-12)
                .map(|q| (q, quantile(q)))
                .collect(),
        }
    }

    fn linear_ticks(&self) -> Vec<(f64, String)> {
        let span = self.to - self.from;
        let rough = span / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|m| m * power)
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(10.0 * power);
        if !step.is_finite() || step <= 0.0 {
            return Vec::new();
        }
        let first = (self.from / step - 1e-9).ceil() as i64;
        let scale = Scale::of(self.unit, self.to.abs().max(self.from.abs()));
        (first..first + 12)
            .map(|k| k as f64 * step)
            .take_while(|x| *x <= self.to + step * 1e-9)
            .map(|x| {
                let text = if x == 0.0 { "0".to_owned() } else { scale.write(x, Medium::Page) };
                (x, text)
            })
            .collect()
    }

    fn log_ticks(&self) -> Vec<(f64, String)> {
        let (first, last) = (self.from.log10().floor() as i32, self.to.log10().ceil() as i32);
        let of = |marks: &[f64], every: i32| -> Vec<f64> {
            (first..=last)
                .filter(|power| power.rem_euclid(every) == 0)
                .flat_map(|power| marks.iter().map(move |m| m * 10f64.powi(power)))
                .filter(|x| *x >= self.from * 0.999 && *x <= self.to * 1.001)
                .collect()
        };
        let choices =
            [of(&[1.0, 2.0, 5.0], 1), of(&[1.0], 1), of(&[1.0], 2), of(&[1.0], 3), of(&[1.0], 5)];
        let ticks = choices.iter().find(|ticks| ticks.len() <= MOST).unwrap_or(&choices[4]);
        ticks.iter().map(|x| (*x, amount(*x, self.unit, Medium::Page))).collect()
    }

    /// How numbers lie on it.
    #[must_use]
    pub const fn scaling(&self) -> Scaling {
        self.scaling
    }
}

fn nines(q: f64) -> f64 {
    -(1.0 - q).log10()
}

/// `99.9 %`.
fn quantile(q: f64) -> String {
    // 100·q is inexact in binary: round to what a label shows.
    let percent = (q * 1e8).round() / 1e6;
    let text =
        if percent < 100.0 && percent > 99.9 { percent.to_string() } else { figure(percent) };
    format!("{text}{}%", Medium::Page.space())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, text)| text.replace('\u{202f}', " ")).collect()
    }

    #[test]
    fn ticks_are_one_two_five() {
        let loads = Axis::around(Scaling::Log, Unit::PerSecond, [1e3, 1e5]);
        assert_eq!(labels(&loads), ["1k/s", "2k/s", "5k/s", "10k/s", "20k/s", "50k/s", "100k/s"]);
        let times = Axis::around(Scaling::Log, Unit::Seconds, [30e-6, 2.0]);
        assert_eq!(labels(&times), ["100 µs", "1 ms", "10 ms", "100 ms", "1 s"]);
        let linear = Axis::around(Scaling::Linear, Unit::Seconds, [0.0, 0.0043]);
        assert_eq!(labels(&linear), ["0", "1 ms", "2 ms", "3 ms", "4 ms"]);
        let nines = Axis::around(Scaling::Nines, Unit::Fraction, [0.0, 0.9999]);
        assert_eq!(labels(&nines), ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }

    #[test]
    fn odd_numbers_neither_stretch_nor_break_it() {
        for scaling in [Scaling::Linear, Scaling::Log, Scaling::Nines] {
            for odd in [
                &[][..],
                &[f64::NAN],
                &[f64::INFINITY, f64::NEG_INFINITY],
                &[0.0],
                &[-1.0, -5.0],
                &[1e308, 1e-308],
                &[1e-9; 3],
            ] {
                let axis = Axis::around(scaling, Unit::Seconds, odd.iter().copied());
                assert!(axis.ticks().len() <= 14, "{scaling:?} {odd:?}");
                for x in odd {
                    assert!(axis.place(*x).is_none_or(f64::is_finite));
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_numbers_have_an_axis(numbers: Vec<f64>) {
            for scaling in [Scaling::Linear, Scaling::Log, Scaling::Nines] {
                let axis = Axis::around(scaling, Unit::Seconds, numbers.iter().copied());
                proptest::prop_assert!(axis.ticks().len() <= 14);
                for x in &numbers {
                    proptest::prop_assert!(axis.place(*x).is_none_or(|p| (-0.02..=1.02).contains(&p)));
                }
            }
        }
    }
}
