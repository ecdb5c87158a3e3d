//! Claims about tasks lost: which repeats count, and what is no zero.

use schedbench_reports::analysis::{Standing, analyse, analyse_beside};
use schedbench_reports::claims::parse;
use schedbench_reports::export;
use schedbench_reports::outcome::{Cell, Outcome, Validity};

use crate::outcomes;

/// What becomes of `metric` being none, of these systems and conditions.
fn none(outcome: &Outcome, metric: &str, against: &str) -> (Standing, String) {
    let text = format!(
        "name = \"mine\"\n[[claim]]\nid = \"a\"\nsubject = \"all\"\nsays = \"none\"\n\
         figures = [{{ metric = \"{metric}\", at_most = \"0\" }}]\nagainst = [{{ {against} }}]\n"
    );
    let file = parse("mine.toml", text.as_bytes()).expect("claims");
    let analysis = analyse_beside(outcome, &[file]);
    let row = &analysis.claims.last().expect("mine").rows[0];
    (row.standing, row.why.clone())
}

/// What is missing without a proof, or was never confirmed, is no zero, and a
/// loss is one in whichever repeat.
#[test]
fn nothing_lost_is_said_of_what_was_confirmed_and_ran() {
    let models = [outcomes::rabbit(), outcomes::rabbit_transient()];
    let mut outcome = outcomes::ramp_of(&models, &[10e3], 5);
    let of = |outcome: &Outcome, name: &str| {
        none(outcome, "lost", &format!("systems = [\"rabbitmq/{name}\"], rate = \"10k/s\""))
    };
    let five = "in each figure, over 5 repeats and more";
    assert_eq!(of(&outcome, "durable"), (Standing::Confirmed, five.into()));
    // What was cut short vouches for nothing: four are not enough.
    let mut cut = outcome.clone();
    for cell in cut.cells.iter_mut().filter(|cell| cell.key.repeat == 5) {
        cell.validity = Validity::Incomplete("interrupted: SIGINT".into());
    }
    assert_eq!(of(&cut, "durable").0, Standing::NotConfirmed);
    for cell in &mut outcome.cells {
        match cell.key.profile.as_str() {
            "durable" => cell.counts.residual = 1_000,
            _ => cell.counts.grid.unknown[0] = 137,
        }
    }
    for (name, missing) in [("durable", "5,000"), ("transient-no-confirm", "685")] {
        let (standing, why) = of(&outcome, name);
        assert_eq!(standing, Standing::NotConfirmed);
        let told = format!("cannot be told: {missing} missing, not proved lost");
        assert!(why.replace('\u{202f}', ",").ends_with(&told), "{why}");
    }
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.repeat == 2) {
        cell.validity = Validity::Disturbed("1 core".into());
        cell.counts.lost = 12;
    }
    let (_, why) = of(&outcome, "durable");
    assert!(why.contains("lost is above the claim: at least 12, "), "{why}");
}

#[test]
fn a_loss_from_a_backlog_counts_in_a_disturbed_repeat() {
    let mut outcome = outcomes::piled();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.counts.lost == 12) {
        cell.validity = Validity::Disturbed("1 core".into());
    }
    let killed = "fault = { kinds = [\"kill\"], on = [\"broker\"] }";
    let of =
        |name: &str| none(&outcome, "backlog.lost", &format!("systems = [\"{name}\"], {killed}"));
    let (standing, why) = of("kafka");
    assert_eq!(standing, Standing::NotConfirmed);
    assert!(why.ends_with("backlog lost is above the claim: 12 lost in 1 of 3"), "{why}");
    let (_, why) = of("celery");
    assert!(why.contains("backlog lost cannot be told: 0 lost, 20"), "{why}");
    let (_, why) = of("rabbitmq/transient-no-confirm");
    assert!(why.contains("missing, never confirmed"), "{why}");
}

/// Of five kills of which one has times, the loss is told over five.
#[test]
fn a_loss_is_confirmed_over_the_kills_that_it_is_known_of() {
    let mut outcome = outcomes::drill();
    let is_it = |cell: &Cell| {
        let kills = cell.key.fault.as_ref().is_some_and(|fault| fault.starts_with("kill"));
        kills && cell.key.profile == "durable"
    };
    let first = outcome.cells.iter().find(|cell| is_it(cell)).expect("a kill").clone();
    outcome.cells.retain(|cell| !is_it(cell));
    for repeat in 1..=5 {
        let mut cell = first.clone();
        cell.key.repeat = repeat;
        if repeat > 1 {
            cell.validity = Validity::Disturbed("1 core".into());
        }
        outcome.cells.push(cell);
    }
    let analysis = analyse(&outcome);
    let mut rows = analysis.claims[0].rows.iter();
    let lost = rows.find(|row| row.claim.id == "2.5").expect("2.5");
    assert_eq!(lost.standing, Standing::Confirmed, "{}", lost.why);
    assert_eq!(lost.why, "in each figure, over 5 repeats and more");
    let text = export::json(&outcome, &analysis);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows = json["claims"].as_array().expect("claims");
    let row = rows.iter().find(|row| row["id"] == "2.5").expect("2.5");
    assert_eq!(row["measured"][0]["n"], 5);
}
