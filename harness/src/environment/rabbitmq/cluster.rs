//! A RabbitMQ of our own: a port mapper, and one node, or three that are one
//! cluster.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench_adapters::amqp::Amqp;
use schedbench_contract::Address;

use super::leader;
use super::node::{LOOK, Node, start_mapper};
use crate::environment::broker::Running;
use crate::environment::first_answer::first_answer;
use crate::environment::{Child, Error, Result, Spawner, rooms};

/// From a node's start to its first login: 5 s on a quiet machine, 8 s on a
/// busy one, more with many messages to recover.
const START: Duration = Duration::from_secs(90);
/// The same for a cluster, until it serves: 16 to 19 s on two busy cores; its
/// nodes take 13 s of CPU.
const CLUSTER_START: Duration = Duration::from_secs(180);
/// From SIGTERM to SIGKILL; a clean stop takes 1 s.
const STOP: Duration = Duration::from_secs(10);
/// What a queue has to be found with on each node of its members.
const FOUND: Duration = Duration::from_secs(5);

/// Nodes of ours and their port mapper. Dropping it ends what still runs.
pub(super) struct Own {
    /// For whom, for messages.
    who: String,
    nodes: Vec<Node>,
    /// The directory of all of them.
    room: PathBuf,
    log: PathBuf,
    keeper: Spawner,
    mapper: Child,
    /// In the order of the nodes.
    children: Vec<Child>,
    version: String,
}

impl Own {
    /// Starts nodes and waits until they serve.
    pub(super) fn start(
        who: &str,
        nodes: Vec<Node>,
        (room, log): (&Path, &Path),
        keeper: Spawner,
    ) -> Result<Self> {
        nodes.iter().try_for_each(Node::furnish)?;
        let mut own = Self {
            who: who.into(),
            room: room.into(),
            log: log.into(),
            mapper: start_mapper(&keeper, who, log, nodes[0].mapper)?,
            children: Vec::with_capacity(nodes.len()),
            version: String::new(),
            nodes,
            keeper,
        };
        own.launch(&own.places())?;
        own.nodes.iter().try_for_each(Node::forget_secrets)?;
        Ok(own)
    }

    fn places(&self) -> Vec<usize> {
        (0..self.nodes.len()).collect()
    }

    /// Starts the nodes of these places, one or all of them, and waits until
    /// all serve, but for those that are dead.
    fn launch(&mut self, places: &[usize]) -> Result<()> {
        let within = if self.is_cluster() { CLUSTER_START } else { START };
        let deadline = Instant::now() + within;
        for &place in places {
            let child = self.nodes[place].spawn(&self.keeper)?;
            match self.children.get_mut(place) {
                Some(former) => *former = child,
                None => self.children.push(child),
            }
        }
        let has_ended = |place: &usize| self.children[*place].ended().is_some();
        let is_meant = |place: &usize| places.contains(place);
        let living: Vec<usize> = self
            .places()
            .into_iter()
            .filter(|place| is_meant(place) || !has_ended(place))
            .collect();
        let mut waiting = living.clone();
        self.wait_until("took no login", &living, deadline, |own| {
            waiting.retain(|&place| match own.nodes[place].sign_in(deadline) {
                Ok(amqp) => {
                    own.version.clone_from(&amqp.server().version);
                    // It has answered; how it takes the goodbye is not asked.
                    let _ = amqp.close();
                    false
                }
                Err(_) => true,
            });
            waiting.first().copied()
        })?;
        if self.is_cluster() && living.len() == self.nodes.len() {
            self.wait_until("did not serve as one of a cluster", &living, deadline, |own| {
                // An error here is a node that is not so far.
                let serves = own.serves_together(deadline).unwrap_or(false);
                (!serves).then_some(0)
            })?;
        }
        Ok(())
    }

    fn is_cluster(&self) -> bool {
        self.nodes.len() > 1
    }

    /// Looks until no node is waited for; fails when one that lives ends
    /// before, or at the deadline.
    fn wait_until(
        &mut self,
        otherwise: &str,
        living: &[usize],
        deadline: Instant,
        mut waits_for: impl FnMut(&mut Self) -> Option<usize>,
    ) -> Result<()> {
        while let Some(place) = waits_for(self) {
            for &place in living {
                let child = &self.children[place];
                if let Some(exit) = child.ended() {
                    return Err(self.nodes[place].died(child, exit));
                }
            }
            if self.keeper.is_stopped() {
                let who = &self.who;
                return Err(Error::Unfit(format!(
                    "{who}: the run was stopped at its broker's start"
                )));
            }
            if Instant::now() >= deadline {
                let child = &self.children[place];
                let tail = child.log_tail(5).join("\n  ");
                let within = if self.is_cluster() { CLUSTER_START } else { START }.as_secs();
                return Err(Error::Unfit(format!(
                    "{}: broker {otherwise} within {within} s\n  {tail}\n  full log: {}",
                    child.name(),
                    child.log().display()
                )));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Tries whether all nodes are one cluster, with a queue of its own. A node
    /// that takes logins may be a second short of that.
    fn serves_together(&self, deadline: Instant) -> std::io::Result<bool> {
        let id = u32::from_le_bytes(rooms::random().map_err(std::io::Error::other)?);
        let queue = format!("schedbench.trial.{id:08x}");
        let tried = self.try_queue(&queue, deadline);
        // Whatever it came to; on a connection of its own, for an answer that
        // is an error ends the other.
        let mut amqp = self.nodes[0].sign_in(deadline)?;
        amqp.delete_queue(&queue)?;
        amqp.close()?;
        tried
    }

    /// Whether a quorum queue that is declared at the first node gets a member
    /// on each, takes a message at each, and gives it there.
    fn try_queue(&self, queue: &str, deadline: Instant) -> std::io::Result<bool> {
        let mut all: Vec<Amqp> =
            self.nodes.iter().map(|node| node.sign_in(deadline)).collect::<Result<_, _>>()?;
        all[0].declare_quorum_queue(queue, self.nodes.len() as u32)?;
        for amqp in &mut all {
            amqp.publish_confirmed(queue)?;
            if !amqp.take(queue)? {
                return Ok(false);
            }
        }
        all.into_iter().try_for_each(Amqp::close)?;
        Ok(self.members(queue) == self.nodes.len())
    }

    /// Members of a quorum queue, by what the nodes have on disk.
    fn members(&self, queue: &str) -> usize {
        self.nodes.iter().filter(|node| node.has_member(queue)).count()
    }

    /// Asks the nodes at these places to end, together: one after another,
    /// each would wait for those that go on.
    fn end(&self, places: &[usize]) {
        let deadline = Instant::now() + STOP;
        std::thread::scope(|scope| {
            for &place in places {
                let child = &self.children[place];
                scope.spawn(move || child.terminate(deadline));
            }
        });
    }
}

impl Running for Own {
    fn address(&self) -> &Address {
        &self.nodes[0].address
    }

    fn child(&self) -> Option<&Child> {
        self.children.first()
    }

    fn children(&self) -> Vec<&Child> {
        self.children.iter().collect()
    }

    fn describe(&self) -> String {
        let Address { host, port, .. } = self.address();
        let ports: Vec<String> =
            self.nodes.iter().skip(1).map(|node| node.address.port.to_string()).collect();
        match ports.as_slice() {
            [] => format!("rabbitmq {} started on {host}:{port}", self.version),
            others => format!(
                "rabbitmq {} started as a cluster of {} on {host}:{port}, {}",
                self.version,
                self.nodes.len(),
                others.join(", ")
            ),
        }
    }

    fn check_queue(&self, name: &str) -> Result<()> {
        if !self.is_cluster() {
            return Ok(());
        }
        let deadline = Instant::now() + FOUND;
        loop {
            let (members, nodes) = (self.members(name), self.nodes.len());
            if members == nodes {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Error::Unfit(format!(
                    "{}: the queue {name} is on {members} of {nodes} nodes, so that it is not \
                     what this profile claims\n  logs: {}",
                    self.who,
                    self.log.with_extension("*").display()
                )));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// By what Ra, RabbitMQ's Raft, has on each node of who leads.
    fn leader(&self, queue: &str) -> Result<usize> {
        let asked = self.nodes.iter().map(|node| leader::question(node, queue));
        let name = first_answer(asked, leader::ASKED)
            .map_err(Error::io(format!("{}: asking who leads the queue {queue}", self.who)))?;
        let unfit = |why: &str| Error::Unfit(format!("{}: {name} leads {queue}: {why}", self.who));
        let place = self.nodes.iter().position(|node| node.name == name);
        let place = place.ok_or_else(|| unfit("it is no node of ours"))?;
        // The others keep its name until they have elected one of them.
        match self.children[place].ended() {
            Some(_) => Err(unfit("it is dead, and no other has been elected yet")),
            None => Ok(place),
        }
    }

    fn restart(&mut self) -> Result<()> {
        self.restart_nodes(&self.places())
    }

    fn restart_nodes(&mut self, places: &[usize]) -> Result<()> {
        self.end(places);
        if self.mapper.ended().is_some() {
            self.mapper = start_mapper(&self.keeper, &self.who, &self.log, self.nodes[0].mapper)?;
        }
        self.launch(places)
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.end(&self.places());
        self.mapper.terminate(Instant::now() + STOP);
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
        for child in self.children.iter().chain([&self.mapper]) {
            if child.ended().is_none() {
                child.kill();
            }
        }
    }
}
