//! Network namespaces for a broker, joined to this one by veth pairs whose
//! link can be taken down: then packets go nowhere, and what follows is TCP's
//! own answer. Made and removed by iproute2's `ip` (`docs/decisions/0036`).
//!
//! One server, or all of a cluster, is in one namespace. Nodes whose links to
//! each other shall be taken down have one each (`docs/decisions/0042`); these
//! meet in one more, at two bridges:
//!
//! ```text
//! harness ─┐                       ┌─ node 1 ─┐
//!          ├─ bridge of clients ───┼─ node 2 ─┼── bridge of nodes
//!          ┘                       └─ node 3 ─┘
//! ```

mod addresses;
mod namespace;

use std::io;
use std::net::Ipv4Addr;

pub use namespace::sweep;
pub(crate) use namespace::{Inside, remove};

use self::addresses::Block;
use self::namespace::{Namespace, ip};
use crate::environment::{Error, Result, Watchdog, rooms};

/// A server's end of the pair to its clients, inside.
const TO_CLIENTS: &str = "eth0";
/// A node's end of the pair to other nodes.
const TO_NODES: &str = "eth1";
/// The bridges, in the namespace in the middle.
const CLIENTS: &str = "clients";
const NODES: &str = "nodes";
/// Where the nodes' own addresses begin in a block of 16.
const SECOND_HALF: u32 = 8;
/// Most nodes: each half has two addresses that nobody may have, and the
/// harness has one.
const MOST: usize = 5;

/// The namespaces of a broker; dropping it removes them with all pairs.
#[derive(Debug)]
pub struct Network {
    /// One, or one for each node.
    servers: Vec<Server>,
    /// Where the pairs of several meet.
    middle: Option<Namespace>,
}

/// A server's namespace.
#[derive(Debug)]
struct Server {
    namespace: Namespace,
    /// Where it is for clients.
    address: Ipv4Addr,
    /// Where it is for the other nodes.
    among_nodes: Ipv4Addr,
}

/// A link that can be taken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// To whoever is not in there: clients, and the harness.
    Clients,
    /// Between the nodes of a cluster: all of them, and no other.
    Nodes,
}

impl Network {
    /// Makes one: for `nodes` that can be cut off from each other, or for
    /// whatever there is in one namespace where that is 1.
    ///
    /// # Errors
    /// Not root, no `ip`, or a kernel without namespaces, veth or bridges.
    pub fn lay(nodes: usize, watchdog: Option<Watchdog>) -> Result<Self> {
        match nodes {
            0 | 1 => Self::lay_one(watchdog),
            2..=MOST => Self::lay_apart(nodes, watchdog),
            _ => Err(Error::Unfit(format!("{nodes} nodes apart: {MOST} at most"))),
        }
    }

    fn lay_one(watchdog: Option<Watchdog>) -> Result<Self> {
        let block = Block::free()?;
        let (ours, its) = (block.address(1), block.address(2));
        let namespace = Namespace::make(watchdog)?;
        join_harness(&namespace, TO_CLIENTS, &format!("{ours}/30"))?;
        let addressed = format!("{its}/30");
        namespace.ip(&["addr", "add", &addressed, "dev", TO_CLIENTS])?;
        namespace.ip(&["link", "set", TO_CLIENTS, "up"])?;
        let server = Server { namespace, address: its, among_nodes: Ipv4Addr::LOCALHOST };
        Ok(Self { servers: vec![server], middle: None })
    }

    fn lay_apart(nodes: usize, watchdog: Option<Watchdog>) -> Result<Self> {
        let block = Block::free()?;
        let middle = Namespace::make(watchdog.clone())?;
        for bridge in [CLIENTS, NODES] {
            middle.ip(&["link", "add", bridge, "type", "bridge"])?;
            middle.ip(&["link", "set", bridge, "up"])?;
        }
        join_harness(&middle, "harness", &format!("{}/29", block.address(1)))?;
        middle.ip(&["link", "set", "harness", "master", CLIENTS, "up"])?;
        let mut servers = Vec::with_capacity(nodes);
        for node in 1..=nodes as u32 {
            let namespace = Namespace::make(watchdog.clone())?;
            let address = block.address(1 + node);
            let among_nodes = block.address(SECOND_HALF + node);
            for (bridge, inside, address) in
                [(CLIENTS, TO_CLIENTS, address), (NODES, TO_NODES, among_nodes)]
            {
                let port = format!("{bridge}-{node}");
                middle.ip(&pair(&port, inside, namespace.name()))?;
                middle.ip(&["link", "set", &port, "master", bridge, "up"])?;
                let addressed = format!("{address}/29");
                namespace.ip(&["addr", "add", &addressed, "dev", inside])?;
                namespace.ip(&["link", "set", inside, "up"])?;
            }
            servers.push(Server { namespace, address, among_nodes });
        }
        Ok(Self { servers, middle: Some(middle) })
    }

    /// Whether each node has a namespace of its own.
    #[must_use]
    pub const fn is_apart(&self) -> bool {
        self.middle.is_some()
    }

    /// Where the server of this number, from 0, listens for clients.
    #[must_use]
    pub fn address(&self, node: usize) -> Ipv4Addr {
        self.server(node).address
    }

    /// Where it listens for the other nodes of its cluster.
    #[must_use]
    pub fn among_nodes(&self, node: usize) -> Ipv4Addr {
        self.server(node).among_nodes
    }

    /// Moves this thread to that server until the guard is dropped: what it
    /// starts or opens meanwhile is in there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn enter(&self, node: usize) -> io::Result<Inside<'_>> {
        self.server(node).namespace.enter()
    }

    /// Where that server is: the one namespace, if there are no others.
    fn server(&self, node: usize) -> &Server {
        self.servers.get(node).unwrap_or(&self.servers[0])
    }

    /// Takes a link down, far from the harness: on its side the route stays, as
    /// it does where a cable far away is cut. So it does on the side of nodes
    /// that are apart; a single namespace has the end that is down.
    ///
    /// # Errors
    /// `ip` fails, or there is no such link.
    pub fn cut(&self, link: Link) -> Result<()> {
        self.set(link, "down")
    }

    /// Takes it up again.
    ///
    /// # Errors
    /// As for [`cut`](Self::cut).
    pub fn join(&self, link: Link) -> Result<()> {
        self.set(link, "up")
    }

    fn set(&self, link: Link, to: &str) -> Result<()> {
        match (&self.middle, link) {
            // A bridge that is down carries nothing, for all at once.
            (Some(middle), Link::Clients) => middle.ip(&["link", "set", CLIENTS, to]),
            (Some(middle), Link::Nodes) => middle.ip(&["link", "set", NODES, to]),
            (None, Link::Clients) => self.server(0).namespace.ip(&["link", "set", TO_CLIENTS, to]),
            (None, Link::Nodes) => Err(Error::Unfit("its nodes are in one network".into())),
        }
    }
}

/// A pair between the harness's own namespace and another one.
fn join_harness(namespace: &Namespace, inside: &str, address: &str) -> Result<()> {
    let outside = format!("sb{:08x}", rooms::number()?);
    ip(&pair(&outside, inside, namespace.name()))?;
    ip(&["addr", "add", address, "dev", &outside])?;
    ip(&["link", "set", &outside, "up"])
}

/// The words that make a pair with one end here and one there.
fn pair<'a>(here: &'a str, inside: &'a str, there: &'a str) -> [&'a str; 10] {
    ["link", "add", here, "type", "veth", "peer", "name", inside, "netns", there]
}
