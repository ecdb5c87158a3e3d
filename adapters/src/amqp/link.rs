//! A producer's connection: lost, noted, made again.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::Stream;
use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Confirmation, Connection, Event, PublisherConfirm};
use schedbench_contract::ledger::Reason;
use schedbench_contract::{MomentKind, Recorder, Result, TaskId};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::Instant;

use super::road::{FIRST_WAIT, LONGEST_WAIT, Road};
use crate::clock;

/// How many tasks are on their way, and a bell for when that changes.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    outstanding: AtomicUsize,
    changed: Notify,
}

impl Flow {
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Acquire)
    }

    pub(crate) fn sent(&self, tasks: usize) {
        self.outstanding.fetch_add(tasks, Ordering::AcqRel);
    }

    pub(crate) fn settled(&self, tasks: usize) {
        self.outstanding.fetch_sub(tasks, Ordering::AcqRel);
        self.changed.notify_one();
    }

    /// Resolves after a change since the last wait. One waiter at a time: the
    /// producer is driven by one thread.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Tasks whose bytes are written, and what will say that they are stored.
pub(crate) type Written = Vec<(TaskId, PublisherConfirm)>;

/// A connection that works, as far as is known.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) channel: Channel,
    pub(crate) written: UnboundedSender<Written>,
    /// How often the link was connected before: a late failure of an old
    /// connection must not take down the new one.
    pub(crate) generation: u64,
}

/// Once a connection is lost, the client says of each message in doubt that it
/// is, at once. A message that it took in that very moment it may forget: it
/// is waited for no longer than this (seen once in some hundred outages).
const IN_DOUBT: Duration = Duration::from_secs(1);

struct State {
    /// Dropping it lets the connection go once everything written is settled.
    line: Option<Line>,
    /// Dropped when the connection is lost.
    held: Option<watch::Sender<()>>,
    generation: u64,
}

/// How long messages of a connection are waited for.
struct Doubt {
    /// Closed once it is lost …
    lost: watch::Receiver<()>,
    /// … for so long after that.
    lasts: Duration,
    until: Option<Instant>,
}

impl Doubt {
    const fn of(lost: watch::Receiver<()>, lasts: Duration) -> Self {
        Self { lost, lasts, until: None }
    }

    /// What becomes of a message; `None` where nothing does.
    async fn unless_settled<T>(&mut self, settled: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            outcome = settled => Some(outcome),
            () = self.has_lasted() => None,
        }
    }

    /// Resolves when the connection has been lost for long enough.
    async fn has_lasted(&mut self) {
        while self.lost.changed().await.is_ok() {}
        let until = *self.until.get_or_insert_with(|| Instant::now() + self.lasts);
        tokio::time::sleep_until(until).await;
    }
}

/// One of the producer's connections, with one channel.
pub(crate) struct Link {
    number: u32,
    road: Road,
    confirms: bool,
    log: Recorder,
    flow: Arc<Flow>,
    state: Mutex<State>,
    closed: AtomicBool,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// The server is not there or refuses us.
    pub(crate) async fn open(
        number: u32,
        road: Road,
        confirms: bool,
        log: Recorder,
        flow: Arc<Flow>,
    ) -> Result<Arc<Self>> {
        let link = Arc::new(Self {
            number,
            road,
            confirms,
            log,
            flow,
            state: Mutex::new(State { line: None, held: None, generation: 0 }),
            closed: AtomicBool::new(false),
        });
        link.connect().await?;
        Ok(link)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its connection, unless it is lost.
    pub(crate) fn line(&self) -> Option<Line> {
        self.state().line.clone()
    }

    /// No more attempts to connect; hangs up once everything written is settled.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.state().line = None;
    }

    async fn connect(self: &Arc<Self>) -> Result<()> {
        let connection = self.road.connect("schedbench producer").await?;
        let channel = async {
            let channel = connection.create_channel().await?;
            if self.confirms {
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
            }
            Ok(channel)
        };
        let channel = channel.await.map_err(|e| self.road.error("opening a channel", &e))?;
        let events = connection.events_listener();
        let (written, settling) = unbounded_channel();
        if self.state().generation > 0 {
            // Before anybody can use it: what it carries comes after the moment.
            let text = format!("connection {} to {}", self.number, self.road.place());
            self.log.moment(clock::now(), MomentKind::Reconnected, text);
        }
        let (held, lost) = watch::channel(());
        let generation = {
            let mut state = self.state();
            state.generation += 1;
            state.held = Some(held);
            let generation = state.generation;
            state.line = Some(Line { channel: channel.clone(), written, generation });
            generation
        };
        let handles = (channel, connection);
        tokio::spawn(Arc::clone(self).settle(
            settling,
            handles,
            Doubt::of(lost, IN_DOUBT),
            generation,
        ));
        tokio::spawn(Arc::clone(self).listen(events, generation));
        Ok(())
    }

    /// Notes what becomes of each task, in the order written: one queue
    /// confirms in its order, and so no time is noted too early. Holds
    /// channel and connection, whose last handles close them, until the
    /// producer and its last confirm have gone.
    async fn settle(
        self: Arc<Self>,
        mut written: UnboundedReceiver<Written>,
        (_channel, connection): (Channel, Connection),
        mut doubt: Doubt,
        generation: u64,
    ) {
        let log = self.log.clone();
        while let Some(tasks) = written.recv().await {
            for (id, confirm) in tasks {
                let outcome = doubt.unless_settled(confirm).await;
                let now = clock::now();
                let Some(outcome) = outcome else {
                    self.log.unknown(id, Reason::ConnectionLost, now);
                    self.flow.settled(1);
                    continue;
                };
                match outcome {
                    Ok(Confirmation::Ack(None)) => log.confirmed(id, now),
                    // There is no such queue: the message came back.
                    Ok(Confirmation::Ack(Some(_))) => log.refused(id, Reason::ServerError, now),
                    // Something in the server broke on it.
                    Ok(Confirmation::Nack(_)) => log.unknown(id, Reason::ServerError, now),
                    Ok(Confirmation::NotRequested) => log.unknown(id, Reason::None, now),
                    Err(error) => {
                        // It may have arrived: nobody knows, and sending it
                        // again could run it twice.
                        log.unknown(id, Reason::ConnectionLost, now);
                        self.lost(generation, &error);
                    }
                }
                self.flow.settled(1);
            }
        }
        // A server that has gone hears no goodbye.
        let _ = connection.close(200, "".into()).await;
    }

    /// Marks on the time axis what the server says of itself.
    async fn listen(self: Arc<Self>, events: impl Stream<Item = Event>, generation: u64) {
        let mut events = pin!(events);
        while let Some(event) = poll_fn(|context| events.as_mut().poll_next(context)).await {
            let text = match event {
                Event::ConnectionBlocked(reason) => format!("blocked: {reason}"),
                Event::ConnectionUnblocked => "no longer blocked".to_owned(),
                Event::Error(error) => return self.lost(generation, &error),
                _ => continue,
            };
            let text = format!("connection {} to {}: {text}", self.number, self.road.place());
            self.log.moment(clock::now(), MomentKind::FlowControl, text);
        }
    }

    /// The connection of that generation is gone: notes it once and begins to
    /// connect again.
    pub(crate) fn lost(self: &Arc<Self>, generation: u64, why: &lapin::Error) {
        {
            let mut state = self.state();
            if state.generation != generation {
                return;
            }
            state.held = None;
            if state.line.take().is_none() {
                return;
            }
        }
        let text = format!("connection {} to {}: {why}", self.number, self.road.place());
        self.log.moment(clock::now(), MomentKind::Disconnected, text);
        tokio::spawn(Arc::clone(self).connect_again());
    }

    // A boxed future, for `connect` and this lead to each other.
    fn connect_again(self: Arc<Self>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut wait = FIRST_WAIT;
            while !self.closed.load(Ordering::Acquire) {
                if self.connect().await.is_ok() {
                    self.flow.changed.notify_one();
                    if self.closed.load(Ordering::Acquire) {
                        self.close();
                    }
                    return;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_message_that_the_client_forgot_is_given_up_after_its_connection() {
        let (held, lost) = watch::channel(());
        let mut doubt = Doubt::of(lost, Duration::from_millis(1));
        assert_eq!(doubt.unless_settled(ready(1)).await, Some(1));
        let late = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            2
        };
        assert_eq!(doubt.unless_settled(late).await, Some(2), "its connection is not lost");
        drop(held);
        assert_eq!(doubt.unless_settled(pending::<u32>()).await, None);
        let first = doubt.until;
        assert_eq!(doubt.unless_settled(pending::<u32>()).await, None);
        assert_eq!((first.is_some(), doubt.until), (true, first), "the next waits no longer");
        assert_eq!(doubt.unless_settled(ready(3)).await, Some(3), "what is known counts");
    }
}
