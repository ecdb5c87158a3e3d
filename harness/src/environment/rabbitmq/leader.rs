//! Who leads a quorum queue. AMQP does not tell; the nodes know it in Erlang,
//! and `erl_call`, which comes with Erlang, asks one of them in Erlang's own
//! protocol. RabbitMQ's own tools start an Erlang machine for each question,
//! which takes seconds of the cores that are being measured.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::node::Node;
use crate::environment::{Error, Result};

/// The program.
const ERL_CALL: &str = "erl_call";
/// For one question, in seconds.
const ANSWER_S: &str = "5";

impl Node {
    /// The name, among Erlang's nodes, of the one that leads this queue, asked
    /// from this one.
    ///
    /// # Errors
    /// It does not answer, or knows of no leader.
    pub(super) fn knows_leader(&self, queue: &str) -> Result<String> {
        let unfit = |why: &str| {
            Error::Unfit(format!("{}: asking who leads the queue {queue}: {why}", self.who))
        };
        let mut asking = Command::new(ERL_CALL)
            // A name of its own that the node gives it; the cookie is in HOME.
            .args(["-R", "-sname", &self.name, "-timeout", ANSWER_S, "-e"])
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", &self.room)
            .env("ERL_EPMD_PORT", self.mapper.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io(format!("starting {ERL_CALL}, which comes with Erlang")))?;
        if let Some(mut input) = asking.stdin.take() {
            // One that has ended already says why.
            let _ = input.write_all(question(queue).as_bytes());
        }
        let said = asking.wait_with_output().map_err(Error::io(format!("asking by {ERL_CALL}")))?;
        let answer = String::from_utf8_lossy(&said.stdout);
        leader_in(&answer).map(str::to_owned).ok_or_else(|| {
            let more = String::from_utf8_lossy(&said.stderr);
            unfit(&format!("{} {}", answer.trim(), more.trim()))
        })
    }
}

/// What to evaluate: a member of the queue on that node asks its Raft.
fn question(queue: &str) -> String {
    // It ends a text in Erlang, and no queue of ours has it.
    let queue = queue.replace(['"', '\\'], "");
    format!(
        "{{ok, Queue}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"{queue}\">>)),\n\
         {{Name, _}} = amqqueue:get_pid(Queue),\n\
         {{ok, _, {{_, Leader}}}} = ra:members({{Name, node()}}, 4000),\n\
         Leader.\n"
    )
}

/// The node in an answer such as `{ok, 'b1-5e0c71aa@localhost'}`.
fn leader_in(answer: &str) -> Option<&str> {
    let value = answer.trim().strip_prefix("{ok,")?.strip_suffix('}')?;
    let name = value.trim().trim_matches('\'');
    name.contains('@').then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leader_is_read_from_an_answer() {
        assert_eq!(leader_in("{ok, 'b1-5e0c71aa@localhost'}"), Some("b1-5e0c71aa@localhost"));
        for other in ["", "{ok, undefined}", "{error, {badmatch, 'a@b'}}", "{ok, 'a@b'"] {
            assert_eq!(leader_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_queue_s_name_stays_a_text() {
        assert!(question("a\"b\\").contains("<<\"ab\">>"));
    }
}
