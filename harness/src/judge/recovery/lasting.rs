//! From when on something holds, and lasts.

/// Intervals that something must last to count.
pub(super) const LASTING: usize = 50;

/// Of those, how many must be ok for a recovery.
pub(super) const RECOVERED: usize = 45;

/// Where it holds from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onset {
    /// This interval.
    At(usize),
    /// Not before this interval: from there on what was watched does not speak
    /// against it, but it was not watched for long enough. The number of
    /// intervals, when it never held.
    NotBefore(usize),
}

/// The first interval at or after `from` that holds itself and from which
/// `needed` of 50 hold.
///
/// That it must hold itself is not in "45 of the next 50": that would put the
/// end of an outage five intervals before its end (`decisions/0024`).
pub(super) fn first(holds: &[bool], from: usize, needed: usize) -> Onset {
    let end = holds.len();
    for place in from.min(end)..end {
        if !holds[place] {
            continue;
        }
        let next = &holds[place..end.min(place + LASTING)];
        let held = next.iter().filter(|&&holds| holds).count();
        if held >= needed {
            return Onset::At(place);
        }
        if next.len() - held <= LASTING - needed {
            return Onset::NotBefore(place);
        }
    }
    Onset::NotBefore(end)
}

#[cfg(test)]
mod tests {
    use super::Onset::{At, NotBefore};
    use super::*;

    /// `o` holds, `x` does not; a number repeats the letter before it.
    fn series(parts: &[(bool, usize)]) -> Vec<bool> {
        parts.iter().flat_map(|&(holds, times)| std::iter::repeat_n(holds, times)).collect()
    }

    #[test]
    fn the_end_of_an_outage_is_its_end() {
        let outage = series(&[(true, 10), (false, 20), (true, 60)]);
        assert_eq!(first(&outage, 10, RECOVERED), At(30));
        assert_eq!(first(&outage, 40, RECOVERED), At(40));
    }

    #[test]
    fn five_of_fifty_may_fail_and_no_more() {
        let five = series(&[(false, 3), (true, 10), (false, 5), (true, 60)]);
        assert_eq!(first(&five, 0, RECOVERED), At(3));
        let six = series(&[(false, 3), (true, 10), (false, 6), (true, 60)]);
        assert_eq!(first(&six, 0, RECOVERED), At(19));
        assert_eq!(first(&five, 0, LASTING), At(18), "a drain may fail in none");
    }

    #[test]
    fn what_was_not_watched_for_long_enough_is_a_lower_bound() {
        let short = series(&[(false, 20), (true, 30)]);
        assert_eq!(first(&short, 0, RECOVERED), NotBefore(20));
        let enough = series(&[(false, 20), (true, 45)]);
        assert_eq!(first(&enough, 0, RECOVERED), At(20), "the rest cannot change it");
        assert_eq!(first(&series(&[(false, 70)]), 0, RECOVERED), NotBefore(70));
        let broken = series(&[(false, 5), (true, 10), (false, 20), (true, 3)]);
        assert_eq!(first(&broken, 0, RECOVERED), NotBefore(35));
        assert_eq!(first(&[], 7, RECOVERED), NotBefore(0));
    }
}
