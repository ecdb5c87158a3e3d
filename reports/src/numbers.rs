//! How figures are written: three significant digits at most, SI units, words
//! for what has no number. Page, terminal and Markdown share it, so that a
//! figure reads alike wherever it stands.

use crate::metrics::Unit;
use crate::outcome::{Load, Value};

/// Where text goes: it decides the space before a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// HTML and SVG: a narrow space that does not break.
    Page,
    /// Terminals, Markdown and CSV: a plain space, since not every fixed-width
    /// font has the narrow one.
    Terminal,
}

impl Medium {
    /// The space between a number and its unit.
    #[must_use]
    pub const fn space(self) -> &'static str {
        match self {
            Self::Page => "\u{202f}",
            Self::Terminal => " ",
        }
    }
}

/// A unit chosen for one value, or for all of a column: what is written is
/// `number / per`, followed by `suffix`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// One of the written unit, in the base unit.
    pub per: f64,
    /// What stands behind the number: `ms`, `k/s`, `%`; may be empty.
    pub suffix: &'static str,
    /// Whether a space stands between number and suffix (`31 ms`, but `52k/s`).
    pub spaced: bool,
}

const fn scale(per: f64, suffix: &'static str, spaced: bool) -> Scale {
    Scale { per, suffix, spaced }
}

const TIMES: [Scale; 4] = [
    scale(1.0, "s", true),
    scale(1e-3, "ms", true),
    scale(1e-6, "µs", true),
    scale(1e-9, "ns", true),
];
const SIZES: [Scale; 4] =
    [scale(1e9, "GB", true), scale(1e6, "MB", true), scale(1e3, "kB", true), scale(1.0, "B", true)];
const RATES: [Scale; 3] =
    [scale(1e6, "M/s", false), scale(1e3, "k/s", false), scale(1.0, "/s", false)];
const PLAIN: [Scale; 3] = [scale(1e6, "M", false), scale(1e3, "k", false), scale(1.0, "", false)];

impl Scale {
    /// The unit in which a number of about `largest` reads best.
    #[must_use]
    pub fn of(unit: Unit, largest: f64) -> Self {
        let steps: &[Self] = match unit {
            Unit::Seconds => &TIMES,
            Unit::Bytes => &SIZES,
            Unit::PerSecond => &RATES,
            Unit::Tasks => &PLAIN,
            Unit::Fraction => return scale(0.01, "%", true),
            Unit::CpuSecondsPerMillion | Unit::Number => return scale(1.0, "", false),
            Unit::Cores => {
                return if largest == 1.0 {
                    scale(1.0, "core", true)
                } else {
                    scale(1.0, "cores", true)
                };
            }
        };
        let last = steps[steps.len() - 1];
        if !largest.is_finite() || largest == 0.0 {
            return if unit == Unit::Seconds { steps[0] } else { last };
        }
        // 999.6 µs rounds to 1,000 µs: it reads better as 1 ms.
        *steps.iter().find(|step| largest.abs() / step.per >= 0.9995).unwrap_or(&last)
    }

    /// The number without its unit, for a column whose head names the unit.
    #[must_use]
    pub fn bare(&self, number: f64) -> String {
        figure(number / self.per)
    }

    /// A figure and the ends of its interval without their unit, with as many
    /// decimals in all three as the interval carries.
    #[must_use]
    pub fn bare_interval(&self, point: f64, low: f64, high: f64) -> [String; 3] {
        let all = [point, low, high].map(|number| number / self.per);
        if all.iter().any(|number| !number.is_finite() || number.abs() >= 1e15) {
            return all.map(figure);
        }
        // The last digit's place is at least a hundredth of the interval's width,
        // and no higher than the figure's first digit: of 1.2 (0.9–150) a 0 would
        // be left.
        let width = (all[2] - all[1]).abs();
        let carried = if width > 0.0 { -((width / 100.0).log10().ceil() as i32) } else { i32::MAX };
        let figures = decimals_for(all[0]);
        let places = figures.min(carried.max(figures.saturating_sub(2)));
        all.map(|number| decimals(number, 3, places))
    }

    /// The number with its unit.
    #[must_use]
    pub fn write(&self, number: f64, medium: Medium) -> String {
        self.attach(&self.bare(number), medium)
    }

    /// The unit behind a number that is text already.
    #[must_use]
    pub fn attach(&self, text: &str, medium: Medium) -> String {
        let space = if self.spaced && !self.suffix.is_empty() { medium.space() } else { "" };
        format!("{text}{space}{}", self.suffix)
    }
}

/// A number with three significant digits at most, thousands set apart by
/// commas, no superfluous zeros: `0.0123`, `6.2`, `124`, `1,240`, `118,000`.
#[must_use]
pub fn figure(number: f64) -> String {
    if number.is_nan() {
        return "not measured".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
    }
    // No figure of ours is that large; a file may hold one all the same.
    if number.abs() >= 1e15 {
        return format!("{number:.2e}").replace('-', "−");
    }
    let text = decimals(number, 3, decimals_for(number));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Decimals that leave three significant digits of `number`; negative when
/// digits before the point are rounded away.
fn decimals_for(number: f64) -> i32 {
    if number == 0.0 || !number.is_finite() {
        return 0;
    }
    // Rounding may carry into a new digit (9.996 → 10.0): round first.
    let magnitude = number.abs().log10().floor();
    let rounded =
        (number.abs() / 10f64.powf(magnitude - 2.0)).round() * 10f64.powf(magnitude - 2.0);
    2 - (rounded.log10() + 1e-9).floor() as i32
}

/// `number` rounded to so many decimals (negative: to tens, hundreds …), at
/// most `limit + 9` of them, with commas and a true minus sign.
fn decimals(number: f64, limit: usize, places: i32) -> String {
    let places = places.min(limit as i32 + 9);
    let text = if places >= 0 {
        format!("{:.*}", places as usize, number.abs())
    } else {
        let step = 10f64.powi(-places);
        format!("{:.0}", (number.abs() / step).round() * step)
    };
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(w, r)| (w, Some(r)));
    let mut out = String::new();
    if number < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        out.push('−');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// A whole number in full, thousands set apart: `118,204`. For ledgers, whose
/// balance must add up to the last task.
#[must_use]
pub fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of that unit: `6.2 ms`, `52k/s`, `61 MB`, `44 %`, `21`.
#[must_use]
pub fn amount(number: f64, unit: Unit, medium: Medium) -> String {
    if number.is_nan() {
        return "not measured".to_owned();
    }
    match unit {
        Unit::Fraction => fraction(number, medium),
        _ => Scale::of(unit, number).write(number, medium),
    }
}

/// A fraction as per cent. A tiny one that is not zero never reads as zero,
/// and one that is not whole never reads as 100 %.
#[must_use]
pub fn fraction(number: f64, medium: Medium) -> String {
    let space = medium.space();
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.is_finite() && number.abs() < 1e-4 {
        let sign = if number < 0.0 { "> −" } else { "< " };
        return format!("{sign}0.01{space}%");
    }
    if number < 1.0 && number > 0.9995 {
        return format!("> 99.9{space}%");
    }
    Scale::of(Unit::Fraction, number).write(number, medium)
}

/// Seconds: `6.2 ms`.
#[must_use]
pub fn seconds(number: f64, medium: Medium) -> String {
    amount(number, Unit::Seconds, medium)
}

/// Tasks per second: `52k/s`.
#[must_use]
pub fn rate(number: f64) -> String {
    amount(number, Unit::PerSecond, Medium::Terminal)
}

/// Bytes in powers of ten: `61 MB`.
#[must_use]
pub fn bytes(number: f64, medium: Medium) -> String {
    amount(number, Unit::Bytes, medium)
}

/// A load: `20k/s`, `20k in flight`, `20k pending`.
#[must_use]
pub fn load(load: Load) -> String {
    match load {
        Load::Rate(per_second) => rate(per_second),
        Load::InFlight(tasks) => {
            format!("{} in flight", amount(tasks as f64, Unit::Tasks, Medium::Terminal))
        }
        Load::Backlog(tasks) => {
            format!("{} pending", amount(tasks as f64, Unit::Tasks, Medium::Terminal))
        }
    }
}

/// A figure or the words for why there is none: `6.2 ms`, `> 10 s`,
/// `≤ 0.4 ms`, `not measured: …`, `unsupported: …`.
#[must_use]
pub fn value(value: &Value, unit: Unit, medium: Medium) -> String {
    match value {
        Value::Is(number) => amount(*number, unit, medium),
        // A latency past the horizon is beyond it; a rate at a grid's top is
        // at least that.
        Value::AtLeast(number) if unit == Unit::Seconds => {
            format!("> {}", amount(*number, unit, medium))
        }
        Value::AtLeast(number) => format!("≥ {}", amount(*number, unit, medium)),
        Value::AtMost(number) => format!("≤ {}", amount(*number, unit, medium)),
        Value::NotMeasured(why) if why.trim().is_empty() => "not measured".to_owned(),
        Value::NotMeasured(why) => format!("not measured: {why}"),
        Value::Unsupported(why) if why.trim().is_empty() => "unsupported".to_owned(),
        Value::Unsupported(why) => format!("unsupported: {why}"),
    }
}

/// As [`value`], without the reason: for a narrow cell.
#[must_use]
pub fn short(figure: &Value, unit: Unit, medium: Medium) -> String {
    match figure {
        Value::NotMeasured(_) => "not measured".to_owned(),
        Value::Unsupported(_) => "unsupported".to_owned(),
        _ => value(figure, unit, medium),
    }
}

/// A figure with its interval, in one unit and with no more digits than the
/// interval carries: `31.2 (29.8–33.0) ms`.
#[must_use]
pub fn interval(point: f64, low: f64, high: f64, unit: Unit, medium: Medium) -> String {
    if !(point.is_finite() && low.is_finite() && high.is_finite()) {
        return amount(point, unit, medium);
    }
    // A share that is not whole reads so, in each of its three numbers.
    let nearly = |share: f64| share > 0.9995 && share < 1.0;
    if unit == Unit::Fraction && [point, low, high].into_iter().any(nearly) {
        let [point, low, high] = [point, low, high].map(|share| fraction(share, medium));
        return format!("{point} ({low} to {high})");
    }
    let scale = Scale::of(unit, point);
    let [point, low, high] = scale.bare_interval(point, low, high);
    scale.attach(&format!("{point} ({low}–{high})"), medium)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_interval_leaves_a_figure_its_first_digit() {
        let told = |point, low, high| interval(point, low, high, Unit::Seconds, Medium::Terminal);
        assert_eq!(told(1.2, 0.9, 150.0), "1 (1–150) s");
        assert_eq!(told(3.3e-3, 3.1e-3, 0.3), "3 (3–300) ms");
        assert_eq!(told(120.0, 50.0, 300.0), "120 (50–300) s");
    }

    #[test]
    fn an_interval_below_the_whole_never_reads_as_the_whole() {
        let told = |point, low, high| interval(point, low, high, Unit::Fraction, Medium::Terminal);
        assert_eq!(told(0.999_96, 0.999_9, 0.999_99), "> 99.9 % (> 99.9 % to > 99.9 %)");
        assert_eq!(told(0.999, 0.998, 0.999_6), "99.9 % (99.8 % to > 99.9 %)");
        assert_eq!(told(0.5, 0.4, 0.6), "50 (40–60) %");
    }
    use Medium::Terminal;

    #[test]
    fn three_digits_and_no_more() {
        for (number, text) in [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (6.2, "6.2"),
            (9.996, "10"),
            (31.24, "31.2"),
            (124.4, "124"),
            (999.6, "1,000"),
            (1_236.0, "1,240"),
            (118_204.0, "118,000"),
            (-3.456, "−3.46"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "not measured"),
            (1e-300, "0"),
        ] {
            assert_eq!(figure(number), text, "{number}");
        }
    }

    #[test]
    fn units_follow_the_size() {
        assert_eq!(seconds(0.006_2, Terminal), "6.2 ms");
        assert_eq!(seconds(0.000_999_7, Terminal), "1 ms");
        assert_eq!(seconds(12.0, Terminal), "12 s");
        assert_eq!(seconds(120e-9, Medium::Page), "120\u{202f}ns");
        assert_eq!(seconds(0.0, Terminal), "0 s");
        assert_eq!(rate(52_000.0), "52k/s");
        assert_eq!(rate(999.0), "999/s");
        assert_eq!(rate(4_200_000.0), "4.2M/s");
        assert_eq!(bytes(61e6, Terminal), "61 MB");
        assert_eq!(load(Load::InFlight(20_000)), "20k in flight");
        assert_eq!(load(Load::Backlog(100_000)), "100k pending");
        assert_eq!(whole(118_204), "118,204");
    }

    #[test]
    fn a_little_is_not_nothing() {
        assert_eq!(fraction(0.0, Terminal), "0");
        assert_eq!(fraction(0.000_01, Terminal), "< 0.01 %");
        assert_eq!(fraction(0.44, Terminal), "44 %");
        assert_eq!(fraction(0.999_99, Terminal), "> 99.9 %");
        assert_eq!(fraction(1.0, Terminal), "100 %");
    }

    #[test]
    fn states_are_words() {
        let words = |figure| value(&figure, Unit::Seconds, Terminal);
        assert_eq!(words(Value::AtLeast(10.0)), "> 10 s");
        assert_eq!(words(Value::AtMost(0.000_4)), "≤ 400 µs");
        assert_eq!(words(Value::NotMeasured(String::new())), "not measured");
        assert_eq!(
            words(Value::Unsupported("no native delay".into())),
            "unsupported: no native delay"
        );
        assert_eq!(value(&Value::AtLeast(1e5), Unit::PerSecond, Terminal), "≥ 100k/s");
    }

    #[test]
    fn an_interval_carries_its_digits() {
        assert_eq!(
            interval(0.031_2, 0.029_8, 0.033, Unit::Seconds, Terminal),
            "31.2 (29.8–33.0) ms"
        );
        assert_eq!(interval(123.0, 52.0, 300.0, Unit::Number, Terminal), "120 (50–300)");
        assert_eq!(interval(5.0, 5.0, 5.0, Unit::Number, Terminal), "5.00 (5.00–5.00)");
    }

    proptest::proptest! {
        /// Whatever a file holds, it is written, and with three digits at most.
        #[test]
        fn any_number_is_written(x: f64, low: f64, high: f64) {
            for unit in [Unit::Seconds, Unit::Bytes, Unit::PerSecond, Unit::Fraction, Unit::Number] {
                proptest::prop_assert!(!amount(x, unit, Terminal).is_empty());
                proptest::prop_assert!(!interval(x, low, high, unit, Terminal).is_empty());
            }
            let digits: String = figure(x).chars().filter(char::is_ascii_digit).collect();
            let significant = digits.trim_start_matches('0').trim_end_matches('0');
            proptest::prop_assert!(x.abs() >= 1e15 || significant.len() <= 3, "{x}: {significant}");
        }
    }
}
