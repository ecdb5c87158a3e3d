//! Who comes in, and when nobody does.

use std::io;
use std::net::SocketAddr;
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
