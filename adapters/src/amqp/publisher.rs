//! The producing side: a batch of messages written together, confirmed apart.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use lapin::options::BasicPublishOptions;
use lapin::{ErrorKind, PublisherConfirm};
use schedbench_contract::ledger::Reason;
use schedbench_contract::{Address, Recorder, Result, TaskId};

use super::link::{Flow, Line, Link};
use super::road::Road;
use crate::clock;

/// Tasks per batch.
const TASKS_PER_BATCH: usize = 256;
/// A message that no queue takes comes back; without this RabbitMQ confirms
/// and forgets it.
pub(crate) const MANDATORY: BasicPublishOptions =
    BasicPublishOptions { mandatory: true, immediate: false };

/// A system's producing connections, and the window over all of them.
pub(crate) struct Publisher {
    log: Recorder,
    links: Vec<Arc<Link>>,
    next_link: usize,
    flow: Arc<Flow>,
    window: usize,
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// The server is not there or refuses us.
    pub(crate) async fn open(
        system: &'static str,
        at: &Address,
        connections: u32,
        window: u32,
        confirms: bool,
        log: Recorder,
    ) -> Result<Self> {
        let road = Road::to(system, at)?;
        let flow = Arc::new(Flow::default());
        let mut links = Vec::new();
        for number in 0..connections.max(1) {
            let (road, flow) = (road.clone(), Arc::clone(&flow));
            links.push(Link::open(number, road, confirms, log.clone(), flow).await?);
        }
        Ok(Self { log, links, next_link: 0, flow, window: window as usize })
    }

    /// Pends while the window is full or every connection lost; then how many
    /// of that many tasks may go, and the next connection in turn.
    pub(crate) async fn room(&mut self, tasks: usize) -> (usize, Arc<Link>, Line) {
        loop {
            let room = self.window.saturating_sub(self.flow.outstanding());
            let some = room.min(tasks).min(TASKS_PER_BATCH);
            if some > 0
                && let Some((link, line)) = self.link()
            {
                return (some, link, line);
            }
            self.flow.changed().await;
        }
    }

    /// The next connection, in turn, that is not lost.
    fn link(&mut self) -> Option<(Arc<Link>, Line)> {
        for _ in 0..self.links.len() {
            self.next_link = (self.next_link + 1) % self.links.len();
            let link = &self.links[self.next_link];
            if let Some(line) = link.line() {
                return Some((Arc::clone(link), line));
            }
        }
        None
    }

    /// Writes a batch: every message is given to the client before the first
    /// is waited for, so that the socket gets them together.
    pub(crate) async fn write<F>(
        &self,
        mut sendings: Vec<Sending<F>>,
        link: &Arc<Link>,
        line: &Line,
    ) where
        F: Future<Output = lapin::Result<PublisherConfirm>>,
    {
        self.flow.sent(sendings.len());
        begin(&mut sendings).await;
        let mut written = Vec::with_capacity(sendings.len());
        for Sending { id, future, at_once } in sendings {
            let never_left = matches!(&at_once, Some(Err(error)) if is_not_sent(error));
            let sent = match at_once {
                Some(sent) => sent,
                None => future.await,
            };
            match sent {
                Ok(confirm) => written.push((id, confirm)),
                Err(error) => {
                    let now = clock::now();
                    if never_left {
                        self.log.refused(id, Reason::NeverLeft, now);
                    } else {
                        self.log.unknown(id, Reason::ConnectionLost, now);
                    }
                    self.flow.settled(1);
                    link.lost(line.generation, &error);
                }
            }
        }
        // Its reader lives as long as this sender does.
        let _ = line.written.send(written);
    }

    /// Resolves once everything written is confirmed, refused or unknown.
    pub(crate) async fn settle(&self) {
        while self.flow.outstanding() > 0 {
            self.flow.changed().await;
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.links.iter().for_each(|link| link.close());
    }
}

/// A message on its way into the socket.
pub(crate) struct Sending<F> {
    id: TaskId,
    future: Pin<Box<F>>,
    /// What came back before anything was written.
    at_once: Option<lapin::Result<PublisherConfirm>>,
}

impl<F> Sending<F> {
    /// A task and the client's future that publishes it, not polled yet.
    pub(crate) fn new(id: TaskId, future: F) -> Self {
        Self { id, future: Box::pin(future), at_once: None }
    }
}

/// Gives every message to the client, in order, and waits for none.
async fn begin<F: Future<Output = lapin::Result<PublisherConfirm>>>(sendings: &mut [Sending<F>]) {
    poll_fn(|context| {
        for sending in &mut *sendings {
            if let Poll::Ready(sent) = sending.future.as_mut().poll(context) {
                sending.at_once = Some(sent);
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Whether the client refused before it took the message.
fn is_not_sent(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidChannelState(..))
}
