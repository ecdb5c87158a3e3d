//! How our own Kafka is configured.

use std::path::Path;

use schedbench_contract::{Address, Secret};

/// Where every node of ours listens for the others, and for clients unless it is
/// in a network of its own.
pub(super) const HOST: &str = "127.0.0.1";

/// Kafka logs to where its standard output goes.
pub(super) const LOGGING: &str = "\
rootLogger.level = INFO
rootLogger.appenderRefs = out
rootLogger.appenderRef.out.ref = OUT
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
";

/// What Kafka's own start script gives its JVM, but for the console of JMX.
pub const JVM: &[&str] = &[
    "-Xms1g",
    "-Xmx1g",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
    // Sockets of 127.0.0.1, not of ::ffff:127.0.0.1.
    "-Djava.net.preferIPv4Stack=true",
];

/// What a node of a cluster has instead: half. Three times 1 GiB, all of it
/// touched in the end, would be taken from the page cache, which is where Kafka
/// keeps what it is given; the heap holds metadata and requests on their way.
const HEAP_IN_CLUSTER: &[&str] = &["-Xms512m", "-Xmx512m"];

/// What its JVM gets as one of so many.
pub(super) fn jvm(nodes: usize) -> impl Iterator<Item = &'static str> {
    // Of a heap that is named twice the last one counts.
    let heap = if nodes > 1 { HEAP_IN_CLUSTER } else { &[] };
    JVM.iter().chain(heap).copied()
}

const PROTOCOL_MAP: &str = "listener.security.protocol.map";
const PROTOCOLS: &str = "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT";

/// What every node of ours is set to, whatever the profile.
pub const FIXED: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    (PROTOCOL_MAP, PROTOCOLS),
    ("inter.broker.listener.name", "CLIENT"),
    ("controller.listener.names", "CONTROLLER"),
    ("sasl.enabled.mechanisms", "PLAIN"),
    ("sasl.mechanism.inter.broker.protocol", "PLAIN"),
    ("sasl.mechanism.controller.protocol", "PLAIN"),
    // One node has one copy.
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    // A topic that is mistyped is an error, not a new topic.
    ("auto.create.topics.enable", "false"),
    // The first worker need not wait for more of them.
    ("group.initial.rebalance.delay.ms", "0"),
    // A killed broker may not come back before its old session has timed out:
    // 9 s by default, in which nothing but that wait would be measured. Below
    // a few seconds a broker on a busy machine misses its own heartbeats and
    // is fenced by its own controller (seen at 1 s with a load of 20 on 2 cores).
    ("broker.session.timeout.ms", "5000"),
    ("broker.heartbeat.interval.ms", "500"),
];

/// What a node of a cluster has instead: Kafka's own topics have a copy on each.
const IN_CLUSTER: &[(&str, &str)] = &[
    ("offsets.topic.replication.factor", "3"),
    ("transaction.state.log.replication.factor", "3"),
    ("transaction.state.log.min.isr", "2"),
    ("share.coordinator.state.topic.replication.factor", "3"),
    ("share.coordinator.state.topic.min.isr", "2"),
];

/// A node's number and its ports.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// From 1.
    pub(super) id: usize,
    /// For clients, and for the other brokers where there is no proxy for them.
    pub(super) client: u16,
    /// For controllers.
    pub(super) controller: u16,
    /// For the roads that have proxies, in the order of [`ROADS`]; the last one
    /// only in a cluster.
    pub(super) roads: Vec<Way>,
}

/// A road's listener of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// Where the node listens.
    pub(super) listens: u16,
    /// Where it tells the road's clients to go: the port of the proxy.
    pub(super) advertised: u16,
}

/// The listeners of the roads, by their names in the configuration. A client
/// is told of every node by the listener that it asks; a broker goes to the
/// others by the one that is theirs.
const ROADS: [&str; 3] = ["PRODUCER", "WORKER", BETWEEN];
/// The listener that brokers come to: for what they copy, and the rest that
/// they say to each other. Controllers have one of their own.
const BETWEEN: &str = "BETWEEN";

/// The whole configuration of one of `all`, for standard input: the password
/// is in no argument list and no file.
pub(super) fn properties(
    seat: &Seat,
    all: &[Seat],
    client: &Address,
    data: &Path,
    settings: &[(&str, &str)],
) -> Secret {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: String| {
        lines.retain(|(known, _)| known != key);
        lines.push((key.into(), value));
    };
    let in_cluster = if all.len() > 1 { IN_CLUSTER } else { &[] };
    for (key, value) in FIXED.iter().chain(in_cluster).chain(settings) {
        set(key, (*value).to_owned());
    }
    let Seat { id, client: port, controller, roads } = seat;
    let voter = |seat: &Seat| format!("{}@{HOST}:{}", seat.id, seat.controller);
    let voters: Vec<String> = all.iter().map(voter).collect();
    set("node.id", id.to_string());
    let host = &client.host;
    let mut listeners = format!("CLIENT://{host}:{port},CONTROLLER://{HOST}:{controller}");
    let mut advertised = format!("CLIENT://{host}:{port}");
    let ways: Vec<(&str, Way)> = ROADS.into_iter().zip(roads.iter().copied()).collect();
    for (name, way) in &ways {
        listeners.push_str(&format!(",{name}://{HOST}:{}", way.listens));
        advertised.push_str(&format!(",{name}://{HOST}:{}", way.advertised));
        if *name == BETWEEN {
            set("inter.broker.listener.name", BETWEEN.into());
        }
    }
    set("listeners", listeners);
    set("advertised.listeners", advertised);
    set("controller.quorum.voters", voters.join(","));
    set("log.dirs", data.display().to_string());
    let user = client.user.as_deref().unwrap_or_default();
    let password = client.password.as_ref().map_or("", |password| password.0.as_str());
    // The same for who signs in here and for the nodes themselves.
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let jaas = format!(
        "{module} required username=\"{user}\" password=\"{password}\" user_{user}=\"{password}\";"
    );
    set("listener.name.client.plain.sasl.jaas.config", jaas.clone());
    set("listener.name.controller.plain.sasl.jaas.config", jaas.clone());
    let mut protocols = PROTOCOLS.to_owned();
    for (name, _) in &ways {
        protocols.push_str(&format!(",{name}:SASL_PLAINTEXT"));
        let key = format!("listener.name.{}.plain.sasl.jaas.config", name.to_lowercase());
        set(&key, jaas.clone());
    }
    set(PROTOCOL_MAP, protocols);
    Secret(lines.iter().map(|(key, value)| format!("{key}={}\n", escaped(value))).collect())
}

/// A value of Java's properties: a backslash begins an escape, and what is not
/// Latin-1 is written as one.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\\') => text.push_str("\\\\"),
            Ok(byte) if byte.is_ascii_graphic() || byte == b' ' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_java_reads_them() {
        assert_eq!(escaped("/a b/ü\\"), "/a b/\\u00fc\\\\");
    }

    #[test]
    fn three_nodes_know_each_other_and_copy_everything() {
        let seat = |id: usize| Seat {
            id,
            client: 20_000 + id as u16,
            controller: 21_000,
            roads: Vec::new(),
        };
        let all = [seat(1), seat(2), seat(3)];
        let client = Address {
            host: HOST.into(),
            port: all[1].client,
            user: Some("u".into()),
            password: Some(Secret("p".into())),
            database: None,
            tls: false,
            others: Vec::new(),
        };
        let text = properties(&all[1], &all, &client, Path::new("/d"), &[("a.b", "c")]).0;
        for line in [
            "node.id=2",
            "listeners=CLIENT://127.0.0.1:20002,CONTROLLER://127.0.0.1:21000",
            "controller.quorum.voters=1@127.0.0.1:21000,2@127.0.0.1:21000,3@127.0.0.1:21000",
            "offsets.topic.replication.factor=3",
            "a.b=c",
        ] {
            assert_eq!(text.lines().filter(|has| *has == line).count(), 1, "{line} in {text}");
        }
        assert_eq!(text.lines().filter(|line| line.contains("replication.factor")).count(), 3);
        assert_eq!(jvm(3).last(), Some("-Xmx512m"));
        assert_eq!(jvm(1).count(), JVM.len());
    }

    #[test]
    fn each_road_is_told_to_come_by_its_proxy() {
        let way = |listens: u16| Way { listens, advertised: listens + 1_000 };
        let roads = vec![way(20_002), way(20_003)];
        let seat = Seat { id: 1, client: 20_001, controller: 20_004, roads };
        let client = Address {
            host: HOST.into(),
            port: 20_001,
            user: Some("u".into()),
            password: Some(Secret("p".into())),
            database: None,
            tls: false,
            others: Vec::new(),
        };
        let alone = std::slice::from_ref(&seat);
        let text = properties(&seat, alone, &client, Path::new("/d"), &[]).0;
        for line in [
            "listeners=CLIENT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20004,\
             PRODUCER://127.0.0.1:20002,WORKER://127.0.0.1:20003",
            "advertised.listeners=CLIENT://127.0.0.1:20001,PRODUCER://127.0.0.1:21002,\
             WORKER://127.0.0.1:21003",
            "listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT,\
             PRODUCER:SASL_PLAINTEXT,WORKER:SASL_PLAINTEXT",
            "inter.broker.listener.name=CLIENT",
        ] {
            assert_eq!(text.lines().filter(|has| *has == line).count(), 1, "{line} in {text}");
        }
        for road in ["producer", "worker"] {
            assert!(text.contains(&format!("listener.name.{road}.plain.sasl.jaas.config=")));
        }
        let roads = vec![way(20_002), way(20_003), way(20_005)];
        let one = Seat { roads, ..seat };
        let all = [one.clone(), Seat { id: 2, ..one.clone() }];
        let text = properties(&one, &all, &client, Path::new("/d"), &[]).0;
        for words in [
            ",BETWEEN://127.0.0.1:20005\n",
            ",BETWEEN://127.0.0.1:21005\n",
            "\ninter.broker.listener.name=BETWEEN\n",
            ",BETWEEN:SASL_PLAINTEXT\n",
            "\nlistener.name.between.plain.sasl.jaas.config=",
        ] {
            assert_eq!(text.matches(words).count(), 1, "{words} in {text}");
        }
    }
}
