//! CPU time in nanoseconds.
//!
//! `/proc/<pid>/stat` counts in ticks of 10 ms, which is half a per cent of a
//! window of 2 s; the kernel's per-process clocks say the same sum (threads
//! that ended included) to the nanosecond, for any process, in one call.

use std::mem::MaybeUninit;
use std::time::Duration;

use rustix::process::{Pid, getpid};

/// `CPUCLOCK_SCHED`: the scheduler's own run time, not sampled ticks.
const SCHED: i32 = 2;
/// `CPUCLOCK_PERTHREAD`: of one thread, which must be this process's.
const PER_THREAD: i32 = 4;

fn read(id: Pid, kind: i32) -> Option<Duration> {
    // The layout is part of the kernel's interface: `clock_getcpuclockid` of
    // every libc computes it like this (MAKE_PROCESS_CPUCLOCK).
    let clock = (!id.as_raw_nonzero().get() << 3) | kind;
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is a valid place for a timespec; an unknown clock is an
    // error, not undefined.
    if unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so that it has filled `time`.
    let time = unsafe { time.assume_init() };
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// CPU time of a process, its threads that ended included, its children not;
/// `None` once it is reaped. A zombie still has it.
pub(crate) fn of_process(pid: Pid) -> Option<Duration> {
    read(pid, SCHED)
}

/// CPU time of this process.
pub(crate) fn of_this_process() -> Duration {
    of_process(getpid()).unwrap_or_default()
}

/// CPU time of a thread of this process; `None` once it has ended.
pub(crate) fn of_thread(thread: Pid) -> Option<Duration> {
    read(thread, SCHED | PER_THREAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_is_seen_in_both_clocks() {
        let (process, thread) =
            (of_this_process(), of_thread(rustix::thread::gettid()).expect("this thread lives"));
        let until = std::time::Instant::now() + Duration::from_millis(20);
        while std::time::Instant::now() < until {
            std::hint::spin_loop();
        }
        let ran = of_thread(rustix::thread::gettid()).expect("this thread lives") - thread;
        assert!(ran > Duration::from_millis(1), "{ran:?}");
        assert!(of_this_process() - process >= ran);
    }
}
