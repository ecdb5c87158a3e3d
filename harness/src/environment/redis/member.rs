//! One process of a cluster: a Redis, or a sentinel. Each has a directory of
//! its own with the file that it reads, and writes anew whenever its part in
//! the cluster changes.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use schedbench_contract::{Address, Secret};

use super::config::WATCHED;
use crate::environment::resp::{Reply, Resp};
use crate::environment::{Child, Error, Result, Spawner, Spec};

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Keeps data.
    Node,
    /// Watches those that do.
    Sentinel,
}

/// How it is started, the first time and again.
pub(super) struct Member {
    pub(super) part: Part,
    /// Which, for messages: `redis-asynq/sentinel node 1`.
    pub(super) name: String,
    /// Where it listens.
    pub(super) address: Address,
    /// Where others find it: the same, or the proxy before it.
    pub(super) known_at: Address,
    pub(super) log: PathBuf,
    /// Its directory.
    pub(super) dir: PathBuf,
}

/// What a node says of itself.
pub(super) struct Role {
    pub(super) version: String,
    pub(super) is_primary: bool,
    /// Replicas that a primary serves.
    replicas: usize,
    /// Whether a replica has its primary's data and hears of what is new.
    pub(super) is_linked: bool,
}

impl Role {
    /// Whether all of them are one primary and its replicas.
    pub(super) fn replicate(roles: &[Self]) -> bool {
        let primaries = roles.iter().filter(|role| role.is_primary);
        let served: Vec<usize> = primaries.map(|role| role.replicas).collect();
        let linked = roles.iter().filter(|role| !role.is_primary && role.is_linked).count();
        served == [roles.len() - 1] && linked == roles.len() - 1
    }
}

impl Member {
    /// Makes its directory and writes its file: who may read it can sign in.
    pub(super) fn furnish(&self, text: &Secret) -> Result<()> {
        let _ = fs::remove_dir_all(&self.dir);
        let made = DirBuilder::new().mode(0o700).create(&self.dir);
        made.map_err(Error::io(format!("making {}", self.dir.display())))?;
        let file = self.file();
        let opened = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&file);
        opened
            .and_then(|mut file| file.write_all(text.0.as_bytes()))
            .map_err(Error::io(format!("writing {}", file.display())))
    }

    fn file(&self) -> PathBuf {
        self.dir.join("redis.conf")
    }

    /// Starts its process.
    pub(super) fn spawn(&self, keeper: &Spawner, program: &Path) -> Result<Child> {
        let mut spec = Spec::new(&self.name, program, self.log.clone());
        spec.args.push(self.file().into());
        spec.serves = true;
        if self.part == Part::Sentinel {
            spec.args.push("--sentinel".into());
        }
        keeper.spawn(spec)
    }

    /// What a node says that it is; nothing as long as it loads its data.
    pub(super) fn role(&self, deadline: Instant) -> std::io::Result<Role> {
        let mut redis = Resp::connect(&self.address, deadline)?;
        redis.ask_text(&["PING"])?;
        let info = redis.ask_text(&["INFO"])?;
        let field = |name: &str| {
            let mut lines = info.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(key, _)| *key == name).map_or("", |(_, value)| value.trim())
        };
        Ok(Role {
            version: field("redis_version").into(),
            is_primary: field("role") == "master",
            replicas: field("connected_slaves").parse().unwrap_or(0),
            is_linked: field("master_link_status") == "up",
        })
    }

    /// What a sentinel knows: whether it sees the primary, and how many
    /// replicas and other sentinels.
    pub(super) fn sees(&self, deadline: Instant) -> std::io::Result<(bool, usize, usize)> {
        let mut redis = Resp::connect(&self.address, deadline)?;
        let Reply::Many(said) = redis.ask(&["SENTINEL", "MASTER", WATCHED])? else {
            return Err(std::io::Error::other("it watches nothing"));
        };
        let field = |name| {
            let mut pairs = said.chunks_exact(2).map(|pair| (pair[0].text(), pair[1].text()));
            pairs.find(|(key, _)| *key == Some(name)).and_then(|(_, value)| value)
        };
        let count = |name| field(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let sees = field("flags") == Some("master");
        Ok((sees, count("num-slaves"), count("num-other-sentinels")))
    }

    /// The port of the primary that a sentinel sends clients to.
    pub(super) fn sends_to(&self, deadline: Instant) -> std::io::Result<u16> {
        let mut redis = Resp::connect(&self.address, deadline)?;
        let said = redis.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", WATCHED])?;
        let port = match &said {
            Reply::Many(place) => place.get(1).and_then(Reply::text),
            _ => None,
        };
        port.and_then(|port| port.parse().ok())
            .ok_or_else(|| std::io::Error::other("it knows no primary"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_primary_with_all_others_behind_it_replicates() {
        let role = |is_primary, replicas, is_linked| Role {
            version: String::new(),
            is_primary,
            replicas,
            is_linked,
        };
        let (primary, replica) = (|behind| role(true, behind, false), |up| role(false, 0, up));
        assert!(Role::replicate(&[primary(2), replica(true), replica(true)]));
        assert!(Role::replicate(&[replica(true), primary(2), replica(true)]));
        for not in [
            [primary(1), replica(true), replica(true)],
            [primary(2), replica(true), replica(false)],
            [primary(1), primary(1), replica(true)],
            [replica(true), replica(true), replica(true)],
        ] {
            assert!(!Role::replicate(&not));
        }
    }
}
