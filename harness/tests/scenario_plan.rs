//! What scenarios resolve to.

use std::collections::{BTreeMap, BTreeSet};

use schedbench::plan::{
    Arrivals, Block, CellPlan, Estimate, Load, Missing, Resolved, Step, resolve,
};
use schedbench::scenario::{BUILT_IN, Override, load, read};

fn built_in(name: &str, sets: &[&str]) -> Resolved {
    let sets: Vec<Override> = sets.iter().map(|set| Override::set(set).unwrap()).collect();
    let scenario = load(name, &sets).unwrap_or_else(|error| panic!("{error}"));
    // A lean build lacks systems that a built-in scenario names.
    resolve(&scenario, Missing::IsSkipped).unwrap_or_else(|error| panic!("{error}"))
}

fn cells(block: &Block) -> impl Iterator<Item = &CellPlan> {
    block.steps.iter().map(|step| match step {
        Step::Cell(cell) | Step::AtCapacity { cell, .. } => cell,
        Step::Search(search) => &search.template,
    })
}

fn order(resolved: &Resolved) -> Vec<String> {
    let blocks = resolved.plan.blocks.iter();
    blocks
        .map(|block| {
            let loads: Vec<String> =
                cells(block).map(|cell| format!("{:?} {}", cell.load, cell.seed)).collect();
            format!("{} {} {}", block.target.name(), block.repeat, loads.join(" "))
        })
        .collect()
}

#[test]
fn every_built_in_scenario_resolves_without_a_note() {
    for built_in_scenario in BUILT_IN {
        let resolved = built_in(built_in_scenario.name, &[]);
        assert_eq!(resolved.plan.source.name, built_in_scenario.name);
        assert!(resolved.notes.is_empty(), "{}: {:?}", built_in_scenario.name, resolved.notes);
        assert!(resolved.plan.blocks.len() >= 2);
        // Short enough to read aloud.
        assert!(built_in_scenario.text.lines().count() <= 25, "{}", built_in_scenario.name);
    }
}

#[test]
fn quick_is_about_30_s_of_measuring() {
    let resolved = built_in("quick", &[]);
    let estimate = Estimate::of(&resolved.plan);
    assert_eq!(estimate.cells, 5 * 3 * 3);
    let seconds = estimate.measuring_ns as f64 / 1e9;
    assert!((25.0..35.0).contains(&seconds), "{seconds} s");
}

#[test]
fn noop_is_first_and_in_every_repeat() {
    for seed in 0..20 {
        let resolved = built_in("quick", &[&format!("seed={seed}")]);
        let blocks = &resolved.plan.blocks;
        assert_eq!((blocks[0].target.system.name, blocks[0].repeat), ("noop", 1));
        // Every repeat has every target once, and ends before the next begins.
        for (round, blocks) in blocks.chunks(5).enumerate() {
            let names: BTreeSet<String> = blocks.iter().map(|block| block.target.name()).collect();
            assert_eq!(names.len(), 5);
            assert!(blocks.iter().all(|block| block.repeat as usize == round + 1));
        }
    }
}

#[test]
fn a_named_noop_does_not_run_twice() {
    let resolved = built_in("quick", &["systems=noop,wheel"]);
    assert_eq!(resolved.plan.blocks.len(), 6);
    let alone = built_in("quick", &["systems=noop"]);
    assert_eq!(alone.plan.blocks.len(), 3);
}

#[test]
fn the_same_seed_gives_the_same_plan_and_another_another() {
    assert_eq!(order(&built_in("quick", &[])), order(&built_in("quick", &[])));
    assert_ne!(order(&built_in("quick", &[])), order(&built_in("quick", &["seed=8"])));
}

#[test]
fn every_system_sees_the_same_arrivals_and_every_repeat_others() {
    let resolved = built_in("quick", &[]);
    let mut seeds: BTreeMap<(String, u32), BTreeSet<u64>> = BTreeMap::new();
    for block in &resolved.plan.blocks {
        for cell in cells(block) {
            seeds.entry((format!("{:?}", cell.load), cell.repeat)).or_default().insert(cell.seed);
        }
    }
    assert_eq!(seeds.len(), 9);
    assert!(seeds.values().all(|seeds| seeds.len() == 1), "{seeds:?}");
    let distinct: BTreeSet<u64> = seeds.values().flatten().copied().collect();
    assert_eq!(distinct.len(), 9, "each load and repeat has arrivals of its own");
    let first = |at: usize| {
        let block = &resolved.plan.blocks[at];
        let cell = cells(block).find(|cell| cell.load.mean_rate() == Some(5_000.0)).unwrap();
        Arrivals::of(cell).take(100).collect::<Vec<_>>()
    };
    assert_eq!(first(0), first(1));
}

#[test]
fn noop_runs_delays_without_a_delay_and_each_load_once() {
    let resolved = built_in("delays", &["systems=wheel"]);
    let [noop, wheel] = resolved.plan.blocks.as_slice() else { panic!("two blocks") };
    assert_eq!(cells(noop).count(), 4);
    assert!(cells(noop).all(|cell| cell.variant.is_none() && cell.longest_delay_ns() == 0));
    assert_eq!(cells(wheel).count(), 12);
    let variants: BTreeSet<&str> =
        cells(wheel).filter_map(|cell| cell.variant.as_deref()).collect();
    assert_eq!(
        variants.into_iter().collect::<Vec<_>>(),
        ["delay 1 s", "delay 10 ms", "delay 10 ms or 1 s, 9:1"]
    );
}

#[test]
fn noop_needs_no_cancel_no_retry_and_no_handler() {
    let sets = [
        "task.cancel=5%",
        "task.fail=1%",
        "retry.max=3",
        "task.work={sleep=\"1 ms\"}",
        "task.delay={fixed=\"10 ms\"}",
    ];
    let resolved = built_in("quick", &sets);
    let noop = cells(&resolved.plan.blocks[0]).next().unwrap();
    assert_eq!((noop.cancel_ppm, noop.fail_ppm, noop.retry.max), (0, 0, 0));
    let other = cells(&resolved.plan.blocks[1]).next().unwrap();
    assert_eq!((other.cancel_ppm, other.fail_ppm, other.retry.max), (50_000, 10_000, 3));
}

#[test]
fn a_soak_searches_first() {
    let resolved = built_in("soak", &["systems=wheel", "load.duration=5m"]);
    for block in &resolved.plan.blocks {
        let [Step::Search(search), Step::AtCapacity { share, cell }] = block.steps.as_slice()
        else {
            panic!("a search, then a cell: {:?}", block.steps)
        };
        assert_eq!(search.template.load.window_ns(), 10_000_000_000);
        assert_eq!(cell.load.window_ns(), 300_000_000_000);
        assert!((share - 0.5).abs() < 1e-9);
    }
}

#[test]
fn the_ceiling_of_a_soak_is_long_only_where_memory_is_the_difference_to_it() {
    let long = |systems: &str| {
        let resolved = built_in("soak", &[systems]);
        let of = |at: usize| match resolved.plan.blocks[at].steps.as_slice() {
            [Step::Search(_), Step::AtCapacity { cell, .. }] => cell.load.clone(),
            other => panic!("{other:?}"),
        };
        (of(0), of(1))
    };
    let (noop, wheel) = long("systems=wheel");
    assert_eq!(noop.window_ns(), wheel.window_ns());
    let (noop, redis) = long("systems=redis-asynq");
    assert_eq!((noop.window_ns(), redis.window_ns()), (10_000_000_000, 1_800_000_000_000));
    assert_eq!(noop.mean_rate(), redis.mean_rate());
}

#[test]
fn a_soak_needs_room_for_what_its_broker_keeps() {
    let bytes = |system: &str| Estimate::of(&built_in("soak", &[system]).plan).disk_bytes;
    // 90M tasks and their search; Kafka's log keeps what is done.
    assert!(bytes("systems=kafka") > 90_000_000_000);
    assert!(bytes("systems=redis-asynq") < 10_000_000_000);
}

#[test]
fn overrides_are_recorded_as_fields() {
    let changes = [
        Override::option("--warmup", "load.warmup", "1s"),
        Override::loads("1k,2k"),
        Override::set("task.body=64 KiB").unwrap(),
    ];
    let scenario = load("ramp", &changes).unwrap();
    let resolved = resolve(&scenario, Missing::IsSkipped).unwrap();
    assert_eq!(
        resolved.plan.source.overrides,
        ["load.warmup=1s", "load.rates=1k,2k", "task.body=64 KiB"]
    );
    let block = &resolved.plan.blocks[0];
    assert_eq!(block.steps.len(), 2);
    assert!(cells(block).all(|cell| cell.warmup_ns == 1_000_000_000 && cell.body_bytes == 65_536));
    // The same option means what is in flight where that is the load.
    let scenario = load("ramp-inflight", &[Override::loads("1k,2k")]).unwrap();
    let resolved = resolve(&scenario, Missing::IsSkipped).unwrap();
    assert!(matches!(
        cells(&resolved.plan.blocks[0]).next().unwrap().load,
        Load::InFlight { tasks: 1_000 | 2_000, .. }
    ));
}

#[test]
fn the_hash_is_of_what_decides_the_measurement() {
    let hash = |sets: &[&str]| built_in("quick", sets).plan.hash;
    let base = hash(&[]);
    for same in [
        "seed=9",
        "repeats=5",
        "systems=wheel",
        "summary=x",
        "load.rates=100k,5k,20k",
        "task.body=100",
    ] {
        assert_eq!(hash(&[same]), base, "{same}");
    }
    for other in [
        "load.rates=5k,20k",
        "load.warmup=1s",
        "load.duration=1s",
        "load.horizon=1s",
        "load.arrivals=constant",
        "task.body=101",
        "task.delay={fixed=\"1 ms\"}",
        "task.keys=10",
        "task.work={cpu=\"1 us\"}",
        "task.fail=1%",
        "retry.max=1",
        "workers.concurrency=9",
        "objective.p99=1s",
        "pacing=grid",
    ] {
        assert_ne!(hash(&[other]), base, "{other}");
    }
    // Fixed: a change of this value makes every earlier result incomparable.
    assert_eq!(base, "ef16805a80a7886b");
}

#[test]
fn profiles_apply_to_systems_that_have_them() {
    let names = |sets: &[&str]| -> BTreeSet<String> {
        built_in("quick", sets).plan.blocks.iter().map(|block| block.target.name()).collect()
    };
    let chosen = names(&["systems=wheel,heap,tokio", "profiles=1us,inline"]);
    let expected = ["heap/default", "noop/default", "tokio/default", "wheel/1us", "wheel/inline"];
    assert_eq!(chosen, expected.map(str::to_owned).into());
    let all = names(&["systems=heap", "profiles=all"]);
    let expected = ["heap/default", "heap/tick-100ms", "noop/default"];
    assert_eq!(all, expected.map(str::to_owned).into());
}

#[test]
fn what_cannot_be_shown_is_said() {
    let notes = |sets: &[&str]| built_in("quick", sets).notes.join("\n");
    insta::assert_snapshot!(
        [
            notes(&["load.rates=1k"]),
            notes(&["objective.p99=1s"]),
            notes(&["task.cancel=5%"]),
            notes(&["load.rates=100k", "task.work={sleep=\"1 ms\"}"]),
        ]
        .join("\n"),
        @r#"
    1k/s for 400 ms is about 400 tasks: too few for a P99, which needs 10 beyond it (from 1.1 s on)
    objective 1 s is beyond the horizon 200 ms: a P99 between the two reads "> 200 ms"
    tasks without a delay start at once: hardly any cancel can succeed
    100k/s is more than 8 handlers of 1 ms can do (8000/s)
    "#
    );
}

#[test]
fn stages_are_one_cell() {
    let text = "name = \"steps\"\nsummary = \"up and down\"\nsystems = [\"wheel\"]\n[load]\n\
        stages = [{ rate = \"1k\", duration = \"1 s\" }, { rate = \"5k\", duration = \"2 s\" }]\n";
    let scenario = read("steps.toml", text.as_bytes(), &[]).unwrap();
    let resolved = resolve(&scenario, Missing::IsAnError).unwrap();
    let cell = cells(&resolved.plan.blocks[1]).next().unwrap();
    assert_eq!(cell.load.window_ns(), 3_000_000_000);
    assert_eq!(cell.load.mean_rate(), Some(11_000.0 / 3.0));
}

#[test]
fn a_target_can_be_left_out_after_all() {
    let mut resolved = built_in("quick", &[]);
    let target = resolved.plan.blocks[1].target;
    resolved.skip(target, "no broker here", None);
    assert_eq!(resolved.plan.blocks.len(), 12);
    assert_eq!(resolved.skipped[0].target, target.name());
}
