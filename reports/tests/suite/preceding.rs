//! The effect of the preceding cell: found where it was planted, and nowhere
//! else.

use schedbench_reports::analysis::{Preceding, analyse};
use schedbench_reports::html;
use schedbench_reports::outcome::*;

use crate::outcomes::{Dice, asynq_rust, piled::piled_up, ramp_of};

const RATES: [f64; 4] = [1e3, 5e3, 10e3, 20e3];

/// So many blocks of four rates each, in an order of chance. The median start
/// latency is the rate's own, scattered by 5 %, times what `after` says of the
/// rate before.
fn shuffled(blocks: u32, dice: &mut Dice, after: impl Fn(f64) -> f64) -> Outcome {
    let mut outcome = ramp_of(&[asynq_rust()], &RATES, blocks);
    let mut cells = std::mem::take(&mut outcome.cells);
    for block in cells.chunks_mut(RATES.len()) {
        for place in (1..block.len()).rev() {
            block.swap(place, (dice.next() % (place as u64 + 1)) as usize);
        }
        let mut before = None;
        for cell in block {
            let rate = cell.key.load.amount();
            let own = rate * 1e-7 * (0.05 * dice.normal()).exp();
            let median = own * before.map_or(1.0, &after);
            cell.metrics.insert("start_latency.p50".into(), Value::Is(median));
            before = Some(rate);
        }
    }
    outcome.cells = cells;
    outcome
}

fn effect(outcome: &Outcome) -> Option<Preceding> {
    analyse(outcome).preceding.into_iter().next()
}

/// What the page says of it.
fn said(outcome: &Outcome) -> String {
    let page = html::render(outcome);
    let row = page.split("Effect of the cell before").nth(1).expect("a row");
    row.split("</tr>").next().expect("it ends").to_owned()
}

/// Up to a third more latency after 20k/s than after 1k/s.
#[test]
fn a_planted_effect_is_found() {
    let mut dice = Dice::of(11);
    let outcome = shuffled(6, &mut dice, |rate| 1.0 + rate / 60e3);
    let found = effect(&outcome).expect("six blocks of three pairs");
    assert_eq!(found.pairs, 18);
    assert!(found.correlation > 0.6 && found.p < 0.01, "{found:?}");
    let said = said(&outcome);
    assert!(said.contains("redis-asynq/everysec: rank correlation 0."), "{said}");
    assert!(said.contains("over 18 pairs"), "{said}");
}

/// Of 400 outcomes without an effect about 5 % have a p below 0.05: 36 and
/// more have a chance of 0.04 %, were it 5 % exactly.
#[test]
fn shuffled_cells_have_none() {
    let mut dice = Dice::of(12);
    let alarms = (0..400).filter(|_| {
        let outcome = shuffled(3, &mut dice, |_| 1.0);
        let found = effect(&outcome).expect("three blocks of three pairs");
        assert_eq!(found.pairs, 9);
        found.p < 0.05
    });
    let alarms = alarms.count();
    assert!((6..=35).contains(&alarms), "{alarms} false alarms in 400");
}

#[test]
fn fewer_than_eight_pairs_say_nothing() {
    let mut dice = Dice::of(13);
    let strong = |rate: f64| 1.0 + rate / 1e3;
    let mut outcome = shuffled(3, &mut dice, strong);
    assert!(effect(&outcome).is_some_and(|found| found.pairs == 9));
    // What ran again ran outside its block's order: the last of a block has one
    // pair.
    outcome.cells[3].reruns = 1;
    assert!(effect(&outcome).is_some_and(|found| found.pairs == 8));
    outcome.cells[7].reruns = 1;
    assert_eq!(effect(&outcome), None);
    assert!(said(&outcome).contains("not tested: too few repeats"), "{}", said(&outcome));
}

/// A killed broker's 10k/s are no repeat of the ramp's, and a backlog of 10k
/// tasks is no load of 10k/s.
#[test]
fn only_repeats_of_one_cell_have_a_mean() {
    let mut dice = Dice::of(14);
    let mut outcome = shuffled(6, &mut dice, |_| 1.0);
    let alone = effect(&outcome).expect("18 pairs");
    let mut hurt = outcome.cells.clone();
    for cell in &mut hurt {
        cell.block += 100;
        cell.key.trial = Some("broker-kill".into());
        cell.key.fault = Some("kill broker at 10 s for 5 s".into());
        cell.metrics.insert("start_latency.p50".into(), Value::Is(9.0));
    }
    // One cell to a block, as a run plans them: they are nobody's neighbours.
    for (place, cell) in (0..).zip(&mut hurt) {
        cell.block += place;
    }
    outcome.cells.extend(hurt);
    assert_eq!(effect(&outcome), Some(alone.clone()), "the mean of the ramp is the ramp's own");
    let mut backlog = piled_up(&[asynq_rust()], 1, |_, _| 1.0).cells.remove(0);
    backlog.block = outcome.cells[0].block;
    outcome.cells.insert(0, backlog);
    assert_eq!(effect(&outcome), Some(alone));
}
