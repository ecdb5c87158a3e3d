//! The blocks in their order, each with its cells in theirs.

use std::io::{self, Write};

use schedbench_reports::terminal::columns;

use crate::plan::{Block, CellPlan, Load, Plan, Step};
use crate::scenario::{Count, Fraction, Nanos, Rate};

pub(super) fn blocks(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let name = plan.blocks.iter().map(|block| block.target.name().len()).max().unwrap_or(0);
    let number = plan.blocks.len().to_string().len();
    writeln!(out, "\nblocks in their order, each with its cells in theirs")?;
    for (at, block) in plan.blocks.iter().enumerate() {
        let head = format!(
            "  {:>number$}  {:name$}  repeat {}  ",
            at + 1,
            block.target.name(),
            block.repeat,
        );
        let mut line = head.clone();
        for (step, words) in steps(block).into_iter().enumerate() {
            // Readable at 80 columns: what does not fit goes below its kind.
            if step > 0 && columns(&line) + columns(&words) + 2 > 80 {
                writeln!(out, "{}", line.trim_end())?;
                line = " ".repeat(columns(&head));
            }
            line.push_str(&words);
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn steps(block: &Block) -> Vec<String> {
    let words = |cell: &CellPlan, load: String| {
        let named = cell.trial_name().filter(|_| !cell.is_searching());
        let differs = cell.variant.as_deref().into_iter().chain(named);
        match differs.collect::<Vec<_>>().join(", ").as_str() {
            "" => load,
            differs => format!("{load} ({differs})"),
        }
    };
    block
        .steps
        .iter()
        .map(|step| match step {
            Step::Cell(cell) => words(cell, load_words(&cell.load)),
            Step::Search(search) => words(
                &search.template,
                format!(
                    "search {} to {} ± {}, {} each",
                    Rate(search.from),
                    Rate(search.to),
                    Fraction(search.precision),
                    Nanos(search.template.load.window_ns()),
                ),
            ),
            // Its variant says of what it is a share.
            Step::AtCapacity { cell, .. } if cell.is_tried() => {
                words(cell, Nanos(cell.load.window_ns()).to_string())
            }
            Step::AtCapacity { share, cell } => words(
                cell,
                format!("{} of that for {}", Fraction(*share), Nanos(cell.load.window_ns())),
            ),
        })
        .collect()
}

fn load_words(load: &Load) -> String {
    match load {
        Load::InFlight { tasks, .. } => format!("{} in flight", Count(*tasks)),
        Load::Backlog { tasks } => format!("{} pending", Count(*tasks)),
        Load::Open { stages, .. } => {
            let rates: Vec<String> =
                stages.iter().map(|stage| format!("{}/s", Rate(stage.rate))).collect();
            rates.join("→")
        }
    }
}
