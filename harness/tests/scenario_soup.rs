//! Whatever stands in a scenario: a plan or one message, never a panic.

use proptest::prelude::*;
use schedbench::plan::{Estimate, Missing, resolve};
use schedbench::scenario::{BUILT_IN, Override, read};

/// Reads, resolves and prints, as `check` does.
fn survives(bytes: &[u8], sets: &[String]) {
    let Ok(sets) = sets.iter().map(|set| Override::set(set)).collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let planned =
        read("soup.toml", bytes, &sets).and_then(|scenario| resolve(&scenario, Missing::IsSkipped));
    match planned {
        Ok(resolved) => {
            let _ = Estimate::of(&resolved.plan);
            let _ = schedbench::verbs::check::headline(&resolved.plan);
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.starts_with("error: "), "{said}");
            assert!(!said.contains('\u{1b}'), "an escape reaches the terminal: {said:?}");
        }
    }
}

/// A built-in scenario with pieces of it replaced: nearer to the truth than
/// random bytes, and so deeper into the program.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "-1",
        "0",
        "1e308",
        "nan",
        "inf",
        "\"\"",
        "\"1k\"",
        "[]",
        "{}",
        "{ fixed = 1 }",
        "\"9999999999999 h\"",
        "[[\"1 s\", 1]]",
        "{ mix = [[\"1 s\", 4000000000]] }",
        "true",
        "1979-05-27",
        "\"\u{1b}[31m\"",
        "\"ä€😀\"",
        "\"1000M\"",
        "\"100 %\"",
        "\n",
        "=",
        "[",
        "]",
        "\"",
        "#",
        "9223372036854775807",
        "\"in-flight\"",
        "\"soak\"",
        "\"capacity\"",
        "\"none\"",
    ]);
    let edit = (any::<prop::sample::Index>(), 0usize..12, pieces);
    (prop::sample::select(BUILT_IN.to_vec()), prop::collection::vec(edit, 1..4)).prop_map(
        |(built_in, edits)| {
            let mut text: Vec<char> = built_in.text.chars().collect();
            for (at, removed, piece) in edits {
                let at = at.index(text.len());
                let end = (at + removed).min(text.len());
                text.splice(at..end, piece.chars());
            }
            text.into_iter().collect()
        },
    )
}

/// The value of one field replaced.
fn set() -> impl Strategy<Value = String> {
    let fields = prop::sample::select(vec![
        "name",
        "summary",
        "systems",
        "profiles",
        "repeats",
        "seed",
        "pacing",
        "load",
        "load.mode",
        "load.rates",
        "load.stages",
        "load.in_flight",
        "load.pending",
        "load.most_tasks",
        "load.warmup",
        "load.duration",
        "load.horizon",
        "load.from",
        "load.to",
        "load.precision",
        "load.search",
        "load.share",
        "task.body",
        "task.delay",
        "task.work",
        "task.fail",
        "task.keys",
        "task.cancel",
        "retry.max",
        "retry.backoff",
        "workers.processes",
        "workers.window",
        "objective.p99",
        "objectives",
        "brokers.redis.url_env",
        "x.y.z",
        "load..x",
        ".",
        "task.delay.fixed",
    ]);
    let values = prop_oneof![
        ".*",
        "[0-9]{1,20}(\\.[0-9]{1,3})? ?(ns|us|ms|s|m|h|k|M|%|KiB|/s)?",
        Just("{fixed=\"10 ms\"}".to_owned()),
        Just("[{ rate = \"1k\", duration = \"1 s\" }]".to_owned()),
        "(p99|lost|capacity|recovery) ?(<|<=|==) ?[0-9]{1,4} ?(ms|k|%)? (at|of|in) [a-z0-9%]{1,6}",
        Just("capacity".to_owned()),
        Just("in-flight".to_owned()),
    ];
    (fields, values).prop_map(|(field, value)| format!("{field}={value}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes, &[]);
    }

    #[test]
    fn text(text in "\\PC{0,200}", sets in prop::collection::vec(".*", 0..2)) {
        survives(text.as_bytes(), &sets);
    }

    #[test]
    fn nearly_a_scenario(text in mutated()) {
        survives(text.as_bytes(), &[]);
    }

    #[test]
    fn any_field_set_to_anything(
        built_in in prop::sample::select(BUILT_IN.to_vec()),
        sets in prop::collection::vec(set(), 1..4),
    ) {
        survives(built_in.text.as_bytes(), &sets);
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
    let deep = format!("name = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    survives(deep.as_bytes(), &[]);
    let dotted = format!("{} = 1", vec!["a"; 100_000].join("."));
    survives(dotted.as_bytes(), &[]);
    survives(BUILT_IN[0].text.as_bytes(), &[format!("{}=1", vec!["a"; 100_000].join("."))]);
}
