//! Lost wake-ups: many short rounds in which everybody has gone to sleep.

mod in_process_rig;

use in_process_rig::Rig;
use schedbench_adapters::clock;

const ROUNDS: u64 = 3_000;

/// Waits without a system call, so that the next round comes quickly.
fn spin_until_finished(rig: &Rig, tasks: u64) {
    let deadline = clock::now() + 30_000_000_000;
    while rig.log.counts().finished < tasks {
        assert!(clock::now() < deadline, "{}: {tasks} tasks never finished", rig.name());
        std::thread::yield_now();
    }
}

fn rounds(system: &str, profile: &str, rounds: u64, delay: impl Fn(u64) -> u64) {
    for concurrency in [1, 3] {
        let mut rig = Rig::new(system, profile, rounds * 3, |work| {
            work.shape.concurrency = concurrency;
            work.shape.prefetch = 2;
            work.shape.window = 2;
        });
        let mut sent = 0;
        for round in 0..rounds {
            let many = 1 + round % 3;
            rig.submit(sent..sent + many, &delay);
            sent += many;
            spin_until_finished(&rig, sent);
            // Between none and 40 µs, so that sleepers are met on their way.
            let until = clock::now() + round % 41 * 1_000;
            while clock::now() < until {
                std::hint::spin_loop();
            }
        }
    }
}

#[test]
fn the_wheel_wakes_for_immediate_and_for_delayed_tasks() {
    for profile in ["1us", "inline"] {
        rounds("wheel", profile, ROUNDS, |_| 0);
        rounds("wheel", profile, ROUNDS, |n| n % 4 * 20_000);
    }
    rounds("wheel", "1ms", ROUNDS, |_| 0);
    rounds("wheel", "1ms", 300, |n| n % 4 * 20_000);
}

#[test]
fn the_heap_wakes_for_immediate_and_for_delayed_tasks() {
    rounds("heap", "default", ROUNDS, |_| 0);
    rounds("heap", "default", ROUNDS, |n| n % 4 * 20_000);
    rounds("heap", "tick-100ms", 10, |n| n % 4 * 20_000);
}

#[test]
fn tokio_and_its_delay_queue_wake_for_immediate_and_for_delayed_tasks() {
    for system in ["tokio", "delay-queue"] {
        rounds(system, "default", ROUNDS, |_| 0);
        rounds(system, "default", 300, |n| n % 4 * 20_000);
    }
}

#[test]
fn a_producer_that_found_no_room_is_woken() {
    // A window of two in front of batches of 256: every batch waits for room.
    for profile in ["1ms", "1us", "inline"] {
        let mut rig = Rig::new("wheel", profile, 20_000, |work| work.shape.window = 2);
        rig.submit_all(|n| n % 3 * 100_000);
        rig.wait_finished(20_000);
    }
}
