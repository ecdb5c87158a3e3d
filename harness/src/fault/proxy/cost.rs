//! What a road through the proxy costs, measured: a run that hurts links has
//! it in all its figures, so it stands beside them.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use hdrhistogram::Histogram;
use schedbench_adapters::clock;
use schedbench_reports::outcome::ProxyCost;

use super::Proxy;

/// Bytes of a message: a task with a small body.
const MESSAGE: usize = 100;
/// Trips on one road before the other's turn: short beside what disturbs a
/// machine, so that it falls on both roads alike.
const ROUND: usize = 50;
/// Rounds of each road. 5,000 trips take about 0.2 s.
const ROUNDS: usize = 100;
/// A trip that takes longer has gone wrong.
const PATIENCE: Duration = Duration::from_secs(5);

/// Measures round trips of 100 B, one in flight, to an echo on the loopback
/// interface: straight and through a proxy, in turns.
///
/// # Errors
/// There is no port or no thread, or a message does not come back.
pub fn cost() -> io::Result<ProxyCost> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let proxy = Proxy::to(listener.local_addr()?)?;
    of(&listener, &proxy, ROUNDS)
}

/// That of a proxy to a listener that nobody serves yet, in so many rounds.
fn of(listener: &TcpListener, proxy: &Proxy, rounds: usize) -> io::Result<ProxyCost> {
    let echo = listener.local_addr()?;
    std::thread::scope(|scope| {
        // Both connections are made before any is served, so that the thread
        // ends with them, whatever fails.
        let straight = connect(echo)?;
        let through = connect(proxy.address())?;
        let mut served = Vec::with_capacity(2);
        for _ in 0..2 {
            served.push(listener.accept()?.0);
        }
        for client in served {
            scope.spawn(move || send_back(client));
        }
        let mut roads = [(straight, times()), (through, times())];
        for round in 0..=rounds {
            for (road, took) in &mut roads {
                for _ in 0..ROUND {
                    let ns = trip(road)?;
                    // The first round is warm-up.
                    if round > 0 {
                        took.saturating_record(ns);
                    }
                }
            }
        }
        let [(_, straight), (_, through)] = &roads;
        let seconds = |took: &Histogram<u64>, q| took.value_at_quantile(q) as f64 / 1e9;
        Ok(ProxyCost {
            trips: straight.len(),
            straight_p50_s: seconds(straight, 0.5),
            straight_p99_s: seconds(straight, 0.99),
            through_p50_s: seconds(through, 0.5),
            through_p99_s: seconds(through, 0.99),
        })
    })
}

/// 1 ns to [`PATIENCE`], in two digits.
fn times() -> Histogram<u64> {
    Histogram::new_with_max(PATIENCE.as_nanos() as u64, 2).expect("constant bounds")
}

fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let client = TcpStream::connect_timeout(&to, PATIENCE)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(PATIENCE))?;
    Ok(client)
}

fn trip(road: &mut TcpStream) -> io::Result<u64> {
    let mut message = [7; MESSAGE];
    let began = clock::now();
    road.write_all(&message)?;
    road.read_exact(&mut message)?;
    Ok(clock::now() - began)
}

/// Until the other end closes.
fn send_back(mut client: TcpStream) {
    let mut bytes = [0; 4 * MESSAGE];
    let _ = client.set_nodelay(true);
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        if client.write_all(&bytes[..read]).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::link::{LinkFault, Side};

    #[test]
    fn each_road_is_measured_as_often() {
        let cost = cost().expect("it is measured");
        assert_eq!(cost.trips, (ROUND * ROUNDS) as u64);
        assert!(cost.straight_p50_s > 0.0 && cost.through_p50_s > 0.0, "{cost:?}");
    }

    /// Which of two short roads is longer is chance on a busy machine; which
    /// of them a proxy makes 10 ms longer is not.
    #[test]
    fn what_a_proxy_does_is_in_the_one_road_and_not_in_the_other() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let proxy = Proxy::to(listener.local_addr().expect("bound")).expect("a proxy");
        let base = Duration::from_millis(10);
        let slow = LinkFault::Delay { side: Side::Both, base, jitter: Duration::ZERO };
        let _slow = proxy.suffer(&[slow]).expect("it is slow");
        let cost = of(&listener, &proxy, 1).expect("it is measured");
        assert_eq!(cost.trips, ROUND as u64);
        // On both ways, and every trip.
        assert!(cost.through_p50_s >= 0.0195, "{cost:?}");
        assert!(cost.straight_p50_s < 0.010, "{cost:?}");
    }
}
