//! What can be watched of a run while it goes on, for `--metrics` and `--live`:
//! counters of the cell that runs, and latencies of its last second.
//!
//! All of it is read beside the generator, by the thread that stands there
//! anyway, from counters and a ledger that are written without it. Nothing here
//! is a result: every published figure is the judge's, from the whole ledger.

mod exposition;
mod reading;
mod server;
mod tally;
mod view;

use std::sync::{Arc, Mutex, PoisonError};

use schedbench_adapters::clock;
use schedbench_contract::{Counts, Recorder};

use crate::drive::Pulse;
pub use exposition::Exposed;
use reading::Second;
pub use reading::{Reading, Timetable};
pub use server::{Listener, Server, Unwatched};
pub use tally::{Phase, Subject, Tally};
pub use view::{Head, View};

/// How often a person or Prometheus sees other counters, ns.
const TELL_EVERY_NS: u64 = 200_000_000;
/// How often latencies are read, ns.
const READ_EVERY_NS: u64 = 1_000_000_000;

/// What is shared with whoever serves metrics.
pub type Board = Arc<Mutex<Exposed>>;

/// A run that is watched.
#[derive(Debug)]
pub struct Live {
    pulse: Arc<Pulse>,
    board: Option<Board>,
    view: Option<View>,
    second: Second,
    cell: Option<Cell>,
}

/// The cell that runs.
#[derive(Debug)]
struct Cell {
    log: Recorder,
    /// Before the generator began: probes are nobody's load.
    before: Counts,
    timetable: Option<Timetable>,
    next_tell: u64,
    last_read: u64,
    done_then: u64,
    offered_then: u64,
    phase: Phase,
}

impl Live {
    /// Watches for these; `None` where nobody does.
    #[must_use]
    pub fn new(board: Option<Board>, view: Option<View>) -> Option<Self> {
        (board.is_some() || view.is_some()).then(|| Self {
            pulse: Arc::default(),
            board,
            view,
            second: Second::default(),
            cell: None,
        })
    }

    /// Another cell begins; nothing has been offered in it.
    pub fn begin(&mut self, subject: Subject, cells: (u32, u32)) {
        if let Some(view) = &mut self.view {
            view.begin(&subject);
        }
        self.on_board(|board| {
            board.cells = cells;
            board.begin(subject);
        });
    }

    /// The cell's generator is about to drive; where it tells what it does.
    /// `timetable` says when tasks are due, where that is known before.
    pub fn watch(&mut self, log: &Recorder, timetable: Option<Timetable>) -> Arc<Pulse> {
        self.pulse.reset();
        let now = clock::now();
        self.cell = Some(Cell {
            log: log.clone(),
            before: log.counts(),
            timetable,
            next_tell: now,
            last_read: now,
            done_then: 0,
            offered_then: 0,
            phase: Phase::WarmUp,
        });
        Arc::clone(&self.pulse)
    }

    /// Looks at the counters; whether there is something new to be drawn.
    pub fn look(&mut self, counts: Counts, phase: Phase) -> bool {
        let now = clock::now();
        let Some(cell) = self.cell.as_mut().filter(|cell| now >= cell.next_tell) else {
            return false;
        };
        cell.next_tell = now + TELL_EVERY_NS;
        cell.phase = phase;
        let tally = Tally::of(&cell.before, &counts, self.pulse.offered());
        let reading = (now >= cell.last_read + READ_EVERY_NS).then(|| {
            let percentiles = cell
                .timetable
                .as_mut()
                .and_then(|timetable| self.second.read(timetable, cell.log.ledger(), now));
            let done = tally.done - cell.done_then;
            let rate = done as f64 / ((now - cell.last_read) as f64 / 1e9);
            let offered = tally.offered > cell.offered_then;
            (cell.last_read, cell.done_then, cell.offered_then) = (now, tally.done, tally.offered);
            // In flight and of a backlog a task is intended when it is offered.
            let is_paced = cell.timetable.is_some() && offered;
            let latest = self.pulse.take_latest_ns();
            let lateness = is_paced.then_some(latest as f64 / 1e9);
            Reading { rate, percentiles, lateness }
        });
        self.on_board(|board| board.note(phase, tally, reading.as_ref()));
        match (&mut self.view, reading) {
            (Some(view), Some(reading)) => {
                view.note(&tally, &reading);
                true
            }
            _ => false,
        }
    }

    /// A phase ends: what was counted until now belongs to it.
    pub fn turn(&mut self, counts: Counts, phase: Phase) {
        let Some(cell) = &mut self.cell else { return };
        cell.phase = phase;
        let tally = Tally::of(&cell.before, &counts, self.pulse.offered());
        self.on_board(|board| board.note(phase, tally, None));
    }

    /// The cell has ended: its last counts are noted, and its ledger is let go.
    pub fn end(&mut self, done: u32, planned: u32) {
        let last = self.cell.take().map(|cell| {
            let tally = Tally::of(&cell.before, &cell.log.counts(), self.pulse.offered());
            (cell.phase, tally)
        });
        if let Some(view) = &mut self.view {
            view.end();
        }
        self.on_board(|board| {
            board.cells = (done, planned);
            if let Some((phase, tally)) = last {
                board.note(phase, tally, None);
            }
        });
    }

    /// What is drawn on the terminal, where somebody looks.
    #[must_use]
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    fn on_board(&self, change: impl FnOnce(&mut Exposed)) {
        if let Some(board) = &self.board {
            change(&mut board.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
