//! The proxies before a broker: one per road and node, and one for the other nodes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::proxy::Proxy;

/// The proxies of all roads. A road's first one is where its clients knock,
/// and those of further nodes where they do so when the first is gone; Kafka
/// also tells them by itself (`docs/decisions/0027`).
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// On the producer's road, in the order of the nodes.
    pub producer: Vec<Arc<Proxy>>,
    /// On the workers' road.
    pub workers: Vec<Arc<Proxy>>,
    /// Before each node of a cluster, for the other nodes: those that follow it
    /// copy what it has through this one. Empty where there are none, or where
    /// they tell each other no port that could be a proxy's.
    pub between: Vec<Arc<Proxy>>,
}

impl Doors {
    /// One more on each road of clients to a node, which may have a listener for each.
    ///
    /// # Errors
    /// There is no port or no thread.
    pub fn add(&mut self, producer: SocketAddr, workers: SocketAddr) -> io::Result<()> {
        self.producer.push(Arc::new(Proxy::to(producer)?));
        self.workers.push(Arc::new(Proxy::to(workers)?));
        Ok(())
    }
}
