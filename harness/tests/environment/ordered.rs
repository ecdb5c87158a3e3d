//! Commands that hurt and heal, with small real programs.

use std::path::Path;

use schedbench::environment::ordered::Hurt;
use schedbench::environment::{Keeper, Rooms};

use crate::ground;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Something that is hurt by a command which does nothing.
fn hurt(keeper: &Keeper, rooms: &Rooms, healed: &Path) -> Hurt {
    let heal = words(&["touch", healed.to_str().expect("UTF-8")]);
    Hurt::begin(keeper.spawner(), rooms, &words(&["true"]), &heal).expect("it starts")
}

#[test]
fn what_is_hurt_is_healed_once_and_told_to_be_over() {
    let (keeper, _, place) = ground::stand();
    let rooms = Rooms::open_in(place.path(), None).expect("rooms");
    let healed = place.path().join("healed");
    let mut hurt = hurt(&keeper, &rooms, &healed);
    hurt.wait().expect("it does not fail");
    assert!(!healed.exists() && !hurt.is_over());
    hurt.heal().expect("begun");
    hurt.wait().expect("healed");
    assert!(healed.exists() && hurt.is_over());
    std::fs::remove_file(&healed).expect("it is there");
    drop(hurt);
    assert!(!healed.exists(), "not again");
}

#[test]
fn a_drop_and_a_panic_heal() {
    let (keeper, _, place) = ground::stand();
    let rooms = Rooms::open_in(place.path(), None).expect("rooms");
    let healed = place.path().join("healed");
    drop(hurt(&keeper, &rooms, &healed));
    assert!(healed.exists());
    std::fs::remove_file(&healed).expect("it is there");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _hurt = hurt(&keeper, &rooms, &healed);
        panic!("of a test");
    }));
    assert!(panicked.is_err() && healed.exists());
}

#[test]
fn one_that_has_not_ended_in_its_time_is_ended_and_has_failed() {
    let (keeper, _, place) = ground::stand();
    let rooms = Rooms::open_in(place.path(), None).expect("rooms");
    let healed = place.path().join("healed");
    let heal = words(&["touch", healed.to_str().expect("UTF-8")]);
    let long = words(&["sleep", "1000"]);
    let mut hurt = Hurt::begin(keeper.spawner(), &rooms, &long, &heal).expect("begun");
    hurt.look().expect("it still runs");
    let failed = hurt.heal().expect_err("it had not ended");
    assert_eq!(failed.why, "`sleep 1000` had not ended when its time was over");
    hurt.wait().expect("healed all the same");
    assert!(healed.exists());
}

#[test]
fn a_program_that_is_not_there_leaves_nothing_hurt() {
    let (keeper, _, place) = ground::stand();
    let rooms = Rooms::open_in(place.path(), None).expect("rooms");
    let healed = place.path().join("healed");
    let heal = words(&["touch", healed.to_str().expect("UTF-8")]);
    let error = Hurt::begin(keeper.spawner(), &rooms, &words(&["/nowhere/x"]), &heal)
        .expect_err("no such program");
    assert!(error.to_string().contains("/nowhere/x"), "{error}");
    assert!(healed.exists(), "who could not hurt heals all the same");
}
