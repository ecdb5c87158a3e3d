//! One network namespace of ours, and the `ip` of iproute2 that makes it.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::environment::{Error, Result, Watchdog, rooms};

/// Where `ip netns` keeps namespaces by name.
const PLACE: &str = "/run/netns";
/// Ours are named so, then the process number of their run and an id.
const PREFIX: &str = "schedbench-";

/// A namespace; dropping it removes it with each pair that has an end in it.
#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    place: File,
    home: File,
    watchdog: Option<Watchdog>,
}

impl Namespace {
    /// Makes one with nothing in it but its loopback interface.
    ///
    /// # Errors
    /// Not root, no `ip`, or a kernel without namespaces.
    pub(super) fn make(watchdog: Option<Watchdog>) -> Result<Self> {
        let name = format!("{PREFIX}{}-{:08x}", std::process::id(), rooms::number()?);
        if let Some(watchdog) = &watchdog {
            watchdog.network(&name);
        }
        match Self::make_as(&name) {
            Ok((place, home)) => Ok(Self { name, place, home, watchdog }),
            Err(error) => {
                // What of it there is; the first step may have failed.
                let _ = remove(&name);
                if let Some(watchdog) = &watchdog {
                    watchdog.forget_network(&name);
                }
                Err(error)
            }
        }
    }

    fn make_as(name: &str) -> Result<(File, File)> {
        ip(&["netns", "add", name])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        let open = |path: &Path| {
            File::open(path).map_err(Error::io(format!("opening {}", path.display())))
        };
        Ok((open(&Path::new(PLACE).join(name))?, open(Path::new("/proc/self/ns/net"))?))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `ip` in there.
    ///
    /// # Errors
    /// It fails.
    pub(super) fn ip(&self, args: &[&str]) -> Result<()> {
        ip(&[&["-n", self.name.as_str()], args].concat())
    }

    /// Moves this thread into it until the guard is dropped.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn enter(&self) -> io::Result<Inside<'_>> {
        go(&self.place)?;
        Ok(Inside { home: &self.home })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let (Ok(()), Some(watchdog)) = (remove(&self.name), &self.watchdog) {
            watchdog.forget_network(&self.name);
        }
    }
}

/// A thread that is in a namespace.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    home: &'a File,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // The way back needs no more than the way in, which was there.
        let back = go(self.home);
        debug_assert!(back.is_ok(), "{back:?}");
    }
}

fn go(place: &File) -> io::Result<()> {
    Ok(move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Removes a namespace by its name, and with it the pairs.
pub(crate) fn remove(name: &str) -> Result<()> {
    ip(&["netns", "del", name])
}

/// Removes those of runs that have ended, and gives their names.
#[must_use]
pub fn sweep() -> Vec<String> {
    let all = fs::read_dir(PLACE).into_iter().flatten().flatten();
    let names = all.filter_map(|entry| entry.file_name().into_string().ok());
    let is_left = |name: &String| {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let owner = owner.and_then(|pid| pid.parse::<u32>().ok());
        owner.is_some_and(|pid| !PathBuf::from(format!("/proc/{pid}")).exists())
    };
    names.filter(is_left).filter(|name| remove(name).is_ok()).collect()
}

/// `ip` in the harness's own namespace.
///
/// # Errors
/// There is none, or it fails.
pub(super) fn ip(args: &[&str]) -> Result<()> {
    let shown = || format!("ip {}", args.join(" "));
    let ended = Command::new("ip").args(args).stdin(Stdio::null()).output();
    let ended = ended.map_err(Error::io(shown()))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let why = said.lines().next().unwrap_or("no reason given").to_owned();
    Err(Error::io(shown())(io::Error::other(why)))
}
