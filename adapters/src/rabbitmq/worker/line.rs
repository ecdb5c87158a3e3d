//! One connection of a worker: a channel that consumes and acknowledges.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_core::Stream;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use schedbench_contract::{Result, Work};
use tokio::time::sleep;

use super::super::profiles::Manner;
use super::acks::{Acks, Frames};
use crate::amqp::road::{FIRST_WAIT, LONGEST_WAIT, Road};

/// A connection that consumes.
pub(super) struct Line {
    pub(super) channel: Channel,
    consumer: Consumer,
    /// Nothing more comes.
    ended: bool,
    pub(super) acks: Acks,
    /// Tells this line's deliveries from those of the one it replaced.
    pub(super) generation: u64,
    manner: Manner,
    connection: Connection,
}

impl Line {
    /// Connects and begins to consume.
    pub(super) async fn open(road: &Road, work: &Work, generation: u64) -> Result<Self> {
        let manner = Manner::of(&work.profile);
        let connection = road.connect("schedbench worker").await?;
        let prepared = async {
            let channel = connection.create_channel().await?;
            if manner.confirms {
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
            }
            channel.basic_qos(prefetch(work), BasicQosOptions::default()).await?;
            let options =
                BasicConsumeOptions { no_ack: manner.no_ack, ..BasicConsumeOptions::default() };
            let queue = work.queue.as_str().into();
            let consumer = channel
                .basic_consume(queue, Default::default(), options, FieldTable::default())
                .await?;
            Ok((channel, consumer))
        };
        let (channel, consumer) =
            prepared.await.map_err(|error| road.error("beginning to consume", &error))?;
        let acks = Acks::default();
        Ok(Self { channel, consumer, ended: false, acks, generation, manner, connection })
    }

    /// Connects until it succeeds.
    pub(super) async fn open_again(road: Road, work: Work, generation: u64) -> Self {
        let mut wait = FIRST_WAIT;
        loop {
            if let Ok(line) = Self::open(&road, &work, generation).await {
                return line;
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// The next delivery; `Ready(None)` when the connection or the consumer has
    /// ended, once.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.ended {
            return Poll::Pending;
        }
        match Pin::new(&mut self.consumer).poll_next(context) {
            Poll::Ready(Some(Ok(delivery))) => {
                if !self.manner.no_ack {
                    self.acks.held(delivery.delivery_tag);
                }
                Poll::Ready(Some(delivery))
            }
            Poll::Ready(Some(Err(_)) | None) => {
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// A delivery is done with.
    pub(super) fn done(&mut self, tag: u64) {
        if !self.manner.no_ack {
            self.acks.done(tag);
        }
    }

    /// Tells the server what is done. The frames are given to the client and
    /// not waited for: an end of the connection shows in the consumer.
    pub(super) async fn tell(&mut self) {
        let Frames { up_to, single } = self.acks.frames();
        if let Some(tag) = up_to {
            give(self.channel.basic_ack(tag, BasicAckOptions { multiple: true })).await;
        }
        for tag in single {
            give(self.channel.basic_ack(tag, BasicAckOptions { multiple: false })).await;
        }
    }

    /// Lets nothing more come.
    pub(super) async fn cancel(&self) {
        let tag = self.consumer.tag();
        // Who is gone sends nothing more either.
        let _ = self.channel.basic_cancel(tag, BasicCancelOptions::default()).await;
    }

    /// Hangs up. What was not acknowledged is the queue's again.
    pub(super) async fn close(self) {
        let _ = self.channel.close(200, "".into()).await;
        let _ = self.connection.close(200, "".into()).await;
    }
}

/// Its share of what the process may hold.
fn prefetch(work: &Work) -> u16 {
    let share = work.shape.prefetch / work.shape.connections.max(1);
    u16::try_from(share.max(1)).unwrap_or(u16::MAX)
}

/// Gives a frame to the client without waiting until it is written.
async fn give<T>(sending: impl Future<Output = T>) {
    let mut sending = pin!(sending);
    poll_fn(|context| {
        let _ = sending.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}
