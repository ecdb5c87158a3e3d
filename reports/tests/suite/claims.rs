//! Published claims: the article's are all there, each is set beside an
//! outcome as `docs/claims.md` says, and a bad file is refused at its place.

use std::collections::BTreeSet;

use schedbench_reports::analysis::{Judged, Measured, Standing, analyse, analyse_beside};
use schedbench_reports::claims::{Published, article, parse};
use schedbench_reports::outcome::{Outcome, Reading};
use schedbench_reports::{export, html, terminal};

use crate::outcomes;

/// Every row of the list that the article was taken apart into, by section.
const ROWS: [(&str, u32); 9] = [
    ("1", 4),
    ("2", 14),
    ("3", 5),
    ("4", 15),
    ("5", 5),
    // The sections that rows are said to stand in.
    ("§1", 4),
    ("§2.5", 7),
    ("§4.1", 4),
    ("§4.4", 4),
];

#[test]
fn no_claim_of_the_article_is_missing() {
    let claims = &article().claims;
    // 4.8 speaks of two systems, each a claim of its own.
    let ids: BTreeSet<&str> =
        claims.iter().map(|claim| claim.id.trim_end_matches(['a', 'b'])).collect();
    let listed: BTreeSet<String> = ROWS[..5]
        .iter()
        .flat_map(|(chapter, rows)| (1..=*rows).map(move |row| format!("{chapter}.{row}")))
        .collect();
    assert_eq!(ids, listed.iter().map(String::as_str).collect::<BTreeSet<_>>());
    assert_eq!((ids.len(), claims.len()), (43, 44));
    for (section, rows) in &ROWS[5..] {
        let section = section.trim_start_matches('§');
        let there = claims.iter().filter(|claim| claim.section == section).count();
        assert_eq!(there, *rows as usize, "{section}");
    }
    for claim in claims {
        // Each can be put to the test, or says why not.
        let known = claim.refuted.is_some() || claim.unmeasured.is_some();
        assert!(known || !claim.against.is_empty(), "{}", claim.id);
        assert!(!claim.subject.is_empty() && !claim.says.is_empty(), "{}", claim.id);
    }
}

fn beside(outcome: &Outcome, id: &str) -> Judged {
    let analysis = analyse(outcome);
    let mut rows = analysis.claims.into_iter().flat_map(|file| file.rows);
    rows.find(|row| row.claim.id == id).expect("the claim is there")
}

#[test]
fn what_sources_and_sums_say_needs_no_measurement() {
    let outcome = outcomes::ramp();
    for id in ["2.1", "2.6", "2.7"] {
        assert_eq!(beside(&outcome, id).standing, Standing::RefutedBySource, "{id}");
    }
    for id in ["2.11", "3.2", "4.2", "4.3"] {
        assert_eq!(beside(&outcome, id).standing, Standing::ContradictsItself, "{id}");
    }
    // The sums, made again: offered, done, failed, and what is neither, in ‰.
    for (id, offered, done, failed, neither) in [
        ("4.2", 50_000.0, 42_100.0, 0.017, "14.1 %"),
        ("4.3", 100_000.0, 58_400.0, 0.126, "29.0 %"),
    ] {
        let rest = 100.0 * (1.0 - done / offered - failed);
        assert_eq!(format!("{rest:.1} %"), neither);
        assert!(beside(&outcome, id).why.contains(neither));
    }
}

/// Its ramp rows are set beside `ramp-article` and nothing else, not even the
/// same rate of another scenario.
#[test]
fn the_ramp_of_the_article_is_compared_with_its_own_scenario_only() {
    let mut outcome = outcomes::ramp();
    let other = beside(&outcome, "4.1");
    assert_eq!((other.standing, other.lines.len()), (Standing::NotMeasured, 0));
    assert_eq!(other.why, "this run has no such cell; schedbench run ramp-article has");
    outcome.plan.scenario = "ramp-article".into();
    let row = beside(&outcome, "4.1");
    assert_eq!(row.standing, Standing::NotComparable);
    assert!(row.lines.iter().all(|line| line.at == "10k/s" && line.system != "noop"));
    assert!(row.why.contains("2 cores here, 64 there"), "{}", row.why);
    assert!(row.why.contains("measured for 10 s here, 300 s there"), "{}", row.why);
    assert!(row.why.contains("waited for each task for 2 s here, 10 s there"), "{}", row.why);
    assert_eq!(beside(&outcome, "4.3").lines[0].at, "100k/s");
}

#[test]
fn drills_stand_beside_medians_with_their_ranges() {
    let outcome = outcomes::drill();
    let row = beside(&outcome, "4.13");
    assert_eq!(row.standing, Standing::NotComparable);
    assert!(row.why.starts_with("the only broker killed here"), "{}", row.why);
    let line = &row.lines[0];
    assert_eq!((line.n, line.at.as_str()), (3, "kill broker at 15 s for 5 s, 5k/s"));
    let Measured::Median(recovered) = &line.told[1].measured else { panic!("a median") };
    assert_eq!(recovered.value, Reading::MoreThan(30.0));
    // A loss in a trial that was disturbed is one, and one is enough.
    let lost = beside(&outcome, "2.5");
    assert_eq!(lost.standing, Standing::NotConfirmed);
    let seen = "12 lost in 1 of 3 kills (a kill loses something in ≤ 86 % of cases, 95 %)";
    assert_eq!(lost.why, format!("rabbitmq/durable: lost is above the claim: {seen}"));
    let Measured::Count { number, words, .. } = &lost.lines[0].told[0].measured else {
        panic!("a count")
    };
    assert_eq!((*number, words.as_str()), (Some(12), seen));
}

const MINE: &str = "name = \"mine\"
[[claim]]
id = \"a\"
subject = \"Redis\"
says = \"more than 19k/s\"
figures = [{ metric = \"throughput\", at_least = \"19k/s\" }, { metric = \"failure_rate\", at_most = \"0.1 %\" }]
against = [{ systems = [\"redis-asynq\"], rate = \"20k/s\" }]
[[claim]]
id = \"b\"
subject = \"RabbitMQ\"
says = \"50k/s\"
figures = [{ metric = \"throughput\", is = \"50k/s\" }]
against = [{ systems = [\"rabbitmq/durable\"] }]
[[claim]]
id = \"c\"
subject = \"RabbitMQ\"
says = \"17k/s on 8 cores\"
figures = [{ metric = \"throughput\", is = \"17k/s\", within = \"5 %\" }]
against = [{ systems = [\"rabbitmq/durable\"], cores = 8 }]
";

fn mine() -> Published {
    parse("mine.toml", MINE.as_bytes()).expect("claims")
}

/// Five repeats decide, fewer say so, other cores are not compared.
#[test]
fn figures_of_ones_own_are_put_to_the_test() {
    let rates = [10e3, 20e3];
    let models = [outcomes::noop(), outcomes::asynq_rust(), outcomes::rabbit()];
    let said = |repeats| {
        let outcome = outcomes::ramp_of(&models, &rates, repeats);
        let analysis = analyse_beside(&outcome, &[mine()]);
        let file = analysis.claims.last().expect("mine").clone();
        assert_eq!(file.name, "mine");
        file.rows.iter().map(|row| (row.standing, row.why.clone())).collect::<Vec<_>>()
    };
    let five = said(5);
    assert_eq!(five[0], (Standing::Confirmed, "in each figure, over 5 repeats and more".into()));
    assert_eq!(five[1].0, Standing::NotConfirmed);
    assert!(five[1].1.starts_with("rabbitmq/durable: throughput is 6"), "{}", five[1].1);
    assert!(five[1].1.ends_with(" % below what the claim allows"), "{}", five[1].1);
    assert_eq!(five[2], (Standing::NotComparable, "2 cores here, 8 there".into()));
    let why = "redis-asynq/everysec: 3 repeats, and nothing is said below 5";
    assert_eq!(said(3)[0], (Standing::NotConfirmed, why.into()));
}

/// No task had a key, none was cancelled: nothing was seen, and that is no zero.
#[test]
fn what_nobody_looked_at_confirms_nothing() {
    let text = "name = \"order\"\n\
        [[claim]]\nid = \"a\"\nsubject = \"Redis\"\nsays = \"in order\"\n\
        figures = [{ metric = \"inversions\", at_most = \"0\" }]\n\
        against = [{ systems = [\"redis-asynq\"], rate = \"10k/s\" }]\n\
        [[claim]]\nid = \"b\"\nsubject = \"Redis\"\nsays = \"no cancelled task runs\"\n\
        figures = [{ metric = \"cancelled_but_ran\", at_most = \"0\" }]\n\
        against = [{ systems = [\"redis-asynq\"], rate = \"10k/s\" }]\n";
    let claims = parse("order.toml", text.as_bytes()).expect("claims");
    let mut outcome = outcomes::ramp_of(&[outcomes::noop(), outcomes::asynq_rust()], &[10e3], 5);
    let standing = |outcome: &Outcome| {
        let analysis = analyse_beside(outcome, std::slice::from_ref(&claims));
        let rows = &analysis.claims.last().expect("order").rows;
        let told = rows.iter().map(|row| (row.standing, row.why.clone()));
        told.unzip::<_, _, Vec<_>, Vec<_>>()
    };
    let (unseen, why) = standing(&outcome);
    assert_eq!(unseen, [Standing::NotConfirmed, Standing::NotConfirmed]);
    assert!(why[0].contains("no order was looked at"), "{why:?}");
    assert!(why[1].contains("no task was cancelled"), "{why:?}");
    for cell in &mut outcome.cells {
        (cell.counts.ordered, cell.counts.cancelled) = (1_000, 10);
    }
    assert_eq!(standing(&outcome).0, [Standing::Confirmed, Standing::Confirmed]);
    for cell in &mut outcome.cells {
        cell.counts.inversions = 3;
    }
    assert_eq!(standing(&outcome).0[0], Standing::NotConfirmed);
}

#[test]
fn every_claim_is_on_the_page_and_all_are_counted() {
    for (name, outcome) in outcomes::all() {
        let analysis = analyse(&outcome);
        let page = html::render(&outcome);
        let section = page.split("<section id=\"claims\">").nth(1);
        match (analysis.claims.first(), section) {
            (Some(file), Some(section)) => {
                let section = section.split("</section>").next().expect("it ends");
                for claim in &article().claims {
                    let id = format!("<span class=\"id\">{}</span>", claim.id);
                    assert_eq!(section.matches(&id).count(), 1, "{name}: {id}");
                }
                let counted: usize = file.counts().iter().map(|(_, n)| n).sum();
                assert_eq!(counted, article().claims.len(), "{name}");
            }
            (None, None) => {}
            (claims, section) => panic!("{name}: {}, {}", claims.is_some(), section.is_some()),
        }
    }
    assert!(!html::render(&outcomes::empty()).contains("id=\"claims\""), "nothing measured");
}

#[test]
fn the_claims_of_a_drill() {
    let outcome = outcomes::drill();
    let analysis = analyse(&outcome);
    let rows: Vec<String> = analysis.claims[0]
        .rows
        .iter()
        .map(|row| {
            let lines = row.lines.iter().map(|line| format!("\n    {}, {}", line.label, line.at));
            let lines: String = lines.collect();
            format!("{} {}: {}{lines}", row.claim.id, row.standing.word(), row.why)
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"));
    let summary = analysis.claims[0].summary();
    assert!(terminal::render(&outcome, &analysis, false, 200).contains(&summary));
    assert!(export::markdown(&outcome, &analysis).contains(&summary));
}

#[test]
fn the_section_of_ones_own_claims() {
    let models = [outcomes::noop(), outcomes::asynq_rust(), outcomes::rabbit()];
    let outcome = outcomes::ramp_of(&models, &[10e3, 20e3], 5);
    let page = html::render_beside(&outcome, &[mine()]);
    let section = page.split("<section id=\"claims\">").nth(1).expect("the section");
    let section = section.split("</section>").next().expect("it ends");
    insta::assert_snapshot!(section.replace("<tr", "\n<tr").replace("<td", "\n  <td"));
}

#[test]
fn what_is_wrong_is_shown_at_its_place() {
    let head = "name = \"mine\"\n[[claim]]\nid = \"a\"\nsubject = \"Kafka\"\nsays = \"fast\"\n";
    let figure = |text: &str| format!("{head}figures = [{text}]\n");
    let texts = [
        String::new(),
        "name = \"mine\"\n".to_owned(),
        "name = mine\n".to_owned(),
        format!("{head}sections = \"1\"\n"),
        format!("{head}[[claim]]\nid = \"a\"\nsubject = \"\"\nsays = \"\"\n"),
        head.replace("subject = \"Kafka\"\n", ""),
        head.replace("\"a\"", "\" \""),
        figure("{ metric = \"thruput\", at_least = \"50k/s\" }"),
        figure("{ metric = \"latency of all\", at_least = \"50k/s\" }"),
        figure("{ metric = \"throughput\", at_least = \"50 ms\" }"),
        figure("{ metric = \"throughput\" }"),
        figure("{ metric = \"throughput\", is = \"1/s\", at_most = \"1/s\" }"),
        figure("{ metric = \"throughput\", between = [\"9/s\", \"1/s\"] }"),
        figure("{ metric = \"throughput\", at_least = \"1/s\", within = \"1 %\" }"),
        format!("{head}against = [{{ systems = [\"kafka\"] }}]\n"),
        figure("{ metric = \"throughput\", is = 50000 }"),
    ];
    let said = texts.map(|text| match parse("mine.toml", text.as_bytes()) {
        Ok(_) => format!("(no error)\n{text}"),
        Err(error) => error.to_string(),
    });
    insta::assert_snapshot!(said.join("\n\n"));
    let latin = parse("mine.toml", b"name = \"x\"\nabout = \"\xe4\"\n").expect_err("not UTF-8");
    assert_eq!(latin.to_string(), "error: mine.toml: not UTF-8 in line 2");
    let deep = format!("{} = 1", "a.".repeat(100_000));
    assert!(parse("mine.toml", deep.as_bytes()).is_err());
}

proptest::proptest! {
    /// Whatever a file holds, it is read or refused.
    #[test]
    fn any_bytes_are_claims_or_an_error(cut in 0..MINE.len(), noise: Vec<u8>) {
        let mut bytes = MINE.as_bytes().to_vec();
        bytes.splice(cut..cut, noise);
        if let Err(error) = parse("mine.toml", &bytes) {
            proptest::prop_assert!(!error.to_string().is_empty());
        }
    }
}
