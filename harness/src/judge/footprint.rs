//! What a pending task takes of its broker's memory (`docs/measurement.md` §9).

use schedbench_reports::outcome::Value;

use crate::record::Growth;

/// Memory is had by the page: less than one is no difference, bytes. (Where
/// pages are larger, what is read moves by as much and tells itself.)
const PAGE: u64 = 4_096;

/// Growth for each task confirmed. What is not more than the memory scatters by
/// when nothing happens, or is less than nothing, tells only how large it can
/// be: as where a broker keeps tasks on the disk, or in memory that it had.
pub(super) fn bytes_per_task(growth: &Growth, confirmed: u64) -> Value {
    if confirmed == 0 {
        return Value::NotMeasured("nothing was confirmed".into());
    }
    let grown = growth.after.saturating_sub(growth.before);
    let scatter = growth.scatter.max(PAGE);
    if grown > scatter {
        Value::Is(grown as f64 / confirmed as f64)
    } else {
        Value::AtMost((grown + scatter) as f64 / confirmed as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: u64, after: u64, scatter: u64) -> Value {
        bytes_per_task(&Growth { before, after, scatter, is_pss: true }, 1_000)
    }

    #[test]
    fn a_growth_above_the_scatter_is_told_per_task() {
        assert_eq!(of(5_000_000, 5_800_000, 0), Value::Is(800.0));
        assert_eq!(of(5_000_000, 5_800_000, 799_000), Value::Is(800.0));
    }

    #[test]
    fn one_within_the_scatter_is_at_most_both_together() {
        assert_eq!(of(5_000_000, 5_800_000, 800_000), Value::AtMost(1_600.0));
        assert_eq!(of(5_000_000, 5_004_096, 0), Value::AtMost(8.192), "a page");
    }

    #[test]
    fn less_memory_than_before_is_at_most_the_scatter() {
        assert_eq!(of(5_800_000, 5_000_000, 10_000), Value::AtMost(10.0));
        assert_eq!(of(5_000_000, 5_000_000, 0), Value::AtMost(4.096));
    }

    #[test]
    fn without_a_confirmation_there_is_no_task_to_divide_by() {
        let growth = Growth { before: 1, after: 2, scatter: 0, is_pss: true };
        assert!(matches!(bytes_per_task(&growth, 0), Value::NotMeasured(_)));
    }
}
