//! Who leads a quorum queue.
//!
//! AMQP does not tell, and `rabbitmqctl` starts a virtual machine of Erlang for
//! each question, which takes a second of a core right before a fault.
//! `erl_call` comes with Erlang, takes 3 to 6 ms, and reads the cookie from the
//! node's own directory, so that it is in no list of processes.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::node::Node;

/// A node that is stopped does not answer.
pub(super) const ASKED: Duration = Duration::from_secs(2);
/// Between two looks whether there is an answer.
const LOOK: Duration = Duration::from_millis(2);

/// The question to this node for the name of the one that leads a queue.
pub(super) fn question(
    node: &Node,
    queue: &str,
) -> impl FnOnce() -> io::Result<String> + Send + 'static {
    // Queues of the virtual host "/" are named so among Raft's clusters.
    let cluster = format!("%2F_{queue}");
    let mut asking = Command::new("erl_call");
    asking
        .args(["-r", "-sname", &node.name, "-a"])
        .arg(format!("ra_leaderboard lookup_leader ['{cluster}']"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &node.room)
        .env("ERL_EPMD_PORT", node.mapper.to_string())
        .current_dir(&node.room)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    move || {
        let said = answer(&mut asking)?;
        named(&said).ok_or_else(|| io::Error::other(format!("it says {}", said.trim())))
    }
}

/// What a program says, if it ends in time.
fn answer(asking: &mut Command) -> io::Result<String> {
    let mut asked = asking.spawn()?;
    let deadline = Instant::now() + ASKED;
    while asked.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            asked.kill()?;
            asked.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(LOOK);
    }
    let mut said = String::new();
    // A few words, which fit into the pipe.
    asked.stdout.take().map_or(Ok(0), |mut out| out.read_to_string(&mut said))?;
    Ok(said)
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
