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

/// Where the name of a vertical line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag {
    /// Its row, 0 the lowest.
    pub(super) row: usize,
    /// Where it begins, or ends if it is to the left.
    pub(super) at: i32,
    /// Whether it stands to the left of its line.
    pub(super) is_left: bool,
}

/// Places names beside vertical lines, like flags at masts, in rows above each
/// other: none runs into another, and none is crossed by another's mast.
/// `wanted` has the masts and the widths of their names, from left to right.
/// Names stand to the right of their masts; those of the first mast, and of
/// others at the same place, to the left if there is room from `left` on. `None`
/// where none of the `most` rows has room. What would run over `right` is moved
/// left, over its own mast.
pub(super) fn flags(
    wanted: &[(i32, i32)],
    most: usize,
    (left, right): (i32, i32),
) -> Vec<Option<Flag>> {
    struct Placed {
        row: usize,
        from: i32,
        to: i32,
        mast: i32,
    }
    let first = wanted.first().map_or(0, |(mast, _)| *mast);
    let is_left =
        |&&(mast, width): &&(i32, i32)| mast - first < BESIDE && mast - BESIDE - width >= left;
    let lefts = wanted.iter().take_while(is_left).count().min(most);
    let mut places: Vec<Option<Flag>> = (0..lefts)
        .map(|index| {
            let at = wanted[index].0 - BESIDE;
            Some(Flag { row: lefts - 1 - index, at, is_left: true })
        })
        .collect();
    places.resize(wanted.len(), None);
    let mut placed: Vec<Placed> = Vec::new();
    // Whoever is further left has the higher mast, over the names to its right.
    for (index, &(mast, width)) in wanted.iter().enumerate().skip(lefts).rev() {
        let from = (mast + BESIDE).min(right - width);
        let to = from + width;
        let fits = |row: &usize| {
            placed.iter().all(|other| {
                let apart = to + BETWEEN <= other.from || other.to + BETWEEN <= from;
                let crossed = other.row >= *row && (from..to).contains(&other.mast);
                (other.row != *row || apart) && !crossed
            })
        };
        if let Some(row) = (0..most).find(fits) {
            placed.push(Placed { row, from, to, mast });
            places[index] = Some(Flag { row, at: from, is_left: false });
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

    /// Row and place of those to the right, row and end of those to the left.
    fn told(wanted: &[(i32, i32)], most: usize, left: i32) -> Vec<Option<(usize, i32)>> {
        let places = flags(wanted, most, (left, 900));
        places.into_iter().map(|place| place.map(|flag| (flag.row, flag.at))).collect()
    }

    #[test]
    fn names_at_lines_climb_to_the_left_where_they_are_crowded() {
        assert_eq!(told(&[(0, 100), (200, 100)], 5, 0), [Some((0, 6)), Some((0, 206))]);
        // The line at 50 would run through the name that begins at 6.
        assert_eq!(told(&[(0, 100), (50, 100)], 5, 0), [Some((1, 6)), Some((0, 56))]);
        let crowded = told(&[(0, 90), (0, 90), (5, 90), (300, 90)], 5, 0);
        let rows: Vec<_> = crowded.iter().map(|place| place.map(|(row, _)| row)).collect();
        assert_eq!(rows, [Some(2), Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn names_at_the_first_line_stand_left_of_it_where_there_is_room() {
        let crowded = [(200, 90), (200, 90), (230, 90)];
        assert_eq!(told(&crowded, 5, 0), [Some((1, 194)), Some((0, 194)), Some((0, 236))]);
        assert_eq!(told(&crowded, 5, 150), [Some((2, 206)), Some((1, 206)), Some((0, 236))]);
    }

    #[test]
    fn a_name_without_a_row_is_left_out_and_none_leaves_the_drawing() {
        assert_eq!(told(&[(0, 100), (50, 100)], 1, 0), [None, Some((0, 56))]);
        assert_eq!(told(&[(850, 100)], 1, 800), [Some((0, 800))]);
        assert_eq!(told(&[(0, 10)], 0, 0), [None]);
    }

    proptest::proptest! {
        #[test]
        fn no_name_runs_into_another_or_is_crossed(
            mut wanted in proptest::collection::vec((0_i32..1_000, 20_i32..400), 0..9),
        ) {
            wanted.sort_unstable();
            let places = flags(&wanted, 9, (0, i32::MAX));
            let told: Vec<(usize, i32, i32, i32)> = places
                .iter()
                .zip(&wanted)
                .filter_map(|(place, (mast, width))| {
                    let Flag { row, at, is_left } = (*place)?;
                    let from = if is_left { at - width } else { at };
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
