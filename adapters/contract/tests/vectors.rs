//! The vectors against which workers in every language are tested. They were
//! made by a program in another language, from the text of the definitions.

use schedbench_contract::{BodyPool, Fill, TaskId, seeded};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors<T> {
    cases: Vec<T>,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    seed: u64,
    id: u64,
    attempt: u32,
    fail_ppm: u32,
    fails: bool,
}

#[derive(Debug, Deserialize)]
struct Body {
    seed: u64,
    bytes: usize,
    id: u64,
    body: String,
}

#[test]
fn attempts_fail_as_the_vectors_say() {
    let vectors: Vectors<Attempt> =
        serde_json::from_str(include_str!("../vectors/attempts.json")).expect("vectors");
    for case in &vectors.cases {
        let id = TaskId::from_bits(case.id);
        let fails = seeded::attempt_fails(case.seed, id, case.attempt, case.fail_ppm);
        assert_eq!(fails, case.fails, "{case:?}");
    }
    assert!(vectors.cases.iter().any(|case| case.fails && case.fail_ppm < 1_000_000));
}

#[test]
fn bodies_are_those_of_the_vectors() {
    let vectors: Vectors<Body> =
        serde_json::from_str(include_str!("../vectors/bodies.json")).expect("vectors");
    for case in &vectors.cases {
        let pool = BodyPool::new(Fill { seed: case.seed, bytes: case.bytes });
        let body = pool.of(TaskId::from_bits(case.id));
        let digits: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, case.body, "{case:?}");
    }
    assert!(!vectors.cases.is_empty());
}
