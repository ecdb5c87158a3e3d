//! The directory in which a node keeps its log, as it is before its first start.
//!
//! Kafka wants it formatted, which takes a JVM of its own. What that writes are
//! two files: `bootstrap.checkpoint`, the features of this version of Kafka,
//! the same for every node; and `meta.properties`, which names cluster, node
//! and directory. Neither names a port as long as the voters are in the
//! configuration, so a formatted directory becomes another node's by new ids
//! (`docs/decisions/0018-kafka-starts-quickly.md`).

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, Instant};

use schedbench_contract::Secret;

use super::jvm::{Jvm, Who, died};
use crate::environment::{Error, Result, rooms};

/// To write the first files of the log.
const FORMAT: Duration = Duration::from_secs(60);
const IDS: &str = "meta.properties";
const FEATURES: &str = "bootstrap.checkpoint";

/// Lets Kafka format the directory that the properties name.
///
/// # Errors
/// It fails, or takes too long.
pub(super) fn format(jvm: &Jvm, who: &Who, cluster: &str, properties: &Secret) -> Result<()> {
    let options = ["-Xmx128m", "-XX:TieredStopAtLevel=1"].map(OsString::from);
    let program = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", "/dev/stdin"];
    let child = jvm.run(who, options, &program, properties)?;
    match child.wait(Instant::now() + FORMAT) {
        Some(exit) if exit.code == Some(0) => Ok(()),
        Some(exit) => Err(died(&child, exit)),
        None => {
            let exit = child.kill();
            Err(died(&child, exit))
        }
    }
}

/// Whether it is a formatted directory.
pub(super) fn is_formatted(dir: &Path) -> bool {
    [IDS, FEATURES].iter().all(|name| dir.join(name).is_file())
}

/// Makes `to` what formatting would make of it, from another formatted one.
///
/// # Errors
/// `from` is not as this knows it, or `to` cannot be written.
pub(super) fn copy(from: &Path, to: &Path, cluster: &str, node: usize) -> Result<()> {
    let (ids, features) = (from.join(IDS), from.join(FEATURES));
    let text = fs::read_to_string(&ids).map_err(Error::io(format!("reading {}", ids.display())))?;
    let text = with_ids(&text, cluster, &node.to_string(), &id()?).ok_or_else(|| {
        Error::Unfit(format!("{} has other keys than Kafka 4 writes", ids.display()))
    })?;
    let writing = || Error::io(format!("writing {}", to.display()));
    DirBuilder::new().mode(0o700).create(to).map_err(writing())?;
    fs::copy(features, to.join(FEATURES)).map_err(writing())?;
    fs::write(to.join(IDS), text).map_err(writing())
}

/// The text with other ids; `None` where it has other keys.
fn with_ids(text: &str, cluster: &str, node: &str, directory: &str) -> Option<String> {
    let mut new = String::new();
    let mut changed = 0;
    for line in text.lines() {
        let (key, value) = match line.split_once('=') {
            Some((key, value)) if !line.starts_with('#') => (key, value),
            _ => continue,
        };
        let value = match key {
            "cluster.id" => cluster,
            "node.id" => node,
            "directory.id" => directory,
            "version" if value == "1" => value,
            _ => return None,
        };
        changed += 1;
        new.extend([key, "=", value, "\n"]);
    }
    (changed == 4).then_some(new)
}

/// 16 random bytes in URL-safe base64 without padding, as Kafka writes them.
///
/// # Errors
/// There is no randomness.
pub(super) fn id() -> Result<String> {
    Ok(written_id(rooms::random::<16>()?))
}

/// Without the highest bit, so that no id begins with a dash, which Kafka's
/// programs would take for an option (1 of 64 random ids; Kafka's own
/// `Uuid.randomUuid` throws those away).
fn written_id(mut bytes: [u8; 16]) -> String {
    use base64::Engine as _;
    bytes[0] &= 0x7f;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_begins_with_a_dash() {
        for first in 0..=u8::MAX {
            let mut bytes = [0xff; 16];
            bytes[0] = first;
            let id = written_id(bytes);
            assert!(id.len() == 22 && id.starts_with(|c: char| c.is_ascii_alphabetic()), "{id}");
        }
    }

    #[test]
    fn a_copy_has_ids_of_its_own() {
        let text = "#\n#Sat Nov 28\ncluster.id=a\ndirectory.id=b\nnode.id=1\nversion=1\n";
        let new = with_ids(text, "C", "3", "D").expect("the keys are known");
        assert_eq!(new, "cluster.id=C\ndirectory.id=D\nnode.id=3\nversion=1\n");
        for other in ["", "cluster.id=a\n", &text.replace("version=1", "version=2")] {
            assert_eq!(with_ids(other, "C", "3", "D"), None, "{other}");
        }
        assert_eq!(with_ids(&format!("{text}rack=x\n"), "C", "3", "D"), None);
    }

    #[test]
    fn a_directory_is_copied_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir(&from).expect("a directory");
        assert!(copy(&from, &to, "C", 2).is_err() && !to.exists());
        fs::write(from.join(IDS), "version=1\ncluster.id=a\nnode.id=1\ndirectory.id=b\n")
            .expect("a file");
        fs::write(from.join(FEATURES), [0, 1, 2]).expect("a file");
        copy(&from, &to, "C", 2).expect("a copy");
        assert!(is_formatted(&to));
        assert_eq!(fs::read(to.join(FEATURES)).expect("a file"), [0, 1, 2]);
        let ids = fs::read_to_string(to.join(IDS)).expect("a file");
        assert!(ids.contains("cluster.id=C\n") && ids.contains("node.id=2\n"), "{ids}");
    }
}
