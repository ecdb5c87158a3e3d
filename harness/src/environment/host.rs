//! The machine, as the outcome and the first lines of a run describe it.

use std::hint::black_box;
use std::path::PathBuf;

use procfs::{CpuInfo, Current, Meminfo};
use rustix::system::uname;
use schedbench_adapters::clock;
use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{Medium, amount};
use schedbench_reports::outcome::Host;

use crate::environment::{placement, timing};

const UNKNOWN: &str = "unknown";

/// Describes this machine, and what a run has of it.
#[must_use]
pub fn describe() -> Host {
    let timing = timing::possible();
    let name = uname();
    Host {
        cpu: cpu(),
        cores: placement::cores(),
        memory_bytes: Meminfo::current().map(|memory| memory.mem_total).unwrap_or(0),
        kernel: format!(
            "{} {}",
            name.sysname().to_string_lossy(),
            name.release().to_string_lossy()
        ),
        os: os(),
        clock_source: clock_source(),
        clock_read_ns: clock_read_ns(),
        placement: placement::describe(),
        fifo: timing.fifo,
        timer_slack_ns: timing.timer_slack_ns,
        proxy: None,
        environment: None,
        network: None,
    }
}

fn cpu() -> String {
    let info = CpuInfo::current().ok();
    let named = |field| info.as_ref()?.get_field(0, field).map(str::to_owned);
    // ARM kernels say numbers only; the device tree may know a name.
    let board = || {
        let text = std::fs::read_to_string("/sys/firmware/devicetree/base/model").ok()?;
        Some(text.trim_end_matches('\0').to_owned())
    };
    named("model name")
        .or_else(board)
        .or_else(|| named("CPU part").map(|part| format!("CPU part {part}")))
        .unwrap_or_else(|| UNKNOWN.into())
}

/// The host in the run's first lines:
/// `host: 2 × EPYC 2.6 GHz, 24 GB, Linux 6.18   placement: shared   pacing: SCHED_FIFO`.
#[must_use]
pub fn headline(host: &Host) -> String {
    let memory = amount(host.memory_bytes as f64, Unit::Bytes, Medium::Terminal);
    let Host { cpu, cores, kernel, placement, .. } = host;
    let pacing = match (host.fifo, host.timer_slack_ns) {
        (true, _) => "SCHED_FIFO",
        (false, ..=1_000) => "timer slack 1 ns, no SCHED_FIFO",
        (false, _) => "coarse timers",
    };
    format!("host: {cores} × {cpu}, {memory}, {kernel}   placement: {placement}   pacing: {pacing}")
}

fn os() -> String {
    let text = std::fs::read_to_string("/etc/os-release")
        .or_else(|_| std::fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| UNKNOWN.into(), |name| name.trim_matches(['"', '\'']).to_owned())
}

/// What the kernel takes its time from.
#[must_use]
pub fn clock_source() -> String {
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    std::fs::read_to_string(path).map_or_else(|_| UNKNOWN.into(), |text| text.trim().to_owned())
}

/// Cost of one reading of the run's clock, ns: the cheapest of several batches,
/// since whatever else runs only adds.
#[must_use]
pub fn clock_read_ns() -> f64 {
    const READINGS: u32 = 2_000;
    let batch = |_| {
        let before = clock::now();
        for _ in 0..READINGS {
            black_box(clock::now());
        }
        (clock::now() - before) as f64 / f64::from(READINGS)
    };
    (0..16).map(batch).fold(f64::INFINITY, f64::min)
}

/// Memory that can be had, bytes: the machine's, or what is left below the
/// lowest limit of the control groups this process is in.
#[must_use]
pub fn memory_available() -> u64 {
    let machine = Meminfo::current();
    let machine = machine.ok().and_then(|memory| memory.mem_available).unwrap_or(u64::MAX);
    group_limits().into_iter().fold(machine, u64::min)
}

/// What is left in each control group up to the root (version 2, where the
/// hierarchy is mounted in its usual place).
fn group_limits() -> Vec<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(group) = own.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return Vec::new();
    };
    let root = PathBuf::from("/sys/fs/cgroup");
    let dir = root.join(group);
    let number = |path: PathBuf| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    dir.ancestors()
        .take_while(|dir| dir.starts_with(&root))
        .filter_map(|dir| {
            // `max`, which is no number, means no limit.
            let limit = number(dir.join("memory.max"))?;
            Some(limit.saturating_sub(number(dir.join("memory.current")).unwrap_or(0)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_described() {
        let host = describe();
        assert!(host.cores >= 1 && host.memory_bytes > 1_000_000);
        assert!(host.kernel.starts_with("Linux "), "{}", host.kernel);
        assert!(host.clock_read_ns > 1.0 && host.clock_read_ns < 1e5, "{}", host.clock_read_ns);
        assert!(!host.cpu.is_empty() && !host.os.is_empty() && !host.clock_source.is_empty());
        assert!(headline(&host).starts_with(&format!("host: {} × ", host.cores)));
        assert!(memory_available() > 1_000_000);
    }
}
