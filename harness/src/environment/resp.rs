//! A few questions to a Redis, with a deadline: no client is needed for these.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use schedbench_adapters::tls::Stream;
use schedbench_contract::Address;

/// No answer that is asked for here is longer.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A connection that is signed in.
pub(crate) struct Resp {
    stream: BufReader<Stream>,
    deadline: Instant,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Text(String),
    Error(String),
    Integer(i64),
    Nothing,
    Many(Vec<Reply>),
}

impl Reply {
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

fn garbled() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer is not Redis's")
}

impl Resp {
    /// Connects, signs in and chooses the database. Everything asked on this
    /// connection must be answered by the deadline.
    pub(crate) fn connect(at: &Address, deadline: Instant) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (at.host.as_str(), at.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(left(deadline)?))?;
                    stream.set_write_timeout(Some(left(deadline)?))?;
                    let stream = Stream::over(stream, &at.host, at.tls)?;
                    let mut this = Self { stream: BufReader::new(stream), deadline };
                    this.sign_in(at)?;
                    return Ok(this);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn sign_in(&mut self, at: &Address) -> io::Result<()> {
        if let Some(password) = &at.password {
            let answer = match &at.user {
                Some(user) => self.ask(&["AUTH", user, &password.0])?,
                None => self.ask(&["AUTH", &password.0])?,
            };
            accepted(answer)?;
        }
        if let Some(database) = at.database.as_deref().filter(|database| *database != "0") {
            let answer = self.ask(&["SELECT", database])?;
            accepted(answer)?;
        }
        Ok(())
    }

    /// Asks and waits for the answer.
    pub(crate) fn ask(&mut self, words: &[&str]) -> io::Result<Reply> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        self.set_timeouts()?;
        self.stream.get_mut().write_all(&request)?;
        self.stream.get_mut().flush()?;
        self.reply(0)
    }

    /// Asks for what Redis answers with text or nothing.
    pub(crate) fn ask_text(&mut self, words: &[&str]) -> io::Result<String> {
        match self.ask(words)? {
            Reply::Text(text) => Ok(text),
            Reply::Error(error) => Err(io::Error::other(error)),
            _ => Err(garbled()),
        }
    }

    fn set_timeouts(&mut self) -> io::Result<()> {
        let left = left(self.deadline)?;
        let socket = self.stream.get_ref().socket();
        socket.set_read_timeout(Some(left))?;
        socket.set_write_timeout(Some(left))
    }

    fn reply(&mut self, depth: u8) -> io::Result<Reply> {
        self.set_timeouts()?;
        let mut line = Vec::new();
        (&mut self.stream).take(64 * 1024).read_until(b'\n', &mut line)?;
        let line = line.strip_suffix(b"\r\n").ok_or_else(garbled)?;
        let (&kind, rest) = line.split_first().ok_or_else(garbled)?;
        let text = String::from_utf8_lossy(rest).into_owned();
        let length = || text.parse::<i64>().map_err(|_| garbled());
        Ok(match kind {
            b'+' => Reply::Text(text),
            b'-' => Reply::Error(text),
            b':' => Reply::Integer(length()?),
            b'$' => match usize::try_from(length()?) {
                Err(_) => Reply::Nothing,
                Ok(length) if length > MOST_BYTES => return Err(garbled()),
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.stream.read_exact(&mut bytes)?;
                    Reply::Text(String::from_utf8_lossy(&bytes[..length]).into_owned())
                }
            },
            b'*' if depth < 4 => match usize::try_from(length()?) {
                Err(_) => Reply::Nothing,
                Ok(length) => {
                    let mut many = Vec::new();
                    for _ in 0..length {
                        many.push(self.reply(depth + 1)?);
                    }
                    Reply::Many(many)
                }
            },
            _ => return Err(garbled()),
        })
    }
}

fn accepted(answer: Reply) -> io::Result<()> {
    match answer {
        Reply::Error(error) => Err(io::Error::new(ErrorKind::PermissionDenied, error)),
        _ => Ok(()),
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.checked_duration_since(Instant::now()) {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(ErrorKind::TimedOut.into()),
    }
}
