//! What the seed decides about the order of a run, and about each cell.

use schedbench_contract::seeded;

use crate::plan::{CellPlan, Load};

/// Purposes of the run's seed that belong to the plan; arrivals have their own
/// below the cell's seed.
const BLOCKS: u64 = 101;
const STEPS: u64 = 102;
const CELLS: u64 = 103;

/// Puts the blocks of one repeat in the run's order.
pub(super) fn shuffle_blocks<T>(blocks: &mut [T], seed: u64, repeat: u32) {
    shuffle(blocks, with(seeded::purpose(seed, BLOCKS), &repeat.to_le_bytes()));
}

/// Puts the steps of one block in its order.
pub(super) fn shuffle_steps<T>(steps: &mut [T], seed: u64, target: &str, repeat: u32) {
    let seed = with(seeded::purpose(seed, STEPS), target.as_bytes());
    shuffle(steps, with(seed, &repeat.to_le_bytes()));
}

/// A cell's seed: of the run's seed, its load, variant and repeat, so that
/// every system sees the same arrivals.
pub(super) fn cell_seed(seed: u64, cell: &CellPlan, repeat: u32) -> u64 {
    let mut seed = seeded::purpose(seed, CELLS);
    match &cell.load {
        Load::Open { stages, .. } => {
            for stage in stages {
                seed = with(seed, &stage.rate.to_bits().to_le_bytes());
                seed = with(seed, &stage.duration_ns.to_le_bytes());
            }
        }
        Load::InFlight { tasks, .. } | Load::Backlog { tasks } => {
            seed = with(seed, &tasks.to_le_bytes())
        }
    }
    seed = with(seed, cell.variant.as_deref().unwrap_or_default().as_bytes());
    with(seed, &repeat.to_le_bytes())
}

/// Folds `bytes` and their number into `seed`.
fn with(seed: u64, bytes: &[u8]) -> u64 {
    let folded = bytes.iter().fold(seed, |seed, byte| seeded::mix(seed ^ u64::from(*byte)));
    seeded::mix(folded ^ bytes.len() as u64)
}

/// Fisher and Yates.
fn shuffle<T>(items: &mut [T], seed: u64) {
    for last in (1..items.len()).rev() {
        let drawn = u128::from(seeded::at(seed, last as u64));
        // The high half of the product is uniform in 0..=last.
        let other = (drawn * (last as u128 + 1)) >> 64;
        items.swap(last, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_comes_up_about_as_often() {
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..6_000 {
            let mut items = [0, 1, 2];
            shuffle(&mut items, seeded::mix(seed));
            *seen.entry(items).or_insert(0u32) += 1;
        }
        assert_eq!(seen.len(), 6);
        // 1,000 each; the standard deviation is 29.
        assert!(seen.values().all(|count| count.abs_diff(1_000) < 150), "{seen:?}");
    }
}
