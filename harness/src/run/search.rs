//! The highest rate held, cell by cell.

use anyhow::Result;
use schedbench_reports::outcome::{Cell, Held, State, Validity};

use super::session::Session;
use crate::judge::Capacity;
use crate::plan::{Bracket, CellPlan, MOST_FAILURES, MOST_TRIES, Search};

/// What a search found, or why nothing.
pub(super) type Found = std::result::Result<Capacity, String>;

/// What a rate's cells said.
enum Answer {
    Held,
    /// Not held; whether the system kept pace all the same.
    NotHeld {
        keeps_pace: bool,
    },
    /// No cell was valid, and why the last one was not.
    Unknown(String),
}

impl Session<'_> {
    /// Searches the highest rate held. It ends early where no valid cell is to
    /// be had: above that, nothing is known.
    pub(super) fn search(&mut self, block: u32, search: &Search) -> Result<Found> {
        let mut bracket = Bracket::new(search.from, search.to, search.precision);
        let mut none = "no rate was held".to_owned();
        while let Some(rate) = bracket.next_rate() {
            match self.try_rate(block, &search.template.at_rate(rate))? {
                Answer::Held => bracket.answer(rate, true),
                Answer::NotHeld { keeps_pace } => {
                    bracket.answer(rate, false);
                    if keeps_pace {
                        bracket.doubt_all();
                    }
                }
                Answer::Unknown(why) => {
                    let name = search.template.target.name();
                    self.stage.progress.say(&format!("{name}: the search ends here: {why}"));
                    none = format!("no rate was validly measured: {why}");
                    break;
                }
            }
        }
        Ok(match bracket.highest_held() {
            Some(rate) => Ok(Capacity { rate, is_bound: !bracket.is_closed() }),
            None => Err(none),
        })
    }

    fn try_rate(&mut self, block: u32, plan: &CellPlan) -> Result<Answer> {
        let (mut failures, mut keeps_pace) = (0, true);
        let (mut disturbed, mut why) = (false, String::new());
        // A further try takes the place of the one before; the cell says how
        // many there were.
        let mut place = None;
        for tries in 0..MOST_TRIES {
            if std::mem::take(&mut disturbed) {
                self.wait_for_a_quieter_moment(plan);
            }
            if self.stopped() {
                return Ok(Answer::Unknown("the run was stopped".to_owned()));
            }
            let kept = self.run_and_keep(block, plan, tries, place)?;
            place = Some(kept);
            let Cell { held, validity, error, state, .. } = &self.outcome.cells[kept];
            match (held, validity) {
                (Held::Yes, _) => return Ok(Answer::Held),
                (Held::No(_), _) => {
                    failures += 1;
                    keeps_pace &= *state == State::Steady;
                }
                (_, Validity::Disturbed(reason)) => {
                    disturbed = true;
                    why.clone_from(reason);
                }
                // The generator or a client is at its end, or the system is
                // broken: another try would say the same.
                (_, validity) => {
                    let reason = error.as_ref().map(|error| error.message.as_str());
                    let reason = reason.or(validity.why()).unwrap_or("no verdict");
                    return Ok(Answer::Unknown(reason.to_owned()));
                }
            }
            if failures == MOST_FAILURES {
                return Ok(Answer::NotHeld { keeps_pace });
            }
        }
        Ok(Answer::Unknown(why))
    }
}
