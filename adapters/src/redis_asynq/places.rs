//! Which server has a key: the one that there is, or one of several masters.

use std::ops::RangeInclusive;

use redis::cmd;
use schedbench_contract::{Address, Result};

use super::connect::Steady;
use super::road::Road;
use super::sentinels::Reach;
use crate::slots;

/// A server and the slots that it has.
#[derive(Debug)]
struct Server {
    slots: Vec<RangeInclusive<u16>>,
    line: Steady,
}

/// The servers of a cell, for questions whose answers prove something.
#[derive(Debug)]
pub(super) struct Places(Vec<Server>);

impl Places {
    /// Connects to all of them.
    ///
    /// # Errors
    /// One is not there or refuses us, or a slot is nobody's.
    pub(super) async fn open(address: &Address, reach: Reach) -> Result<Self> {
        let road = Road::to(address, reach)?.for_proof();
        let Some(map) = road.map().await? else {
            let slots = vec![0..=slots::SLOTS - 1];
            return Ok(Self(vec![Server { slots, line: Steady::open(road).await? }]));
        };
        let has: usize = map.iter().map(|(slots, _)| slots.len()).sum();
        if has != usize::from(slots::SLOTS) {
            return Err(road.broken("asking who has which slot", "not all are somebody's"));
        }
        let mut servers: Vec<(String, Server)> = Vec::new();
        for (slots, (host, port)) in map {
            let place = format!("{host}:{port}");
            match servers.iter_mut().find(|(known, _)| *known == place) {
                Some((_, server)) => server.slots.push(slots),
                None => {
                    let road = Road::to(address, Reach::Master(*slots.start()))?.for_proof();
                    let line = Steady::open(road).await?;
                    servers.push((place, Server { slots: vec![slots], line }));
                }
            }
        }
        Ok(Self(servers.into_iter().map(|(_, server)| server).collect()))
    }

    /// The connection to the server that has the key.
    pub(super) fn of(&self, key: &str) -> &Steady {
        &self.0[self.number_of(key)].line
    }

    /// Finds out which connections an outage has broken: the first question on
    /// such a one fails, and the next connects again. Who asks one server asks
    /// it again; of several, each would fail one question.
    pub(super) async fn notice_outages(&self) {
        if self.0.len() > 1 {
            for server in &self.0 {
                let _ = server.line.ask(&cmd("PING")).await;
            }
        }
    }

    /// The number of the server that has the key, from 0.
    pub(super) fn number_of(&self, key: &str) -> usize {
        let slot = slots::of_key(key);
        let has = |server: &Server| server.slots.iter().any(|slots| slots.contains(&slot));
        // All of them are somebody's, as `open` has seen.
        self.0.iter().position(has).unwrap_or(0)
    }

    /// A slot of each server, in the order of their numbers; `None` where there
    /// is one server, which is found without.
    pub(super) fn a_slot_of_each(&self) -> Option<Vec<u16>> {
        let starts = self.0.iter().map(|server| *server.slots[0].start()).collect();
        (self.0.len() > 1).then_some(starts)
    }
}
