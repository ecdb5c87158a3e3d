//! The run's private directory and what brokers keep in it.
//!
//! ```text
//! <root>/schedbench-<pid>-<random>/    0700; 0711 once another user has a room
//!     owner                            locked (flock) as long as its owner lives
//!     redis-1/ …                       0700, one for each broker
//! ```
//!
//! The kernel drops the lock however its holder ends, so a directory whose
//! `owner` can be locked is nobody's: [`sweep`] and the watchdog remove it. The
//! process number and start time inside are for people. Removed is only what is
//! named so, is a directory of ours of such a mode, and carries that file.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, FileType, FlockOperation, Mode, OFlags, flock, fstat, openat};
use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::rand::{GetRandomFlags, getrandom};
use schedbench_contract::Secret;

use crate::environment::{Error, Result, User, Watchdog};

const PREFIX: &str = "schedbench-";
/// The mode of a run's directory.
const PRIVATE: u32 = 0o700;
/// Its mode when a broker below it runs as another user.
const PASSABLE: u32 = 0o711;
const OWNER: &str = "owner";
/// Its name until it is locked.
const OWNER_TO_BE: &str = "owner.new";

/// The run's private directory; dropping it removes it.
#[derive(Debug)]
pub struct Rooms {
    path: PathBuf,
    next: AtomicU32,
    watchdog: Option<Watchdog>,
    swept: Vec<PathBuf>,
    /// Holds the lock.
    _owner: File,
}

impl Rooms {
    /// Sweeps what dead runs left in the root, then makes this run's directory.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(watchdog: Option<Watchdog>) -> Result<Self> {
        let root = root();
        // What cannot be swept does not hinder this run; `clean` says why.
        let swept = sweep(&root).unwrap_or_default();
        let mut rooms = Self::open_in(&root, watchdog)?;
        rooms.swept = swept;
        Ok(rooms)
    }

    /// What dead runs had left, and is removed.
    #[must_use]
    pub fn swept(&self) -> &[PathBuf] {
        &self.swept
    }

    /// The same in a given root, without the sweep.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open_in(root: &Path, watchdog: Option<Watchdog>) -> Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            let name = format!("{PREFIX}{}-{}", std::process::id(), hex(&random::<4>()?));
            let path = root.join(name);
            // Told first: a harness killed between the two leaves nothing either.
            if let Some(watchdog) = &watchdog {
                watchdog.dir(&path)?;
            }
            match make(&path) {
                Ok(owner) => {
                    let next = AtomicU32::new(1);
                    return Ok(Self { path, next, watchdog, swept: Vec::new(), _owner: owner });
                }
                // A sweep of another run saw it before it was locked.
                Err(error) if error.kind() == ErrorKind::NotFound && root.exists() && tries < 9 => {
                }
                Err(error) => {
                    return Err(Error::io(format!("making {}", path.display()))(error));
                }
            }
        }
    }

    /// The run's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who clears up after a harness that could not.
    pub(crate) fn watchdog(&self) -> Option<&Watchdog> {
        self.watchdog.as_ref()
    }

    /// A new directory for one broker.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn room(&self, name: &str) -> Result<PathBuf> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{name}-{number}"));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(Error::io(format!("making {}", path.display())))?;
        Ok(path)
    }

    /// A new directory for a broker that runs as another user, and is that
    /// user's; the run's own lets it pass and shows it nothing.
    ///
    /// # Errors
    /// It cannot be made or given away, or that user cannot come to it.
    pub fn room_of(&self, user: User, name: &str) -> Result<PathBuf> {
        let room = self.room(name)?;
        let giving = || format!("giving {} to user {}", room.display(), user.uid);
        fs::set_permissions(&self.path, Permissions::from_mode(PASSABLE))
            .and_then(|()| chown(&room, Some(user.uid), Some(user.gid)))
            .map_err(Error::io(giving()))?;
        let barred = |dir: &&Path| {
            dir.metadata().is_ok_and(|data| data.uid() != user.uid && data.mode() & 0o001 == 0)
        };
        match room.ancestors().skip(1).find(barred) {
            None => Ok(room),
            Some(dir) => Err(Error::Unfit(format!(
                "{name} runs as user {}, who may not enter {}\n  \
                 Choose a directory that everybody may pass: TMPDIR=/var/tmp",
                user.uid,
                dir.display()
            ))),
        }
    }
}

impl Drop for Rooms {
    fn drop(&mut self) {
        // The lock is held still, so that no sweep races with this.
        let gone = fs::remove_dir_all(&self.path);
        if let (Some(watchdog), Ok(())) = (&self.watchdog, gone) {
            watchdog.forget_dir(&self.path);
        }
    }
}

/// Where runs have their directories: `TMPDIR`, or `/var/tmp`, which is a disk
/// where `/tmp` often is memory: there an fsync costs nothing, and a broker
/// would be measured as more durable than it is.
#[must_use]
pub fn root() -> PathBuf {
    match std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => dir.into(),
        None if Path::new("/var/tmp").is_dir() => "/var/tmp".into(),
        None => std::env::temp_dir(),
    }
}

/// Makes the directory and its locked marker.
fn make(path: &Path) -> io::Result<File> {
    DirBuilder::new().mode(PRIVATE).create(path)?;
    let to_be = path.join(OWNER_TO_BE);
    let mut owner = File::create_new(&to_be)?;
    flock(&owner, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| io::Error::from(ErrorKind::NotFound))?;
    let started = procfs::process::Process::myself().and_then(|process| process.stat());
    writeln!(owner, "pid {}", std::process::id())?;
    writeln!(owner, "started {}", started.map(|stat| stat.starttime).unwrap_or(0))?;
    fs::rename(to_be, path.join(OWNER))?;
    Ok(owner)
}

/// Removes the directories of dead runs in `root` and says which.
///
/// # Errors
/// The root cannot be read. What cannot be removed is left out of the answer.
pub fn sweep(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(root)?.flatten() {
        let path = entry.path();
        if is_named_like_ours(&path) && matches!(remove_if_dead(&path), Ok(true)) {
            removed.push(path);
        }
    }
    Ok(removed)
}

fn is_named_like_ours(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX))
}

/// Removes a run's directory if its owner is dead; whether it did. Touches
/// nothing that is not one.
///
/// # Errors
/// It is one and cannot be removed.
pub(crate) fn remove_if_dead(path: &Path) -> io::Result<bool> {
    if !path.is_absolute() || !is_named_like_ours(path) {
        return Ok(false);
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = match openat(CWD, path, flags, Mode::empty()) {
        Ok(dir) => dir,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let stat = fstat(&dir)?;
    let mode = stat.st_mode;
    if FileType::from_raw_mode(mode) != FileType::Directory
        || stat.st_uid != geteuid().as_raw()
        || ![PRIVATE, PASSABLE].contains(&(mode & 0o777))
    {
        return Ok(false);
    }
    let open =
        |name| openat(&dir, name, OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    let marker = match open(OWNER).or_else(|_| open(OWNER_TO_BE)) {
        Ok(marker) => Some(marker),
        // Its maker was killed between two lines of `make`: empty, or not ours.
        Err(Errno::NOENT) => None,
        Err(_) => return Ok(false),
    };
    if let Some(marker) = &marker {
        if flock(marker, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(false);
        }
        return match fs::remove_dir_all(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(true),
        };
    }
    Ok(fs::remove_dir(path).is_ok())
}

/// Bytes from the kernel's generator.
///
/// # Errors
/// There is none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())
            .map_err(Error::io("asking the kernel for random bytes"))?;
    }
    Ok(bytes)
}

/// A number from there.
///
/// # Errors
/// There is none.
pub(crate) fn number() -> Result<u32> {
    Ok(u32::from_le_bytes(random()?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A password for one broker of one run: 32 hexadecimal digits.
///
/// # Errors
/// There is no randomness.
pub fn password() -> Result<Secret> {
    Ok(Secret(hex(&random::<16>()?)))
}
