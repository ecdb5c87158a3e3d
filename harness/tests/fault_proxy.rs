//! The proxy's positive controls: each fault does what it says, to bytes of a
//! real connection, and is over when it is healed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::num::{NonZeroU64, NonZeroUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType};
use schedbench::fault::proxy::Proxy;
use schedbench::fault::{LinkFault, Side};

const MS: Duration = Duration::from_millis(1);
/// Nothing here takes as long; more is a hang.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long silence is listened to before it counts.
const SILENCE: Duration = Duration::from_millis(200);

/// Sends back what it gets, and tells what that was.
struct Echo {
    address: SocketAddr,
    heard: Receiver<Vec<u8>>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("it has an address");
        let (tell, heard) = channel();
        // Ends with the test's process; each of its clients ends its thread.
        std::thread::spawn(move || {
            while let Ok((mut client, _)) = listener.accept() {
                let tell = tell.clone();
                std::thread::spawn(move || {
                    let mut bytes = vec![0; 64 << 10];
                    while let Ok(read @ 1..) = client.read(&mut bytes) {
                        let _ = tell.send(bytes[..read].to_vec());
                        if client.write_all(&bytes[..read]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    /// How many bytes arrive until nothing more does.
    /// So many bytes, and whatever follows them until it is silent.
    fn heard_from(&self, least: usize) -> usize {
        let mut heard = 0;
        while heard < least {
            heard += self.heard.recv_timeout(DEADLINE).expect("they arrive").len();
        }
        heard + self.heard_until_silence()
    }

    fn heard_until_silence(&self) -> usize {
        std::iter::from_fn(|| self.heard.recv_timeout(SILENCE).ok()).map(|bytes| bytes.len()).sum()
    }
}

fn connect(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).expect("it listens");
    client.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    client.set_write_timeout(Some(DEADLINE)).expect("a deadline");
    client.set_nodelay(true).expect("no delay");
    client
}

/// Sends a word and waits for it to come back.
fn ask(client: &mut TcpStream, word: &[u8]) -> io::Result<Vec<u8>> {
    client.write_all(word)?;
    let mut answer = vec![0; word.len()];
    client.read_exact(&mut answer)?;
    Ok(answer)
}

/// A connection that has been used: both sides of the proxy have it.
fn used(proxy: &Proxy) -> TcpStream {
    let mut client = connect(proxy);
    assert_eq!(ask(&mut client, b"hello").expect("it answers"), b"hello");
    client
}

fn hears_nothing(client: &mut TcpStream) {
    client.set_read_timeout(Some(SILENCE)).expect("a deadline");
    let heard = client.read(&mut [0; 1]);
    let kind = heard.map_err(|error| error.kind());
    assert!(matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{kind:?}");
    client.set_read_timeout(Some(DEADLINE)).expect("a deadline");
}

fn is_reset(client: &mut TcpStream) {
    let heard = client.read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(heard, Err(ErrorKind::ConnectionReset));
}

fn stage() -> (Echo, Proxy) {
    let echo = Echo::start();
    let proxy = Proxy::to(echo.address).expect("a proxy");
    (echo, proxy)
}

/// Sends so many bytes through an echo and compares what comes back.
fn survives(proxy: &Proxy, bytes: usize) -> Duration {
    let client = connect(proxy);
    let sent: Vec<u8> = (0..bytes).map(|at| (at * 31 % 251) as u8).collect();
    let mut writer = client.try_clone().expect("another handle");
    let copy = sent.clone();
    let began = Instant::now();
    let writing = std::thread::spawn(move || {
        writer.write_all(&copy).expect("it is taken");
        writer.shutdown(Shutdown::Write).expect("it is closed");
    });
    let mut heard = Vec::new();
    (&client).take(bytes as u64 + 1).read_to_end(&mut heard).expect("it is echoed");
    let took = began.elapsed();
    writing.join().expect("it wrote");
    assert!(heard == sent, "{} of {bytes} bytes came back, or others", heard.len());
    took
}

#[test]
fn without_a_fault_every_byte_and_the_end_arrive() {
    let (_echo, proxy) = stage();
    survives(&proxy, 16 << 20);
    survives(&proxy, 1);
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn what_is_stalled_arrives_when_it_is_healed() {
    let (echo, proxy) = stage();
    let mut client = used(&proxy);
    let stalled = proxy.suffer(&[LinkFault::Stall(Side::Both)]).expect("it stalls");
    client.write_all(b"later").expect("the kernel takes it");
    let mut newcomer = connect(&proxy);
    newcomer.write_all(b"new").expect("the kernel takes it");
    hears_nothing(&mut client);
    hears_nothing(&mut newcomer);
    assert_eq!(echo.heard_until_silence(), 5, "only the greeting");
    let since = stalled.since();
    assert!(stalled.heal().expect("it heals") - since >= SILENCE.as_nanos() as u64);
    let mut answer = [0; 5];
    client.read_exact(&mut answer).expect("it arrives");
    assert_eq!(&answer, b"later");
    newcomer.read_exact(&mut answer[..3]).expect("it arrives");
    assert_eq!(&answer[..3], b"new");
}

#[test]
fn a_connection_with_a_hole_is_reset_and_one_without_goes_on() {
    let (echo, proxy) = stage();
    let (mut speaks, mut idle) = (used(&proxy), used(&proxy));
    let lost = proxy.suffer(&[LinkFault::BlackHole(Side::Both)]).expect("it swallows");
    speaks.write_all(b"nobody hears this").expect("the kernel takes it");
    hears_nothing(&mut speaks);
    assert_eq!(echo.heard_until_silence(), 10, "only the greetings");
    lost.heal().expect("it heals");
    is_reset(&mut speaks);
    assert_eq!(ask(&mut idle, b"still here").expect("it lives"), b"still here");
    assert_eq!(ask(&mut used(&proxy), b"again").expect("it is served"), b"again");
}

#[test]
fn half_open_loses_one_way_only() {
    let (echo, proxy) = stage();
    let mut client = used(&proxy);
    let lost = proxy.suffer(&[LinkFault::BlackHole(Side::FromBroker)]).expect("it swallows");
    client.write_all(b"heard").expect("the kernel takes it");
    hears_nothing(&mut client);
    assert_eq!(echo.heard_until_silence(), 10, "the greeting and the word");
    lost.heal().expect("it heals");
    is_reset(&mut client);
}

#[test]
fn nobody_learns_in_a_black_hole_that_the_broker_has_died() {
    let broker = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let proxy = Proxy::to(broker.local_addr().expect("it has an address")).expect("a proxy");
    let mut client = connect(&proxy);
    let (served, _) = broker.accept().expect("the proxy connects");
    let lost = proxy.suffer(&[LinkFault::BlackHole(Side::Both)]).expect("it swallows");
    drop((served, broker));
    hears_nothing(&mut client);
    lost.heal().expect("it heals");
    is_reset(&mut client);
}

#[test]
fn a_reset_reaches_idle_connections_and_no_later_ones() {
    let (_echo, proxy) = stage();
    let (mut one, mut other) = (used(&proxy), used(&proxy));
    let reset = proxy.suffer(&[LinkFault::Reset]).expect("it resets");
    is_reset(&mut one);
    is_reset(&mut other);
    let mut later = used(&proxy);
    reset.heal().expect("it heals");
    assert_eq!(ask(&mut later, b"on").expect("it lives"), b"on");
}

#[test]
fn a_refusal_is_for_new_connections() {
    let (_echo, proxy) = stage();
    let mut client = used(&proxy);
    let refused = proxy.suffer(&[LinkFault::Refuse]).expect("it refuses");
    let newcomer = TcpStream::connect(proxy.address()).map_err(|error| error.kind());
    assert_eq!(newcomer.map(drop), Err(ErrorKind::ConnectionRefused));
    assert_eq!(ask(&mut client, b"old").expect("it lives"), b"old");
    refused.heal().expect("it heals");
    used(&proxy);
}

#[test]
fn a_delay_falls_on_each_way_from_the_first_byte_on() {
    let (_echo, proxy) = stage();
    let mut client = used(&proxy);
    let both = LinkFault::Delay { side: Side::Both, base: 40 * MS, jitter: Duration::ZERO };
    let one = LinkFault::Delay { side: Side::ToBroker, base: 20 * MS, jitter: Duration::ZERO };
    let late = proxy.suffer(&[both, one]).expect("it delays");
    let began = Instant::now();
    assert_eq!(ask(&mut client, b"slow").expect("it answers"), b"slow");
    assert!(began.elapsed() >= 100 * MS, "{:?}", began.elapsed());
    late.heal().expect("it heals");
    assert_eq!(ask(&mut client, b"quick").expect("it answers"), b"quick");
}

#[test]
fn a_delay_is_no_limit_and_jitter_overtakes_nobody() {
    let (_echo, proxy) = stage();
    let fault = LinkFault::Delay { side: Side::Both, base: 50 * MS, jitter: 50 * MS };
    let late = proxy.suffer(&[fault]).expect("it delays");
    // 16 MiB are 256 chunks: one at a time they would take 25 s.
    let took = survives(&proxy, 16 << 20);
    assert!((100 * MS..DEADLINE / 2).contains(&took), "{took:?}");
    late.heal().expect("it heals");
}

#[test]
fn a_delay_that_ends_under_way_loses_nothing() {
    let (_echo, proxy) = stage();
    let mut client = used(&proxy);
    let fault = LinkFault::Delay { side: Side::Both, base: 100 * MS, jitter: Duration::ZERO };
    let late = proxy.suffer(&[fault]).expect("it delays");
    client.write_all(b"first ").expect("the kernel takes it");
    late.heal().expect("it heals");
    client.write_all(b"second").expect("the kernel takes it");
    let mut answer = [0; 12];
    client.read_exact(&mut answer).expect("both arrive");
    assert_eq!(&answer, b"first second");
}

#[test]
fn bandwidth_is_what_it_says() {
    let (_echo, proxy) = stage();
    let per_second = NonZeroU64::new(1 << 20).expect("not 0");
    let fault = LinkFault::Bandwidth { side: Side::ToBroker, per_second };
    let narrow = proxy.suffer(&[fault]).expect("it narrows");
    let took = survives(&proxy, 512 << 10);
    assert!(took >= 480 * MS, "{took:?}");
    narrow.heal().expect("it heals");
}

#[test]
fn slices_arrive_one_by_one() {
    let (echo, proxy) = stage();
    let bytes = NonZeroUsize::new(10).expect("not 0");
    let fault = LinkFault::Slice { side: Side::ToBroker, bytes };
    let sliced = proxy.suffer(&[fault]).expect("it slices");
    survives(&proxy, 4_000);
    let pieces: Vec<Vec<u8>> = echo.heard.try_iter().collect();
    // 400, 1 ms apart, of which a busy server may find many at once.
    assert!(pieces.len() >= 10, "{} pieces", pieces.len());
    sliced.heal().expect("it heals");
}

#[test]
fn a_connection_is_cut_after_exactly_so_many_bytes() {
    let (echo, proxy) = stage();
    let mut client = used(&proxy);
    let fault = LinkFault::CutAfter { side: Side::ToBroker, bytes: 7 };
    let cut = proxy.suffer(&[fault]).expect("it cuts");
    client.write_all(b"1234567890").expect("the kernel takes it");
    assert_eq!(echo.heard_from(5 + 7), 5 + 7);
    // What was echoed before the cut may be read before it.
    let end = client.read_to_end(&mut Vec::new()).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    cut.heal().expect("it heals");
    used(&proxy);
}

/// Whence those call who are hurt at a door that others use too.
const NODES: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A connection from one of them.
fn connect_from_a_node(proxy: &Proxy) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
    let socket = socket.expect("a socket");
    rustix::net::bind(&socket, &SocketAddr::from((NODES, 0))).expect("an address of loopback");
    rustix::net::connect(&socket, &proxy.address()).expect("it listens");
    let node = TcpStream::from(socket);
    node.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    node
}

#[test]
fn a_door_for_two_hurts_those_who_are_meant() {
    let echo = Echo::start();
    let proxy = Proxy::hurting(NODES, echo.address).expect("a proxy");
    let mut client = used(&proxy);
    let enter = || {
        let mut node = connect_from_a_node(&proxy);
        assert_eq!(ask(&mut node, b"hello").expect("it answers"), b"hello");
        node
    };
    let spared = |client: &mut TcpStream| {
        assert_eq!(ask(client, b"more").expect("it answers"), b"more");
        drop(used(&proxy));
    };
    let (mut node, mut idle) = (enter(), enter());
    let lying = proxy.suffer(&[LinkFault::BlackHole(Side::Both)]).expect("it is cut");
    node.write_all(b"lost").expect("the kernel takes it");
    let mut newcomer = connect_from_a_node(&proxy);
    newcomer.write_all(b"new").expect("the kernel takes it");
    hears_nothing(&mut node);
    hears_nothing(&mut newcomer);
    spared(&mut client);
    lying.heal().expect("it heals");
    is_reset(&mut node);
    assert_eq!(ask(&mut idle, b"on").expect("it goes on"), b"on");
    newcomer.read_exact(&mut [0; 3]).expect("it is let in");

    let lying = proxy.suffer(&[LinkFault::Refuse, LinkFault::Reset]).expect("it refuses");
    is_reset(&mut idle);
    is_reset(&mut connect_from_a_node(&proxy));
    spared(&mut client);
    lying.heal().expect("it heals");
    drop(enter());
    spared(&mut client);
}

#[test]
fn a_fault_ends_with_its_guard_and_no_other() {
    let (_echo, proxy) = stage();
    let mut client = used(&proxy);
    let first = proxy.suffer(&[LinkFault::Stall(Side::Both)]).expect("it stalls");
    let second = proxy.suffer(&[LinkFault::Stall(Side::ToBroker)]).expect("it stalls");
    drop(first);
    client.write_all(b"held").expect("the kernel takes it");
    hears_nothing(&mut client);
    drop(second);
    let mut answer = [0; 4];
    client.read_exact(&mut answer).expect("it arrives");
    assert_eq!(&answer, b"held");
}

#[test]
fn a_panic_heals_what_it_had_hurt() {
    let (_echo, proxy) = stage();
    let mut client = used(&proxy);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let faults = [LinkFault::Stall(Side::Both), LinkFault::Refuse];
        let _hurt = proxy.suffer(&faults).expect("it stalls");
        client.write_all(b"held").expect("the kernel takes it");
        hears_nothing(&mut client);
        panic!("a planted panic");
    }));
    let words = panicked.expect_err("it panicked");
    assert_eq!(words.downcast_ref(), Some(&"a planted panic"), "and nothing before it");
    let mut answer = [0; 4];
    client.read_exact(&mut answer).expect("it arrives");
    assert_eq!(&answer, b"held");
    wait_until_it_listens(&proxy);
}

/// Who is dropped does not wait until the proxy has acted on it.
fn wait_until_it_listens(proxy: &Proxy) {
    let deadline = Instant::now() + DEADLINE;
    while let Err(error) = TcpStream::connect(proxy.address()) {
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(Instant::now() < deadline, "it still refuses");
        std::thread::sleep(MS);
    }
    used(proxy);
}

#[test]
fn without_a_broker_a_connection_is_reset() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = nobody.local_addr().expect("it has an address");
    drop(nobody);
    let proxy = Proxy::to(address).expect("a proxy");
    is_reset(&mut connect(&proxy));
}

#[test]
fn a_proxy_that_is_dropped_leaves_no_port_and_no_connection() {
    let (_echo, proxy) = stage();
    let mut client = used(&proxy);
    let address = proxy.address();
    let stalled = proxy.suffer(&[LinkFault::Stall(Side::Both)]).expect("it stalls");
    drop(proxy);
    let end = client.read(&mut [0; 1]).map_err(|error| error.kind());
    assert!(matches!(end, Ok(0) | Err(ErrorKind::ConnectionReset)), "{end:?}");
    TcpListener::bind(address).expect("its port is free");
    // Healing what is gone is no error.
    drop(stalled);
}
