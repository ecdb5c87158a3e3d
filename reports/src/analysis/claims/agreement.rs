//! Whether a measured figure agrees with a claimed one.

use super::lines::Measured;
use crate::analysis::statistics::{ENOUGH, Spread};
use crate::claims::Bound;
use crate::numbers::figure;
use crate::outcome::{Reading, Value};

/// Whether a figure agrees with its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// All that it may be lies where the claim holds.
    Agrees,
    /// Nothing of it does, and how far it is off.
    Differs(String),
    /// There are too few repeats for an answer (`docs/measurement.md` §7).
    TooFew(String),
    /// There is none for another reason.
    Open(String),
}

/// From where to where a figure may lie.
struct Span {
    low: f64,
    high: f64,
}

/// Whether what was measured over `n` repeats agrees with a claim. Nothing is
/// said of what is not valid, nor below five repeats.
pub(super) fn agreement(
    measured: &Measured,
    bound: &Bound,
    n: usize,
    not_valid: Option<&str>,
) -> Agreement {
    let span = match span(measured) {
        Ok(span) => span,
        Err(why) => return Agreement::Open(why),
    };
    if let Some(word) = not_valid {
        return Agreement::Open(format!("is of no valid cell ({word})"));
    }
    let (low, high) = bound.holds();
    // One task lost is one, however few the trials.
    if let Measured::Count { words, .. } = measured
        && span.low > high
    {
        return Agreement::Differs(format!("is above the claim: {words}"));
    }
    if n < ENOUGH {
        let repeats = if n == 1 { "repeat" } else { "repeats" };
        return Agreement::TooFew(format!("{n} {repeats}, and nothing is said below {ENOUGH}"));
    }
    let told = told_in(measured, n);
    if told < ENOUGH {
        let why = format!("has a figure in {told} of {n}, and nothing is said below {ENOUGH}");
        return Agreement::Open(why);
    }
    if low <= span.low && span.high <= high {
        Agreement::Agrees
    } else if span.high < low {
        Agreement::Differs(off(span.high, low))
    } else if span.low > high {
        Agreement::Differs(off(span.low, high))
    } else {
        Agreement::Open("lies on both sides of the claim".to_owned())
    }
}

/// In how many of `n` repeats or trials the figure was had: only of these is what
/// it may be. A bound says all that there is.
pub(super) fn told_in(measured: &Measured, n: usize) -> usize {
    match measured {
        Measured::Figure(figure) if matches!(figure.value, Value::Is(_)) => {
            n.min(figure.repeats.len())
        }
        Measured::Median(median) => n.min(median.measured + median.censored),
        Measured::Figure(_) | Measured::Count { .. } => n,
    }
}

/// The interval, or the range over trials, or the point where neither is wider.
fn span(measured: &Measured) -> Result<Span, String> {
    let is = |x: f64| if x.is_finite() { Ok(x) } else { Err("is no number".to_owned()) };
    match measured {
        Measured::Figure(figure) => match &figure.value {
            Value::Is(point) => {
                let point = is(*point)?;
                let (low, high) = figure.spread.map_or((point, point), Spread::ends);
                Ok(Span { low: low.min(point), high: high.max(point) })
            }
            Value::AtLeast(low) => Ok(Span { low: is(*low)?, high: f64::INFINITY }),
            Value::AtMost(high) => {
                let high = is(*high)?;
                let high = figure.spread.map_or(high, |spread| spread.ends().1.max(high));
                Ok(Span { low: f64::NEG_INFINITY, high })
            }
            Value::NotMeasured(why) => Err(because("was not measured", why)),
            Value::Unsupported(why) => Err(because("is unsupported", why)),
        },
        Measured::Median(median) => match (&median.value, &median.range) {
            (Reading::NoImpact, _) => Err("has no value: the fault did not show".to_owned()),
            // Trials without an impact lie below every number.
            (_, Some(_)) if median.no_impact > 0 => {
                Err("has no value where the fault did not show".to_owned())
            }
            (Reading::Is(_) | Reading::MoreThan(_), Some((low, high))) => Ok(Span {
                low: is(low.number().unwrap_or(f64::NAN))?,
                high: match high {
                    Reading::Is(high) => is(*high)?,
                    _ => f64::INFINITY,
                },
            }),
            (Reading::NotSteady(why), _) => Err(because("was not steady before", why)),
            (Reading::NotMeasured(why), _) => Err(because("was not measured", why)),
            (Reading::Is(_) | Reading::MoreThan(_), None) => Err("is no number".to_owned()),
        },
        Measured::Count { number, at_least, words } => match number {
            Some(number) => Ok(Span {
                low: *number as f64,
                high: if *at_least { f64::INFINITY } else { *number as f64 },
            }),
            None => Err(format!("cannot be told: {words}")),
        },
    }
}

fn because(what: &str, why: &str) -> String {
    if why.is_empty() || why == what { what.to_owned() } else { format!("{what}: {why}") }
}

/// `is 1.8 times the claim`, `is 12 % below the claim`.
fn off(measured: f64, claimed: f64) -> String {
    let ratio = measured / claimed;
    if !(ratio.is_finite() && ratio > 0.0) {
        let side = if measured < claimed { "below" } else { "above" };
        format!("is {side} the claim")
    } else if ratio >= 2.0 {
        format!("is {} times what the claim allows", figure(ratio))
    } else if ratio >= 1.0 {
        format!("is {} % above what the claim allows", figure(100.0 * (ratio - 1.0)))
    } else {
        format!("is {} % below what the claim allows", figure(100.0 * (1.0 - ratio)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::faults::median;
    use crate::analysis::points::Figure;
    use crate::analysis::statistics::spread;

    fn of(repeats: &[f64], bound: Bound) -> Agreement {
        let value = Value::Is(repeats.iter().sum::<f64>() / repeats.len() as f64);
        let figure = Figure { value, spread: spread(repeats), repeats: repeats.to_vec() };
        agreement(&Measured::Figure(figure), &bound, repeats.len(), None)
    }

    const FIVE: [f64; 5] = [99.0, 100.0, 101.0, 100.0, 100.0];

    #[test]
    fn the_whole_interval_decides() {
        let is = |value| Bound::Is { value, within: 0.1 };
        assert_eq!(of(&FIVE, is(100.0)), Agreement::Agrees);
        assert_eq!(of(&FIVE, is(108.0)), Agreement::Agrees);
        assert_eq!(of(&FIVE, Bound::AtLeast(90.0)), Agreement::Agrees);
        assert_eq!(of(&FIVE, Bound::AtMost(110.0)), Agreement::Agrees);
        assert_eq!(of(&FIVE, Bound::Between(90.0, 110.0)), Agreement::Agrees);
        assert!(matches!(of(&FIVE, Bound::AtLeast(100.0)), Agreement::Open(_)));
        let above = of(&FIVE, Bound::AtMost(40.0));
        assert_eq!(above, Agreement::Differs("is 2.48 times what the claim allows".into()));
        let below = of(&FIVE, Bound::AtLeast(200.0));
        assert!(matches!(&below, Agreement::Differs(why) if why.starts_with("is 49.6 % below")));
    }

    #[test]
    fn few_repeats_and_what_is_not_valid_say_nothing() {
        let four = of(&FIVE[..4], Bound::AtLeast(1.0));
        assert_eq!(four, Agreement::TooFew("4 repeats, and nothing is said below 5".into()));
        let figure = Figure { value: Value::Is(5.0), spread: None, repeats: vec![5.0; 5] };
        let told = agreement(&Measured::Figure(figure), &Bound::AtLeast(1.0), 5, Some("disturbed"));
        assert_eq!(told, Agreement::Open("is of no valid cell (disturbed)".into()));
    }

    #[test]
    fn bounds_decide_where_they_can() {
        let told = |value, bound| {
            let figure = Figure { value, spread: None, repeats: Vec::new() };
            agreement(&Measured::Figure(figure), &bound, 5, None)
        };
        assert_eq!(
            told(Value::AtLeast(10.0), Bound::AtMost(2.0)),
            Agreement::Differs("is 5 times what the claim allows".into())
        );
        assert!(matches!(told(Value::AtLeast(10.0), Bound::AtMost(20.0)), Agreement::Open(_)));
        assert_eq!(told(Value::AtMost(1.0), Bound::AtMost(2.0)), Agreement::Agrees);
        let missing = told(Value::NotMeasured("too short".into()), Bound::AtMost(2.0));
        assert_eq!(missing, Agreement::Open("was not measured: too short".into()));
        let odd = told(Value::Is(f64::NAN), Bound::AtMost(2.0));
        assert_eq!(odd, Agreement::Open("is no number".into()));
    }

    /// Of repeats and trials that have no figure nothing is confirmed.
    #[test]
    fn those_that_have_the_figure_are_counted() {
        use Reading::{Is, NotSteady};
        let not_steady = || NotSteady("goodput scatters".into());
        let trials = [Is(1.0), Is(1.0), not_steady(), not_steady(), not_steady()];
        let few = "has a figure in 2 of 5, and nothing is said below 5";
        let told = agreement(&Measured::Median(median(&trials)), &Bound::AtMost(3.4), 5, None);
        assert_eq!(told, Agreement::Open(few.into()));
        // A percentile of all repeats together, too far out for any of them.
        let figure = Figure { value: Value::Is(1.0), spread: None, repeats: Vec::new() };
        let told = agreement(&Measured::Figure(figure), &Bound::AtMost(3.4), 5, None);
        assert_eq!(told, Agreement::Open(few.replace('2', "0")));
    }

    /// What repeats say counts of a bound as well.
    #[test]
    fn a_bound_is_no_narrower_than_its_repeats() {
        let spread = spread(&[1.0, 1.2, 0.8, 1.1, 0.9]);
        let figure = Figure { value: Value::AtMost(1.0), spread, repeats: Vec::new() };
        let told = agreement(&Measured::Figure(figure), &Bound::AtMost(1.05), 5, None);
        assert_eq!(told, Agreement::Open("lies on both sides of the claim".into()));
    }

    #[test]
    fn at_least_so_many_lost_may_be_more() {
        let told = |bound| {
            let words = "at least 12 lost".to_owned();
            let lost = Measured::Count { number: Some(12), at_least: true, words };
            agreement(&lost, &bound, 5, None)
        };
        assert_eq!(told(Bound::AtLeast(1.0)), Agreement::Agrees);
        assert!(matches!(told(Bound::AtMost(20.0)), Agreement::Open(_)));
        let above = "is above the claim: at least 12 lost";
        assert_eq!(told(Bound::AtMost(0.0)), Agreement::Differs(above.into()));
        let words = "137 missing, never confirmed".to_owned();
        let lost = Measured::Count { number: None, at_least: false, words };
        let why = "cannot be told: 137 missing, never confirmed";
        assert_eq!(agreement(&lost, &Bound::AtMost(0.0), 5, None), Agreement::Open(why.into()));
    }

    #[test]
    fn trials_that_never_recovered_count_against_a_claim() {
        let told = |trials: &[Reading]| {
            let median = Measured::Median(median(trials));
            agreement(&median, &Bound::AtMost(3.0), trials.len(), None)
        };
        use Reading::{Is, MoreThan, NoImpact};
        assert_eq!(told(&[Is(1.0), Is(2.0), Is(2.0), Is(1.5), Is(3.0)]), Agreement::Agrees);
        let late = told(&[Is(4.0), Is(5.0), Is(6.0), Is(4.5), MoreThan(30.0)]);
        assert_eq!(late, Agreement::Differs("is 33.3 % above what the claim allows".into()));
        let mixed = told(&[Is(1.0), Is(2.0), Is(2.0), Is(1.5), MoreThan(30.0)]);
        assert!(matches!(mixed, Agreement::Open(_)), "{mixed:?}");
        assert!(matches!(told(&std::array::from_fn::<_, 5, _>(|_| NoImpact)), Agreement::Open(_)));
    }
}
