//! Labels at lines' ends, moved apart where they would collide.

/// Moves the wanted heights apart so that neighbours are at least `gap` from
/// each other and all lie between `top` and `bottom` as far as there is room.
/// Keeps their order; moves as little as a least-squares fit needs.
pub(super) fn move_apart(wanted: &[i32], gap: i32, top: i32, bottom: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| wanted[*index]);
    // Blocks of touching labels: (sum of wanted − own offset, labels).
    let mut blocks: Vec<(f64, Vec<usize>)> = Vec::new();
    let start = |block: &(f64, Vec<usize>)| block.0 / block.1.len() as f64;
    for index in order {
        blocks.push((f64::from(wanted[index]), vec![index]));
        while let [.., before, last] = blocks.as_slice() {
            if start(last) >= start(before) + f64::from(gap) * before.1.len() as f64 {
                break;
            }
            let Some((sum, labels)) = blocks.pop() else { break };
            if let Some(before) = blocks.last_mut() {
                let offset = f64::from(gap) * before.1.len() as f64;
                before.0 += sum - offset * labels.len() as f64;
                before.1.extend(labels);
            }
        }
    }
    let mut heights = vec![0; wanted.len()];
    for block in &blocks {
        for (place, index) in block.1.iter().enumerate() {
            heights[*index] = (start(block) + f64::from(gap) * place as f64).round() as i32;
        }
    }
    inside(&mut heights, gap, top, bottom);
    heights
}

/// Pushes what stands outside back in, from the bottom up, then from the top
/// down: with too many labels they run over the bottom, not the title.
fn inside(heights: &mut [i32], gap: i32, top: i32, bottom: i32) {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by_key(|index| heights[*index]);
    let mut limit = bottom;
    for index in order.iter().rev() {
        heights[*index] = heights[*index].min(limit);
        limit = heights[*index] - gap;
    }
    let mut limit = top;
    for index in order {
        heights[index] = heights[index].max(limit);
        limit = heights[index] + gap;
    }
}

/// Places names beside vertical lines, like flags at masts, in rows above each
/// other: none runs into another, and none is crossed by another's mast.
/// `wanted` has the masts and the widths of their names, from left to right.
/// Returns each name's row, 0 the lowest, and where it begins; `None` where
/// none of the `most` rows has room. What would run over `right` is moved
/// left, over its own mast.
pub(super) fn flags(wanted: &[(i32, i32)], most: usize, right: i32) -> Vec<Option<(usize, i32)>> {
    struct Flag {
        row: usize,
        from: i32,
        to: i32,
        mast: i32,
    }
    let mut flags: Vec<Flag> = Vec::new();
    let mut places = vec![None; wanted.len()];
    // Whoever is further left has the higher mast, over the names to its right.
    for (index, &(mast, width)) in wanted.iter().enumerate().rev() {
        let from = (mast + BESIDE).min(right - width);
        let to = from + width;
        let fits = |row: &usize| {
            flags.iter().all(|other| {
                let apart = to + BETWEEN <= other.from || other.to + BETWEEN <= from;
                let crossed = other.row >= *row && (from..to).contains(&other.mast);
                (other.row != *row || apart) && !crossed
            })
        };
        if let Some(row) = (0..most).find(fits) {
            flags.push(Flag { row, from, to, mast });
            places[index] = Some((row, from));
        }
    }
    places
}

/// From a mast to its name, and between two names, in the drawing's pixels.
const BESIDE: i32 = 6;
const BETWEEN: i32 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_order_and_distance() {
        assert_eq!(move_apart(&[10, 100], 20, 0, 200), [10, 100]);
        assert_eq!(move_apart(&[50, 50], 20, 0, 200), [40, 60]);
        assert_eq!(move_apart(&[199, 195, 0], 20, 0, 200), [200, 180, 0]);
        let many = move_apart(&[90, 91, 92, 93, 10], 20, 0, 100);
        let mut sorted = many.clone();
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 20), "{many:?}");
        assert!(move_apart(&[], 20, 0, 100).is_empty());
    }

    #[test]
    fn names_at_lines_climb_to_the_left_where_they_are_crowded() {
        assert_eq!(flags(&[(0, 100), (200, 100)], 5, 900), [Some((0, 6)), Some((0, 206))]);
        // The line at 50 would run through the name that begins at 6.
        assert_eq!(flags(&[(0, 100), (50, 100)], 5, 900), [Some((1, 6)), Some((0, 56))]);
        let crowded = flags(&[(0, 90), (0, 90), (5, 90), (300, 90)], 5, 900);
        let rows: Vec<_> = crowded.iter().map(|place| place.map(|(row, _)| row)).collect();
        assert_eq!(rows, [Some(2), Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn a_name_without_a_row_is_left_out_and_none_leaves_the_drawing() {
        assert_eq!(flags(&[(0, 100), (50, 100)], 1, 900), [None, Some((0, 56))]);
        assert_eq!(flags(&[(850, 100)], 1, 900), [Some((0, 800))]);
        assert_eq!(flags(&[(0, 10)], 0, 900), [None]);
    }

    proptest::proptest! {
        #[test]
        fn no_name_runs_into_another_or_is_crossed(
            mut wanted in proptest::collection::vec((0_i32..1_000, 20_i32..400), 0..9),
        ) {
            wanted.sort_unstable();
            let places = flags(&wanted, 9, i32::MAX);
            let told: Vec<(usize, i32, i32, i32)> = places
                .iter()
                .zip(&wanted)
                .filter_map(|(place, (mast, width))| {
                    let (row, from) = (*place)?;
                    Some((row, from, from + width, *mast))
                })
                .collect();
            proptest::prop_assert_eq!(told.len(), wanted.len());
            for (at, one) in told.iter().enumerate() {
                for (other_at, other) in told.iter().enumerate() {
                    if at == other_at { continue; }
                    let overlap = one.0 == other.0 && one.1 < other.2 && other.1 < one.2;
                    let crossed = other.0 >= one.0 && (one.1..one.2).contains(&other.3);
                    proptest::prop_assert!(!overlap && !crossed, "{:?} {:?}", one, other);
                }
            }
        }
    }
}
