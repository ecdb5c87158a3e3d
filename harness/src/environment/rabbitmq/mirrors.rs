//! Classic queues with mirrors, which RabbitMQ 3 has: a policy makes them, the
//! node of a queue's master leads it, and a mirror counts once it is in sync.

use std::io;

use super::erlang;
use super::node::Node;

/// Settings that begin so are no setting of a node's: together they are a policy
/// for the queues of ours.
pub(super) const POLICY: &str = "policy.";
/// The first version that has none.
const NONE_SINCE: u32 = 4;

/// Whether these settings ask for mirrors.
pub(super) fn are_asked_for(settings: &[(&str, &str)]) -> bool {
    settings.iter().any(|(key, _)| key.starts_with(POLICY))
}

/// Whether a server of that version has any; one that cannot be read is asked
/// again once it runs.
pub(super) fn are_known_to(version: &str) -> bool {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_none_or(|major| major < NONE_SINCE)
}

/// Makes the settings' policy on this node, for its whole cluster.
///
/// # Errors
/// It does not answer, or does not take it.
pub(super) fn set_policy(node: &Node) -> io::Result<()> {
    let definition: Vec<String> = node
        .settings
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(POLICY)?, value)))
        .map(|(key, value)| format!("{{<<\"{key}\">>, <<\"{value}\">>}}"))
        .collect();
    let set = format!(
        "rabbit_policy:set(<<\"/\">>, <<\"schedbench\">>, <<\"^schedbench[.]\">>, [{}], 0, \
         <<\"queues\">>, <<\"schedbench\">>)",
        definition.join(", ")
    );
    match erlang::evaluate(node, &set)()?.as_str() {
        "ok" => Ok(()),
        other => Err(io::Error::other(format!("it says {other}"))),
    }
}

/// The question to this node for the name of the one that has a queue's master.
/// While a mirror takes the place of one that died, that is still the dead one.
pub(super) fn leader(
    node: &Node,
    queue: &str,
) -> impl FnOnce() -> io::Result<String> + Send + use<> {
    let asking = erlang::evaluate(node, &of(queue, "node(amqqueue:get_pid(Q))"));
    move || {
        let said = asking()?;
        named(&said).ok_or_else(|| io::Error::other(format!("it says {said}")))
    }
}

/// How many nodes have all of a queue: its master's, and those of its mirrors
/// that are in sync.
///
/// # Errors
/// The node does not answer, or knows no such queue.
pub(super) fn copies(node: &Node, queue: &str) -> io::Result<usize> {
    let said = erlang::evaluate(node, &of(queue, "1 + length(amqqueue:get_sync_slave_pids(Q))"))()?;
    said.parse().map_err(|_| io::Error::other(format!("it says {said}")))
}

/// Asks something of a queue, `Q`.
fn of(queue: &str, question: &str) -> String {
    let name = format!("rabbit_misc:r(<<\"/\">>, queue, <<\"{queue}\">>)");
    format!("{{ok, Q}} = rabbit_amqqueue:lookup({name}), {question}")
}

/// The node in `'b1-5e0c71aa@localhost'`: Erlang leaves the quotes away where
/// none are needed.
fn named(said: &str) -> Option<String> {
    let node = said.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(said);
    let is_name = node.contains('@') && !node.contains([' ', '\'', ',', '{']);
    is_name.then(|| node.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_master_s_node_is_read_with_and_without_quotes() {
        for (said, name) in [
            ("'b1-5e0c71aa@localhost'", Some("b1-5e0c71aa@localhost")),
            ("l1@localhost", Some("l1@localhost")),
            ("undefined", None),
            ("", None),
            ("{badrpc, 'x@y'}", None),
        ] {
            assert_eq!(named(said).as_deref(), name, "{said}");
        }
    }

    #[test]
    fn only_rabbitmq_3_has_mirrors() {
        for (version, has) in
            [("3.8.0", true), ("3.13.7", true), ("4.0.0", false), ("10.1", false), ("odd", true)]
        {
            assert_eq!(are_known_to(version), has, "{version}");
        }
        assert!(are_asked_for(&[("policy.ha-mode", "all")]));
        assert!(!are_asked_for(&[("queue_master_locator", "client-local")]));
    }
}
