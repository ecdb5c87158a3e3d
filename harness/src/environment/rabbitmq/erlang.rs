//! Questions to a node in its own language.
//!
//! AMQP tells neither who leads a queue nor who has a copy, and `rabbitmqctl`
//! starts a virtual machine of Erlang for each question, which takes a second of
//! a core right before a fault. `erl_call` comes with Erlang, takes 3 to 6 ms,
//! and reads the cookie from the node's own directory, so that it is in no list
//! of processes. It is started in the node's own network: no link has to be up.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::node::Node;
use super::place::Place;

/// A node that is stopped does not answer; one on a crowded machine may need
/// seconds for what takes 6 ms else.
pub(super) const ASKED: Duration = Duration::from_secs(4);
/// Between two looks whether there is an answer.
const LOOK: Duration = Duration::from_millis(2);

/// Calls a function of a node: what it returns, as Erlang writes it.
pub(super) fn call(
    node: &Node,
    function: &str,
) -> impl FnOnce() -> io::Result<String> + Send + use<> {
    let mut asking = to(node);
    asking.arg("-a").arg(function);
    let place = node.place.clone();
    move || answer(&mut asking, &place, "")
}

/// Has a node evaluate expressions, for arguments that a call cannot have:
/// what the last one returns, as Erlang writes it.
pub(super) fn evaluate(
    node: &Node,
    expressions: &str,
) -> impl FnOnce() -> io::Result<String> + Send + use<> {
    let mut asking = to(node);
    asking.arg("-e");
    // Without the end of its line the last one is not complete.
    let expressions = format!("{expressions}.\n");
    let place = node.place.clone();
    move || {
        let said = answer(&mut asking, &place, &expressions)?;
        let value = said.trim().strip_prefix("{ok, ").and_then(|rest| rest.strip_suffix('}'));
        value.map(str::to_owned).ok_or_else(|| io::Error::other(format!("it says {}", said.trim())))
    }
}

fn to(node: &Node) -> Command {
    let mut asking = Command::new("erl_call");
    let named = if node.place.is_apart { "-name" } else { "-sname" };
    asking
        .args(["-r", named, &node.name])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &node.room)
        .env("ERL_EPMD_PORT", node.mapper.to_string())
        .current_dir(&node.room)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    asking
}

/// What a program says, if it ends in time.
fn answer(asking: &mut Command, place: &Place, told: &str) -> io::Result<String> {
    let mut asked = place.within(|| asking.spawn())?;
    // A few words each way, which fit into the pipes. One that has ended
    // already has heard nothing, and says so by what it answers.
    if let Some(mut to) = asked.stdin.take() {
        let _ = to.write_all(told.as_bytes());
    }
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
    asked.stdout.take().map_or(Ok(0), |mut out| out.read_to_string(&mut said))?;
    Ok(said)
}
