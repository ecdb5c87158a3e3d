//! Amounts as a person writes them: `142 ms`, `9820/s`, `50k/s`, `0.03 %`.

use crate::metrics::Unit;

/// How a unit may be written, and how much of the base unit it is. The first
/// is the one that errors name.
const fn written(unit: Unit) -> &'static [(&'static str, f64)] {
    match unit {
        Unit::Seconds => &[
            ("ms", 1e-3),
            ("s", 1.0),
            ("µs", 1e-6),
            ("us", 1e-6),
            ("ns", 1e-9),
            ("min", 60.0),
            ("h", 3600.0),
        ],
        Unit::PerSecond => &[("/s", 1.0), ("k/s", 1e3), ("M/s", 1e6)],
        Unit::Fraction => &[("%", 0.01)],
        Unit::Bytes => &[
            ("MB", 1e6),
            ("B", 1.0),
            ("kB", 1e3),
            ("GB", 1e9),
            ("KiB", 1024.0),
            ("MiB", 1048576.0),
        ],
        Unit::CpuSecondsPerMillion => &[("s", 1.0)],
        Unit::Cores => &[("cores", 1.0), ("core", 1.0)],
        Unit::Tasks | Unit::Number => &[("", 1.0), ("k", 1e3), ("M", 1e6)],
    }
}

/// An example of each unit, for errors.
const fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "a time, such as \"142 ms\"",
        Unit::PerSecond => "a rate, such as \"50k/s\"",
        Unit::Fraction => "a share, such as \"0.03 %\"",
        Unit::Bytes => "a size, such as \"58 MB\"",
        Unit::CpuSecondsPerMillion => "CPU-seconds per million tasks, such as \"21 s\"",
        Unit::Cores => "cores, such as \"1.5 cores\"",
        Unit::Tasks => "a number of tasks, such as \"100k\"",
        Unit::Number => "a number, such as \"0.5\"",
    }
}

/// The amount in the base unit.
///
/// # Errors
/// What was expected, where it is no amount of that unit.
pub fn amount(text: &str, unit: Unit) -> Result<f64, String> {
    let expected = || format!("expected {}", example(unit));
    let text = text.trim();
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let (number, suffix) = text.split_at(text.find(|c| !digits(c)).unwrap_or(text.len()));
    let (_, per) =
        written(unit).iter().find(|(name, _)| *name == suffix.trim()).ok_or_else(expected)?;
    let number: f64 = number.parse().map_err(|_| expected())?;
    let amount = number * per;
    if amount.is_finite() { Ok(amount) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (text, unit, number) in [
            ("142 ms", Unit::Seconds, 0.142),
            ("83ns", Unit::Seconds, 83e-9),
            ("18 µs", Unit::Seconds, 18e-6),
            ("9820/s", Unit::PerSecond, 9820.0),
            ("4.2M/s", Unit::PerSecond, 4.2e6),
            ("0.03 %", Unit::Fraction, 3e-4),
            ("58 MB", Unit::Bytes, 58e6),
            ("0", Unit::Tasks, 0.0),
            ("1M", Unit::Tasks, 1e6),
            ("-2 s", Unit::Seconds, -2.0),
        ] {
            let read = amount(text, unit).expect(text);
            assert!((read - number).abs() <= number.abs() * 1e-12, "{text}: {read}");
        }
        for (text, unit) in [
            ("142", Unit::Seconds),
            ("142 MB", Unit::Seconds),
            ("50k", Unit::PerSecond),
            ("", Unit::Tasks),
            ("1e999 s", Unit::Seconds),
            ("..", Unit::Number),
            ("nan", Unit::Number),
        ] {
            assert!(amount(text, unit).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_amount_or_none(text: String) {
            for unit in [Unit::Seconds, Unit::PerSecond, Unit::Bytes, Unit::Number] {
                let _ = amount(&text, unit);
            }
        }
    }
}
