//! A Kafka of our own: one node that is broker and controller.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench_contract::{Address, Secret};

use super::java::Java;
use super::{config, libs_of, version_of};
use crate::environment::broker::{Ground, Need, Running};
use crate::environment::healthy::Patience;
use crate::environment::{Child, Error, Result, Spawner, Spec, disk, ports, rooms};
use schedbench_adapters::kafka_wire::Wire;

/// From its start to its first answer; a JVM on a busy machine is slow.
const START: Duration = Duration::from_secs(90);
/// From SIGTERM to SIGKILL: it writes what it has and closes its log.
const STOP: Duration = Duration::from_secs(15);
/// To write the first files of the log.
const FORMAT: Duration = Duration::from_secs(60);
/// Lines of its log that a message shows; a stack trace is left out.
const TOLD_LINES: usize = 5;
/// Who may sign in.
const USER: &str = "schedbench";

/// Starts one.
pub(super) fn start(
    program: &Path,
    ground: &Ground<'_>,
    need: &Need<'_>,
) -> Result<Box<dyn Running>> {
    let java = Java::find()?;
    let version = version_of(program).ok_or_else(|| {
        let libs = libs_of(program);
        Error::Unfit(format!("{}: there is no Kafka in {}", need.who, libs.display()))
    })?;
    let room = ground.rooms.room("kafka")?;
    if flush_in_words(need) != NO_FLUSH {
        disk::refuse_memory(&room, need)?;
    }
    let logging = room.join("log4j2.properties");
    write_private(&logging, config::LOGGING)?;
    let log = log_for(&room, ground.logs);
    let mut tries = 0;
    loop {
        tries += 1;
        let address = Address {
            host: "127.0.0.1".into(),
            port: ports::free()?,
            user: Some(USER.into()),
            password: Some(rooms::password()?),
            database: None,
            tls: false,
        };
        let controller = another_port(address.port)?;
        let properties = config::properties(&address, controller, &room.join("data"), need.profile);
        let how = How {
            java: java.program.clone(),
            class_path: class_path(&libs_of(program))?,
            logging: logging.clone(),
            name: need.who.into(),
            log: log.clone(),
            properties,
        };
        let keeper = ground.keeper.spawner();
        if !room.join("data").exists() {
            how.format(&keeper)?;
        }
        match how.start(&keeper, &address) {
            Ok(child) => {
                let flush = flush_in_words(need);
                let java = java.version;
                return Ok(Box::new(Own {
                    how,
                    keeper,
                    room,
                    address,
                    child,
                    version,
                    java,
                    flush,
                }));
            }
            // Somebody took a port between our look and its bind.
            Err(Error::Died(died)) if tries < 5 && is_port_taken(&died.full_log) => {
                let _ = fs::remove_dir_all(room.join("data"));
            }
            Err(error) => return Err(error),
        }
    }
}

/// The log is named like the room, so that restarts append to one file.
fn log_for(room: &Path, logs: &Path) -> PathBuf {
    let name = room.file_name().unwrap_or(OsStr::new("kafka"));
    logs.join(name).with_extension("log")
}

fn another_port(than: u16) -> Result<u16> {
    loop {
        let port = ports::free()?;
        if port != than {
            return Ok(port);
        }
    }
}

fn is_port_taken(log: &Path) -> bool {
    let text = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).contains("Address already in use")
}

const NO_FLUSH: &str = "page cache";

pub(super) fn flush_in_words(need: &Need<'_>) -> String {
    let settings = need.profile.broker_settings.iter();
    let every = settings.copied().find(|(key, _)| *key == "log.flush.interval.messages");
    every.map_or_else(|| NO_FLUSH.into(), |(_, every)| format!("fsync every {every} records"))
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::io(format!("writing {}", path.display())))
}

/// Every jar by its name, sorted: an archive of classes fits only the very
/// same list.
fn class_path(libs: &Path) -> Result<OsString> {
    let reading = || Error::io(format!("reading {}", libs.display()));
    let mut jars: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(libs).map_err(reading())? {
        let path = entry.map_err(reading())?.path();
        if path.extension() == Some(OsStr::new("jar")) {
            jars.push(path);
        }
    }
    jars.sort();
    let jars: Vec<&OsStr> = jars.iter().map(|jar| jar.as_os_str()).collect();
    Ok(jars.join(OsStr::new(":")))
}

/// How it is started, the first time and again.
struct How {
    java: PathBuf,
    class_path: OsString,
    logging: PathBuf,
    name: String,
    log: PathBuf,
    properties: Secret,
}

impl How {
    /// A Java program with our properties on its standard input.
    fn spec(&self, jvm: &[&str], main: &str, args: &[&str]) -> Spec {
        let mut spec = Spec::new(&self.name, &self.java, self.log.clone());
        spec.args.extend(jvm.iter().map(OsString::from));
        let mut logging = OsString::from("-Dlog4j2.configurationFile=");
        logging.push(&self.logging);
        spec.args.extend([logging, "-cp".into(), self.class_path.clone(), main.into()]);
        spec.args.extend(args.iter().map(OsString::from));
        spec.stdin = self.properties.0.clone().into_bytes();
        spec
    }

    /// Makes the directory of its data.
    fn format(&self, keeper: &Spawner) -> Result<()> {
        let cluster = cluster_id()?;
        let args = ["format", "-t", cluster.as_str(), "-c", "/dev/stdin"];
        let jvm = ["-Xmx128m", "-XX:TieredStopAtLevel=1"];
        let spec = self.spec(&jvm, "kafka.tools.StorageTool", &args);
        let format = Patience { what: "broker", within: FORMAT, told: told_lines };
        format.until_it_ends(keeper, spec)
    }

    /// Starts it and waits until it answers.
    fn start(&self, keeper: &Spawner, address: &Address) -> Result<Child> {
        let spec = self.spec(config::JVM, "kafka.Kafka", &["/dev/stdin"]);
        let start = Patience { what: "broker", within: START, told: told_lines };
        // Only ours knows the password, so an answer is ours.
        let ready = |by| is_ready(address, by).then_some(());
        start.until_it_answers(keeper, spec, ready).map(|(child, ())| child)
    }
}

/// Whether it knows itself as a broker and every partition has its leader.
fn is_ready(address: &Address, deadline: Instant) -> bool {
    let asked = Wire::connect(address, deadline).and_then(|mut wire| wire.topics());
    asked.is_ok_and(|(brokers, topics)| brokers > 0 && topics.iter().all(|topic| topic.is_led))
}

/// The last lines of its log that are no frames of a stack trace.
fn told_lines(child: &Child) -> Vec<String> {
    let lines = child.log_tail(100);
    let is_frame = |line: &str| line.starts_with("\tat ") || line.starts_with("\t... ");
    let mut told: Vec<String> = lines.into_iter().filter(|line| !is_frame(line)).collect();
    told.drain(..told.len().saturating_sub(TOLD_LINES));
    told
}

/// 16 random bytes in URL-safe base64 without padding, as Kafka writes them.
fn cluster_id() -> Result<String> {
    Ok(written_id(rooms::random::<16>()?))
}

/// Without the highest bit, so that no id begins with a dash, which Kafka's
/// programs would take for an option (1 of 64 random ids; Kafka's own
/// `Uuid.randomUuid` throws those away).
fn written_id(mut bytes: [u8; 16]) -> String {
    use base64::Engine as _;
    bytes[0] &= 0x7f;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A Kafka of our own.
struct Own {
    how: How,
    keeper: Spawner,
    room: PathBuf,
    address: Address,
    child: Child,
    version: String,
    java: String,
    flush: String,
}

impl Running for Own {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        Some(&self.child)
    }

    fn describe(&self) -> String {
        let Self { version, java, flush, address: Address { host, port, .. }, .. } = self;
        format!("kafka {version} started on {host}:{port} (KRaft, {flush}, Java {java})")
    }

    fn restart(&mut self) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        self.child = self.how.start(&self.keeper, &self.address)?;
        Ok(())
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        match fs::remove_dir_all(&self.room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(format!("removing {}", self.room.display()))(error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cluster_id_begins_with_a_dash() {
        for first in 0..=u8::MAX {
            let mut bytes = [0xff; 16];
            bytes[0] = first;
            let id = written_id(bytes);
            assert!(id.len() == 22 && id.starts_with(|c: char| c.is_ascii_alphabetic()), "{id}");
        }
    }
}
