//! The road of proof: what RabbitMQ holds of a cell, and how it is removed.

use lapin::types::ShortString;
use schedbench_contract::{Backlog, Error, Result, Server};

use super::profiles::Kind;
use super::queues::Queues;
use crate::amqp::questions::{Questions, is_older};
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
            // An empty one is left alone. Soon after a restart a quorum queue
            // may have no leader yet; RabbitMQ 3.10.8 was seen to elect none
            // once it was told to purge just then, and to fail 30 s later.
            if self.messages(&queue).await? > 0 {
                self.0.purge(&queue).await?;
            }
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

    /// Which server it is, and what of it decides a result. How many nodes it
    /// has, and how many members a queue, AMQP does not tell: what was asked
    /// for is said as such.
    pub(super) async fn server(&self, kind: Kind) -> Result<Server> {
        let mut server = self.0.server().await?;
        let mut settings = vec![("queue type".to_owned(), kind.name().to_owned())];
        match kind {
            Kind::Quorum { members } => {
                must_expire_in_quorum_queues(self.0.road.place(), &server.version)?;
                settings.push(("members asked for, a queue".into(), members.to_string()));
            }
            Kind::Mirrored { nodes } => {
                must_have_mirrors(self.0.road.place(), &server.version)?;
                settings.push(("nodes asked for, a queue".into(), nodes.to_string()));
            }
            Kind::Classic => {}
        }
        server.settings.splice(0..0, settings);
        Ok(server)
    }
}

/// The first version whose quorum queues let messages expire, which is how
/// delayed tasks become due; older ones keep them for ever.
const EXPIRES: (u32, u32) = (3, 10);

fn must_expire_in_quorum_queues(place: &str, version: &str) -> Result<()> {
    if is_older(version, EXPIRES) {
        let (major, minor) = EXPIRES;
        return Err(Error::Version(format!(
            "rabbitmq at {place} is version {version}; quorum queues here need {major}.{minor} \
             or later, for in older ones nothing expires and no delayed task becomes due"
        )));
    }
    Ok(())
}

/// The first version without mirrored classic queues: it takes their policy and
/// does nothing of it.
const NO_MIRRORS: (u32, u32) = (4, 0);

fn must_have_mirrors(place: &str, version: &str) -> Result<()> {
    if is_older(version, NO_MIRRORS) {
        return Ok(());
    }
    Err(Error::Version(format!(
        "rabbitmq at {place} is version {version}; mirrored classic queues need RabbitMQ 3, for \
         4.0 removed them. Their successor is rabbitmq/quorum-3"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_mirrors_is_refused() {
        for (version, accepted) in [
            ("3.8.0", true),
            ("3.10.8", true),
            ("3.13.7", true),
            ("4.0.0", false),
            ("4.1.2", false),
        ] {
            let checked = must_have_mirrors("h:1", version);
            assert_eq!(checked.is_ok(), accepted, "{version}");
        }
    }

    #[test]
    fn quorum_queues_that_keep_for_ever_are_refused() {
        for (version, accepted) in
            [("3.8.0", false), ("3.9.29", false), ("3.10.0", true), ("4.1.0", true)]
        {
            let checked = must_expire_in_quorum_queues("h:1", version);
            assert_eq!(checked.is_ok(), accepted, "{version}");
        }
    }
}
