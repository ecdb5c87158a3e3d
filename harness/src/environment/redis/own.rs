//! One Redis of our own.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use schedbench_contract::{Address, Secret};

use super::{START, STOP, ask_version, config};
use crate::environment::broker::{Ground, Need, Running};
use crate::environment::healthy::{Patience, last_lines};
use crate::environment::{
    Child, Error, Result, SmallDisk, Spawner, Spec, ports, rooms, small_disk,
};

/// A Redis of our own.
pub(super) struct Own {
    how: How,
    keeper: Spawner,
    room: PathBuf,
    address: Address,
    child: Child,
    version: String,
    aof: String,
}

impl Own {
    /// Starts it and waits until it answers.
    pub(super) fn start(
        program: &Path,
        (room, log): (&Path, &Path),
        ground: &Ground<'_>,
        need: &Need<'_>,
    ) -> Result<Box<Self>> {
        let address = Address {
            host: ground.keeper.spawner().host(),
            port: ports::free()?,
            user: None,
            password: Some(rooms::password()?),
            database: None,
            tls: false,
            others: Vec::new(),
        };
        let config = config::of_one(&address, room, program, need);
        let (name, log) = (need.who.into(), log.into());
        let how = How { program: program.into(), name, log, config, disk: None };
        let keeper = ground.keeper.spawner();
        let (child, version) = how.start(&keeper, &address)?;
        let (room, aof) = (room.into(), config::aof_in_words(need));
        Ok(Box::new(Self { how, keeper, room, address, child, version, aof }))
    }
}

/// How it is started, the first time and again.
struct How {
    program: PathBuf,
    name: String,
    log: PathBuf,
    config: Secret,
    disk: Option<Arc<SmallDisk>>,
}

impl How {
    /// Starts it and waits until it answers with its version.
    fn start(&self, keeper: &Spawner, address: &Address) -> Result<(Child, String)> {
        let mut spec = Spec::new(&self.name, &self.program, self.log.clone());
        spec.args.push("-".into());
        spec.serves = true;
        spec.stdin = self.config.0.clone().into_bytes();
        spec.disk.clone_from(&self.disk);
        let start = Patience { what: "broker", within: START, told: last_lines };
        // Only ours knows the password, so an answer is ours.
        start.until_it_answers(keeper, spec, |by| ask_version(address, by).ok())
    }
}

impl Running for Own {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        Some(&self.child)
    }

    fn describe(&self) -> String {
        let Address { host, port, .. } = &self.address;
        format!("redis {} started on {host}:{port} ({})", self.version, self.aof)
    }

    fn restart(&mut self) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        let (child, version) = self.how.start(&self.keeper, &self.address)?;
        self.child = child;
        self.version = version;
        Ok(())
    }

    fn move_to_small_disk(&mut self) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        self.how.disk = Some(SmallDisk::of_a_broker(&self.room)?);
        self.restart()
    }

    fn fill_disk(&mut self) -> Result<&'static str> {
        small_disk::fill(&self.how.disk)
    }

    fn free_disk(&mut self) -> Result<()> {
        small_disk::free(&self.how.disk)
    }

    fn stop(self: Box<Self>) -> Result<()> {
        self.child.terminate(Instant::now() + STOP);
        match std::fs::remove_dir_all(&self.room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(format!("removing {}", self.room.display()))(error))
            }
            _ => Ok(()),
        }
    }
}
