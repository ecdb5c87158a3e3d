//! Who comes in, and when nobody does.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::connection::connection;
use super::{Seen, Shared};

/// Connections that wait to be accepted: those of a whole fleet of workers.
const WAITING: u32 = 1_024;
/// Between two tries to have the port back, or after too many open files.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// Accepts until the proxy ends.
pub(super) async fn accept(
    listener: std::net::TcpListener,
    broker: SocketAddr,
    mut changes: watch::Receiver<Seen>,
    shared: &Shared,
) {
    let Ok(address) = listener.local_addr() else { return };
    let mut listener = TcpListener::from_std(listener).ok();
    loop {
        let seen = *changes.borrow_and_update();
        if seen.link.refuses {
            // Closed, a port refuses; what waited in it is reset.
            listener = None;
        } else if listener.is_none() {
            match listen(address) {
                Ok(again) => listener = Some(again),
                // Its port was taken meanwhile; a proxy that ends waits no more.
                Err(_) if changes.has_changed().is_err() => return,
                Err(_) => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                    continue;
                }
            }
        }
        shared.seen.store(seen.change, Ordering::Release);
        let open = listener.as_ref().filter(|_| seen.link.admits());
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            Some(accepted) = next(open) => match accepted {
                Ok(client) => {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(connection(client, broker, changes.clone()));
                }
                // Out of descriptors, mostly: the kernel keeps who waits.
                Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
            },
        }
    }
}

/// The same for a door with two kinds of callers, of which only those that call
/// from one address are hurt. It stays open for the others, so that one of those
/// is refused by a reset once it is in.
pub(super) async fn sort(
    listener: std::net::TcpListener,
    broker: SocketAddr,
    mut changes: watch::Receiver<Seen>,
    shared: &Shared,
    callers: IpAddr,
) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    // Nothing ever lies on these.
    let (_calm, spared) = watch::channel(Seen::default());
    loop {
        let change = changes.borrow_and_update().change;
        shared.seen.store(change, Ordering::Release);
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            accepted = listener.accept() => match accepted {
                Ok((client, from)) => {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    if from.ip() == callers {
                        tokio::spawn(once_admitted(client, broker, changes.clone()));
                    } else {
                        tokio::spawn(connection(client, broker, spared.clone()));
                    }
                }
                Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
            },
        }
    }
}

async fn once_admitted(client: TcpStream, broker: SocketAddr, mut changes: watch::Receiver<Seen>) {
    loop {
        let link = changes.borrow_and_update().link;
        if link.refuses {
            let _ = client.set_zero_linger();
            return;
        }
        if link.admits() {
            return connection(client, broker, changes).await;
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> Option<io::Result<TcpStream>> {
    match listener {
        Some(listener) => Some(listener.accept().await.map(|(client, _)| client)),
        None => std::future::pending().await,
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}
