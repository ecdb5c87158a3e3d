use schedbench_contract::seeded;
use serde::{Deserialize, Serialize};

use super::{CellPlan, Delay, Load, Stage};

/// How arrivals are spaced.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// Independent arrivals: gaps are exponential.
    #[default]
    Poisson,
    /// Equal gaps; they may lock phase with a system's ticks.
    Constant,
}

/// One task of the plan. Times are ns from the start of the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Place among the cell's arrivals, from 0.
    pub index: u64,
    /// When it is handed over.
    pub intended: u64,
    /// When it is due.
    pub due: u64,
    /// Its key, where tasks have keys.
    pub key: Option<u32>,
    /// Whether it is to be cancelled.
    pub cancel: bool,
}

/// The arrivals of an open-loop cell, or the attributes of tasks in flight: a
/// function of (seed, index), made again wherever they are needed and never
/// stored.
#[derive(Clone, Debug)]
pub struct Arrivals {
    traits: Traits,
    spacing: Spacing,
    gap_seed: u64,
    stages: Vec<Stage>,
    /// Start of the current stage, ns.
    stage_start: u64,
    stage: usize,
    /// Time inside the current stage, ns; f64 holds it to far below 1 ns.
    inside: f64,
    index: u64,
}

/// What the seed decides about a task besides its time.
#[derive(Clone, Debug)]
struct Traits {
    delay_seed: u64,
    key_seed: u64,
    cancel_seed: u64,
    delay: Delay,
    weights: u64,
    keys: u32,
    cancel_ppm: u32,
}

impl Traits {
    fn of(cell: &CellPlan) -> Self {
        let weights = match &cell.delay {
            Delay::Mix(parts) => parts.iter().map(|(_, weight)| u64::from(*weight)).sum(),
            _ => 0,
        };
        Self {
            delay_seed: seeded::purpose(cell.seed, 2),
            key_seed: seeded::purpose(cell.seed, 3),
            cancel_seed: seeded::purpose(cell.seed, 4),
            delay: cell.delay.clone(),
            weights,
            keys: cell.keys,
            cancel_ppm: cell.cancel_ppm,
        }
    }

    fn delay(&self, index: u64) -> u64 {
        match &self.delay {
            Delay::None => 0,
            Delay::Fixed(ns) => *ns,
            Delay::Uniform(low, high) => {
                let share = seeded::unit(seeded::at(self.delay_seed, index));
                low + ((high - low) as f64 * share) as u64
            }
            Delay::Mix(parts) => {
                let mut drawn = seeded::at(self.delay_seed, index) % self.weights.max(1);
                for (ns, weight) in parts {
                    if drawn < u64::from(*weight) {
                        return *ns;
                    }
                    drawn -= u64::from(*weight);
                }
                0
            }
        }
    }

    fn arrival(&self, index: u64, intended: u64) -> Arrival {
        let key = (self.keys > 0)
            .then(|| (seeded::at(self.key_seed, index) % u64::from(self.keys)) as u32);
        let cancel = self.cancel_ppm > 0
            && seeded::at(self.cancel_seed, index) % 1_000_000 < u64::from(self.cancel_ppm);
        Arrival { index, intended, due: intended + self.delay(index), key, cancel }
    }
}

impl Arrivals {
    /// The arrivals of a cell: its warm-up at the first stage's rate, then its
    /// stages. In flight, and of a backlog, there are none; see [`Self::attributes`].
    #[must_use]
    pub fn of(cell: &CellPlan) -> Self {
        let (spacing, mut stages) = match &cell.load {
            Load::Open { spacing, stages } => (*spacing, stages.clone()),
            Load::InFlight { .. } | Load::Backlog { .. } => (Spacing::Constant, Vec::new()),
        };
        if let Some(first) = stages.first().copied() {
            stages.insert(0, Stage { rate: first.rate, duration_ns: cell.warmup_ns });
        }
        Self {
            traits: Traits::of(cell),
            spacing,
            gap_seed: seeded::purpose(cell.seed, 1),
            stages,
            stage_start: 0,
            stage: 0,
            inside: 0.0,
            index: 0,
        }
    }

    /// Task number `index` of an in-flight cell, handed over at `intended`.
    #[must_use]
    pub fn attributes(&self, index: u64, intended: u64) -> Arrival {
        self.traits.arrival(index, intended)
    }

    fn gap_ns(&self, rate: f64) -> f64 {
        let mean = 1e9 / rate;
        match self.spacing {
            Spacing::Constant => mean,
            Spacing::Poisson => -mean * seeded::unit(seeded::at(self.gap_seed, self.index)).ln(),
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            let stage = *self.stages.get(self.stage)?;
            let next = self.inside + self.gap_ns(stage.rate);
            if next < stage.duration_ns as f64 {
                self.inside = next;
                let arrival = self.traits.arrival(self.index, self.stage_start + next as u64);
                self.index += 1;
                return Some(arrival);
            }
            // A gap that reaches beyond its stage begins anew with the next
            // one, at its rate, with the same random number: the first gap of
            // a stage is one that was long, all others are as drawn.
            self.stage_start += stage.duration_ns;
            self.stage += 1;
            self.inside = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::cell;

    fn open(spacing: Spacing, stages: &[(f64, u64)]) -> CellPlan {
        let stages =
            stages.iter().map(|&(rate, duration_ns)| Stage { rate, duration_ns }).collect();
        CellPlan { load: Load::Open { spacing, stages }, warmup_ns: 0, ..cell() }
    }

    #[test]
    fn constant_arrivals_stand_at_equal_gaps() {
        let cell = open(Spacing::Constant, &[(1_000.0, 10_000_000)]);
        let times: Vec<u64> = Arrivals::of(&cell).map(|arrival| arrival.intended).collect();
        assert_eq!(times, (1..10).map(|n| n * 1_000_000).collect::<Vec<u64>>());
    }

    #[test]
    fn poisson_arrivals_have_mean_and_variance_of_their_rate() {
        let cell = open(Spacing::Poisson, &[(10_000.0, 10_000_000_000)]);
        let mut bins = [0f64; 1_000];
        for arrival in Arrivals::of(&cell) {
            bins[(arrival.intended / 10_000_000) as usize] += 1.0;
        }
        let mean = bins.iter().sum::<f64>() / 1_000.0;
        let variance = bins.iter().map(|bin| (bin - mean).powi(2)).sum::<f64>() / 999.0;
        // 100 a bin: the mean's standard error is 0.32, the variance's 4.5.
        assert!((mean - 100.0).abs() < 1.5, "{mean}");
        assert!((variance - 100.0).abs() < 25.0, "{variance}");
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_in_order() {
        let cell = open(Spacing::Poisson, &[(5_000.0, 100_000_000), (50_000.0, 100_000_000)]);
        let once: Vec<Arrival> = Arrivals::of(&cell).collect();
        assert_eq!(once, Arrivals::of(&cell).collect::<Vec<_>>());
        assert!(once.windows(2).all(|pair| pair[0].intended <= pair[1].intended));
        let other = CellPlan { seed: cell.seed + 1, ..cell };
        assert_ne!(once, Arrivals::of(&other).collect::<Vec<_>>());
    }

    #[test]
    fn stages_follow_each_other_at_their_rates() {
        let cell = open(Spacing::Poisson, &[(1_000.0, 1_000_000_000), (10_000.0, 1_000_000_000)]);
        let (first, second): (Vec<_>, Vec<_>) =
            Arrivals::of(&cell).partition(|arrival| arrival.intended < 1_000_000_000);
        assert!(first.len().abs_diff(1_000) < 160, "{}", first.len());
        assert!(second.len().abs_diff(10_000) < 500, "{}", second.len());
    }

    #[test]
    fn a_mix_keeps_its_weights() {
        let mut cell = open(Spacing::Constant, &[(100_000.0, 1_000_000_000)]);
        cell.delay = Delay::Mix(vec![(10, 9), (1_000, 1)]);
        let long = Arrivals::of(&cell).filter(|arrival| arrival.due - arrival.intended == 1_000);
        assert!(long.count().abs_diff(10_000) < 500);
    }
}
