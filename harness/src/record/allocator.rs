//! How much memory the harness holds, counted where it is asked for: the only
//! way to tell a system in process apart from the harness around it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static HELD: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a counter of the bytes held. Costs one atomic
/// addition per call; nothing on a hot path of the harness allocates.
#[derive(Debug)]
pub struct Counting;

/// Bytes that the program holds now, if [`Counting`] is its allocator.
#[must_use]
pub fn held() -> u64 {
    HELD.load(Ordering::Relaxed) as u64
}

// SAFETY: every call goes to `System` unchanged; the counter is not part of
// any allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is passed on.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            HELD.fetch_add(layout.size(), Ordering::Relaxed);
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is passed on.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            HELD.fetch_add(layout.size(), Ordering::Relaxed);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` with this layout.
        unsafe { System.dealloc(block, layout) };
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: `block` came from `System` with this layout.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            // Wrapping arithmetic: a smaller size subtracts.
            HELD.fetch_add(size.wrapping_sub(layout.size()), Ordering::Relaxed);
        }
        moved
    }
}
