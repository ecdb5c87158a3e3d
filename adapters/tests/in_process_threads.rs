//! No system leaves a thread behind. Alone in its file, since threads are
//! counted over the whole process.

mod in_process_rig;

use in_process_rig::{Rig, wait_until};

fn threads_of_systems() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names = tasks.flatten().filter_map(|task| {
        // A thread may end between the listing and the reading.
        std::fs::read_to_string(task.path().join("comm")).ok()
    });
    names
        .map(|name| name.trim().to_owned())
        .filter(|name| name.starts_with("worker") || name.starts_with("sched-"))
        .collect()
}

#[test]
fn threads_are_named_for_the_cpu_sums_and_end_with_the_workers() {
    let cases = [
        ("noop", "default", 0, None),
        ("wheel", "1ms", 3, Some("sched-wheel")),
        ("wheel", "inline", 0, Some("sched-wheel")),
        ("heap", "default", 3, None),
        ("heap", "tick-100ms", 3, Some("sched-heap")),
        ("tokio", "default", 3, Some("sched-tokio")),
        ("delay-queue", "default", 3, Some("sched-delay-que")),
        ("fake", "honest", 0, Some("sched-fake")),
    ];
    for (system, profile, workers, scheduler) in cases {
        for stopped in [true, false] {
            let mut rig = Rig::new(system, profile, 100, |work| work.shape.concurrency = 3);
            rig.submit(0..50, |_| 0);
            rig.submit(50..100, |_| 3_600_000_000_000);
            let mut expected: Vec<String> = (0..workers).map(|n| format!("worker-{n}")).collect();
            expected.extend(scheduler.map(str::to_owned));
            wait_until(&format!("the threads of {system}/{profile}"), || {
                let mut names = threads_of_systems();
                names.sort_by_key(|name| (name.starts_with("sched"), name.clone()));
                names == expected
            });
            if stopped {
                rig.stop();
            } else {
                drop(rig);
            }
            wait_until(&format!("{system}/{profile} without threads"), || {
                threads_of_systems().is_empty()
            });
        }
    }
}
