use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use schedbench_contract::{
    Adapter, Backlog, Endpoints, Error, InProcessWorkers, Launch, Producer, Profile, Recorder,
    Result, Server, Task, TaskId, Work, WorkersShape,
};

use super::NOTHING_HELD;
use super::attempt::Attempt;
use super::pen::Pen;
use crate::clock;

/// What differs between in-process systems; [`InProcess`] makes an adapter of it.
pub(crate) trait Scheduler: Sized + Send + Sync + 'static {
    /// With what it notes what becomes of tasks.
    type Pen: From<Recorder> + Send + Sync + 'static;
    const NAME: &'static str;
    const PROFILES: &'static [Profile];

    /// Empty, for a cell of `tasks` tasks.
    fn new(profile: &'static Profile, shape: &WorkersShape, tasks: usize) -> Result<Self>;

    /// Starts its threads.
    fn launch(self: &Arc<Self>, work: &Work, log: &Self::Pen) -> Result<Box<dyn InProcessWorkers>>;

    /// Takes tasks from the front of `batch`, noting them in `log` before
    /// another thread can see them, and says how many; pends while it is full.
    fn offer(
        self: &Arc<Self>,
        batch: &[Task<'_>],
        log: &Self::Pen,
        hand: &mut Hand,
        cx: &mut Context<'_>,
    ) -> Poll<usize>;

    /// Takes a task back that no worker has been given.
    fn cancel(&self, id: TaskId) -> bool;

    /// What it holds.
    fn backlog(&self) -> Backlog;

    /// Drops what waits.
    fn purge(&self);

    /// Resolves once every task taken is confirmed, refused or unknown; where
    /// taking is confirming, at once.
    fn settle(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// The version of what does the scheduling.
    fn version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }
}

/// A producer's reusable memory, so that no batch allocates.
#[derive(Default)]
pub(crate) struct Hand {
    pub(super) immediate: Vec<Attempt>,
    pub(super) delayed: Vec<Attempt>,
}

impl Hand {
    /// Sorts the front of `batch` into what may run and what must wait, up to
    /// `room` of the latter, noting each as taken and confirmed; says how many.
    ///
    /// All of them carry one stamp: a batch is what was due at one instant.
    pub(super) fn sort(&mut self, batch: &[Task<'_>], log: &Pen, room: usize) -> usize {
        self.immediate.clear();
        self.delayed.clear();
        let now = clock::now();
        for (taken, task) in batch.iter().enumerate() {
            let attempt = Attempt::first(task, now);
            if attempt.delayed {
                if self.delayed.len() == room {
                    return taken;
                }
                self.delayed.push(attempt);
            } else {
                self.immediate.push(attempt);
            }
            log.taken_and_confirmed(task, now);
        }
        batch.len()
    }
}

/// A scheduler in the harness's own process as an adapter.
///
/// It is made when the workers are started, since only the ledger they write
/// into says how many tasks there will be.
pub(crate) struct InProcess<S> {
    profile: &'static Profile,
    shape: WorkersShape,
    scheduler: OnceLock<Arc<S>>,
}

/// The producing side of an in-process system: a call on the same thread.
pub(crate) struct InProcessProducer<S: Scheduler> {
    scheduler: Arc<S>,
    log: S::Pen,
    hand: Hand,
}

impl<S: Scheduler> Adapter for InProcess<S> {
    const NAME: &'static str = S::NAME;
    const PROFILES: &'static [Profile] = S::PROFILES;
    type Producer = InProcessProducer<S>;

    async fn open(
        _at: &Endpoints,
        profile: &'static Profile,
        shape: &WorkersShape,
    ) -> Result<Self> {
        Ok(Self { profile, shape: *shape, scheduler: OnceLock::new() })
    }

    async fn producer(&self, log: Recorder) -> Result<Self::Producer> {
        let scheduler = self.scheduler.get().ok_or_else(|| {
            Error::Broken(format!("{} has no threads yet: start its workers first", S::NAME))
        })?;
        let (scheduler, log) = (Arc::clone(scheduler), log.into());
        Ok(InProcessProducer { scheduler, log, hand: Hand::default() })
    }

    fn workers(&self, work: &Work, log: Recorder) -> Result<Launch> {
        let scheduler = match self.scheduler.get() {
            Some(running) => running,
            None => {
                let made = Arc::new(S::new(self.profile, &self.shape, log.ledger().len())?);
                self.scheduler.get_or_init(|| made)
            }
        };
        Ok(Launch::InProcess(scheduler.launch(work, &log.into())?))
    }

    async fn backlog(&self) -> Result<Backlog> {
        Ok(self.scheduler.get().map_or(NOTHING_HELD, |scheduler| scheduler.backlog()))
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        Ok(None)
    }

    async fn server(&self) -> Result<Option<Server>> {
        Ok(Some(server::<S>(self.profile, &self.shape)))
    }

    async fn purge(&self) -> Result<()> {
        if let Some(scheduler) = self.scheduler.get() {
            scheduler.purge();
        }
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}

/// What a scheduler says of itself.
pub(super) fn server<S: Scheduler>(profile: &Profile, shape: &WorkersShape) -> Server {
    Server {
        name: S::NAME.to_owned(),
        version: S::version(),
        year: None,
        settings: vec![
            ("profile".to_owned(), profile.name.to_owned()),
            ("threads".to_owned(), shape.concurrency.to_string()),
        ],
    }
}

impl<S: Scheduler> Producer for InProcessProducer<S> {
    async fn submit(&mut self, batch: &[Task<'_>]) -> Result<usize> {
        let Self { scheduler, log, hand } = self;
        Ok(poll_fn(|cx| scheduler.offer(batch, log, hand, cx)).await)
    }

    async fn cancel(&mut self, id: TaskId) -> Result<bool> {
        Ok(self.scheduler.cancel(id))
    }

    async fn settle(&mut self) -> Result<()> {
        poll_fn(|cx| self.scheduler.settle(cx)).await;
        Ok(())
    }
}
