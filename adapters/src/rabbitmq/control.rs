//! The road of proof: what RabbitMQ holds of a cell, and how it is removed.

use lapin::types::ShortString;
use schedbench_contract::{Backlog, Result, Server};

use super::queues::Queues;
use crate::amqp::questions::Questions;
use crate::amqp::road::Road;

/// What of RabbitMQ we ask for.
#[derive(Debug)]
pub(super) struct Control(Questions);

impl Control {
    pub(super) fn new(road: Road) -> Self {
        Self(Questions::new(road))
    }

    /// # Errors
    /// The queue exists.
    pub(super) async fn must_be_unused(&self, queues: &Queues) -> Result<()> {
        for queue in [&queues.main, &queues.retry, &queues.dead] {
            self.0.must_be_unused(queue).await?;
        }
        Ok(())
    }

    /// Declares what every cell has.
    pub(super) async fn declare(&self, queues: &Queues) -> Result<()> {
        let channel = self.0.channel().await?;
        let declared = queues.declare_all(&channel).await;
        declared.map_err(|error| self.0.road.error("declaring queues", &error))
    }

    async fn messages(&self, queue: &ShortString) -> Result<u64> {
        self.0.messages(queue).await
    }

    /// Consumers of the main queue.
    pub(super) async fn consumers(&self, queues: &Queues) -> Result<u32> {
        Ok(self.0.depth(&queues.main).await?.map_or(0, |depth| depth.consumers))
    }

    /// How many messages are in each queue. What consumers hold AMQP does not
    /// tell; it is back among the ready ones once their connections are gone.
    pub(super) async fn backlog(&self, queues: &Queues) -> Result<Backlog> {
        let mut scheduled = 0;
        for queue in queues.delayed() {
            scheduled += self.messages(&queue).await?;
        }
        Ok(Backlog {
            scheduled: Some(scheduled),
            retry: Some(self.messages(&queues.retry).await?),
            // Last: a task moves from the others to this one, never back.
            ready: Some(self.messages(&queues.main).await?),
            held: None,
            dead: Some(self.messages(&queues.dead).await?),
        })
    }

    /// Throws away what waits.
    pub(super) async fn purge(&self, queues: &Queues) -> Result<()> {
        // The waiting ones first: what they let go ends in the main one.
        let waiting = queues.delayed().into_iter().chain([queues.retry.clone()]);
        for queue in waiting.chain([queues.main.clone()]) {
            self.0.purge(&queue).await?;
        }
        Ok(())
    }

    /// Deletes every queue of the cell and disconnects.
    pub(super) async fn remove(&self, queues: &Queues) -> Result<()> {
        let own = [&queues.main, &queues.retry, &queues.dead].map(Clone::clone);
        for queue in queues.delayed().into_iter().chain(own) {
            self.0.delete(&queue).await?;
        }
        self.0.close().await;
        Ok(())
    }

    /// Which server it is, and what of it decides a result.
    pub(super) async fn server(&self, quorum: bool) -> Result<Server> {
        let mut server = self.0.server().await?;
        let kind = if quorum { "quorum" } else { "classic" };
        server.settings.insert(0, ("queue type".into(), kind.into()));
        Ok(server)
    }
}
