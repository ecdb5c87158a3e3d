//! Where a node is in the network: on this machine's loopback interface, in one
//! namespace with all others of its cluster, or in one of its own.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::environment::Network;

#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Where its clients find it.
    pub(super) address: Ipv4Addr,
    /// Where its port mapper and other nodes do. Where all are in one network,
    /// that is the loopback interface.
    pub(super) among_nodes: Ipv4Addr,
    /// Whether no other node is in its network: then it has a port mapper of its
    /// own, and its name has its address in it.
    pub(super) is_apart: bool,
    /// Which node of the network it is.
    pub(super) node: usize,
    network: Option<Arc<Network>>,
}

impl Place {
    /// The place of the node of this number, from 0.
    pub(super) fn of(network: Option<&Arc<Network>>, node: usize) -> Self {
        let (address, among_nodes, is_apart) = match network {
            None => (Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, false),
            Some(network) => (network.address(node), network.among_nodes(node), network.is_apart()),
        };
        Self { address, among_nodes, is_apart, node, network: network.map(Arc::clone) }
    }

    /// What stands behind the `@` of its name.
    pub(super) fn host(&self) -> String {
        if self.is_apart { self.among_nodes.to_string() } else { "localhost".into() }
    }

    /// Does something there: a process that is started or a socket that is opened
    /// meanwhile belongs to its network, whatever link of that is down.
    ///
    /// # Errors
    /// The kernel refuses to go there; what `act` says.
    pub(super) fn within<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _inside = self.network.as_ref().map(|network| network.enter(self.node)).transpose()?;
        act()
    }
}
