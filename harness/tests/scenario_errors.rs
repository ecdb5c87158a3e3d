//! What a person reads when a scenario is wrong: one message per slip, with
//! its place, what was expected, and what was probably meant.

use schedbench::plan::{Missing, resolve};
use schedbench::scenario::{Override, ScenarioError, load, read};

const HEAD: &str = "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"wheel\", \"heap\"]\n";

const REDIS: &str = "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"redis-asynq\"]\n";

/// The message for a scenario of this text, changed by these `--set`s.
fn said_of(text: &str, sets: &[&str]) -> String {
    let planned = || -> Result<(), ScenarioError> {
        let sets = sets.iter().map(|set| Override::set(set)).collect::<Result<Vec<_>, _>>()?;
        let scenario = read("scenarios/mine.toml", text.as_bytes(), &sets)?;
        resolve(&scenario, Missing::IsAnError).map(drop)
    };
    match planned() {
        Ok(()) => "(no error)".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The messages for several endings of one scenario.
fn said(endings: &[&str]) -> String {
    let each = endings.iter().map(|ending| said_of(&format!("{HEAD}{ending}\n"), &[]));
    each.collect::<Vec<_>>().join("\n\n")
}

fn said_of_sets(sets: &[&str]) -> String {
    let text = format!("{HEAD}[load]\nrates = [\"5k\"]\n");
    let each = sets.iter().map(|set| said_of(&text, &[set]));
    each.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn no_scenario_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    std::fs::create_dir(at("directory.toml")).unwrap();
    std::fs::write(at("empty.toml"), "\n# nothing yet\n").unwrap();
    std::fs::write(at("latin.toml"), b"name = \"x\"\nsummary = \"\xe4\"\n").unwrap();
    std::fs::write(at("long.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    let files =
        ["missing.toml", "quick.toml", "directory.toml", "empty.toml", "latin.toml", "long.toml"];
    let messages: Vec<String> = files
        .iter()
        .map(|name| load(&at(name), &[]).unwrap_err().to_string())
        .chain(["rmap", "zebra", ""].iter().map(|name| load(name, &[]).unwrap_err().to_string()))
        .collect();
    let directory = directory.path().display().to_string();
    insta::assert_snapshot!(messages.join("\n\n").replace(&directory, "/DIR"));
}

#[test]
fn trials_that_cannot_be_run() {
    const KILL: &str =
        "fault = [{ kind = \"kill\", on = \"broker\", at = \"1 s\", for = \"1 s\" }]";
    let head =
        |systems: &str| format!("name = \"mine\"\nsummary = \"a test\"\nsystems = [{systems}]\n");
    let beside = |load: &str, trials: &str| {
        said_of(&format!("{}[load]\n{load}\n{trials}\n", head("\"redis-asynq\", \"wheel\"")), &[])
    };
    let trials = |trials: &str| beside("rates = [\"5k\"]", trials);
    let named = |name: &str| format!("[[trial]]\nname = \"{name}\"\n{KILL}");
    let of = |systems: &str| format!("[[trial]]\nname = \"x\"\nsystems = [{systems}]\n{KILL}");
    let messages = [
        trials(&format!("{}\n{}", named("broker-kill"), named("broker-kill"))),
        trials(&named("broker kill")),
        trials(&of("\"redis-asinq\"")),
        trials(&of("\"redis-asynq/always-and-ever\"")),
        trials(&of("")),
        trials(&of("\"wheel\"")),
        trials(&format!(
            "[[fault]]\nkind = \"kill\"\non = \"broker\"\nat = \"1 s\"\nfor = \"1 s\"\n{}",
            named("broker-kill")
        )),
        trials(&named("late").replace("at = \"1 s\"", "at = \"9 s\"")),
        trials("[[trial]]\nname = \"control\""),
        trials("[[trial]]\nname = \"a\"\nfaults = []"),
        trials("[[trial]]\nfault = []"),
        trials(&format!("{}\nrates = [\"5k\", 5000]", named("twice"))),
        beside("mode = \"in-flight\"\nin_flight = [\"1k\"]", &named("broker-kill")),
        beside(
            "stages = [{ rate = \"1k\", duration = \"10 s\" }]",
            &format!("{}\nrates = [\"5k\"]", named("staged")),
        ),
        beside(
            "stages = [{ rate = \"1k\", duration = \"10 s\" }]",
            &format!("{}\nduration = \"9 s\"", named("staged")),
        ),
        trials(&format!("{}\nduration = \"0 s\"", named("none"))),
        trials(&format!("{}\nduration = \"2 s\"", named("short"))),
        said_of_sets(&["matrix=full"]),
        said_of(
            &format!(
                "{}[load]\nrates = [\"5k\"]\n{}\n",
                head("\"redis-asynq\""),
                of("\"redis-asynq\"")
            ),
            &["systems=wheel"],
        ),
        said_of(
            &format!("{}[load]\nrates = [\"5k\"]\n{}\n", head("\"redis-asynq\""), named("kill")),
            &["matrix=fool"],
        ),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn faults_that_cannot_be_done() {
    let load = "[load]\nrates = [\"5k\"]\n";
    let fault = |fields: &str| format!("{load}[[fault]]\n{fields}");
    let kill = |more: &str| fault(&format!("kind = \"kill\"\non = \"broker\"\n{more}"));
    let redis = |text: String| said_of(&format!("{REDIS}{text}\n"), &[]);
    let messages = [
        redis(fault("kind = \"kil\"\non = \"broker\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault("kind = \"kill\"\non = \"leader\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault("kind = \"kill\"\non = \"worker:0\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault("kind = \"kill\"\non = \"worker:2\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(kill("at = \"1 s\"")),
        redis(kill("at = \"1 s\"\nfor = \"1 s\"\ndelay = \"1 ms\"")),
        redis(fault("kind = \"delay\"\non = \"links\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault("kind = \"kill\"\non = \"links\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault("kind = \"stall\"\non = \"broker\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault("kind = \"reset\"\non = \"links\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault("kind = \"reset\"\non = \"links\"\nat = \"1 s\"\nside = \"to-broker\"")),
        redis(kill("at = \"1 s\"\nfor = \"1 s\"\nbytes = \"1 kB\"")),
        redis(fault("kind = \"slice\"\non = \"links\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(fault(
            "kind = \"bandwidth\"\non = \"links\"\nat = \"1 s\"\nfor = \"1 s\"\nbytes = \"0 B\"",
        )),
        redis(fault("kind = \"terminate\"\non = \"links\"\nat = \"1 s\"\nfor = \"1 s\"")),
        redis(kill("at = \"1 s\"\nfor = \"0 s\"")),
        redis(kill("at = \"8 s\"\nfor = \"2 s\"")),
        redis(format!(
            "{}\n[[fault]]\nkind = \"pause\"\non = \"broker\"\nat = \"2 s\"\nfor = \"1 s\"",
            kill("at = \"1 s\"\nfor = \"2 s\"")
        )),
        redis(
            "[load]\nmode = \"in-flight\"\nin_flight = [\"1k\"]\n[[fault]]\nkind = \"kill\"\n\
             on = \"broker\"\nat = \"1 s\"\nfor = \"1 s\""
                .to_owned(),
        ),
        redis(format!(
            "{}\n[brokers.redis]\nurl_env = \"THEIR_REDIS\"",
            kill("at = \"1 s\"\nfor = \"1 s\"")
        )),
        said_of(&format!("{HEAD}{}\n", kill("at = \"1 s\"\nfor = \"1 s\"")), &[]),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn nodes_that_cannot_be_hurt() {
    let fault = |kind: &str, on: &str, at: &str| {
        format!("[[fault]]\nkind = \"{kind}\"\non = \"{on}\"\nat = \"{at}\"\nfor = \"2 s\"\n")
    };
    let rf3 = |faults: &[String]| {
        let head = "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"kafka/rf3\"]\n\
                    clusters = true\n[load]\nrates = [\"5k\"]\n";
        said_of(&format!("{head}{}", faults.concat()), &[])
    };
    let redis = format!("{REDIS}[load]\nrates = [\"5k\"]\n");
    let messages = [
        said_of(&format!("{redis}{}", fault("kill", "leader", "1 s")), &[]),
        said_of(&format!("{redis}{}", fault("pause", "replicas", "1 s")), &[]),
        rf3(&[fault("stall", "leader", "1 s")]),
        rf3(&[fault("kill", "leader:1", "1 s")]),
        rf3(&[fault("kill", "leader", "1 s"), fault("pause", "leader", "2 s")]),
        rf3(&[fault("pause", "replica", "1 s"), fault("pause", "replicas", "2 s")]),
        rf3(&[fault("kill", "broker", "1 s"), fault("pause", "replica", "2 s")]),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn shares_that_cannot_be_offered() {
    const KILL: &str = "[[fault]]\nkind = \"kill\"\non = \"broker\"\nat = \"1 s\"\nfor = \"1 s\"";
    let load = |load: &str, then: &str| said_of(&format!("{REDIS}[load]\n{load}\n{then}\n"), &[]);
    let messages = [
        load("rates = [\"50 %\"]", ""),
        load("rates = [\"0 %\"]", KILL),
        load("rates = [\"150 %\"]", KILL),
        load("rates = [\"50 %\", \"50%\"]", KILL),
        load("rates = [\"5k\"]\nfrom = \"1k\"", KILL),
        load("rates = [\"50 %\"]\nfrom = \"5k\"\nto = \"1k\"", KILL),
        load("rates = [\"50 %\"]\nsearch = \"0 s\"", KILL),
        load("rates = [\"5k\"]\nfull_rates = [\"50 %\"]", KILL),
        load("rates = [\"50 %\"]", &format!("{KILL}\n[objective]\nholds = \"5k\"")),
        load(
            "rates = [\"5k\"]",
            &format!(
                "[[trial]]\nname = \"capacity\"\n{}",
                KILL.replace("[[fault]]", "[[trial.fault]]")
            ),
        ),
        said_of(&format!("{REDIS}[load]\nrates = [\"5k\"]\n"), &["load.rates=50%"]),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn links_to_what_sentinels_name_cannot_be_hurt() {
    let text = "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"redis-asynq/sentinel\"]\n\
                clusters = true\n[load]\nrates = [\"5k\"]\n[[fault]]\nkind = \"stall\"\n\
                on = \"worker-broker\"\nat = \"1 s\"\nfor = \"1 s\"\n";
    let refused = said_of(text, &[]);
    for words in [
        "redis-asynq/sentinel cannot have its links hurt",
        "scenarios/mine.toml:9:6",
        "^^^^^^^^^^^^^^^ its sentinels send all clients one way: no road is apart",
    ] {
        assert!(refused.contains(words), "{words} in {refused}");
    }
}

#[test]
fn masters_that_divide_the_queues_have_no_replicas_and_one_way_in() {
    let of = |on: &str, kind: &str| {
        let text = format!(
            "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"asynq/cluster-3\"]\n\
             clusters = true\n[load]\nrates = [\"5k\"]\n[[fault]]\nkind = \"{kind}\"\n\
             on = \"{on}\"\nat = \"1 s\"\nfor = \"1 s\"\n"
        );
        said_of(&text, &[])
    };
    for (on, kind, cannot, why) in [
        ("links", "stall", "have its links hurt", "all clients one way: no road is apart"),
        ("between-brokers", "stall", "have the links between its nodes hurt", "none follows"),
        ("replica", "kill", "have a node of its cluster killed", "none follows another"),
        ("broker", "disk-full", "have its broker's disk full", "no disks that can be full"),
    ] {
        let refused = of(on, kind);
        for words in [&format!("asynq/cluster-3 cannot {cannot}"), "scenarios/mine.toml:9:6", why] {
            assert!(refused.contains(words), "{words} in {refused}");
        }
    }
    for on in ["leader", "node", "broker", "workers"] {
        assert_eq!(of(on, "kill"), "(no error)", "{on}");
    }
}

#[test]
fn links_between_brokers_are_those_of_a_cluster_that_can_have_them() {
    let of = |system: &str, fault: &str, more: &str| {
        let text = format!(
            "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"{system}\"]\nclusters = true\n\
             [load]\nrates = [\"5k\"]\n[[fault]]\n{fault}\non = \"between-brokers\"\n\
             at = \"1 s\"\nfor = \"1 s\"\n{more}"
        );
        said_of(&text, &[])
    };
    let hole = "kind = \"black-hole\"";
    let messages = [
        of("kafka", hole, ""),
        of("postgres", hole, ""),
        of("wheel", hole, ""),
        of("rabbitmq/quorum-3", hole, ""),
        of("kafka/rf3", "kind = \"kill\"", ""),
        of("kafka/rf3", hole, "[brokers.kafka]\nurl_env = \"THEIR_KAFKA\"\n"),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn backlogs_that_cannot_be() {
    const KILL: &str =
        "fault = [{ kind = \"kill\", on = \"broker\", at = \"1 s\", for = \"1 s\" }]";
    let load = "[load]\nmode = \"backlog\"\n";
    let pending = format!("{load}pending = [\"10k\"]\n");
    let kill = "kind = \"kill\"\nat = \"1 s\"\nfor = \"1 s\"\n";
    let redis = |text: &str| said_of(&format!("{REDIS}{text}\n"), &[]);
    let messages = [
        redis(load),
        redis(&format!("{load}pending = []")),
        redis(&format!("{load}pending = [0]")),
        redis(&format!("{load}pending = [\"10k\", 10000]")),
        redis(&format!("{load}pending = [\"2000000M\"]")),
        redis(&format!("{pending}rates = [\"1k\"]")),
        redis(&format!("{pending}duration = \"10 s\"")),
        redis(&format!("{pending}warmup = \"2 s\"")),
        redis("[load]\nrates = [\"1k\"]\npending = [\"10k\"]"),
        redis(&format!("{pending}[[fault]]\n{kill}on = \"workers\"")),
        redis(&format!("{pending}[[fault]]\n{kill}on = \"leader\"")),
        redis(&format!("{pending}[[fault]]\nkind = \"reset\"\nat = \"1 s\"\non = \"links\"")),
        redis(&format!("{pending}[[trial]]\nname = \"x\"\n{KILL}")),
        redis(&format!("{pending}[objective]\nholds = \"1k\"")),
        said_of(&format!("{HEAD}{pending}"), &[]),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn commands_that_cannot_be_run() {
    let fault = |fields: &str| {
        let fault = format!("[[fault]]\nat = \"1 s\"\nfor = \"1 s\"\n{fields}");
        said_of(&format!("{REDIS}[load]\nrates = [\"5k\"]\n{fault}\n"), &[])
    };
    let command = |fields: &str| fault(&format!("kind = \"command\"\non = \"broker\"\n{fields}"));
    let heal = "heal = [\"systemctl\", \"start\", \"redis\"]";
    let messages = [
        command(heal),
        command("hurt = [\"systemctl\", \"stop\", \"redis\"]"),
        command(&format!("hurt = []\n{heal}")),
        command(&format!("hurt = [\"\"]\n{heal}")),
        command(&format!("hurt = \"systemctl stop redis\"\n{heal}")),
        command(&format!("hurt = [\"systemctl stop redis\"]\n{heal}")),
        command(&format!("hurt = [\"kill\", \"a\\nb\"]\n{heal}")),
        command(&format!("hurt = [\"redis-cli\", \"--password=hunter2\", \"x\"]\n{heal}")),
        command(&format!("side = \"to-broker\"\nhurt = [\"true\"]\n{heal}")),
        fault(&format!("kind = \"command\"\non = \"worker:1\"\nhurt = [\"true\"]\n{heal}")),
        fault(&format!("kind = \"command\"\non = \"links\"\nhurt = [\"true\"]\n{heal}")),
        fault(&format!("kind = \"kill\"\non = \"broker\"\n{heal}")),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
    assert!(messages.iter().all(|message| !message.contains("hunter2")));
    let external =
        command(&format!("hurt = [\"true\"]\n{heal}\n[brokers.redis]\nurl_env = \"THEIRS\""));
    assert_eq!(external, "(no error)", "this is what it is for");
}

#[test]
fn disks_that_cannot_be_full() {
    let fault = |systems: &str, on: &str, more: &str| {
        let head = format!("name = \"mine\"\nsummary = \"a test\"\nsystems = [{systems}]\n");
        let fault = format!("kind = \"disk-full\"\non = \"{on}\"\nat = \"1 s\"\n{more}\n");
        said_of(
            &format!("{head}clusters = true\n[load]\nrates = [\"5k\"]\n[[fault]]\n{fault}"),
            &[],
        )
    };
    let (time, redis) = ("for = \"1 s\"", "\"redis-asynq\"");
    let messages = [
        fault(redis, "workers", time),
        fault(redis, "links", time),
        fault("\"kafka/rf3\"", "leader", time),
        fault(redis, "broker", ""),
        fault(redis, "broker", &format!("{time}\nbytes = \"1 kB\"")),
        fault("\"wheel\"", "broker", time),
        fault("\"redis-asynq/memory\"", "broker", time),
        fault("\"redis-asynq/sentinel\"", "broker", time),
        fault(redis, "broker", &format!("{time}\n[brokers.redis]\nurl_env = \"THEIRS\"")),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
    for system in ["redis-asynq/always", "asynq", "rabbitmq/quorum-3", "kafka/rf3", "postgres"] {
        let said = fault(&format!("\"{system}\""), "broker", time);
        assert_eq!(said, "(no error)", "{system}");
    }
}

#[test]
fn nobody_knows_what_was_taken_back_while_something_was_hurt() {
    let of = |system: &str| {
        let head = format!("name = \"mine\"\nsummary = \"a test\"\nsystems = [\"{system}\"]\n");
        let load =
            "[load]\nrates = [\"5k\"]\n[task]\ndelay = { fixed = \"1 s\" }\ncancel = \"5 %\"\n";
        let fault = "[[fault]]\nkind = \"kill\"\non = \"workers\"\nat = \"1 s\"\nfor = \"1 s\"\n";
        said_of(&format!("{head}{load}{fault}"), &[])
    };
    let said = of("redis-asynq");
    assert!(said.contains("leaves open whether the task was taken back"), "{said}");
    assert_eq!(of("wheel"), "(no error)");
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(said(&[
        "[load",
        "[load]\nrates = [\"1k\"",
        "[load]\nrates = 10 s",
        "name = \"again\"",
        "[load]\nrates = [\"1k]",
    ]));
}

#[test]
fn wrong_keys() {
    insta::assert_snapshot!(said(&[
        "[load]\nrates = [\"1k\"]\nduratoin = \"10 s\"",
        "[lod]\nrates = [\"1k\"]",
        "[load]\nrates = [\"1k\"]\n[task]\nbody_size = 10",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = { fixd = \"10 ms\" }",
        "[load]\nstages = [{ rate = \"1k\", time = \"10 s\" }]",
        "[load]\nrates = [\"1k\"]\n[brokers.rabbit]\nurl_env = \"X\"",
        "",
    ]));
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(said(&[
        "[load]\nrates = \"1k\"",
        "[load]\nrates = [\"1k\"]\nduration = 10",
        "[load]\nrates = [\"1k\"]\nduration = [\"10 s\"]",
        "[load]\nrates = [true]",
        "load = 5",
        "repeats = 1.5\n[load]\nrates = [\"1k\"]",
        "seed = -1\n[load]\nrates = [\"1k\"]",
        "pacing = \"girд\"\n[load]\nrates = [\"1k\"]",
        "[load]\nmode = \"opne\"\nrates = [\"1k\"]",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = 10",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = { fixed = \"10 ms\", mix = [] }",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = { uniform = [\"10 ms\"] }",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = []",
        "[load]\nrates = [\"1k\"]\n[task]\nwork = \"1 ms\"",
    ]));
}

#[test]
fn wrong_units() {
    insta::assert_snapshot!(said(&[
        "[load]\nrates = [\"1k\"]\nduration = \"10 sek\"",
        "[load]\nrates = [\"1k\"]\nduration = \"ten seconds\"",
        "[load]\nrates = [\"1k\"]\nduration = \"-1 s\"",
        "[load]\nrates = [\"1k\"]\nduration = \"10\"",
        "[load]\nrates = [\"1k\"]\nduration = \"1000 h\"",
        "[load]\nrates = [\"1k\", \"5q\"]",
        "[load]\nrates = [\"0\"]",
        "[load]\nrates = [-5]",
        "[load]\nrates = [\"1k\"]\n[task]\nbody = \"64 kb\"",
        "[load]\nrates = [\"1k\"]\n[task]\nbody = \"64 GiB\"",
        "[load]\nrates = [\"1k\"]\n[task]\nfail = 5",
        "[load]\nrates = [\"1k\"]\n[task]\nfail = \"1 ppm\"",
        "[load]\nrates = [\"1k\"]\n[task]\ncancel = 0.0000001",
    ]));
}

#[test]
fn unknown_systems_and_profiles() {
    let load = "summary = \"a test\"\nname = \"mine\"\n[load]\nrates = [\"1k\"]\n";
    let systems =
        ["[\"weel\"]", "[\"rabbit\"]", "[\"wheel/1sm\"]", "[\"wheel\", \"wheel/1ms\"]", "[]"];
    let mut messages: Vec<String> = systems
        .iter()
        .map(|systems| said_of(&format!("systems = {systems}\n{load}"), &[]))
        .collect();
    messages.push(said_of_sets(&["systems=wheel,heep"]));
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn impossible_combinations() {
    insta::assert_snapshot!(said(&[
        "[load]\nmode = \"open\"",
        "[load]\nmode = \"in-flight\"\nrates = [\"1k\"]",
        "[load]\nmode = \"capacity\"\nfrom = \"10k\"\nto = \"1k\"",
        "[load]\nmode = \"capacity\"\nprecision = 0",
        "[load]\nmode = \"soak\"\nshare = 0",
        "[load]\nrates = [\"1k\"]\nshare = 0.5",
        "[load]\nrates = [\"1k\"]\nstages = [{ rate = \"1k\", duration = \"1 s\" }]",
        "[load]\nduration = \"1 s\"\nstages = [{ rate = \"1k\", duration = \"1 s\" }]",
        "[load]\nrates = []",
        "[load]\nrates = [\"1k\", 1000]",
        "[load]\nrates = [1]\nduration = \"100 ms\"",
        "[load]\nrates = [\"1k\"]\nduration = \"0 s\"",
        "[load]\nrates = [\"1k\"]\nhorizon = 0",
        "[load]\nrates = [\"1000M\"]\nduration = \"700 h\"",
        "[load]\nmode = \"in-flight\"\nin_flight = [\"5M\"]",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = { uniform = [\"1 s\", \"10 ms\"] }",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = { mix = [[\"1 s\", 0]] }",
        "[load]\nrates = [\"1k\"]\n[task]\ndelay = [{ fixed = \"1 s\" }, { fixed = \"1000 ms\" }]",
        "repeats = 0\n[load]\nrates = [\"1k\"]",
        "reruns = 3\n[load]\nrates = [\"1k\"]",
        "repeats = 1000\n[load]\nrates = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35]",
        "[load]\nrates = [\"1k\"]\n[workers]\nconcurrency = 0",
        "[load]\nrates = [\"1k\"]\n[objective]\np99 = \"0 s\"",
        "[load]\nrates = [\"1k\", \"5k\"]\n[objective]\nholds = \"2k\"",
        "[load]\nmode = \"capacity\"\nfrom = \"5k\"\nto = \"50k\"\n[objective]\nholds = \"1k\"",
        "[load]\nmode = \"in-flight\"\nin_flight = [\"1k\"]\n[objective]\nholds = \"1k\"",
    ]));
}

#[test]
fn objectives_that_cannot_be_judged() {
    const KILL: &str = "[[trial]]\nname = \"power-cut\"\nfault = [{ kind = \"kill\", on = \"broker\", \
                        at = \"1 s\", for = \"1 s\" }]\n";
    let of = |objective: &str, load: &str| {
        said_of(&format!("{REDIS}objectives = [\"{objective}\"]\n[load]\n{load}\n"), &[])
    };
    let rates = "rates = [\"1k\", \"10k\"]";
    let trial = format!("{rates}\n{KILL}");
    let capacity = "mode = \"capacity\"";
    let messages = [
        of("p98 < 1 s", rates),
        of("p99 =< 1 s", rates),
        of("p99 < 50 msec at 10k", rates),
        of("throughput > 50 ms", rates),
        of("p99 < 50 ms for 10k", rates),
        of("p99 < 50 ms at 20k", rates),
        of("p99 < 50 ms at 50 %", rates),
        of("lost == 0 of redis-asynk", rates),
        of("lost == 0 of kafka", rates),
        of("lost == 0 in power-cut", rates),
        of("lost == 0 in power-cu", &trial),
        of("recovery < 5 s", rates),
        of("capacity >= 20k at 10k", rates),
        of("capacity >= 20k", &trial),
        of("p99 < 1 s at 10k", capacity),
        of("p99 < 1 s", "mode = \"backlog\"\npending = [\"10k\"]"),
        of("backlog.drain_time < 30 s", rates),
        of("firing_error.p99 < 5 ms", rates),
        of("p99 == 5 ms", rates),
        of("p999 < 1 s at 1k", "rates = [\"1k\"]\nduration = \"1 s\""),
        said_of(&format!("objectives = \"lost == 0\"\n{REDIS}[load]\n{rates}\n"), &[]),
        said_of(
            &format!("objectives = [\"p99 < 1 s at 10k\"]\n{REDIS}[load]\n{rates}\n"),
            &["load.rates=1k"],
        ),
        said_of(&format!("{REDIS}[load]\n{rates}\n"), &["objectives=lost == 0, p99 < 50k"]),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
    for (objective, load) in [
        ("p99<50ms at 10k of redis-asynq", rates),
        ("p99 < 1 s of redis-asynq/everysec", rates),
        ("lost == 0 of noop", rates),
        ("recovery < 5 s in power-cut at 1k", trial.as_str()),
        ("lost == 0", capacity),
        ("capacity >= 20k", capacity),
        ("throughput > 1 at 1k", "mode = \"in-flight\"\nin_flight = [\"1k\"]"),
        ("backlog.drain_time < 30 s at 10k", "mode = \"backlog\"\npending = [\"10k\"]"),
        ("p99 < 1 s", "mode = \"soak\""),
    ] {
        assert_eq!(of(objective, load), "(no error)", "{objective}");
    }
}

#[test]
fn names_and_summaries() {
    let rest = "systems = [\"wheel\"]\n[load]\nrates = [\"1k\"]\n";
    let messages = [
        said_of(&format!("name = \"../up\"\nsummary = \"x\"\n{rest}"), &[]),
        said_of(&format!("name = \"\"\nsummary = \"x\"\n{rest}"), &[]),
        said_of(&format!("name = \"订单 压测\"\nsummary = \"x\"\n{rest}"), &[]),
        said_of(&format!("name = \"-x\"\nsummary = \"x\"\n{rest}"), &[]),
        said_of(&format!("name = \"x\"\nsummary = \"\"\"two\nlines\"\"\"\n{rest}"), &[]),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn secrets_are_refused_and_not_printed() {
    let load = "[load]\nrates = [\"1k\"]\n";
    let mut messages = said(&[
        &format!("{load}[brokers.redis]\nurl = \"redis://:hunter2@localhost/0\""),
        &format!("{load}[brokers.redis]\nurl_env = \"redis://:hunter2@localhost/0\""),
        &format!("{load}[brokers.redis]\nurl_env = \"redis://localhost/0\""),
        &format!("{load}[brokers.redis]\npassword = \"hunter2\""),
        &format!("{load}# redis://user:hunter2@localhost"),
        &format!("{load}[brokers.redis]\nurl = \"redis://localhost/0\""),
    ]);
    messages.push_str("\n\n");
    messages.push_str(&said_of_sets(&[
        "brokers.redis.url_env=redis://:hunter2@localhost",
        "brokers.redis.password=hunter2",
    ]));
    assert!(!messages.contains("hunter2"), "{messages}");
    insta::assert_snapshot!(messages);
    // An @ in the path of a page is no secret.
    let page = said(&[&format!("{load}# see https://example.com/@someone/post")]);
    assert_eq!(page, "(no error)");
}

#[test]
fn sets_point_at_the_argument() {
    insta::assert_snapshot!(said_of_sets(&[
        "load.warmup=2sek",
        "load.warmpu=2s",
        "lod.warmup=2s",
        "load.warmup",
        "=2s",
        "load.rates=1k,5q",
        "load.rates=[1",
        "load=5",
        "name.x=1",
        "load.rates=",
        "task.delay=10ms",
        "repeats=many",
        "load.mode=soak",
    ]));
}

/// A claim that says no: an error when it is the only system, a note when
/// others can.
#[test]
#[cfg(feature = "redis-asynq")]
fn what_no_system_can_do() {
    let text = "name = \"mine\"\nsummary = \"a test\"\nsystems = [\"redis-asynq\"]\n\
        [load]\nrates = [\"1k\"]\n[task]\nbody = \"1024 MiB\"\n";
    insta::assert_snapshot!(said_of(text, &[]));
}

/// RabbitMQ holds tasks in a queue for each delay, and has 32 at most.
#[test]
#[cfg(feature = "rabbitmq")]
fn more_delays_than_a_system_has_queues_for() {
    let of = |delays: u32| {
        let parts: Vec<String> = (1..=delays).map(|n| format!("[\"{n} s\", 1]")).collect();
        let mix = parts.join(", ");
        let load = format!("[load]\nrates = [\"1k\"]\n[task]\ndelay = {{ mix = [{mix}] }}\n");
        let head = HEAD.replace("\"wheel\", \"heap\"", "\"rabbitmq\"");
        said_of(&format!("{head}{load}"), &[])
    };
    assert_eq!(of(32), "(no error)");
    let said = of(33);
    for words in ["rabbitmq", "at most 32 different delays", "mine.toml"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
