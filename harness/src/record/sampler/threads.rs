use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Pid;

use crate::environment::of_thread;

/// Whose a thread of the harness is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Generator,
    Client,
    System,
    Workers,
    Harness,
}

impl Group {
    pub(super) const ALL: [Self; 5] =
        [Self::Generator, Self::Client, Self::System, Self::Workers, Self::Harness];

    fn of(name: &str) -> Self {
        let groups = [
            ("pacer", Self::Generator),
            ("client", Self::Client),
            ("sched", Self::System),
            ("worker", Self::Workers),
        ];
        let found = groups.iter().find(|(prefix, _)| name.starts_with(prefix));
        found.map_or(Self::Harness, |(_, group)| *group)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Generator => "the generator",
            Self::Client => "the client",
            Self::System => "the system",
            Self::Workers => "the workers",
            Self::Harness => "the harness",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    group: Group,
    /// Ticks since boot: numbers of threads are used again.
    started: u64,
    cpu: Duration,
}

/// The harness's threads at one instant.
#[derive(Clone, Debug, Default)]
pub(super) struct Threads(BTreeMap<i32, Seen>);

/// What they did between two instants.
#[derive(Clone, Debug, Default)]
pub(super) struct ThreadsSince {
    /// CPU of each thread that lives at the end.
    pub(super) groups: BTreeMap<Group, Vec<Duration>>,
    /// Threads that lived at the start and not at the end; what they used in
    /// between is in no thread's clock any more.
    pub(super) ended: BTreeMap<Group, usize>,
}

impl Threads {
    pub(super) fn read() -> Self {
        let mut seen = BTreeMap::new();
        let myself = procfs::process::Process::myself();
        for task in myself.and_then(|process| process.tasks()).into_iter().flatten().flatten() {
            // One that ends while it is looked at is like one that has ended.
            if let (Ok(stat), Some(cpu)) =
                (task.stat(), Pid::from_raw(task.tid).and_then(of_thread))
            {
                let (group, started) = (Group::of(&stat.comm), stat.starttime);
                seen.insert(task.tid, Seen { group, started, cpu });
            }
        }
        Self(seen)
    }

    pub(super) fn since(&self, earlier: &Self) -> ThreadsSince {
        let mut since = ThreadsSince::default();
        for (number, now) in &self.0 {
            let before = earlier.0.get(number).filter(|before| before.started == now.started);
            let cpu = now.cpu.saturating_sub(before.map_or(Duration::ZERO, |before| before.cpu));
            since.groups.entry(now.group).or_default().push(cpu);
        }
        for (number, before) in &earlier.0 {
            if self.0.get(number).is_none_or(|now| now.started != before.started) {
                *since.ended.entry(before.group).or_default() += 1;
            }
        }
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_whose_a_thread_is() {
        assert_eq!(Group::of("pacer-2"), Group::Generator);
        assert_eq!(Group::of("client-1"), Group::Client);
        assert_eq!(Group::of("sched-wheel"), Group::System);
        assert_eq!(Group::of("worker-17"), Group::Workers);
        assert_eq!(Group::of("main"), Group::Harness);
    }

    #[test]
    fn a_number_used_again_is_another_thread() {
        let seen =
            |started, ms| Seen { group: Group::Client, started, cpu: Duration::from_millis(ms) };
        let before = Threads(BTreeMap::from([(1, seen(10, 100)), (2, seen(10, 50))]));
        let after = Threads(BTreeMap::from([(1, seen(10, 130)), (2, seen(99, 7))]));
        let since = after.since(&before);
        let used = [Duration::from_millis(30), Duration::from_millis(7)];
        assert_eq!(since.groups[&Group::Client], used);
        assert_eq!(since.ended[&Group::Client], 1);
    }
}
