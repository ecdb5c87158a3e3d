//! Handlers start in the order that is claimed.

use schedbench::plan::{CellPlan, Target};
use schedbench_contract::{Order, WorkersShape};

use crate::play::{SHAPE, Staging, plan, play};
use crate::systems::{Lane, fake, on_every_system};

fn handlers_start_in_the_claimed_order(target: Target) {
    let (keys, shape) = match target.profile.claims.order {
        Order::None => return,
        Order::Key => (16, SHAPE),
        Order::Queue => (0, WorkersShape { processes: 1, concurrency: 1, ..SHAPE }),
    };
    let plan = CellPlan { keys, ..plan(target, 5_000, 5_000) };
    let played = play(&plan, &Staging { shape, ..Staging::default() });
    played.balances(5_000, 0, 0);
    assert_eq!(played.inversions, 0, "{}", target.name());
    let mut latest = vec![0; keys.max(1) as usize];
    for (arrival, entry) in played.tasks() {
        let latest = &mut latest[arrival.key.unwrap_or(0) as usize];
        let start = entry.first_start.expect("it ran");
        assert!(start >= *latest, "{}: task {}", target.name(), arrival.index);
        *latest = start;
    }
}

/// What promises no order is not asked for any: this shows that the check asks.
#[test]
fn the_honest_fake_keeps_the_order_of_its_queue() {
    let _lane = Lane::enter(fake("honest"));
    handlers_start_in_the_claimed_order(fake("honest"));
}

on_every_system! { DEFAULTS: handlers_start_in_the_claimed_order; }
