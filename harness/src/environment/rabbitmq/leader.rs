//! Who leads a quorum queue: what Ra, RabbitMQ's Raft, has noted.

use std::io;

use super::erlang;
use super::node::Node;

/// The question to this node for the name of the one that leads a queue.
pub(super) fn question(
    node: &Node,
    queue: &str,
) -> impl FnOnce() -> io::Result<String> + Send + use<> {
    // Queues of the virtual host "/" are named so among Raft's clusters.
    let cluster = format!("%2F_{queue}");
    let asking = erlang::call(node, &format!("ra_leaderboard lookup_leader ['{cluster}']"));
    move || {
        let said = asking()?;
        named(&said).ok_or_else(|| io::Error::other(format!("it says {}", said.trim())))
    }
}

/// The node in `{'%2F_queue', 'b1-5e0c71aa@localhost'}`.
fn named(said: &str) -> Option<String> {
    let (_, node) = said.trim().strip_suffix("'}")?.rsplit_once('\'')?;
    node.contains('@').then(|| node.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leader_is_read_from_an_erlang_term() {
        let said = "{'%2F_schedbench.1.retry', 'b3-41384064@localhost'}\n";
        assert_eq!(named(said).as_deref(), Some("b3-41384064@localhost"));
        for other in ["undefined", "", "{'a', undefined}", "'}", "{badrpc, 'x'}"] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
