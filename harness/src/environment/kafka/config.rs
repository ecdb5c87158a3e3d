//! How our own Kafka is configured.

use std::path::Path;

use schedbench_contract::{Address, Profile, Secret};

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

/// What every node of ours is set to, whatever the profile.
pub const FIXED: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    ("node.id", "1"),
    ("listener.security.protocol.map", "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"),
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

/// The whole configuration, for standard input: the password is in no argument
/// list and no file.
pub(super) fn properties(
    client: &Address,
    controller_port: u16,
    data: &Path,
    profile: &Profile,
) -> Secret {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: String| {
        lines.retain(|(known, _)| known != key);
        lines.push((key.into(), value));
    };
    for (key, value) in FIXED.iter().chain(profile.broker_settings) {
        set(key, (*value).to_owned());
    }
    let Address { host, port, .. } = client;
    set("listeners", format!("CLIENT://{host}:{port},CONTROLLER://{host}:{controller_port}"));
    set("advertised.listeners", format!("CLIENT://{host}:{port}"));
    set("controller.quorum.voters", format!("1@{host}:{controller_port}"));
    set("log.dirs", data.display().to_string());
    let user = client.user.as_deref().unwrap_or_default();
    let password = client.password.as_ref().map_or("", |password| password.0.as_str());
    // The same for who signs in here and for the node itself.
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let jaas = format!(
        "{module} required username=\"{user}\" password=\"{password}\" user_{user}=\"{password}\";"
    );
    set("listener.name.client.plain.sasl.jaas.config", jaas.clone());
    set("listener.name.controller.plain.sasl.jaas.config", jaas);
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
}
