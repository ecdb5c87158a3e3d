use proptest::prelude::*;

use super::*;

fn good(text: &str) -> (&'static str, Comparison, f64) {
    let demand = read(text).unwrap_or_else(|slip| panic!("{text}: {slip:?}"));
    (demand.metric.value.name, demand.comparison, demand.bound)
}

/// What is marked, what is wrong and what was expected.
fn bad(text: &str) -> (String, String, String) {
    let slip = read(text).expect_err(text);
    (text[slip.span.clone()].to_owned(), slip.title, slip.label)
}

#[test]
fn demands_are_read_as_written() {
    use Comparison::{Above, AtLeast, AtMost, Below, Is};
    for (text, name, comparison, bound) in [
        ("p99 < 50 ms at 10k", "start_latency.p99", Below, 0.05),
        ("p99<50ms", "start_latency.p99", Below, 0.05),
        ("completion_latency.max <= 1.5 s", "completion_latency.max", AtMost, 1.5),
        ("lost == 0", "lost", Is, 0.0),
        ("repeated<=1k", "repeated", AtMost, 1_000.0),
        ("failures <= 0.1 % at 50k", "failure_rate", AtMost, 0.001),
        ("failure_rate < 0.001", "failure_rate", Below, 0.001),
        ("capacity >= 20k", "capacity", AtLeast, 20_000.0),
        ("throughput > 9.9 k/s", "throughput", Above, 9_900.0),
        ("throughput > 0", "throughput", Above, 0.0),
        ("recovery < 5 s in broker-kill", "recovery.from_fault", Below, 5.0),
        ("served.overall >= 99.9%", "served.overall", AtLeast, 0.999),
        ("pss.system < 64 MiB of wheel", "pss.system", Below, 67_108_864.0),
        ("cpu.total < 21 s", "cpu.total", Below, 21.0),
    ] {
        let (read_name, read_comparison, read_bound) = good(text);
        assert_eq!((read_name, read_comparison), (name, comparison), "{text}");
        assert!((read_bound - bound).abs() <= bound * 1e-12, "{text}: {read_bound}");
    }
}

#[test]
fn clauses_come_in_any_order_and_once() {
    let demand = read(" p99 < 1 s  in x of kafka/rf3 at 50 % ").expect("a demand");
    let word = |word: &Option<Word<String>>| word.as_ref().map(|word| word.value.clone());
    assert_eq!(word(&demand.at).as_deref(), Some("50 %"));
    assert_eq!(word(&demand.of).as_deref(), Some("kafka/rf3"));
    assert_eq!(word(&demand.within).as_deref(), Some("x"));
    let demand = read("lost == 0 in 暂停工人 at 1k").expect("a demand");
    assert_eq!(word(&demand.within).as_deref(), Some("暂停工人"));
    let (marked, title, _) = bad("p99 < 1 s at 1k at 2k");
    assert_eq!((marked.as_str(), title.as_str()), ("at", "`at` given twice"));
}

#[test]
fn what_is_wrong_is_marked() {
    let cases: [(&str, &str, &str); 17] = [
        ("", "", "expected a metric"),
        ("p99", "p99", "expected a metric, a comparison and a value"),
        ("p98 < 1 s", "p98", "did you mean `p9"),
        ("P99 < 1 s", "P99", "did you mean `p99`?"),
        ("start_latecy.p99 < 1 s", "start_latecy.p99", "did you mean `start_latency.p99`?"),
        ("zebra < 1 s", "zebra", "or a name of docs/claims.md"),
        ("p99 = 1 s", "=", "did you mean `==`?"),
        ("p99 =< 1 s", "=<", "did you mean `<=`?"),
        ("p99 ≤ 1 s", "≤", "did you mean `<=`?"),
        ("p99 <", "<", "expected a time"),
        ("p99 < 50", "50", "did you mean \"50 s\"?"),
        ("p99 < 50 msec at 10k", "50 msec", "did you mean \"50 ms\"?"),
        ("p99 < 50k/s", "50k/s", "expected a time, such as \"50 ms\""),
        ("throughput > 5 ms", "5 ms", "expected tasks per second"),
        ("failures < 5", "5", "did you mean \"5 %\"?"),
        ("p99 == 5 ms", "==", "`==` is for counts and for 0"),
        ("p99 < 5 ms on kafka", "on", "did you mean `of`?"),
    ];
    for (text, marked, label) in cases {
        let said = bad(text);
        assert_eq!(said.0, marked, "{text}: {said:?}");
        assert!(said.2.contains(label), "{text}: {said:?}");
    }
    for (text, marked) in [("p99 < 5 ms at", "at"), ("p99 < 5 ms of at 10k", "of")] {
        assert_eq!(bad(text).0, marked, "{text}");
    }
}

/// Of every metric there is a demand, and its unit is the one that is asked for.
#[test]
fn every_metric_can_be_demanded() {
    for metric in metrics::demandable() {
        let example = expected_of(metric).split('"').nth(1).expect("an example");
        let text = format!("{} < {example} at 1k", metric.name);
        assert_eq!(good(&text).0, metric.name);
    }
}

proptest! {
    /// Whatever is written: a demand, or a part of it that is marked.
    #[test]
    fn any_text_is_a_demand_or_marked(text in "\\PC*") {
        if let Err(slip) = read(&text) {
            prop_assert!(text.get(slip.span).is_some());
            prop_assert!(!slip.title.is_empty() && !slip.label.is_empty());
        }
    }

    /// The same of what looks like one.
    #[test]
    fn any_words_are_a_demand_or_marked(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "p99", "lost", "capacity", "<", "<=", "==", "≥", "5", "ms", "5ms", "10k", "%",
                "at", "of", "in", "kafka", "kafka/rf3", "é", "-", "1e999", "0",
            ]),
            0..9,
        ),
        blank in prop::sample::select(vec!["", " ", "  "]),
    ) {
        let text = words.join(blank);
        if let Err(slip) = read(&text) {
            prop_assert!(text.get(slip.span).is_some());
        }
    }

    /// What is read is what was written, blanks or not.
    #[test]
    fn a_demand_is_read_back(
        which in 0..90_usize, sign in 0..4_usize, ms in 0..100_000_u32, blank in " {0,2}",
    ) {
        let times: Vec<&Metric> =
            metrics::demandable().filter(|metric| metric.unit == Unit::Seconds).collect();
        let metric = times[which % times.len()];
        let comparison = Comparison::ALL[sign];
        let text = format!("{}{blank}{}{blank}{ms}{blank}ms", metric.name, comparison.sign());
        let demand = read(&text).expect("a demand");
        prop_assert_eq!(demand.metric.value, metric);
        prop_assert_eq!(demand.comparison, comparison);
        prop_assert_eq!(demand.bound, f64::from(ms) * 1e6 / 1e9);
    }
}
