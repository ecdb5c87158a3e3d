//! One RabbitMQ node of ours, and the Erlang port mapper (epmd) beside it.
//!
//! The node would start a port mapper by itself, as a daemon that outlives it
//! and the run; so there is one of our own, in the foreground, on a port of its
//! own. A cluster has one port mapper and several nodes, or one for each node
//! where each is in a network of its own.

use std::ffi::OsStr;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench_adapters::amqp::Amqp;
use schedbench_contract::{Address, Secret};

use super::mirrors;
use super::place::Place;
use crate::environment::healthy::{Patience, last_lines};
use crate::environment::{Child, Error, Exit, Result, Spawner, Spec};

/// From the port mapper's start to its first connection.
const MAPPER_START: Duration = Duration::from_secs(10);
/// What it is called in messages.
pub(super) const MAPPER: &str = "broker's epmd";
/// One login.
const ANSWER: Duration = Duration::from_secs(5);
/// Between two looks at what starts.
pub(super) const LOOK: Duration = Duration::from_millis(20);
/// Settings that begin so belong to this plugin, which is only there for them.
/// No profile of a system has one (a test holds that): what the plugin collects
/// costs CPU, and it is there for tests to ask.
const MANAGEMENT: (&str, &str) = ("management.", "rabbitmq_management");

/// Settings of RabbitMQ that `rabbitmq.conf` does not know: they are Erlang
/// terms in `advanced.config`.
const ADVANCED: &[&str] = &["dead_letter_worker_consumer_prefetch"];

/// How one node is started, the first time and again.
pub(super) struct Node {
    /// The server's own script, not a wrapper.
    pub(super) program: PathBuf,
    /// Which, for messages.
    pub(super) who: String,
    /// Its name among Erlang's nodes, as in `b1-5e0c71aa@localhost`, or with its
    /// address where it is in a network of its own. No other
    /// node of this machine has it: should a foreign port mapper come to our
    /// port, it takes nobody else's place there, and nobody its.
    pub(super) name: String,
    /// The names of all nodes of its cluster; empty for one alone.
    pub(super) cluster: Vec<String>,
    /// What nodes of one cluster know each other by.
    pub(super) cookie: Secret,
    pub(super) log: PathBuf,
    /// Its directory.
    pub(super) room: PathBuf,
    pub(super) address: Address,
    /// The port of the port mapper.
    pub(super) mapper: u16,
    /// The port of Erlang's own protocol between nodes.
    pub(super) distribution: u16,
    /// Further settings, which the profile decides.
    pub(super) settings: &'static [(&'static str, &'static str)],
    /// In which network.
    pub(super) place: Place,
}

impl Node {
    /// Writes its configuration; the user and password are in it until its
    /// first start is over.
    pub(super) fn furnish(&self) -> Result<()> {
        write(&self.room.join(".erlang.cookie"), &self.cookie.0, 0o400)?;
        let (prefix, plugin) = MANAGEMENT;
        let is_wanted = self.settings.iter().any(|(key, _)| key.starts_with(prefix));
        let plugins = if is_wanted { plugin } else { "" };
        write(&self.room.join("enabled_plugins"), &format!("[{plugins}].\n"), 0o600)?;
        let terms: Vec<String> =
            self.advanced().map(|(key, value)| format!("{{{key}, {value}}}")).collect();
        let advanced = format!("[{{rabbit, [{}]}}].\n", terms.join(", "));
        write(&self.room.join("advanced.config"), &advanced, 0o600)?;
        let user = self.address.user.as_deref().unwrap_or_default();
        let password = self.address.password.as_ref().map_or("", |secret| secret.0.as_str());
        let secrets = format!("default_user = {user}\ndefault_pass = {password}\n");
        self.configure(&secrets)
    }

    /// Whether classic queues have mirrors.
    pub(super) fn has_mirrors(&self) -> bool {
        mirrors::are_asked_for(self.settings)
    }

    fn advanced(&self) -> impl Iterator<Item = &(&'static str, &'static str)> {
        self.settings.iter().filter(|(key, _)| ADVANCED.contains(key))
    }

    fn configure(&self, secrets: &str) -> Result<()> {
        let Address { host, port, .. } = &self.address;
        let mut text = format!(
            "listeners.tcp.1 = {host}:{port}\n\
             loopback_users = none\n\
             log.file = false\n\
             log.console = true\n\
             log.console.level = info\n"
        );
        if !self.cluster.is_empty() {
            text.push_str("cluster_formation.peer_discovery_backend = classic_config\n");
        }
        for (index, name) in self.cluster.iter().enumerate() {
            let number = index + 1;
            text.push_str(&format!("cluster_formation.classic_config.nodes.{number} = {name}\n"));
        }
        let is_plain = |key: &str| !ADVANCED.contains(&key) && !key.starts_with(mirrors::POLICY);
        for (key, value) in self.settings.iter().filter(|(key, _)| is_plain(key)) {
            text.push_str(&format!("{key} = {value}\n"));
        }
        write(&self.room.join("rabbitmq.conf"), &(text + secrets), 0o600)
    }

    /// Takes user and password out of its configuration: they are in its
    /// database once it has started.
    pub(super) fn forget_secrets(&self) -> Result<()> {
        self.configure("")
    }

    /// Starts its process.
    pub(super) fn spawn(&self, keeper: &Spawner) -> Result<Child> {
        keeper.spawn(self.spec())
    }

    /// Signs in; only ours knows the password, so a login is to ours.
    pub(super) fn sign_in(&self, deadline: Instant) -> std::io::Result<Amqp> {
        Amqp::sign_in(&self.address, deadline.min(Instant::now() + ANSWER))
    }

    /// What to say of its end before it took a login.
    pub(super) fn died(&self, child: &Child, exit: Exit) -> Error {
        let mut died = child.died("broker", exit);
        died.log = why_boot_failed(child);
        Error::Died(Box::new(died))
    }

    /// Whether it keeps a member of that quorum queue: each has a directory,
    /// in which Ra, RabbitMQ's Raft, writes whose it is.
    pub(super) fn has_member(&self, queue: &str) -> bool {
        let members = self.room.join("mnesia").join(&self.name).join("quorum").join(&self.name);
        // Queues of the virtual host "/" are named so among Raft's clusters.
        let name = format!("'%2F_{queue}'");
        let configs = std::fs::read_dir(members).into_iter().flatten().flatten();
        configs.map(|entry| entry.path().join("config")).any(|config| {
            std::fs::read(config).is_ok_and(|text| String::from_utf8_lossy(&text).contains(&name))
        })
    }

    fn spec(&self) -> Spec {
        let room = |name: &str| self.room.join(name).display().to_string();
        let mut spec = Spec::new(&self.who, &self.program, self.log.clone());
        spec.dir = Some(self.room.clone());
        spec.serves = true;
        spec.node = self.place.node;
        let among_nodes = self.place.among_nodes.to_string();
        // Any RABBITMQ_…, ERL_… or HOME of the caller would change what is measured.
        spec.bare = true;
        spec.env = [
            ("PATH", std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".into())),
            ("LANG", "C.UTF-8".into()),
            // Where the cookie is.
            ("HOME", self.room.display().to_string()),
            // With this the script becomes the Erlang machine, so that signals
            // for the child are signals for the broker. Without it a shell
            // stays between them, and a killed shell leaves a broker behind.
            ("RUNNING_UNDER_SYSTEMD", "true".into()),
            ("RABBITMQ_NODENAME", self.name.clone()),
            ("RABBITMQ_NODE_IP_ADDRESS", self.address.host.clone()),
            ("RABBITMQ_NODE_PORT", self.address.port.to_string()),
            ("RABBITMQ_DIST_PORT", self.distribution.to_string()),
            ("RABBITMQ_MNESIA_BASE", room("mnesia")),
            ("RABBITMQ_LOG_BASE", room("log")),
            ("RABBITMQ_CONFIG_FILE", room("rabbitmq")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", room("advanced.config")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", room("enabled_plugins")),
            // Not the settings of this machine's own RabbitMQ.
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
            ("ERL_EPMD_ADDRESS", among_nodes.clone()),
            ("ERL_EPMD_PORT", self.mapper.to_string()),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                format!("-kernel inet_dist_use_interface {{{}}}", among_nodes.replace('.', ",")),
            ),
            ("ERL_CRASH_DUMP", room("erl_crash.dump")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if self.place.is_apart {
            // No other name may have a host with dots in it.
            spec.env.push(("RABBITMQ_USE_LONGNAME".into(), "true".into()));
        }
        spec
    }
}

/// Starts the port mapper of a node, or of all in one network with it, and waits
/// until it takes connections. Besides the address for other nodes it always
/// listens on 127.0.0.1 and ::1.
pub(super) fn start_mapper(
    keeper: &Spawner,
    who: &str,
    log: &Path,
    (place, port): (&Place, u16),
) -> Result<Child> {
    let mut spec = Spec::new(format!("{who} epmd"), "epmd", log.with_extension("epmd.log"));
    let address = place.among_nodes.to_string();
    spec.args = ["-address", &address, "-port", &port.to_string()].map(Into::into).into();
    spec.serves = true;
    spec.node = place.node;
    spec.bare = true;
    spec.env = vec![("PATH".into(), std::env::var("PATH").unwrap_or_default())];
    let start = Patience { what: MAPPER, within: MAPPER_START, told: last_lines };
    let connects =
        |_| place.within(|| TcpStream::connect((place.among_nodes, port))).ok().map(drop);
    let (child, ()) = start.until_it_answers(keeper, spec, connects)?;
    match child.ended() {
        // Who answered was somebody else's.
        Some(exit) => Err(Error::Died(Box::new(child.died(MAPPER, exit)))),
        None => Ok(child),
    }
}

/// The lines of its log that say why it did not boot. What follows them are
/// pages of what Erlang says about every process that ended with it.
fn why_boot_failed(child: &Child) -> Vec<String> {
    boot_failure(child.log()).unwrap_or_else(|| last_lines(child))
}

fn boot_failure(log: &Path) -> Option<Vec<String>> {
    let text = std::fs::read(log).ok()?;
    why_in(&String::from_utf8_lossy(&text))
}

fn why_in(text: &str) -> Option<Vec<String>> {
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    // Restarts append to the same file.
    let at = lines.iter().rposition(|line| *line == "BOOT FAILED")?;
    let (before, after) = lines.split_at(at);
    // The same words with a time, from another process, come before or after.
    let repeats = |line: &str| {
        let is_plain = |plain: &&str| !plain.contains("[error]") && line.ends_with(*plain);
        line.contains("[error]") && (line.ends_with('>') || lines[at..].iter().any(is_plain))
    };
    let before: Vec<&str> = before.iter().copied().filter(|line| !repeats(line)).collect();
    let before = &before[before.len().saturating_sub(2)..];
    // Past the words themselves and the line under them; the plain lines, not
    // those that repeat them with a time.
    let after = after.iter().skip(2).filter(|line| !line.contains("[error]")).take(3);
    Some(before.iter().chain(after).map(|line| without_colour(line)).collect())
}

/// A line without the escape sequences that colour it on a terminal.
fn without_colour(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, text)| text))
}

/// A file of these contents and this mode, in place of what was there.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let to_be = path.with_extension(format!(
        "{}.new",
        path.extension().and_then(OsStr::to_str).unwrap_or("file")
    ));
    let written = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&to_be)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::set_permissions(&to_be, Permissions::from_mode(mode)))
        .and_then(|()| std::fs::rename(&to_be, path));
    written.map_err(Error::io(format!("writing {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_profile_that_is_measured_has_the_management_plugin() {
        let profiles = schedbench_adapters::SYSTEMS.iter().flat_map(|system| system.profiles);
        let mut settings = profiles.flat_map(|profile| profile.broker_settings);
        assert!(settings.all(|(key, _)| !key.contains("management")));
    }

    #[test]
    fn why_it_did_not_boot_is_found_whoever_writes_first() {
        const CAUSE: [&str; 2] =
            ["1 [error] <0.1.0> You've tried to set no_such_setting", "1 [error] <0.1.0> Error 5"];
        const TIMED: [&str; 5] = [
            "2 [error] <0.2.0>",
            "2 [error] <0.2.0> BOOT FAILED",
            "2 [error] <0.2.0> ===========",
            "2 [error] <0.2.0> Error during startup: {error,bad}",
            "2 [error] <0.2.0>",
        ];
        const PLAIN: [&str; 3] =
            ["BOOT FAILED", "===========", "Error during startup: {error,bad}"];
        for order in [[&CAUSE[..], &TIMED, &PLAIN], [&CAUSE[..], &PLAIN, &TIMED]] {
            let told = why_in(&order.concat().join("\n")).expect("it did not boot");
            assert_eq!(told, [CAUSE[0], CAUSE[1], PLAIN[2]]);
        }
    }

    #[test]
    fn colours_are_taken_out_of_a_line() {
        let coloured = "\u{1b}[38;5;160m2026 [error] <0.1.0> could not\u{1b}[0m";
        assert_eq!(without_colour(coloured), "2026 [error] <0.1.0> could not");
        assert_eq!(without_colour("plain [x]m"), "plain [x]m");
    }
}
