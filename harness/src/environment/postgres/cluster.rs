//! A cluster of our own: its files, its configuration, its server's start.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schedbench_contract::{Address, Secret};

use super::asking::Asking;
use super::{programs, segment};
use crate::environment::broker::{Ground, Need};
use crate::environment::healthy::{Patience, last_lines};
use crate::environment::{Child, Error, Result, SmallDisk, Spawner, Spec, User, disk, rooms};

/// Who owns everything in it.
pub(super) const USER: &str = "schedbench";
/// The database that every cluster has.
pub(super) const DATABASE: &str = "postgres";

/// Beside its data.
const CONFIG: &str = "schedbench.conf";
/// `initdb` takes 0.6 s on a quiet machine.
const MAKE: Duration = Duration::from_secs(120);
/// From its start to its first answer; a long journal is read before that.
const START: Duration = Duration::from_secs(120);
/// How long the servers of a dead postmaster may keep its memory.
const LINGER: Duration = Duration::from_secs(10);

/// What a person would set before putting load on it, and what keeps tables of
/// tasks from bloating: a table whose rows live for milliseconds needs its
/// vacuum each second, not each minute.
pub const TUNING: &[(&str, &str)] = &[
    ("shared_buffers", "512MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "on"),
    ("max_connections", "200"),
    ("autovacuum_naptime", "1s"),
    // Compiling a query that is asked once costs more than its answer.
    ("jit", "off"),
    // The class of a profile rests on these.
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
];

/// A cluster: where it is and how its server is started.
pub(super) struct Cluster {
    program: PathBuf,
    name: String,
    user: Option<User>,
    room: PathBuf,
    log: PathBuf,
    settings: Vec<(&'static str, &'static str)>,
    pub(super) password: Secret,
    /// What lies over its room where it shall be full.
    pub(super) disk: Option<Arc<SmallDisk>>,
}

impl Cluster {
    /// Makes one in a room of its own.
    pub(super) fn make(program: &Path, ground: &Ground<'_>, need: &Need<'_>) -> Result<Self> {
        let initdb = programs::initdb(program)?;
        let user = programs::user()?;
        let room = match user {
            Some(user) => ground.rooms.room_of(user, "postgres")?,
            None => ground.rooms.room("postgres")?,
        };
        // Every commit flushes where the profile does not say otherwise.
        if !need.profile.broker_settings.contains(&("synchronous_commit", "off")) {
            disk::refuse_memory(&room, need)?;
        }
        let mut settings: Vec<_> = TUNING.to_vec();
        settings.retain(|(key, _)| {
            !need.profile.broker_settings.iter().any(|(decided, _)| decided == key)
        });
        settings.extend(need.profile.broker_settings);
        // Named like the room, so that restarts append to one file.
        let name = room.file_name().unwrap_or(OsStr::new("postgres"));
        let cluster = Self {
            program: program.into(),
            name: need.who.into(),
            user,
            log: ground.logs.join(name).with_extension("log"),
            room,
            settings,
            password: rooms::password()?,
            disk: None,
        };
        cluster.initialise(&initdb, &ground.keeper.spawner())?;
        Ok(cluster)
    }

    fn data(&self) -> PathBuf {
        self.room.join("data")
    }

    /// The same where this process finds it.
    fn data_from_here(&self) -> PathBuf {
        let disk = self.disk.as_ref();
        disk.map_or_else(|| self.room.clone(), |disk| disk.path()).join("data")
    }

    /// Moves all of it to a disk that can be full; its server has ended.
    pub(super) fn move_to_small_disk(&mut self) -> Result<()> {
        self.disk = Some(SmallDisk::of_a_broker(&self.room)?);
        Ok(())
    }

    /// Makes its files. The password goes through a file that only its user can
    /// read and that is gone before the server starts: an argument list is
    /// everybody's.
    fn initialise(&self, initdb: &Path, keeper: &Spawner) -> Result<()> {
        let word = self.room.join("password");
        let making = format!("making {}", word.display());
        let mut options = OpenOptions::new();
        let written = options.create_new(true).write(true).mode(0o600).open(&word);
        written
            .and_then(|mut file| file.write_all(self.password.0.as_bytes()))
            .and_then(|()| self.give(&word))
            .map_err(Error::io(making))?;
        let made = self.run_initdb(initdb, &word, keeper);
        let removed = fs::remove_file(&word);
        made?;
        removed.map_err(Error::io(format!("removing {}", word.display())))
    }

    /// Makes a file its user's.
    fn give(&self, path: &Path) -> std::io::Result<()> {
        match self.user {
            Some(user) => chown(path, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    }

    fn run_initdb(&self, initdb: &Path, word: &Path, keeper: &Spawner) -> Result<()> {
        let mut spec = self.spec(initdb);
        // Nothing is flushed to the disk: who loses power here begins anew.
        spec.args.extend(
            ["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
                .map(OsString::from),
        );
        spec.args.extend([OsString::from("--pwfile"), word.into()]);
        Patience { what: "initdb", within: MAKE, told: last_lines }.until_it_ends(keeper, spec)
    }

    /// A program that works on its data.
    fn spec(&self, program: &Path) -> Spec {
        let mut spec = Spec::new(&self.name, program, self.log.clone());
        spec.args.extend([OsString::from("-D"), self.data().into()]);
        spec.dir = Some(self.room.clone());
        spec.user = self.user;
        spec.disk.clone_from(&self.disk);
        spec.env.push(("LC_ALL".into(), "C".into()));
        spec
    }

    /// Starts its server and waits until it answers with its version.
    pub(super) fn start(&self, keeper: &Spawner, address: &Address) -> Result<(Child, String)> {
        let conf = self.data_from_here().join(CONFIG);
        let writing = format!("writing {}", conf.display());
        fs::write(&conf, self.config(address))
            .and_then(|()| self.give(&conf))
            .map_err(Error::io(writing))?;
        if address.host != Ipv4Addr::LOCALHOST.to_string() {
            self.let_its_network_in().map_err(Error::io("writing pg_hba.conf"))?;
        }
        let mut spec = self.spec(&self.program);
        spec.serves = true;
        let config_file = format!("config_file={}", self.data().join(CONFIG).display());
        spec.args.extend([OsString::from("-c"), config_file.into()]);
        let start = Patience { what: "broker", within: START, told: last_lines };
        // Only ours knows the password, so an answer is ours.
        let answer = |by| Asking::begin(address, by).and_then(|asking| asking.version()).ok();
        let started = start.until_it_answers(keeper, spec, answer)?;
        segment::goes_with_its_server(&self.data_from_here());
        Ok(started)
    }

    /// Clients come from the other end of its network, not from its own host.
    fn let_its_network_in(&self) -> std::io::Result<()> {
        const LINE: &str = "host all all samenet scram-sha-256\n";
        let path = self.data_from_here().join("pg_hba.conf");
        let known = fs::read_to_string(&path)?;
        if known.ends_with(LINE) { Ok(()) } else { fs::write(&path, known + LINE) }
    }

    /// The same on data of a server that has ended, perhaps by SIGKILL: then its
    /// children may still be about to notice, and keep the new one out.
    pub(super) fn start_again(
        &self,
        keeper: &Spawner,
        address: &Address,
    ) -> Result<(Child, String)> {
        let deadline = Instant::now() + LINGER;
        loop {
            match self.start(keeper, address) {
                Err(Error::Died(died)) if Instant::now() < deadline && is_kept_out(&died.log) => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                ended => return ended,
            }
        }
    }

    /// The whole configuration; there is no secret in it.
    fn config(&self, address: &Address) -> String {
        let port = address.port.to_string();
        let fixed = [
            ("listen_addresses", address.host.as_str()),
            ("port", &port),
            ("unix_socket_directories", ""),
            // Standard error, which the keeper writes to the log.
            ("logging_collector", "off"),
            ("log_destination", "stderr"),
        ];
        let all = self.settings.iter().copied().chain(fixed);
        all.map(|(key, value)| format!("{key} = '{}'\n", value.replace('\'', "''"))).collect()
    }

    /// Removes its directory.
    pub(super) fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.room) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(format!("removing {}", self.room.display()))(error))
            }
            _ => Ok(()),
        }
    }
}

fn is_kept_out(log: &[String]) -> bool {
    let signs = ["pre-existing shared memory block", "lock file \"postmaster.pid\""];
    log.iter().any(|line| signs.iter().any(|sign| line.contains(sign)))
}
