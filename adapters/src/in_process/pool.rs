use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schedbench_contract::{Result, Work};

use super::attempt::Attempt;
use super::pen::Pen;
use super::run::Runner;
use super::run_queue::{RunQueue, Share};
use super::threads::Threads;

/// Starts `concurrency` threads named `worker-N` that run what `queue` gives
/// them and hand what failed to `retry`.
pub(super) fn spawn(
    threads: &mut Threads,
    queue: &Arc<RunQueue>,
    work: &Work,
    log: &Pen,
    dead: &Arc<AtomicU64>,
    retry: impl Fn(&[Attempt]) + Clone + Send + 'static,
) -> Result<()> {
    let workers = work.shape.concurrency.max(1) as usize;
    let share = Share { at_most: Runner::at_most(work), workers };
    for number in 0..workers {
        let (queue, dead, retry) = (Arc::clone(queue), Arc::clone(dead), retry.clone());
        let (runner, stop) = (Runner::new(work, log), threads.stop_flag());
        threads.spawn(format!("worker-{number}"), move || {
            let (mut batch, mut again) = (Vec::with_capacity(share.at_most), Vec::new());
            while queue.take(&mut batch, share, &stop) {
                let died = runner.run(&batch, &mut again);
                dead.fetch_add(died, Ordering::Relaxed);
                if !again.is_empty() {
                    retry(&again);
                    again.clear();
                }
                // Only now: asked in between, the system names a task twice
                // rather than not at all.
                queue.finished(batch.len());
                batch.clear();
            }
        })?;
    }
    Ok(())
}
