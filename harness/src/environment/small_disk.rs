//! A disk that can be full: a tmpfs over a broker's directory, in a mount
//! namespace of its own.
//!
//! Nobody else sees it. It is held by descriptors alone, so that it is gone
//! with the last process that has one, however the harness ends, and nothing
//! has to be unmounted. It is full when it is made as small as what is on it,
//! which takes no memory and no time (`docs/decisions/0032`).

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, fstatvfs, openat};
use rustix::io::Errno;
use rustix::mount::{
    FsPickFlags, MountFlags, MountPropagationFlags, fsconfig_reconfigure, fsconfig_set_string,
    fspick, mount, mount_change,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use crate::environment::{Error, rooms};

/// Its room while it is not full, bytes. A minute of a fault run fills a
/// fraction of it; of the memory only what is written is taken.
pub const ROOM_BYTES: u64 = 2 << 30;
/// A broker that writes meanwhile needs more than was counted: so often it is
/// counted again.
const TRIES: usize = 10_000;

/// Whether one can be had here: makes one, fills it and gives it up.
///
/// # Errors
/// Not root, or a kernel without what it takes.
pub fn small_disk_is_possible() -> io::Result<()> {
    // Over anything: nobody else sees it, and nothing is in it.
    let disk = SmallDisk::empty(&rooms::root(), 1 << 20)?;
    disk.fill()?;
    disk.free()
}

/// Fills the disks of a broker's nodes; gives how, in words.
///
/// # Errors
/// There is none, or the kernel refuses.
pub(crate) fn fill<'a>(
    disks: impl IntoIterator<Item = &'a Arc<SmallDisk>>,
) -> Result<&'static str, Error> {
    each(disks, "filling its disk", SmallDisk::fill)?;
    Ok("its data are on a small disk in memory")
}

/// Gives their room back.
///
/// # Errors
/// There is none, or the kernel refuses.
pub(crate) fn free<'a>(disks: impl IntoIterator<Item = &'a Arc<SmallDisk>>) -> Result<(), Error> {
    each(disks, "giving its disk room", SmallDisk::free)
}

fn each<'a>(
    disks: impl IntoIterator<Item = &'a Arc<SmallDisk>>,
    doing: &str,
    act: impl Fn(&SmallDisk) -> io::Result<()>,
) -> Result<(), Error> {
    let mut disks = disks.into_iter().peekable();
    if disks.peek().is_none() {
        return Err(Error::Unfit("it was not started on a disk that can be full".into()));
    }
    disks.try_for_each(|disk| act(disk).map_err(Error::io(doing)))
}

/// The disk.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    /// The mount namespace in which it lies over the directory.
    namespace: OwnedFd,
    /// Its own root, reachable from everywhere through this.
    root: OwnedFd,
    bytes: u64,
}

impl SmallDisk {
    /// One over a directory, with what is in there, and owned as it is.
    ///
    /// # Errors
    /// This user may not mount, or what is there does not fit.
    pub(crate) fn over(dir: &Path) -> io::Result<Self> {
        let disk = Self::empty(dir, ROOM_BYTES)?;
        copy(dir, &disk.path())?;
        Ok(disk)
    }

    /// The same for a broker's directory.
    ///
    /// # Errors
    /// As above, and where.
    pub(crate) fn of_a_broker(dir: &Path) -> Result<Arc<Self>, Error> {
        let making = format!("a small disk over {}", dir.display());
        Self::over(dir).map(Arc::new).map_err(Error::io(making))
    }

    fn empty(dir: &Path, bytes: u64) -> io::Result<Self> {
        in_a_namespace(|| {
            let size = CString::new(format!("size={bytes},mode=0700"))?;
            mount("schedbench", dir, "tmpfs", MountFlags::NODEV, Some(size.as_c_str()))?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let root = openat(CWD, dir, flags, Mode::empty())?;
            Ok(Self { namespace: this_namespace()?, root, bytes })
        })
    }

    /// Where it is for this process, in whatever namespace it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.root.as_raw_fd()))
    }

    /// Puts the calling thread where it is mounted, lets it do something, and
    /// puts it back. The thread has its own root and directory from then on.
    ///
    /// # Errors
    /// It cannot be put there, or not back.
    pub(crate) fn within<T>(&self, act: impl FnOnce() -> T) -> io::Result<T> {
        // SAFETY: unshares root and directory, no table of descriptors.
        unsafe { unshare_unsafe(UnshareFlags::FS)? };
        let (home, here) = (this_namespace()?, File::open(".")?);
        enter(&self.namespace)?;
        rustix::process::fchdir(&here)?;
        let done = act();
        enter(&home)?;
        rustix::process::fchdir(&here)?;
        Ok(done)
    }

    /// Leaves not one page on it. What is deleted from now on is room again,
    /// until it is filled once more.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn fill(&self) -> io::Result<()> {
        for _ in 0..TRIES {
            let disk = fstatvfs(&self.root)?;
            let used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize;
            // No size would be no limit.
            match self.resize(used.max(disk.f_frsize)) {
                // It has more on it by now.
                Err(Errno::INVAL) => {}
                resized => return Ok(resized?),
            }
        }
        Err(io::Error::other("it is written faster than it can be counted"))
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn free(&self) -> io::Result<()> {
        Ok(self.resize(self.bytes)?)
    }

    fn resize(&self, bytes: u64) -> Result<(), Errno> {
        let flags = FsPickFlags::FSPICK_EMPTY_PATH | FsPickFlags::FSPICK_CLOEXEC;
        let picked = fspick(&self.root, "", flags)?;
        fsconfig_set_string(picked.as_fd(), "size", bytes.to_string())?;
        fsconfig_reconfigure(picked.as_fd())
    }
}

/// Does something on a thread that has a mount namespace of its own, in which
/// nothing that is mounted shows anywhere else.
fn in_a_namespace<T: Send>(act: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("mount".into());
        let thread = thread.spawn_scoped(scope, || {
            // SAFETY: unshares mounts, root and directory of this thread, which
            // ends with them; no table of descriptors.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS)? };
            let all = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
            mount_change("/", all)?;
            act()
        })?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the mounting thread panicked")))
    })
}

fn this_namespace() -> io::Result<OwnedFd> {
    Ok(File::open("/proc/thread-self/ns/mnt")?.into())
}

fn enter(namespace: &OwnedFd) -> io::Result<()> {
    let kind = Some(LinkNameSpaceType::Mount);
    Ok(move_into_link_name_space(namespace.as_fd(), kind)?)
}

/// Copies what is in a directory, with owners and modes, and the directory's own.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let data = fs::symlink_metadata(from)?;
    if data.is_dir() {
        if !to.is_dir() {
            fs::create_dir(to)?;
        }
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
    } else if data.is_file() {
        fs::copy(from, to)?;
    } else {
        // Sockets and pipes are made anew by who needs them.
        return Ok(());
    }
    chown(to, Some(data.uid()), Some(data.gid()))?;
    fs::set_permissions(to, data.permissions())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// It holds what was there, only who is in it sees it, it can be full, and
    /// has room again.
    #[test]
    fn a_small_disk_is_full_and_has_room_again() {
        if small_disk_is_possible().is_err() {
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("kept"), "text").expect("a file");
        let disk = SmallDisk::over(dir.path()).expect("a disk");
        fs::write(dir.path().join("outside"), "seen by us alone").expect("a file");
        let (text, outside) = std::thread::scope(|scope| {
            let look = || {
                let read = || fs::read_to_string(dir.path().join("kept"));
                disk.within(|| (read(), dir.path().join("outside").exists())).expect("inside")
            };
            scope.spawn(look).join().expect("it looks")
        });
        assert_eq!((text.expect("it was copied").as_str(), outside), ("text", false));
        disk.fill().expect("it fills");
        let more = disk.path().join("more");
        assert_eq!(fs::write(&more, "x").expect_err("no room").kind(), ErrorKind::StorageFull);
        disk.free().expect("room");
        fs::write(&more, vec![1; 1 << 20]).expect("there is room again");
        assert!(!dir.path().join("more").exists() && dir.path().join("outside").exists());
    }

    /// Not one write between two that fail succeeds, however much is written
    /// while it is made full.
    #[test]
    fn it_is_full_under_who_writes() {
        use std::io::Write;
        use std::sync::atomic::{AtomicBool, Ordering};
        if small_disk_is_possible().is_err() {
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let disk = SmallDisk::over(dir.path()).expect("a disk");
        let mut file = File::create(disk.path().join("log")).expect("a file");
        let full = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut refused = 0;
                while refused < 100 {
                    let is_full = full.load(Ordering::Acquire);
                    match file.write_all(&[7; 5_000]) {
                        Ok(()) => assert!(!is_full, "there was room after it was full"),
                        Err(_) if is_full => refused += 1,
                        Err(_) => {}
                    }
                }
            });
            std::thread::sleep(std::time::Duration::from_millis(20));
            disk.fill().expect("it fills");
            full.store(true, Ordering::Release);
            writer.join().expect("it writes");
        });
    }
}
