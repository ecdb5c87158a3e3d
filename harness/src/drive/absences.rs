use std::collections::VecDeque;

/// When the generator stood neither inside `submit` nor ready to call it: what
/// fell due then is late by its own fault, however many batches later it is
/// handed over.
#[derive(Debug, Default)]
pub(super) struct Absences {
    /// Until when it last stood inside `submit`.
    in_system_until: u64,
    /// After the first instant and up to the second it was away; ascending,
    /// and only as far back as tasks are still to be handed over.
    away: VecDeque<(u64, u64)>,
}

impl Absences {
    /// The generator looks what is due.
    pub(super) fn back_at(&mut self, now: u64) {
        match self.away.back_mut() {
            // It has not been inside `submit` since it last looked.
            Some((from, to)) if *from == self.in_system_until => *to = now,
            _ => self.away.push_back((self.in_system_until, now)),
        }
    }

    /// A call of `submit` has returned.
    pub(super) const fn left_system_at(&mut self, now: u64) {
        self.in_system_until = now;
    }

    /// When a task was first offered. Asked in the order of intended times.
    pub(super) fn offered(&mut self, intended: u64) -> u64 {
        while self.away.len() > 1 && self.away.front().is_some_and(|&(_, to)| to < intended) {
            self.away.pop_front();
        }
        match self.away.front() {
            Some(&(from, to)) if from < intended && intended <= to => to,
            // It stood inside `submit` and tried.
            _ => intended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_due_inside_submit_is_in_time_and_what_falls_due_outside_is_not() {
        let mut absences = Absences::default();
        absences.back_at(100);
        // The first look: whatever was due is late.
        assert_eq!(absences.offered(60), 100);
        absences.left_system_at(150);
        absences.back_at(151);
        absences.back_at(250);
        // Inside submit, away from it since, and at the very moment.
        assert_eq!(absences.offered(120), 120);
        assert_eq!(absences.offered(150), 150);
        assert_eq!(absences.offered(151), 250);
        assert_eq!(absences.offered(250), 250);
    }

    #[test]
    fn an_absence_is_remembered_over_many_batches() {
        let mut absences = Absences::default();
        absences.back_at(1_000);
        for batch in 1..5 {
            assert_eq!(absences.offered(batch), 1_000);
            absences.left_system_at(1_000 + 10 * batch);
            absences.back_at(1_001 + 10 * batch);
        }
        // What fell due inside the batches' submits, and between two of them.
        assert_eq!(absences.offered(1_005), 1_005);
        assert_eq!(absences.offered(1_011), 1_011);
        assert_eq!(absences.away.len(), 4);
    }
}
