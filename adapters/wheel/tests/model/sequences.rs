//! Short sequences of operations, shrunk by proptest when one fails.

use proptest::prelude::*;

use crate::Pair;

#[derive(Debug, Clone)]
enum Op {
    Insert { ahead_ns: i64 },
    Cancel { which: prop::sample::Index },
    Reschedule { which: prop::sample::Index, ahead_ns: i64 },
    Expire { after_ns: u64, limit: usize },
    Step { after_ns: u64, limit: usize },
    SleepUntilDue { limit: usize },
}

/// Delays of every magnitude, so that every level is used, and some past ones.
fn ahead(max_delay_ns: u64) -> impl Strategy<Value = i64> {
    let bits = 0..=max_delay_ns.ilog2() + 1;
    (bits, any::<u64>(), 0..20_u8).prop_map(move |(bits, noise, kind)| {
        let delay = (noise >> (63 - bits)) as i64;
        match kind {
            0 => -delay,
            1 => max_delay_ns as i64,
            _ => delay,
        }
    })
}

fn op(max_delay_ns: u64) -> impl Strategy<Value = Op> {
    let limit = prop_oneof![Just(usize::MAX), 1..4_usize];
    let which = any::<prop::sample::Index>();
    prop_oneof![
        6 => ahead(max_delay_ns).prop_map(|ahead_ns| Op::Insert { ahead_ns }),
        2 => which.clone().prop_map(|which| Op::Cancel { which }),
        2 => (which, ahead(max_delay_ns))
            .prop_map(|(which, ahead_ns)| Op::Reschedule { which, ahead_ns }),
        2 => (ahead(max_delay_ns), limit.clone())
            .prop_map(|(ns, limit)| Op::Expire { after_ns: ns.unsigned_abs(), limit }),
        2 => (ahead(max_delay_ns), 0..4_usize)
            .prop_map(|(ns, limit)| Op::Step { after_ns: ns.unsigned_abs(), limit }),
        1 => limit.prop_map(|limit| Op::SleepUntilDue { limit }),
    ]
}

fn wheel_and_ops() -> impl Strategy<Value = (u64, u64, u64, Vec<Op>)> {
    let resolution = prop_oneof![Just(1_000), Just(1_000_000), 1_000..5_000_000_u64];
    // From one tick to several levels of them, and on either side of each level.
    let ticks = prop_oneof![
        (0..26_u32, any::<u64>()).prop_map(|(bits, noise)| 1 + (noise >> (63 - bits))),
        (1..5_u32, 0..4_u64).prop_map(|(levels, more)| 64_u64.pow(levels) - 2 + more),
    ];
    (resolution, ticks, any::<u64>(), 0..1_u64 << 40).prop_flat_map(
        |(resolution_ns, ticks, rest, start_ns)| {
            let max_delay_ns = ticks * resolution_ns + [0, rest % resolution_ns][rest as usize % 2];
            let ops = prop::collection::vec(op(max_delay_ns), 1..300);
            (Just(resolution_ns), Just(max_delay_ns), Just(start_ns), ops)
        },
    )
}

/// While the wheel is behind, the place in the order of a timer that is already
/// due is its own affair; the model can follow only those that are yet to be.
fn due_ns(pair: &Pair, ahead_ns: i64) -> u64 {
    let ahead_ns = if pair.behind { ahead_ns.max(1) } else { ahead_ns };
    pair.now_ns.saturating_add_signed(ahead_ns)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn any_sequence_agrees_with_the_model(
        (resolution_ns, max_delay_ns, start_ns, ops) in wheel_and_ops()
    ) {
        let mut pair = Pair::new(resolution_ns, max_delay_ns, start_ns);
        // Dead ones stay here: they must be refused for ever.
        let mut handles = Vec::new();
        for op in ops {
            match op {
                Op::Insert { ahead_ns } => {
                    let due_ns = due_ns(&pair, ahead_ns);
                    handles.extend(pair.insert(due_ns));
                }
                Op::Cancel { which } if !handles.is_empty() => pair.cancel(*which.get(&handles)),
                Op::Reschedule { which, ahead_ns } if !handles.is_empty() => {
                    let due_ns = due_ns(&pair, ahead_ns);
                    handles.extend(pair.reschedule(*which.get(&handles), due_ns));
                }
                Op::Cancel { .. } | Op::Reschedule { .. } => {}
                Op::Step { after_ns, limit } => {
                    let _ = pair.step(pair.now_ns + after_ns, limit);
                }
                Op::Expire { after_ns, limit } => {
                    pair.expire(pair.now_ns + after_ns, limit);
                }
                Op::SleepUntilDue { limit } => {
                    if let Some(at_ns) = pair.wheel.next_due() {
                        pair.expire(at_ns, limit);
                    }
                }
            }
            pair.check();
        }
        // Sleeping from due to due alone fires everything that is left.
        while let Some(at_ns) = pair.wheel.next_due() {
            pair.expire(at_ns, usize::MAX);
            pair.check();
        }
        prop_assert!(pair.pending.is_empty());
    }
}
