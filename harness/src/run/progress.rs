//! What a person sees while a run goes on, on standard error.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use schedbench_contract::{Counts, Recorder};
use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{self, Medium, whole};
use schedbench_reports::outcome::{Cell, Held, State};

use super::live::{Head, Live, Phase, Subject, Timetable};
use crate::drive::Pulse;
use crate::voice;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Nothing but errors.
    Quiet,
    /// A line per cell, and a bar on a terminal.
    Normal,
}

/// The progress of a run.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    loudness: Loudness,
    total: u32,
    done: u32,
    began: Instant,
    estimate: Duration,
    now: Current,
    last_line: Instant,
    live: Option<Live>,
}

#[derive(Debug, Default)]
struct Current {
    title: String,
    began: Option<Instant>,
    length: Duration,
}

/// Without a terminal a line appears this often inside a long cell.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    /// A progress over `total` cells that are estimated to take `estimate`.
    #[must_use]
    pub fn new(total: u32, estimate: Duration, loudness: Loudness, bar: bool) -> Self {
        let bar = (bar && loudness == Loudness::Normal).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{prefix}\n{msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let now = Current::default();
        let last_line = Instant::now();
        let began = Instant::now();
        Self { bar, loudness, total, done: 0, began, estimate, now, last_line, live: None }
    }

    /// The same, watched by more than its lines.
    #[must_use]
    pub fn watched(mut self, live: Option<Live>) -> Self {
        self.live = live;
        self
    }

    /// Another cell was added to the plan: one that is run again.
    pub fn add_cell(&mut self) {
        self.total += 1;
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        if self.loudness == Loudness::Quiet {
            return;
        }
        // A closed standard error must not end a run.
        let say = || drop(writeln!(std::io::stderr(), "{line}"));
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    /// A cell begins that will take `length`.
    pub fn begin(&mut self, title: String, length: Duration, subject: Subject) {
        // A search may take more than was expected of it.
        self.total = self.total.max(self.done + 1);
        self.now = Current { title, began: Some(Instant::now()), length };
        self.last_line = Instant::now();
        if let Some(live) = &mut self.live {
            live.begin(subject, (self.done, self.total));
        }
        self.draw();
    }

    /// The cell's generator is about to drive: where it tells what it does, if
    /// somebody watches, who knows then when its tasks are due.
    pub fn watch(
        &mut self,
        log: &Recorder,
        timetable: impl FnOnce() -> Option<Timetable>,
    ) -> Option<Arc<Pulse>> {
        self.live.as_mut().map(|live| live.watch(log, timetable()))
    }

    /// A phase of the cell ends, for who tells phases apart.
    pub fn turn(&mut self, counts: Counts, phase: Phase) {
        if let Some(live) = &mut self.live {
            live.turn(counts, phase);
        }
    }

    /// What the cell's counters say now.
    pub fn tick(&mut self, counts: Counts, phase: Phase) {
        if self.live.as_mut().is_some_and(|live| live.look(counts, phase)) {
            self.draw();
        }
        if self.is_drawn() {
            return;
        }
        let Some(began) = self.now.began else { return };
        let inside = began.elapsed();
        let left = self.now.length.saturating_sub(inside);
        let share = inside.as_secs_f64() / self.now.length.as_secs_f64().max(0.001);
        let numbers = format!(
            "sent {}  done {}  backlog {}",
            whole(counts.taken),
            whole(counts.succeeded),
            whole(counts.taken.saturating_sub(counts.finished + counts.refused)),
        );
        let head = format!("{:>3}/{}  {}", self.done + 1, self.total, self.now.title);
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("{head}  {}  {:.0} s left", meter(share), left.as_secs_f64()));
            bar.set_message(format!("        {numbers}   total {} left", minutes(self.left())));
            bar.tick();
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.say(&format!("{head}  {:.0} s left  {numbers}", left.as_secs_f64()));
        }
    }

    fn is_drawn(&self) -> bool {
        self.live.as_ref().and_then(Live::view).is_some()
    }

    /// The block of `--live`, anew.
    fn draw(&self) {
        let view = self.live.as_ref().and_then(Live::view);
        let (Some(view), Some(bar), Some(began)) = (view, &self.bar, self.now.began) else {
            return;
        };
        let inside = began.elapsed();
        let left = self.now.length.saturating_sub(inside).as_secs_f64();
        let share = inside.as_secs_f64() / self.now.length.as_secs_f64().max(0.001);
        let head = Head {
            cell: format!("{:>3}/{}  {}", self.done + 1, self.total, self.now.title),
            inside: format!("{}  {left:.0} s left", meter(share)),
            left: format!("total {} left", minutes(self.left())),
        };
        let mut lines = view.lines(&head, voice::stderr_columns()).into_iter();
        bar.set_prefix(lines.next().unwrap_or_default());
        bar.set_message(lines.collect::<Vec<_>>().join("\n"));
        bar.tick();
    }

    /// A cell has ended.
    pub fn end(&mut self, cell: &Cell) {
        self.done += 1;
        if let Some(live) = &mut self.live {
            live.end(self.done, self.total);
        }
        self.now.began = None;
        self.say(&format!("{:>3}/{}  {}", self.done, self.total, line(cell)));
        for line in cell.error.iter().flat_map(|error| &error.log) {
            self.say(&format!("        | {line}"));
        }
    }

    /// Nothing more is drawn.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn left(&self) -> Duration {
        let elapsed = self.began.elapsed();
        if self.done == 0 {
            return self.estimate.saturating_sub(elapsed);
        }
        // What the cells so far took beyond the estimate is expected of the rest.
        let share = f64::from(self.done) / f64::from(self.total.max(1));
        let by_pace = elapsed.as_secs_f64() / share - elapsed.as_secs_f64();
        Duration::from_secs_f64(by_pace.max(0.0))
    }
}

/// The line that stays behind for a cell.
fn line(cell: &Cell) -> String {
    let text = |name: &str, unit| match cell.metrics.get(name) {
        Some(value) => numbers::short(value, unit, Medium::Terminal),
        None => "–".to_owned(),
    };
    let state = match (&cell.error, &cell.validity, &cell.held, &cell.state) {
        (Some(error), ..) => format!("  {}", error.message),
        (None, validity, ..) if !validity.is_valid() => {
            format!("  {}: {}", validity.word(), validity.why().unwrap_or_default())
        }
        (.., State::Overloaded(_)) => "  overloaded".to_owned(),
        (.., Held::No(why), _) => format!("  not held: {why}"),
        _ => String::new(),
    };
    if cell.error.is_some() && cell.metrics.is_empty() {
        return format!("{}{state}", title(cell));
    }
    if cell.key.is_of_a_backlog() {
        return format!(
            "{}  survived {}  lost {}  drained in {} at {}{state}",
            title(cell),
            text("backlog.survived", Unit::Tasks),
            text("backlog.lost", Unit::Tasks),
            text("backlog.drain_time", Unit::Seconds),
            text("backlog.drain_rate", Unit::PerSecond),
        );
    }
    format!(
        "{}  done {}  P50 {}  P99 {}{state}",
        title(cell),
        text("throughput", Unit::PerSecond),
        text("start_latency.p50", Unit::Seconds),
        text("start_latency.p99", Unit::Seconds),
    )
}

/// `system/profile  load  repeat`, as every line begins.
#[must_use]
pub fn title(cell: &Cell) -> String {
    let variant = cell.key.variant.as_ref().map_or_else(String::new, |text| format!("  {text}"));
    let trial = cell.key.trial.as_ref().map_or_else(String::new, |name| format!("  {name}"));
    format!(
        "{}/{}  {}{variant}{trial}  repeat {}",
        cell.key.system,
        cell.key.profile,
        numbers::load(cell.key.load),
        cell.key.repeat
    )
}

fn meter(share: f64) -> String {
    let filled = (share.clamp(0.0, 1.0) * 12.0) as usize;
    format!("{}{}", "━".repeat(filled), "─".repeat(12 - filled))
}

/// A duration as "4 min" or "12 s".
#[must_use]
pub fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 90 { format!("{} min", seconds.div_ceil(60)) } else { format!("{seconds} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_stays_inside_its_ends() {
        assert_eq!(meter(-1.0).chars().count(), 12);
        assert_eq!(meter(7.0), "━".repeat(12));
    }
}
