//! Percentiles of merged histograms, with the tasks that never finished at +∞.

use hdrhistogram::Histogram as Hdr;

use crate::hlog::decode;
use crate::outcome::{Histogram, Value};

/// Tasks that must lie beyond a percentile for it to be shown.
pub const BEYOND: f64 = 10.0;

/// Values of several cells together, in ns, and how many have none.
#[derive(Clone, Debug)]
pub struct Merged {
    values: Hdr<u64>,
    at_infinity: u64,
    early: u64,
}

impl Merged {
    /// All of them in one; `None` when none can be read.
    #[must_use]
    pub fn of<'a>(histograms: impl IntoIterator<Item = &'a Histogram>) -> Option<Self> {
        let mut values = Hdr::<u64>::new(3).ok()?;
        let (mut at_infinity, mut early) = (0_u64, 0_u64);
        let mut any = false;
        for histogram in histograms {
            let Ok(one) = decode(histogram) else { continue };
            if values.add(&one).is_err() {
                continue;
            }
            any = true;
            at_infinity = at_infinity.saturating_add(histogram.at_infinity);
            early = early.saturating_add(histogram.early);
        }
        any.then_some(Self { values, at_infinity, early })
    }

    /// All values, early, finished or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.values.len().saturating_add(self.at_infinity).saturating_add(self.early)
    }

    /// Values at +∞.
    #[must_use]
    pub const fn at_infinity(&self) -> u64 {
        self.at_infinity
    }

    /// The value at quantile `q` in seconds: the smallest that at least `q` of
    /// all tasks do not exceed. Beyond the finished ones it is only known to
    /// exceed the horizon, and among the early ones only not to exceed zero.
    #[must_use]
    pub fn percentile(&self, q: f64, horizon_s: f64) -> Value {
        let total = self.total();
        if total == 0 {
            return Value::NotMeasured("no task in the window".to_owned());
        }
        let beyond = total as f64 * (1.0 - q);
        // 1 − q is inexact: 1,000 tasks at 99 % have 10 beyond, not 9.999….
        if beyond < BEYOND - 1e-6 {
            return Value::NotMeasured(format!(
                "fewer than {BEYOND:.0} of {total} tasks lie beyond"
            ));
        }
        if self.rank(q) <= self.early {
            return Value::AtMost(0.0);
        }
        self.seconds_at(q).map_or(Value::AtLeast(horizon_s), Value::Is)
    }

    /// Largest finished value in seconds, or beyond the horizon.
    #[must_use]
    pub fn largest(&self, horizon_s: f64) -> Value {
        if self.total() == 0 {
            Value::NotMeasured("no task in the window".to_owned())
        } else if self.at_infinity > 0 {
            Value::AtLeast(horizon_s)
        } else if self.values.is_empty() {
            Value::AtMost(0.0)
        } else {
            Value::Is(self.values.max() as f64 * 1e-9)
        }
    }

    /// Which of all values, from 1, stands at `q`.
    fn rank(&self, q: f64) -> u64 {
        ((self.total() as f64 * q) - 1e-6).ceil().max(1.0) as u64
    }

    /// Seconds at `q`, whatever lies beyond; 0 among the early ones, `None` at
    /// +∞.
    #[must_use]
    pub fn seconds_at(&self, q: f64) -> Option<f64> {
        if self.total() == 0 {
            return None;
        }
        let Some(rank) = self.rank(q).checked_sub(self.early).filter(|rank| *rank > 0) else {
            return Some(0.0);
        };
        if rank > self.values.len() {
            return None;
        }
        let mut seen = 0_u64;
        for step in self.values.iter_recorded() {
            seen = seen.saturating_add(step.count_at_value());
            if seen >= rank {
                // The bucket's upper end, as HdrHistogram reports it.
                let value = self.values.highest_equivalent(step.value_iterated_to());
                return Some(value.min(self.values.max()) as f64 * 1e-9);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

    fn histogram(values: impl IntoIterator<Item = u64>, at_infinity: u64) -> Histogram {
        let mut hdr = Hdr::<u64>::new(3).expect("3 digits");
        for value in values {
            hdr.record(value).expect("auto-resizing");
        }
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&hdr, &mut bytes).expect("into memory");
        let data = base64::engine::general_purpose::STANDARD.encode(bytes);
        Histogram { data, count: hdr.len(), at_infinity, early: 0 }
    }

    fn near(value: &Value, seconds: f64) -> bool {
        matches!(value, Value::Is(got) if (got - seconds).abs() <= seconds * 0.002)
    }

    /// 500 early, 400 of 1 ms, 100 of 9 ms: the median is early, P90 is 1 ms.
    #[test]
    fn early_starts_count_below_all_others() {
        let values = std::iter::repeat_n(1_000_000, 400).chain(std::iter::repeat_n(9_000_000, 100));
        let merged =
            Merged::of([&Histogram { early: 500, ..histogram(values, 0) }]).expect("readable");
        assert_eq!(merged.total(), 1_000);
        assert_eq!(merged.percentile(0.5, 2.0), Value::AtMost(0.0));
        assert!(near(&merged.percentile(0.501, 2.0), 0.001));
        assert!(near(&merged.percentile(0.9, 2.0), 0.001), "0.9 is the 400th of those in time");
        assert!(near(&merged.percentile(0.901, 2.0), 0.009));
    }

    #[test]
    fn repeats_are_merged_not_averaged() {
        let low = histogram((1..=1000).map(|x| x * 1_000), 0);
        let high = histogram((1..=1000).map(|x| x * 100_000), 0);
        let both = Merged::of([&low, &high]).expect("readable");
        // Rank 1,980 of 2,000 is the 980th of the slow ones, since all fast ones
        // lie below; the mean of both P99 would be 50 ms.
        assert!(near(&both.percentile(0.99, 2.0), 0.098));
    }

    #[test]
    fn what_never_finished_counts_at_infinity() {
        let some = histogram((1..=980).map(|x| x * 1_000_000), 20);
        let merged = Merged::of([&some]).expect("readable");
        assert_eq!(merged.total(), 1000);
        assert_eq!(merged.percentile(0.99, 2.0), Value::AtLeast(2.0));
        assert!(near(&merged.percentile(0.98, 2.0), 0.98));
        assert!(near(&merged.percentile(0.50, 2.0), 0.5));
    }

    #[test]
    fn ten_tasks_lie_beyond_or_nothing_is_shown() {
        let thousand = histogram((1..=1000).map(|x| x * 1_000), 0);
        let merged = Merged::of([&thousand]).expect("readable");
        assert!(matches!(merged.percentile(0.99, 2.0), Value::Is(_)));
        assert!(matches!(merged.percentile(0.991, 2.0), Value::NotMeasured(_)));
    }

    #[test]
    fn rubbish_is_no_histogram() {
        for data in ["", "AAAA", "not base64 at all", "HISTFAAAAA"] {
            let bad = Histogram { data: data.to_owned(), count: 5, at_infinity: 1, early: 0 };
            assert!(Merged::of([&bad]).is_none(), "{data}");
        }
    }
}
