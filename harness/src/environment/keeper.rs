//! The one thread that spawns every child.
//!
//! Linux ties the parent-death signal to the *thread* that forked, so children
//! are started by a thread that lives as long as the process. Nothing else in
//! the harness starts a process that is meant to stay.

mod spawn;
mod spec;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use spawn::{reserve_events_fd, spawn_inside};
pub(crate) use spec::this_program;
pub use spec::{Spec, User};

use crate::environment::{Child, Error, Network, Result, Watchdog};

struct Request {
    spec: Spec,
    network: Option<Arc<Network>>,
    answer: Sender<Result<Child>>,
}

/// The keeper of all children; dropping it ends them.
#[derive(Debug)]
pub struct Keeper {
    spawner: Spawner,
    thread: Option<JoinHandle<()>>,
    /// Where servers get networks of their own: who removes them if need be.
    networks: Option<Watchdog>,
}

/// Who asks the keeper to start something; useless once the keeper is dropped.
#[derive(Clone, Debug)]
pub struct Spawner {
    /// `None` once the keeper is dropped, so that its thread can end.
    requests: Arc<Mutex<Option<Sender<Request>>>>,
    children: Arc<Mutex<Vec<Child>>>,
    stop: Arc<AtomicBool>,
    network: Arc<Mutex<Option<Arc<Network>>>>,
}

impl Keeper {
    /// Starts the thread. `watchdog` is told of every child.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(watchdog: Option<Watchdog>) -> Result<Self> {
        let (requests, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || keep(&inbox, watchdog.as_ref()))
            .map_err(Error::io("starting the keeper's thread"))?;
        let requests = Arc::new(Mutex::new(Some(requests)));
        let (children, stop, network) = Default::default();
        Ok(Self {
            spawner: Spawner { requests, children, stop, network },
            thread: Some(thread),
            networks: None,
        })
    }

    /// The same keeper, which from now on looks at that flag: once it is set,
    /// nobody waits any longer for a broker that is still starting.
    #[must_use]
    pub fn heeding(mut self, stop: Arc<AtomicBool>) -> Self {
        self.spawner.stop = stop;
        self
    }

    /// The same keeper, which gives servers networks of their own from now on.
    #[must_use]
    pub fn with_networks(mut self, watchdog: Watchdog) -> Self {
        self.networks = Some(watchdog);
        self
    }

    /// Whether servers get networks of their own.
    #[must_use]
    pub const fn has_networks(&self) -> bool {
        self.networks.is_some()
    }

    /// A new network for the servers that are started next, where they get one:
    /// one for each of `nodes` that can be cut off from each other, or 1 for all.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new_network(&self, nodes: usize) -> Result<()> {
        let new = self.networks.clone().map(|watchdog| Network::lay(nodes, Some(watchdog)));
        self.spawner.lay(new.transpose()?.map(Arc::new));
        Ok(())
    }

    /// To start children with from elsewhere.
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Starts a process: in a group of its own, killed when the harness dies.
    ///
    /// # Errors
    /// The program is not there or cannot be started.
    pub fn spawn(&self, spec: Spec) -> Result<Child> {
        self.spawner.spawn(spec)
    }
}

impl Spawner {
    /// Whether the run is being stopped, and no broker is waited for any more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Has servers that are started from now on in this network, or in the
    /// harness's own for `None`.
    pub fn lay(&self, network: Option<Arc<Network>>) {
        *self.network.lock().unwrap_or_else(PoisonError::into_inner) = network;
    }

    /// The network that servers are started in, if it is not the harness's own.
    #[must_use]
    pub fn network(&self) -> Option<Arc<Network>> {
        self.network.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where a server that is started now shall listen.
    #[must_use]
    pub fn host(&self) -> String {
        let network = self.network();
        network.map_or(Ipv4Addr::LOCALHOST, |network| network.address(0)).to_string()
    }

    /// Starts a process: in a group of its own, killed when the harness dies.
    ///
    /// # Errors
    /// The program is not there or cannot be started, or the keeper is dropped.
    pub fn spawn(&self, spec: Spec) -> Result<Child> {
        let gone = || Error::Unfit("the keeper of all children has ended".into());
        // Held until the child is noted: a keeper that is dropped meanwhile
        // waits, and then ends this child too.
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, answered) = channel();
        let network = self.network().filter(|_| spec.serves);
        requests
            .as_ref()
            .ok_or_else(gone)?
            .send(Request { spec, network, answer })
            .map_err(|_| gone())?;
        let child = answered.recv().map_err(|_| gone())??;
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain(|child| child.ended().is_none());
        children.push(child.clone());
        Ok(child)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.spawner.requests.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut children = self.spawner.children.lock().unwrap_or_else(PoisonError::into_inner);
        for child in children.drain(..) {
            if child.ended().is_none() {
                child.kill();
            }
        }
        drop(children);
        // Nobody is in it any more.
        self.spawner.lay(None);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(inbox: &Receiver<Request>, watchdog: Option<&Watchdog>) {
    let mut reserved = None;
    for Request { spec, network, answer } in inbox {
        if reserved.is_none() {
            reserved = reserve_events_fd();
        }
        // The asker may have given up; the child then ends with the keeper.
        let _ = answer.send(spawn_inside(network.as_deref(), spec, watchdog));
    }
}
