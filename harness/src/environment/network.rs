//! A network namespace for a broker, joined to this one by a veth pair whose
//! link can be taken down: then packets go nowhere, and what follows is TCP's
//! own answer. Made and removed by iproute2's `ip` (`docs/decisions/0036`).

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::environment::{Error, Result, Watchdog, rooms};

/// Where `ip netns` keeps namespaces by name.
const PLACE: &str = "/run/netns";
/// Ours are named so, then the process number of their run and an id.
const PREFIX: &str = "schedbench-";
/// The broker's end of the pair, inside.
const INSIDE: &str = "eth0";
/// Pairs of addresses that are tried until nothing is routed there.
const TRIES: usize = 20;

/// The namespace; dropping it removes it with both ends of the pair.
#[derive(Debug)]
pub struct Network {
    name: String,
    address: Ipv4Addr,
    place: File,
    home: File,
    watchdog: Option<Watchdog>,
}

impl Network {
    /// Makes one.
    ///
    /// # Errors
    /// Not root, no `ip`, or a kernel without namespaces or veth.
    pub fn lay(watchdog: Option<Watchdog>) -> Result<Self> {
        let id = u32::from_le_bytes(rooms::random()?);
        let name = format!("{PREFIX}{}-{id:08x}", std::process::id());
        if let Some(watchdog) = &watchdog {
            watchdog.network(&name);
        }
        let laid = Self::lay_as(&name, &format!("sb{id:08x}"));
        match laid {
            Ok((address, place, home)) => Ok(Self { name, address, place, home, watchdog }),
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

    fn lay_as(name: &str, outside: &str) -> Result<(Ipv4Addr, File, File)> {
        let [ours, its] = free_pair()?;
        ip(&["netns", "add", name])?;
        let pair = ["link", "add", outside, "type", "veth", "peer", "name", INSIDE, "netns", name];
        ip(&pair)?;
        ip(&["addr", "add", &format!("{ours}/30"), "dev", outside])?;
        ip(&["link", "set", outside, "up"])?;
        ip(&["-n", name, "addr", "add", &format!("{its}/30"), "dev", INSIDE])?;
        ip(&["-n", name, "link", "set", INSIDE, "up"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        let open = |path: &Path| {
            File::open(path).map_err(Error::io(format!("opening {}", path.display())))
        };
        Ok((its, open(&Path::new(PLACE).join(name))?, open(Path::new("/proc/self/ns/net"))?))
    }

    /// Where a server in it listens.
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Moves this thread into it until the guard is dropped: what it starts
    /// meanwhile is in there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn enter(&self) -> io::Result<Inside<'_>> {
        go(&self.place)?;
        Ok(Inside { home: &self.home })
    }

    /// Takes the link down, on the broker's side: on this one the route stays,
    /// as it does where a cable far away is cut.
    ///
    /// # Errors
    /// `ip` fails.
    pub fn cut(&self) -> Result<()> {
        ip(&["-n", &self.name, "link", "set", INSIDE, "down"])
    }

    /// Takes it up again.
    ///
    /// # Errors
    /// `ip` fails.
    pub fn join(&self) -> Result<()> {
        ip(&["-n", &self.name, "link", "set", INSIDE, "up"])
    }
}

impl Drop for Network {
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
    use std::os::fd::AsFd;
    Ok(move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Removes a namespace by its name, and with it the pair.
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

/// The two addresses of a /30 inside 10.128.0.0/9 that is routed nowhere yet.
fn free_pair() -> Result<[Ipv4Addr; 2]> {
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    for _ in 0..TRIES {
        let base = 0x0a80_0000 | (u32::from_le_bytes(rooms::random()?) & 0x007f_fffc);
        if !is_routed(&routes, base) {
            return Ok([base + 1, base + 2].map(Ipv4Addr::from_bits));
        }
    }
    Err(Error::Unfit(
        "no addresses of 10.128.0.0/9 are free for a network of a broker's own".into(),
    ))
}

/// Whether a route other than the default one leads there.
fn is_routed(routes: &str, address: u32) -> bool {
    routes.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| {
            let bits = u32::from_str_radix(columns.get(at)?, 16).ok()?;
            // As the bytes lie in memory on this machine.
            Some(u32::from_be_bytes(bits.to_ne_bytes()))
        };
        matches!((number(1), number(7)), (Some(to), Some(mask)) if mask != 0 && address & mask == to)
    })
}

fn ip(args: &[&str]) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_routed_is_not_taken() {
        let line = |to: [u8; 4], mask: [u8; 4]| {
            let hex = |bytes| format!("{:08X}", u32::from_ne_bytes(bytes));
            format!("eth0\t{}\t00000000\t0001\t0\t0\t0\t{}\t0\t0\t0\n", hex(to), hex(mask))
        };
        let routes = "Iface Destination …\n".to_owned()
            + &line([0, 0, 0, 0], [0, 0, 0, 0])
            + &line([10, 200, 0, 0], [255, 255, 0, 0]);
        let at = |a, b, c, d| is_routed(&routes, Ipv4Addr::new(a, b, c, d).to_bits());
        assert!(at(10, 200, 3, 4));
        assert!(!at(10, 201, 3, 4) && !at(192, 168, 0, 1));
    }
}
