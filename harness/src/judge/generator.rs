//! A slow generator told from a slow system (`docs/measurement.md` §4).
//!
//! Both leave the same trace: less was offered than planned. They differ in what
//! the generator did meanwhile. A slow generator works all the time; one that is
//! held back waits in `submit` with the system's window full.
//!
//! With x offered per second, a share p of the window spent waiting and c
//! seconds of the generator's own work per task, x c + p ≤ 1. It could do the
//! plan's rate λ alone if λ c ≤ 1, and then x / (1 − p) ≥ λ. So the shortfall is
//! the **system's** if x / (1 − p), what would have been offered without the
//! waits, reaches the plan, else the **generator's**.
//!
//! Lateness is always the generator's: what falls due while it stands inside
//! `submit` is offered in time and waits there, which is the system's
//! back-pressure (`decisions/0002`). So a generator that is put aside is not
//! excused by a system that was slow besides.

use hdrhistogram::Histogram;

use super::latency::Point;
use super::limits::Limits;
use super::words::{percent, time};

/// What the generator did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offering<'a> {
    /// Tasks intended in the window.
    pub(super) planned: u64,
    /// Tasks handed over in it.
    pub(super) offered: u64,
    /// Offered − intended.
    pub(super) lateness: &'a Histogram<u64>,
    /// Share of the window in which the generator waited in `submit`.
    pub(super) pending_share: f64,
    /// P99 start latency.
    pub(super) start_p99: Option<Point>,
    /// T, ns.
    pub(super) horizon_ns: u64,
    /// D, seconds.
    pub(super) seconds: f64,
}

/// Who decided what was offered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Offered {
    /// It was the plan, in time.
    AsPlanned,
    /// Less, because the system held the generator back; why that is said.
    HeldBack(String),
    /// The generator was too slow; why that is said.
    GeneratorLimited(String),
}

/// Decides it.
pub(super) fn offered(offering: &Offering<'_>, limits: &Limits) -> Offered {
    match (amount(offering, limits), lateness(offering, limits)) {
        (Offered::AsPlanned, late) => late,
        // Who was slow enough to lack 1 % was slow enough to be late.
        (short, _) => short,
    }
}

fn amount(offering: &Offering<'_>, limits: &Limits) -> Offered {
    let Offering { planned, offered, pending_share, seconds, .. } = *offering;
    let (planned, offered) = (planned as f64, offered as f64);
    // Tasks within the allowed lateness of the window's two edges may fall on
    // either side of them, and so may one more.
    let edges = planned / seconds * limits.lateness_ns as f64 / 1e9 + 1.0;
    let tolerance = limits.offered * planned + edges;
    if (offered - planned).abs() <= tolerance {
        return Offered::AsPlanned;
    }
    let told = format!("offered {} of the plan", percent(offered / planned));
    let waits = format!("waited {} of the window in submit", percent(pending_share));
    let own = (1.0 - pending_share).max(f64::MIN_POSITIVE);
    let held_back = if offered < planned {
        offered / own >= planned - tolerance
    } else {
        // More than planned: it caught up what an earlier wait had left.
        2.0 * pending_share >= offered / planned - 1.0
    };
    if held_back {
        return Offered::HeldBack(format!("{told}: the system's window was full, it {waits}"));
    }
    Offered::GeneratorLimited(format!("{told}, {waits}"))
}

fn lateness(offering: &Offering<'_>, limits: &Limits) -> Offered {
    let Offering { lateness, pending_share, start_p99, horizon_ns, .. } = *offering;
    if lateness.is_empty() {
        return Offered::AsPlanned;
    }
    let p99 = lateness.value_at_quantile(0.99) as f64;
    let start = match start_p99 {
        None => 0.0,
        Some(Point::At(ns)) => ns as f64,
        Some(Point::Infinity) => horizon_ns as f64,
    };
    let limit = (limits.lateness_ns as f64).max(start / limits.resolved);
    if p99 <= limit {
        return Offered::AsPlanned;
    }
    let told = format!("lateness P99 {}", time(p99));
    Offered::GeneratorLimited(format!(
        "{told} (limit {}, waited {} of the window in submit)",
        time(limit),
        percent(pending_share)
    ))
}
