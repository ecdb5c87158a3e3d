//! A RabbitMQ that is not ours.

use std::io::{Error as IoError, ErrorKind};
use std::time::{Duration, Instant};

use schedbench_adapters::amqp::Amqp;
use schedbench_contract::{Address, Topology};

use super::ENTRY;
use crate::environment::broker::{Leftovers, Need, Running};
use crate::environment::{Child, Error, Result};

/// Every queue of ours is named so, and no other.
const QUEUE: &str = "schedbench.";
/// One login.
const ANSWER: Duration = Duration::from_secs(5);

/// Its version.
pub(super) fn ask(address: &Address) -> std::io::Result<String> {
    let amqp = Amqp::sign_in(address, Instant::now() + ANSWER).map_err(in_words)?;
    let server = amqp.server().clone();
    let _ = amqp.close();
    if server.product != "RabbitMQ" {
        return Err(IoError::other(format!("it is {:?}, not RabbitMQ", server.product)));
    }
    Ok(server.version)
}

/// What a bare error of a socket means here.
fn in_words(error: IoError) -> IoError {
    let kind = error.kind();
    let words = match kind {
        ErrorKind::TimedOut => {
            let within = ANSWER.as_secs();
            format!("no answer within {within} s, as if it does not speak AMQP 0-9-1")
        }
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "it hung up during the login, as if it does not speak AMQP 0-9-1".into()
        }
        _ => return error,
    };
    IoError::new(kind, words)
}

/// Reaches an existing one. What its `rabbitmq.conf` says and how many nodes
/// it has cannot be asked over AMQP, so a profile that needs settings there or
/// a cluster is refused: nothing is measured under a class that nobody vouches
/// for.
pub(super) fn reach(address: Address, url_env: &str, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let place = format!("the RabbitMQ of {url_env} ({}:{})", address.host, address.port);
    let unsaid = |needs: String| {
        Error::Unfit(format!(
            "{}: this profile needs {needs}, and {place} does not say over AMQP what it \
             has\n  Let schedbench start its own (apt-get install rabbitmq-server, no url_env)",
            need.who
        ))
    };
    if need.profile.topology == Topology::Cluster {
        let nodes = need.profile.topology.nodes();
        return Err(unsaid(format!("a cluster of {nodes} with a member of each queue on each")));
    }
    if let Some((key, value)) = need.profile.broker_settings.first() {
        return Err(unsaid(format!("{key} = {value}")));
    }
    let version = ask(&address).map_err(Error::io(format!("{}: asking {place}", need.who)))?;
    if ENTRY.is_too_old(&version) {
        let (major, minor) = ENTRY.oldest;
        return Err(Error::Unfit(format!(
            "{}: {place} is {version}; {major}.{minor} or later is needed",
            need.who
        )));
    }
    Ok(Box::new(Existing { address, version, url_env: url_env.into() }))
}

/// Used, never signalled or changed.
struct Existing {
    address: Address,
    version: String,
    url_env: String,
}

impl Running for Existing {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        None
    }

    fn describe(&self) -> String {
        let Self { address: Address { host, port, .. }, version, url_env } = self;
        format!("rabbitmq {version} of {url_env} at {host}:{port}, not ours")
    }

    fn restart(&mut self) -> Result<()> {
        Err(Error::Unfit(format!("the RabbitMQ of {} is not ours to restart", self.url_env)))
    }

    fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// AMQP has no way to list queues, and the management plugin is not on everywhere.
pub(super) fn leftovers(_: &Address) -> std::io::Result<Leftovers> {
    Err(IoError::new(
        ErrorKind::Unsupported,
        "queues cannot be listed over AMQP; on its host: \
         rabbitmqctl list_queues name | grep '^schedbench[.]'   then: \
         rabbitmqctl delete_queue NAME",
    ))
}

/// Deletes the queues of that names.
pub(super) fn remove(address: &Address, found: &Leftovers) -> std::io::Result<()> {
    let mut amqp = Amqp::sign_in(address, Instant::now() + ANSWER)?;
    for queue in found.keys().filter(|queue| queue.starts_with(QUEUE)) {
        amqp.delete_queue(queue)?;
    }
    amqp.close()
}
