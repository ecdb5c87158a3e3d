//! Masters that divide the keys among them: a Redis Cluster without replicas.
//! Nobody takes the place of one that is gone.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schedbench_adapters::slots;
use schedbench_contract::Address;

use super::cluster::addresses;
use super::member::{Member, Part};
use super::{ANSWER, STOP, config, version};
use crate::environment::broker::{Ground, Need, Running};
use crate::environment::healthy::{Patience, last_lines};
use crate::environment::resp::{Reply, Resp};
use crate::environment::{Child, Error, Result, Spawner, ports};
use crate::fault::Doors;
use crate::fault::proxy::Proxy;

/// From its start until each says that all slots are served: 1 s. A master that
/// comes back waits for 2 s before it serves (`CLUSTER_WRITABLE_DELAY`).
const START: Patience =
    Patience { what: "broker", within: Duration::from_secs(90), told: last_lines };

/// Masters of ours. Dropping it ends what still runs.
pub(super) struct Own {
    /// For whom, for messages.
    who: String,
    program: PathBuf,
    room: PathBuf,
    keeper: Spawner,
    /// The first one's, with those of the others: each tells clients who has
    /// which slot.
    address: Address,
    nodes: Vec<Member>,
    /// In the order of the nodes.
    children: Vec<Child>,
    version: String,
    aof: String,
    /// Queues of a cell.
    queues: usize,
    /// None: clients go where the masters send them.
    doors: Doors,
    /// One before each master, where cells have faults: the address that its
    /// clients are told, so that they have the way of those in other such cells.
    /// Masters hear each other elsewhere.
    _proxies: Vec<Arc<Proxy>>,
}

impl Own {
    /// Starts all of them and makes them one cluster.
    pub(super) fn start(
        program: &Path,
        (room, log): (&Path, &Path),
        ground: &Ground<'_>,
        need: &Need<'_>,
    ) -> Result<Box<Self>> {
        let host = ground.keeper.spawner().host();
        let (mut nodes, mut proxies) = (members(need, &host, (room, log))?, Vec::new());
        if need.by_proxies {
            for node in &mut nodes {
                proxies.push(put_proxy(node)?);
            }
        }
        let chooses = config::is_at_least_7(program);
        let mut buses = Vec::new();
        for node in &nodes {
            let bus = chooses.then(|| a_bus(&nodes, &buses)).transpose()?;
            buses.extend(bus);
            let mut text = config::of_one(&node.address, &node.dir, program, need);
            text.0.push_str(&config::of_master(&node.address, &node.known_at, bus).0);
            node.furnish(&text)?;
        }
        let mut address = nodes[0].address.clone();
        let others = nodes[1..].iter().map(|node| &node.address);
        address.others = others.map(|other| (other.host.clone(), other.port)).collect();
        let mut own = Box::new(Self {
            who: need.who.into(),
            program: program.into(),
            room: room.into(),
            keeper: ground.keeper.spawner(),
            address,
            nodes,
            children: Vec::new(),
            version: String::new(),
            aof: config::aof_in_words(need),
            queues: need.profile.topology.queues(),
            doors: Doors::default(),
            _proxies: proxies,
        });
        let all = own.places();
        own.spawn(&all)?;
        own.version = own.form(&buses)?;
        own.until_they_serve()?;
        Ok(own)
    }

    /// Starts those of the nodes at these places that do not run.
    fn spawn(&mut self, places: &[usize]) -> Result<()> {
        for &place in places {
            let former = self.children.get_mut(place);
            if former.as_ref().is_some_and(|child| child.ended().is_none()) {
                continue;
            }
            let child = self.nodes[place].spawn(&self.keeper, &self.program)?;
            match former {
                Some(former) => *former = child,
                None => self.children.push(child),
            }
        }
        Ok(())
    }

    /// Gives each its slots, and has the others meet the first one; its version.
    fn form(&self, buses: &[u16]) -> Result<String> {
        let nodes = &self.nodes;
        // All answer before the first is told anything.
        let version = START.until_they_answer(&self.keeper, &self.children, |by| {
            let said = nodes.iter().map(|node| Resp::connect(&node.address, by));
            let said = said.map(|redis| redis.and_then(|mut redis| version(&mut redis)));
            said.collect::<std::io::Result<Vec<_>>>().ok()?.pop()
        })?;
        for (place, its) in slots::of_masters(nodes.len()).into_iter().enumerate() {
            let node = &nodes[place];
            let told = Error::io(format!("{}: joining its cluster", node.name));
            let join = || -> std::io::Result<()> {
                let mut redis = Resp::connect(&node.address, Instant::now() + ANSWER)?;
                let its: Vec<String> = its.clone().map(|slot| slot.to_string()).collect();
                // One by one: ADDSLOTSRANGE came with 7.0.
                let mut give = vec!["CLUSTER", "ADDSLOTS"];
                give.extend(its.iter().map(String::as_str));
                accepted(&mut redis, &give)?;
                // Else they would settle it among themselves, later.
                let epoch = (place + 1).to_string();
                accepted(&mut redis, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?;
                if place > 0 {
                    let Address { host, port, .. } = &nodes[0].address;
                    let (port, bus) = (port.to_string(), buses.first().map(u16::to_string));
                    let mut meet = vec!["CLUSTER", "MEET", host, &port];
                    meet.extend(bus.as_deref());
                    accepted(&mut redis, &meet)?;
                }
                Ok(())
            };
            join().map_err(told)?;
        }
        Ok(version)
    }

    /// Until each of them says that every slot is served.
    fn until_they_serve(&self) -> Result<()> {
        let nodes = &self.nodes;
        START.until_they_answer(&self.keeper, &self.children, |by| {
            nodes.iter().all(|node| serves(node, nodes.len(), by).unwrap_or(false)).then_some(())
        })
    }

    /// Ends the nodes at these places, all at the same time.
    fn end(&self, places: &[usize]) {
        let deadline = Instant::now() + STOP;
        std::thread::scope(|scope| {
            for child in places.iter().filter_map(|&place| self.children.get(place)) {
                scope.spawn(move || child.terminate(deadline));
            }
        });
    }

    fn places(&self) -> Vec<usize> {
        (0..self.nodes.len()).collect()
    }
}

fn members(need: &Need<'_>, host: &str, (room, log): (&Path, &Path)) -> Result<Vec<Member>> {
    let addresses = addresses(host, need.profile.topology.nodes())?.into_iter().enumerate();
    let members = addresses.map(|(place, address)| {
        let number = place + 1;
        let mut its_log = log.with_extension("").into_os_string();
        its_log.push(format!("-node-{number}.log"));
        Member {
            part: Part::Node,
            name: format!("{} node {number}", need.who),
            known_at: address.clone(),
            address,
            log: its_log.into(),
            dir: room.join(format!("node-{number}")),
        }
    });
    Ok(members.collect())
}

/// Puts a proxy before a node, which clients are told instead of it.
fn put_proxy(node: &mut Member) -> Result<Arc<Proxy>> {
    let put = || {
        let host = node.address.host.parse().map_err(std::io::Error::other)?;
        Proxy::to(SocketAddr::new(host, node.address.port))
    };
    let told = Error::io(format!("putting a proxy before {}", node.name));
    let proxy = put().map_err(told)?;
    node.known_at.host = proxy.address().ip().to_string();
    node.known_at.port = proxy.address().port();
    Ok(Arc::new(proxy))
}

/// A free port that is none of theirs.
fn a_bus(nodes: &[Member], buses: &[u16]) -> Result<u16> {
    loop {
        let port = ports::free()?;
        if !buses.contains(&port) && nodes.iter().all(|node| node.address.port != port) {
            return Ok(port);
        }
    }
}

fn accepted(redis: &mut Resp, command: &[&str]) -> std::io::Result<()> {
    redis.ask_text(command).map(drop)
}

/// Whether a node knows so many others that each slot is served, and serves
/// itself.
fn serves(node: &Member, nodes: usize, by: Instant) -> std::io::Result<bool> {
    let said = Resp::connect(&node.address, by)?.ask_text(&["CLUSTER", "INFO"])?;
    let all = [
        "cluster_state:ok".to_owned(),
        format!("cluster_known_nodes:{nodes}"),
        format!("cluster_size:{nodes}"),
        format!("cluster_slots_ok:{}", slots::SLOTS),
    ];
    Ok(all.iter().all(|wanted| said.lines().any(|line| line == wanted)))
}

/// The port of the master that has the slot, as that node knows it.
fn port_of(slot: u16, node: &Member, by: Instant) -> std::io::Result<Option<u16>> {
    let said = Resp::connect(&node.address, by)?.ask(&["CLUSTER", "SLOTS"])?;
    let Reply::Many(ranges) = said else { return Ok(None) };
    let slot = i64::from(slot);
    let port = ranges.iter().find_map(|range| {
        let Reply::Many(parts) = range else { return None };
        let [Reply::Integer(from), Reply::Integer(to), Reply::Many(master), ..] = parts.as_slice()
        else {
            return None;
        };
        match master.get(1) {
            Some(Reply::Integer(port)) if (*from..=*to).contains(&slot) => {
                u16::try_from(*port).ok()
            }
            _ => None,
        }
    });
    Ok(port)
}

impl Running for Own {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        self.children.first()
    }

    fn children(&self) -> Vec<&Child> {
        self.children.iter().collect()
    }

    fn doors(&self) -> Option<&Doors> {
        Some(&self.doors)
    }

    fn describe(&self) -> String {
        let ports: Vec<String> =
            self.nodes.iter().map(|node| node.known_at.port.to_string()).collect();
        format!(
            "redis {} started on {}: {} masters on {} ({})",
            self.version,
            self.address.host,
            self.nodes.len(),
            ports.join(", "),
            self.aof
        )
    }

    /// The master that has the first of the cell's queues, as a node that lives
    /// says.
    fn leader(&self, queue: &str) -> Result<usize> {
        let unfit = |what: &str| Error::Unfit(format!("{}: {what}", self.who));
        let names = slots::queues(queue, self.queues, self.nodes.len());
        let first = names.first().ok_or_else(|| unfit("its cells have no queue"))?;
        let slot = slots::of_key(&format!("{{{first}}}"));
        let by = Instant::now() + ANSWER;
        let living = self.nodes.iter().zip(&self.children).filter(|(_, it)| it.ended().is_none());
        let port = living.map(|(node, _)| port_of(slot, node, by)).find_map(|said| said.ok()?);
        let port = port.ok_or_else(|| unfit("none of its masters says who has the first queue"))?;
        let place = self.nodes.iter().position(|node| node.known_at.port == port);
        let lives = place.filter(|place| self.children[*place].ended().is_none());
        lives.ok_or_else(|| unfit("the master of its first queue is dead, and nobody replaces it"))
    }

    fn queues_at(&self, queue: &str, places: &[usize]) -> Option<(usize, usize)> {
        let masters = self.nodes.len();
        let names = slots::queues(queue, self.queues, masters);
        let master = |name: &String| slots::master_of(name, masters);
        let there = names.iter().filter_map(master).filter(|place| places.contains(place));
        Some((there.count(), names.len()))
    }

    fn restart(&mut self) -> Result<()> {
        let all = self.places();
        self.end(&all);
        self.spawn(&all)?;
        self.until_they_serve()
    }

    fn restart_nodes(&mut self, places: &[usize]) -> Result<()> {
        self.end(places);
        self.spawn(places)?;
        self.until_they_serve()
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.end(&self.places());
        match std::fs::remove_dir_all(&self.room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(format!("removing {}", self.room.display()))(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        for child in &self.children {
            if child.ended().is_none() {
                child.kill();
            }
        }
    }
}
