//! kill -9 of the program at random moments: nothing of it stays.

use std::time::{Duration, Instant};

use schedbench_reports::outcome::Ended;

use crate::harness::Running;
use crate::place::{Place, redis_server, small};
use crate::processes::{
    arguments, descendants, is_alive, is_listened_on, redis_servers, wait_for, workers,
};

/// Kills a run some time after it has come to something, and waits until
/// nothing of it is left.
fn killed(what: &str, reached: impl FnMut(i32) -> bool, later: Duration) {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"redis-asynq\""));
    let args = ["run", scenario.to_str().expect("UTF-8"), "--repeats", "500"];
    let mut running = Running::beside(&place, place.schedbench(&args));
    running.wait_until(what, reached);
    std::thread::sleep(later);
    let what = format!("killed {later:?} after {what}");
    let servers = redis_servers(running.pid());
    let children = running.kill();
    assert!(!children.is_empty(), "{what}: a watchdog at least");
    wait_for(&format!("the children's end, {what}"), || {
        !children.iter().any(|&child| is_alive(child))
    });
    place.wait_until_nothing_is_left(&what);
    for (_, port) in servers {
        wait_for(&format!("a free port, {what}"), || !is_listened_on(port));
    }
    // What it had measured can be read, and says that it was cut off.
    if let Some(results) = place.results() {
        assert_eq!(results.outcome().ended, Ended::Running, "{what}");
        place.says(&["report", "results/small/latest/result.json"]).ends(0);
    }
}

#[test]
fn at_random_moments() {
    redis_server();
    let mut seed =
        u64::from(std::process::id()) << 32 | u64::from(Instant::now().elapsed().subsec_nanos());
    // SplitMix64's step; the moment is in the message of a failure.
    let mut later = || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Duration::from_millis(mixed % 400)
    };
    killed("the start of its watchdog", has_a_watchdog, Duration::ZERO);
    killed("the start of its watchdog", has_a_watchdog, later());
    killed("the start of its Redis", |pid| !redis_servers(pid).is_empty(), later());
    killed("the start of a worker", |pid| !workers(pid).is_empty(), Duration::ZERO);
    killed("the start of a worker", |pid| !workers(pid).is_empty(), later());
}

fn has_a_watchdog(pid: i32) -> bool {
    descendants(pid).into_iter().any(|child| arguments(child).ends_with(" reap"))
}
