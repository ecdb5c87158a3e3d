//! A RabbitMQ of our own: a port mapper, and one node, or three that are one
//! cluster; three port mappers where each node is in a network of its own.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench_adapters::amqp::Amqp;
use schedbench_contract::Address;

use super::node::{LOOK, Node, start_mapper};
use super::{disk_limit, effective, erlang, leader, mirrors};
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

/// Nodes of ours and their port mappers. Dropping it ends what still runs.
pub(super) struct Own {
    /// For whom, for messages.
    who: String,
    nodes: Vec<Node>,
    /// The directory of all of them.
    room: PathBuf,
    log: PathBuf,
    keeper: Spawner,
    /// In the order of the nodes, or one for all of them.
    mappers: Vec<Child>,
    /// In the order of the nodes.
    children: Vec<Child>,
    version: String,
    /// What its first node's configuration comes to.
    settings: Vec<(String, String)>,
    /// What each node wants to be free, while it is told to want more.
    free_limits: Vec<String>,
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
            mappers: Vec::new(),
            children: Vec::with_capacity(nodes.len()),
            version: String::new(),
            settings: Vec::new(),
            free_limits: Vec::new(),
            nodes,
            keeper,
        };
        own.start_mappers()?;
        own.launch(&own.places())?;
        if own.nodes[0].has_mirrors() {
            let set = mirrors::set_policy(&own.nodes[0]);
            set.map_err(Error::io(format!("{who}: setting the policy of mirrors")))?;
        }
        own.nodes.iter().try_for_each(Node::forget_secrets)?;
        // Without `erl_call` it serves all the same, and the outcome says what
        // is not known of it.
        own.settings = effective::settings(&own.nodes[0])
            .unwrap_or_else(|error| vec![("configuration".into(), format!("not told: {error}"))]);
        Ok(own)
    }

    /// Starts the port mappers that do not run: one for each network.
    fn start_mappers(&mut self) -> Result<()> {
        let networks = if self.nodes[0].place.is_apart { self.nodes.len() } else { 1 };
        for (at, node) in self.nodes.iter().take(networks).enumerate() {
            if self.mappers.get(at).is_some_and(|mapper| mapper.ended().is_none()) {
                continue;
            }
            let (who, log) =
                if networks > 1 { (&node.who, &node.log) } else { (&self.who, &self.log) };
            let mapper = start_mapper(&self.keeper, who, log, (&node.place, node.mapper))?;
            match self.mappers.get_mut(at) {
                Some(former) => *former = mapper,
                None => self.mappers.push(mapper),
            }
        }
        Ok(())
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
        let id = rooms::number().map_err(std::io::Error::other)?;
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

    /// How many nodes have a copy of a queue.
    fn copies(&self, queue: &str) -> usize {
        match self.nodes[0].has_mirrors() {
            // A node that does not answer vouches for none.
            true => mirrors::copies(&self.nodes[0], queue).unwrap_or(0),
            false => self.members(queue),
        }
    }

    /// Members of a quorum queue, by what the nodes have on disk.
    fn members(&self, queue: &str) -> usize {
        self.nodes.iter().filter(|node| node.has_member(queue)).count()
    }

    /// The first answer of those that live: the others keep what was so before.
    fn first<Q>(&self, question: impl Fn(&Node) -> Q) -> std::io::Result<String>
    where
        Q: FnOnce() -> std::io::Result<String> + Send + 'static,
    {
        first_answer(self.nodes.iter().map(question), erlang::ASKED)
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
        let Address { host, port, others, .. } = self.address();
        let place = |(at, port): &(String, u16)| match at == host {
            true => port.to_string(),
            false => format!("{at}:{port}"),
        };
        let others: Vec<String> = others.iter().map(place).collect();
        match others.as_slice() {
            [] => format!("rabbitmq {} started on {host}:{port}", self.version),
            others => format!(
                "rabbitmq {} started as a cluster of {} on {host}:{port}, {}",
                self.version,
                self.nodes.len(),
                others.join(", ")
            ),
        }
    }

    fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    fn check_queue(&self, name: &str) -> Result<()> {
        if !self.is_cluster() {
            return Ok(());
        }
        let deadline = Instant::now() + FOUND;
        loop {
            let (members, nodes) = (self.copies(name), self.nodes.len());
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

    /// By what each node has noted of who leads.
    fn leader(&self, queue: &str) -> Result<usize> {
        let name = match self.nodes[0].has_mirrors() {
            true => self.first(|node| mirrors::leader(node, queue)),
            false => self.first(|node| leader::question(node, queue)),
        };
        let name =
            name.map_err(Error::io(format!("{}: asking who leads the queue {queue}", self.who)))?;
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
        self.start_mappers()?;
        self.launch(places)
    }

    /// Its disk is full where less is free than it is told to leave.
    fn move_to_small_disk(&mut self) -> Result<()> {
        Ok(())
    }

    fn fill_disk(&mut self) -> Result<&'static str> {
        if !self.free_limits.is_empty() {
            return Ok(disk_limit::HOW);
        }
        let telling = format!("{}: telling it that its disk is full", self.who);
        let mut nodes = self.nodes.iter();
        let told = nodes.try_for_each(|node| {
            self.free_limits.push(disk_limit::raise(node)?);
            Ok::<_, std::io::Error>(())
        });
        told.map(|()| disk_limit::HOW).map_err(|error| {
            // Those that were told before; the others never were.
            let _ = self.free_disk();
            Error::io(telling)(error)
        })
    }

    fn free_disk(&mut self) -> Result<()> {
        let telling = format!("{}: telling it that its disk has room", self.who);
        let mut told = Ok(());
        // Each of them, whatever another says: one alarm blocks all publishers.
        for (node, former) in self.nodes.iter().zip(self.free_limits.drain(..)) {
            told = told.and(disk_limit::lower(node, &former));
        }
        told.map_err(Error::io(telling))
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.end(&self.places());
        let deadline = Instant::now() + STOP;
        for mapper in &self.mappers {
            mapper.terminate(deadline);
        }
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
        for child in self.children.iter().chain(&self.mappers) {
            if child.ended().is_none() {
                child.kill();
            }
        }
    }
}
