//! Brokers: how each is found, started, or reached. A new one is one line in
//! [`BROKERS`] and one file like `redis.rs`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use schedbench_contract::{Address, Broker, Profile};

use crate::environment::compose::Docker;
use crate::environment::{
    Child, Error, Keeper, Missing, Result, Rooms, address, compose, kafka, postgres, rabbitmq,
    redis,
};
use crate::fault::Doors;

/// What a broker is started on.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Starts its processes.
    pub keeper: &'a Keeper,
    /// Gives it a directory.
    pub rooms: &'a Rooms,
    /// Where its logs go and stay after the run.
    pub logs: &'a Path,
}

/// For whom a broker is started.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// `system/profile`, for messages.
    pub who: &'a str,
    /// The profile, whose settings the broker must have.
    pub profile: &'a Profile,
    /// The environment variable in which the scenario says the URL is.
    pub url_env: Option<&'a str>,
    /// Whether its clients will come through proxies. A broker that tells them
    /// where to go must tell them to go there.
    pub by_proxies: bool,
}

/// A broker that answers.
///
/// Faults are its child's: `broker.child()` can be killed, paused and resumed;
/// then [`restart`](Self::restart) brings it back with its data, on its port.
pub trait Running: Send {
    /// Where it is.
    fn address(&self) -> &Address;
    /// Its process, the first of a cluster's; `None` for one that is not ours.
    fn child(&self) -> Option<&Child>;
    /// All of its processes that serve, a cluster's in the order of its nodes.
    fn children(&self) -> Vec<&Child> {
        self.child().into_iter().collect()
    }
    /// The proxies that it was started behind, where it tells its clients to
    /// come through them; `None` for one before which any may be put.
    fn doors(&self) -> Option<&Doors> {
        None
    }
    /// The share of a core that each of its processes takes and is called
    /// quiet: what it does behind when it has nothing to do is above nothing.
    fn idle_share(&self) -> f64 {
        0.02
    }
    /// One line for the terminal, as in `redis 7.0.15 started on 127.0.0.1:21734`.
    fn describe(&self) -> String;
    /// What its configuration comes to, asked from it at its start, where its
    /// clients cannot ask it for that.
    fn settings(&self) -> &[(String, String)] {
        &[]
    }
    /// Fails once a process of it has ended, with the last lines of its log.
    ///
    /// # Errors
    /// It has ended.
    fn check(&self) -> Result<()> {
        self.check_all_but(&[])
    }
    /// The same, but for the nodes at these places, which were hurt on purpose.
    ///
    /// # Errors
    /// Another process of it has ended.
    fn check_all_but(&self, hurt: &[usize]) -> Result<()> {
        let others = self.children().into_iter().enumerate();
        let mut others = others.filter(|(place, _)| !hurt.contains(place));
        match others.find_map(|(_, child)| Some((child, child.ended()?))) {
            Some((child, exit)) => Err(Error::Died(Box::new(child.died("broker", exit)))),
            None => Ok(()),
        }
    }
    /// Fails where a cell's queue is not kept by as many servers as the profile
    /// has, where the system cannot tell by itself and what is on disk does.
    ///
    /// # Errors
    /// It is not.
    fn check_queue(&self, name: &str) -> Result<()> {
        let _ = name;
        Ok(())
    }
    /// The place, among [`children`](Self::children), of the node that leads
    /// this queue now; the cluster is asked.
    ///
    /// # Errors
    /// It has no leader, or nobody answers.
    fn leader(&self, queue: &str) -> Result<usize> {
        let _ = queue;
        Err(Error::Unfit("it has no leader".into()))
    }
    /// When a process of it stopped all of its threads for its own housekeeping,
    /// in a stretch of monotonic time, ns; `None` of one that does not say so.
    fn pauses(&self, stretch: &Range<u64>) -> Option<Vec<Range<u64>>> {
        let _ = stretch;
        None
    }
    /// How many of a cell's queues are with the nodes at these places, and how
    /// many it has; `None` where it has one.
    fn queues_at(&self, queue: &str, places: &[usize]) -> Option<(usize, usize)> {
        let _ = (queue, places);
        None
    }
    /// Ends it if it lives, starts it again with the same data on the same
    /// port, and waits until it answers.
    ///
    /// # Errors
    /// It is not ours, or does not come back.
    fn restart(&mut self) -> Result<()>;
    /// Starts the nodes at these places again with their data, ends them first
    /// where they live, and waits until the cluster has them. The others are
    /// left as they are.
    ///
    /// # Errors
    /// As for [`restart`](Self::restart).
    fn restart_nodes(&mut self, places: &[usize]) -> Result<()> {
        let _ = places;
        self.restart()
    }
    /// Gives it a disk that can be full: it is started again with its data on
    /// that. One whose disk need not be touched stays as it is.
    ///
    /// # Errors
    /// There is no such disk for it, or it does not come back.
    fn move_to_small_disk(&mut self) -> Result<()> {
        Err(Error::Unfit("it has no disk that can be full".into()))
    }
    /// Leaves it no room to write; called again, takes what it has made of it
    /// by deleting. Gives how, in words.
    ///
    /// # Errors
    /// It has no disk that can be full, or does not see that it is.
    fn fill_disk(&mut self) -> Result<&'static str> {
        Err(Error::Unfit("it has no disk that can be full".into()))
    }
    /// Gives the room back.
    ///
    /// # Errors
    /// It cannot be given back.
    fn free_disk(&mut self) -> Result<()> {
        Err(Error::Unfit("it has no disk that can be full".into()))
    }
    /// Ends it and removes its directory. One that is not ours is left as it is.
    ///
    /// # Errors
    /// Its directory cannot be removed.
    fn stop(self: Box<Self>) -> Result<()>;
}

/// What the harness knows of a broker.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Which.
    pub broker: Broker,
    /// Its program on PATH.
    pub program: &'static str,
    /// The environment variable that names the program instead.
    pub program_env: &'static str,
    /// The one command that brings it.
    pub remedy: &'static str,
    /// The environment variable that names an existing one.
    pub url_env: &'static str,
    /// What its URL looks like.
    pub url: UrlForm,
    /// The oldest version that will do.
    pub oldest: (u32, u32),
    /// Where its program is when it is not on PATH.
    pub find: fn() -> Option<PathBuf>,
    /// Its version, asked from the program.
    pub version: fn(&Path) -> Option<String>,
    pub(crate) ask: fn(&Address) -> std::io::Result<String>,
    pub(crate) start: fn(&Path, &Ground<'_>, &Need<'_>) -> Result<Box<dyn Running>>,
    pub(crate) reach: fn(Address, &str, &Need<'_>) -> Result<Box<dyn Running>>,
    /// What earlier runs left in one that is not ours: queues (topics, tables)
    /// of ours, and how many parts each has.
    pub(crate) leftovers: fn(&Address) -> std::io::Result<Leftovers>,
    /// Removes what `leftovers` has found.
    pub(crate) remove: fn(&Address, &Leftovers) -> std::io::Result<()>,
}

/// Queues of earlier runs by name, with the number of their parts.
pub type Leftovers = BTreeMap<String, u64>;

/// What a broker's URL looks like.
#[derive(Clone, Copy, Debug)]
pub struct UrlForm {
    /// Its scheme; with an `s` after it where TLS is wanted, but for
    /// PostgreSQL, whose URLs have an `sslmode` for that.
    pub scheme: &'static str,
    /// The port that it leaves out.
    pub port: u16,
    /// Whether what follows the slash is a number (Redis) or a name.
    pub numbered_database: bool,
    /// Whether TLS is understood.
    pub tls: bool,
}

/// Every broker. A new one is one line here and one file beside this one.
pub const BROKERS: &[Entry] = &[redis::ENTRY, rabbitmq::ENTRY, kafka::ENTRY, postgres::ENTRY];

/// How a broker would be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// By starting this program.
    Program(PathBuf),
    /// By the URL in this environment variable.
    Url(String),
    /// In a container of this docker.
    Compose(Docker),
}

impl Entry {
    /// What is known of a broker.
    ///
    /// # Panics
    /// Never: a test holds that every broker has its entry.
    #[must_use]
    pub fn of(broker: Broker) -> &'static Self {
        let entry = BROKERS.iter().find(|entry| entry.broker == broker);
        entry.expect("every broker has an entry")
    }

    /// Its program, if it is here.
    #[must_use]
    pub fn find(&self) -> Option<PathBuf> {
        if let Some(named) = std::env::var_os(self.program_env).filter(|path| !path.is_empty()) {
            let named = PathBuf::from(named);
            // A directory of programs, as PostgreSQL's, is named as such.
            let named = if named.is_dir() { named.join(self.program) } else { named };
            return Some(named).filter(|path| is_program(path));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            // Debian has servers in sbin, which is not on everybody's PATH.
            .chain(["/usr/local/sbin", "/usr/sbin", "/usr/local/bin"].map(PathBuf::from))
            .map(|dir| dir.join(self.program))
            .find(|path| is_program(path))
            .or_else(self.find)
    }

    /// How it would be had: by the URL that the scenario names; otherwise by
    /// the program; otherwise by the URL in the broker's own variable. A
    /// `REDIS_URL` that happens to be set, for another program perhaps, is not
    /// loaded with a benchmark as long as there is another way.
    ///
    /// # Errors
    /// It cannot be had here.
    pub fn source(&self, who: &str, url_env: Option<&str>) -> Result<Source, Missing> {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match url_env {
            Some(name) if is_set(name) => Ok(Source::Url(name.into())),
            Some(name) => Err(Missing::no_url(who, self, name)),
            None => match self.find() {
                Some(program) => Ok(Source::Program(program)),
                None if is_set(self.url_env) => Ok(Source::Url(self.url_env.into())),
                None => Err(Missing::no_program(who, self)),
            },
        }
    }

    /// Whether a version will not do. One that cannot be read will.
    #[must_use]
    pub fn is_too_old(&self, version: &str) -> bool {
        let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
        let parts = parts.next().zip(parts.next());
        parts.is_some_and(|parts| parts < self.oldest)
    }

    /// Why a server of that version cannot be what a profile needs, though it is
    /// not too old.
    #[must_use]
    pub fn lacks(&self, version: &str, profile: &Profile) -> Option<String> {
        match self.broker {
            Broker::RabbitMq => rabbitmq::lacks(version, profile),
            Broker::Redis | Broker::Kafka | Broker::Postgres => None,
        }
    }

    /// The version of the existing one whose URL is in the variable.
    ///
    /// # Errors
    /// It is no URL, or nobody answers there.
    pub fn ask(&self, variable: &str) -> Result<String> {
        let address = address::from_env(self, variable)?;
        (self.ask)(&address).map_err(Error::io(format!(
            "asking the {} of {variable} ({}:{})",
            self.broker.name(),
            address.host,
            address.port
        )))
    }

    /// Whether the existing one whose URL is in the variable is as the profile
    /// needs it; nothing is started or changed.
    ///
    /// # Errors
    /// It is not, and how.
    pub fn suits(&self, variable: &str, need: &Need<'_>) -> Result<()> {
        let address = address::from_env(self, variable)?;
        (self.reach)(address, variable, need).map(drop)
    }

    /// What earlier runs left in the existing one whose URL is in the variable.
    ///
    /// # Errors
    /// It is no URL, or nobody answers there.
    pub fn leftovers(&self, variable: &str) -> Result<Leftovers> {
        let address = address::from_env(self, variable)?;
        let name = self.broker.name();
        (self.leftovers)(&address).map_err(Error::io(format!("asking the {name} of {variable}")))
    }

    /// Removes what [`leftovers`](Self::leftovers) has found.
    ///
    /// # Errors
    /// Nobody answers there, or it refuses.
    pub fn remove(&self, variable: &str, found: &Leftovers) -> Result<()> {
        let address = address::from_env(self, variable)?;
        let name = self.broker.name();
        (self.remove)(&address, found)
            .map_err(Error::io(format!("removing queues from the {name} of {variable}")))
    }

    /// How many networks its servers get where they have networks of their own:
    /// nodes that can be cut off from each other have one each.
    #[must_use]
    pub const fn networks(&self, profile: &Profile) -> usize {
        match self.broker {
            Broker::RabbitMq => profile.topology.nodes(),
            Broker::Redis | Broker::Kafka | Broker::Postgres => 1,
        }
    }

    /// Starts it, or reaches the existing one, and waits until it answers.
    ///
    /// # Errors
    /// It is missing, dies at its start, does not answer, an existing one is
    /// not configured as the profile needs, or the run is stopped.
    pub fn have(&'static self, ground: &Ground<'_>, need: &Need<'_>) -> Result<Box<dyn Running>> {
        self.have_from(self.source(need.who, need.url_env)?, ground, need)
    }

    /// The same from where a [`Mode`](crate::environment::Mode) says.
    ///
    /// # Errors
    /// As for [`have`](Self::have).
    pub fn have_from(
        &'static self,
        source: Source,
        ground: &Ground<'_>,
        need: &Need<'_>,
    ) -> Result<Box<dyn Running>> {
        match source {
            Source::Compose(docker) => compose::start(&docker, self, ground, need),
            Source::Program(program) => (self.start)(&program, ground, need),
            Source::Url(name) => {
                let address = address::from_env(self, &name)?;
                (self.reach)(address, &name, need)
            }
        }
    }
}

pub(crate) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let redis = Entry::of(Broker::Redis);
        assert!(redis.is_too_old("6.0.16") && redis.is_too_old("5.9"));
        assert!(!redis.is_too_old("6.2.0") && !redis.is_too_old("10.0.1"));
        assert!(!redis.is_too_old("unknown"));
    }

    #[test]
    fn every_broker_has_an_entry() {
        for broker in Broker::ALL {
            assert_eq!(Entry::of(*broker).broker, *broker);
        }
    }
}
