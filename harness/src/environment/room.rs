//! Is there room for the plan? Found out before the run, not in the middle.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use rustix::fs::statvfs;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{Medium, amount};

use crate::environment::{ROOM_BYTES, host, rooms};

/// The room does not suffice: what, how much there is, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RoomError(String);

/// Files and sockets that a run has open at most, apart from connections.
const OPEN_FILES: u64 = 256;

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes free where results go.
    pub results: u64,
    /// Bytes free where brokers write.
    pub brokers: u64,
    /// Bytes of memory to be had.
    pub memory: u64,
    /// Files and sockets that this process may have open.
    pub open_files: u64,
}

impl Room {
    /// Looks. A directory that is not there yet is taken as its nearest parent.
    #[must_use]
    pub fn look(out: &Path) -> Self {
        Self {
            results: free(out),
            brokers: free(&rooms::root()),
            memory: host::memory_available(),
            open_files: getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX),
        }
    }
}

/// Makes the output directory, raises the limit of open files as far as is
/// allowed, and compares what there is with what the plan takes: `disk` bytes
/// for results and for what brokers write, `memory` bytes for the ledger.
///
/// # Errors
/// Something does not suffice: what, how much there is, and what to do.
pub fn check(out: &Path, disk: u64, memory: u64) -> Result<Room, RoomError> {
    is_writable(out)?;
    raise_open_files();
    let room = Room::look(out);
    let root = rooms::root();
    lacks(
        &out.display().to_string(),
        room.results,
        disk,
        "Choose another directory (-o DIR), or a shorter plan (--duration, --repeats)",
    )?;
    lacks(
        &format!("{}, where brokers write", root.display()),
        room.brokers,
        disk,
        "Choose another directory (TMPDIR=DIR), or a shorter plan (--duration, --loads)",
    )?;
    lacks(
        "memory",
        room.memory,
        memory,
        "Close other programs, or choose a shorter plan (--duration, --loads): \
         the ledger takes 16 bytes for each task of a cell",
    )?;
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if files < OPEN_FILES {
        return Err(RoomError(format!(
            "open files: at most {files} are allowed, a run needs {OPEN_FILES}\n  \
             Raise the hard limit: ulimit -Hn {OPEN_FILES}"
        )));
    }
    Ok(room)
}

/// Compares what a small disk has that can be full with what brokers write on
/// it: it must not be full before it is meant to be.
///
/// # Errors
/// It is too small.
pub fn check_small_disk(disk: u64) -> Result<(), RoomError> {
    lacks(
        "a small disk that can be full",
        ROOM_BYTES,
        disk,
        "Choose a shorter plan (--duration, --loads)",
    )
}

fn lacks(place: &str, has: u64, needs: u64, remedy: &str) -> Result<(), RoomError> {
    if has >= needs {
        return Ok(());
    }
    let bytes = |number: u64| amount(number as f64, Unit::Bytes, Medium::Terminal);
    let (has, needs) = (bytes(has), bytes(needs));
    Err(RoomError(format!("{place}: {has} free, this plan takes about {needs}\n  {remedy}")))
}

/// Makes the directory, a file in it, and removes the file.
///
/// # Errors
/// One of these cannot be done.
pub fn is_writable(out: &Path) -> Result<(), RoomError> {
    let try_it = || {
        fs::create_dir_all(out)?;
        let path = out.join(format!(".schedbench-{}", std::process::id()));
        let written = File::create_new(&path).and_then(|mut file| file.write_all(b"?"));
        fs::remove_file(&path).and(written)
    };
    try_it().map_err(|error: std::io::Error| {
        RoomError(format!(
            "{} cannot be written: {error}\n  Choose another directory: -o DIR",
            out.display()
        ))
    })
}

/// Raises the soft limit of open files to the hard one, which needs no right.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // What is left then is what `check` compares.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The nearest directory above that is there.
fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|path| path.exists() && !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn free(path: &Path) -> u64 {
    // What cannot be asked is found out when it is written.
    statvfs(existing(path)).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: u64 = 1_000;
    const MUCH: u64 = 1 << 60;

    #[test]
    fn a_small_plan_has_room_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let out = dir.path().join("results/of/a/run");
        let room = check(&out, LITTLE, LITTLE).expect("room");
        assert!(room.results > LITTLE && room.memory > LITTLE);
        assert_eq!(fs::read_dir(&out).expect("it was made").count(), 0);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }

    #[test]
    fn a_small_disk_takes_a_small_plan() {
        check_small_disk(350_000_000).expect("room");
        let refused = check_small_disk(3_000_000_000).expect_err("no room").to_string();
        assert!(refused.contains("that can be full: 2.15 GB free"), "{refused}");
    }

    #[test]
    fn what_does_not_suffice_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().expect("a directory");
        let out = dir.path();
        let refused =
            |out: &Path, disk, memory| check(out, disk, memory).expect_err("no room").to_string();
        let disk = refused(out, MUCH, LITTLE);
        assert!(disk.starts_with(&out.display().to_string()) && disk.contains("-o DIR"), "{disk}");
        let memory = refused(out, LITTLE, MUCH);
        assert!(memory.starts_with("memory: ") && memory.contains("--duration"), "{memory}");
        let file = out.join("a-file");
        fs::write(&file, "").expect("a file");
        let refused = refused(&file.join("below"), LITTLE, LITTLE);
        assert!(refused.contains("cannot be written") && refused.contains("-o DIR"), "{refused}");
    }
}
