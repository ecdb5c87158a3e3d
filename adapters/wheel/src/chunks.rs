//! Queues of entries in chained chunks of one arena.
//!
//! A slot may hold a handful of entries or a million. Chunks append and read
//! in sequence, where linked nodes would cost a cache miss each. A cancelled
//! timer's entry stays behind, dead, until it is read or swept away.

use std::ops::Range;

use crate::timers::Handle;

/// With the header, a chunk is 512 bytes.
const CHUNK_ENTRIES: usize = 31;

/// Ends a chain of chunks.
const NONE: u32 = u32::MAX;

/// How many chunks one call of [`Chunks::sweep`] looks at, at most.
const SWEEP_CHUNKS: usize = 16;

/// What a slot keeps of a timer; its value stays where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) due_tick: u64,
    pub(crate) handle: Handle,
}

#[repr(align(64))]
struct Chunk {
    next: u32,
    /// Entries `begin..end` are to be read.
    begin: u8,
    end: u8,
    in_use: bool,
    entries: [Entry; CHUNK_ENTRIES],
}

impl Chunk {
    const EMPTY: Self = Self {
        next: NONE,
        begin: 0,
        end: 0,
        in_use: false,
        entries: [Entry { due_tick: 0, handle: Handle::NOBODY }; CHUNK_ENTRIES],
    };

    fn len(&self) -> usize {
        usize::from(self.end - self.begin)
    }

    /// Keeps what `is_live` says, in order, and returns how many it dropped.
    fn retain(&mut self, is_live: impl Fn(Handle) -> bool) -> usize {
        let before = self.len();
        let mut kept = 0;
        for at in usize::from(self.begin)..usize::from(self.end) {
            let entry = self.entries[at];
            // Written without a branch: whether it lives is hard to predict.
            self.entries[kept] = entry;
            kept += usize::from(is_live(entry.handle));
        }
        self.begin = 0;
        self.end = kept as u8;
        before - kept
    }
}

/// A first-in-first-out queue of entries; its chunks are in [`Chunks`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queue {
    head: u32,
    tail: u32,
}

impl Queue {
    pub(crate) const EMPTY: Self = Self { head: NONE, tail: NONE };
}

/// The arena of all chunks, used and free.
pub(crate) struct Chunks {
    chunks: Vec<Chunk>,
    first_free: u32,
    /// The chunk that the next sweep looks at first.
    sweep_from: usize,
}

impl Chunks {
    /// Room for `entries` spread over `queues`: the last chunk of each queue is
    /// only partly full.
    pub(crate) fn with_capacity(entries: usize, queues: usize) -> Self {
        let chunks = Vec::with_capacity(entries.div_ceil(CHUNK_ENTRIES) + queues);
        Self { chunks, first_free: NONE, sweep_from: 0 }
    }

    #[inline]
    pub(crate) fn push(&mut self, queue: &mut Queue, entry: Entry) {
        if let Some(tail) = self.chunks.get_mut(queue.tail as usize)
            && let Some(room) = tail.entries.get_mut(usize::from(tail.end))
        {
            *room = entry;
            tail.end += 1;
        } else {
            self.push_in_new_chunk(queue, entry);
        }
    }

    fn push_in_new_chunk(&mut self, queue: &mut Queue, entry: Entry) {
        let id = if let Some(chunk) = self.chunks.get_mut(self.first_free as usize) {
            let id = self.first_free;
            self.first_free = chunk.next;
            id
        } else {
            let id = u32::try_from(self.chunks.len()).ok().filter(|&id| id != NONE);
            self.chunks.push(Chunk::EMPTY);
            id.expect("a wheel holds fewer than u32::MAX chunks")
        };
        let chunk = &mut self.chunks[id as usize];
        (chunk.next, chunk.begin, chunk.end, chunk.in_use) = (NONE, 0, 1, true);
        chunk.entries[0] = entry;
        match self.chunks.get_mut(queue.tail as usize) {
            Some(tail) => tail.next = id,
            None => queue.head = id,
        }
        queue.tail = id;
    }

    /// The first entry, left in the queue.
    #[inline]
    pub(crate) fn front(&mut self, queue: &mut Queue) -> Option<Entry> {
        loop {
            let head = self.chunks.get(queue.head as usize)?;
            if head.begin < head.end {
                return Some(head.entries[usize::from(head.begin)]);
            }
            self.free_head(queue);
        }
    }

    /// Takes out the entry that [`Chunks::front`] gave.
    #[inline]
    pub(crate) fn pop_front(&mut self, queue: &Queue) {
        let head = &mut self.chunks[queue.head as usize];
        debug_assert!(head.begin < head.end, "popped what front did not give");
        head.begin += 1;
    }

    /// The first entries that lie side by side, left in the queue: their chunk,
    /// and where in it.
    #[inline]
    pub(crate) fn front_run(&mut self, queue: &mut Queue) -> Option<(u32, Range<u8>)> {
        self.front(queue)?;
        let head = &self.chunks[queue.head as usize];
        Some((queue.head, head.begin..head.end))
    }

    #[inline]
    pub(crate) fn entry(&self, chunk: u32, at: u8) -> Entry {
        self.chunks[chunk as usize].entries[usize::from(at)]
    }

    /// Takes out what [`Chunks::front_run`] gave.
    pub(crate) fn free_head(&mut self, queue: &mut Queue) {
        let id = queue.head;
        let chunk = &mut self.chunks[id as usize];
        queue.head = chunk.next;
        if queue.head == NONE {
            queue.tail = NONE;
        }
        self.free(id);
    }

    fn free(&mut self, id: u32) {
        let chunk = &mut self.chunks[id as usize];
        (chunk.next, chunk.begin, chunk.end, chunk.in_use) = (self.first_free, 0, 0, false);
        self.first_free = id;
    }

    /// Drops dead entries from the next chunk in use and closes the gap with
    /// its successors. Returns how many entries it dropped.
    ///
    /// It goes round the arena rather than along the queues, so it need not
    /// know which queue a chunk is in, nor mind what happens to it meanwhile.
    pub(crate) fn sweep(&mut self, is_live: impl Fn(Handle) -> bool) -> usize {
        for _ in 0..SWEEP_CHUNKS.min(self.chunks.len()) {
            let id = self.sweep_from;
            self.sweep_from = if id + 1 < self.chunks.len() { id + 1 } else { 0 };
            if self.chunks[id].in_use {
                let dropped = self.chunks[id].retain(&is_live);
                return dropped + self.close_gap(id, is_live);
            }
        }
        0
    }

    fn close_gap(&mut self, id: usize, is_live: impl Fn(Handle) -> bool) -> usize {
        let mut dropped = 0;
        for _ in 0..SWEEP_CHUNKS {
            let next = self.chunks[id].next;
            // The last chunk stays: its queue, unknown here, points to it.
            if next == NONE || self.chunks[next as usize].next == NONE {
                break;
            }
            dropped += self.chunks[next as usize].retain(&is_live);
            let end = usize::from(self.chunks[id].end);
            let moved = self.chunks[next as usize].len();
            if end + moved > CHUNK_ENTRIES {
                break;
            }
            let [chunk, source] = self
                .chunks
                .get_disjoint_mut([id, next as usize])
                .expect("a chunk does not follow itself");
            chunk.entries[end..end + moved].copy_from_slice(&source.entries[..moved]);
            chunk.end += moved as u8;
            chunk.next = source.next;
            self.free(next);
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::timers::Timers;

    impl Chunks {
        pub(crate) fn in_use(&self) -> usize {
            self.chunks.iter().filter(|chunk| chunk.in_use).count()
        }
    }

    fn pop(chunks: &mut Chunks, queue: &mut Queue) -> Option<u64> {
        let entry = chunks.front(queue)?;
        chunks.pop_front(queue);
        Some(entry.due_tick)
    }

    /// Three queues in one arena, whose entries die in every pattern; sweeping
    /// at any moment loses none that lives and keeps the order.
    #[test]
    fn sweeping_keeps_the_living_in_order() {
        let mut chunks = Chunks::with_capacity(0, 0);
        let mut timers = Timers::with_capacity(0);
        let mut queues = [Queue::EMPTY; 3];
        let mut expected: [VecDeque<(u64, Handle)>; 3] = Default::default();
        let mut dead = 0;
        let mut random = 1_u64;
        for step in 0..200_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step | 1);
            let noise = random >> 33;
            let of = (noise % 3) as usize;
            // Growing and shrinking by turns, so that chunks are freed as well.
            match (noise >> 2) % 8 + (step / 10_000) % 2 {
                0..=3 => {
                    let handle = timers.insert(());
                    expected[of].push_back((step, handle));
                    chunks.push(&mut queues[of], Entry { due_tick: step, handle });
                }
                4..=5 => {
                    let len = expected[of].len();
                    if len > 0 {
                        let (_, handle) = expected[of].remove((noise >> 5) as usize % len).unwrap();
                        timers.remove(handle);
                        dead += 1;
                    }
                }
                6 => dead -= chunks.sweep(|handle| timers.is_pending(handle)),
                _ => {
                    while let Some(entry) = chunks.front(&mut queues[of]) {
                        if timers.is_pending(entry.handle) {
                            break;
                        }
                        chunks.pop_front(&queues[of]);
                        dead -= 1;
                    }
                    let first = expected[of].pop_front();
                    assert_eq!(pop(&mut chunks, &mut queues[of]), first.map(|(step, _)| step));
                    first.map(|(_, handle)| timers.remove(handle));
                }
            }
        }
        for (queue, expected) in queues.iter_mut().zip(&mut expected) {
            while let Some(entry) = chunks.front(queue) {
                chunks.pop_front(queue);
                if timers.is_pending(entry.handle) {
                    assert_eq!(expected.pop_front(), Some((entry.due_tick, entry.handle)));
                } else {
                    dead -= 1;
                }
            }
            assert!(expected.is_empty());
        }
        assert_eq!(dead, 0);
        assert_eq!(chunks.in_use(), 0);
    }
}
