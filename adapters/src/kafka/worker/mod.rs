//! A worker process: one member of the consumer group.
//!
//! One thread polls, others handle, one commits. What a worker holds and has
//! not committed is at most its prefetch; librdkafka itself fetches further
//! ahead, which holds nothing: those records are nobody's until handed over.

mod desk;
mod ear;
mod forward;
mod goodbye;
mod hands;
mod hold;
mod offsets;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use schedbench_contract::{BodyPool, Error, Record, Report, Result, Status, Work};

use super::Queue;
use super::connect::{self, ANSWER_WITHIN, Complaint};
use super::profiles::{Session, Tuning};
use super::record::Label;
use crate::clock;
use desk::Desk;
use ear::Ear;
use forward::Forwarder;
use goodbye::{commit_the_rest, leave};
use hands::{Bench, Hands, Job};
use hold::Hold;

/// Most records that wait in a worker until they are due.
const MOST_HELD: usize = 65_536;
/// Finished tasks wait at most this long for their offsets to be committed.
const COMMIT_WITHIN: Duration = Duration::from_millis(100);
/// A poll with nothing to do, so that a stop is seen.
const IDLE: Duration = Duration::from_millis(50);
/// A poll while handlers run, so that what they report leaves soon.
const BUSY: Duration = Duration::from_millis(2);
/// Without room for so long it polls all the same, with its partitions paused:
/// who no longer belongs to the group is told so by a poll only, and until then
/// nothing that it commits is taken, so that there would never be room again.
const LISTEN_AFTER: Duration = Duration::from_secs(2);
/// Between attempts to commit what could not be.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Whether the brokers answer again is asked so often after a lost connection:
/// who has no task of its own would not learn of it otherwise.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// For that answer.
const ASK_FOR: Duration = Duration::from_millis(50);

/// Consumes until `stop` resolves.
///
/// # Errors
/// The brokers are not there or refuse us.
pub(super) async fn run(
    work: &Work,
    report: impl Report,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    let (work, flag) = (work.clone(), Arc::clone(&stopping));
    let (ended, mut end) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("consumer".into())
        .spawn(move || {
            let _ = ended.send(consume(&work, report, &flag));
        })
        .map_err(|error| Error::Broken(format!("starting the consumer's thread: {error}")))?;
    let panicked = |_| Err(Error::Broken("the consumer's thread panicked".into()));
    let mut stop = pin!(stop);
    tokio::select! {
        ended = &mut end => ended.unwrap_or_else(panicked),
        () = stop.as_mut() => {
            stopping.store(true, Ordering::Release);
            end.await.unwrap_or_else(panicked)
        }
    }
}

fn consume<R: Report>(work: &Work, report: R, stopping: &AtomicBool) -> Result<()> {
    let at = work.at.as_ref();
    let at = at.ok_or_else(|| Error::Broken("the work does not say where Kafka is".into()))?;
    let queue = Queue::of(&work.queue, &work.shape);
    let tuning = Tuning::of(&work.profile);
    let prefetch = work.shape.prefetch as usize;
    let desk = Arc::new(Desk::new(queue.clone(), prefetch, MOST_HELD, tuning));
    let consumer = subscribe(work, tuning.session, &queue, &desk)?;
    let bench = Bench {
        work,
        queue: &queue,
        desk: &desk,
        pool: BodyPool::new(work.body),
        forwarder: Forwarder::open(at, &desk)?,
        report: Mutex::new(report),
    };
    let served = std::thread::scope(|scope| {
        let hands = Hands::hire(scope, &bench)?;
        if !tuning.commits_before {
            let committer = std::thread::Builder::new().name("committer".into());
            committer
                .spawn_scoped(scope, || keep_committing(&consumer, &desk))
                .map_err(|error| Error::Broken(format!("starting the committer: {error}")))?;
        }
        let hold = Hold::default();
        let mut loop_ =
            Loop { consumer: &consumer, bench: &bench, hands, tuning, hold, full_since: None };
        let served = loop_.serve(stopping);
        // Also after an error: the threads have to end.
        desk.close();
        served
    });
    if served.is_ok() {
        bench.forwarder.flush();
        bench.flush();
        if !tuning.commits_before {
            commit_the_rest(&consumer, &desk);
        }
    }
    drop(bench);
    leave(consumer);
    served
}

fn subscribe(
    work: &Work,
    session: Session,
    queue: &Queue,
    desk: &Arc<Desk>,
) -> Result<BaseConsumer<Ear>> {
    let Some(at) = &work.at else { return Err(Error::Broken("no address of Kafka".into())) };
    let mut config = connect::client(at)?;
    config
        .set("group.id", &queue.group)
        .set("client.id", format!("schedbench-{}", work.index))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        // Once it has 100,000 records of a partition the client fetches no more
        // of it for so long, 1 s by default, even if they are gone in a tenth
        // of that.
        .set("fetch.queue.backoff.ms", "5")
        .set("session.timeout.ms", session.timeout_ms)
        .set("heartbeat.interval.ms", session.heartbeat_ms);
    let ear = Ear {
        desk: Arc::clone(desk),
        complaint: Complaint::default(),
        is_paused: false.into(),
        is_connected: true.into(),
    };
    let consumer: BaseConsumer<Ear> = BaseConsumer::from_config_and_context(&config, ear)
        .map_err(|error| Error::Broken(format!("kafka's client: {error}")))?;
    let explain = |doing: &str, error: &KafkaError| {
        consumer.context().complaint.explain(&connect::place(at), doing, error)
    };
    consumer
        .fetch_metadata(Some(&queue.topic), ANSWER_WITHIN)
        .map_err(|error| explain("connecting a worker", &error))?;
    consumer
        .subscribe(&[&queue.topic, &queue.retry])
        .map_err(|error| explain("subscribing", &error))?;
    Ok(consumer)
}

/// Commits beside the handlers, one request at a time.
fn keep_committing(consumer: &BaseConsumer<Ear>, desk: &Desk) {
    while let Some((assignment, list)) = desk.wait_for_commit(COMMIT_WITHIN) {
        let Some(list) = list else { continue };
        match consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => {
                consumer.context().is_connected.store(true, Ordering::Relaxed);
                desk.committed(assignment, &list);
            }
            Err(error) => {
                eprintln!("kafka's consumer: committing: {error}");
                std::thread::sleep(AGAIN_AFTER);
            }
        }
    }
}

/// The thread that polls.
struct Loop<'a, 'c, R> {
    consumer: &'c BaseConsumer<Ear>,
    bench: &'a Bench<'a, R>,
    hands: Hands<'c>,
    tuning: Tuning,
    hold: Hold<'c>,
    /// Since when there is no room.
    full_since: Option<Instant>,
}

impl<'c, R: Report> Loop<'_, 'c, R> {
    fn serve(&mut self, stopping: &AtomicBool) -> Result<()> {
        let desk = self.bench.desk;
        let (mut is_ready, mut away) = (false, None);
        while !stopping.load(Ordering::Acquire) {
            if !is_ready && desk.is_assigned() {
                is_ready = true;
                self.say(Status::Ready);
            }
            self.tell_of_connections(&mut away);
            let room = if self.hold.len() < MOST_HELD { desk.room() } else { 0 };
            let next_due = self.hold.release(|job| self.hands.give(self.bench, job), desk);
            let most = if desk.is_busy() { BUSY } else { IDLE };
            let most = next_due.map_or(most, |due| most.min(due));
            self.bench.flush();
            if room == 0 {
                self.full(most.min(BUSY))?;
                continue;
            }
            self.has_room();
            if most < Duration::from_millis(1) {
                // A poll counts in whole milliseconds.
                std::thread::sleep(most);
                self.round(room, Duration::ZERO)?;
            } else {
                self.round(room, most)?;
            }
        }
        Ok(())
    }

    /// Says of the worker what is so from now on.
    fn say(&self, status: Status) {
        self.bench.record(Record::of_worker(self.bench.work.index, status, clock::now()));
        self.bench.flush();
    }

    /// Says when a connection was lost, and when there is one again; `away` is
    /// when that was asked last.
    fn tell_of_connections(&self, away: &mut Option<Instant>) {
        let ear = self.consumer.context();
        let is_connected = ear.is_connected.load(Ordering::Relaxed);
        match *away {
            None if is_connected => {}
            None => {
                self.say(Status::Disconnected);
                *away = Some(Instant::now());
            }
            Some(_) if is_connected => {
                self.say(Status::Reconnected);
                *away = None;
            }
            // Not while tasks wait for their time, which an answer may delay.
            Some(asked) if asked.elapsed() < ASK_EVERY || self.hold.len() > 0 => {}
            Some(_) => {
                let topic = Some(self.bench.queue.topic.as_str());
                if self.consumer.fetch_metadata(topic, ASK_FOR).is_ok() {
                    ear.is_connected.store(true, Ordering::Relaxed);
                }
                *away = Some(Instant::now());
            }
        }
    }

    /// Waits for room, and after a while listens meanwhile.
    fn full(&mut self, most: Duration) -> Result<()> {
        let since = *self.full_since.get_or_insert_with(Instant::now);
        let ear = self.consumer.context();
        if ear.is_paused.load(Ordering::Relaxed) {
            // A record that was on its way is one more than the prefetch.
            return self.round(1, most);
        }
        self.bench.desk.wait(most);
        if since.elapsed() > LISTEN_AFTER {
            ear.pause(self.consumer);
        }
        Ok(())
    }

    fn has_room(&mut self) {
        self.full_since = None;
        let ear = self.consumer.context();
        if ear.is_paused.load(Ordering::Relaxed) {
            match self.consumer.assignment() {
                Ok(all) => ear.resume(self.consumer, &all),
                Err(error) => eprintln!("kafka's consumer: its assignment: {error}"),
            }
        }
    }

    /// Takes what there is, at most a round of it, and waits only for the first.
    fn round(&mut self, room: usize, wait: Duration) -> Result<()> {
        let mut wait = wait;
        let mut taken = Vec::new();
        for _ in 0..room.min(self.tuning.round) {
            let Some(polled) = self.consumer.poll(wait) else { break };
            wait = Duration::ZERO;
            match polled {
                Ok(message) if self.tuning.commits_before => taken.push(message),
                Ok(message) => self.take(message),
                Err(error) => {
                    complain(&error)?;
                    break;
                }
            }
        }
        if !taken.is_empty() && self.commit_before(&taken) {
            taken.into_iter().for_each(|message| self.take(message));
        }
        Ok(())
    }

    /// Commits what was taken; otherwise it is read again.
    fn commit_before(&self, taken: &[BorrowedMessage<'c>]) -> bool {
        let (mut after, mut first) = (TopicPartitionList::new(), TopicPartitionList::new());
        for message in taken {
            let (topic, partition) = (message.topic(), message.partition());
            if first.find_partition(topic, partition).is_none() {
                let _ =
                    first.add_partition_offset(topic, partition, Offset::Offset(message.offset()));
                let _ = after.add_partition_offset(topic, partition, Offset::Offset(0));
            }
            let next = Offset::Offset(message.offset() + 1);
            let _ = after.set_partition_offset(topic, partition, next);
        }
        let Err(error) = self.consumer.commit(&after, CommitMode::Sync) else { return true };
        eprintln!("kafka's consumer: committing before the handlers: {error}");
        if let Err(error) = self.consumer.seek_partitions(first, ANSWER_WITHIN) {
            eprintln!("kafka's consumer: going back: {error}");
        }
        false
    }

    fn take(&mut self, message: BorrowedMessage<'c>) {
        let desk = self.bench.desk;
        let ear = self.consumer.context();
        if !ear.is_connected.load(Ordering::Relaxed) {
            ear.is_connected.store(true, Ordering::Relaxed);
        }
        let Some(place) = desk.place(message.topic(), message.partition()) else { return };
        let origin = desk.begin(place, message.offset());
        let label = Label::of(&message);
        let due_wall = label.and_then(|label| label.due_wall);
        let job = Job { message, label, origin };
        match due_wall {
            Some(due) if due > clock::wall() => self.hold.keep(due, job),
            _ => self.hands.give(self.bench, job),
        }
    }
}

/// What the client gets over by itself is told; what it does not ends the
/// worker.
fn complain(error: &KafkaError) -> Result<()> {
    eprintln!("kafka's consumer: polling: {error}");
    match error {
        KafkaError::MessageConsumptionFatal(_)
        | KafkaError::MessageConsumption(
            RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed,
        ) => Err(Error::Broken(format!("kafka: consuming: {error}"))),
        _ => Ok(()),
    }
}
