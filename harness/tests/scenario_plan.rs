//! What scenarios resolve to.

use std::collections::{BTreeMap, BTreeSet};

use schedbench::judge::recovery::{Fault, Foresight, Times};
use schedbench::plan::{
    Arrivals, Block, CellPlan, Estimate, Load, Missing, Resolved, Step, Target, Victim, resolve,
};
use schedbench::scenario::{BUILT_IN, Override, load, read};
use schedbench_reports::outcome::Demand;

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
        // Short enough to read aloud, but for a list of parts or trials.
        let is_a_list = |line: &str| matches!(line, "[[part]]" | "[[trial]]");
        let before = built_in_scenario.text.lines().take_while(|line| !is_a_list(line));
        assert!(before.count() <= 25, "{}", built_in_scenario.name);
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
fn a_disturbed_cell_may_be_left_at_that() {
    let most = |sets: &[&str]| {
        let resolved = built_in("quick", sets);
        let estimate = Estimate::of(&resolved.plan);
        (resolved.plan.reruns, estimate.most_cells / estimate.cells)
    };
    assert_eq!(most(&[]), (2, 3));
    assert_eq!(most(&["reruns=1"]), (1, 2));
    assert_eq!(most(&["reruns=0"]), (0, 1));
}

/// Five repeats of either side. Starts of brokers and waits for quiet, which no
/// estimate has, come on top: with an hour of them it is three.
#[test]
fn a_night_measures_for_two_hours_at_most() {
    let measuring = |name: &str| Estimate::of(&built_in(name, &[]).plan).measuring_ns as f64 / 1e9;
    let hours = 10.0 * (measuring("nightly") + measuring("nightly-faults")) / 3_600.0;
    assert!(hours < 2.0, "{hours} h");
}

/// Else a night's kills show no figure: a baseline has 10 intervals of 2,000
/// tasks at least, and a recovery has to last for 50 (`docs/measurement.md` §9).
#[test]
fn what_a_night_kills_is_watched_for_long_enough() {
    let resolved = built_in("nightly-faults", &[]);
    let mut killed = BTreeSet::new();
    for cell in resolved.plan.blocks.iter().flat_map(cells) {
        let [fault] = cell.faults.as_slice() else { continue };
        let load = if let Load::Backlog { .. } = cell.load { "backlog" } else { "rate" };
        killed.insert((cell.target.system.name, load));
        let Some(rate) = cell.load.mean_rate() else { continue };
        let interval = (2_000.0 / rate).max(0.1);
        let seconds = |ns: u64| ns as f64 / 1e9;
        assert!(seconds(fault.at_ns) >= 10.0 * interval);
        let left = seconds(cell.load.window_ns() - fault.until_ns()) - 50.0 * interval;
        assert!(left >= 20.0, "{left} s for a start and what has piled up");
    }
    let systems = ["redis-asynq", "rabbitmq", "kafka", "postgres"];
    let loads = ["backlog", "rate"];
    let all = systems.into_iter().flat_map(|system| loads.map(|load| (system, load)));
    assert_eq!(killed, all.collect());
}

/// Else every time of a trial reads "not measured", or does by chance.
#[test]
fn every_built_in_fault_has_a_baseline_to_be_measured_against() {
    let mut told = 0;
    // Of `losses` it is asked who loses what, and not when.
    for built_in_scenario in BUILT_IN.iter().filter(|one| one.name != "losses") {
        let resolved = built_in(built_in_scenario.name, &[]);
        for cell in resolved.plan.blocks.iter().flat_map(cells) {
            let (Load::Open { .. }, Some(rate)) = (&cell.load, cell.load.mean_rate()) else {
                continue;
            };
            let fault = |from: u64, lasts: u64| Fault {
                took_effect: from,
                cleared: Some(from.saturating_add(lasts)),
            };
            let hurt = cell.faults.iter().map(|one| fault(one.at_ns, one.for_ns));
            let control = cell.control().map(|one| fault(one.at_ns, one.for_ns));
            let faults: Vec<Fault> = hurt.chain(control).collect();
            let window = cell.load.window_ns();
            if let Some(first) = Times::of(&faults, 0, window).first() {
                let foresight = Foresight::of(first, rate);
                let name = (built_in_scenario.name, cell.target.name(), cell.trial_name());
                assert!(foresight.is_measured, "{name:?}: {foresight:?}");
                told += 1;
            }
        }
    }
    assert!(told > 100, "{told}");
}

/// A recovery that comes within seconds of the healing is a number in each.
#[test]
fn the_faults_are_watched_until_a_recovery_has_lasted() {
    let resolved = built_in("faults", &[]);
    for cell in resolved.plan.blocks.iter().flat_map(cells) {
        let (Some(rate), Some(until)) =
            (cell.load.mean_rate(), cell.faults.iter().map(|one| one.until_ns()).max())
        else {
            continue;
        };
        let interval = (2_000.0 / rate).max(0.1);
        let left = (cell.load.window_ns() - until) as f64 / 1e9 - 45.0 * interval;
        assert!(left >= 5.0, "{:?}: {left} s after it", cell.trial_name());
    }
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
fn a_node_is_the_leader_of_a_cluster_and_else_the_broker() {
    let systems = "systems=redis-asynq/always,rabbitmq/mirrored-3,rabbitmq/quorum-3";
    let resolved = built_in("backlog", &[systems]);
    assert_eq!(resolved.plan.blocks.len(), 6, "each has a block for each load");
    for block in &resolved.plan.blocks {
        let is_cluster = block.target.profile.topology.is_of_several();
        let victim = if is_cluster { Victim::Leader } else { Victim::Broker };
        let hurt = |cell: &CellPlan| cell.faults.iter().map(|fault| fault.on).collect::<Vec<_>>();
        assert!(cells(block).all(|cell| hurt(cell) == [victim]), "{}", block.target.name());
    }
}

/// The next would be given the memory that the first has freed.
#[test]
fn a_broker_holds_one_backlog_and_no_other() {
    let text = "name = \"two\"\nsummary = \"for a test\"\nsystems = [\"redis-asynq\"]\n\
                [load]\nmode = \"backlog\"\npending = [\"1k\", \"2k\"]\n";
    let resolved = parts(text, &[]).unwrap();
    assert_eq!(resolved.plan.blocks.len(), 2);
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

/// What has a trial, as `system trial`, of one repeat; with the profile's name
/// unless it is the default.
fn trials(resolved: &Resolved) -> BTreeSet<String> {
    let first = resolved.plan.blocks.iter().filter(|block| block.repeat == 1);
    let cells = first.flat_map(cells).filter(|cell| !cell.is_searching());
    let name = |target: Target| {
        let is_default = std::ptr::eq(target.profile, &target.system.profiles[0]);
        if is_default { target.system.name.to_owned() } else { target.name() }
    };
    cells.filter_map(|cell| Some(format!("{} {}", name(cell.target), cell.trial_name()?))).collect()
}

#[test]
fn each_trial_has_a_broker_of_its_own() {
    let resolved = built_in("faults", &[]);
    let (noop, others): (Vec<&Block>, Vec<&Block>) =
        resolved.plan.blocks.iter().partition(|block| block.target.system.name == "noop");
    assert!(others.iter().all(|block| block.steps.len() == 1));
    // One trial has two loads, for one of which a capacity is searched.
    assert_eq!(others.len(), 3 * (trials(&resolved).len() + 1) + 1);
    assert!(others.iter().flat_map(|block| cells(block)).all(|cell| cell.trial.is_some()));
    // noop learns nothing from a fault: each rate once, and not for long.
    assert_eq!(noop.len(), 3);
    for block in noop {
        let rates: Vec<f64> = cells(block).filter_map(|cell| cell.load.mean_rate()).collect();
        assert_eq!(rates.iter().sum::<f64>(), 18_000.0, "{rates:?}");
        assert!(cells(block).all(|cell| cell.trial.is_none() && cell.faults.is_empty()));
        assert!(cells(block).all(|cell| cell.load.window_ns() == 10_000_000_000));
    }
    // All trials of a repeat see the same arrivals at one rate in one window.
    let at_10k = |cell: &&CellPlan| {
        cell.load.mean_rate() == Some(10_000.0)
            && cell.load.window_ns() == 30_000_000_000
            && cell.repeat == 1
    };
    let hurt = others.iter().flat_map(|block| cells(block));
    let seeds: BTreeSet<u64> = hurt.filter(at_10k).map(|cell| cell.seed).collect();
    assert_eq!(seeds.len(), 1);
}

#[test]
fn the_faults_take_less_than_an_hour() {
    let estimate = Estimate::of(&built_in("faults", &[]).plan);
    let minutes = |ns: u64| ns as f64 / 60e9;
    let (least, most) = (minutes(estimate.least_ns), minutes(estimate.measuring_ns));
    assert!((44.0..50.0).contains(&least), "{least} min without a drain");
    assert!((48.0..62.0).contains(&most), "{most} min at most");
}

/// The steps of every block, as `system: steps`.
fn steps(resolved: &Resolved) -> Vec<String> {
    let words = |step: &Step| match step {
        Step::Cell(cell) => format!("{}/s", cell.load.mean_rate().unwrap()),
        Step::Search(search) => format!("search from {}", search.from),
        Step::AtCapacity { share, .. } => format!("{share} of it"),
    };
    let blocks = resolved.plan.blocks.iter();
    blocks
        .map(|block| {
            let steps: Vec<String> = block.steps.iter().map(words).collect();
            format!("{}: {}", block.target.system.name, steps.join(", "))
        })
        .collect()
}

#[test]
fn a_capacity_is_searched_once_and_before_its_shares() {
    let sets = ["systems=redis-asynq,wheel", "load.rates=50 %,2k", "repeats=2"];
    let resolved = built_in("partition", &[sets[0], sets[1], sets[2], "load.from=1k"]);
    // A partition needs a link: the wheel is left out, and nothing is searched for it.
    let steps = steps(&resolved);
    assert_eq!(steps[..2], ["noop: 2000/s", "redis-asynq: search from 1000"]);
    let count = |what: &str| steps.iter().filter(|step| *step == what).count();
    assert_eq!(count("redis-asynq: search from 1000"), 1);
    assert_eq!((count("redis-asynq: 0.5 of it"), count("redis-asynq: 2000/s")), (2, 2));
    assert_eq!(steps.len(), 7, "{steps:?}");
    // By the same roads, with tasks that are watched no longer than they need.
    let search = cells(&resolved.plan.blocks[1]).next().unwrap();
    assert!(search.is_tried() && search.is_searching() && search.faults.is_empty());
    assert_eq!(search.horizon_ns, 2_000_000_000);
    assert!(resolved.plan.blocks[2..].iter().flat_map(cells).all(|cell| !cell.is_searching()));
}

#[test]
fn the_full_matrix_is_at_half_of_each_capacity_too() {
    let sets = ["systems=redis-asynq,celery", "matrix=full", "repeats=1"];
    let resolved = built_in("faults", &sets);
    let steps = steps(&resolved);
    let of = |system: &str| {
        let of_it = move |step: &&String| step.starts_with(system) && step.ends_with("0.5 of it");
        steps.iter().filter(of_it).count()
    };
    assert_eq!((of("redis-asynq:"), of("celery:")), (15, 15));
    assert!(steps[1].contains("search from") && steps[2].contains("search from"), "{steps:?}");
    assert_eq!(steps.iter().filter(|step| step.contains("search")).count(), 2);
    // Loads from the command line take the place of these as well.
    let named = built_in("faults", &[sets[0], sets[1], sets[2], "load.rates=5k"]);
    assert!(named.plan.blocks.iter().flat_map(|block| &block.steps).all(|step| {
        matches!(step, Step::Cell(cell) if cell.load.mean_rate() == Some(5_000.0))
    }));
}

#[test]
fn what_does_nothing_shows_something_beside_shares_alone() {
    let resolved = built_in("partition", &["systems=redis-asynq", "load.rates=50 %"]);
    assert_eq!(steps(&resolved)[0], "noop: 1000/s", "the first rate of the search");
}

#[test]
fn a_control_is_judged_at_the_time_of_the_others() {
    let resolved = built_in("faults", &["matrix=full", "systems=redis-asynq,wheel"]);
    for (system, is_in_a_child) in [("redis-asynq", false), ("wheel", true)] {
        let all = resolved.plan.blocks.iter().flat_map(cells);
        let mut of_it = all.filter(|cell| cell.target.system.name == system);
        let cell = of_it.find(|cell| cell.trial_name() == Some("control")).unwrap();
        let control = cell.control().unwrap();
        assert_eq!(control.in_words(), "no fault, as a control, at 10 s for 17 s");
        // All that a fault needs is around it.
        assert!(cell.is_tried());
        assert_eq!(cell.is_in_a_child(), is_in_a_child, "{system}");
        assert_eq!(cell.fault_in_words(), None);
    }
}

#[test]
fn the_full_matrix_is_every_system_in_every_trial_that_it_can_have() {
    let listed = trials(&built_in("faults", &["systems=redis-asynq"]));
    let expected = ["black-hole-producer", "broker-kill", "control", "reset", "slow-worker-kill"];
    assert_eq!(listed, expected.map(|name| format!("redis-asynq {name}")).into());
    let full = built_in("faults", &["systems=redis-asynq,wheel", "matrix=full"]);
    assert_eq!(trials(&full).iter().filter(|trial| trial.starts_with("redis-asynq ")).count(), 15);
    assert!(trials(&full).contains("wheel control"));
    assert!(trials(&full).contains("wheel worker-kill"), "in a child");
    assert!(!trials(&full).contains("wheel broker-kill"), "it has none");
    let notes = full.notes.join("\n");
    assert!(notes.contains("wheel/1ms: no cells with trial broker-kill"), "{notes}");
    // Trials of other systems are noted where the command line leaves those out.
    let notes = built_in("faults", &["systems=celery"]).notes.join("\n");
    assert!(notes.contains("no system here is one of trial `control`, `broker-kill`"), "{notes}");
    // And noop goes without their rates.
    let celery = built_in("faults", &["systems=celery"]);
    let rates = celery.plan.blocks.iter().flat_map(cells).filter_map(|cell| cell.load.mean_rate());
    assert_eq!(rates.fold(f64::NAN, f64::max), 1_000.0);
}

#[test]
fn loads_of_the_command_line_take_the_place_of_a_trials_own() {
    let rates = |sets: &[&str]| {
        let resolved = built_in("faults", sets);
        let all = resolved.plan.blocks.iter().flat_map(cells);
        let rates = all.filter(|cell| cell.target.system.name == "celery");
        rates.filter_map(|cell| cell.load.mean_rate()).map(|rate| rate as u64).collect::<Vec<_>>()
    };
    assert_eq!(rates(&["systems=celery", "repeats=1"]), [1_000]);
    assert_eq!(rates(&["systems=celery", "repeats=1", "load.rates=500"]), [500]);
}

#[test]
fn a_trial_has_a_window_of_its_own_unless_the_command_line_says_which() {
    let windows = |sets: &[&str]| {
        let resolved = built_in("faults", &[&["repeats=1"], sets].concat());
        let all = resolved.plan.blocks.iter().flat_map(cells);
        let hurt = all.filter(|cell| !cell.is_searching() && cell.target.system.name != "noop");
        hurt.map(|cell| cell.load.window_ns() / 1_000_000_000).collect::<BTreeSet<_>>()
    };
    assert_eq!(windows(&[]), [30, 40, 45, 60, 70, 130].into());
    assert_eq!(windows(&["systems=celery"]), [130].into());
    assert_eq!(windows(&["load.duration=90 s"]), [90].into());
}

#[test]
fn a_trials_name_decides_no_figure_and_its_faults_do() {
    let hash = |trial: &str, fault: &str| {
        let text = format!(
            "name = \"t\"\nsummary = \"t\"\nsystems = [\"redis-asynq\"]\n[load]\nrates = [\"5k\"]\n\
             [[trial]]\nname = \"{trial}\"\nfault = [{{ kind = \"{fault}\", on = \"broker\", \
             at = \"2 s\", for = \"1 s\" }}]\n[[trial]]\nname = \"control\"\n"
        );
        let scenario = read("t.toml", text.as_bytes(), &[]).unwrap();
        resolve(&scenario, Missing::IsSkipped).unwrap().plan.hash
    };
    assert_eq!(hash("a", "kill"), hash("b", "kill"));
    assert_ne!(hash("a", "kill"), hash("a", "pause"));
}

/// A ramp, a backlog and a kill, in parts.
const PARTS: &str = r#"name = "card"
summary = "three parts"
systems = ["wheel", "redis-asynq"]
quick = ["systems=wheel", "load.duration=2 s"]
[load]
warmup = "1 s"
horizon = "2 s"
[[part]]
name = "ramp"
load = { rates = ["1k", "5k"], duration = "4 s" }
[[part]]
name = "backlog"
systems = ["redis-asynq"]
load = { mode = "backlog", pending = ["3k"], horizon = "60 s" }
[[part]]
name = "kill"
systems = ["wheel"]
load = { rates = ["1k"], duration = "20 s" }
fault = [{ kind = "kill", on = "workers", at = "5 s", for = "1 s" }]
"#;

fn parts(text: &str, changes: &[Override]) -> Result<Resolved, String> {
    let scenario = read("card.toml", text.as_bytes(), changes).map_err(|e| e.to_string())?;
    resolve(&scenario, Missing::IsSkipped).map_err(|error| error.to_string())
}

/// `redis-asynq/everysec backlog 3000` and the like, of all but `noop`.
fn told(resolved: &Resolved) -> BTreeSet<String> {
    let cells = resolved.plan.blocks.iter().flat_map(cells);
    let others = cells.filter(|cell| cell.target.system.name != "noop");
    others
        .map(|cell| {
            let seconds = cell.load.window_ns() / 1_000_000_000;
            let horizon = cell.horizon_ns / 1_000_000_000;
            let load = match &cell.load {
                Load::Backlog { tasks } => format!("backlog {tasks}"),
                load => format!("{}/s", load.mean_rate().unwrap_or_default()),
            };
            let fault = cell.fault_in_words().map_or("", |_| " kill");
            format!("{} {load} {seconds} s, T {horizon} s{fault}", cell.target.system.name)
        })
        .collect()
}

#[test]
fn parts_have_what_is_theirs_and_share_the_rest() {
    let resolved = parts(PARTS, &[]).unwrap();
    let expected = [
        "redis-asynq 1000/s 4 s, T 2 s",
        "redis-asynq 5000/s 4 s, T 2 s",
        "redis-asynq backlog 3000 0 s, T 60 s",
        "wheel 1000/s 20 s, T 2 s kill",
        "wheel 1000/s 4 s, T 2 s",
        "wheel 5000/s 4 s, T 2 s",
    ];
    assert_eq!(told(&resolved), expected.iter().map(|line| (*line).to_owned()).collect());
    let noop: Vec<&CellPlan> = resolved.plan.blocks.iter().flat_map(cells).collect();
    let noop = noop.into_iter().filter(|cell| cell.target.system.name == "noop");
    assert_eq!(noop.count(), 2, "each load once, whichever the part");
    assert_eq!(resolved.plan.parts.len(), 3);
    assert!(resolved.skipped.is_empty() && resolved.notes.is_empty(), "{:?}", resolved.notes);
    // Repeats interleave over all parts.
    let twice = parts(PARTS, &[Override::set("repeats=2").unwrap()]).unwrap();
    let rounds: Vec<u32> = twice.plan.blocks.iter().map(|block| block.repeat).collect();
    assert!(rounds.is_sorted() && rounds.contains(&2), "{rounds:?}");
    assert_eq!(twice.plan.hash, resolved.plan.hash);
}

#[test]
fn a_change_of_the_load_is_for_parts_that_take_it_and_are_not_hurt() {
    let changes = [Override::set("load.duration=2 s").unwrap(), Override::loads("2k")];
    let expected = [
        "redis-asynq 2000/s 2 s, T 2 s",
        "redis-asynq backlog 3000 0 s, T 60 s",
        "wheel 1000/s 20 s, T 2 s kill",
        "wheel 2000/s 2 s, T 2 s",
    ];
    let resolved = parts(PARTS, &changes).unwrap();
    assert_eq!(told(&resolved), expected.iter().map(|line| (*line).to_owned()).collect());
    assert_eq!(resolved.plan.source.overrides, ["load.duration=2 s", "load.rates=2k"]);

    let quick = parts(PARTS, &[Override::quick()]).unwrap();
    let whole = parts(PARTS, &[]).unwrap();
    assert!(told(&quick).iter().all(|line| line.starts_with("wheel ")), "{:?}", told(&quick));
    assert!(told(&quick).contains("wheel 5000/s 2 s, T 2 s"), "{:?}", told(&quick));
    assert_eq!(quick.notes, ["no system here is one of part `backlog`"]);
    assert_ne!(quick.plan.hash, whole.plan.hash, "its windows are others");
    // Which systems there are decides nothing about what is measured.
    let wheel = parts(PARTS, &[Override::set("systems=wheel").unwrap()]).unwrap();
    assert_eq!(wheel.plan.hash, whole.plan.hash);
    let later = [Override::quick(), Override::set("load.duration=3 s").unwrap()];
    assert!(told(&parts(PARTS, &later).unwrap()).contains("wheel 5000/s 3 s, T 2 s"));
}

#[test]
fn slips_in_parts_are_told_where_they_are() {
    let said = |from: &str, to: &str| parts(&PARTS.replacen(from, to, 1), &[]).unwrap_err();
    for (from, to, place, words) in [
        ("name = \"kill\"", "name = \"ramp\"", "card.toml:16:8", "two parts named `ramp`"),
        ("name = \"kill\"", "name = \"a b\"", "card.toml:16:8", "letters, digits"),
        ("systems = [\"wheel\"]", "systems = [\"heap\"]", "card.toml:17:12", "not among"),
        ("pending = [\"3k\"]", "pending = [\"3k\"], rates = [\"1k\"]", "card.toml:14:", "`rates`"),
        ("on = \"workers\"", "on = \"nobody\"", "card.toml:19:", "nobody"),
        ("at = \"5 s\"", "at = \"50 s\"", "card.toml:19:", "window"),
        ("name = \"ramp\"", "name = \"ramp\"\nrepeats = 2", "card.toml:10:1", "`repeats`"),
    ] {
        let error = said(from, to);
        assert!(error.contains(place) && error.contains(words), "{words}: {error}");
    }
    let same = PARTS.replacen(
        "fault = [{ kind = \"kill\", on = \"workers\", at = \"5 s\", for = \"1 s\" }]",
        "",
        1,
    );
    let error = parts(&same, &[]).unwrap_err();
    assert!(error.contains("`kill` has a cell of an earlier part"), "{error}");
    let other = PARTS.replacen(
        "duration = \"20 s\" }",
        "duration = \"20 s\" }\ntask = { body = \"1 KB\" }",
        1,
    );
    let error = parts(&other, &[]).unwrap_err();
    assert!(error.contains("other bodies or work"), "{error}");
    let none = parts(PARTS, &[Override::set("load.share=0.5").unwrap()]).unwrap_err();
    assert!(none.contains("`share` has no meaning"), "{none}");
}

/// The demands of three parts as they are asked: with `of` and `at` in the text.
fn demanded(objectives: &str) -> Result<Vec<String>, String> {
    let text = PARTS.replacen("systems", &format!("objectives = [{objectives}]\nsystems"), 1);
    let plan = parts(&text, &[])?.plan;
    let of_parts: usize = plan.parts.iter().map(|part| part.objectives.len()).sum();
    assert_eq!(of_parts, plan.objectives.len(), "each is of one part");
    let told = |demand: &Demand| {
        let part = demand.part.as_deref().expect("a part");
        assert!(!demand.targets.is_empty(), "{demand:?}");
        format!("{part}: {}", demand.text)
    };
    Ok(plan.objectives.iter().map(told).collect())
}

#[test]
fn objectives_are_asked_of_the_parts_that_can_answer_them() {
    let asked = |objective: &str| demanded(&format!("\"{objective}\"")).unwrap();
    for (objective, expected) in [
        (
            "lost == 0",
            &[
                "ramp: lost == 0 in ramp",
                "backlog: lost == 0 in backlog",
                "kill: lost == 0 in kill",
            ][..],
        ),
        ("p99 < 1 s at 5k", &["ramp: p99 < 1 s at 5k in ramp"]),
        ("p99 < 1 s at 1k in ramp", &["ramp: p99 < 1 s at 1k in ramp"]),
        ("backlog.drain_time < 30 s", &["backlog: backlog.drain_time < 30 s in backlog"]),
        ("recovery < 9 s", &["kill: recovery < 9 s in kill"]),
        (
            "p99 < 1 s of wheel",
            &["ramp: p99 < 1 s of wheel in ramp", "kill: p99 < 1 s of wheel in kill"],
        ),
        ("p99 < 1 s of redis-asynq", &["ramp: p99 < 1 s of redis-asynq in ramp"]),
        // noop has each load once, whichever the part.
        ("capacity >= 1k of noop", &["ramp: capacity >= 1k of noop in ramp"]),
        ("p99 < 1 s at 1k of noop", &["ramp: p99 < 1 s at 1k of noop in ramp"]),
    ] {
        assert_eq!(asked(objective), expected, "{objective}");
    }
}

#[test]
fn objectives_that_no_part_can_answer_are_refused() {
    let said = |objective: &str| demanded(&format!("\"{objective}\"")).unwrap_err();
    let messages = [
        "p99 < 1 s at 20k",
        "p99 < 1 s in rampe",
        "p99 < 1 s in backlog",
        "recovery < 9 s in ramp",
        "lost == 0 of kafka",
        "lost == 0 of wheel in backlog",
        "p999 < 1 s",
        "p999 < 1 s in ramp",
        "p99 =< 1 s",
    ];
    insta::assert_snapshot!(messages.map(said).join("\n\n"));
}

#[test]
fn an_objective_demands_something_of_those_that_its_place_is_for() {
    let targets = |objective: &str, text: &str| -> Vec<Vec<String>> {
        let text = text.replacen("systems", &format!("objectives = [\"{objective}\"]\nsystems"), 1);
        let plan = parts(&text, &[]).unwrap().plan;
        plan.objectives.into_iter().map(|demand| demand.targets).collect()
    };
    let (wheel, redis) = ("wheel/1ms".to_owned(), "redis-asynq/everysec".to_owned());
    let of = |objective: &str| targets(objective, PARTS);
    let both = vec![wheel.clone(), redis.clone()];
    assert_eq!(of("lost == 0"), [both, vec![redis.clone()], vec![wheel.clone()]]);
    assert_eq!(of("lost == 0 of wheel in ramp"), [vec![wheel]]);
    assert_eq!(of("capacity >= 1k of noop"), [vec!["noop/default".to_owned()]]);
    let trials = "name = \"t\"\nsummary = \"t\"\nsystems = [\"wheel\", \"redis-asynq\"]\n\
                  [load]\nrates = [\"1k\"]\nduration = \"20 s\"\n\
                  [[trial]]\nname = \"control\"\n\
                  [[trial]]\nname = \"kill\"\nsystems = [\"redis-asynq\"]\n\
                  fault = [{ kind = \"kill\", on = \"broker\", at = \"5 s\", for = \"1 s\" }]\n";
    assert_eq!(targets("lost == 0 in kill", trials), [vec![redis]]);
    assert_eq!(targets("lost == 0", trials), [Vec::<String>::new()], "of all");
}
