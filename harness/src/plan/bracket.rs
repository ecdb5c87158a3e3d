//! The search for the highest rate held: doubling, then bisection. Pure.

/// What is known of the highest rate held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bracket {
    from: f64,
    to: f64,
    precision: f64,
    held: Option<f64>,
    not_held: Option<f64>,
    /// Whether a lower rate may be no better.
    doubts_all: bool,
}

/// Below this no rate is tried: a cell would hold too few tasks to say.
const LOWEST: f64 = 10.0;

impl Bracket {
    /// Nothing is known yet. The search starts at `from`, never goes above
    /// `to`, and ends when the bracket is within `precision` of the rate.
    #[must_use]
    pub const fn new(from: f64, to: f64, precision: f64) -> Self {
        Self { from, to, precision, held: None, not_held: None, doubts_all: false }
    }

    /// The next rate to try; `None` when the search has ended.
    #[must_use]
    pub fn next_rate(&self) -> Option<f64> {
        if self.is_closed() {
            return None;
        }
        match (self.held, self.not_held) {
            (None, None) => Some(self.from.min(self.to)),
            (Some(held), None) if held >= self.to => None,
            (Some(held), None) => Some((held * 2.0).min(self.to)),
            (None, Some(not_held)) if not_held <= LOWEST => None,
            (None, Some(_)) if self.doubts_all => Some(LOWEST),
            (None, Some(not_held)) => Some((not_held / 2.0).max(LOWEST)),
            (Some(held), Some(not_held)) => {
                let middle = (held * not_held).sqrt();
                let rate = three_digits(middle);
                // Neighbours in three digits may still be too far apart.
                Some(if held < rate && rate < not_held { rate } else { middle })
            }
        }
    }

    /// What a try at `rate` showed. Noise can make a higher rate hold after a
    /// lower one did not; then the lower failure is forgotten.
    pub fn answer(&mut self, rate: f64, held: bool) {
        if held {
            self.held = Some(self.held.map_or(rate, |known| known.max(rate)));
            self.not_held = self.not_held.filter(|&not_held| not_held > rate);
        } else {
            self.not_held = Some(self.not_held.map_or(rate, |known| known.min(rate)));
            self.held = self.held.filter(|&held| held < rate);
        }
    }

    /// A rate was not held although the system kept pace with it. Then it may
    /// be that none is, and that is known soonest at the lowest.
    pub fn doubt_all(&mut self) {
        self.doubts_all = true;
    }

    /// Whether a rate within the precision above the highest one held was tried
    /// and not held: without it there may be higher ones.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match (self.held, self.not_held) {
            // Its middle is then within the precision of both ends.
            (Some(held), Some(not_held)) => not_held <= held * (1.0 + 2.0 * self.precision),
            _ => false,
        }
    }

    /// The rates that it may still try, by the longest course that answers can
    /// give it. The middles are rounded, so that no formula says how many halve
    /// a bracket: each course is gone.
    #[must_use]
    pub fn most_rates(&self) -> u64 {
        let Some(rate) = self.next_rate() else { return 0 };
        let after = |held: bool, doubts_all: bool| {
            let mut next = Self { doubts_all, ..*self };
            next.answer(rate, held);
            next.most_rates()
        };
        let (held, not_held) = (after(true, self.doubts_all), after(false, self.doubts_all));
        // Doubts change where it goes on only until a rate is held.
        let may_doubt = self.held.is_none() && !self.doubts_all;
        let doubted = if may_doubt { after(false, true) } else { not_held };
        1 + held.max(not_held).max(doubted)
    }

    /// The highest rate seen to hold.
    #[must_use]
    pub const fn highest_held(&self) -> Option<f64> {
        self.held
    }
}

/// Rounds to three significant digits: a load that can be read aloud.
fn three_digits(rate: f64) -> f64 {
    let unit = 10f64.powf(rate.log10().floor() - 2.0);
    (rate / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn search(capacity: f64, from: f64, to: f64) -> (Option<f64>, u32) {
        let mut bracket = Bracket::new(from, to, 0.05);
        let mut tries = 0;
        while let Some(rate) = bracket.next_rate() {
            tries += 1;
            assert!(tries < 60, "the search does not end: {bracket:?}");
            bracket.answer(rate, rate <= capacity);
        }
        (bracket.highest_held(), tries)
    }

    #[test]
    fn the_top_of_the_range_ends_it() {
        assert_eq!(search(1e9, 1_000.0, 64_000.0).0, Some(64_000.0));
    }

    #[test]
    fn nothing_held_is_no_capacity() {
        assert_eq!(search(0.0, 1_000.0, 64_000.0).0, None);
    }

    #[test]
    fn a_precision_finer_than_three_digits_is_reached() {
        let mut bracket = Bracket::new(1_000.0, 100_000.0, 0.001);
        let tries = std::iter::from_fn(|| {
            let rate = bracket.next_rate()?;
            bracket.answer(rate, rate <= 1_004.0);
            Some(rate)
        });
        assert!(tries.take(60).count() < 60, "the search does not end");
        let found = bracket.highest_held().expect("it holds the first");
        assert!((1_001.0..=1_004.0).contains(&found), "{found}");
    }

    #[test]
    fn where_no_rate_may_be_held_the_lowest_is_tried_next() {
        for holds_lowest in [false, true] {
            let mut bracket = Bracket::new(1_500.0, 64_000.0, 0.05);
            bracket.answer(1_500.0, false);
            bracket.doubt_all();
            assert_eq!(bracket.next_rate(), Some(LOWEST));
            bracket.answer(LOWEST, holds_lowest);
            assert_eq!(bracket.next_rate().is_some(), holds_lowest);
            assert_eq!(bracket.highest_held().is_some(), holds_lowest);
        }
    }

    proptest! {
        #[test]
        fn finds_the_capacity_within_its_precision(
            capacity in 50f64..1e7,
            from in 100f64..1e5,
        ) {
            let (found, tries) = search(capacity, from, 1e8);
            let found = found.expect("something holds");
            // The highest rate held, and the lowest not held, lie within 10 %:
            // the capacity is between them, ± 5 % of their middle.
            prop_assert!(found <= capacity && capacity <= found * 1.1001, "{found} for {capacity}");
            prop_assert!(tries <= 30);
        }
    }
}
