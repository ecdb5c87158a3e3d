//! What Prometheus reads: the OpenMetrics text of what is counted now.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::reading::Reading;
use super::tally::{Phase, Subject, Tally};

/// Everything that is exposed, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Exposed {
    run: String,
    scenario: String,
    /// Cells done, and cells planned.
    pub(super) cells: (u32, u32),
    /// The cell that runs and the one before it, phase by phase.
    series: Vec<Series>,
    /// Of the cell that runs.
    now: Tally,
    reading: Reading,
}

#[derive(Clone, Debug)]
struct Series {
    subject: Subject,
    phase: Phase,
    tally: Tally,
}

type Labels = Vec<(&'static str, String)>;

impl Series {
    fn labels(&self) -> Labels {
        let Subject { system, profile, load, variant, repeat, cell } = &self.subject;
        vec![
            ("system", system.clone()),
            ("profile", profile.clone()),
            ("load", load.clone()),
            ("variant", variant.clone()),
            ("repeat", repeat.to_string()),
            ("cell", cell.to_string()),
            ("phase", self.phase.name().to_owned()),
        ]
    }
}

impl Exposed {
    /// A run that is about to begin: its id, its scenario, and its cells.
    #[must_use]
    pub fn of(run: &str, scenario: &str, cells: u32) -> Self {
        let (run, scenario) = (run.to_owned(), scenario.to_owned());
        Self { run, scenario, cells: (0, cells), ..Self::default() }
    }

    /// Another cell begins. The one before it is kept until the next, so that
    /// whoever asks every few seconds sees how it ended.
    pub(super) fn begin(&mut self, subject: Subject) {
        if let Some(last) = self.series.last().map(|last| last.subject.cell) {
            self.series.retain(|series| series.subject.cell == last);
        }
        (self.now, self.reading) = (Tally::default(), Reading::default());
        self.series.push(Series { subject, phase: Phase::WarmUp, tally: Tally::default() });
    }

    /// What was counted of the cell so far: what is new counts in this phase.
    pub(super) fn note(&mut self, phase: Phase, tally: Tally, reading: Option<&Reading>) {
        let Some(last) = self.series.last_mut() else { return };
        let fresh = tally.since(&self.now);
        if self.now == Tally::default() {
            last.phase = phase;
        }
        if last.phase == phase {
            last.tally = last.tally.and(&fresh);
        } else {
            let subject = last.subject.clone();
            self.series.push(Series { subject, phase, tally: fresh });
        }
        self.now = tally;
        if let Some(reading) = reading {
            self.reading = reading.clone();
        }
    }

    /// The text.
    #[must_use]
    pub fn text(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut out = String::new();
        // A string takes all that is written.
        let _ = text::encode(&mut out, &registry);
        out
    }
}

/// A counter's name, its meaning, and where it stands.
type Counter = (&'static str, &'static str, fn(&Tally) -> u64);

const COUNTERS: &[Counter] = &[
    ("tasks_offered", "Tasks that the generator tried to hand over", |tally| tally.offered),
    ("tasks_accepted", "Tasks that the system's client took", |tally| tally.accepted),
    ("tasks_confirmed", "Tasks that the system vouched for", |tally| tally.confirmed),
    ("tasks_done", "Tasks that completed for the first time", |tally| tally.done),
];

type Failure = (&'static str, fn(&Tally) -> u64);

const FAILURES: &[Failure] = &[
    ("refused", |tally| tally.refused),
    ("unknown", |tally| tally.unknown),
    ("attempt", |tally| tally.failed_attempts),
];

const FAILED: &str = "Tasks refused, tasks given up as unknown, and attempts of handlers that \
    failed; what is late or lost only the report can say";
const BACKLOG: &str =
    "Tasks taken that have neither completed nor been refused, set aside or cancelled";
const LATENCY: &str = "Start latency of the tasks that fell due in the last second; one that has \
    not started counts with its wait so far. Absent with fewer than 10 tasks beyond the quantile, \
    for delayed tasks, in flight and of a backlog";
const LATENESS: &str = "Largest pacing lateness of the last second: how late the generator was. \
    Absent where nothing was offered in it, in flight and of a backlog";

impl Collector for Exposed {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let run: Labels = vec![
            ("run", self.run.clone()),
            ("scenario", self.scenario.clone()),
            ("version", version),
        ];
        gauges(&mut to, "schedbench_run", "The run that is measured", &[(run, 1.0)])?;
        let (done, planned) = self.cells;
        for (name, help, cells) in [
            ("schedbench_cells_done", "Cells measured", done),
            ("schedbench_cells_planned", "Cells planned, those done among them", planned),
        ] {
            gauges(&mut to, name, help, &[(Labels::new(), f64::from(cells))])?;
        }
        for (name, help, of) in COUNTERS {
            let each = self.series.iter().map(|series| (series.labels(), of(&series.tally)));
            counters(&mut to, &format!("schedbench_{name}"), help, each)?;
        }
        let each = self.series.iter().flat_map(|series| {
            FAILURES.iter().map(|(kind, of)| (with(series, "kind", kind), of(&series.tally)))
        });
        counters(&mut to, "schedbench_failed", FAILED, each)?;
        self.encode_now(&mut to)
    }
}

impl Exposed {
    /// What is true of this moment only.
    fn encode_now(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(last) = self.series.last() else { return Ok(()) };
        let Reading { percentiles, lateness, .. } = &self.reading;
        let backlog = [(last.labels(), self.now.backlog as f64)];
        gauges(to, "schedbench_backlog_tasks", BACKLOG, &backlog)?;
        let percentiles = percentiles.unwrap_or_default();
        let latencies: Vec<(Labels, f64)> = [("0.5", percentiles.p50), ("0.99", percentiles.p99)]
            .into_iter()
            .filter_map(|(quantile, at)| Some((with(last, "quantile", quantile), at?)))
            .collect();
        gauges(to, "schedbench_start_latency_seconds", LATENCY, &latencies)?;
        let lateness: Vec<_> = lateness.iter().map(|late| (last.labels(), *late)).collect();
        gauges(to, "schedbench_pacing_lateness_seconds", LATENESS, &lateness)
    }
}

fn with(series: &Series, name: &'static str, value: &str) -> Labels {
    let mut labels = series.labels();
    labels.push((name, value.to_owned()));
    labels
}

fn counters(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    each: impl Iterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let mut family = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in each {
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauges(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    each: &[(Labels, f64)],
) -> fmt::Result {
    if each.is_empty() {
        return Ok(());
    }
    let mut family = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in each {
        ConstGauge::new(*value).encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::reading::Percentiles;
    use super::*;

    fn subject(cell: u32) -> Subject {
        let load = "1k/s".to_owned();
        let (system, profile) = ("wheel".to_owned(), "1\"ms".to_owned());
        Subject { system, profile, load, variant: String::new(), repeat: 1, cell }
    }

    fn done(done: u64) -> Tally {
        Tally { offered: done + 3, done, backlog: 2, ..Tally::default() }
    }

    #[test]
    fn counters_are_told_apart_by_phase_and_the_last_cell_is_kept() {
        let mut board = Exposed { cells: (1, 9), ..Exposed::default() };
        for cell in 1..=3 {
            board.begin(subject(cell));
            board.note(Phase::WarmUp, done(10), None);
            board.note(Phase::Window, done(25), None);
            board.note(Phase::Window, done(40), None);
            board.note(Phase::Drain, done(42), None);
        }
        let text = board.text();
        for cell in [2, 3] {
            for (phase, done) in [("warm-up", 10), ("window", 30), ("drain", 2)] {
                let labels = format!(
                    "system=\"wheel\",profile=\"1\\\"ms\",load=\"1k/s\",variant=\"\",repeat=\"1\",\
                     cell=\"{cell}\",phase=\"{phase}\""
                );
                let line = format!("schedbench_tasks_done_total{{{labels}}} {done}\n");
                assert!(text.contains(&line), "no {line} in:\n{text}");
            }
        }
        assert!(!text.contains("cell=\"1\""), "{text}");
        assert!(text.contains("schedbench_cells_planned 9.0\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn what_was_not_measured_is_absent() {
        let mut board = Exposed::default();
        assert!(!board.clone().text().contains("backlog"));
        board.begin(subject(1));
        board.note(Phase::Window, done(5), None);
        let text = board.clone().text();
        assert!(text.contains("schedbench_backlog_tasks{") && !text.contains("seconds"), "{text}");
        let percentiles = Some(Percentiles { p50: Some(0.0015), p99: None });
        let reading = Reading { rate: 5.0, percentiles, lateness: Some(0.0001) };
        board.note(Phase::Window, done(6), Some(&reading));
        let text = board.text();
        assert!(text.contains("quantile=\"0.5\"} 0.0015\n") && !text.contains("0.99"), "{text}");
        assert!(text.contains("schedbench_pacing_lateness_seconds{"), "{text}");
    }
}
