//! Where what is made once is kept, and how it gets there whole.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::{Error, Result};

/// What is in the making for so long is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

/// The directory of our caches; `None` where there is no home for it.
pub(crate) fn caches() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    // By the XDG Base Directory Specification a relative path is ignored.
    let caches = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let caches = caches.or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("schedbench"))
}

/// What to say then.
pub(crate) fn no_place() -> Error {
    Error::Unfit("there is no place for a cache: export XDG_CACHE_HOME=/a/directory".into())
}

/// A directory of ours that is removed unless it gets the name for which it is
/// made; under its own nobody looks for anything.
pub(crate) struct Making(PathBuf);

impl Making {
    /// An empty one beside the place.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn beside(place: &Path) -> Result<Self> {
        let caches = place.parent().unwrap_or(Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(caches)
            .map_err(Error::io(format!("making {}", caches.display())))?;
        remove_abandoned(caches);
        let mut name = place.as_os_str().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let path = PathBuf::from(name);
        // Left by a process of this number that was killed.
        let _ = fs::remove_dir_all(&path);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(Error::io(format!("making {}", path.display())))?;
        Ok(Self(path))
    }

    /// Where it is meanwhile.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Takes its name. What is there and incomplete goes first; who was
    /// quicker and is complete stays.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub(crate) fn become_the(
        self,
        place: &Path,
        is_complete: impl Fn(&Path) -> bool,
    ) -> Result<()> {
        if is_complete(place) {
            return Ok(());
        }
        let _ = fs::remove_dir_all(place);
        match fs::rename(&self.0, place) {
            Err(_) if is_complete(place) => Ok(()),
            renamed => renamed.map_err(Error::io(format!("making {}", place.display()))),
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What killed processes left; what cannot be removed only takes room.
fn remove_abandoned(caches: &Path) {
    for entry in fs::read_dir(caches).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_making = name.ends_with(".new");
        let age = entry.metadata().and_then(|data| data.modified()).map(|made| made.elapsed());
        if is_making && matches!(age, Ok(Ok(age)) if age > ABANDONED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_is_removed() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("below/kafka-0");
        let making = Making::beside(&place).expect("a directory");
        let path = making.path().to_owned();
        assert!(path.is_dir() && path.parent() == place.parent() && !place.exists());
        drop(making);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_half_there_goes_and_what_is_whole_stays() {
        let is_complete = |path: &Path| path.join("whole").exists();
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("kafka-0");
        fs::create_dir(&place).expect("a directory");
        for said in ["first", "second"] {
            let making = Making::beside(&place).expect("a directory");
            fs::write(making.path().join("whole"), said).expect("a file");
            making.become_the(&place, is_complete).expect("it is there");
        }
        assert_eq!(fs::read_to_string(place.join("whole")).expect("a file"), "first");
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
    }
}
