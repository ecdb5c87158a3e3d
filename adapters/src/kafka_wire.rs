//! A few questions to a Kafka, with a deadline: no client is needed for these.
//!
//! Only versions of requests that have neither compact nor tagged fields, but
//! for the one that says which Kafka it is.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use schedbench_contract::Address;

use crate::tls::Stream;

/// No answer that is asked for here is longer.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const CLIENT: &str = "schedbench";

/// Number and version of a request.
#[derive(Clone, Copy, Debug)]
struct Api(i16, i16);

const METADATA: Api = Api(3, 1);
const LIST_GROUPS: Api = Api(16, 1);
const SASL_HANDSHAKE: Api = Api(17, 1);
const API_VERSIONS: Api = Api(18, 3);
const DELETE_TOPICS: Api = Api(20, 1);
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
}

/// A connection that is signed in.
pub struct Wire {
    stream: Stream,
    deadline: Instant,
    correlation: i32,
}

fn garbled() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer is not Kafka's")
}

impl Wire {
    /// Connects and signs in. Everything asked on this connection must be
    /// answered by the deadline.
    pub fn connect(at: &Address, deadline: Instant) -> io::Result<Self> {
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
        let brokers = answer.many(|broker| {
            broker.skip(4)?;
            broker.text()?;
            broker.skip(4)?;
            broker.nullable()
        })?;
        answer.skip(4)?;
        let topics = answer.many(|topic| {
            let error = topic.short()?;
            let name = topic.text()?;
            topic.skip(1)?;
            let led = topic.many(|partition| {
                let error = partition.short()?;
                partition.skip(4)?;
                let leader = partition.int()?;
                partition.many(Answer::int)?;
                partition.many(Answer::int)?;
                Ok(error == 0 && leader >= 0)
            })?;
            let is_led = error == 0 && led.iter().all(|led| *led);
            Ok(Topic { name, partitions: led.len() as u32, is_led })
        })?;
        Ok((brokers.len(), topics))
    }

    /// A setting of the broker with that number.
    pub fn setting(&mut self, broker: i32, name: &str) -> io::Result<Option<String>> {
        /// A resource that is a broker.
        const BROKER: u8 = 4;
        let body = Body::new().int(1).byte(BROKER).text(&broker.to_string());
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

    /// The number of some broker: the one that is asked for its settings.
    pub fn any_broker(&mut self) -> io::Result<i32> {
        let mut answer = self.ask(METADATA, Body::new().int(0))?;
        let brokers = answer.many(|broker| {
            let number = broker.int()?;
            broker.text()?;
            broker.skip(4)?;
            broker.nullable()?;
            Ok(number)
        })?;
        brokers.into_iter().next().ok_or_else(|| refused("it knows of no broker".into()))
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
        self.stream.write_all(&request)?;
        self.stream.flush()?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(|_| garbled())?;
        if length > MOST_BYTES {
            return Err(garbled());
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
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

/// What is asked, in Kafka's encoding.
struct Body(Vec<u8>);

impl Body {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn with(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn byte(self, value: u8) -> Self {
        self.with(&[value])
    }

    fn short(self, value: i16) -> Self {
        self.with(&value.to_be_bytes())
    }

    fn int(self, value: i32) -> Self {
        self.with(&value.to_be_bytes())
    }

    /// Names and passwords are far shorter than 32 KiB; a longer one is cut
    /// off and refused by the broker.
    fn text(self, text: &str) -> Self {
        let length = text.len().min(i16::MAX as usize);
        self.short(length as i16).with(&text.as_bytes()[..length])
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        self.int(bytes.len() as i32).with(bytes)
    }

    fn texts(self, texts: &[&str]) -> Self {
        texts.iter().fold(self.int(texts.len() as i32), |body, text| body.text(text))
    }

    /// Texts here are shorter than 127 bytes.
    fn compact_text(self, text: &str) -> Self {
        self.byte(text.len() as u8 + 1).with(text.as_bytes())
    }

    fn tags(self) -> Self {
        self.byte(0)
    }
}

/// What is answered, and how far it is read.
struct Answer(Vec<u8>, usize);

impl Answer {
    fn take(&mut self, length: usize) -> io::Result<&[u8]> {
        let end = self.1.checked_add(length).ok_or_else(garbled)?;
        let taken = self.0.get(self.1..end).ok_or_else(garbled)?;
        self.1 = end;
        Ok(taken)
    }

    fn skip(&mut self, length: usize) -> io::Result<()> {
        self.take(length).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| garbled())
    }

    fn short(&mut self) -> io::Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    fn int(&mut self) -> io::Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn text(&mut self) -> io::Result<String> {
        self.nullable()?.ok_or_else(garbled)
    }

    fn nullable(&mut self) -> io::Result<Option<String>> {
        let Ok(length) = usize::try_from(self.short()?) else { return Ok(None) };
        let text = self.take(length)?.to_vec();
        String::from_utf8(text).map(Some).map_err(|_| garbled())
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        let count = self.int()?.max(0);
        (0..count).map(|_| one(self)).collect()
    }

    fn varint(&mut self) -> io::Result<u32> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(garbled())
    }

    /// One more than the length is written, and 0 for none.
    fn compact_length(&mut self) -> io::Result<u32> {
        Ok(self.varint()?.saturating_sub(1))
    }

    fn skip_tags(&mut self) -> io::Result<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let length = self.varint()?;
            self.skip(length as usize)?;
        }
        Ok(())
    }

    /// The newest level of the feature `metadata.version` in a list of features.
    fn metadata_level(&mut self) -> io::Result<Option<i16>> {
        for _ in 0..self.compact_length()? {
            let length = self.compact_length()?;
            let is_metadata = self.take(length as usize)? == b"metadata.version";
            self.skip(2)?;
            let newest = self.short()?;
            self.skip_tags()?;
            if is_metadata {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }
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

    #[test]
    fn short_and_absurd_answers_are_errors() {
        for bytes in [vec![], vec![0], vec![0x7f, 0xff, 0xff, 0xff]] {
            assert!(Answer(bytes.clone(), 0).many(Answer::text).is_err());
            assert!(Answer(bytes, 0).text().is_err());
        }
        assert!(Answer(vec![0xff; 6], 0).varint().is_err());
        assert_eq!(Answer(vec![0xac, 0x02], 0).varint().expect("a number"), 300);
    }
}
