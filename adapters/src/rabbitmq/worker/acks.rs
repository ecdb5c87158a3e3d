//! Which deliveries are told to be done, and in how few frames.

use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    Done,
    Told,
}

/// Deliveries of one channel that are not acknowledged. Their tags count up
/// from 1 without a gap.
#[derive(Debug, Default)]
pub(super) struct Acks {
    held: VecDeque<State>,
    /// Tag of the first of them.
    first: u64,
    /// Done since the last frame.
    done: Vec<u64>,
}

/// What to tell the server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    /// Every delivery up to this one is done.
    pub(super) up_to: Option<u64>,
    /// And these, each by itself.
    pub(super) single: Vec<u64>,
}

impl Acks {
    /// A delivery came.
    pub(super) fn held(&mut self, tag: u64) {
        if self.held.is_empty() {
            self.first = tag;
        }
        self.held.push_back(State::Held);
    }

    /// It is done with.
    pub(super) fn done(&mut self, tag: u64) {
        self.done.push(tag);
        if let Some(state) = self.place(tag).and_then(|place| self.held.get_mut(place)) {
            *state = State::Done;
        }
    }

    fn place(&self, tag: u64) -> Option<usize> {
        usize::try_from(tag.checked_sub(self.first)?).ok()
    }

    /// What to tell now. Nothing that is done is kept back: what follows the
    /// oldest that still runs is told one by one.
    pub(super) fn frames(&mut self) -> Frames {
        let mut frames = Frames::default();
        while let Some(state) = self.held.front() {
            match state {
                State::Held => break,
                State::Done => frames.up_to = Some(self.first),
                State::Told => {}
            }
            self.held.pop_front();
            self.first += 1;
        }
        for tag in std::mem::take(&mut self.done) {
            let Some(place) = self.place(tag) else { continue };
            if let Some(state @ State::Done) = self.held.get_mut(place) {
                *state = State::Told;
                frames.single.push(tag);
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(done: &[u64], acks: &mut Acks) -> (Option<u64>, Vec<u64>) {
        done.iter().for_each(|&tag| acks.done(tag));
        let Frames { up_to, single } = acks.frames();
        (up_to, single)
    }

    #[test]
    fn a_frame_for_all_that_follow_each_other_and_one_for_each_other() {
        let mut acks = Acks::default();
        (1..=8).for_each(|tag| acks.held(tag));
        assert_eq!(of(&[], &mut acks), (None, vec![]));
        assert_eq!(of(&[1, 2, 3], &mut acks), (Some(3), vec![]));
        // 4 runs.
        assert_eq!(of(&[5, 7], &mut acks), (None, vec![5, 7]));
        assert_eq!(of(&[4], &mut acks), (Some(4), vec![]));
        // 5 and 7 were told already: only 6 is news.
        assert_eq!(of(&[6, 8], &mut acks), (Some(8), vec![]));
        acks.held(9);
        assert_eq!(of(&[9], &mut acks), (Some(9), vec![]));
    }

    #[test]
    fn every_delivery_is_told_once_in_any_order() {
        for step in [1, 3, 7, 11] {
            let mut acks = Acks::default();
            (1..=100).for_each(|tag| acks.held(tag));
            let mut told = std::collections::BTreeSet::new();
            for index in 0..100 {
                let tag = index * step % 100 + 1;
                let (up_to, single) = of(&[tag], &mut acks);
                told.extend(1..=up_to.unwrap_or(0));
                told.extend(single);
                assert!(told.contains(&tag));
                assert_eq!(told.len(), index as usize + 1);
            }
        }
    }
}
