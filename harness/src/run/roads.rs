//! The roads of a cell to its broker: direct, or through proxies where the
//! cell is of a fault run.

use std::io;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;

use schedbench_contract::Address;

use crate::environment::{self, Network, Running};
use crate::fault::proxy::{Proxy, Suffering};
use crate::fault::{Doors, LinkFault, Side};
use crate::plan::{CellPlan, Road, Victim};

/// The proxies on a cell's roads, or the network that its broker has to itself;
/// neither where nothing is hurt.
#[derive(Debug, Default)]
pub struct Roads {
    doors: Doors,
    network: Option<Arc<Network>>,
}

/// A fault that lies on links; dropping it heals it.
pub(super) enum Lying {
    Proxies(Vec<Suffering>),
    Link(Cut),
}

/// A link that is down.
pub(super) struct Cut(Arc<Network>, environment::Link);

impl Lying {
    /// # Errors
    /// It cannot be taken away.
    pub(super) fn heal(self) -> io::Result<()> {
        match self {
            Self::Proxies(all) => all.into_iter().try_for_each(|one| one.heal().map(drop)),
            Self::Link(cut) => cut.0.join(cut.1).map_err(io::Error::other),
        }
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        // A second time does nothing.
        let _ = self.0.join(self.1);
    }
}

impl Roads {
    /// Proxies to the broker where the plan has faults of any kind: on both
    /// roads then, so that what is hurt and what is not cost the same. A
    /// broker that tells its clients where to go has made its own. One that is
    /// not ours is reached as its URL says: a certificate names its host.
    ///
    /// # Errors
    /// There is no port or no thread.
    pub fn to(
        broker: Option<&dyn Running>,
        network: Option<Arc<Network>>,
        plan: &CellPlan,
    ) -> io::Result<Self> {
        let ours = broker.filter(|broker| broker.child().is_some() && plan.is_tried());
        let Some(broker) = ours else { return Ok(Self::default()) };
        if network.is_some() {
            return Ok(Self { doors: Doors::default(), network });
        }
        if let Some(doors) = broker.doors() {
            return Ok(Self { doors: doors.clone(), network });
        }
        let mut doors = Doors::default();
        for Address { host, port, .. } in broker.address().each() {
            let mut places = (host.as_str(), port).to_socket_addrs()?;
            let place = places.next();
            let place = place.ok_or_else(|| io::Error::other("the broker has no address"))?;
            doors.add(place, place)?;
        }
        Ok(Self { doors, network })
    }

    /// The producer's way to the broker.
    #[must_use]
    pub fn producer(&self, broker: Option<Address>) -> Option<Address> {
        through(&self.doors.producer, broker)
    }

    /// The workers' way to the broker.
    #[must_use]
    pub fn workers(&self, broker: Option<Address>) -> Option<Address> {
        through(&self.doors.workers, broker)
    }

    /// Lays a fault on those roads that are meant, before every node of them.
    ///
    /// # Errors
    /// A proxy does not act on it, or there is none.
    pub(super) fn suffer(&self, on: Victim, fault: LinkFault) -> io::Result<Lying> {
        let Victim::Link(meant) = on else { return Ok(Lying::Proxies(Vec::new())) };
        if let Some(network) = &self.network {
            let link = match (meant, fault) {
                (Road::Both, LinkFault::BlackHole(Side::Both)) => environment::Link::Clients,
                (Road::Between, LinkFault::BlackHole(Side::Both)) => environment::Link::Nodes,
                _ => return Err(io::Error::other("a link can only be taken down as a whole")),
            };
            let cut = Cut(Arc::clone(network), link);
            network.cut(link).map_err(io::Error::other)?;
            return Ok(Lying::Link(cut));
        }
        let roads = [
            (Road::Producer, &self.doors.producer),
            (Road::Workers, &self.doors.workers),
            (Road::Between, &self.doors.between),
        ];
        let hurt = roads.into_iter().filter(|(road, _)| meant.covers(*road));
        let proxies: Vec<&Arc<Proxy>> = hurt.flat_map(|(_, proxies)| proxies).collect();
        if proxies.is_empty() {
            return Err(io::Error::other("no proxy stands there"));
        }
        let suffering = proxies.into_iter().map(|proxy| proxy.suffer(&[fault]));
        suffering.collect::<io::Result<_>>().map(Lying::Proxies)
    }
}

fn through(proxies: &[Arc<Proxy>], broker: Option<Address>) -> Option<Address> {
    let mut places = proxies.iter().map(|proxy| proxy.address());
    match places.next() {
        Some(at) => {
            let others = places.map(|other| (other.ip().to_string(), other.port())).collect();
            let (host, port) = (at.ip().to_string(), at.port());
            broker.map(|broker| Address { host, port, others, ..broker })
        }
        None => broker,
    }
}
