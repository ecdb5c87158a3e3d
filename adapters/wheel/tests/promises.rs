//! What the documentation promises, one case each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use schedbench_wheel::{ConfigError, More, Wheel};

const MS: u64 = 1_000_000;
const HOUR: u64 = 3_600_000 * MS;

fn fired<T>(wheel: &mut Wheel<T>, now_ns: u64) -> Vec<T> {
    let mut fired = Vec::new();
    assert_eq!(wheel.expire(now_ns, usize::MAX, |value| fired.push(value)), More::No);
    fired
}

#[test]
fn nonsense_is_refused() {
    assert_eq!(
        Wheel::<()>::new(999, HOUR, 0).unwrap_err(),
        ConfigError::ResolutionTooFine { resolution_ns: 999 }
    );
    let error = Wheel::<()>::new(MS, MS - 1, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a longest delay of 999999 ns is shorter than one tick of 1000000 ns"
    );
    assert!(Wheel::<()>::new(1_000, u64::MAX, u64::MAX).is_ok());
}

#[test]
fn a_due_between_two_ticks_waits_for_the_later() {
    let mut wheel = Wheel::new(MS, HOUR, 500).unwrap();
    wheel.insert(500 + MS + 1, ()).unwrap();
    assert_eq!(wheel.next_due(), Some(500 + 2 * MS));
    assert!(fired(&mut wheel, 500 + 2 * MS - 1).is_empty());
    assert_eq!(fired(&mut wheel, 500 + 2 * MS).len(), 1);
}

#[test]
fn a_due_in_the_past_fires_next_even_at_the_same_now() {
    let mut wheel = Wheel::new(MS, HOUR, 10 * MS).unwrap();
    wheel.insert(0, "before the start").unwrap();
    assert_eq!(fired(&mut wheel, 10 * MS), ["before the start"]);
    assert!(fired(&mut wheel, 75 * MS).is_empty());
    wheel.insert(75 * MS, "now").unwrap();
    wheel.insert(20 * MS, "past").unwrap();
    assert_eq!(fired(&mut wheel, 75 * MS), ["now", "past"]);
}

#[test]
fn time_does_not_go_back() {
    let mut wheel = Wheel::new(MS, HOUR, 0).unwrap();
    assert!(fired(&mut wheel, 50 * MS).is_empty());
    wheel.insert(40 * MS, ()).unwrap();
    assert_eq!(fired(&mut wheel, 0).len(), 1);
}

#[test]
fn a_due_too_far_gives_the_value_back() {
    let mut wheel = Wheel::new(MS, HOUR, 7).unwrap();
    let refused = wheel.insert(HOUR + 8, "late").unwrap_err();
    assert_eq!((refused.value, refused.due_ns, refused.furthest_ns), ("late", HOUR + 8, HOUR + 7));
    assert_eq!(
        refused.to_string(),
        "due at 3600000000008 ns, but the wheel reaches only to 3600000000007 ns"
    );
    let handle = wheel.insert(HOUR + 7, "in time").unwrap();
    assert_eq!(wheel.reschedule(handle, HOUR + 8), None);
    assert!(wheel.cancel(handle), "a refused reschedule changes nothing");
    assert!(fired(&mut wheel, 8).is_empty());
    assert!(wheel.insert(HOUR + 8, "the present has moved on").is_ok());
}

/// 64 ticks ahead of tick 0 is slot 0 again: it must not be taken for now.
#[test]
fn a_whole_turn_ahead_is_not_now() {
    for max_ticks in [63, 64, 4_095, 4_096, 262_143, 262_144] {
        let mut wheel = Wheel::new(MS, max_ticks * MS, 0).unwrap();
        assert!(fired(&mut wheel, MS - 1).is_empty());
        let due_ns = MS - 1 + max_ticks * MS;
        wheel.insert(due_ns, ()).unwrap();
        assert!(fired(&mut wheel, due_ns).is_empty());
        assert_eq!(fired(&mut wheel, due_ns + 1).len(), 1);
    }
}

#[test]
fn the_end_of_time_is_reached_without_overflow() {
    let start_ns = u64::MAX - 10 * MS;
    let mut wheel = Wheel::new(3 * MS, u64::MAX, start_ns).unwrap();
    wheel.insert(u64::MAX - 2 * MS, "fires").unwrap();
    wheel.insert(u64::MAX, "its tick never comes").unwrap();
    assert_eq!(fired(&mut wheel, u64::MAX), ["fires"]);
    assert_eq!(wheel.next_due(), Some(u64::MAX));
    assert_eq!(wheel.len(), 1);
}

#[test]
fn a_handle_dies_with_its_timer() {
    let mut wheel = Wheel::new(MS, HOUR, 0).unwrap();
    let first = wheel.insert(MS, 1).unwrap();
    let moved = wheel.reschedule(first, 2 * MS).unwrap();
    assert!(!wheel.cancel(first));
    assert_eq!(wheel.reschedule(first, MS), None);
    assert!(fired(&mut wheel, MS).is_empty());
    assert_eq!(fired(&mut wheel, 2 * MS), [1]);
    assert!(!wheel.cancel(moved));
    let second = wheel.insert(3 * MS, 2).unwrap();
    assert!(!wheel.cancel(moved), "its place is used again, the handle is not");
    assert!(wheel.cancel(second));
}

#[test]
fn rescheduling_goes_to_the_back_of_its_tick() {
    let mut wheel = Wheel::new(MS, HOUR, 0).unwrap();
    let first = wheel.insert(5 * MS, 1).unwrap();
    wheel.insert(5 * MS, 2).unwrap();
    wheel.reschedule(first, 5 * MS).unwrap();
    assert_eq!(fired(&mut wheel, 5 * MS), [2, 1]);
}

#[test]
fn none_overtakes_those_still_moving_down() {
    let due_ns = 10_000 * MS;
    let mut wheel = Wheel::new(MS, HOUR, 0).unwrap();
    (0..500).for_each(|n| {
        wheel.insert(due_ns, n).unwrap();
    });
    let start_of_slot_ns = 2 * 64 * 64 * MS;
    let more = wheel.expire(start_of_slot_ns, 0, |_| panic!("nothing is due"));
    assert_eq!(more, More::Yes, "500 are more than one call moves");
    (500..510).for_each(|n| {
        wheel.insert(due_ns, n).unwrap();
    });
    assert!(fired(&mut wheel, due_ns).into_iter().eq(0..510));
}

#[test]
fn the_limit_is_kept_and_more_is_true_only_if_more_is_due() {
    let mut wheel = Wheel::new(MS, HOUR, 0).unwrap();
    for due_ms in [1, 1, 2, 3] {
        wheel.insert(due_ms * MS, due_ms).unwrap();
    }
    let mut fired = Vec::new();
    assert_eq!(wheel.expire(2 * MS, 0, |value| fired.push(value)), More::Yes);
    assert_eq!(wheel.expire(2 * MS, 2, |value| fired.push(value)), More::Yes);
    assert_eq!(wheel.expire(2 * MS, 1, |value| fired.push(value)), More::No);
    assert_eq!(fired, [1, 1, 2]);
}

#[test]
fn cancelling_drops_the_value_at_once() {
    let mut wheel = Wheel::new(MS, HOUR, 0).unwrap();
    let value = Rc::new(());
    let handle = wheel.insert(MS, value.clone()).unwrap();
    wheel.insert(MS, value.clone()).unwrap();
    assert!(wheel.cancel(handle));
    assert_eq!(Rc::strong_count(&value), 2);
    drop(wheel);
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn a_panic_while_firing_loses_only_that_timer() {
    let mut wheel = Wheel::new(MS, HOUR, 0).unwrap();
    for value in 0..3 {
        wheel.insert(MS, value).unwrap();
    }
    let mut last = None;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        wheel.expire(MS, usize::MAX, |value| {
            last = Some(value);
            assert_ne!(value, 1);
        })
    }));
    assert!(outcome.is_err());
    assert_eq!((last, wheel.len()), (Some(1), 1));
    assert_eq!(fired(&mut wheel, MS), [2]);
}
