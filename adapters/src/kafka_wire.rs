//! A few questions to a Kafka, with a deadline: no client is needed for these.
//!
//! Only versions of requests that have neither compact nor tagged fields, but
//! for the one that says which Kafka it is.

mod encoding;
mod leaders;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use schedbench_contract::Address;

use crate::tls::Stream;
use encoding::{Answer, Body, garbled};
pub use leaders::{Leaders, Span, is_passing};

/// No answer that is asked for here is longer.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const CLIENT: &str = "schedbench";

/// Number and version of a request.
#[derive(Clone, Copy, Debug)]
struct Api(i16, i16);

const LIST_OFFSETS: Api = Api(2, 1);
const METADATA: Api = Api(3, 1);
const LIST_GROUPS: Api = Api(16, 1);
const SASL_HANDSHAKE: Api = Api(17, 1);
const API_VERSIONS: Api = Api(18, 3);
const DELETE_TOPICS: Api = Api(20, 1);
const DELETE_RECORDS: Api = Api(21, 0);
const DESCRIBE_CONFIGS: Api = Api(32, 1);
const SASL_AUTHENTICATE: Api = Api(36, 0);
const DELETE_GROUPS: Api = Api(42, 0);

/// A topic as the broker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// Whether each partition has a leader and no error.
    pub is_led: bool,
    /// Copies of a partition, by the one that has the fewest.
    pub copies: u32,
    /// Copies of a partition that are in sync, by the one that has the fewest.
    pub in_sync: u32,
    /// Whether each copy of each partition is in sync.
    pub is_in_sync: bool,
    /// Each partition's number and that of the broker that leads it, which is
    /// negative for none.
    pub leaders: Vec<(i32, i32)>,
}

/// A broker as its cluster knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its number.
    pub number: i32,
    /// Where clients find it.
    pub host: String,
    /// Its port there.
    pub port: u16,
}

/// A connection that is signed in.
pub struct Wire {
    stream: Stream,
    deadline: Instant,
    correlation: i32,
}

impl Wire {
    /// Connects and signs in, to the first node of the address that takes it:
    /// each has a share of the time, for one that is paused answers nothing.
    /// Everything asked on this connection must be answered by the deadline.
    pub fn connect(at: &Address, deadline: Instant) -> io::Result<Self> {
        let mut last = ErrorKind::TimedOut.into();
        for (place, node) in at.each().enumerate() {
            let share = left(deadline)? / (at.others.len() + 1 - place) as u32;
            match Self::connect_to(&node, Instant::now() + share) {
                Ok(this) => return Ok(Self { deadline, ..this }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn connect_to(at: &Address, deadline: Instant) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (at.host.as_str(), at.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => {
                    // For the greeting of TLS; each question sets its own.
                    stream.set_read_timeout(Some(left(deadline)?))?;
                    stream.set_write_timeout(Some(left(deadline)?))?;
                    let stream = Stream::over(stream, &at.host, at.tls)?;
                    let mut this = Self { stream, deadline, correlation: 0 };
                    this.sign_in(at)?;
                    return Ok(this);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn sign_in(&mut self, at: &Address) -> io::Result<()> {
        let (Some(user), Some(password)) = (&at.user, &at.password) else { return Ok(()) };
        let mut answer = self.ask(SASL_HANDSHAKE, Body::new().text("PLAIN"))?;
        let code = answer.short()?;
        if code != 0 {
            let offered = answer.many(Answer::text)?.join(", ");
            return Err(refused(format!("it does not offer SASL PLAIN, but {offered}")));
        }
        let token = format!("\0{user}\0{}", password.0);
        let mut answer = self.ask(SASL_AUTHENTICATE, Body::new().bytes(token.as_bytes()))?;
        match answer.short()? {
            0 => Ok(()),
            _ => Err(refused("it does not accept the user or the password".into())),
        }
    }

    /// The release, by the newest metadata format that it supports; `None` for
    /// one that is not in KRaft mode. Kafka does not say its version.
    pub fn release(&mut self) -> io::Result<Option<String>> {
        let body = Body::new().compact_text(CLIENT).compact_text(env!("CARGO_PKG_VERSION")).tags();
        let mut answer = self.ask(API_VERSIONS, body)?;
        // Below Kafka 2.4 it answers with the error "unsupported version".
        if answer.short()? != 0 {
            return Ok(None);
        }
        for _ in 0..answer.compact_length()? {
            answer.skip(6)?;
            answer.skip_tags()?;
        }
        answer.skip(4)?;
        for _ in 0..answer.varint()? {
            let (tag, length) = (answer.varint()?, answer.varint()?);
            let mut inside = Answer(answer.take(length as usize)?.to_vec(), 0);
            if tag == 0 {
                return Ok(inside.metadata_level()?.map(release_of));
            }
        }
        Ok(None)
    }

    /// How many brokers there are, and every topic.
    pub fn topics(&mut self) -> io::Result<(usize, Vec<Topic>)> {
        let mut answer = self.ask(METADATA, Body::new().int(-1))?;
        let brokers = answer.many(broker)?;
        answer.skip(4)?;
        let topics = answer.many(|topic| {
            let error = topic.short()?;
            let name = topic.text()?;
            topic.skip(1)?;
            let partitions = topic.many(|partition| {
                let (error, number) = (partition.short()?, partition.int()?);
                let leader = partition.int()?;
                let copies = partition.many(Answer::int)?.len();
                let in_sync = partition.many(Answer::int)?.len();
                Ok(((number, if error == 0 { leader } else { -1 }), copies, in_sync))
            })?;
            let copies = partitions.iter().map(|(_, copies, _)| *copies).min();
            let in_sync = partitions.iter().map(|(.., in_sync)| *in_sync).min();
            Ok(Topic {
                name,
                partitions: partitions.len() as u32,
                is_led: error == 0 && partitions.iter().all(|((_, leader), ..)| *leader >= 0),
                copies: copies.unwrap_or(0) as u32,
                in_sync: in_sync.unwrap_or(0) as u32,
                is_in_sync: partitions.iter().all(|(_, copies, in_sync)| copies == in_sync),
                leaders: partitions.iter().map(|(led, ..)| *led).collect(),
            })
        })?;
        Ok((brokers.len(), topics))
    }

    /// Every broker that serves.
    pub fn brokers(&mut self) -> io::Result<Vec<Broker>> {
        self.ask(METADATA, Body::new().int(0))?.many(broker)
    }

    /// The number of the broker that answers here: only it tells its settings.
    pub fn this_broker(&mut self) -> io::Result<i32> {
        let mut last = refused("it knows of no broker".into());
        for Broker { number, .. } in self.brokers()? {
            match self.setting(number, "node.id") {
                Ok(_) => return Ok(number),
                // Another one's settings are not told here.
                Err(error) if error.kind() == ErrorKind::Other => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// A setting of the broker with that number.
    pub fn setting(&mut self, broker: i32, name: &str) -> io::Result<Option<String>> {
        const BROKER: u8 = 4;
        self.setting_of(BROKER, &broker.to_string(), name)
    }

    /// A setting of a topic, which is the broker's where it has none of its own.
    pub fn topic_setting(&mut self, topic: &str, name: &str) -> io::Result<Option<String>> {
        const TOPIC: u8 = 2;
        self.setting_of(TOPIC, topic, name)
    }

    /// A setting of a resource of that kind.
    fn setting_of(&mut self, kind: u8, of: &str, name: &str) -> io::Result<Option<String>> {
        let body = Body::new().int(1).byte(kind).text(of);
        let mut answer = self.ask(DESCRIBE_CONFIGS, body.int(1).text(name).byte(0))?;
        answer.skip(4)?;
        let found = answer.many(|resource| {
            let error = resource.short()?;
            let why = resource.nullable()?.unwrap_or_default();
            resource.skip(1)?;
            resource.text()?;
            let settings = resource.many(|setting| {
                let name = setting.text()?;
                let value = setting.nullable()?;
                setting.skip(3)?;
                setting.many(|synonym| {
                    synonym.text()?;
                    synonym.nullable()?;
                    synonym.skip(1)
                })?;
                Ok((name, value))
            })?;
            if error == 0 { Ok(settings) } else { Err(refused(format!("error {error} {why}"))) }
        })?;
        let setting = found.into_iter().flatten().find(|(found, _)| found == name);
        Ok(setting.and_then(|(_, value)| value))
    }

    /// Every consumer group.
    pub fn groups(&mut self) -> io::Result<Vec<String>> {
        let mut answer = self.ask(LIST_GROUPS, Body::new())?;
        answer.skip(4)?;
        refuse(answer.short()?, "listing groups")?;
        answer.many(|group| {
            let name = group.text()?;
            group.text()?;
            Ok(name)
        })
    }

    /// Deletes topics.
    pub fn delete_topics(&mut self, names: &[&str]) -> io::Result<()> {
        let body = Body::new().texts(names).int(30_000);
        self.delete(DELETE_TOPICS, body, "deleting the topic")
    }

    /// Deletes consumer groups, which have no members.
    pub fn delete_groups(&mut self, names: &[&str]) -> io::Result<()> {
        self.delete(DELETE_GROUPS, Body::new().texts(names), "deleting the group")
    }

    fn delete(&mut self, api: Api, body: Body, what: &str) -> io::Result<()> {
        let mut answer = self.ask(api, body)?;
        answer.skip(4)?;
        let deleted = answer.many(|one| Ok((one.text()?, one.short()?)))?;
        deleted.iter().try_for_each(|(name, code)| refuse(*code, &format!("{what} {name}")))
    }

    fn ask(&mut self, api: Api, body: Body) -> io::Result<Answer> {
        self.correlation += 1;
        let head = Body::new().short(api.0).short(api.1).int(self.correlation).text(CLIENT);
        // This request's head ends with tagged fields, its answer's does not.
        let head = if api.0 == API_VERSIONS.0 { head.byte(0) } else { head };
        let length = i32::try_from(head.0.len() + body.0.len()).map_err(|_| garbled())?;
        let request = [&length.to_be_bytes()[..], &head.0, &body.0].concat();
        let left = left(self.deadline)?;
        self.stream.socket().set_write_timeout(Some(left))?;
        self.stream.socket().set_read_timeout(Some(left))?;
        self.stream.write_all(&request).map_err(unheard)?;
        self.stream.flush().map_err(unheard)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).map_err(unheard)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(|_| garbled())?;
        if length > MOST_BYTES {
            return Err(garbled());
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).map_err(unheard)?;
        let mut answer = Answer(bytes, 0);
        if answer.int()? == self.correlation { Ok(answer) } else { Err(garbled()) }
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.checked_duration_since(Instant::now()) {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(ErrorKind::TimedOut.into()),
    }
}

/// A broker at the head of an answer about topics.
fn broker(answer: &mut Answer) -> io::Result<Broker> {
    let (number, host, port) = (answer.int()?, answer.text()?, answer.int()?);
    answer.nullable()?;
    Ok(Broker { number, host, port: u16::try_from(port).map_err(|_| garbled())? })
}

/// What it means that a question was not answered.
fn unheard(error: io::Error) -> io::Error {
    let why = match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "it closed the connection: no Kafka, or one that wants TLS, or a user and a password"
        }
        // The operating system has two names for it.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            "it takes connections and does not answer: no Kafka, or one that hangs"
        }
        _ => return error,
    };
    io::Error::new(error.kind(), why)
}

fn refused(why: String) -> io::Error {
    io::Error::other(why)
}

fn refuse(code: i16, what: &str) -> io::Result<()> {
    /// Gone already: the topic, the group.
    const GONE: [i16; 2] = [3, 69];
    if code == 0 || GONE.contains(&code) {
        return Ok(());
    }
    Err(refused(format!("{what}: Kafka answers with its error {code}")))
}

/// The release whose newest metadata format this is.
fn release_of(level: i16) -> String {
    /// The newest level of each release, from Kafka's `MetadataVersion`.
    const RELEASES: [(i16, &str); 9] = [
        (7, "3.3"),
        (8, "3.4"),
        (11, "3.5"),
        (14, "3.6"),
        (19, "3.7"),
        (20, "3.8"),
        (21, "3.9"),
        (25, "4.0"),
        (27, "4.1"),
    ];
    let release = RELEASES.iter().find(|(newest, _)| level <= *newest);
    release.map_or_else(|| "after 4.1".to_owned(), |(_, release)| (*release).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_name_releases() {
        for (level, release) in
            [(1, "3.3"), (25, "4.0"), (26, "4.1"), (27, "4.1"), (90, "after 4.1")]
        {
            assert_eq!(release_of(level), release);
        }
    }
}
