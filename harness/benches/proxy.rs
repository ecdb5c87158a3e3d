//! What a road through the proxy costs: the round trip of 100 B with one in
//! flight, and small messages one after another.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use schedbench::fault::proxy::Proxy;

const MESSAGE: usize = 100;
const MESSAGES: u64 = 50_000;

/// Sends everything back as it comes.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            client.set_nodelay(true).expect("no delay");
            std::thread::spawn(move || {
                let mut bytes = vec![0; 64 << 10];
                while let Ok(read @ 1..) = client.read(&mut bytes) {
                    if client.write_all(&bytes[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn connect(to: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(to).expect("it listens");
    client.set_nodelay(true).expect("no delay");
    client
}

fn round_trip(client: &mut TcpStream, message: &mut [u8; MESSAGE]) {
    client.write_all(message).expect("it is taken");
    client.read_exact(black_box(message)).expect("it comes back");
}

/// Each message is a write of its own, on a grid of 20 µs, and all come back.
fn paced(to: SocketAddr) -> Duration {
    let mut client = connect(to);
    let mut reader = client.try_clone().expect("another handle");
    let reading = std::thread::spawn(move || {
        let mut bytes = vec![0; 64 << 10];
        let mut left = MESSAGES as usize * MESSAGE;
        while left > 0 {
            left -= reader.read(&mut bytes).expect("it comes back");
        }
    });
    let message = [7; MESSAGE];
    let began = Instant::now();
    for sent in 0..MESSAGES {
        while began.elapsed() < Duration::from_micros(20 * sent) {
            std::thread::sleep(Duration::from_micros(50));
        }
        client.write_all(&message).expect("it is taken");
    }
    reading.join().expect("all came back");
    began.elapsed()
}

fn proxy(c: &mut Criterion) {
    let echo = echo();
    let proxy = Proxy::to(echo).expect("a proxy");
    let roads = [("direct", echo), ("through the proxy", proxy.address())];

    let mut trips = c.benchmark_group("round trip of 100 B");
    for (name, road) in roads {
        let mut client = connect(road);
        let mut message = [7; MESSAGE];
        trips.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| round_trip(&mut client, &mut message));
        });
    }
    trips.finish();

    let mut flow = c.benchmark_group("50k small messages per second");
    flow.throughput(Throughput::Elements(MESSAGES)).sample_size(10);
    for (name, road) in roads {
        flow.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_custom(|times| (0..times).map(|_| paced(road)).sum());
        });
    }
    flow.finish();
}

criterion_group!(benches, proxy);
criterion_main!(benches);
