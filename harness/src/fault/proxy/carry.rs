//! Bytes from one socket to the other, as the link lets them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{Shutdown, shutdown};
use schedbench_contract::seeded;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Seen;
use crate::fault::link::{Flow, Link, Way};

/// Bytes read at once: what a socket holds by default.
const CHUNK: usize = 64 << 10;
/// Bytes that a delayed way holds; beyond it the sender's window closes, as it
/// would on a long fat line.
const HELD: usize = 64 << 20;
/// A way of limited bandwidth writes for a 200th of a second at once.
const PIECES_PER_SECOND: u64 = 200;
/// Between two pieces of a sliced way, so that the receiver sees each alone.
const BETWEEN_PIECES: Duration = Duration::from_millis(1);

/// How one way of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The sender closed it, and the receiver has been told.
    Closed,
    /// A socket failed, or bytes were swallowed: it must be reset.
    Lost,
}

/// One way of a connection.
pub(super) struct Carrier {
    from: Arc<TcpStream>,
    to: Arc<TcpStream>,
    changes: watch::Receiver<Seen>,
    pick: fn(&Link) -> Way,
    way: Way,
    chunk: Vec<u8>,
    /// Whether bytes of it were swallowed.
    has_hole: bool,
    /// Bytes written since a limit on them began.
    counted: u64,
    /// When a limited way may write again.
    free_at: Instant,
    seed: u64,
    draws: u64,
}

/// The bytes of one chunk, and when they arrive.
type Held = VecDeque<(Instant, Vec<u8>)>;

impl Carrier {
    /// From one socket to the other, as the link is on the way that is picked.
    pub(super) fn new(
        from: &Arc<TcpStream>,
        to: &Arc<TcpStream>,
        mut changes: watch::Receiver<Seen>,
        pick: fn(&Link) -> Way,
        seed: u64,
    ) -> Self {
        let way = pick(&changes.borrow_and_update().link);
        Self {
            from: Arc::clone(from),
            to: Arc::clone(to),
            changes,
            pick,
            way,
            chunk: vec![0; CHUNK],
            has_hole: false,
            counted: 0,
            free_at: Instant::now(),
            seed,
            draws: 0,
        }
    }

    /// Carries until the way ends.
    pub(super) async fn carry(mut self) -> End {
        match self.run().await {
            Ok(()) => End::Closed,
            Err(_) => End::Lost,
        }
    }

    async fn run(&mut self) -> io::Result<()> {
        loop {
            match self.way.flow {
                Flow::Waits => self.wait_for_change().await?,
                Flow::IsLost => self.swallow().await?,
                Flow::Passes if self.way.delay.is_some() => {
                    if self.carry_late(0).await? {
                        return self.close().await;
                    }
                }
                Flow::Passes => {
                    let read = receive(&self.from, &mut self.chunk).await?;
                    // What changed while it waited is true of what it read.
                    self.look();
                    if read == 0 {
                        return self.close().await;
                    }
                    if self.way.delay.is_none() {
                        self.pass_on(read).await?;
                    } else if self.carry_late(read).await? {
                        return self.close().await;
                    }
                }
            }
        }
    }

    /// Writes the first bytes of the chunk.
    async fn pass_on(&mut self, read: usize) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        let written = self.write(&chunk[..read]).await;
        self.chunk = chunk;
        written
    }

    /// Reads and forgets, until bytes count again.
    async fn swallow(&mut self) -> io::Result<()> {
        let mut is_open = true;
        while self.way.flow == Flow::IsLost {
            tokio::select! {
                biased;
                changed = self.changes.changed() => {
                    changed.map_err(|_| ended())?;
                    self.refresh();
                }
                read = receive(&self.from, &mut self.chunk), if is_open => {
                    // The end of a stream is swallowed like its bytes, and so
                    // is the death of who wrote it.
                    self.has_hole = true;
                    is_open = read.is_ok_and(|read| read > 0);
                }
            }
        }
        if self.has_hole { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }

    /// Holds each chunk for the way's delay, the first bytes of the chunk at
    /// hand before all, until there is no delay any more; whether the sender
    /// closed it.
    async fn carry_late(&mut self, read: usize) -> io::Result<bool> {
        let mut held = Held::new();
        let mut bytes = 0;
        let mut is_open = true;
        if read > 0 {
            bytes += self.hold(read, &mut held);
        }
        while !held.is_empty() || is_open && self.way.delay.is_some() {
            match self.way.flow {
                Flow::Waits => {
                    self.wait_for_change().await?;
                    continue;
                }
                Flow::IsLost => {
                    // What is under way is lost with the rest, the end too.
                    self.has_hole |= !held.is_empty() || !is_open;
                    return Ok(false);
                }
                Flow::Passes => {}
            }
            let next = held.front().map(|(at, _)| *at);
            // Once the delay is gone nothing may overtake what is held.
            let reads = is_open && bytes < HELD && self.way.delay.is_some();
            tokio::select! {
                biased;
                changed = self.changes.changed() => {
                    changed.map_err(|_| ended())?;
                    self.refresh();
                }
                () = at(next) => {
                    if let Some((_, chunk)) = held.pop_front() {
                        bytes -= chunk.len();
                        self.write(&chunk).await?;
                    }
                }
                read = receive(&self.from, &mut self.chunk), if reads => match read? {
                    0 => is_open = false,
                    read => bytes += self.hold(read, &mut held),
                },
            }
        }
        Ok(!is_open)
    }

    /// Sets the first bytes of the chunk aside until they arrive; how many.
    fn hold(&mut self, read: usize, held: &mut Held) -> usize {
        let (base, jitter) = self.way.delay.unwrap_or_default();
        self.draws += 1;
        let late = base + jitter.mul_f64(seeded::unit(seeded::at(self.seed, self.draws)));
        let arrives = Instant::now() + late;
        // A stream keeps its order: nobody arrives before who went ahead.
        let arrives = held.back().map_or(arrives, |(last, _)| arrives.max(*last));
        held.push_back((arrives, self.chunk[..read].to_vec()));
        read
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.way.flow {
                Flow::Waits => {
                    self.wait_for_change().await?;
                    continue;
                }
                Flow::IsLost => {
                    self.has_hole = true;
                    return Ok(());
                }
                Flow::Passes if self.way.is_plain() => return send(&self.to, rest).await,
                Flow::Passes => {}
            }
            let piece = self.may_write(rest.len()).await?;
            send(&self.to, &rest[..piece]).await?;
            self.counted += piece as u64;
            rest = &rest[piece..];
            self.look();
        }
        Ok(())
    }

    /// Waits until a limited way may write, and says how much of so many bytes.
    async fn may_write(&mut self, bytes: usize) -> io::Result<usize> {
        let mut piece = bytes;
        if let Some(most) = self.way.cut_after {
            let left = most.saturating_sub(self.counted);
            if left == 0 {
                return Err(ErrorKind::ConnectionReset.into());
            }
            piece = piece.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        let mut takes = Duration::ZERO;
        if let Some(most) = self.way.piece {
            piece = piece.min(most.get());
            takes = BETWEEN_PIECES;
        }
        if let Some(rate) = self.way.per_second {
            piece = piece.min((rate.get() / PIECES_PER_SECOND).max(1) as usize);
            takes = takes.max(Duration::from_secs_f64(piece as f64 / rate.get() as f64));
        }
        sleep_until(self.free_at).await;
        self.free_at = self.free_at.max(Instant::now()) + takes;
        Ok(piece)
    }

    /// Tells the receiver that nothing more comes, once bytes pass.
    async fn close(&mut self) -> io::Result<()> {
        while self.way.flow != Flow::Passes {
            self.has_hole |= self.way.flow == Flow::IsLost;
            self.wait_for_change().await?;
        }
        if self.has_hole {
            return Err(ErrorKind::ConnectionReset.into());
        }
        shutdown(&self.to, Shutdown::Write).map_err(io::Error::from)
    }

    async fn wait_for_change(&mut self) -> io::Result<()> {
        self.changes.changed().await.map_err(|_| ended())?;
        self.refresh();
        Ok(())
    }

    /// Takes notice of what has changed: an atomic load where nothing has.
    fn look(&mut self) {
        if self.changes.has_changed().unwrap_or(false) {
            self.refresh();
        }
    }

    fn refresh(&mut self) {
        let way = (self.pick)(&self.changes.borrow_and_update().link);
        if way.cut_after != self.way.cut_after {
            self.counted = 0;
        }
        self.way = way;
    }
}

/// The proxy itself ends.
fn ended() -> io::Error {
    ErrorKind::ConnectionAborted.into()
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn receive(from: &TcpStream, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        from.readable().await?;
        match from.try_read(chunk) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

async fn send(to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        match to.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => bytes = &bytes[written?..],
        }
    }
    Ok(())
}
