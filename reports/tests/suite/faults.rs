//! A fault run as its readers get it: known answers of the guarantees, medians,
//! claims and sentences, and how page and terminal show them.

use insta::assert_snapshot;
use schedbench_reports::analysis::{Analysis, Guarantee, Kept, Recovery, Subject, analyse};
use schedbench_reports::outcome::{Again, Ended, Load, Outcome, Reading, Validity};
use schedbench_reports::{export, html, terminal};

use crate::outcomes;

const KILL: &str = "kill broker at 15 s for 5 s";
const CUT: &str = "black-hole links at 15 s for 5 s";

fn guarantee<'a>(analysis: &'a Analysis, label: &str, fault: &str) -> &'a Guarantee {
    let mut all = analysis.faults.guarantees.iter();
    all.find(|one| one.tried.label == label && one.tried.fault == fault).expect("it is there")
}

fn recovery<'a>(analysis: &'a Analysis, label: &str, fault: &str) -> &'a Recovery {
    let mut all = analysis.faults.recoveries.iter();
    all.find(|one| one.tried.label == label && one.tried.fault == fault).expect("it is there")
}

fn plain(analysis: &Analysis) -> Vec<String> {
    analysis.verdict.iter().map(|sentence| sentence.text.replace('\u{202f}', " ")).collect()
}

#[test]
fn a_promise_is_kept_broken_or_not_told() {
    let analysis = analyse(&outcomes::drill());
    let of = |label, fault| guarantee(&analysis, label, fault);

    let kept = of("redis-asynq/everysec", KILL);
    assert_eq!((kept.kept(), kept.losses()), (Kept::Yes, "0 lost in 3 kills".to_owned()));
    assert_eq!(kept.bound(), "a kill loses something in ≤ 63 % of cases, 95 %");
    assert_eq!(kept.besides(), ["15,000 tasks exposed"]);

    // Its third trial was disturbed: no time counts, the loss does.
    let broken = of("rabbitmq/durable", KILL);
    assert_eq!(broken.kept(), Kept::No);
    assert_eq!(broken.broken(), ["12 lost in 1 of 3 kills"]);
    assert_eq!(broken.besides(), ["15,000 tasks exposed", "8 redelivered"]);
    assert_eq!(broken.caveats(), ["1 of 3 disturbed, no times from it"]);
    let times = recovery(&analysis, "rabbitmq/durable", KILL);
    assert_eq!((times.told(), times.trials.len()), (2, 3));
    assert_eq!(times.figures["recovery.from_fault"].value, Reading::Is(9.3));

    // A trial with something missing and no proof is no zero.
    let open = of("kafka", KILL);
    assert_eq!(open.losses(), "0 lost in 2 kills; not proved: 30 missing in 1 kill");
    assert_eq!(open.bound(), "a kill loses something in ≤ 78 % of cases, 95 %");

    let allowed = of("redis-asynq/ephemeral", KILL);
    assert_eq!(allowed.kept(), Kept::Yes);
    assert_eq!(allowed.losses(), "15,000 lost in 3 of 3 kills");

    let unconfirmed = of("rabbitmq/transient-no-confirm", KILL);
    assert_eq!(unconfirmed.kept(), Kept::Unknown);
    assert_eq!(unconfirmed.losses(), "411 missing in 3 of 3 kills, never confirmed");
    assert_eq!(unconfirmed.bound(), "");

    assert_eq!(of("rabbitmq/durable", CUT).losses(), "0 lost in 3 trials");
}

/// Without keys no task stands before another: nothing was lost, and of the
/// order nothing is known.
#[test]
fn an_order_that_was_not_looked_at_is_not_kept() {
    let mut outcome = outcomes::drill();
    for system in outcome.systems.iter_mut().filter(|system| system.system == "rabbitmq") {
        system.claims.order = "of each key".into();
    }
    let told = |outcome: &Outcome| {
        let analysis = analyse(outcome);
        let caveats = guarantee(&analysis, "rabbitmq/durable", CUT).caveats();
        let value: serde_json::Value =
            serde_json::from_str(&export::json(outcome, &analysis)).expect("it is JSON");
        let mut rows = value["guarantees"].as_array().expect("rows").iter();
        let row = rows.find(|row| row["profile"] == "durable" && row["fault"] == CUT);
        let row = row.expect("a row");
        (caveats, row["kept"].clone(), row["order_looked_at"].clone())
    };
    const WORDS: &str = "order not looked at";
    assert_eq!(told(&outcome), (vec![WORDS.to_owned()], true.into(), false.into()));
    let page = html::render(&outcome);
    // Those of the broker's kills, of the cut and of the unconfirmed profile.
    assert_eq!(page.matches(WORDS).count(), 3);
    let text = terminal::render(&outcome, &analyse(&outcome), false, 140);
    assert!(text.contains(WORDS), "{text}");
    assert!(export::markdown(&outcome, &analyse(&outcome)).contains(WORDS));

    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "rabbitmq") {
        cell.counts.ordered = 40_000;
    }
    assert_eq!(told(&outcome), (Vec::new(), true.into(), true.into()));
    assert!(!html::render(&outcome).contains(WORDS));

    // An earlier version counted what was out of order, and not of how many.
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "rabbitmq") {
        (cell.counts.ordered, cell.counts.inversions) = (0, 3);
    }
    assert_eq!(told(&outcome), (Vec::new(), false.into(), true.into()));
    // Who promises no order has none to look at.
    let analysis = analyse(&outcome);
    assert_eq!(guarantee(&analysis, "kafka", KILL).order_looked_at(), None);
}

#[test]
fn what_does_not_balance_or_was_never_done_says_nothing() {
    let mut outcome = outcomes::drill();
    outcome.cells.retain(|cell| cell.key.system == "rabbitmq" && cell.key.profile == "durable");
    outcome.cells.retain(|cell| cell.key.fault.as_deref() == Some(KILL));
    outcome.cells[2].counts.balances = false;
    outcome.cells[1].trials.clear();
    let analysis = analyse(&outcome);
    let one = &analysis.faults.guarantees[0];
    assert_eq!((one.kept(), one.losses()), (Kept::Yes, "0 lost in 1 kill".to_owned()));
    let caveats = ["1 more with a ledger that does not balance", "1 more ended before the fault"];
    assert_eq!(one.caveats(), caveats);
}

/// What it lost it has lost; that it lost nothing would have been seen only at
/// its end.
#[test]
fn a_trial_that_was_cut_short_is_no_zero() {
    let mut outcome = outcomes::drill();
    outcome.cells.retain(|cell| cell.key.system == "rabbitmq" && cell.key.profile == "durable");
    outcome.cells.retain(|cell| cell.key.fault.as_deref() == Some(KILL));
    let lost: Vec<u64> = outcome.cells.iter().map(|cell| cell.counts.lost).collect();
    assert_eq!(lost, [0, 0, 12]);
    for cell in &mut outcome.cells[1..] {
        cell.validity = Validity::Incomplete("interrupted: SIGINT".into());
    }
    outcome.ended = Ended::Interrupted("SIGINT".into());
    outcome.plan.planned = 3;
    let analysis = analyse(&outcome);
    let one = &analysis.faults.guarantees[0];
    assert_eq!(one.broken(), ["12 lost in 1 of 2 kills"]);
    assert_eq!(one.caveats(), ["2 of 3 incomplete, no times from it"]);
    let first = &plain(&analysis)[0];
    assert!(first.ends_with("1 of 3 cells were measured, 2 more not to the end."), "{first}");

    outcome.cells.remove(2);
    outcome.cells.remove(0);
    let analysis = analyse(&outcome);
    assert_eq!(analysis.faults.guarantees[0].kept(), Kept::Unknown);
}

#[test]
fn medians_keep_what_was_cut_off_and_count_what_has_no_number() {
    let analysis = analyse(&outcomes::drill());
    let median = |label, fault, name: &str| recovery(&analysis, label, fault).figures[name].clone();
    // 5.5 s, and twice not yet after 30 s.
    let kafka = median("kafka", KILL, "recovery.from_fault");
    assert_eq!(kafka.value, Reading::MoreThan(30.0));
    assert_eq!(kafka.range, Some((Reading::Is(5.5), Reading::MoreThan(30.0))));
    assert_eq!(kafka.mixed(), ["not yet at the end in 2 of 3"]);
    let redis = median("redis-asynq/everysec", CUT, "recovery.from_fault");
    assert_eq!(redis.value, Reading::NoImpact);
    assert_eq!(redis.mixed(), ["no impact in 2 of 3", "not steady in 1 of 3"]);
    let redis = median("redis-asynq/everysec", KILL, "recovery.from_heal").value;
    assert!(matches!(redis, Reading::Is(s) if (s - 0.7).abs() < 1e-9), "{redis:?}");
}

/// ρ and the multiple are told where a capacity was searched, and nowhere else.
#[test]
fn beside_a_capacity_stand_the_share_of_it_and_the_drains_multiple() {
    const RHO: &str = "ρ, of capacity";
    let mut outcome = outcomes::drill();
    let shown = |outcome: &Outcome| {
        let analysis = analyse(outcome);
        let text = terminal::render(outcome, &analysis, false, 300);
        (html::render(outcome), text, analysis)
    };
    let (page, text, _) = shown(&outcome);
    assert!(!page.contains(RHO) && !text.contains("Dρ/(1−ρ)"));
    for cell in &mut outcome.cells {
        let of_kill = cell.key.fault.as_deref() == Some(KILL);
        let share = match cell.key.system.as_str() {
            "redis-asynq" if of_kill && cell.key.profile == "everysec" => 12_000.0,
            "rabbitmq" if of_kill && cell.key.profile == "durable" => 7_000.0,
            _ => continue,
        };
        cell.key.variant = Some("50 % of its capacity".into());
        cell.key.load = Load::Rate(share);
        let readings = &mut cell.trials[0].readings;
        readings.insert("load.of_capacity".into(), Reading::Is(0.5));
        readings.insert("drain.multiple".into(), Reading::Is(1.25));
    }
    let (page, text, analysis) = shown(&outcome);
    assert!(page.contains(RHO) && page.contains("50 % of its capacity"));
    assert!(text.contains("Dρ/(1−ρ)") && text.contains("1.25"), "{text}");
    let rabbit = recovery(&analysis, "rabbitmq/durable", KILL);
    assert_eq!((rabbit.share(), rabbit.has_capacity()), (Some("50 % of its capacity"), true));
    let kafka = recovery(&analysis, "kafka", KILL);
    assert_eq!((kafka.share(), kafka.has_capacity()), (None, false));
    let told = plain(&analysis).join("\n");
    assert!(told.contains("at 50 % of its capacity: "), "{told}");
}

/// Where no trial is valid the figures are shown and marked, and no sentence
/// has them.
#[test]
fn times_of_trials_that_are_not_valid_are_marked_and_not_compared() {
    let mut outcome = outcomes::drill();
    for cell in outcome.cells.iter_mut().filter(|cell| cell.key.system == "kafka") {
        cell.validity = Validity::ClientLimited("a thread was busy".into());
    }
    let analysis = analyse(&outcome);
    let kafka = recovery(&analysis, "kafka", KILL);
    assert_eq!((kafka.not_valid, kafka.valid, kafka.told()), (Some("client-limited"), 0, 3));
    let text = terminal::render(&outcome, &analysis, false, 140);
    assert!(text.contains("> 30 s (5.5 s to > 30 s) *"), "{text}");
    let back = |sentence: &String| sentence.starts_with("Recovered") && sentence.contains("kafka");
    assert!(!plain(&analysis).iter().any(back), "{:?}", plain(&analysis));
}

/// Five trials each, every one of the first before every one of the second.
#[test]
fn the_verdict_names_a_fastest_only_beyond_the_noise() {
    let of = |repeats: u32, shift: f64| {
        let mut outcome = outcomes::drill();
        let cell = |system: &str| {
            let mut all = outcome.cells.iter();
            let is_it = |c: &&schedbench_reports::outcome::Cell| {
                c.key.system == system && c.key.fault.as_deref() == Some(KILL)
            };
            all.find(is_it).expect("it is there").clone()
        };
        let (one, other) = (cell("redis-asynq"), cell("rabbitmq"));
        outcome.cells = (1..=repeats)
            .flat_map(|repeat| {
                [(&one, 0.0), (&other, shift)].map(|(cell, shift)| {
                    let mut cell = cell.clone();
                    cell.key.repeat = repeat;
                    let after = 5.0 + shift + 0.1 * f64::from(repeat);
                    let name = "recovery.from_fault".to_owned();
                    cell.trials[0].readings.insert(name, Reading::Is(after));
                    cell
                })
            })
            .collect();
        let analysis = analyse(&outcome);
        plain(&analysis).into_iter().find(|text| text.starts_with("Recovered")).expect("a sentence")
    };
    assert_eq!(
        of(5, 2.0),
        "Recovered from it: back fastest is redis-asynq/everysec, 5.30 (5.10–5.50) s after it took \
         effect; slowest rabbitmq/durable, 7.30 (7.10–7.50) s."
    );
    assert!(of(3, 2.0).ends_with(", as seen in 3 trials each (differences are tested from 5 on)."));
    // Less than the resolution of 0.4 s between the last and the first.
    let told = of(5, 0.7);
    assert!(told.contains("both cannot be told apart in 5 trials each"), "{told}");
}

#[test]
fn the_verdict_begins_with_the_broken_promise() {
    let analysis = analyse(&outcomes::drill());
    assert_eq!(analysis.verdict[0].about, Subject::Broken);
    assert_snapshot!(plain(&analysis).join("\n"));
}

#[test]
fn the_terminal_says_what_was_lost_first() {
    let outcome = outcomes::drill();
    assert_snapshot!(terminal::render(&outcome, &analyse(&outcome), false, 100));
}

#[test]
fn the_markdown_has_both_tables() {
    let outcome = outcomes::drill();
    assert_snapshot!(export::markdown(&outcome, &analyse(&outcome)));
}

#[test]
fn scripts_get_the_same_figures() {
    let outcome = outcomes::drill();
    let analysis = analyse(&outcome);
    let value: serde_json::Value =
        serde_json::from_str(&export::json(&outcome, &analysis)).expect("it is JSON");
    let rabbit = &value["guarantees"][1];
    assert_eq!((&rabbit["losing"], &rabbit["decided"]), (&1.into(), &3.into()));
    assert_eq!((&rabbit["kept"], &rabbit["lost"]), (&false.into(), &12.into()));
    assert_eq!(rabbit["not_valid"]["disturbed"], 1);
    let kafka = &value["recoveries"][2]["figures"]["recovery.from_fault"];
    assert_eq!(kafka["value"]["more-than"], 30.0);
    assert_eq!((&kafka["censored"], &kafka["measured"]), (&2.into(), &1.into()));
    let schema = jsonschema::validator_for(&export::json_schema()).expect("a schema");
    assert!(schema.is_valid(&value));

    let csv = export::csv(&outcome);
    let lines = |what: &str| csv.lines().filter(|line| line.contains(what)).count();
    assert_eq!(lines("fault.recovery.from_fault,s,lower,at-least,30,"), 2);
    assert_eq!(lines("fault.recovery.from_fault,s,lower,no-impact,,"), 2);
    assert_eq!(lines("fault.exposed,tasks,,is,5000,"), 18);
    assert_eq!(lines("fault.lost,tasks,lower,is,12,"), 1);
}

/// By a claim's id, the profiles whose trials it is set beside.
fn beside(outcome: &Outcome, id: &str) -> Vec<String> {
    let analysis = analyse(outcome);
    let mut rows = analysis.claims.iter().flat_map(|file| &file.rows);
    let row = rows.find(|row| row.claim.id == id);
    row.into_iter().flat_map(|row| &row.lines).map(|line| line.label.clone()).collect()
}

/// A claim stands only beside a fault of its kind on a system of its kind.
#[test]
fn the_articles_claims_stand_beside_faults_of_their_kind() {
    let mut outcome = outcomes::drill();
    assert_eq!(beside(&outcome, "4.12"), ["redis-asynq/everysec", "rabbitmq/durable"]);
    assert_eq!(beside(&outcome, "4.13"), ["kafka/acks-all"]);
    assert_eq!(beside(&outcome, "4.14"), ["redis-asynq/everysec", "redis-asynq/ephemeral"]);
    assert_eq!(beside(&outcome, "2.5"), ["rabbitmq/durable"]);
    for cell in &mut outcome.cells {
        for trial in &mut cell.trials {
            trial.fault = trial.fault.replace("kill", "pause").replace("black-hole", "delay");
        }
    }
    for id in ["4.12", "4.13", "4.14", "2.5"] {
        assert_eq!(beside(&outcome, id), [""; 0], "{id}");
    }
}

/// In a fault run the faults stand first; the loud words are there; one repeat
/// has no list of trials.
#[test]
fn the_page_has_promises_medians_trials_and_claims() {
    let page = html::render(&outcomes::drill());
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(at("id=\"faults\"") < at("id=\"holds\""));
    assert!(page.contains("promise broken: 12 lost in 1 of 3 kills"));
    assert!(page.contains("as promised: tasks live in the broker's memory"));
    assert!(page.contains("Each of the 15 trials"));
    assert!(at("id=\"holds\"") < at("id=\"claims\""));
    assert!(page.contains("zones parted there"));
    assert!(page.contains("99.92\u{202f}%"));
    let once = html::render(&outcomes::faulted());
    assert!(once.contains("Promised and seen") && !once.contains("Each of the"));
    assert!(!html::render(&outcomes::ramp()).contains("Promised and seen"));
}

/// Three trials of a system in which nothing was done, beside those of faults.
fn with_controls(impacts: [Reading; 3]) -> Outcome {
    let mut outcome = outcomes::drill();
    let mut template = outcome.cells[1].clone();
    template.key.fault = None;
    template.key.trial = Some("control".into());
    template.trials[0].fault = "no fault, as a control, at 15 s for 5 s".into();
    template.trials[0].done.clear();
    for (repeat, impact) in (1..).zip(impacts) {
        let mut cell = template.clone();
        cell.key.repeat = repeat;
        let readings = &mut cell.trials[0].readings;
        readings.insert("recovery.from_fault".into(), impact.clone());
        readings.insert("detection.impact".into(), impact);
        outcome.cells.push(cell);
    }
    outcome
}

#[test]
fn a_control_vouches_for_the_times_or_does_not() {
    let told = |outcome: &Outcome| {
        let is_it = |text: &&String| text.starts_with("Control") || text.starts_with("A control");
        let all = plain(&analyse(outcome));
        assert!(all.iter().all(|text| !text.contains("no fault")), "{all:?}");
        let mut said = all.iter().filter(is_it).cloned();
        let first = said.next();
        assert_eq!(said.next(), None, "one sentence");
        first
    };
    let calm = || Reading::NoImpact;
    let unsteady = || Reading::NotSteady("goodput scatters by 80 %".into());
    let vouches = with_controls([calm(), calm(), calm()]);
    assert_eq!(told(&vouches).as_deref(), Some("Control: no impact in 3 of 3."));
    let doubted = with_controls([calm(), Reading::Is(0.4), calm()]);
    assert_eq!(
        told(&doubted).as_deref(),
        Some(
            "A control showed an impact in 1 of 3 (redis-asynq/everysec): times beside it are not \
             the faults' alone."
        )
    );
    let open = with_controls([calm(), unsteady(), calm()]);
    let said = "Control: no impact in 2 of 3, 1 could not be judged.";
    assert_eq!(told(&open).as_deref(), Some(said));
    let none = with_controls([unsteady(), unsteady(), unsteady()]);
    let said = "Control: 3 trials could not be judged, so nothing vouches for the times beside it.";
    assert_eq!(told(&none).as_deref(), Some(said));
    assert_eq!(told(&outcomes::drill()), None, "there was none");

    // What disturbed it is known, and its times are in no median either.
    let mut disturbed = doubted.clone();
    for cell in disturbed.cells.iter_mut().filter(|cell| cell.key.trial.is_some()) {
        if cell.trials[0].readings["detection.impact"] == Reading::Is(0.4) {
            cell.validity = Validity::Disturbed("0.4 core of other work".into());
        }
    }
    let said = "Control: no impact in 2 of 3, 1 could not be judged.";
    assert_eq!(told(&disturbed).as_deref(), Some(said));

    // Page, terminal and Markdown say it.
    for (outcome, said) in
        [(&vouches, "no impact in 3 of 3."), (&doubted, "times beside it are not the")]
    {
        let analysis = analyse(outcome);
        assert!(html::render(outcome).contains(said), "{said}");
        assert!(terminal::render(outcome, &analysis, false, 200).contains(said), "{said}");
        assert!(export::markdown(outcome, &analysis).contains(said), "{said}");
    }
}

/// The drawings of a page's fault trials, each from its title to its data.
fn drawings(page: &str) -> Vec<&str> {
    page.split("<figure class=\"trial\">")
        .skip(1)
        .filter_map(|it| it.split("</figure>").next())
        .collect()
}

/// How often a text stands in an SVG's `<text>`.
fn named(drawing: &str, text: &str) -> usize {
    drawing.matches(&format!(">{text}</text>")).count()
}

#[test]
fn a_trial_is_drawn_in_three_panels_with_every_moment_named() {
    let page = html::render(&outcomes::drill());
    let all = drawings(&page);
    assert_eq!(all.len(), 7, "one of each row");
    let redis = all[0];
    assert_eq!(redis.matches("<svg").count(), 3);
    for moment in
        ["took effect", "first client error", "impact", "alarm", "healed", "recovered", "drained"]
    {
        assert_eq!(named(redis, moment), 1, "{moment}");
    }
    // Each has its line in each panel: two are the fault's, three noticed it, two were over.
    for (class, lines) in [("edge", 6), ("noticed", 9), ("over", 6)] {
        assert_eq!(redis.matches(&format!("class=\"moment {class}\"")).count(), lines, "{class}");
    }
    assert_eq!(redis.matches("class=\"shade\"").count(), 3, "shaded in each panel");
    assert!(redis.contains("tasks due and not done, handed over or not"));
    assert!(redis.contains("drained when it stays below the dotted line (140)"));
    assert!(redis.contains("<summary>data</summary>"));
}

/// Kafka never came back: its latency is not known, and there is no zero.
#[test]
fn what_was_not_done_in_time_is_a_bound_and_what_is_not_known_a_gap() {
    let page = html::render(&outcomes::drill());
    let kafka = drawings(&page).into_iter().find(|it| it.contains("<b>kafka</b>")).expect("kafka");
    assert!(kafka.contains("arrowheads: not done within 20\u{202f}s"));
    assert!(kafka.contains("&gt;\u{202f}20\u{202f}s"), "the table has the bound");
    assert!(kafka.contains("recovered &gt;\u{202f}30\u{202f}s"), "not on the drawing, so in words");
    assert_eq!(named(kafka, "recovered"), 0);

    let page = html::render(&outcomes::faulted());
    let drawing = drawings(&page)[0];
    assert!(drawing.contains("thin: the largest, where fewer than 10 tasks lie beyond P99"));
    assert_eq!(drawing.matches("<svg").count(), 2, "no series of the backlog, no panel");
}

#[test]
fn faults_that_overlap_are_all_shaded_and_named_apart() {
    let page = html::render(&outcomes::overlapping());
    let drawing = drawings(&page)[0];
    assert_eq!(drawing.matches("class=\"shade\"").count(), 2 * drawing.matches("<svg").count());
    for moment in ["delay took effect", "kill took effect", "kill healed", "delay healed"] {
        assert_eq!(named(drawing, moment), 1, "{moment}");
    }
}

#[test]
fn duplicates_are_told_by_who_made_them() {
    let mut outcome = outcomes::drill();
    for cell in &mut outcome.cells {
        if cell.counts.grid.ok[2] > 0 {
            cell.counts.again = Again { redelivered: 2, sent_again: 1, not_told: 1 };
        }
    }
    let analysis = analyse(&outcome);
    let of = guarantee(&analysis, "rabbitmq/durable", KILL);
    let words = ["15,000 tasks exposed", "4 redelivered", "2 sent again by the client"];
    assert_eq!(of.besides()[..3], words);
    assert_eq!(of.besides()[3], "2 ran again, by whom is not told apart");
    assert!(html::render(&outcome).contains("4 redelivered"));
    let csv = export::csv(&outcome);
    assert_eq!(csv.matches("fault.redelivered,tasks,lower,is,2,").count(), 5, "{csv}");
}

/// With five trials there is no wider interval than their range, and with nine
/// there is a narrower one.
#[test]
fn a_median_says_how_sure_it_is_from_five_trials_on() {
    use schedbench_reports::analysis::median;
    use schedbench_reports::metrics::Unit;
    use schedbench_reports::numbers::Medium;

    let told = |trials: &[Reading]| median(trials).confidence(Unit::Seconds, Medium::Terminal);
    let up_to = |n: u32| (1..=n).map(|s| Reading::Is(f64::from(s))).collect::<Vec<_>>();
    assert_eq!(told(&up_to(4)), None);
    assert_eq!(told(&up_to(5)).as_deref(), Some("94 % interval"));
    assert_eq!(told(&up_to(9)).as_deref(), Some("96 % interval 2 s to 8 s"));
    let cut_off = [&up_to(8)[..], &[Reading::MoreThan(20.0)]].concat();
    assert_eq!(told(&cut_off).as_deref(), Some("96 % interval 2 s to 8 s"));
    assert_eq!(told(&vec![Reading::Is(3.0); 5]), None, "nothing to add to one number");
}
