//! Tasks coming and going over the window, counted on a fine grid: what
//! backlog, Little's law and the series are computed from.

use std::ops::Range;

use schedbench_contract::ledger::{Enqueue, Entry};

use super::tasks::Task;

/// Steps of the grid: 60 bins of a series times 1,024, so that every coarser
/// division used here falls on its lines. A step of a 10 s window is 163 µs.
pub(super) const STEPS: usize = 60 * 1_024;

/// The window as a grid.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    window: Range<u64>,
    steps_per_ns: f64,
}

/// Where an instant lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the window.
    Before,
    /// In this step of it.
    Step(usize),
    /// At its end or later.
    After,
}

impl Grid {
    pub(super) fn over(window: &Range<u64>) -> Self {
        let length = window.end.saturating_sub(window.start).max(1);
        Self { window: window.clone(), steps_per_ns: STEPS as f64 / length as f64 }
    }

    pub(super) fn place(&self, instant: u64) -> Place {
        if instant < self.window.start {
            return Place::Before;
        }
        if instant >= self.window.end {
            return Place::After;
        }
        let since = (instant - self.window.start) as f64;
        Place::Step(((since * self.steps_per_ns) as usize).min(STEPS - 1))
    }

    /// D, seconds; never 0.
    pub(super) fn seconds(&self) -> f64 {
        self.window.end.saturating_sub(self.window.start).max(1) as f64 / 1e9
    }
}

/// A number of tasks over time: what it was when the window began, and by how
/// much each step changed it.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) at_start: i64,
    change: Vec<i32>,
    /// Changes inside the window.
    pub(super) events: u64,
}

impl Level {
    pub(super) fn new() -> Self {
        Self { at_start: 0, change: vec![0; STEPS], events: 0 }
    }

    pub(super) fn change(&mut self, at: Place, by: i32) {
        match at {
            Place::Before => self.at_start += i64::from(by),
            Place::Step(step) => {
                self.change[step] += by;
                self.events += 1;
            }
            Place::After => {}
        }
    }

    /// The mean level in each of `bins` equal parts of the window, a step
    /// counting as the mean of its two ends (the trapezoid rule).
    pub(super) fn means(&self, bins: usize) -> Vec<f64> {
        let width = STEPS / bins;
        let mut level = self.at_start as f64;
        let bin = |steps: &[i32]| {
            let mut area = 0.0;
            for &by in steps {
                area += level + f64::from(by) / 2.0;
                level += f64::from(by);
            }
            area / steps.len() as f64
        };
        self.change.chunks_exact(width).map(bin).collect()
    }

    /// The level when the window ended.
    pub(super) fn at_end(&self) -> i64 {
        self.at_start + self.change.iter().map(|&by| i64::from(by)).sum::<i64>()
    }
}

/// All the comings and goings of a cell. Probes are in none of it.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) grid: Grid,
    /// Hand-overs per step.
    pub(super) offered: Vec<u32>,
    /// First successful completions per step.
    pub(super) done: Vec<u32>,
    /// Accepted and not gone.
    pub(super) in_flight: Level,
    /// Accepted, due and not gone: the backlog. A task that is not due yet is
    /// not owed.
    pub(super) backlog: Level,
    /// Task-time spent in flight inside the window, summed task by task, ns.
    pub(super) residence_ns: i128,
    /// Tasks due in the window that are not left out by plan.
    pub(super) due: u64,
    /// First successes in the window among tasks that are not left out.
    pub(super) due_done: u64,
    /// Tasks due before the window and not gone when it began, handed over or
    /// not.
    pub(super) owed_at_start: u64,
}

impl Flow {
    pub(super) fn over(window: &Range<u64>) -> Self {
        Self {
            grid: Grid::over(window),
            offered: vec![0; STEPS],
            done: vec![0; STEPS],
            in_flight: Level::new(),
            backlog: Level::new(),
            residence_ns: 0,
            due: 0,
            due_done: 0,
            owed_at_start: 0,
        }
    }

    pub(super) fn see(&mut self, task: &Task) {
        let end = task.entry.first_end.map(|end| self.grid.place(end));
        let accepted = task.accepted();
        let accepted_place = accepted.map(|at| self.grid.place(at));
        if let Some(Place::Step(step)) = accepted_place {
            self.offered[step] += 1;
        }
        if let Some(Place::Step(step)) = end {
            self.done[step] += 1;
        }
        if !task.counts() {
            return;
        }
        let due = self.grid.place(task.due);
        self.due += u64::from(matches!(due, Place::Step(_)));
        self.due_done += u64::from(matches!(end, Some(Place::Step(_))));
        // The ledger keeps no instant of a death: the dead are in no level.
        if task.entry.dead && task.entry.successes == 0 {
            return;
        }
        let gone_at = gone(&task.entry);
        let gone = gone_at.map_or(Place::After, |at| self.grid.place(at));
        self.owed_at_start += u64::from(due == Place::Before && gone != Place::Before);
        if let (Some(accepted), Some(place)) = (accepted, accepted_place) {
            self.in_flight.change(place, 1);
            self.in_flight.change(gone, -1);
            let owed = if task.due > accepted { due } else { place };
            self.backlog.change(owed, 1);
            self.backlog.change(gone, -1);
            self.residence_ns += self.clipped(accepted, gone_at);
        }
    }

    /// The part of a stay that lies in the window, ns; negative where the
    /// stamps say that a task went before it came.
    fn clipped(&self, from: u64, to: Option<u64>) -> i128 {
        let Range { start, end } = self.grid.window;
        let clip = |at: u64| i128::from(at.clamp(start, end.max(start)));
        to.map_or(i128::from(end), clip) - clip(from)
    }

    /// First successful completions in the window.
    pub(super) fn done_in_window(&self) -> u64 {
        self.done.iter().map(|&count| u64::from(count)).sum()
    }

    /// Hand-overs in the window.
    pub(super) fn offered_in_window(&self) -> u64 {
        self.offered.iter().map(|&count| u64::from(count)).sum()
    }
}

/// When nothing more was owed: completed, or refused.
fn gone(entry: &Entry) -> Option<u64> {
    match entry.enqueue {
        Enqueue::Refused => entry.first_end.or(entry.confirmed_at),
        _ => entry.first_end,
    }
}
