//! A primary, its replicas, and sentinels that have one of those promoted when
//! it is gone.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schedbench_contract::Address;

use super::config;
use super::member::{Member, Part, Role};
use super::{ANSWER, STOP};
use crate::environment::broker::{Ground, Need, Running};
use crate::environment::healthy::{Patience, last_lines};
use crate::environment::{Child, Error, Result, Spawner, ports, rooms};
use crate::fault::Doors;
use crate::fault::proxy::Proxy;

/// Sentinels: two of them decide, should one be gone.
const SENTINELS: usize = 3;
/// From its start until all replicate, or all see each other: 2 s on a quiet
/// machine. After a failover a former primary that comes back is told so by
/// the sentinels after 8 to 10 s.
const START: Patience =
    Patience { what: "broker", within: Duration::from_secs(90), told: last_lines };

/// Nodes and sentinels of ours. Dropping it ends what still runs.
pub(super) struct Own {
    /// For whom, for messages.
    who: String,
    program: PathBuf,
    room: PathBuf,
    keeper: Spawner,
    /// The first sentinel's: clients ask it for the primary, and for the others.
    address: Address,
    nodes: Vec<Member>,
    sentinels: Vec<Member>,
    /// In the order of the nodes.
    children: Vec<Child>,
    /// In the order of the sentinels.
    watchers: Vec<Child>,
    version: String,
    aof: String,
    /// None for clients, which go where sentinels send them; one before each
    /// node for the others (`docs/decisions/0037`).
    doors: Doors,
}

impl Own {
    /// Starts all of them and waits until they are one cluster.
    pub(super) fn start(
        program: &Path,
        (room, log): (&Path, &Path),
        ground: &Ground<'_>,
        need: &Need<'_>,
    ) -> Result<Box<Self>> {
        let host = ground.keeper.spawner().host();
        let (mut nodes, sentinels) = members(need, &host, (room, log))?;
        let mut doors = Doors::default();
        if need.by_proxies {
            doors.between = put_doors(&mut nodes)?;
        }
        let primary = &nodes[0].known_at;
        for (place, node) in nodes.iter().enumerate() {
            let mut text = config::of_one(&node.address, &node.dir, program, need);
            let follows = (place > 0).then_some(primary);
            text.0.push_str(&config::of_replica(&node.address, follows).0);
            if need.by_proxies {
                text.0.push_str(&config::of_door(&node.address, &node.known_at, program).0);
            }
            node.furnish(&text)?;
        }
        for sentinel in &sentinels {
            let Member { address, dir, .. } = sentinel;
            sentinel.furnish(&config::of_sentinel(address, dir, primary, need))?;
        }
        let mut own = Box::new(Self {
            who: need.who.into(),
            program: program.into(),
            room: room.into(),
            keeper: ground.keeper.spawner(),
            address: sentinels[0].address.clone(),
            nodes,
            sentinels,
            children: Vec::new(),
            watchers: Vec::new(),
            version: String::new(),
            aof: config::aof_in_words(need),
            doors,
        });
        own.launch()?;
        own.watch()?;
        Ok(own)
    }

    /// Starts those nodes that do not run, and waits until all replicate.
    fn launch(&mut self) -> Result<()> {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.spawn(&all)?;
        let nodes = &self.nodes;
        self.version = START.until_they_answer(&self.keeper, &self.children, |by| {
            let roles = nodes.iter().map(|node| node.role(by)).collect::<Result<Vec<_>, _>>();
            let roles = roles.ok().filter(|roles| Role::replicate(roles))?;
            roles.into_iter().next().map(|role| role.version)
        })?;
        Ok(())
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

    /// Starts the sentinels and waits until each sees all others: before that
    /// nobody would be promoted.
    fn watch(&mut self) -> Result<()> {
        for sentinel in &self.sentinels {
            self.watchers.push(sentinel.spawn(&self.keeper, &self.program)?);
        }
        let (replicas, others) = (self.nodes.len() - 1, self.sentinels.len() - 1);
        let sentinels = &self.sentinels;
        START.until_they_answer(&self.keeper, &self.watchers, |by| {
            let all = (true, replicas, others);
            let seen = |sentinel: &Member| sentinel.sees(by).is_ok_and(|seen| seen == all);
            sentinels.iter().all(seen).then_some(())
        })
    }

    /// Whom more than half of the sentinels name the primary.
    fn named(&self, deadline: Instant) -> Option<usize> {
        let mut votes = vec![0; self.nodes.len()];
        for sentinel in &self.sentinels {
            let Ok(port) = sentinel.sends_to(deadline) else { continue };
            if let Some(place) = self.nodes.iter().position(|node| node.known_at.port == port) {
                votes[place] += 1;
            }
        }
        votes.iter().position(|votes| votes * 2 > self.sentinels.len())
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
}

/// Nodes, of which the first begins as the primary, and sentinels.
fn members(
    need: &Need<'_>,
    host: &str,
    (room, log): (&Path, &Path),
) -> Result<(Vec<Member>, Vec<Member>)> {
    let nodes = need.profile.topology.nodes();
    let addresses = addresses(host, nodes + SENTINELS)?.into_iter().enumerate();
    let all = addresses.map(|(place, address)| {
        let (part, what, number) = match place.checked_sub(nodes) {
            None => (Part::Node, "node", place + 1),
            Some(place) => (Part::Sentinel, "sentinel", place + 1),
        };
        let mut its_log = log.with_extension("").into_os_string();
        its_log.push(format!("-{what}-{number}.log"));
        Member {
            part,
            name: format!("{} {what} {number}", need.who),
            known_at: address.clone(),
            address,
            log: its_log.into(),
            dir: room.join(format!("{what}-{number}")),
        }
    });
    Ok(all.partition(|member| member.part == Part::Node))
}

/// Puts a proxy before each node, which sentinels, clients and the other nodes
/// are told instead of it. Only what other nodes say is ever hurt there.
fn put_doors(nodes: &mut [Member]) -> Result<Vec<Arc<Proxy>>> {
    let mut doors = Vec::new();
    for node in nodes {
        node.address.host = config::BEHIND_DOORS.to_string();
        let place = SocketAddr::from((config::BEHIND_DOORS, node.address.port));
        let door = Proxy::hurting(config::BEHIND_DOORS, place);
        let door = door.map_err(Error::io(format!("putting a proxy before {}", node.name)))?;
        node.known_at.port = door.address().port();
        doors.push(Arc::new(door));
    }
    Ok(doors)
}

/// Addresses with one password, no two ports alike.
pub(super) fn addresses(host: &str, many: usize) -> Result<Vec<Address>> {
    let password = rooms::password()?;
    let mut ports: Vec<u16> = Vec::new();
    while ports.len() < many {
        let port = ports::free()?;
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    let address = |port| Address {
        host: host.into(),
        port,
        user: None,
        password: Some(password.clone()),
        database: None,
        tls: false,
        others: Vec::new(),
    };
    Ok(ports.into_iter().map(address).collect())
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
        let ports = |members: &[Member]| {
            let ports = members.iter().map(|member| member.known_at.port.to_string());
            ports.collect::<Vec<_>>().join(", ")
        };
        format!(
            "redis {} started on {}: a primary with its replicas on {}, sentinels on {} ({})",
            self.version,
            self.address.host,
            ports(&self.nodes),
            ports(&self.sentinels),
            self.aof
        )
    }

    /// The sentinels are never hurt.
    fn check_all_but(&self, hurt: &[usize]) -> Result<()> {
        let nodes = self.children.iter().enumerate().filter(|(place, _)| !hurt.contains(place));
        let mut all = nodes.map(|(_, child)| child).chain(&self.watchers);
        match all.find_map(|child| Some((child, child.ended()?))) {
            Some((child, exit)) => Err(Error::Died(Box::new(child.died("broker", exit)))),
            None => Ok(()),
        }
    }

    /// The primary, whichever queue it is about, as more than half of the
    /// sentinels name it.
    fn leader(&self, _queue: &str) -> Result<usize> {
        let named = self.named(Instant::now() + ANSWER);
        let lives = named.filter(|place| self.children[*place].ended().is_none());
        lives.ok_or_else(|| {
            let what = match named {
                Some(_) => "its primary is dead, and no replica has been promoted so far",
                None => "no primary that more than half of its sentinels name",
            };
            Error::Unfit(format!("{}: {what}", self.who))
        })
    }

    fn restart(&mut self) -> Result<()> {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.end(&all);
        self.launch()
    }

    /// What each of them is then, its file says and the sentinels decide: a
    /// former primary takes writes until they have told it to follow.
    fn restart_nodes(&mut self, places: &[usize]) -> Result<()> {
        self.end(places);
        self.spawn(places)?;
        let children: Vec<Child> = places.iter().map(|&at| self.children[at].clone()).collect();
        let own = &*self;
        let is_back = |place: usize, by: Instant| match own.nodes[place].role(by) {
            Ok(role) if role.is_primary => own.named(by) == Some(place),
            Ok(role) => role.is_linked,
            Err(_) => false,
        };
        START.until_they_answer(&own.keeper, &children, |by| {
            places.iter().all(|&place| is_back(place, by)).then_some(())
        })
    }

    fn stop(self: Box<Self>) -> Result<()> {
        // The sentinels first: they are not to promote anybody in the end.
        for watcher in &self.watchers {
            watcher.kill();
        }
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.end(&all);
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
        for child in self.children.iter().chain(&self.watchers) {
            if child.ended().is_none() {
                child.kill();
            }
        }
    }
}
