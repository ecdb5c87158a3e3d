//! The roads of a cell to its broker: direct, or through proxies where the
//! cell is of a fault run.

use std::io;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;

use schedbench_contract::Address;

use crate::environment::Running;
use crate::fault::proxy::{Proxy, Suffering};
use crate::fault::{Doors, LinkFault};
use crate::plan::{CellPlan, Road, Victim};

/// The proxies on a cell's roads; none where nothing is hurt.
#[derive(Debug, Default)]
pub struct Roads(Doors);

impl Roads {
    /// Proxies to the broker where the plan has faults of any kind: on both
    /// roads then, so that what is hurt and what is not cost the same. A
    /// broker that tells its clients where to go has made its own. One that is
    /// not ours is reached as its URL says: a certificate names its host.
    ///
    /// # Errors
    /// There is no port or no thread.
    pub fn to(broker: Option<&dyn Running>, plan: &CellPlan) -> io::Result<Self> {
        let ours = broker.filter(|broker| broker.child().is_some() && plan.is_tried());
        let Some(broker) = ours else { return Ok(Self::default()) };
        if let Some(doors) = broker.doors() {
            return Ok(Self(doors.clone()));
        }
        let mut doors = Doors::default();
        for Address { host, port, .. } in broker.address().each() {
            let mut places = (host.as_str(), port).to_socket_addrs()?;
            let place = places.next();
            let place = place.ok_or_else(|| io::Error::other("the broker has no address"))?;
            doors.add(place, place)?;
        }
        Ok(Self(doors))
    }

    /// The producer's way to the broker.
    #[must_use]
    pub fn producer(&self, broker: Option<Address>) -> Option<Address> {
        through(&self.0.producer, broker)
    }

    /// The workers' way to the broker.
    #[must_use]
    pub fn workers(&self, broker: Option<Address>) -> Option<Address> {
        through(&self.0.workers, broker)
    }

    /// Lays a fault on those roads that are meant, before every node of them.
    ///
    /// # Errors
    /// A proxy does not act on it, or there is none.
    pub(super) fn suffer(&self, on: Victim, fault: LinkFault) -> io::Result<Vec<Suffering>> {
        let Victim::Link(meant) = on else { return Ok(Vec::new()) };
        let roads = [(Road::Producer, &self.0.producer), (Road::Workers, &self.0.workers)];
        let hurt = roads.into_iter().filter(|(road, _)| meant.covers(*road));
        let proxies: Vec<&Arc<Proxy>> = hurt.flat_map(|(_, proxies)| proxies).collect();
        if proxies.is_empty() {
            return Err(io::Error::other("no proxy stands on the way to its broker"));
        }
        proxies.into_iter().map(|proxy| proxy.suffer(&[fault])).collect()
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
