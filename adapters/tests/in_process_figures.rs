//! Figures for a person to read; nothing is asserted about them.
//!
//! `FIGURES_OF=wheel cargo test --release -p schedbench-adapters --test in_process_figures -- --ignored --nocapture`

mod in_process_rig;

use std::time::Duration;

use in_process_rig::{MS, Rig};
use schedbench_adapters::clock;

const SYSTEMS: &[(&str, &str)] = &[
    ("noop", "default"),
    ("wheel", "1ms"),
    ("wheel", "1us"),
    ("wheel", "inline"),
    ("heap", "default"),
    ("heap", "tick-100ms"),
    ("tokio", "default"),
    ("delay-queue", "default"),
    ("fake", "honest"),
];

/// All, or those whose name holds what `FIGURES_OF` says.
fn chosen() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = std::env::var("FIGURES_OF").unwrap_or_default();
    let chosen = move |&(system, profile): &_| format!("{system}/{profile}").contains(&of);
    SYSTEMS.iter().copied().filter(chosen)
}

fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[test]
#[ignore = "prints figures, takes a minute"]
fn immediate_tasks_as_fast_as_they_are_taken() {
    const TASKS: u64 = 1_000_000;
    println!("{:24} {:>12} {:>12} {:>10}", "", "taken/s", "completed/s", "CPU ns");
    for (system, profile) in chosen() {
        let mut rig = Rig::new(system, profile, TASKS, |_| {});
        let (begin, cpu) = (clock::now(), cpu_ns());
        let mut sent = 0;
        while sent < TASKS {
            rig.submit(sent..sent + 250, |_| 0);
            sent += 250;
        }
        let taken = clock::now() - begin;
        rig.wait_finished(TASKS);
        let last = rig.entries().filter_map(|(_, entry)| entry.first_end).max().unwrap_or(0);
        println!(
            "{:24} {:12.0} {:12.0} {:10.0}",
            rig.name(),
            TASKS as f64 * 1e9 / taken as f64,
            TASKS as f64 * 1e9 / (last - begin) as f64,
            (cpu_ns() - cpu) as f64 / TASKS as f64,
        );
    }
}

/// Start − max(due, hand-over), since the pacing here is coarse.
fn latencies(system: &str, profile: &str, per_s: u64, delay: u64) {
    let tasks = per_s * 3;
    let mut rig = Rig::new(system, profile, tasks, |_| {});
    let (begin, cpu) = (clock::now(), cpu_ns());
    let mut dues = Vec::new();
    while (dues.len() as u64) < tasks {
        let sent = dues.len() as u64;
        let until = ((clock::now() - begin) * per_s / 1_000_000_000).min(tasks);
        if until > sent {
            // Spread over the time that the next batch takes to come, since
            // timers that are due together would be measured as one.
            dues.extend(rig.submit(sent..until, |n| {
                delay + if delay > 0 { (n - sent) * 1_000_000_000 / per_s } else { 0 }
            }));
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    rig.wait_finished(tasks);
    let cpu = (cpu_ns() - cpu) as f64 / (clock::now() - begin) as f64;
    let mut late: Vec<i64> = rig
        .entries()
        .zip(dues)
        .map(|((_, entry), due)| {
            let taken = entry.confirmed_at.expect("confirmed");
            entry.first_start.expect("it ran") as i64 - due.max(taken) as i64
        })
        .collect();
    late.sort_unstable();
    let at = |q: f64| late[((late.len() - 1) as f64 * q) as usize] as f64 / 1_000.0;
    println!(
        "{:24} {per_s:7}/s {:9.1} {:9.1} {:9.1} {:9.1} {cpu:6.2}",
        rig.name(),
        at(0.0),
        at(0.5),
        at(0.99),
        at(0.999)
    );
}

#[test]
#[ignore = "prints figures, takes two minutes"]
fn firing_error_of_a_delay_of_10_ms() {
    println!("{:34} {:>9} {:>9} {:>9} {:>9} {:>6}", "µs", "min", "p50", "p99", "p99.9", "cores");
    for (system, profile) in chosen() {
        for per_s in [1_000, 10_000, 100_000] {
            latencies(system, profile, per_s, 10 * MS);
        }
    }
}

#[test]
#[ignore = "prints figures, takes two minutes"]
fn start_latency_of_immediate_tasks() {
    println!("{:34} {:>9} {:>9} {:>9} {:>9} {:>6}", "µs", "min", "p50", "p99", "p99.9", "cores");
    for (system, profile) in chosen() {
        for per_s in [1_000, 10_000, 100_000] {
            latencies(system, profile, per_s, 0);
        }
    }
}
