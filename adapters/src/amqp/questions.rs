//! The road of proof: what RabbitMQ says of a queue, and how it is removed.

use std::time::{Duration, Instant};

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};
use schedbench_contract::{Error, Result, Server};
use tokio::sync::Mutex;

use super::Amqp;
use super::road::{Road, is_not_found};

/// The oldest version: quorum queues, and the size limits we name.
const OLDEST: (u32, u32) = (3, 8);
/// For all questions about the server together.
const ANSWER: Duration = Duration::from_secs(5);

/// A connection for questions, made again when it was lost.
#[derive(Debug)]
pub(crate) struct Questions {
    pub(crate) road: Road,
    connection: Mutex<Option<Connection>>,
}

/// What a queue says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    pub(crate) messages: u32,
    pub(crate) consumers: u32,
}

impl Questions {
    pub(crate) fn new(road: Road) -> Self {
        Self { road, connection: Mutex::default() }
    }

    /// A channel of its own for each question: an answer that is an error
    /// closes the channel.
    pub(crate) async fn channel(&self) -> Result<Channel> {
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
    pub(crate) async fn must_be_unused(&self, queue: &ShortString) -> Result<()> {
        match self.depth(queue).await? {
            Some(_) => Err(Error::NotOurs(format!("the queue {queue}"))),
            None => Ok(()),
        }
    }

    /// What a queue says of itself; `None` where there is none of that name.
    pub(crate) async fn depth(&self, queue: &ShortString) -> Result<Option<Depth>> {
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

    /// Messages in a queue that no consumer has; 0 where there is no queue.
    pub(crate) async fn messages(&self, queue: &ShortString) -> Result<u64> {
        Ok(self.depth(queue).await?.map_or(0, |depth| u64::from(depth.messages)))
    }

    /// Throws away what waits in a queue, if it is there.
    pub(crate) async fn purge(&self, queue: &ShortString) -> Result<()> {
        let channel = self.channel().await?;
        match channel.queue_purge(queue.clone(), QueuePurgeOptions::default()).await {
            Err(error) if !is_not_found(&error) => Err(self.road.error("purging a queue", &error)),
            _ => Ok(()),
        }
    }

    /// Deletes a queue, if it is there.
    pub(crate) async fn delete(&self, queue: &ShortString) -> Result<()> {
        let channel = self.channel().await?;
        match channel.queue_delete(queue.clone(), QueueDeleteOptions::default()).await {
            Err(error) if !is_not_found(&error) => Err(self.road.error("deleting a queue", &error)),
            _ => Ok(()),
        }
    }

    /// Disconnects.
    pub(crate) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            // All is deleted; a goodbye that fails changes nothing.
            let _ = connection.close(200, "".into()).await;
        }
    }

    /// Which server it is, as its greeting says: lapin does not show it.
    pub(crate) async fn server(&self) -> Result<Server> {
        let address = self.road.address.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let amqp = Amqp::sign_in(&address, Instant::now() + ANSWER)?;
            let server = amqp.server().clone();
            amqp.close().map(|()| server)
        });
        let broken = |why: &str| self.road.broken("asking for the version", why);
        let said = asked.await.map_err(|error| broken(&error.to_string()))?;
        let said = said.map_err(|error| broken(&error.to_string()))?;
        check_version(self.road.place(), &said.version)?;
        Ok(Server {
            name: said.product.to_lowercase(),
            year: release_year(&said.version),
            version: said.version,
            settings: vec![
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

/// Whether a version is before that one, or cannot be read.
pub(crate) fn is_older(version: &str, oldest: (u32, u32)) -> bool {
    major_and_minor(version).is_none_or(|version| version < oldest)
}

fn check_version(place: &str, version: &str) -> Result<()> {
    let (major, minor) = OLDEST;
    if !is_older(version, OLDEST) {
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
