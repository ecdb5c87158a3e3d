use proptest::prelude::*;

use super::*;
use crate::plan::{Estimate, Missing, Resolved, Step, resolve};
use crate::scenario::read;

/// What a cell of a search may come to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Came {
    Held,
    NotHeld,
    NotHeldThoughItKeptPace,
    Disturbed,
}

/// The search of the only system of a scenario with one.
fn search(from: f64, to: f64, precision: f64) -> (Resolved, Search) {
    let text = format!(
        "name = \"t\"\nsummary = \"t\"\nsystems = [\"wheel\"]\n\
         [load]\nmode = \"capacity\"\nfrom = {from}\nto = {to}\nprecision = {precision}\n"
    );
    let scenario = read("t.toml", text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}"));
    let resolved = resolve(&scenario, Missing::IsSkipped).unwrap();
    let mut steps = resolved.plan.blocks.iter().flat_map(|block| &block.steps);
    let search = steps.find_map(|step| match step {
        Step::Search(search) => Some(search.clone()),
        _ => None,
    });
    (resolved.clone(), search.expect("a search"))
}

/// The rates and cells of a search whose cells come to this, again and again.
fn taken(search: &Search, came: &[Came]) -> (u64, u64) {
    let mut bracket = Bracket::new(search.from, search.to, search.precision);
    let mut came = came.iter().cycle();
    let (mut rates, mut cells) = (0, 0);
    while let Some(rate) = bracket.next_rate() {
        rates += 1;
        let (mut failures, mut keeps_pace, mut held) = (0, true, None);
        for _ in 0..MOST_TRIES {
            cells += 1;
            match came.next().expect("endless") {
                Came::Held => held = Some(true),
                Came::Disturbed => {}
                not_held => {
                    failures += 1;
                    keeps_pace &= *not_held == Came::NotHeldThoughItKeptPace;
                    held = (failures == MOST_FAILURES).then_some(false);
                }
            }
            if held.is_some() {
                break;
            }
        }
        let Some(held) = held else { break };
        bracket.answer(rate, held);
        if !held && keeps_pace {
            bracket.doubt_all();
        }
    }
    (rates, cells)
}

/// Those that `check` prints, of noop's search and this one.
#[test]
fn the_most_that_a_search_costs_is_what_it_can_cost() {
    use Came::{Disturbed, Held, NotHeld};
    let (resolved, search) = search(1_000.0, 64_000.0, 0.05);
    let estimate = Estimate::of(&resolved.plan);
    assert_eq!(estimate.cells, 2 * search.usual_cells());
    assert_eq!(estimate.most_cells, 2 * search.most_cells());
    // Held to the top at once, then at the fifth cell of each; never held.
    let up = [Disturbed, Disturbed, Disturbed, Disturbed, Held];
    assert_eq!(taken(&search, &[Held]), (7, 7));
    assert_eq!(taken(&search, &up), (7, 35));
    // From 1k down to 10: 1,000, 500, 250, 125, 62.5, 31.25, 15.6, 10.
    assert_eq!(taken(&search, &[NotHeld]), (8, 16));
    // The longest course: down to 10, which is held, and nothing between it and 15.6.
    let down = [Disturbed, Disturbed, Disturbed, NotHeld, NotHeld];
    let longest = [&down.repeat(7)[..], &up, &down.repeat(20)].concat();
    assert_eq!(taken(&search, &longest), (search.most_rates, search.most_cells()));
}

proptest! {
    #[test]
    fn no_search_takes_more_cells_than_is_said(
        from in 1f64..50_000.0,
        factor in 1.01f64..2_000.0,
        precision in 0.002f64..0.5,
        came in prop::collection::vec(
            prop::sample::select(vec![
                Came::Held,
                Came::NotHeld,
                Came::NotHeldThoughItKeptPace,
                Came::Disturbed,
            ]),
            1..120,
        ),
    ) {
        let (from, to) = (from.round(), (from * factor).ceil() + 1.0);
        let (_, search) = search(from, to, precision);
        let (rates, cells) = taken(&search, &came);
        prop_assert!(rates <= search.most_rates, "{rates} of {}", search.most_rates);
        prop_assert!(cells <= search.most_cells(), "{cells} of {}", search.most_cells());
    }
}
