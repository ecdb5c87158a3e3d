//! The sentences of the verdict and the model of the table, read as text.

mod example;
mod outcomes;

use schedbench_reports::analysis::{Analysis, analyse};
use schedbench_reports::metrics::Unit;
use schedbench_reports::numbers::{Medium, load, short};

/// The model as a reader of a table would see it.
fn table(analysis: &Analysis) -> String {
    let mut out = String::new();
    for group in &analysis.groups {
        let common = group.common_load.map_or_else(|| "none".to_owned(), load);
        out.push_str(&format!("{} (common load {common})\n", group.title()));
        for row in &group.rows {
            let rank = row.rank.map_or_else(
                || "-".to_owned(),
                |rank| format!("{}{}", rank.place, if rank.shared { "=" } else { "" }),
            );
            let figure = |figure: &schedbench_reports::analysis::Figure, unit| {
                short(&figure.value, unit, Medium::Terminal)
            };
            out.push_str(&format!(
                "  {rank:>2} {:<22} {:<18} p99 {:<14} 10k {:<13} 100k {:<13} cpu {:<12} pss {}\n",
                row.label,
                row.capacity.text(),
                figure(&row.p99, Unit::Seconds),
                figure(&row.failed_10k, Unit::Fraction),
                figure(&row.failed_100k, Unit::Fraction),
                figure(&row.cpu, Unit::CpuSecondsPerMillion),
                figure(&row.pss, Unit::Bytes),
            ));
        }
    }
    out.push('\n');
    for sentence in &analysis.verdict {
        out.push_str(&sentence.text.replace('\u{202f}', " "));
        out.push('\n');
    }
    let counts = &analysis.counts;
    out.push_str(&format!(
        "\n{} of {} valid, {} held, not held {:?}, invalid {:?}\n",
        counts.valid,
        counts.measured,
        counts.held,
        counts.not_held.iter().map(|t| (t.word, t.cells.len())).collect::<Vec<_>>(),
        counts.invalid.iter().map(|t| (t.word, t.cells.len())).collect::<Vec<_>>()
    ));
    out
}

#[test]
fn each_outcome_is_analysed() {
    for (name, outcome) in outcomes::all() {
        let analysis = analyse(&outcome);
        if name != "hostile" {
            insta::assert_snapshot!(name, table(&analysis));
        }
    }
}

/// Demanded of three systems: held in all repeats, failed with its reason, and
/// not decided where the only cells that could say are invalid.
#[test]
fn objectives_are_met_failed_or_not_decided() {
    use schedbench_reports::analysis::Met;
    use schedbench_reports::outcome::{Load, Validity};

    let mut outcome = example::ramp();
    assert!(analyse(&outcome).objectives.is_empty(), "nothing was demanded");
    outcome.plan.objective_holds = Some(100_000.0);
    let met = |outcome: &_| -> Vec<(String, Met)> {
        let objectives = analyse(outcome).objectives;
        objectives.into_iter().map(|one| (one.target, one.met)).collect()
    };
    let said = met(&outcome);
    assert_eq!(said.len(), 2, "noop is not asked: {said:?}");
    assert!(said.iter().any(|(target, met)| target.starts_with("wheel/") && *met == Met::Yes));
    let (_, redis) = &said[1];
    let why = "not at 100k/s: done 61 % of offered";
    assert_eq!(*redis, Met::No(why.to_owned()));

    for cell in &mut outcome.cells {
        if cell.key.system == "wheel" && cell.key.load == Load::Rate(100_000.0) {
            cell.validity = Validity::GeneratorLimited("late".to_owned());
        }
    }
    let said = met(&outcome);
    let why = "no valid cell above 50k/s, which it holds";
    assert!(said.iter().any(|(_, met)| *met == Met::Unknown(why.to_owned())), "{said:?}");
    outcome.cells.retain(|cell| cell.key.system == "noop");
    let why = Met::Unknown("it was not measured".to_owned());
    assert!(met(&outcome).iter().all(|(_, met)| *met == why));
}
