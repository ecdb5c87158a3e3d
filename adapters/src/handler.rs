//! What a handler does, for every worker written in Rust.

use std::time::Duration;

use schedbench_contract::{Handler, RunEnd, TaskId, Work, seeded};

use crate::clock;

/// Does the handler's work on the calling thread.
pub fn perform(handler: Handler) {
    match handler {
        Handler::None => {}
        Handler::SleepNs(ns) => std::thread::sleep(Duration::from_nanos(ns)),
        Handler::CpuNs(ns) => {
            let until = clock::now() + ns;
            while clock::now() < until {
                std::hint::spin_loop();
            }
        }
    }
}

/// How attempt number `attempt` (0 is the first) of a task ends by plan.
#[must_use]
pub const fn planned_end(work: &Work, id: TaskId, attempt: u32) -> RunEnd {
    if !seeded::attempt_fails(work.seed, id, attempt, work.fail_ppm) {
        RunEnd::Done
    } else if attempt >= work.retry.max {
        RunEnd::FailedFinally
    } else {
        RunEnd::Failed
    }
}
