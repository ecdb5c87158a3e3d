//! A scheduler of this binary in a child process, so that it can be killed:
//! fed as the schedulers of other languages are, it reports what it has and
//! what it has run (`docs/decisions/0028`).

use std::future::poll_fn;
use std::io::{Read as _, stdin};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use schedbench_contract::{
    Adapter, Backlog, Comparable, Endpoints, Error, FEED_BYTES, Launch, Profile, Record, Recorder,
    Report, Result, Server, Status, Task, TaskId, Work, WorkersShape,
};
use tokio::runtime::Handle;

use super::locked;
use super::pen::Pen;
use super::system::{Hand, Scheduler, server};
use crate::clock;
use crate::fed::{self, FedProducer, Programs};

/// In a work's options: how many tasks its cell has, for which memory is set
/// aside before the first of them.
const TASKS: &str = "tasks";

/// The same system under the same name, whole in a child.
pub(crate) struct Housed<S> {
    profile: &'static Profile,
    shape: WorkersShape,
    programs: Programs,
    scheduler: PhantomData<fn() -> S>,
}

impl<S: Scheduler<Pen = Pen>> Adapter for Housed<S> {
    const NAME: &'static str = S::NAME;
    const PROFILES: &'static [Profile] = S::PROFILES;
    const COMPARABLE: Comparable = fed::COMPARABLE;
    type Producer = FedProducer;

    async fn open(_: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        let programs = Programs::new(S::NAME, 1, shape);
        Ok(Self { profile, shape: *shape, programs, scheduler: PhantomData })
    }

    async fn producer(&self, log: Recorder) -> Result<FedProducer> {
        self.programs.producer(log)
    }

    fn workers(&self, work: &Work, log: Recorder) -> Result<Launch> {
        // What it has noted must not die with it.
        let mut work = Work { write_each: true, ..work.clone() };
        work.options.insert(TASKS.to_owned(), log.ledger().len().to_string());
        Ok(self.programs.launch(&work))
    }

    async fn backlog(&self) -> Result<Backlog> {
        Ok(self.programs.backlog())
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        Ok(None)
    }

    async fn server(&self) -> Result<Option<Server>> {
        Ok(Some(server::<S>(self.profile, &self.shape)))
    }

    async fn purge(&self) -> Result<()> {
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }

    async fn run_worker(
        work: &Work,
        report: impl Report,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        serve::<S>(work, report, stop).await
    }
}

/// The child: runs what it is fed until `stop` resolves. What waits then is
/// gone, as it is whenever a scheduler in process ends, and how much that is,
/// is the last that it reports.
///
/// # Errors
/// The work is of another kind of worker, or there is no thread.
async fn serve<S: Scheduler<Pen = Pen>>(
    work: &Work,
    report: impl Report,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    let profile = S::PROFILES.iter().find(|profile| profile.name == work.profile);
    let tasks = work.options.get(TASKS).and_then(|tasks| tasks.parse().ok());
    let (Some(profile), Some(tasks)) = (profile, tasks) else {
        return Err(Error::Broken(format!("this is no work for {} in a child", S::NAME)));
    };
    let scheduler = Arc::new(S::new(profile, &work.shape, tasks)?);
    let report: Arc<Mutex<dyn Report>> = Arc::new(Mutex::new(report));
    let pen = Pen::Pipe(Arc::clone(&report));
    let threads = scheduler.launch(work, &pen)?;
    let gate = Arc::new(Gate::new(true));
    let (feeds, fed_by, here) = (Arc::clone(&scheduler), Arc::clone(&gate), Handle::current());
    // Never joined: it may wait for tasks that do not come.
    std::thread::Builder::new()
        .name("feed".to_owned())
        .spawn(move || feed(&feeds, &pen, &fed_by, &here))
        .map_err(|error| Error::Broken(format!("no thread to be fed on: {error}")))?;
    locked(&report).record(Record::of_worker(work.index, Status::Ready, clock::now()));
    locked(&report).flush();
    stop.await;
    // While its threads still take what is offered: then all that was vouched
    // for is in the scheduler, and nothing more will be.
    let is_closed = close(&gate).await;
    threads.stop();
    let held = scheduler.backlog().outstanding();
    let mut report = locked(&report);
    if is_closed {
        report.record(Record::of_held(work.index, held, clock::now()));
    }
    report.flush();
    Ok(())
}

/// Whether tasks may be handed over; locked for as long as some are.
type Gate = Mutex<bool>;

/// How long a hand-over that is under way has to end. A scheduler that takes
/// nothing may hold it up for ever: then what it holds is not said.
const HAND_OVER: Duration = Duration::from_secs(1);

/// Lets nothing more be handed over; whether what was under way has ended.
async fn close(gate: &Gate) -> bool {
    let deadline = Instant::now() + HAND_OVER;
    loop {
        if let Ok(mut is_open) = gate.try_lock() {
            *is_open = false;
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Offers what comes on standard input, until it ends or the gate is closed.
fn feed<S: Scheduler<Pen = Pen>>(scheduler: &Arc<S>, pen: &Pen, gate: &Gate, runtime: &Handle) {
    let mut bytes = [0; 4_096];
    let mut filled = 0;
    let (mut tasks, mut hand) = (Vec::with_capacity(bytes.len() / FEED_BYTES), Hand::default());
    let mut input = stdin().lock();
    while let Ok(read @ 1..) = input.read(&mut bytes[filled..]) {
        filled += read;
        let whole = filled - filled % FEED_BYTES;
        tasks.clear();
        tasks.extend(bytes[..whole].as_chunks::<FEED_BYTES>().0.iter().map(task));
        bytes.copy_within(whole..filled, 0);
        filled -= whole;
        let is_open = locked(gate);
        if !*is_open {
            return;
        }
        let mut left = tasks.as_slice();
        while !left.is_empty() {
            let offer = poll_fn(|cx| scheduler.offer(left, pen, &mut hand, cx));
            left = &left[runtime.block_on(offer)..];
        }
    }
}

/// A task as it was fed. When it was intended is in the ledger of the parent.
fn task(record: &[u8; FEED_BYTES]) -> Task<'static> {
    let word = |at: usize| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&record[at..at + 8]);
        u64::from_le_bytes(eight)
    };
    let due = word(8);
    Task { id: TaskId::from_bits(word(0)), intended: due, due, key: None, body: &[] }
}

#[cfg(test)]
mod tests {
    use schedbench_contract::feed_record;

    use super::*;

    #[test]
    fn a_task_reads_back_as_it_was_fed() {
        let id = TaskId::new(3, 77);
        let read = task(&feed_record(id, 1_234));
        assert_eq!((read.id, read.due, read.intended), (id, 1_234, 1_234));
    }
}
