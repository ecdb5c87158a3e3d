//! The article's claims about backlogs beside clusters of which a node died:
//! each has what was measured, with the conditions of both, and none is
//! confirmed by conditions that are not its own.

use schedbench_contract::DurabilityClass;
use schedbench_reports::analysis::{Agreement, Judged, Measured, Standing, analyse};
use schedbench_reports::html;
use schedbench_reports::outcome::{Outcome, Reading};

use crate::outcomes::piled::piled_up;
use crate::outcomes::{self, Model, asynq_go, rabbit};

const CLAIMS: [(&str, &str); 3] =
    [("4.5", "rabbitmq/mirrored-3"), ("4.6", "rabbitmq/mirrored-3"), ("4.7", "asynq/cluster-3")];

/// Of a cluster the scenario's `node` is its leader.
const LEADER: &str = "kill leader at 3 s for 1 s";

/// Five backlogs of each of the two clusters, and of one node, after a fault.
fn clusters(fault: &str) -> Outcome {
    let models = [
        Model { profile: "mirrored-3", class: DurabilityClass::Replicated, ..rabbit() },
        Model { profile: "cluster-3", ..asynq_go() },
        rabbit(),
    ];
    let mut outcome = piled_up(&models, 5, |_, _| 1.0);
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.profile != "durable") {
        cell.key.fault = Some(fault.into());
        cell.trials[0].fault = fault.into();
    }
    outcome
}

fn beside(outcome: &Outcome, id: &str) -> Judged {
    let mut rows = analyse(outcome).claims.into_iter().flat_map(|file| file.rows);
    rows.find(|row| row.claim.id == id).expect("the claim is there")
}

#[test]
fn each_is_set_beside_its_cluster_and_compared_with_none() {
    let outcome = clusters(LEADER);
    let page = html::render(&outcome);
    for (id, label) in CLAIMS {
        let row = beside(&outcome, id);
        assert_eq!(row.standing, Standing::NotComparable, "{id}: {}", row.why);
        let [line] = row.lines.as_slice() else { panic!("{id}: {:?}", row.lines) };
        let at = format!("10k pending, {LEADER}");
        assert_eq!((line.label.as_str(), line.at.as_str(), line.n), (label, at.as_str(), 5));
        assert_eq!((line.differs.len(), line.not_valid), (1, None), "{id}");
        assert!(row.why.contains(" here") && row.why.contains("there "), "{id}: {}", row.why);

        let of_it = page.split(&format!("<span class=\"id\">{id}</span>")).nth(1).expect("its row");
        let of_it = of_it.split("</tr>").next().expect("it ends");
        let [conditions, why] = [&row.claim.conditions, &row.why].map(|text| text.as_str());
        for words in [conditions, label, LEADER, why, "not comparable"] {
            assert!(of_it.contains(words), "{id}: no {words:?} in\n{of_it}");
        }
    }
}

/// A figure that would suit the claim confirms nothing.
#[test]
fn figures_that_agree_are_shown_and_confirm_nothing() {
    let mut outcome = clusters(LEADER);
    let row = beside(&outcome, "4.6");
    let told = &row.lines[0].told;
    assert!(told.iter().all(|told| told.agreement == Agreement::Agrees), "{told:?}");
    let Measured::Median(answers) = &told[0].measured else { panic!("a median") };
    assert!(matches!(answers.value, Reading::Is(s) if (s - 1.6).abs() < 1e-9), "{answers:?}");
    assert_eq!(row.standing, Standing::NotComparable);
    // Nothing is called milliseconds that began with a second of being dead.
    let row = beside(&outcome, "4.7");
    assert!(matches!(row.lines[0].told[0].agreement, Agreement::Differs(_)), "{row:?}");

    let lost = |outcome: &Outcome| {
        let row = beside(outcome, "4.5");
        assert_eq!(row.standing, Standing::NotComparable);
        let Measured::Count { number, words, .. } = &row.lines[0].told[0].measured else {
            panic!("a count")
        };
        (*number, words.clone())
    };
    assert_eq!(lost(&outcome), (Some(0), "0 lost".into()));
    let is_it = |profile: &str, repeat| profile == "mirrored-3" && repeat == 2;
    for cell in outcome.cells.iter_mut().filter(|c| is_it(&c.key.profile, c.key.repeat)) {
        cell.counts.lost = 12;
    }
    assert_eq!(lost(&outcome), (Some(12), "12 lost in 1 of 5".into()));
}

/// Another system, a cluster of which all died, or one that nobody hurt is none
/// of theirs: where there is a table at all, the command that measures it is there.
#[test]
fn another_backlog_is_not_set_beside_them() {
    let mut unhurt = clusters(LEADER);
    for cell in &mut unhurt.cells {
        cell.key.fault = None;
        cell.trials.clear();
    }
    for outcome in [outcomes::piled(), clusters("kill broker at 3 s for 1 s"), unhurt] {
        // Where nothing of any claim was measured there is no table.
        let rows = analyse(&outcome).claims.into_iter().flat_map(|file| file.rows);
        let mut those = rows.filter(|row| CLAIMS.iter().any(|(id, _)| row.claim.id == *id));
        assert!(those.all(|row| row.lines.is_empty()));
    }
    for (id, label) in CLAIMS {
        let row = beside(&outcomes::drill(), id);
        assert_eq!((row.standing, row.lines.len()), (Standing::NotMeasured, 0), "{id}");
        let run = format!("schedbench run backlog --systems {label} has");
        assert!(row.why.ends_with(&run), "{}", row.why);
    }
}
