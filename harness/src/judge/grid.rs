//! The 3 × 3 grid, the proof of loss, and whether the ledger balances
//! (`docs/measurement.md` §3; definitions in the fault research, §1).

use schedbench_contract::ledger::{Cancel, Enqueue, Entry, ExtraKind};
use schedbench_contract::{Backlog, Claims, ConfirmMode, Resends, Retries};
use schedbench_reports::outcome::{Again, Counts, Grid, WindowCounts};

use super::sums::Sums;
use super::tasks::{Seen, Task};
use crate::record::{Evidence, Proof};

/// Sums over every entry of the ledger.
#[derive(Debug, Default)]
pub(super) struct Entries {
    grid: Grid,
    again: Again,
    unsent: u64,
    /// Confirmed, no success; exactly one of the next three.
    dead: u64,
    taken_back: u64,
    missing: u64,
    /// Said to be cancelled, whatever the enqueue came to.
    cancelled: u64,
    cancelled_but_ran: u64,
    corrupt: u64,
    failed_attempts: u64,
    planned_failures: u64,
    died_unplanned: u64,
    /// Completions after the first that the words of the ledger show; a lower
    /// bound where a word counts no further.
    repeats: u64,
    repeats_saturated: bool,
    unplanned_sent: u64,
    unplanned_runs: u64,
}

impl Entries {
    pub(super) fn see(&mut self, seen: &Seen) {
        let (entry, fate) = match seen {
            Seen::Probe(entry, fate) => (entry, fate),
            Seen::Task(Task { entry, fate, .. }) => (entry, fate),
            Seen::Unplanned(entry) => {
                self.unplanned_sent += u64::from(entry.enqueue != Enqueue::Unsent);
                self.unplanned_runs += u64::from(entry.successes);
                self.repeated(entry);
                return;
            }
        };
        self.repeated(entry);
        self.place(entry);
        self.again(entry);
        self.corrupt += u64::from(entry.corrupt);
        self.failed_attempts += u64::from(entry.failures);
        if entry.first_start.is_some() {
            self.planned_failures += u64::from(fate.failures);
        }
        self.died_unplanned += u64::from(entry.dead && !fate.dies);
    }

    fn repeated(&mut self, entry: &Entry) {
        self.repeats += u64::from(entry.successes.saturating_sub(1));
        self.repeats_saturated |= entry.successes > 2;
    }

    /// Who made a task run again, as far as its own entry tells. A task that
    /// was sent once and ran twice was delivered twice, whatever its enqueue
    /// came to.
    fn again(&mut self, entry: &Entry) {
        if entry.successes < 2 {
            return;
        }
        let Again { redelivered, sent_again, not_told } = &mut self.again;
        let place = match (entry.sends, entry.failures) {
            (2.., _) => sent_again,
            (1, 0) => redelivered,
            // After a failed attempt a worker may send it again itself.
            _ => not_told,
        };
        *place += 1;
    }

    fn place(&mut self, entry: &Entry) {
        let completions = usize::from(entry.successes.min(2));
        match entry.enqueue {
            Enqueue::Unsent if completions == 0 => self.unsent += 1,
            Enqueue::Unsent | Enqueue::Refused => self.grid.fail[completions] += 1,
            Enqueue::Taken | Enqueue::Unknown => self.grid.unknown[completions] += 1,
            Enqueue::Confirmed => {
                self.grid.ok[completions] += 1;
                if completions == 0 {
                    match entry {
                        Entry { dead: true, .. } => self.dead += 1,
                        Entry { cancel: Cancel::Cancelled, .. } => self.taken_back += 1,
                        _ => self.missing += 1,
                    }
                }
            }
        }
        if entry.cancel == Cancel::Cancelled {
            // A run that failed is a run: it must not have started at all.
            match entry.first_start {
                Some(_) => self.cancelled_but_ran += 1,
                None => self.cancelled += 1,
            }
        }
    }

    /// What is remarkable and has no verdict of its own, a sentence each.
    pub(super) fn notes(&self, evidence: &Evidence<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        let retried = evidence.plan.target.profile.claims.retries == Retries::Native;
        if retried && self.failed_attempts != self.planned_failures {
            notes.push(format!(
                "{} failed attempts were seen, {} were planned",
                self.failed_attempts, self.planned_failures
            ));
        }
        if self.died_unplanned > 0 {
            notes.push(format!("{} tasks died that were to succeed", self.died_unplanned));
        }
        if let (Proof::NotAsked(why), 1..) = (&evidence.proof, self.missing) {
            let missing = self.missing;
            notes.push(format!("{missing} tasks are missing; loss was not proved: {why}"));
        }
        notes
    }

    /// What of the missing is lost.
    pub(super) fn loss(&self, evidence: &Evidence<'_>) -> Loss {
        let claims = &evidence.plan.target.profile.claims;
        Loss::of(self.missing, self.dead, &evidence.proof, claims)
    }

    /// Whether the system was asked and holds nothing: what is missing is not
    /// in it, whether or not it may be called lost.
    pub(super) fn holds_nothing(&self, evidence: &Evidence<'_>) -> bool {
        may_hold(self.dead, &evidence.proof) == Some(0)
    }

    /// The same where the client's own repeats are seen by nobody.
    fn told(&self, evidence: &Evidence<'_>) -> Again {
        match evidence.plan.target.profile.claims.resends {
            Resends::Noted => self.again,
            Resends::Unseen(_) => {
                let Again { redelivered, sent_again, not_told } = self.again;
                Again {
                    redelivered: 0,
                    sent_again: 0,
                    not_told: redelivered + sent_again + not_told,
                }
            }
        }
    }

    /// The cell's counts, with every reason why they do not balance.
    pub(super) fn counts(&self, evidence: &Evidence<'_>, sums: &Sums) -> (Counts, Vec<String>) {
        let loss = self.loss(evidence);
        let ledger = evidence.ledger;
        let mut counts = Counts {
            attempted: evidence.probes_sent + evidence.arrivals,
            grid: self.grid,
            unsent: self.unsent,
            balances: false,
            lost: loss.lost,
            residual: loss.residual,
            dead: self.dead,
            cancelled: self.cancelled,
            cancelled_but_ran: self.cancelled_but_ran,
            repeated: ledger.extra_count(ExtraKind::Repeated),
            again: self.told(evidence),
            leftovers: ledger.extra_count(ExtraKind::Leftover),
            unexpected: ledger.extra_count(ExtraKind::Foreign) + self.unplanned_runs,
            corrupt: self.corrupt,
            early: sums.latencies.early,
            inversions: sums.order.inversions(),
            ordered: sums.order.looked_at(),
            failed_attempts: self.failed_attempts,
            planned_failures: self.planned_failures,
            window: sums.window.counts(&loss),
        };
        let faults = self.imbalances(evidence, &counts, sums.planned);
        counts.balances = faults.is_empty();
        (counts, faults)
    }

    /// Everything that ought to be equal and is not. Each pair is counted in
    /// two ways: from the plan and from the ledger, from words and from sums.
    fn imbalances(&self, evidence: &Evidence<'_>, counts: &Counts, planned: u64) -> Vec<String> {
        let mut faults = Vec::new();
        let mut equal = |what: &str, left: u64, right: u64| {
            if left != right {
                faults.push(format!("{what}: {left} against {right}"));
            }
        };
        let Counts { grid, unsent, attempted, lost, residual, dead, .. } = *counts;
        equal("grid and unsent against attempted", grid.sum() + unsent, attempted);
        equal("arrivals against those of the seed", evidence.arrivals, planned);
        equal("confirmed without completion", lost + residual + dead + self.taken_back, grid.ok[0]);
        let again = counts.again.redelivered + counts.again.sent_again + counts.again.not_told;
        equal("tasks that ran again", again, grid.ok[2] + grid.unknown[2] + grid.fail[2]);
        let WindowCounts {
            done,
            refused,
            unsent,
            unknown,
            late,
            lost,
            planned_dead,
            cancelled,
            ..
        } = counts.window;
        let parts = [done, refused, unsent, unknown, late, lost, planned_dead, cancelled];
        equal("parts of the window", parts.iter().sum(), counts.window.intended);
        equal("tasks that were never planned", self.unplanned_sent, 0);
        if self.repeats_saturated {
            equal("repeated completions", self.repeats.max(counts.repeated), counts.repeated);
        } else {
            equal("repeated completions", self.repeats, counts.repeated);
        }
        let room = evidence.ledger.len() as u64;
        let needed = evidence.first_arrival.max(evidence.probes_sent) + evidence.arrivals;
        equal("tasks beyond the ledger's room", needed.saturating_sub(room), 0);
        let overlap = evidence.probes_sent.saturating_sub(evidence.first_arrival);
        equal("probes among the arrivals", overlap, 0);
        faults
    }
}

/// What was proved of the confirmed tasks that never completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loss {
    /// At least so many are gone.
    pub(super) lost: u64,
    /// The others: still held, or nobody could be asked.
    pub(super) residual: u64,
    /// Whether loss can be said at all; `None` when it cannot, else how many
    /// the system may still hold.
    pub(super) may_hold: Option<u64>,
}

impl Loss {
    /// With k tasks still held by the system, m missing ones and nothing said
    /// about which: `lost = max(0, m − k)`, `residual = min(m, k)`.
    ///
    /// That is a lower bound of the loss: some of the k may be repeats or
    /// tasks whose enqueue is unknown. Tasks that the system says are dead
    /// and whose end nobody reported count as held. Without an answer, or
    /// under a profile that does not confirm, nothing is called lost.
    fn of(missing: u64, dead_heard: u64, proof: &Proof, claims: &Claims) -> Self {
        let confirms = claims.confirms == ConfirmMode::Confirmed;
        match may_hold(dead_heard, proof).filter(|_| confirms) {
            None => Self { lost: 0, residual: missing, may_hold: None },
            Some(may_hold) => Self {
                lost: missing.saturating_sub(may_hold),
                residual: missing.min(may_hold),
                may_hold: Some(may_hold),
            },
        }
    }
}

/// How many tasks a system may still hold; `None` where it was not asked, or
/// can say nothing of it: that is not "empty".
fn may_hold(dead_heard: u64, proof: &Proof) -> Option<u64> {
    let Proof::Asked(backlog) = proof else { return None };
    let Backlog { ready, held, scheduled, retry, dead } = *backlog;
    [ready, held, scheduled, retry].iter().any(Option::is_some).then(|| {
        let unheard = dead.unwrap_or(0).saturating_sub(dead_heard);
        backlog.outstanding().saturating_add(unheard)
    })
}
