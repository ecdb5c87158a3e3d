//! A worker process: consumes, runs, reports, acknowledges.

mod acks;
mod attempts;
mod goodbye;
mod hands;
mod line;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use lapin::message::Delivery;
use schedbench_contract::{BodyPool, Error, Handler, Record, Report, Result, Status, Work};
use tokio::select;
use tokio::task::JoinSet;

use super::profiles::Manner;
use super::queues::Queues;
use crate::amqp::road::Road;
use crate::clock;
use hands::{Finished, Threads, ended};
use line::Line;

/// Deliveries taken before anything else is looked at.
const MOST_AT_ONCE: usize = 256;

/// A delivery, and on which connection it came.
#[derive(Debug)]
pub(super) struct Taken {
    delivery: Delivery,
    came: Came,
}

/// On which connection a delivery came.
#[derive(Clone, Copy, Debug)]
struct Came {
    place: usize,
    generation: u64,
    tag: u64,
}

/// Consumes until `stop`. An outage of RabbitMQ after the start ends nothing.
pub(super) async fn run(
    work: &Work,
    mut report: impl Report,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    let address = work
        .at
        .as_ref()
        .ok_or_else(|| Error::Broken("the work does not say where RabbitMQ is".into()))?;
    let road = Road::to(super::NAME, address)?;
    let mut lines = Vec::new();
    for _ in 0..work.shape.connections.max(1) {
        lines.push(Some(Line::open(&road, work, 0).await?));
    }
    report.record(Record::of_worker(work.index, Status::Ready, clock::now()));
    report.flush();
    let manner = Manner::of(&work.profile);
    let mut worker = Worker {
        work,
        manner,
        queues: Queues::of(&work.queue, manner),
        pool: BodyPool::new(work.body),
        road,
        lines,
        generation: 0,
        connecting: JoinSet::new(),
        report,
        threads: (work.handler != Handler::None)
            .then(|| Threads::start(work.handler, work.shape.concurrency)),
        running: 0,
        ended: Vec::new(),
        setting_aside: JoinSet::new(),
    };
    worker.serve(stop).await;
    worker.finish().await;
    Ok(())
}

struct Worker<'a, R> {
    work: &'a Work,
    manner: Manner,
    queues: Queues,
    pool: BodyPool,
    road: Road,
    /// `None` while one is connected again.
    lines: Vec<Option<Line>>,
    generation: u64,
    connecting: JoinSet<(usize, Line)>,
    report: R,
    /// `None` where the loop itself runs the handlers, for they do nothing.
    threads: Option<Threads>,
    /// Tasks on the threads.
    running: usize,
    /// Handlers that ended and were not looked at.
    ended: Vec<Finished>,
    /// Failed tasks that are being published again; `None` for one that could
    /// not be and stays the server's.
    setting_aside: JoinSet<Option<Came>>,
}

impl<R: Report> Worker<'_, R> {
    async fn serve(&mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut inbox = Vec::with_capacity(MOST_AT_ONCE);
        loop {
            select! {
                biased;
                () = stop.as_mut() => return,
                lost = next(&mut self.lines, &mut inbox) => {
                    self.begin(&mut inbox);
                    if let Some(place) = lost {
                        self.say(Status::Disconnected);
                        self.connect_again(place);
                    }
                }
                () = ended(&mut self.threads, &mut self.ended) => self.take_in(),
                Some(set_aside) = self.setting_aside.join_next() => self.is_set_aside(set_aside),
                Some(Ok((place, line))) = self.connecting.join_next() => {
                    self.lines[place] = Some(line);
                    self.say(Status::Reconnected);
                }
            }
            self.tell().await;
        }
    }

    /// Says of itself what is so from now on.
    fn say(&mut self, status: Status) {
        self.report.record(Record::of_worker(self.work.index, status, clock::now()));
    }

    /// Says what has happened: to the harness first, then to the server.
    async fn tell(&mut self) {
        self.report.flush();
        for line in self.lines.iter_mut().flatten() {
            line.tell().await;
        }
    }

    fn connect_again(&mut self, place: usize) {
        self.lines[place] = None;
        self.generation += 1;
        let (road, work, generation) = (self.road.clone(), self.work.clone(), self.generation);
        self.connecting
            .spawn(async move { (place, Line::open_again(road, work, generation).await) });
    }
}

/// Waits for deliveries and takes what is there, from all connections in turn.
/// Says which connection has ended, if one has.
async fn next(lines: &mut [Option<Line>], inbox: &mut Vec<Taken>) -> Option<usize> {
    poll_fn(|context| {
        for (place, line) in lines.iter_mut().enumerate() {
            let Some(line) = line else { continue };
            let mut share = MOST_AT_ONCE.div_ceil(2);
            while share > 0 {
                share -= 1;
                match line.poll(context) {
                    Poll::Ready(Some(delivery)) => {
                        let (generation, tag) = (line.generation, delivery.delivery_tag);
                        inbox.push(Taken { delivery, came: Came { place, generation, tag } });
                    }
                    Poll::Ready(None) => return Poll::Ready(Some(place)),
                    Poll::Pending => break,
                }
            }
        }
        if inbox.is_empty() { Poll::Pending } else { Poll::Ready(None) }
    })
    .await
}
