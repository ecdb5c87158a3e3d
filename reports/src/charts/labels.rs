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
}
