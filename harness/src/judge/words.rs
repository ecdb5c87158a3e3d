//! Figures as the reasons of verdicts quote them: three significant digits.

/// A number with three significant digits, plain.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "∞".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = (2 - magnitude).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// A time in the unit that suits it.
pub(super) fn time(ns: f64) -> String {
    let (scale, unit) = match ns.abs() {
        size if size < 1e3 => (1.0, "ns"),
        size if size < 1e6 => (1e3, "µs"),
        size if size < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{} {unit}", number(ns / scale))
}

/// A share as per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_no_trailing_zeros() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(1_234.5), "1234");
        assert_eq!(number(0.012_345), "0.0123");
        assert_eq!(number(3.1), "3.1");
        assert_eq!(time(3_100_000.0), "3.1 ms");
        assert_eq!(time(2e9), "2 s");
        assert_eq!(percent(0.121), "12.1 %");
    }
}
