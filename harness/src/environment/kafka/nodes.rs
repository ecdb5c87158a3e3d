//! The nodes that are one Kafka together: one, or a cluster of three.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schedbench_adapters::kafka_wire::Wire;
use schedbench_contract::Address;

use super::config::{self, Seat, Way};
use super::jvm::{Jvm, Who};
use super::node::Node;
use super::quick::Quick;
use super::safepoints::Safepoints;
use super::{ANSWER, data};
use crate::environment::first_answer::first_answer;
use crate::environment::{Error, Result, SmallDisk, ports, rooms};
use crate::fault::Doors;
use crate::fault::proxy::Proxy;

/// From its start to its first answer; a JVM on a busy machine is slow.
const START: Duration = Duration::from_secs(90);
/// From SIGTERM to SIGKILL: it writes what it has and closes its log.
const STOP: Duration = Duration::from_secs(15);
/// For the question who leads, which is asked when a fault is due: milliseconds,
/// or seconds where others want the cores.
const ASKED: Duration = Duration::from_secs(4);
/// Between two looks at what starts.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Who may sign in.
const USER: &str = "schedbench";

/// What they are made of.
pub(super) struct Plan<'a> {
    pub(super) jvm: &'a Jvm,
    /// How many.
    pub(super) nodes: usize,
    /// Whom they are for.
    pub(super) who: &'a str,
    /// Their settings beside those that all have.
    pub(super) settings: &'a [(&'a str, &'a str)],
    /// Each has a directory in it.
    pub(super) room: &'a Path,
    /// The log of a single one; those of a cluster are named after it.
    pub(super) log: &'a Path,
    /// What spares them time at their start.
    pub(super) quick: Option<&'a Quick>,
    /// What their JVMs get beside what all get.
    pub(super) options: &'a [OsString],
    /// Whether clients come through proxies, which each node then advertises.
    pub(super) by_proxies: bool,
}

/// All of them.
pub(super) struct Nodes {
    all: Vec<Node>,
    jvm: Jvm,
    doors: Option<Doors>,
}

impl Nodes {
    /// Gives each its ports and an empty log under one cluster id, which is
    /// the cluster's own: a node that meets another cluster's on a port that
    /// was its neighbour's is refused there.
    ///
    /// # Errors
    /// There is no port, or a log cannot be formatted.
    pub(super) fn make(plan: &Plan<'_>) -> Result<Self> {
        // The proxies keep their ports from here on: they are in the nodes'
        // configuration, which outlives a restart.
        let (seats, doors) = seats(plan.nodes, plan.by_proxies)?;
        let (cluster, password) = (data::id()?, rooms::password()?);
        let mut all = Vec::new();
        for seat in &seats {
            let address = Address {
                host: plan.jvm.host(),
                port: seat.client,
                user: Some(USER.into()),
                password: Some(password.clone()),
                database: None,
                tls: false,
                others: Vec::new(),
            };
            let data = plan.room.join(format!("node-{}", seat.id));
            let properties = config::properties(seat, &seats, &address, &data, plan.settings);
            let who = plan.who_of(seat);
            match plan.quick {
                Some(quick) => data::copy(&quick.formatted(), &data, &cluster, seat.id)?,
                None => data::format(plan.jvm, &who, &cluster, &properties)?,
            }
            let options = plan.options_of_jvm();
            let safepoints = Safepoints::of(plan.room, seat.id);
            let (disk, child) = (None, None);
            all.push(Node { who, address, data, disk, properties, options, safepoints, child });
        }
        Ok(Self { all, jvm: plan.jvm.clone(), doors })
    }

    /// Each of them.
    pub(super) fn all(&self) -> &[Node] {
        &self.all
    }

    /// Where clients find them: at the first, or at any other.
    pub(super) fn address(&self) -> Address {
        let mut address = self.all[0].address.clone();
        let others = self.all.iter().skip(1).map(|node| &node.address);
        address.others = others.map(|other| (other.host.clone(), other.port)).collect();
        address
    }

    /// The place of the node that leads most partitions of this topic; of
    /// several the first. Whoever answers first is believed: each follows the
    /// cluster's metadata, and one that is stopped says nothing.
    ///
    /// # Errors
    /// None answers in time, or no node that lives leads it.
    pub(super) fn leader(&self, topic: &str) -> Result<usize> {
        let asked = self.all.iter().map(|node| {
            let (address, topic) = (node.address.clone(), topic.to_owned());
            move || {
                let (_, topics) = Wire::connect(&address, Instant::now() + ASKED)?.topics()?;
                let known = topics.into_iter().find(|known| known.name == topic);
                known.ok_or_else(|| io::Error::other("there is no such topic"))
            }
        });
        let known = first_answer(asked, ASKED)
            .map_err(Error::io(format!("asking Kafka who leads {topic}")))?;
        let led_by = |place: usize| {
            let its_number = place as i32 + 1;
            known.leaders.iter().filter(|(_, node)| *node == its_number).count()
        };
        // A dead one is named until its session has timed out.
        let living = (0..self.all.len()).filter(|place| self.all[*place].check().is_ok());
        // The last of equal ones is the greatest: so from the last node on.
        let leader = living.rev().max_by_key(|place| led_by(*place));
        let leader = leader.filter(|place| led_by(*place) > 0);
        leader.ok_or_else(|| Error::Unfit(format!("no node of Kafka leads {topic} just now")))
    }

    /// The proxies that they advertise.
    pub(super) fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
    }

    /// Starts those that do not live and waits until all are healthy.
    ///
    /// # Errors
    /// One dies, or they are not healthy in time; then none lives.
    pub(super) fn start(&mut self) -> Result<()> {
        let launched = self.all.iter_mut().try_for_each(|node| node.launch(&self.jvm));
        let healthy = launched.and_then(|()| self.wait_until_healthy(&[]));
        if healthy.is_err() {
            self.kill();
        }
        healthy
    }

    /// Starts those at these places and waits until the cluster has them; a
    /// node that is dead stays so.
    ///
    /// # Errors
    /// As for [`start`](Self::start); the others live on.
    pub(super) fn start_again(&mut self, places: &[usize]) -> Result<()> {
        let dead: Vec<usize> = (0..self.all.len())
            .filter(|place| !places.contains(place) && self.all[*place].check().is_err())
            .collect();
        for place in places {
            self.all[*place].launch(&self.jvm)?;
        }
        self.wait_until_healthy(&dead)
    }

    fn wait_until_healthy(&self, dead: &[usize]) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            let lack = self.lack(dead, deadline.min(Instant::now() + ANSWER));
            self.living(dead).try_for_each(Node::check)?;
            let Some((node, lack)) = lack else { return Ok(()) };
            if self.jvm.keeper.is_stopped() {
                let who = &node.who.name;
                return Err(Error::Unfit(format!(
                    "{who}: the run was stopped at its broker's start"
                )));
            }
            if Instant::now() >= deadline {
                return Err(Error::Unfit(format!(
                    "{}: broker is not healthy after {} s: it {lack}\n  {}\n  full log: {}",
                    node.who.name,
                    START.as_secs(),
                    node.last_words().join("\n  "),
                    node.who.log.display()
                )));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// What one of them still lacks: each must see all, have every copy that
    /// it should, and follow the same controller since the same election. Who
    /// answers clients has joined that controller since its own start, so an
    /// election that all three agree on is no old one.
    fn lack<'a>(&'a self, dead: &'a [usize], deadline: Instant) -> Option<(&'a Node, String)> {
        for node in self.living(dead) {
            if let Some(lack) = node.lacks(self.all.len(), dead.len(), deadline) {
                return Some((node, lack));
            }
        }
        let first = self.living(dead).next()?.elected();
        let other = self.living(dead).find(|node| node.elected() != first || first.is_none())?;
        Some((other, "follows another controller than the first".into()))
    }

    fn living<'s>(&'s self, dead: &'s [usize]) -> impl Iterator<Item = &'s Node> {
        let all = self.all.iter().enumerate();
        all.filter(|(place, _)| !dead.contains(place)).map(|(_, node)| node)
    }

    /// Asks those at some places to end, at the same time: each waits for the
    /// others before it says goodbye.
    pub(super) fn end(&self, is_meant: impl Fn(usize) -> bool) {
        let deadline = Instant::now() + STOP;
        let meant = self.all.iter().enumerate().filter(|(place, _)| is_meant(*place));
        std::thread::scope(|scope| {
            for child in meant.filter_map(|(_, node)| node.child.as_ref()) {
                scope.spawn(move || child.terminate(deadline));
            }
        });
    }

    /// Moves what each has to a disk that can be full; all have ended.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn move_to_small_disks(&mut self) -> Result<()> {
        self.all.iter_mut().try_for_each(|node| {
            node.disk = Some(SmallDisk::of_a_broker(&node.data)?);
            Ok(())
        })
    }

    /// The disks that can be full.
    pub(super) fn disks(&self) -> impl Iterator<Item = &Arc<SmallDisk>> {
        self.all.iter().filter_map(|node| node.disk.as_ref())
    }

    /// Ends all of them at once.
    pub(super) fn kill(&self) {
        for child in self.all.iter().filter_map(|node| node.child.as_ref()) {
            child.kill();
        }
    }

    /// Removes what they kept, which another attempt would find.
    pub(super) fn forget(self) {
        for node in self.all {
            let _ = fs::remove_dir_all(node.data);
        }
    }
}

impl Plan<'_> {
    /// One of a cluster is known by its number.
    fn who_of(&self, seat: &Seat) -> Who {
        if self.nodes == 1 {
            return Who { name: self.who.into(), log: self.log.into() };
        }
        let mut log = PathBuf::from(self.log).with_extension("").into_os_string();
        log.push(format!("-node-{}.log", seat.id));
        Who { name: format!("{} node {}", self.who, seat.id), log: log.into() }
    }

    fn options_of_jvm(&self) -> Vec<OsString> {
        let mut options: Vec<OsString> = config::jvm(self.nodes).map(OsString::from).collect();
        options.extend(self.quick.map(Quick::option));
        options.extend_from_slice(self.options);
        options
    }
}

/// Free ports for so many, no two alike, and the proxies before them.
fn seats(nodes: usize, by_proxies: bool) -> Result<(Vec<Seat>, Option<Doors>)> {
    let roads = match (by_proxies, nodes) {
        (false, _) => 0,
        (true, 1) => 2,
        (true, _) => 3,
    };
    let each = 2 + roads;
    let mut free: Vec<u16> = Vec::new();
    while free.len() < each * nodes {
        let port = ports::free()?;
        if !free.contains(&port) {
            free.push(port);
        }
    }
    let mut doors = Doors::default();
    let mut seats = Vec::new();
    for (at, its) in free.chunks(each).enumerate() {
        let roads = ways(&mut doors, &its[2..], &free)?;
        seats.push(Seat { id: at + 1, client: its[0], controller: its[1], roads });
    }
    Ok((seats, by_proxies.then_some(doors)))
}

/// Proxies to a node's listeners, one per road, on ports that no node will have.
fn ways(doors: &mut Doors, listens: &[u16], taken: &[u16]) -> Result<Vec<Way>> {
    let roads = [&mut doors.producer, &mut doors.workers, &mut doors.between];
    // Held until others are found, so that they are not found again.
    let mut held = Vec::new();
    let mut ways = Vec::new();
    for (road, &listens) in roads.into_iter().zip(listens) {
        let proxy = loop {
            let proxy = Proxy::to(SocketAddr::from((Ipv4Addr::LOCALHOST, listens)));
            let proxy = proxy.map_err(Error::io("putting a proxy before Kafka"))?;
            if !taken.contains(&proxy.address().port()) {
                break proxy;
            }
            held.push(proxy);
        };
        ways.push(Way { listens, advertised: proxy.address().port() });
        road.push(Arc::new(proxy));
    }
    Ok(ways)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_nodes_have_six_ports() {
        let (seats, doors) = seats(3, false).expect("ports");
        assert!(doors.is_none() && seats.iter().all(|seat| seat.roads.is_empty()));
        let mut ports: Vec<u16> =
            seats.iter().flat_map(|seat| [seat.client, seat.controller]).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 6);
        assert_eq!(seats.iter().map(|seat| seat.id).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn each_node_has_a_listener_and_a_proxy_per_road() {
        for (nodes, all) in [(3, 24), (1, 6)] {
            let (seats, doors) = seats(nodes, true).expect("ports");
            let doors = doors.expect("proxies");
            let between = if nodes > 1 { nodes } else { 0 };
            let [producer, workers] = [&doors.producer, &doors.workers].map(Vec::len);
            assert_eq!((producer, workers, doors.between.len()), (nodes, nodes, between));
            let mut ports = Vec::new();
            for (at, seat) in seats.iter().enumerate() {
                let roads = [&doors.producer, &doors.workers, &doors.between];
                let proxies = roads.into_iter().filter_map(|road| road.get(at));
                let advertised: Vec<u16> = proxies.map(|proxy| proxy.address().port()).collect();
                let told: Vec<u16> = seat.roads.iter().map(|way| way.advertised).collect();
                assert_eq!(told, advertised);
                ports.extend([seat.client, seat.controller]);
                ports.extend(seat.roads.iter().flat_map(|way| [way.listens, way.advertised]));
            }
            ports.sort_unstable();
            ports.dedup();
            assert_eq!(ports.len(), all);
        }
    }
}
