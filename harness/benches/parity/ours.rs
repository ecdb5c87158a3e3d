//! The harness's own side of a row: its generator with the system's producer,
//! or a worker as a run starts it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::time::{ClockId, clock_gettime};
use schedbench::drive::{Ended, OpenSetup, block_on_until, drive_open};
use schedbench::plan::{Arrivals, CellPlan, Delay, Load, Pacing, Spacing, Stage as Step, Target};
use schedbench::run::{Staff, Stage};
use schedbench_adapters::clock;
use schedbench_contract::ledger::{Enqueue, Ledger};
use schedbench_contract::{
    Adapter, BodyPool, Fill, Handler, Launch, Producer, Recorder, Retry, Task, TaskId, Work,
    WorkersShape,
};
use tokio::runtime::Runtime;

use crate::rows::{Batch, CELERY_PROCESSES, Row, Side};
use crate::table::Measured;
use crate::watch::watch;

/// The binary whose `worker` verb runs the tasks of broker systems.
pub(crate) const HARNESS: &str = env!("CARGO_BIN_EXE_schedbench");
/// Before a producer is measured.
pub(crate) const WARMUP: Duration = Duration::from_secs(1);
/// For everything that takes no time unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);
/// Tasks that wait for a worker are put there with this window.
const FILLING: u32 = 4_096;
/// Tasks per second that no producer reaches, and so the ledger's length.
const MOST_PER_SECOND: u64 = 500_000;
/// The same for Kafka's, whose client batches by itself.
const MOST_PER_SECOND_OF_KAFKA: u64 = 3_000_000;
const SECOND: u64 = 1_000_000_000;
/// How a producer says that it was measured long enough.
const MEASURED: &str = "measured";
const SEED: u64 = 7;

/// Workers and connections of our side.
pub(crate) fn shape(row: &Row) -> WorkersShape {
    let setting = row.setting;
    let concurrency = match (row.system, row.side) {
        // Asynq's server and Celery's worker are set by their handlers.
        ("asynq", Side::Process { .. }) => setting.window,
        ("celery", _) => CELERY_PROCESSES,
        // A partition per handler, and the tools speak to one.
        _ => 1,
    };
    let window = match row.side {
        Side::Enqueue => setting.window,
        Side::Process { .. } => FILLING,
    };
    let connections = setting.connections;
    WorkersShape { processes: 1, concurrency, prefetch: setting.window, connections, window }
}

/// Tasks that the generator gives to the producer at a time.
pub(crate) fn most_at_once(row: &Row) -> usize {
    match (row.side, row.setting.batch) {
        (Side::Enqueue, Batch::Tasks(1)) if row.setting.window < 256 => 1,
        _ => 256,
    }
}

/// A queue of one round, and what is known of it.
pub(crate) struct Round<'a, 's, 'b, A> {
    pub(crate) stage: &'a mut Stage<'b>,
    pub(crate) row: &'s Row,
    pub(crate) target: Target,
    pub(crate) system: &'a A,
    pub(crate) queue: &'a str,
    pub(crate) number: u32,
}

impl<A: Adapter> Round<'_, '_, '_, A> {
    /// Hands tasks over as fast as they are taken, and counts what is
    /// confirmed after a warm-up.
    pub(crate) fn enqueue(&mut self, measure: Duration) -> Result<Measured> {
        let most = match self.row.system {
            "kafka" => MOST_PER_SECOND_OF_KAFKA,
            _ => MOST_PER_SECOND,
        } * (WARMUP + measure).as_secs().max(1);
        let log = self.ledger(most);
        let stop = AtomicBool::new(false);
        let producer = self.producer(&log, &stop)?;
        let generator = self.generator();
        let (ended, (before, after)) = std::thread::scope(|scope| {
            let run = || generator.hand_over(producer, most, &log);
            let pacer = std::thread::Builder::new().name("pacer".into()).spawn_scoped(scope, run);
            std::thread::sleep(WARMUP);
            let before = Instantly::of(&log);
            std::thread::sleep(measure);
            let after = Instantly::of(&log);
            stop.store(true, Ordering::Release);
            let ended = pacer.context("a thread")?.join();
            let ended = ended.map_err(|_| anyhow!("the generator's thread panicked"))?;
            Ok::<_, anyhow::Error>((ended?, (before, after)))
        })?;
        if !matches!(&ended, Ended::Broken(why) if why.contains(MEASURED)) {
            bail!("the generator ended before its time: {ended:?}");
        }
        all_confirmed(&log)?;
        let (tasks, seconds) = (after.settled - before.settled, after.at - before.at);
        let (tasks, seconds) = (tasks as f64, seconds as f64 / 1e9);
        Ok(Measured { rate: tasks / seconds, cpu_us: (after.cpu - before.cpu) * 1e6 / tasks })
    }

    /// Puts all tasks there.
    pub(crate) fn fill(&mut self, tasks: u64) -> Result<Recorder> {
        let log = self.ledger(tasks);
        let never = AtomicBool::new(false);
        let producer = self.producer(&log, &never)?;
        match self.generator().hand_over(producer, tasks, &log)? {
            Ended::Complete => all_confirmed(&log).map(|()| log),
            ended => bail!("the queue could not be filled: {ended:?}"),
        }
    }

    /// Starts a worker and waits until it has reported every task of a full
    /// queue.
    pub(crate) fn process(&mut self, log: &Recorder) -> Result<Measured> {
        let launch = self.system.workers(&self.work(), log.clone())?;
        if matches!(launch, Launch::InProcess(_)) {
            bail!("{} has no worker of its own", self.row.system);
        }
        let staff = Staff::hire(launch, log, self.stage, Some(HARNESS.as_ref()));
        let mut staff = staff.map_err(|error| anyhow!(error.message))?;
        let children = staff.children().to_vec();
        let tasks = log.ledger().len() as u64;
        let (waited, watch) = watch(&children, || {
            let deadline = Instant::now() + PATIENCE;
            while log.counts().succeeded < tasks {
                if let Some(death) = staff.death() {
                    bail!("{}\n{}", death.message, death.log.join("\n"));
                }
                if Instant::now() > deadline {
                    bail!("{} of {tasks} tasks after {PATIENCE:?}", log.counts().succeeded);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        });
        waited?;
        staff.dismiss().map_err(|why| anyhow!(why))?;
        let entries = || (0..log.ledger().len()).map(|place| log.ledger().entry(place));
        let from = entries().filter_map(|entry| entry.first_start).min().context("a start")?;
        let to = entries().filter_map(|entry| entry.first_end).max().context("an end")?;
        if entries().any(|entry| entry.corrupt) {
            bail!("a body came that was not sent");
        }
        let rate = tasks as f64 / ((to - from) as f64 / 1e9);
        let cores = watch.cores(from, to).context("the worker was done at once")?;
        Ok(Measured { rate, cpu_us: cores * 1e6 / rate })
    }

    fn ledger(&self, tasks: u64) -> Recorder {
        // All arrivals lie in the second before now: the generator is behind
        // from the start, and runs as fast as it can.
        let epoch = clock::now() - SECOND;
        Recorder::new(Ledger::new(self.number, tasks as usize, epoch, 600 * SECOND))
    }

    fn producer<'s>(
        &self,
        log: &Recorder,
        stop: &'s AtomicBool,
    ) -> Result<Sliced<'s, A::Producer>> {
        let inner = self.stage.runtime.block_on(self.system.producer(log.clone()))?;
        Ok(Sliced { inner, most: most_at_once(self.row), stop })
    }

    fn generator(&self) -> Generator<'_> {
        let (runtime, row, target, number) =
            (self.stage.runtime, self.row, self.target, self.number);
        Generator { runtime, row, target, number }
    }

    fn work(&self) -> Work {
        Work {
            system: self.target.system.name.to_owned(),
            profile: self.target.profile.name.to_owned(),
            queue: self.queue.to_owned(),
            cell: self.number,
            index: 0,
            at: self.stage.address(),
            second: self.stage.second_address(),
            shape: shape(self.row),
            seed: SEED,
            handler: Handler::None,
            fail_ppm: 0,
            retry: Retry { max: 0, backoff_ns: 0 },
            body: fill_of(self.row),
            write_each: false,
            options: std::collections::BTreeMap::default(),
        }
    }
}

/// The harness's own generator, which runs on a thread of its own.
#[derive(Clone, Copy)]
struct Generator<'a> {
    runtime: &'a Runtime,
    row: &'a Row,
    target: Target,
    number: u32,
}

impl Generator<'_> {
    /// Hands over so many tasks as fast as they are taken; waits until all of
    /// them are settled.
    fn hand_over<P: Producer>(
        self,
        mut producer: Sliced<'_, P>,
        tasks: u64,
        log: &Recorder,
    ) -> Result<Ended> {
        let _context = self.runtime.enter();
        let bodies = BodyPool::new(fill_of(self.row));
        let start = log.ledger().epoch();
        let patience = PATIENCE.as_nanos() as u64;
        let never = AtomicBool::new(false);
        let setup = OpenSetup {
            cell: self.number,
            first_sequence: 0,
            start,
            window: start..start + 2 * SECOND,
            deadline: clock::now() + patience,
            pacing: Pacing::Grid,
            fifo: false,
            bodies: &bodies,
            stop: &never,
            log,
            pulse: None,
            hiccup: None,
        };
        let driven = drive_open(&setup, Arrivals::of(&self.plan(tasks)), &mut producer);
        block_on_until(producer.settle(), clock::now() + patience, &never)
            .map_err(|_| anyhow!("the last tasks are not confirmed after {PATIENCE:?}"))??;
        Ok(driven.ended)
    }

    /// So many tasks, all of them due.
    fn plan(&self, tasks: u64) -> CellPlan {
        // Half a gap more: rounding does not cut off the last one.
        let duration_ns = SECOND + SECOND / (2 * tasks);
        let stages = vec![Step { rate: tasks as f64, duration_ns }];
        CellPlan {
            target: self.target,
            repeat: 1,
            variant: None,
            load: Load::Open { spacing: Spacing::Constant, stages },
            seed: SEED,
            warmup_ns: 0,
            horizon_ns: 0,
            delay: Delay::None,
            body_bytes: self.row.setting.body,
            keys: 0,
            cancel_ppm: 0,
            handler: Handler::None,
            fail_ppm: 0,
            retry: Retry { max: 0, backoff_ns: 0 },
            faults: Vec::new(),
            commands: Vec::new(),
            trial: None,
            part: None,
        }
    }
}

/// The bodies of a row's tasks.
const fn fill_of(row: &Row) -> Fill {
    Fill { seed: SEED, bytes: row.setting.body }
}

/// What has happened by now.
struct Instantly {
    at: u64,
    settled: u64,
    /// Seconds, of this process.
    cpu: f64,
}

impl Instantly {
    fn of(log: &Recorder) -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
        Self { at: clock::now(), settled: log.counts().settled, cpu }
    }
}

/// A rate of refusals would be no rate.
fn all_confirmed(log: &Recorder) -> Result<()> {
    let entries = (0..log.ledger().len()).map(|place| log.ledger().entry(place));
    let odd =
        entries.filter(|entry| !matches!(entry.enqueue, Enqueue::Confirmed | Enqueue::Unsent));
    match odd.count() {
        0 => Ok(()),
        odd => bail!("{odd} tasks were taken and not confirmed"),
    }
}

/// A producer that is given few tasks at a time, and none any more once that
/// has been long enough. The generator's own flag would break off a call of
/// `submit` in its middle, and nobody would know what became of its tasks.
struct Sliced<'a, P> {
    inner: P,
    most: usize,
    stop: &'a AtomicBool,
}

impl<P: Producer> Producer for Sliced<'_, P> {
    async fn submit(&mut self, batch: &[Task<'_>]) -> schedbench_contract::Result<usize> {
        if self.stop.load(Ordering::Acquire) {
            return Err(schedbench_contract::Error::Broken(MEASURED.into()));
        }
        self.inner.submit(&batch[..batch.len().min(self.most)]).await
    }

    async fn cancel(&mut self, id: TaskId) -> schedbench_contract::Result<bool> {
        self.inner.cancel(id).await
    }

    async fn settle(&mut self) -> schedbench_contract::Result<()> {
        self.inner.settle().await
    }
}
