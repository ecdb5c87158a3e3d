//! Outcomes with errors, and with values that only a hostile or broken file has.

use schedbench_contract::MomentKind;
use schedbench_reports::outcome::*;

use super::faulted::trial;
use super::*;

/// A system all of whose cells have errors.
pub fn broken() -> Outcome {
    let mut outcome = ramp_of(&[noop(), wheel(), kafka()], &[1e3, 10e3], 1);
    for cell in &mut outcome.cells {
        if cell.key.system == "kafka" {
            cell.validity = Validity::Incomplete("broker died".into());
            cell.state = State::Steady;
            cell.held = Held::NotJudged("incomplete".into());
            cell.error = Some(CellError {
                message: "kafka/acks-1: broker died 1.2 s after it started (exit 1)".into(),
                log: vec![
                    "java.net.BindException: Address already in use".into(),
                    "<script>alert(1)</script>".into(),
                ],
            });
            cell.counts = Counts::default();
            cell.metrics.clear();
            cell.histograms.clear();
            cell.series = Series::default();
        }
    }
    outcome
}

/// Values that only a hostile or broken file holds.
pub fn hostile() -> Outcome {
    let mut outcome = ramp_of(&[noop(), wheel(), asynq_rust()], &[1e3, 10e3], 2);
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e308, 1e-308];
    for (place, cell) in outcome.cells.iter_mut().enumerate() {
        let number = odd[place % odd.len()];
        for value in cell.metrics.values_mut() {
            *value = Value::Is(number);
        }
        for column in cell.series.columns.values_mut() {
            column.iter_mut().step_by(2).for_each(|x| *x = Some(number));
        }
        cell.series.bin_s = number;
        cell.window.horizon_s = number;
        cell.counts.grid.ok = [u64::MAX; 3];
        cell.counts.window.late = u64::MAX;
        cell.counts.window.lost = u64::MAX;
        cell.key.variant =
            (place % 3 == 0).then(|| "</script><script>alert(2)</script>".to_owned());
        cell.trials.push(trial(number));
        cell.trials[0].fault = "<img src=x onerror=alert(5)>\u{0}".into();
        // A word of the planned fault is missing, and the sums overflow.
        cell.key.fault = (place % 2 == 1).then(|| "kill <script>alert(6)</script>, ,".into());
        cell.counts.lost = u64::MAX;
        cell.counts.residual = u64::MAX;
        cell.trials[0].exposed = u64::MAX;
        cell.trials[0].drained_at = Some(number);
        cell.trials[0].series.start_s = odd[(place + 3) % odd.len()];
        for column in cell.trials[0].series.columns.values_mut() {
            column.iter_mut().step_by(2).for_each(|x| *x = Some(number));
        }
        cell.trials[0].done = vec![Done {
            fault: "<img src=x onerror=alert(7)>".into(),
            took_effect_s: number,
            cleared_s: Some(number),
        }];
        cell.moments.push(Mark {
            at_s: number,
            kind: MomentKind::Note,
            text: "\u{0}<b>&amp;\"'".into(),
        });
    }
    outcome.cells[0].key.load = Load::Rate(f64::NAN);
    outcome.cells[1].key.load = Load::Rate(-5.0);
    outcome.cells[2].key.load = Load::Rate(f64::INFINITY);
    outcome.cells[3].key.load = Load::InFlight(u64::MAX);
    outcome.cells[4].key.load = Load::Backlog(u64::MAX);
    outcome.cells[5].key.load = Load::Backlog(0);
    outcome.systems[1].system = "<img src=x onerror=alert(3)>".repeat(20);
    outcome.plan.text = "</pre><script>alert(4)</script>".into();
    outcome.run.started = "not a date".into();
    outcome.run.elapsed_s = f64::NAN;
    outcome.run.command =
        vec!["schedbench".into(), "run".into(), "my scenario's.toml".into(), "<x>".into()];
    outcome
}
