//! The roads of a cell to its broker: direct, or through a proxy each where a
//! fault lies on one of them.

use std::io;
use std::net::ToSocketAddrs as _;

use schedbench_contract::Address;

use crate::fault::LinkFault;
use crate::fault::proxy::{Proxy, Suffering};
use crate::plan::{CellPlan, Deed, Road, Victim};

/// The proxies on a cell's roads; none where no fault lies on a link.
#[derive(Debug, Default)]
pub struct Roads {
    producer: Option<Proxy>,
    workers: Option<Proxy>,
}

impl Roads {
    /// Proxies to the broker where the plan has faults on links, or is the
    /// control of cells that have: on both roads then, so that a road that is
    /// not hurt costs the same.
    ///
    /// # Errors
    /// There is no port or no thread.
    pub fn to(broker: Option<&Address>, plan: &CellPlan) -> io::Result<Self> {
        let hurts = plan.faults.iter().any(|fault| matches!(fault.deed, Deed::Link(_)));
        let is_beside = plan.control().is_some_and(|control| control.through_proxies);
        let Some(broker) = broker.filter(|_| hurts || is_beside) else {
            return Ok(Self::default());
        };
        let mut places = (broker.host.as_str(), broker.port).to_socket_addrs()?;
        let place = places.next().ok_or_else(|| io::Error::other("the broker has no address"))?;
        Ok(Self { producer: Some(Proxy::to(place)?), workers: Some(Proxy::to(place)?) })
    }

    /// The producer's way to the broker.
    #[must_use]
    pub fn producer(&self, broker: Option<Address>) -> Option<Address> {
        through(self.producer.as_ref(), broker)
    }

    /// The workers' way to the broker.
    #[must_use]
    pub fn workers(&self, broker: Option<Address>) -> Option<Address> {
        through(self.workers.as_ref(), broker)
    }

    /// Lays a fault on those roads that are meant.
    ///
    /// # Errors
    /// A proxy does not act on it.
    pub(super) fn suffer(&self, on: Victim, fault: LinkFault) -> io::Result<Vec<Suffering>> {
        let Victim::Link(meant) = on else { return Ok(Vec::new()) };
        let roads = [(Road::Producer, &self.producer), (Road::Workers, &self.workers)];
        let hurt = roads.into_iter().filter(|(road, _)| meant.covers(*road));
        hurt.filter_map(|(_, proxy)| proxy.as_ref()).map(|proxy| proxy.suffer(&[fault])).collect()
    }
}

fn through(proxy: Option<&Proxy>, broker: Option<Address>) -> Option<Address> {
    match proxy {
        Some(proxy) => {
            let at = proxy.address();
            broker.map(|broker| Address { host: at.ip().to_string(), port: at.port(), ..broker })
        }
        None => broker,
    }
}
