//! What a durability class needs of the disk below a broker.

use std::path::Path;

use crate::environment::{Error, Need, Result};

const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;

/// For a profile that rests on fsync: on tmpfs one costs nothing, and a
/// power-loss class would be measured that it is not.
///
/// # Errors
/// The room is in memory.
pub(crate) fn refuse_memory(room: &Path, need: &Need<'_>) -> Result<()> {
    // What cannot be asked is taken for a disk.
    let kind = rustix::fs::statfs(room).map(|fs| fs.f_type).unwrap_or(0);
    if ![TMPFS, RAMFS].contains(&kind) {
        return Ok(());
    }
    Err(Error::Unfit(format!(
        "{}: {} is in memory (tmpfs), where an fsync does nothing\n  \
         Choose a directory on a disk: TMPDIR=/var/tmp",
        need.who,
        room.parent().unwrap_or(room).display()
    )))
}
