use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, getpid};

use crate::environment::{of_process, tree};

/// CPU below this is not worth asking whose it is.
const NOTHING: Duration = Duration::from_micros(200);
/// The kernel's own threads are children of this one (`kthreadd`). What they
/// do is mostly on our behalf: writing back, and waking.
const KERNEL: i32 = 2;

/// CPU time of every process of the machine that is not ours, by the scheduler's own clock.
///
/// What the machine was busy with, less what our tree used, is no measure of
/// others: an interrupt that ends an idle core, and the switch after it, are
/// the kernel's and in nobody's time. A scheduler that wakes 160,000 times a
/// second costs 0.14 core of that kind, which reads like a foreign load.
#[derive(Clone, Debug, Default)]
pub(super) struct Others(BTreeMap<i32, Duration>);

impl Others {
    /// Costs about 1 µs for each process of the machine, and 20 µs for each of
    /// ours: those are left out here, as long as it can be told whose they are.
    /// A server's process that serves one connection ends with it.
    pub(super) fn read() -> Self {
        let ours: BTreeSet<i32> =
            tree(getpid()).into_iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        let names = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let seen = pids
            .filter(|pid| !ours.contains(pid))
            .filter_map(|pid| Some((pid, of_process(Pid::from_raw(pid)?)?)));
        Self(seen.collect())
    }

    /// What processes used that are neither ours nor the kernel's. One that is
    /// new has used all of its time in between; one that came and went in
    /// between is not seen.
    pub(super) fn since(&self, earlier: &Self) -> Duration {
        let used = self.0.iter().map(|(&pid, now)| {
            let before = earlier.0.get(&pid).copied().unwrap_or_default();
            (pid, now.saturating_sub(before))
        });
        used.filter(|&(pid, used)| used > NOTHING && is_foreign(pid)).map(|(_, used)| used).sum()
    }
}

/// Whether none of its ancestors is this process or the kernel. One that has
/// gone by now is taken for foreign.
fn is_foreign(pid: i32) -> bool {
    let own = getpid().as_raw_nonzero().get();
    let mut pid = pid;
    while pid > 1 {
        if pid == own || pid == KERNEL {
            return false;
        }
        let parent = procfs::process::Process::new(pid).and_then(|process| process.stat());
        match parent {
            Ok(stat) => pid = stat.ppid,
            Err(_) => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_and_the_kernels_are_not_foreign() {
        assert!(!is_foreign(KERNEL));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("a child");
        assert!(!is_foreign(child.id() as i32));
        assert!(!Others::read().0.contains_key(&(child.id() as i32)));
        child.kill().expect("killed");
        child.wait().expect("reaped");
        // Not ours any more: nobody can say whose it was.
        assert!(is_foreign(child.id() as i32));
        assert!(is_foreign(1));
    }

    /// A loop whose parent has ended belongs to nobody of ours.
    #[test]
    fn what_a_stranger_uses_is_counted() {
        struct Ended(Pid);
        impl Drop for Ended {
            fn drop(&mut self) {
                let _ = rustix::process::kill_process(self.0, rustix::process::Signal::KILL);
            }
        }
        let script = "(while :; do :; done) >/dev/null 2>&1 & echo $!";
        let said = std::process::Command::new("sh").args(["-c", script]).output().expect("a shell");
        let pid = String::from_utf8_lossy(&said.stdout).trim().parse().expect("its number");
        let stranger = Ended(Pid::from_raw(pid).expect("a process"));
        let cpu = || of_process(stranger.0).expect("it lives");
        let (before, began) = (Others::read(), cpu());
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while cpu() - began < Duration::from_millis(20) {
            assert!(std::time::Instant::now() < deadline, "the stranger does not run");
            std::thread::sleep(Duration::from_millis(1));
        }
        let used = Others::read().since(&before);
        assert!(used >= Duration::from_millis(20), "{used:?}");
    }
}
