//! Kafka: started by us in KRaft mode from its published jars, or an existing one.

mod config;
mod data;
mod existing;
mod fetch;
mod java;
mod jvm;
mod leftovers;
mod node;
mod nodes;
mod own;
mod quick;
mod safepoints;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench_contract::{Address, Broker};

use schedbench_adapters::kafka_wire::Wire;
use schedbench_adapters::tls;

use crate::environment::broker::{Entry, UrlForm};
use crate::environment::{Keeper, Result, Rooms, Watchdog};

pub use config::{FIXED as SETTINGS, JVM};
pub use fetch::fetch;

/// What the harness knows of it.
pub(crate) const ENTRY: Entry = Entry {
    broker: Broker::Kafka,
    // Of a Kafka that somebody has installed; ours is in the cache.
    program: "kafka-server-start.sh",
    program_env: "SCHEDBENCH_KAFKA_SERVER",
    remedy: "apt-get install default-jre-headless maven && schedbench prepare kafka",
    url_env: "KAFKA_URL",
    url: UrlForm { scheme: "kafka", port: 9092, numbered_database: false, tls: tls::FOR_KAFKA },
    // The first release that has only KRaft; older ones are not tried.
    oldest: (4, 0),
    find: cached,
    version: version_of,
    ask,
    start: own::start,
    reach: existing::reach,
    leftovers: leftovers::queues,
    remove: leftovers::remove,
};

/// One question.
const ANSWER: Duration = Duration::from_secs(5);

/// Makes, before any run, what the first one would make: [`fetch`]es the jars,
/// and archives what a start loads. `say` hears one line at a time.
///
/// # Errors
/// The jars cannot be fetched, or there is nowhere to start a Kafka. That it
/// will start more slowly is no error.
pub fn prepare(mut say: impl FnMut(&str)) -> Result<()> {
    let jars = fetch(&mut say)?;
    let watchdog = Watchdog::start()?;
    let rooms = Rooms::open(Some(watchdog.clone()))?;
    let keeper = Keeper::start(Some(watchdog))?;
    own::prepare(&jars, &keeper, &rooms, &mut say)
}

/// The cache, once it is whole.
fn cached() -> Option<PathBuf> {
    fetch::cache().filter(|cache| fetch::is_complete(cache))
}

/// Where the jars are: in the cache, or beside an installed Kafka's scripts.
fn libs_of(program: &Path) -> PathBuf {
    if program.is_dir() {
        return program.join("libs");
    }
    let script = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let home = script.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    home.join("libs")
}

/// The version, by the name of the main jar.
fn version_of(program: &Path) -> Option<String> {
    let entries = std::fs::read_dir(libs_of(program)).ok()?.flatten();
    entries
        .into_iter()
        .find_map(|entry| Some(fetch::version_in(entry.file_name().to_str()?)?.to_owned()))
}

/// The release of an existing one.
fn ask(address: &Address) -> std::io::Result<String> {
    let mut wire = Wire::connect(address, Instant::now() + ANSWER)?;
    Ok(wire.release()?.unwrap_or_else(|| "before 3.3, or with ZooKeeper".into()))
}
