//! Connections to Redis, and what goes wrong with them in our own words.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ServerErrorKind, Value, aio::MultiplexedConnection};
use schedbench_contract::Result;
use tokio::sync::Mutex;

use super::road::Road;
use super::scripts;

/// The first wait before connecting again; it doubles up to the longest.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(10);
/// The longest wait before connecting again.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Why there are no replies.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection broke; what was sent may have been carried out.
    Lost(String),
    /// No reply in time; the connection must be replaced, for a connection
    /// that swallows everything is not noticed otherwise.
    Timeout,
}

impl Failure {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Lost(why) => why,
            Self::Timeout => "no answer in time",
        }
    }
}

/// One connection; clones share it.
#[derive(Clone)]
pub(super) struct Line {
    connection: MultiplexedConnection,
    place: Arc<str>,
}

impl Line {
    pub(super) fn new(connection: MultiplexedConnection, place: String) -> Self {
        Self { connection, place: place.into() }
    }

    /// `host:port` of the server that it leads to.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Sends all commands in one write and waits for all replies, in order.
    /// A script that the server has forgotten is loaded and called again; a
    /// command that came back with that error had no effect.
    pub(super) async fn send(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, Failure> {
        let pipeline = pipeline(commands);
        let mut replies = self.send_once(&pipeline).await?;
        if replies.iter().any(is_forgotten) {
            self.send_once(&self::pipeline(scripts::load_all())).await?;
            let (places, again): (Vec<usize>, Vec<Cmd>) = pipeline
                .cmd_iter()
                .enumerate()
                .filter(|(place, _)| is_forgotten(&replies[*place]))
                .map(|(place, command)| (place, command.clone()))
                .unzip();
            let second = self.send_once(&self::pipeline(again)).await?;
            for (place, reply) in places.into_iter().zip(second) {
                replies[place] = reply;
            }
        }
        Ok(replies)
    }

    async fn send_once(&self, pipeline: &redis::Pipeline) -> Result<Vec<Value>, Failure> {
        let mut connection = self.connection.clone();
        let replies = connection.send_packed_commands(pipeline, 0, pipeline.len()).await;
        let replies = replies.map_err(|error| {
            if error.is_timeout() { Failure::Timeout } else { Failure::Lost(error.to_string()) }
        })?;
        if replies.len() == pipeline.len() {
            return Ok(replies);
        }
        Err(Failure::Lost(format!("{} replies to {} commands", replies.len(), pipeline.len())))
    }
}

fn pipeline(commands: Vec<Cmd>) -> redis::Pipeline {
    let mut pipeline = redis::Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command);
    }
    pipeline
}

fn is_forgotten(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// Whether the server has become a replica, or no longer has the slot: its
/// address leads elsewhere by now, this connection never will.
pub(super) fn is_elsewhere(reply: &Value) -> bool {
    const ELSEWHERE: [ServerErrorKind; 2] = [ServerErrorKind::ReadOnly, ServerErrorKind::Moved];
    let Value::ServerError(error) = reply else { return false };
    error.kind().is_some_and(|kind| ELSEWHERE.contains(&kind))
}

/// A connection that is made when it is needed and again after it was lost.
#[derive(Debug)]
pub(super) struct Steady {
    pub(super) road: Road,
    line: Mutex<Option<Line>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Steady {
    /// Connects.
    ///
    /// # Errors
    /// The server is not there or refuses us.
    pub(super) async fn open(road: Road) -> Result<Self> {
        let line = road.connect().await?;
        Ok(Self { road, line: Mutex::new(Some(line)) })
    }

    /// Sends commands, connecting first where there is no connection. A
    /// failure drops the connection; nothing is sent twice.
    ///
    /// # Errors
    /// There is no connection, or it broke. An error among the replies is a
    /// reply.
    pub(super) async fn send(&self, commands: Vec<Cmd>) -> Result<Vec<Value>> {
        let line = {
            // Held while connecting: the others want that connection too.
            let mut place = self.line.lock().await;
            if self.road.asks_each_time() {
                *place = None;
            }
            match &*place {
                Some(line) => line.clone(),
                None => place.insert(self.road.connect().await?).clone(),
            }
        };
        match line.send(commands).await {
            Ok(replies) => {
                if replies.iter().any(is_elsewhere) {
                    *self.line.lock().await = None;
                }
                Ok(replies)
            }
            Err(failure) => {
                *self.line.lock().await = None;
                Err(self.road.broken("asking", failure.text()))
            }
        }
    }

    /// Sends one command; an error reply is an error.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value> {
        let reply = self.send(vec![command.clone()]).await?.pop().unwrap_or_default();
        self.road.accepts(&reply).map(|()| reply)
    }
}
