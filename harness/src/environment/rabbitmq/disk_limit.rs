//! How much has to be free on the disk of a node for it to take anything more.
//!
//! A node looks by itself every 0.1 to 10 s, and at once when it is told another
//! limit (`rabbit_disk_monitor`). Where less is free it raises an alarm, and the
//! whole cluster blocks who publishes until it is cleared.

use std::io;
use std::time::{Duration, Instant};

use super::erlang::{ASKED, call};
use super::node::Node;

/// An exabyte: no disk has it free.
const MORE_THAN_ANY_DISK: &str = "1000000000000000000";
/// How that is done, in words.
pub(super) const HOW: &str = "it is told that too little is free";
/// Between two looks at its alarms.
const LOOK: Duration = Duration::from_millis(5);

/// Sets a limit above any disk and waits for the alarm; gives the former one.
///
/// # Errors
/// The node does not answer, or has no alarm in time.
pub(super) fn raise(node: &Node) -> io::Result<String> {
    let former = number(&call(node, "rabbit_disk_monitor get_disk_free_limit []")()?)?;
    let alarmed = set(node, MORE_THAN_ANY_DISK).and_then(|()| until_alarmed(node, true));
    if alarmed.is_err() {
        // Whether it was told is not known; this is harmless where it was not.
        let _ = set(node, &former);
    }
    alarmed.map(|()| former)
}

/// Sets the former one again and waits until there is no alarm.
///
/// # Errors
/// The node does not answer, or keeps its alarm.
pub(super) fn lower(node: &Node, former: &str) -> io::Result<()> {
    set(node, former)?;
    until_alarmed(node, false)
}

fn set(node: &Node, bytes: &str) -> io::Result<()> {
    let said = call(node, &format!("rabbit_disk_monitor set_disk_free_limit [{bytes}]"))()?;
    match said.trim() {
        "ok" => Ok(()),
        other => Err(io::Error::other(format!("it says {other}"))),
    }
}

fn until_alarmed(node: &Node, wanted: bool) -> io::Result<()> {
    let deadline = Instant::now() + ASKED;
    loop {
        let said = call(node, "rabbit_alarm get_alarms []")()?;
        if is_alarmed(&said, &node.name) == wanted {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(io::Error::other(format!("its alarms are {}", said.trim())));
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether `[{{resource_limit, disk, 'b1-5e0c71aa@localhost'}, []}]` has it.
fn is_alarmed(said: &str, node: &str) -> bool {
    let said: String = said.chars().filter(|c| !c.is_whitespace()).collect();
    said.contains(&format!("{{resource_limit,disk,'{node}'}}"))
}

fn number(said: &str) -> io::Result<String> {
    match said.trim() {
        bytes if bytes.parse::<u64>().is_ok() => Ok(bytes.to_owned()),
        other => Err(io::Error::other(format!("its limit is {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_read_from_an_erlang_term() {
        let node = "b1-5e0c71aa@localhost";
        let disk = format!("[{{{{resource_limit, disk, '{node}'}}, []}}]\n");
        assert!(is_alarmed(&disk, node) && is_alarmed(&disk.replace(' ', ""), node));
        assert!(!is_alarmed(&disk, "b2-5e0c71aa@localhost"));
        assert!(!is_alarmed("[]", node) && !is_alarmed(&disk.replace("disk", "memory"), node));
        assert_eq!(number("50000000\n").expect("a number"), "50000000");
        assert!(number("{badrpc,nodedown}").is_err());
    }
}
