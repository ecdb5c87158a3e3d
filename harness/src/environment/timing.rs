//! How sharply a thread of ours wakes: real-time priority and timer slack.

use std::num::NonZeroU64;

use rustix::thread::{current_timer_slack, set_current_timer_slack};

use crate::environment::{Error, Result, placement};

/// What a thread was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// It runs under SCHED_FIFO.
    pub fifo: bool,
    /// Its timers may be late by this much on purpose, ns.
    pub timer_slack_ns: u64,
}

/// Puts the calling thread under SCHED_FIFO, priority 1: above every ordinary
/// thread, below all other real-time ones. Threads and processes that it
/// starts do not inherit it.
///
/// A thread under it must sleep: one that spins is put aside by the kernel for
/// 50 ms of each second, which is worse than not having it.
///
/// # Errors
/// It is not allowed: it needs CAP_SYS_NICE, or `ulimit -r` of at least 1.
pub fn set_fifo() -> Result<()> {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameters live during the call, which only reads them; 0 is
    // the calling thread.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        )
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(Error::io("asking for SCHED_FIFO")(std::io::Error::last_os_error()))
    }
}

/// Lets the calling thread's timers fire on time (the kernel's default lets
/// them be 50 µs late to save wake-ups). Threads that it starts inherit it.
///
/// # Errors
/// The kernel does not know it.
pub fn set_timer_slack_1ns() -> Result<()> {
    set_current_timer_slack(NonZeroU64::new(1)).map_err(Error::io("setting the timer slack"))
}

/// Makes the calling thread one that keeps time: on the generator's cores, and
/// as sharp as it is allowed. Whether it got SCHED_FIFO.
pub fn keep_time() -> bool {
    placement::to_generator();
    sharpen().fifo
}

fn sharpen() -> Timing {
    let _ = set_timer_slack_1ns();
    // Read before SCHED_FIFO, under which the kernel says 0.
    let timer_slack_ns = current_timer_slack().unwrap_or(50_000);
    Timing { fifo: set_fifo().is_ok(), timer_slack_ns }
}

/// What a thread of ours would be given here; tried on one that ends at once.
#[must_use]
pub fn possible() -> Timing {
    let tried = std::thread::Builder::new().name("timing".into()).spawn(sharpen);
    let coarse = Timing { fifo: false, timer_slack_ns: 50_000 };
    tried.map_or(coarse, |thread| thread.join().unwrap_or(coarse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_goes_and_priority_is_not_inherited() {
        let before = current_timer_slack().expect("a slack");
        assert_eq!(possible().timer_slack_ns, 1);
        assert_eq!(current_timer_slack().expect("a slack"), before);
        let policies = std::thread::spawn(|| {
            let own = sharpen().fifo;
            let inherited = std::thread::spawn(policy).join().expect("a policy");
            (own, policy(), inherited)
        });
        let (fifo, own, inherited) = policies.join().expect("two policies");
        assert_eq!(fifo, own == libc::SCHED_FIFO);
        assert_eq!(inherited, libc::SCHED_OTHER);
    }

    fn policy() -> i32 {
        // SAFETY: asks a number about the calling thread.
        unsafe {
            libc::syscall(libc::SYS_sched_getscheduler, 0) as i32 & !libc::SCHED_RESET_ON_FORK
        }
    }
}
