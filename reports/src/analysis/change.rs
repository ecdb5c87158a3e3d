//! What may be said of a figure that was measured twice, before and after: a
//! change is called only past both the noise of its repeats and a size that
//! matters to somebody.

use super::statistics::{ENOUGH, LEVEL, differs, holm};
use super::welch::Welch;

/// What the repeats of one side are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Measured.
    Exact,
    /// The true ones are at least this: a percentile beyond the horizon.
    AtLeast,
    /// The true ones are at most this: below what the pacing resolves.
    AtMost,
}

/// One side of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The figure over all repeats.
    pub point: f64,
    /// The figure of each repeat.
    pub repeats: Vec<f64>,
    /// What they are worth.
    pub bound: Bound,
}

/// How a change is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// After over before, less one, from logarithms: of times, rates and sizes.
    Ratio,
    /// After less before: of fractions, which may be zero.
    Points,
}

/// A change to be judged.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The side that is compared with.
    pub before: Sample,
    /// The side that is compared.
    pub after: Sample,
    /// How their change is measured.
    pub measure: Measure,
    /// Whether more is better.
    pub more_is_better: bool,
    /// The smallest change that matters, as `measure` has it; a smaller one is
    /// never called, however sure it is.
    pub matters: f64,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Past noise and threshold, to the good.
    Better,
    /// Past noise and threshold, to the bad.
    Worse,
    /// Past the noise, and smaller than what matters.
    Small,
    /// The repeats cannot tell it from no change.
    Noise,
    /// Nothing can be called, and why.
    NotTested(String),
}

impl Call {
    /// Whether it was not tested because there are too few repeats.
    pub(crate) fn wants_repeats(&self) -> bool {
        matches!(self, Self::NotTested(why) if why.ends_with(&needed()))
    }
}

fn needed() -> String {
    format!(", {ENOUGH} are needed")
}

/// What a call rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Welch's, on the numbers of the repeats.
    Welch,
    /// That of their ranks: some are no numbers.
    Ranks,
}

/// A judged change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The change of the points.
    pub by: f64,
    /// 95 % interval of the change of the repeats' means, of this figure alone.
    pub interval: Option<(f64, f64)>,
    /// Its p, adjusted for all figures that were judged together.
    pub adjusted: Option<f64>,
    /// The smallest true change that would have been called in four of five
    /// such comparisons, at the noise seen, among so many figures.
    pub smallest: Option<f64>,
    /// By which test; `None` where there was none, as where all are alike.
    pub test: Option<Test>,
    /// What may be said.
    pub call: Call,
}

impl Change {
    /// Nothing can be called, because of `why`.
    pub(crate) const fn untested(by: f64, why: String) -> Self {
        let call = Call::NotTested(why);
        Self { by, interval: None, adjusted: None, smallest: None, test: None, call }
    }
}

/// Judges changes that are stated together: Welch's test on the repeats of
/// each, Holm's correction over all that can be tested.
///
/// A bound counts as its number where that understates the change, so that a
/// latency which rose out of what the pacing resolves is seen to have risen.
#[must_use]
pub fn judge(pairs: &[Pair]) -> Vec<Change> {
    let tests: Vec<Result<Welch, String>> = pairs.iter().map(test).collect();
    let p: Vec<f64> = tests.iter().flatten().map(Welch::p).collect();
    let level = LEVEL / p.len().max(1) as f64;
    let mut adjusted = holm(&p).into_iter();
    pairs
        .iter()
        .zip(tests)
        .map(|(pair, test)| match test {
            Ok(welch) => call(pair, &welch, adjusted.next().unwrap_or(1.0), level),
            Err(why) => Change::untested(pair.by(), why),
        })
        .collect()
}

/// Why sides of so many repeats cannot be tested, where they are too few.
pub(super) fn too_few(before: usize, after: usize) -> Option<String> {
    let least = before.min(after);
    let repeats = if least == 1 { "repeat" } else { "repeats" };
    (least < ENOUGH).then(|| format!("{least} {repeats}{}", needed()))
}

fn test(pair: &Pair) -> Result<Welch, String> {
    let (one, other) = (&pair.before, &pair.after);
    if let Some(why) = too_few(one.repeats.len(), other.repeats.len()) {
        return Err(why);
    }
    match (one.bound, other.bound) {
        (Bound::AtMost, Bound::AtMost) => {
            return Err("both below what the pacing resolves".to_owned());
        }
        (Bound::AtLeast, Bound::AtLeast) => return Err("both beyond the horizon".to_owned()),
        _ => {}
    }
    let on_scale = |side: &Sample| -> Option<Vec<f64>> {
        match pair.measure {
            Measure::Points => Some(side.repeats.clone()),
            Measure::Ratio => {
                side.repeats.iter().map(|x| if *x > 0.0 { Some(x.ln()) } else { None }).collect()
            }
        }
    };
    let welch = on_scale(one).zip(on_scale(other)).and_then(|(a, b)| Welch::of(&a, &b));
    // A difference of fractions may overflow no less than a mean of them.
    welch
        .filter(|welch| welch.error.is_finite() && welch.difference.is_finite())
        .filter(|_| pair.by().is_finite())
        .ok_or_else(|| "a repeat has no usable number".to_owned())
}

impl Pair {
    /// The change of the points.
    fn by(&self) -> f64 {
        match self.measure {
            Measure::Ratio => self.after.point / self.before.point - 1.0,
            Measure::Points => self.after.point - self.before.point,
        }
    }

    /// From ratios to logarithms.
    fn scaled(&self, change: f64) -> f64 {
        match self.measure {
            Measure::Ratio => change.ln_1p(),
            Measure::Points => change,
        }
    }

    /// From logarithms back to ratios.
    fn unscaled(&self, on_scale: f64) -> f64 {
        match self.measure {
            Measure::Ratio => on_scale.exp_m1(),
            Measure::Points => on_scale,
        }
    }

    /// Whether the bounds leave a rise, or a fall, certain.
    fn is_certain(&self, rose: bool) -> bool {
        let (low, high) =
            if rose { (&self.before, &self.after) } else { (&self.after, &self.before) };
        low.bound != Bound::AtLeast && high.bound != Bound::AtMost
    }
}

fn call(pair: &Pair, welch: &Welch, adjusted: f64, level: f64) -> Change {
    let by = pair.by();
    let (low, high) = welch.interval(LEVEL);
    // It has to pass the noise, and its point the size that matters.
    let smallest = welch
        .smallest_seen(level)
        .zip(welch.shortfall())
        .map(|(size, short)| pair.unscaled(size.max(pair.scaled(pair.matters) + short)));
    let rose = welch.difference > 0.0;
    let call = if !differs(adjusted) || !pair.is_certain(rose) {
        Call::Noise
    } else if (by > 0.0) != rose || by.abs() < pair.matters {
        // Where point and repeats disagree on the sign, neither is believed.
        Call::Small
    } else if rose == pair.more_is_better {
        Call::Better
    } else {
        Call::Worse
    };
    Change {
        by,
        interval: Some((pair.unscaled(low), pair.unscaled(high))),
        adjusted: Some(adjusted),
        smallest,
        test: Some(Test::Welch),
        call,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// Normal numbers, the same on every machine (SplitMix64).
    struct Dice(u64);

    impl Dice {
        fn normal(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
            Normal::standard().inverse_cdf(unit.clamp(1e-12, 1.0 - 1e-12))
        }

        /// Five repeats of a time around `mean`, with that coefficient of variation.
        fn sample(&mut self, mean: f64, noise: f64) -> Sample {
            let repeats: Vec<f64> = (0..5).map(|_| mean * (noise * self.normal()).exp()).collect();
            let point = repeats.iter().sum::<f64>() / 5.0;
            Sample { point, repeats, bound: Bound::Exact }
        }

        fn pair(&mut self, slowdown: f64, noise: f64) -> Pair {
            Pair {
                before: self.sample(1.0, noise),
                after: self.sample(1.0 + slowdown, noise),
                measure: Measure::Ratio,
                more_is_better: false,
                matters: 0.02,
            }
        }
    }

    /// How many of so many comparisons call the first of `figures` figures
    /// worse, when it alone became slower.
    fn caught(slowdown: f64, noise: f64, figures: usize, times: u32) -> f64 {
        let mut dice = Dice(u64::from(times) + figures as u64);
        let worse = (0..times).filter(|_| {
            let pairs: Vec<Pair> = (0..figures)
                .map(|figure| dice.pair(if figure == 0 { slowdown } else { 0.0 }, noise))
                .collect();
            judge(&pairs)[0].call == Call::Worse
        });
        worse.count() as f64 / f64::from(times)
    }

    /// The power that `docs/measurement.md` §7 states for a single figure.
    #[test]
    fn the_power_that_is_promised() {
        for (noise, low, high) in [(0.015, 0.97, 1.0), (0.03, 0.58, 0.68), (0.05, 0.24, 0.34)] {
            let seen = caught(0.05, noise, 1, 1_000);
            assert!((low..=high).contains(&seen), "{noise}: {seen}");
        }
        for noise in [0.015, 0.03, 0.05] {
            let seen = caught(0.0, noise, 1, 1_000);
            assert!(seen <= 0.04, "{noise}: {seen} false alarms to the bad");
        }
    }

    /// Holm has its price where one figure of many became slower: decision 0040
    /// has these figures.
    #[test]
    fn what_the_correction_costs() {
        for (figures, low, high) in [(5, 0.83, 0.93), (20, 0.62, 0.76), (100, 0.30, 0.46)] {
            let seen = caught(0.05, 0.015, figures, 400);
            assert!((low..=high).contains(&seen), "{figures}: {seen}");
        }
    }

    /// The smallest change that could have been seen is seen in four of five.
    #[test]
    fn the_smallest_change_is_what_it_says() {
        // Where the noise decides, and where the size that matters does.
        for (noise, low, high) in [(0.05, 0.09, 0.11), (0.003, 0.021, 0.023)] {
            let mut dice = Dice(11);
            let mut all: Vec<f64> =
                (0..500).filter_map(|_| judge(&[dice.pair(0.0, noise)])[0].smallest).collect();
            all.sort_by(f64::total_cmp);
            let median = all[250];
            assert!((low..=high).contains(&median), "cannot tell below about {median}");
            let seen = caught(median, noise, 1, 1_000);
            assert!((0.74..=0.86).contains(&seen), "{noise}: {seen}");
        }
    }

    fn exact(numbers: [f64; 5]) -> Sample {
        let point = numbers.iter().sum::<f64>() / 5.0;
        Sample { point, repeats: numbers.to_vec(), bound: Bound::Exact }
    }

    const ABOUT_ONE: [f64; 5] = [0.99, 1.0, 1.01, 1.0, 1.0];

    fn one(before: Sample, after: Sample, matters: f64) -> Call {
        let measure = Measure::Ratio;
        let pair = Pair { before, after, measure, more_is_better: false, matters };
        judge(&[pair]).remove(0).call
    }

    #[test]
    fn both_the_noise_and_the_threshold_must_be_passed() {
        let tenth_more = || exact(ABOUT_ONE.map(|x| x * 1.1));
        assert_eq!(one(exact(ABOUT_ONE), tenth_more(), 0.02), Call::Worse);
        assert_eq!(one(tenth_more(), exact(ABOUT_ONE), 0.02), Call::Better);
        assert_eq!(one(exact(ABOUT_ONE), tenth_more(), 0.2), Call::Small);
        let scattered = exact([0.8, 1.3, 1.1, 0.9, 1.4]);
        assert_eq!(one(exact(ABOUT_ONE), scattered, 0.02), Call::Noise);
    }

    #[test]
    fn below_five_repeats_nothing_is_called() {
        let mut few = exact([2.0; 5]);
        few.repeats.truncate(4);
        let why = Call::NotTested("4 repeats, 5 are needed".to_owned());
        assert_eq!(one(few, exact(ABOUT_ONE), 0.02), why);
        for odd in [f64::NAN, 0.0, f64::INFINITY, -1.0] {
            let call = one(exact([odd; 5]), exact(ABOUT_ONE), 0.02);
            assert!(matches!(call, Call::NotTested(_)), "{odd}: {call:?}");
        }
    }

    /// A bound never makes a change larger than it may be.
    #[test]
    fn bounds_count_where_they_understate() {
        let bounded = |factor: f64, bound| Sample { bound, ..exact(ABOUT_ONE.map(|x| x * factor)) };
        let below = || bounded(1.0, Bound::AtMost);
        assert_eq!(one(below(), exact(ABOUT_ONE.map(|x| x * 9.0)), 0.02), Call::Worse);
        assert_eq!(one(below(), exact(ABOUT_ONE.map(|x| x / 9.0)), 0.02), Call::Noise);
        let beyond = || bounded(2.0, Bound::AtLeast);
        assert_eq!(one(exact(ABOUT_ONE), beyond(), 0.02), Call::Worse);
        assert_eq!(one(beyond(), exact(ABOUT_ONE.map(|x| x * 9.0)), 0.02), Call::Noise);
        assert!(matches!(one(below(), below(), 0.02), Call::NotTested(_)));
        assert!(matches!(one(beyond(), beyond(), 0.02), Call::NotTested(_)));
    }

    #[test]
    fn fractions_change_by_points() {
        let pair = Pair {
            before: exact([0.0; 5]),
            after: exact([0.03, 0.031, 0.029, 0.03, 0.03]),
            measure: Measure::Points,
            more_is_better: false,
            matters: 0.001,
        };
        let change = judge(&[pair]).remove(0);
        assert_eq!(change.call, Call::Worse);
        assert!((change.by - 0.03).abs() < 1e-9, "{change:?}");
    }
}
