//! A hierarchical timing wheel: timers are inserted, cancelled and fired in
//! constant time, however many are pending.
//!
//! The wheel has no clock and no thread. Every time is an argument, in
//! nanoseconds of whichever monotonic clock the caller reads, so the same
//! calls always give the same result.
//!
//! ```
//! use schedbench_wheel::{More, Wheel};
//!
//! const MS: u64 = 1_000_000;
//! // Ticks of 1 ms, delays of up to an hour, and the clock now reads 0.
//! let mut wheel = Wheel::new(MS, 3_600_000 * MS, 0)?;
//! wheel.insert(20 * MS, "second").unwrap();
//! wheel.insert(10 * MS, "first").unwrap();
//! let third = wheel.insert(30 * MS, "third").unwrap();
//!
//! let mut fired = Vec::new();
//! assert_eq!(wheel.expire(25 * MS, usize::MAX, |name| fired.push(name)), More::No);
//! assert_eq!(fired, ["first", "second"]);
//!
//! assert!(wheel.cancel(third));
//! assert!(!wheel.cancel(third));
//! assert!(wheel.is_empty());
//! # Ok::<(), schedbench_wheel::ConfigError>(())
//! ```
//!
//! # What is guaranteed
//!
//! * **Never early.** A due time is rounded up to a tick, and a timer due at D
//!   never fires in an `expire(now)` with `now < D`. It fires in the first one
//!   at or after its tick that `limit` leaves room for.
//! * **In order.** Timers fire by due tick, and those of one tick in the order
//!   in which they were inserted or rescheduled. One inserted when its tick had
//!   already been passed is treated as due at the tick the wheel stands on.
//! * **Exact cancellation.** [`Wheel::cancel`] is true exactly when it kept the
//!   timer from firing. A [`Handle`] never cancels a later timer.
//! * **No allocation once warm.** What fired and cancelled timers occupied is
//!   used again. [`Wheel::with_capacity`] reserves memory from the start.
//! * **Bounded steps.** [`Wheel::expire`] does work in proportion to its
//!   `limit`, moving timers between levels included.
//!
//! # Choosing a resolution
//!
//! A tick is the most by which the wheel itself makes a timer late. Finer ticks
//! cost a level for each factor of 64, and each level moves a timer once more,
//! in about 10 ns. Coarser ticks put more timers into one slot, and all of a
//! slot above the lowest are moved when time enters it. With a million timers
//! spread over 10 s, the fullest slot holds 26 000 at ticks of 1 µs and 400 000
//! at 1 ms; those due first wait until all have been moved.
#![forbid(unsafe_code)]

mod chunks;
mod error;
mod levels;
mod ticks;
mod timers;
mod wheel;

pub use error::{ConfigError, TooFar};
pub use timers::Handle;
pub use wheel::{More, Wheel};
