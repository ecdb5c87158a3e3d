//! One node of our own: a JVM that is broker and controller.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use schedbench_adapters::kafka_wire::Wire;
use schedbench_contract::{Address, Secret};

use super::jvm::{Jvm, Who, died, told_lines};
use super::safepoints::Safepoints;
use crate::environment::{Child, Result, SmallDisk};

/// What it is, however often it is started.
pub(super) struct Node {
    pub(super) who: Who,
    /// Where clients find it.
    pub(super) address: Address,
    /// The directory of its log.
    pub(super) data: PathBuf,
    /// What lies over that where it shall be full.
    pub(super) disk: Option<Arc<SmallDisk>>,
    pub(super) properties: Secret,
    /// What its JVM gets.
    pub(super) options: Vec<OsString>,
    /// Where its JVM writes when it stood still.
    pub(super) safepoints: Safepoints,
    /// The process that it was started as last.
    pub(super) child: Option<Child>,
}

/// Whom a controller follows, and since which election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elected {
    leader: i64,
    epoch: i64,
}

impl Node {
    /// Starts it with the data that it has; nothing where it lives.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn launch(&mut self, jvm: &Jvm) -> Result<()> {
        if self.child.as_ref().is_none_or(|child| child.ended().is_some()) {
            let program = ["kafka.Kafka", "/dev/stdin"];
            let options = self.options.iter().cloned().chain([self.safepoints.option()]);
            let mut spec = jvm.spec(&self.who, options, &program, &self.properties);
            spec.disk.clone_from(&self.disk);
            self.child = Some(jvm.keeper.spawn(spec)?);
        }
        Ok(())
    }

    /// Its death, if it has died.
    ///
    /// # Errors
    /// It has.
    pub(super) fn check(&self) -> Result<()> {
        match self.child.as_ref().and_then(|child| Some((child, child.ended()?))) {
            Some((child, exit)) => Err(died(child, exit)),
            None => Ok(()),
        }
    }

    /// What it still lacks to be healthy as one of so many, of which some are
    /// dead. It answers no client before it is in the cluster; only it knows
    /// the password, so that an answer is its own.
    pub(super) fn lacks(&self, nodes: usize, dead: usize, deadline: Instant) -> Option<String> {
        match Wire::connect(&self.address, deadline).and_then(|mut wire| wire.topics()) {
            Err(error) => Some(format!("does not answer: {error}")),
            // It may not know of each death yet.
            Ok((brokers, _)) if brokers + dead < nodes => {
                Some(format!("sees {brokers} of {nodes}"))
            }
            // A dead one's copies are behind.
            Ok(_) if dead > 0 => None,
            Ok((_, topics)) => {
                let lacking = topics.iter().find(|topic| !(topic.is_led && topic.is_in_sync))?;
                Some(format!("misses leaders or copies of the topic {}", lacking.name))
            }
        }
    }

    /// Whom its controller follows, as it writes it down before it acts on it;
    /// `None` during an election. A controller answers nobody who asks that,
    /// unless it leads.
    pub(super) fn elected(&self) -> Option<Elected> {
        let data = self.disk.as_ref().map_or_else(|| self.data.clone(), |disk| disk.path());
        let text = fs::read(data.join("__cluster_metadata-0/quorum-state")).ok()?;
        let state: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let (leader, epoch) = (state["leaderId"].as_i64()?, state["leaderEpoch"].as_i64()?);
        (leader > 0).then_some(Elected { leader, epoch })
    }

    /// The last lines that it said.
    pub(super) fn last_words(&self) -> Vec<String> {
        self.child.as_ref().map(told_lines).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_it_follows_is_read_from_its_own_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let node = Node {
            who: Who { name: "test".into(), log: dir.path().join("log") },
            address: Address {
                host: "127.0.0.1".into(),
                port: 9,
                user: None,
                password: None,
                database: None,
                tls: false,
                others: Vec::new(),
            },
            data: dir.path().into(),
            disk: None,
            properties: Secret(String::new()),
            options: Vec::new(),
            safepoints: Safepoints::of(dir.path(), 1),
            child: None,
        };
        assert_eq!(node.elected(), None);
        let file = dir.path().join("__cluster_metadata-0/quorum-state");
        fs::create_dir(file.parent().expect("a directory")).expect("a directory");
        for (said, elected) in [
            (r#"{"leaderId":2,"leaderEpoch":7}"#, Some(Elected { leader: 2, epoch: 7 })),
            (r#"{"leaderId":-1,"leaderEpoch":8,"votedId":1}"#, None),
            (r#"{"leaderId":2"#, None),
        ] {
            fs::write(&file, said).expect("a file");
            assert_eq!(node.elected(), elected, "{said}");
        }
        assert!(node.check().is_ok() && node.last_words().is_empty());
    }
}
