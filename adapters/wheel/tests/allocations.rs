//! Once warm, the wheel allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use schedbench_wheel::{More, Wheel};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed on to `System` with the arguments it came with,
// and counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above, and `at` came from `System`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above, and `at` came from `System`.
        unsafe { System.realloc(at, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const US: u64 = 1_000;
const PENDING: u64 = 10_000;
const OPERATIONS: u64 = 1_000_000;

/// Per round: three timers in, one cancelled, one rescheduled, the due fired.
/// Their delays are under 10 s, so that about `PENDING` are pending.
fn churn(wheel: &mut Wheel<u64>, now_ns: &mut u64, rounds: u64) -> (u64, u64, u64) {
    let (mut inserted, mut fired, mut cancelled) = (0, 0, 0);
    let mut random = 88_172_645_463_325_252_u64;
    let mut delay_ns = move || {
        // Xorshift64 (Marsaglia 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % (10_000_000 * US)
    };
    for round in 0..rounds {
        let mut insert = |wheel: &mut Wheel<u64>| {
            inserted += 1;
            wheel.insert(*now_ns + delay_ns(), round).expect("10 s is within an hour")
        };
        insert(wheel);
        let second = insert(wheel);
        let third = insert(wheel);
        cancelled += u64::from(wheel.cancel(second));
        wheel.reschedule(third, *now_ns + delay_ns());
        *now_ns += 5_000_000 * US * 2 / PENDING;
        while wheel.expire(*now_ns, 16, |_| fired += 1) == More::Yes {}
    }
    (inserted, fired, cancelled)
}

/// What `work` allocates.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

// The only test in this file: a second one would count in the same counter.
#[test]
fn a_warm_wheel_allocates_nothing() {
    let hour_ns = 3_600_000_000 * US;
    let mut now_ns = 0;
    let mut wheel = Wheel::new(US, hour_ns, now_ns).unwrap();
    let warming = allocations(|| {
        churn(&mut wheel, &mut now_ns, OPERATIONS / 8);
    });
    assert!(warming > 0, "the counter does not count");

    let mut done = (0, 0, 0);
    assert_eq!(allocations(|| done = churn(&mut wheel, &mut now_ns, OPERATIONS)), 0);
    let (inserted, fired, cancelled) = done;
    assert!(inserted >= OPERATIONS && fired >= OPERATIONS && cancelled >= OPERATIONS);
    assert!(wheel.len() > PENDING as usize / 2, "only {} pending", wheel.len());

    let capacity = 2 * PENDING as usize;
    let mut wheel = Wheel::with_capacity(US, hour_ns, now_ns, capacity).unwrap();
    assert_eq!(allocations(|| done = churn(&mut wheel, &mut now_ns, OPERATIONS)), 0);
}
