//! What a Redis of ours reads at its start.

use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use schedbench_contract::{Address, Secret};

use super::version_of;
use crate::environment::broker::Need;

/// Settings of a profile that begin so are the sentinels'. In their files the
/// name of what they watch stands between such a setting and its value.
const OF_SENTINELS: &str = "sentinel ";
/// What the sentinels call the primary and its replicas.
pub(super) const WATCHED: &str = schedbench_adapters::WATCHED_BY_SENTINELS;
/// So many sentinels that miss the primary are enough to look for another.
const QUORUM: usize = 2;

/// The whole configuration of one. Alone it is given it on standard input: the
/// password is in no argument list and no file.
pub(super) fn of_one(address: &Address, room: &Path, program: &Path, need: &Need<'_>) -> Secret {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: String| {
        lines.retain(|(known, _)| known != key);
        lines.push((key.into(), value));
    };
    set("daemonize", "no".into());
    // Standard output, which the keeper writes to the log.
    set("logfile", quoted(b""));
    set("save", quoted(b""));
    set("appendonly", "no".into());
    for (key, value) in need.profile.broker_settings {
        if key.starts_with(OF_SENTINELS) {
            continue;
        }
        set(key, quoted(value.trim_matches('"').as_bytes()));
    }
    set("bind", address.host.clone());
    set("port", address.port.to_string());
    set("dir", quoted(room.as_os_str().as_bytes()));
    set("requirepass", address.password.as_ref().map_or_else(String::new, |word| word.0.clone()));
    if is_at_least_7(program) {
        set("enable-debug-command", "no".into());
    }
    Secret(lines.iter().map(|(key, value)| format!("{key} {value}\n")).collect())
}

pub(super) fn is_at_least_7(program: &Path) -> bool {
    let major = version_of(program).and_then(|v| v.split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major >= 7)
}

/// Where nodes listen that have doors, which tell by it who calls: from this
/// address nodes call each other, and nobody else calls from it.
pub(super) const BEHIND_DOORS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What a node with a door has besides: it is known by its door, and calls from
/// where it listens.
pub(super) fn of_door(address: &Address, door: &Address, program: &Path) -> Secret {
    let mut text =
        format!("replica-announce-ip {}\nreplica-announce-port {}\n", door.host, door.port);
    // Before, they call from where they listen without being told.
    if is_at_least_7(program) {
        text.push_str(&format!("bind-source-addr {}\n", address.host));
    }
    Secret(text)
}

/// What a master of several has besides. Others reach it on `bus`, which never
/// leads through the proxy that its clients are told of.
pub(super) fn of_master(address: &Address, known_at: &Address, bus: Option<u16>) -> Secret {
    let mut text = "cluster-enabled yes\ncluster-config-file nodes.conf\n".to_owned();
    if let Some(bus) = bus {
        text.push_str(&format!("cluster-port {bus}\n"));
    }
    if known_at.port != address.port {
        let bus = bus.unwrap_or_else(|| address.port.saturating_add(BUS_IS_ABOVE));
        text.push_str(&format!(
            "cluster-announce-ip {}\ncluster-announce-port {}\ncluster-announce-bus-port {bus}\n",
            known_at.host, known_at.port
        ));
    }
    Secret(text)
}

/// The port on which masters hear each other, above that for clients. Only from
/// version 7 on it can be another one.
const BUS_IS_ABOVE: u16 = 10_000;

/// What a replica has besides, or a primary that may become one.
pub(super) fn of_replica(address: &Address, primary: Option<&Address>) -> Secret {
    // Without the delay the first copies begin at once, not after 5 s.
    let mut text = format!("masterauth {}\nrepl-diskless-sync-delay 0\n", word(address));
    if let Some(Address { host, port, .. }) = primary {
        text.push_str(&format!("replicaof {host} {port}\n"));
    }
    Secret(text)
}

/// The whole configuration of a sentinel, which writes into its file what it
/// learns.
pub(super) fn of_sentinel(
    address: &Address,
    room: &Path,
    primary: &Address,
    need: &Need<'_>,
) -> Secret {
    let Address { host, port, .. } = primary;
    let password = word(address);
    // Sentinels ask each other with the password that they ask for.
    let mut text = format!(
        "daemonize no\nlogfile \"\"\nbind {}\nport {}\ndir {}\nrequirepass {password}\n\
         sentinel monitor {WATCHED} {host} {port} {QUORUM}\n\
         sentinel auth-pass {WATCHED} {password}\n",
        address.host,
        address.port,
        quoted(room.as_os_str().as_bytes()),
    );
    for (key, value) in need.profile.broker_settings {
        if let Some(key) = key.strip_prefix(OF_SENTINELS) {
            text.push_str(&format!("sentinel {key} {WATCHED} {value}\n"));
        }
    }
    Secret(text)
}

fn word(address: &Address) -> &str {
    address.password.as_ref().map_or("", |word| word.0.as_str())
}

/// In Redis's double quotes any byte can be written as `\xhh`.
fn quoted(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let inner: String = bytes
        .iter()
        .map(|&byte| if plain(byte) { char::from(byte).into() } else { format!("\\x{byte:02x}") })
        .collect();
    format!("\"{inner}\"")
}

pub(super) fn aof_in_words(need: &Need<'_>) -> String {
    let find = |wanted| need.profile.broker_settings.iter().find(|(key, _)| *key == wanted);
    match (find("appendonly"), find("appendfsync")) {
        (Some((_, "yes")), Some((_, fsync))) => format!("AOF {fsync}"),
        (Some((_, "yes")), None) => "AOF everysec".into(),
        _ => "no AOF".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schedbench_adapters::find;

    use super::*;

    fn address(port: u16) -> Address {
        Address {
            host: "127.0.0.1".into(),
            port,
            user: None,
            password: Some(Secret("word".into())),
            database: None,
            tls: false,
            others: Vec::new(),
        }
    }

    #[test]
    fn each_setting_of_a_profile_is_in_the_file_of_whom_it_is_for() {
        let Some(system) = find("redis-asynq") else { return };
        let profile = system.profile(Some("sentinel-tuned")).expect("a profile");
        let need = Need { who: "test", profile, url_env: None, by_proxies: false };
        let room = Path::new("/a room");
        let node = of_one(&address(7001), room, Path::new("/no/program"), &need).0;
        assert!(
            node.contains("appendfsync \"everysec\"\n") && !node.contains("sentinel"),
            "{node}"
        );
        let sentinel = of_sentinel(&address(7004), room, &address(7001), &need).0;
        for line in [
            "port 7004",
            "dir \"/a\\x20room\"",
            "requirepass word",
            "sentinel monitor schedbench 127.0.0.1 7001 2",
            "sentinel auth-pass schedbench word",
            "sentinel down-after-milliseconds schedbench 1000",
            "sentinel failover-timeout schedbench 10000",
        ] {
            assert!(sentinel.lines().any(|said| said == line), "{line} in {sentinel}");
        }
        assert!(!sentinel.contains("append"), "{sentinel}");
        let follows = of_replica(&address(7002), Some(&address(7001))).0;
        assert!(follows.ends_with("replicaof 127.0.0.1 7001\n"), "{follows}");
        assert!(!of_replica(&address(7001), None).0.contains("replicaof"));
        let behind = Address { host: BEHIND_DOORS.to_string(), ..address(7001) };
        let door = of_door(&behind, &address(7011), Path::new("/no/program")).0;
        assert_eq!(door, "replica-announce-ip 127.0.0.1\nreplica-announce-port 7011\n");
    }
}
