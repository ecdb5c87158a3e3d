//! As much AMQP 0-9-1 as it takes to sign in, to ask who the server is, and to
//! try and delete queues. The frames are those of the specification, version
//! 0-9-1.
//!
//! In the modules: what is tried with a queue, and what the systems on RabbitMQ
//! share of their client, lapin.

#[cfg(any(feature = "celery", feature = "rabbitmq"))]
pub(crate) mod link;
#[cfg(any(feature = "celery", feature = "rabbitmq"))]
pub(crate) mod publisher;
#[cfg(any(feature = "celery", feature = "rabbitmq"))]
pub(crate) mod questions;
mod queue;
#[cfg(any(feature = "celery", feature = "rabbitmq"))]
pub(crate) mod road;

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use schedbench_contract::Address;

use crate::tls::Stream;

const METHOD: u8 = 1;
const FRAME_END: u8 = 0xCE;
/// What we take in one frame; a server's greeting has about 500 bytes.
const LARGEST_FRAME: u32 = 128 * 1024;

// Class and method numbers.
const START: (u16, u16) = (10, 10);
const START_OK: (u16, u16) = (10, 11);
const TUNE: (u16, u16) = (10, 30);
const TUNE_OK: (u16, u16) = (10, 31);
const OPEN: (u16, u16) = (10, 40);
const OPEN_OK: (u16, u16) = (10, 41);
const CLOSE: (u16, u16) = (10, 50);
const CLOSE_OK: (u16, u16) = (10, 51);
const CHANNEL_OPEN: (u16, u16) = (20, 10);
const CHANNEL_OPEN_OK: (u16, u16) = (20, 11);
const CHANNEL_CLOSE: (u16, u16) = (20, 40);
/// Who a server says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// `RabbitMQ`, if it is one.
    pub product: String,
    /// As in `3.10.8`.
    pub version: String,
    /// Largest frame that it takes, bytes.
    pub frame_max: u32,
    /// Seconds between the heartbeats that it proposes.
    pub heartbeat: u16,
}

/// A connection that is signed in, with one channel open.
#[derive(Debug)]
pub struct Amqp {
    stream: Stream,
    deadline: Instant,
    server: Server,
}

impl Amqp {
    /// Connects, signs in and opens a channel: a server that answers all of it
    /// takes messages.
    ///
    /// # Errors
    /// Nobody answers by the deadline, or it refuses (`PermissionDenied` with
    /// its words when it is the user, the password or the virtual host).
    pub fn sign_in(address: &Address, deadline: Instant) -> Result<Self> {
        let stream = connect(address, deadline)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(left(deadline)?))?;
        stream.set_write_timeout(Some(left(deadline)?))?;
        let stream = Stream::over(stream, &address.host, address.tls)?;
        let mut amqp = Self { stream, deadline, server: Server::default() };
        amqp.stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        let greeting = amqp.expect(0, START)?;
        amqp.server = read_greeting(&greeting).ok_or_else(nonsense)?;

        let user = address.user.as_deref().unwrap_or("guest");
        let password = address.password.as_ref().map_or("guest", |secret| secret.0.as_str());
        let mut start_ok = Vec::new();
        // With this capability a refusal comes with its reason; without it the
        // server just hangs up.
        let mut capability = Vec::new();
        short_text(&mut capability, "authentication_failure_close");
        capability.extend_from_slice(b"t\x01");
        let mut properties = Vec::new();
        short_text(&mut properties, "capabilities");
        properties.push(b'F');
        long_bytes(&mut properties, &capability);
        long_bytes(&mut start_ok, &properties);
        short_text(&mut start_ok, "PLAIN");
        long_bytes(&mut start_ok, format!("\0{user}\0{password}").as_bytes());
        short_text(&mut start_ok, "en_US");
        amqp.send(0, START_OK, &start_ok)?;

        let tune = amqp.expect(0, TUNE)?;
        let words = tune.get(..8).ok_or_else(nonsense)?;
        amqp.server.frame_max = u32::from_be_bytes([words[2], words[3], words[4], words[5]]);
        amqp.server.heartbeat = u16::from_be_bytes([words[6], words[7]]);
        let mut tune_ok = tune.get(..6).ok_or_else(nonsense)?.to_vec();
        // No heartbeats: this connection is short.
        tune_ok.extend_from_slice(&[0, 0]);
        amqp.send(0, TUNE_OK, &tune_ok)?;
        let mut open = Vec::new();
        short_text(&mut open, address.database.as_deref().unwrap_or("/"));
        open.extend_from_slice(&[0, 0]);
        amqp.send(0, OPEN, &open)?;
        amqp.expect(0, OPEN_OK)?;
        amqp.send(1, CHANNEL_OPEN, &[0])?;
        amqp.expect(1, CHANNEL_OPEN_OK)?;
        Ok(amqp)
    }

    /// Who the server says it is.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Says goodbye, so that the server does not log a broken connection.
    ///
    /// # Errors
    /// The connection broke.
    pub fn close(mut self) -> Result<()> {
        self.send(0, CLOSE, &[0, 200, 0, 0, 0, 0, 0])?;
        self.expect(0, CLOSE_OK).map(drop)
    }

    fn send(&mut self, channel: u16, (class, method): (u16, u16), arguments: &[u8]) -> Result<()> {
        let mut payload = Vec::with_capacity(4 + arguments.len());
        payload.extend_from_slice(&class.to_be_bytes());
        payload.extend_from_slice(&method.to_be_bytes());
        payload.extend_from_slice(arguments);
        self.send_frame(METHOD, channel, &payload)
    }

    fn send_frame(&mut self, kind: u8, channel: u16, payload: &[u8]) -> Result<()> {
        let size = u32::try_from(payload.len()).map_err(|_| nonsense())?;
        let mut frame = vec![kind];
        frame.extend_from_slice(&channel.to_be_bytes());
        frame.extend_from_slice(&size.to_be_bytes());
        frame.extend_from_slice(payload);
        frame.push(FRAME_END);
        self.stream.socket().set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write_all(&frame)?;
        self.stream.flush()
    }

    /// Reads until that method comes on that channel; its arguments.
    fn expect(&mut self, channel: u16, wanted: (u16, u16)) -> Result<Vec<u8>> {
        self.expect_one(channel, &[wanted]).map(|(_, arguments)| arguments)
    }

    /// Reads until one of these methods comes on that channel: which, and its
    /// arguments.
    fn expect_one(&mut self, channel: u16, wanted: &[(u16, u16)]) -> Result<((u16, u16), Vec<u8>)> {
        loop {
            let (kind, on, payload) = self.frame()?;
            let (Some(head), Some(arguments)) = (payload.get(..4), payload.get(4..)) else {
                continue;
            };
            let method =
                (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
            match method {
                _ if kind != METHOD => {}
                CLOSE | CHANNEL_CLOSE => return Err(refusal(arguments)),
                method if wanted.contains(&method) && on == channel => {
                    return Ok((method, arguments.to_vec()));
                }
                _ => {}
            }
        }
    }

    fn frame(&mut self) -> Result<(u8, u16, Vec<u8>)> {
        let mut head = [0; 7];
        self.read(&mut head)?;
        // A server of another protocol version answers with its own header.
        if head.starts_with(b"AMQP")
            || u32::from_be_bytes([head[3], head[4], head[5], head[6]]) > LARGEST_FRAME
        {
            return Err(nonsense());
        }
        let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        let mut payload = vec![0; size + 1];
        self.read(&mut payload)?;
        match payload.pop() {
            Some(FRAME_END) => Ok((head[0], u16::from_be_bytes([head[1], head[2]]), payload)),
            _ => Err(nonsense()),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            self.stream.socket().set_read_timeout(Some(left(self.deadline)?))?;
            match self.stream.read(&mut bytes[filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(ErrorKind::TimedOut.into());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn connect(address: &Address, deadline: Instant) -> Result<TcpStream> {
    let mut last = Error::from(ErrorKind::AddrNotAvailable);
    for at in (address.host.as_str(), address.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&at, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn left(deadline: Instant) -> Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn nonsense() -> Error {
    Error::new(ErrorKind::InvalidData, "it does not speak AMQP 0-9-1")
}

/// The reply code and text of a `close`.
fn refusal(arguments: &[u8]) -> Error {
    const ACCESS_REFUSED: u16 = 403;
    const NOT_ALLOWED: u16 = 530;
    let parsed = || {
        let code = u16::from_be_bytes([*arguments.first()?, *arguments.get(1)?]);
        let length = usize::from(*arguments.get(2)?);
        Some((code, String::from_utf8_lossy(arguments.get(3..3 + length)?).into_owned()))
    };
    match parsed() {
        Some((ACCESS_REFUSED | NOT_ALLOWED, text)) => Error::new(ErrorKind::PermissionDenied, text),
        Some((code, text)) => Error::other(format!("{code} {text}")),
        None => nonsense(),
    }
}

fn short_text(to: &mut Vec<u8>, text: &str) {
    // Longer ones cannot be said in AMQP; the server then refuses what is left.
    let bytes = &text.as_bytes()[..text.len().min(255)];
    to.push(bytes.len() as u8);
    to.extend_from_slice(bytes);
}

fn long_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    to.extend_from_slice(bytes);
}

/// Product and version of a `connection.start`.
fn read_greeting(arguments: &[u8]) -> Option<Server> {
    let table = arguments.get(2..)?;
    let length = u32::from_be_bytes(*table.first_chunk()?) as usize;
    let mut rest = table.get(4..4 + length)?;
    let mut server = Server::default();
    while let Some((&length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(length))?;
        let (&kind, value) = after.split_first()?;
        let (size, skipped) = match kind {
            b'V' => (0, 0),
            b't' | b'b' | b'B' => (1, 0),
            b's' | b'u' => (2, 0),
            b'I' | b'i' | b'f' => (4, 0),
            b'D' => (5, 0),
            b'l' | b'd' | b'T' => (8, 0),
            b'S' | b'x' | b'A' | b'F' => (u32::from_be_bytes(*value.first_chunk()?) as usize, 4),
            _ => return None,
        };
        let content = value.get(skipped..skipped + size)?;
        let text = || String::from_utf8_lossy(content).into_owned();
        match (name, kind) {
            (b"product", b'S') => server.product = text(),
            (b"version", b'S') => server.version = text(),
            _ => {}
        }
        rest = value.get(skipped + size..)?;
    }
    Some(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_past_fields_of_every_kind() {
        let mut table = Vec::new();
        short_text(&mut table, "capabilities");
        table.push(b'F');
        long_bytes(&mut table, b"\x01at\x01");
        short_text(&mut table, "product");
        table.push(b'S');
        long_bytes(&mut table, b"RabbitMQ");
        short_text(&mut table, "nothing");
        table.push(b'V');
        short_text(&mut table, "version");
        table.push(b'S');
        long_bytes(&mut table, b"3.10.8");
        let mut arguments = vec![0, 9];
        long_bytes(&mut arguments, &table);
        let server = read_greeting(&arguments).expect("a greeting");
        assert_eq!((server.product.as_str(), server.version.as_str()), ("RabbitMQ", "3.10.8"));
        for end in 0..arguments.len() {
            assert_eq!(read_greeting(&arguments[..end]), None, "{end}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let refused = refusal(b"\x01\x93\x06ACCESS\0\0\0\0");
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        assert_eq!(refused.to_string(), "ACCESS");
        assert_eq!(refusal(b"\x01\x40\x03bye").to_string(), "320 bye");
        assert_eq!(refusal(b"\x01").kind(), ErrorKind::InvalidData);
    }
}
