//! The one thing of a killed PostgreSQL that the kernel would keep.

use std::path::Path;

/// Beside its memory a server has a System V segment of 56 bytes, by which a
/// successor sees whether somebody still works on the data. It is removed in an
/// orderly end only: each kill would leave one on the machine for ever. Marked
/// for removal now, it goes with the last process that has it, and until then
/// tells what it is for. (In an orderly end the server then logs that it is
/// gone already.)
pub(super) fn goes_with_its_server(data: &Path) {
    let Some(id) = std::fs::read_to_string(data.join("postmaster.pid")).ok().and_then(read) else {
        return;
    };
    // SAFETY: with this command `shmctl` takes no pointer and touches no memory
    // of ours. The segment is our server's, which is running: it has just
    // written the number, and holds the segment, so that it is nobody else's.
    let removed = unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    // Nothing depends on it but tidiness.
    let _ = removed;
}

/// The segment's number: the second one in the seventh line.
fn read(lock_file: String) -> Option<i32> {
    lock_file.lines().nth(6)?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_segments_number_is_found_once_it_is_written() {
        let lock = "4711\n/data\n1700000000\n20001\n\n127.0.0.1\n   836197  98316\nready   \n";
        assert_eq!(super::read(lock.into()), Some(98_316));
        assert_eq!(super::read("4711\n/data\n1700000000\n".into()), None);
    }
}
