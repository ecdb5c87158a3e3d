//! The road of proof: what RabbitMQ holds of a cell, and how it is removed.

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};
use schedbench_contract::{Backlog, Error, Result, Server};
use tokio::sync::Mutex;

use super::queues::Queues;
use super::road::{Road, is_not_found};
use crate::amqp::Amqp;

/// The oldest version: quorum queues, and the size limits we name.
const OLDEST: (u32, u32) = (3, 8);
/// For all questions about the server together.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(5);

/// A connection for questions, made again when it was lost.
#[derive(Debug)]
pub(super) struct Control {
    road: Road,
    connection: Mutex<Option<Connection>>,
}

/// What a queue says of itself.
#[derive(Clone, Copy, Debug)]
struct Depth {
    messages: u32,
    consumers: u32,
}

impl Control {
    pub(super) fn new(road: Road) -> Self {
        Self { road, connection: Mutex::default() }
    }

    /// A channel of its own for each question: an answer that is an error
    /// closes the channel.
    async fn channel(&self) -> Result<Channel> {
        let mut place = self.connection.lock().await;
        if let Some(connection) = &*place {
            if let Ok(channel) = connection.create_channel().await {
                return Ok(channel);
            }
            *place = None;
        }
        let connection = self.road.connect("schedbench control").await?;
        let channel = connection.create_channel().await;
        let channel = channel.map_err(|error| self.road.error("opening a channel", &error))?;
        *place = Some(connection);
        Ok(channel)
    }

    /// # Errors
    /// The queue exists.
    pub(super) async fn must_be_unused(&self, queues: &Queues) -> Result<()> {
        for queue in [&queues.main, &queues.retry, &queues.dead] {
            if self.depth(queue).await?.is_some() {
                return Err(Error::NotOurs(format!("the queue {queue}")));
            }
        }
        Ok(())
    }

    /// Declares what every cell has.
    pub(super) async fn declare(&self, queues: &Queues) -> Result<()> {
        let channel = self.channel().await?;
        let declared = queues.declare_all(&channel).await;
        declared.map_err(|error| self.road.error("declaring queues", &error))
    }

    /// What a queue says of itself; `None` where there is none of that name.
    async fn depth(&self, queue: &ShortString) -> Result<Option<Depth>> {
        let channel = self.channel().await?;
        let passive = QueueDeclareOptions::default().passive();
        match channel.queue_declare(queue.clone(), passive, FieldTable::default()).await {
            Ok(queue) => Ok(Some(Depth {
                messages: queue.message_count(),
                consumers: queue.consumer_count(),
            })),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(self.road.error("asking a queue", &error)),
        }
    }

    async fn messages(&self, queue: &ShortString) -> Result<u64> {
        Ok(self.depth(queue).await?.map_or(0, |depth| u64::from(depth.messages)))
    }

    /// Consumers of the main queue.
    pub(super) async fn consumers(&self, queues: &Queues) -> Result<u32> {
        Ok(self.depth(&queues.main).await?.map_or(0, |depth| depth.consumers))
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
            let channel = self.channel().await?;
            match channel.queue_purge(queue, QueuePurgeOptions::default()).await {
                Err(error) if !is_not_found(&error) => {
                    return Err(self.road.error("purging a queue", &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Deletes every queue of the cell and disconnects.
    pub(super) async fn remove(&self, queues: &Queues) -> Result<()> {
        let own = [&queues.main, &queues.retry, &queues.dead].map(Clone::clone);
        for queue in queues.delayed().into_iter().chain(own) {
            let channel = self.channel().await?;
            match channel.queue_delete(queue, QueueDeleteOptions::default()).await {
                Err(error) if !is_not_found(&error) => {
                    return Err(self.road.error("deleting a queue", &error));
                }
                _ => {}
            }
        }
        if let Some(connection) = self.connection.lock().await.take() {
            // All is deleted; a goodbye that fails changes nothing.
            let _ = connection.close(200, "".into()).await;
        }
        Ok(())
    }

    /// Which server it is, as its greeting says: lapin does not show it.
    pub(super) async fn server(&self, quorum: bool) -> Result<Server> {
        let address = self.road.address.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let amqp = Amqp::sign_in(&address, std::time::Instant::now() + ANSWER)?;
            let server = amqp.server().clone();
            amqp.close().map(|()| server)
        });
        let broken = |why: &str| self.road.broken("asking for the version", why);
        let said = asked.await.map_err(|error| broken(&error.to_string()))?;
        let said = said.map_err(|error| broken(&error.to_string()))?;
        check_version(self.road.place(), &said.version)?;
        let kind = if quorum { "quorum" } else { "classic" };
        Ok(Server {
            name: said.product.to_lowercase(),
            year: release_year(&said.version),
            version: said.version,
            settings: vec![
                ("queue type".into(), kind.into()),
                ("frame_max".into(), said.frame_max.to_string()),
                ("heartbeat proposed, s".into(), said.heartbeat.to_string()),
            ],
        })
    }
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

fn check_version(place: &str, version: &str) -> Result<()> {
    let (major, minor) = OLDEST;
    if major_and_minor(version).is_some_and(|version| version >= OLDEST) {
        return Ok(());
    }
    Err(Error::Version(format!(
        "rabbitmq at {place} is version {version}; {major}.{minor} or later is needed"
    )))
}

/// The year in which a version line was first released.
fn release_year(version: &str) -> Option<u16> {
    Some(match major_and_minor(version)? {
        (3, 8) => 2019,
        (3, 9) => 2021,
        (3, 10 | 11) => 2022,
        (3, 12) => 2023,
        (3, 13) | (4, 0) => 2024,
        (4, 1 | 2) => 2025,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_3_8_are_refused_with_what_is_needed() {
        for (version, accepted) in
            [("3.7.28", false), ("2.8", false), ("3.8.0", true), ("3.10.8", true), ("4.1.0", true)]
        {
            assert_eq!(check_version("h:1", version).is_ok(), accepted, "{version}");
        }
        let error = check_version("h:1", "3.7.28").expect_err("too old").to_string();
        assert!(["h:1", "3.7.28", "3.8"].iter().all(|part| error.contains(part)), "{error}");
    }
}
