//! A client's connection and the one to the broker behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use schedbench_contract::seeded;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Seen;
use super::carry::{Carrier, End};

/// Carries both ways until both have ended, one was lost, or it is reset.
pub(super) async fn connection(
    client: TcpStream,
    broker: SocketAddr,
    mut changes: watch::Receiver<Seen>,
) {
    let resets = changes.borrow().link.resets;
    let Ok(upstream) = TcpStream::connect(broker).await else {
        // Nobody there: a client sees the reset that the broker's host sends.
        let _ = client.set_zero_linger();
        return;
    };
    // What a client writes at once is to arrive at once.
    for stream in [&client, &upstream] {
        let _ = stream.set_nodelay(true);
    }
    let (client, upstream) = (Arc::new(client), Arc::new(upstream));
    // Of the client's port, so that each connection has its own jitter.
    let port = client.peer_addr().map_or(0, |address| u64::from(address.port()));
    let seed = seeded::purpose(port, 0);
    let ways = [
        Carrier::new(&client, &upstream, changes.clone(), |link| link.to_broker, seed),
        Carrier::new(
            &upstream,
            &client,
            changes.clone(),
            |link| link.from_broker,
            seeded::mix(seed),
        ),
    ];
    let mut carrying: JoinSet<End> = ways.into_iter().map(Carrier::carry).collect();
    let is_reset = loop {
        tokio::select! {
            biased;
            changed = changes.changed() => {
                if changed.is_err() || changes.borrow_and_update().link.resets != resets {
                    break true;
                }
            }
            ended = carrying.join_next() => match ended {
                None => break false,
                Some(Ok(End::Closed)) => {}
                Some(Ok(End::Lost) | Err(_)) => break true,
            },
        }
    };
    if is_reset {
        for stream in [&client, &upstream] {
            let _ = stream.set_zero_linger();
        }
        // Awaited, so that both sockets close here and now.
        carrying.shutdown().await;
    }
}
