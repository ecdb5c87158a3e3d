//! How much memory the harness holds and how often it asked for some, counted
//! where it is asked for: the only way to tell a system in process apart from
//! the harness around it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// In one cache line: who has it for one counter has it for both.
#[repr(align(64))]
struct Counters {
    held: AtomicUsize,
    calls: AtomicU64,
}

static COUNTERS: Counters = Counters { held: AtomicUsize::new(0), calls: AtomicU64::new(0) };

/// The system's allocator, with counters of the bytes held and of the calls.
/// Costs two atomic additions per allocation and one per release; nothing on a
/// hot path of the harness allocates.
#[derive(Debug)]
pub struct Counting;

/// Bytes that the program holds now, if [`Counting`] is its allocator.
#[must_use]
pub fn held() -> u64 {
    COUNTERS.held.load(Ordering::Relaxed) as u64
}

/// How often the program has allocated so far, if [`Counting`] is its allocator:
/// blocks asked for, and blocks that were given another size.
#[must_use]
pub fn calls() -> u64 {
    COUNTERS.calls.load(Ordering::Relaxed)
}

/// A call that changed what is held by so much; wrapping, so that a smaller size
/// subtracts.
fn count(change: usize) {
    COUNTERS.held.fetch_add(change, Ordering::Relaxed);
    COUNTERS.calls.fetch_add(1, Ordering::Relaxed);
}

// SAFETY: every call goes to `System` unchanged; the counters are not part of
// any allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is passed on.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            count(layout.size());
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is passed on.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            count(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` with this layout.
        unsafe { System.dealloc(block, layout) };
        COUNTERS.held.fetch_sub(layout.size(), Ordering::Relaxed);
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: `block` came from `System` with this layout.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            count(size.wrapping_sub(layout.size()));
        }
        moved
    }
}
