//! A broker's memory before and after a backlog has built up.

use schedbench_reports::numbers::{Medium, bytes};

use super::Memory;

/// How often it is read on either side: what they differ by is what memory
/// scatters by when nothing happens.
pub const READINGS: usize = 5;

/// Readings of the memory of a broker's processes together, each while nothing
/// is on its way: no producer is connected, and no worker is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Before the first task was handed over.
    pub before: [Memory; READINGS],
    /// Once the last was confirmed.
    pub after: [Memory; READINGS],
}

/// What a footprint comes to, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The median before.
    pub before: u64,
    /// The median after.
    pub after: u64,
    /// The larger of what the readings of one side differ by.
    pub scatter: u64,
    /// Whether it is of the proportional share; else of the resident set, in
    /// which what processes share counts in each of them.
    pub is_pss: bool,
}

impl Footprint {
    /// From the median of one side to that of the other, of the proportional
    /// share where every reading has it.
    #[must_use]
    pub fn growth(&self) -> Growth {
        let pss = |side: &[Memory; READINGS]| -> Option<Vec<u64>> {
            side.iter().map(|memory| memory.pss).collect()
        };
        let rss = |side: &[Memory; READINGS]| side.iter().map(|memory| memory.rss).collect();
        let (before, after, is_pss) = match (pss(&self.before), pss(&self.after)) {
            (Some(before), Some(after)) => (before, after, true),
            _ => (rss(&self.before), rss(&self.after), false),
        };
        let (before, first) = median_and_range(before);
        let (after, second) = median_and_range(after);
        Growth { before, after, scatter: first.max(second), is_pss }
    }
}

impl Growth {
    /// `memory of the broker (PSS): 8.1 MB, with all confirmed 10.6 MB, scattering by 4.1 kB`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let [before, after, scatter] = [self.before, self.after, self.scatter]
            .map(|size| bytes(size as f64, Medium::Terminal));
        let kind = if self.is_pss { "PSS" } else { "RSS" };
        format!(
            "memory of the broker ({kind}): {before}, with all confirmed {after}, \
             scattering by {scatter}"
        )
    }
}

fn median_and_range(mut sizes: Vec<u64>) -> (u64, u64) {
    sizes.sort_unstable();
    let [least, most] = [sizes.first(), sizes.last()].map(|size| size.copied().unwrap_or(0));
    (sizes.get(sizes.len() / 2).copied().unwrap_or(0), most - least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(pss: [u64; READINGS]) -> [Memory; READINGS] {
        pss.map(|pss| Memory { rss: 10 * pss, pss: Some(pss) })
    }

    #[test]
    fn it_grows_from_median_to_median_and_scatters_by_the_wider_side() {
        let footprint =
            Footprint { before: side([100, 103, 100, 900, 101]), after: side([400; READINGS]) };
        let growth = footprint.growth();
        assert_eq!(growth, Growth { before: 101, after: 400, scatter: 800, is_pss: true });
        let turned = Footprint { before: footprint.after, after: footprint.before };
        assert_eq!(turned.growth(), Growth { before: 400, after: 101, ..growth });
    }

    #[test]
    fn one_reading_without_the_share_makes_it_resident() {
        let mut footprint =
            Footprint { before: side([100; READINGS]), after: side([400; READINGS]) };
        footprint.after[3].pss = None;
        let growth = footprint.growth();
        assert_eq!(growth, Growth { before: 1_000, after: 4_000, scatter: 0, is_pss: false });
        assert!(growth.in_words().contains("(RSS)"));
    }
}
