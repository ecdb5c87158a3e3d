//! The block of lines that `--live` draws: the run's head, and a line for each
//! system.

use std::collections::VecDeque;

use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{self, Medium};
use schedbench_reports::terminal::{columns, cut};

use super::reading::Reading;
use super::tally::{Subject, Tally};

/// Seconds that are remembered of each system: more than a line can show.
const SECONDS: usize = 120;
/// Systems that are shown, those which ran last: a terminal has 24 lines.
const ROWS: usize = 16;
/// Columns of the figures, with the mark before and the space behind them.
const FIGURES: usize = 50;
/// Seconds that a line shows at least; longer names are cut for them.
const FEWEST_SECONDS: usize = 10;
/// What was not measured.
const NONE: &str = "–";
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What stands above the systems.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Which cell of how many, and which it is.
    pub cell: String,
    /// How far the cell is, and how long it still takes.
    pub inside: String,
    /// How long the run still takes.
    pub left: String,
}

/// What was last seen of each system.
#[derive(Clone, Debug, Default)]
pub struct View {
    rows: VecDeque<Row>,
    /// The name of the one that runs.
    runs: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    load: String,
    tally: Tally,
    reading: Reading,
    /// Throughput, second by second.
    rates: VecDeque<f64>,
}

impl View {
    /// A cell of that system begins.
    pub(super) fn begin(&mut self, subject: &Subject) {
        let name = format!("{}/{}", subject.system, subject.profile);
        let known = self.rows.iter().position(|row| row.name == name);
        // In the order in which they were first seen; nobody's line jumps.
        let place = known.unwrap_or_else(|| {
            self.rows.push_back(Row { name: name.clone(), ..Row::default() });
            if self.rows.len() > ROWS {
                self.rows.pop_front();
            }
            self.rows.len() - 1
        });
        let row = &mut self.rows[place];
        row.load.clone_from(&subject.load);
        (row.tally, row.reading) = (Tally::default(), Reading::default());
        self.runs = Some(name);
    }

    /// What was counted and read of the cell that runs.
    pub(super) fn note(&mut self, tally: &Tally, reading: &Reading) {
        let running = self.rows.iter_mut().find(|row| self.runs.as_ref() == Some(&row.name));
        let Some(row) = running else { return };
        (row.tally, row.reading) = (*tally, reading.clone());
        row.rates.push_back(reading.rate);
        if row.rates.len() > SECONDS {
            row.rates.pop_front();
        }
    }

    /// The cell has ended.
    pub(super) fn end(&mut self) {
        self.runs = None;
    }

    /// The lines, none of them wider than `width` columns.
    #[must_use]
    pub fn lines(&self, head: &Head, width: usize) -> Vec<String> {
        let names = self.rows.iter().map(|row| columns(&row.name));
        let most = width.saturating_sub(FIGURES + FEWEST_SECONDS).max(6);
        let widest = names.max().unwrap_or(0).clamp(6, most);
        let table = |name: &str, cells: [&str; 6]| {
            let [load, rate, p50, p99, failed, backlog] = cells;
            let name = cut(name, widest);
            format!("{name:widest$}{load:>7}{rate:>8}{p50:>8}{p99:>8}{failed:>7}{backlog:>8}  ")
        };
        let title = table("system", ["load", "rate", "P50", "P99", "failed", "backlog"]);
        let room = width.saturating_sub(widest + FIGURES);
        let rows = self.rows.iter().map(|row| {
            let mark = if self.runs.as_ref() == Some(&row.name) { "> " } else { "  " };
            let cells = row.cells();
            let cells = cells.each_ref().map(String::as_str);
            format!("{mark}{}{}", table(&row.name, cells), spark(&row.rates, room))
        });
        let time = format!("        {}   {}", head.inside, head.left);
        let names = format!("  {title}{}", cut("per second", room));
        let heads = [head.cell.clone(), time, names];
        heads.into_iter().chain(rows).map(|line| cut(&line, width).trim_end().to_owned()).collect()
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let seconds = |at: Option<f64>| {
            at.map_or_else(|| NONE.to_owned(), |at| numbers::seconds(at, Medium::Terminal))
        };
        let tasks = |count: u64| numbers::amount(count as f64, Unit::Tasks, Medium::Terminal);
        let percentiles = self.reading.percentiles.unwrap_or_default();
        let has_run = self.tally != Tally::default();
        let rate = if has_run { numbers::rate(self.reading.rate) } else { NONE.to_owned() };
        [
            self.load.clone(),
            rate,
            seconds(percentiles.p50),
            seconds(percentiles.p99),
            tasks(self.tally.failed()),
            tasks(self.tally.backlog),
        ]
    }
}

/// The last seconds, each as high as its share of the highest.
fn spark(rates: &VecDeque<f64>, room: usize) -> String {
    let shown = rates.iter().skip(rates.len().saturating_sub(room));
    let most = shown.clone().copied().fold(0.0, f64::max);
    let bar = |rate: &f64| {
        let share = if most > 0.0 { rate / most } else { 0.0 };
        BARS[((share * BARS.len() as f64) as usize).min(BARS.len() - 1)]
    };
    shown.map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::super::reading::Percentiles;
    use super::*;

    fn subject(system: &str, profile: &str, load: &str) -> Subject {
        let (system, profile) = (system.to_owned(), profile.to_owned());
        Subject { system, profile, load: load.to_owned(), ..Subject::default() }
    }

    fn reading(rate: f64, p50: f64, p99: Option<f64>) -> Reading {
        let percentiles = Some(Percentiles { p50: Some(p50), p99 });
        Reading { rate, percentiles, lateness: None }
    }

    fn tally(failed: u64, backlog: u64) -> Tally {
        Tally { done: 1, refused: failed, backlog, ..Tally::default() }
    }

    fn seen() -> (View, Head) {
        let mut view = View::default();
        view.begin(&subject("wheel", "1ms", "20k/s"));
        for rate in [0.0, 9_000.0, 20_010.0, 19_990.0] {
            view.note(&tally(0, 3), &reading(rate, 0.000_52, Some(0.001_1)));
        }
        view.end();
        view.begin(&subject("a-system-whose-name-is-long", "and-its-profile", "100k/s"));
        view.begin(&subject("redis-asynq", "everysec", "20k/s"));
        for second in 1..=40 {
            let rate = 500.0 * f64::from(second);
            view.note(&tally(1_240, 118_244), &reading(rate, 1.9, None));
        }
        let head = Head {
            cell: " 17/54  redis-asynq/everysec  20k/s  repeat 2".to_owned(),
            inside: "━━━━━━━━────  6 s left".to_owned(),
            left: "total 4 min left".to_owned(),
        };
        (view, head)
    }

    #[test]
    fn a_line_for_each_system_at_80_columns() {
        let (view, head) = seen();
        insta::assert_snapshot!(view.lines(&head, 80).join("\n"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let (view, mut head) = seen();
        // Each of its characters takes two columns.
        head.cell += &"订单压测".repeat(10);
        for width in [0, 1, 20, 60, 79, 80, 81, 120, 200] {
            for line in view.lines(&head, width) {
                assert!(columns(&line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn the_systems_that_ran_last_are_shown() {
        let mut view = View::default();
        for number in 0..30 {
            view.begin(&subject(&format!("system-{number}"), "x", "1k/s"));
        }
        let lines = view.lines(&Head::default(), 80);
        assert_eq!(lines.len(), 3 + ROWS);
        assert!(lines[3].contains("system-14/x") && lines[18].starts_with("> system-29/x"));
    }
}
