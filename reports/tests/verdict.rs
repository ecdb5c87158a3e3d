//! The sentences of the verdict and the model of the table, read as text.

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
