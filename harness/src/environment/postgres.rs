//! PostgreSQL: started by us, or an existing one.

mod asking;
mod cluster;
mod leftovers;
mod programs;
mod segment;

use std::path::Path;
use std::time::{Duration, Instant};

use schedbench_adapters::tls;
use schedbench_contract::{Address, Broker};

use crate::environment::broker::{Entry, Ground, Need, Running, UrlForm};
use crate::environment::{Child, Error, Result, Spawner, ports, small_disk};
use asking::Asking;
use cluster::Cluster;
pub use cluster::TUNING;

/// What the harness knows of it.
pub(crate) const ENTRY: Entry = Entry {
    broker: Broker::Postgres,
    program: "postgres",
    program_env: "SCHEDBENCH_POSTGRES",
    remedy: "apt-get install postgresql",
    url_env: "POSTGRES_URL",
    url: UrlForm { scheme: "postgres", port: 5432, numbered_database: false, tls: tls::IS_HERE },
    oldest: (12, 0),
    find: programs::find,
    version: programs::version_of,
    ask: asking::version,
    start,
    reach,
    leftovers: leftovers::schemas,
    remove: leftovers::remove,
};

/// From SIGINT, which rolls back what clients had begun, to SIGKILL.
const STOP: Duration = Duration::from_secs(10);
/// One question.
const ANSWER: Duration = Duration::from_secs(5);

/// Makes a cluster and starts its server.
fn start(program: &Path, ground: &Ground<'_>, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let cluster = Cluster::make(program, ground, need)?;
    let mut tries = 0;
    loop {
        tries += 1;
        let address = Address {
            host: ground.keeper.spawner().host(),
            port: ports::free()?,
            user: Some(cluster::USER.into()),
            password: Some(cluster.password.clone()),
            database: Some(cluster::DATABASE.into()),
            tls: false,
            others: Vec::new(),
        };
        match cluster.start(&ground.keeper.spawner(), &address) {
            Ok((child, version)) => {
                let promise = promise(need);
                let keeper = ground.keeper.spawner();
                return Ok(Box::new(Own { cluster, keeper, address, child, version, promise }));
            }
            // Somebody took the port between our look and its bind.
            Err(Error::Died(died)) if tries < 5 && is_port_taken(&died.log) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_port_taken(log: &[String]) -> bool {
    log.iter().any(|line| line.contains("Address already in use") || line.contains("TCP/IP socket"))
}

/// What of its configuration decides the durability class.
fn promise(need: &Need<'_>) -> String {
    let settings = need.profile.broker_settings;
    let commit = settings.iter().find(|(key, _)| *key == "synchronous_commit");
    format!("synchronous_commit {}", commit.map_or("on", |(_, value)| value))
}

/// A PostgreSQL of our own.
struct Own {
    cluster: Cluster,
    keeper: Spawner,
    address: Address,
    child: Child,
    version: String,
    promise: String,
}

impl Running for Own {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        Some(&self.child)
    }

    fn describe(&self) -> String {
        let Address { host, port, .. } = &self.address;
        format!("postgres {} started on {host}:{port} ({})", self.version, self.promise)
    }

    fn restart(&mut self) -> Result<()> {
        self.child.interrupt(Instant::now() + STOP);
        let (child, version) = self.cluster.start_again(&self.keeper, &self.address)?;
        self.child = child;
        self.version = version;
        Ok(())
    }

    fn move_to_small_disk(&mut self) -> Result<()> {
        self.child.interrupt(Instant::now() + STOP);
        self.cluster.move_to_small_disk()?;
        self.restart()
    }

    fn fill_disk(&mut self) -> Result<&'static str> {
        small_disk::fill(&self.cluster.disk)
    }

    fn free_disk(&mut self) -> Result<()> {
        small_disk::free(&self.cluster.disk)
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.child.interrupt(Instant::now() + STOP);
        self.cluster.remove()
    }
}

/// Reaches an existing one and makes sure that it is configured as needed: a
/// result is never measured under a class that its broker does not have.
fn reach(address: Address, url_env: &str, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let place = format!("the PostgreSQL of {url_env} ({}:{})", address.host, address.port);
    let broken = |error| Error::io(format!("{}: asking {place}", need.who))(error);
    let asking = Asking::begin(&address, Instant::now() + ANSWER).map_err(broken)?;
    let version = asking.version().map_err(broken)?;
    // What decides the class, where the profile does not say otherwise.
    let mut wanted =
        vec![("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")];
    wanted.retain(|(key, _)| !need.profile.broker_settings.iter().any(|(known, _)| known == key));
    wanted.extend(need.profile.broker_settings);
    for (key, wanted) in wanted {
        let has = asking.setting(key).map_err(broken)?;
        let problem = match has {
            Some(has) if has == wanted => continue,
            Some(has) => format!("has {key} = '{has}'"),
            None => format!("does not say what its {key} is"),
        };
        return Err(Error::Unfit(format!(
            "{}: {place} {problem}, and this profile needs {key} = '{wanted}'\n  \
             Either there: ALTER SYSTEM SET {key} = '{wanted}'; SELECT pg_reload_conf()   or let \
             schedbench start its own ({}, no url_env)",
            need.who, ENTRY.remedy
        )));
    }
    Ok(Box::new(Existing { address, version, promise: promise(need), url_env: url_env.into() }))
}

/// A PostgreSQL that is not ours: asked and used, never signalled or changed.
struct Existing {
    address: Address,
    version: String,
    promise: String,
    url_env: String,
}

impl Running for Existing {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        None
    }

    fn describe(&self) -> String {
        let Self { address: Address { host, port, .. }, version, promise, url_env } = self;
        format!("postgres {version} of {url_env} at {host}:{port} ({promise}), not ours")
    }

    fn restart(&mut self) -> Result<()> {
        Err(Error::Unfit(format!("the PostgreSQL of {} is not ours to restart", self.url_env)))
    }

    fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
