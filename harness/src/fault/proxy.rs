//! A TCP proxy between clients and a broker, or between two of its nodes, on
//! which faults can be laid.
//!
//! It stands in user space, so that it needs no right and runs everywhere, and
//! so that there are things which it cannot do: the kernel completes the
//! handshake of a connection that waits, and acknowledges bytes that are then
//! swallowed. A client's own TCP never retransmits through it, and
//! `TCP_USER_TIMEOUT` does not fire (`docs/decisions/0025`).
//!
//! Each proxy has a thread of its own. Without a fault a chunk of bytes costs
//! a read, an atomic load and a write.

mod accept;
mod carry;
mod connection;
mod cost;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use schedbench_adapters::clock;
use tokio::sync::watch;

pub use self::cost::cost;
use super::link::{Link, LinkFault};
use crate::environment::ports;

/// From a change to the thread that has seen it; more is a fault of ours.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// How often to look whether it has.
const LOOK_EVERY: Duration = Duration::from_micros(50);

/// A road that can be broken: clients connect to its [`address`](Self::address)
/// and reach what is behind it. Dropped, it is closed with its connections.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    faults: Mutex<Faults>,
    /// Changes that the accepting task has seen and acted on.
    seen: AtomicU64,
    /// Connections since the start.
    connections: AtomicU64,
}

#[derive(Debug)]
struct Faults {
    /// What lies on the link, each with its guard's number.
    lying: Vec<(u64, LinkFault)>,
    next: u64,
    resets: u64,
    /// Changes so far. The proxy ends when this is dropped.
    link: Option<watch::Sender<Seen>>,
}

/// What the proxy's tasks look at.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    link: Link,
    /// Which change this is.
    change: u64,
}

impl Proxy {
    /// A proxy to `broker`, on a free port of the loopback interface.
    ///
    /// # Errors
    /// There is no port, or no thread.
    pub fn to(broker: SocketAddr) -> io::Result<Self> {
        Self::begin(broker, None)
    }

    /// The same where only those who call from the address `callers` are ever
    /// hurt: others that come this way are carried whatever lies on it.
    ///
    /// # Errors
    /// As for [`to`](Self::to).
    pub fn hurting(callers: Ipv4Addr, broker: SocketAddr) -> io::Result<Self> {
        Self::begin(broker, Some(callers.into()))
    }

    fn begin(broker: SocketAddr, callers: Option<IpAddr>) -> io::Result<Self> {
        let listener = listener()?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (changed, changes) = watch::channel(Seen::default());
        let faults = Faults { lying: Vec::new(), next: 0, resets: 0, link: Some(changed) };
        let shared = Arc::new(Shared {
            faults: Mutex::new(faults),
            seen: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let here = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("proxy".into()).spawn(move || match callers {
                None => runtime.block_on(accept::accept(listener, broker, changes, &here)),
                Some(callers) => {
                    runtime.block_on(accept::sort(listener, broker, changes, &here, callers));
                }
            })?;
        Ok(Self { shared, address, thread: Some(thread) })
    }

    /// Where clients connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that clients have made through it.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Lays faults on the link, all at one instant.
    ///
    /// # Errors
    /// The proxy's thread does not act on it.
    pub fn suffer(&self, faults: &[LinkFault]) -> io::Result<Suffering> {
        let mut guard = Suffering { shared: Arc::clone(&self.shared), ids: Vec::new(), since: 0 };
        let change = self.shared.change(|now| {
            for fault in faults {
                now.resets += u64::from(*fault == LinkFault::Reset);
                now.lying.push((now.next, *fault));
                guard.ids.push(now.next);
                now.next += 1;
            }
        });
        self.shared.wait_for(change)?;
        guard.since = clock::now();
        Ok(guard)
    }
}

/// On a port below the kernel's own: between a refusal and its healing nobody
/// gets it for an outgoing connection.
fn listener() -> io::Result<TcpListener> {
    let port = ports::free().map_err(io::Error::other)?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

impl Shared {
    /// Changes what lies on the link and shows it; the change's number.
    fn change(&self, change: impl FnOnce(&mut Faults)) -> u64 {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut faults);
        let link = Link::under(faults.lying.iter().map(|(_, fault)| fault), faults.resets);
        let Some(sender) = &faults.link else { return 0 };
        let mut number = 0;
        sender.send_modify(|seen| {
            *seen = Seen { link, change: seen.change + 1 };
            number = seen.change;
        });
        number
    }

    fn wait_for(&self, change: u64) -> io::Result<()> {
        let deadline = Instant::now() + SEEN_WITHIN;
        while self.seen.load(Ordering::Acquire) < change {
            if Instant::now() > deadline {
                return Err(io::Error::other("the proxy does not act on its faults"));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).link = None;
        if let Some(thread) = self.thread.take() {
            // It says so itself when it panics.
            let _ = thread.join();
        }
    }
}

/// Faults that lie on a link until this is healed or dropped.
#[derive(Debug)]
#[must_use = "the faults are healed when this is dropped"]
pub struct Suffering {
    shared: Arc<Shared>,
    ids: Vec<u64>,
    since: u64,
}

impl Suffering {
    /// t_f: from when the faults lay on the link, monotonic ns.
    #[must_use]
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// Takes them away again, all at one instant: t_c, monotonic ns.
    ///
    /// # Errors
    /// The proxy does not act on it: its port was taken meanwhile, say.
    pub fn heal(mut self) -> io::Result<u64> {
        let change = self.take_away();
        self.shared.wait_for(change)?;
        Ok(clock::now())
    }

    fn take_away(&mut self) -> u64 {
        let ids = std::mem::take(&mut self.ids);
        self.shared.change(|now| now.lying.retain(|(id, _)| !ids.contains(id)))
    }
}

impl Drop for Suffering {
    fn drop(&mut self) {
        if !self.ids.is_empty() {
            self.take_away();
        }
    }
}
