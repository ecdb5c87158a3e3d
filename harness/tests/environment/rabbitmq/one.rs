//! One node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use schedbench::environment::{Entry, Error, Ground, Keeper, Need, Rooms, Watchdog};
use schedbench_contract::{Broker, Profile};

use super::{PLAIN, THREE, files, listened_on_by, need, of_room, stand, start};
use crate::ground::{self, MEMORY, is_alive, listening, profile, wait_for};

/// Any setting that its configuration does not know ends its boot.
static BROKEN: Profile = profile(&[("no_such_setting", "1")]);

#[test]
fn it_starts_survives_a_kill_and_leaves_nothing() {
    stand!(at, logs, rooms);
    let mut rabbit = start(&at);
    let text = rabbit.describe();
    assert!(text.starts_with("rabbitmq 3.") && text.contains(" started on 127.0.0.1:"), "{text}");
    rabbit.check().expect("alive");
    // What no file of ours says either.
    for (name, value) in [("heartbeat", "60"), ("net_ticktime", "60"), ("segment_max_entries", "")]
    {
        let told = rabbit.settings().iter().find(|(key, _)| key == name);
        let (_, told) = told.unwrap_or_else(|| panic!("{name} of {:?}", rabbit.settings()));
        assert!(value.is_empty() || told == value, "{name} is {told}");
    }

    let room = rooms.path().join("rabbitmq-1");
    let password = rabbit.address().password.clone().expect("a password").0;
    let port = rabbit.address().port;
    assert!(password.len() == 32 && port < 32_768);

    // Loopback only, IPv4 and IPv6: 127.0.0.1 is 0100007F, ::1 ends so.
    let mut ours = 0;
    for pid in of_room(&room) {
        for address in listened_on_by(pid) {
            assert!(address.starts_with("0100007F:"), "process {pid} listens on {address}");
            ours += 1;
        }
    }
    assert_eq!(ours, 2, "AMQP and the distribution");
    assert!(listening().contains(&(0x7f00_0001, port)));

    // The password is in no argument list, no environment, no file, no log.
    let mut seen = 0;
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        let is_process = process.file_name().to_string_lossy().parse::<i32>().is_ok();
        for file in ["cmdline", "environ"].into_iter().filter(|_| is_process) {
            let text = fs::read(process.path().join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&password), "{}/{file}", process.path().display());
            seen += usize::from(text.contains(&room.display().to_string()));
        }
    }
    assert!(seen > 0, "the server itself was looked at");
    for file in files(rooms.path()).into_iter().chain(files(logs.path())) {
        let bytes = fs::read(&file).expect("a file");
        assert!(!String::from_utf8_lossy(&bytes).contains(&password), "{}", file.display());
    }
    assert!(!format!("{:?} {}", rabbit.address(), rabbit.describe()).contains(&password));

    // Nothing outlives a SIGKILL: what Erlang starts in sessions of its own
    // sees its pipe end.
    let child = rabbit.child().expect("a child").clone();
    let before = of_room(&room);
    assert!(before.len() > 1, "the server and its helpers: {before:?}");
    let exit = child.kill();
    assert_eq!(exit.signal, Some(9));
    wait_for("the helpers' end", || of_room(&room).is_empty());
    let died = rabbit.check().expect_err("it is dead").to_string();
    assert!(died.contains("broker died") && died.contains("signal 9"), "{died}");

    // Its user is in its database: no password is needed again.
    rabbit.restart().expect("it comes back");
    assert_ne!(rabbit.child().expect("a child").pid(), child.pid());
    assert_eq!(rabbit.address().port, port);

    rabbit.stop().expect("it ends");
    wait_for("the helpers' end", || of_room(&room).is_empty());
    assert!(!room.exists());
    let left: Vec<_> = fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
}

#[test]
fn a_death_at_the_start_shows_the_last_lines_of_its_log() {
    stand!(at, logs, rooms);
    let died = Entry::of(Broker::RabbitMq).have(&at, &need(&BROKEN)).err().expect("no rabbitmq");
    let Error::Died(died) = died else { panic!("{died}") };
    assert_ne!(died.exit.code, Some(0));
    let text = died.to_string();
    assert!(text.starts_with("rabbitmq/test: broker died "), "{text}");
    let log = logs.path().join("rabbitmq-1.log");
    assert!(text.ends_with(&format!("\n  full log: {}", log.display())), "{text}");
    let whole = fs::read_to_string(log).expect("a log");
    assert!(whole.contains("no_such_setting"), "{whole}");
    assert!(died.log.iter().any(|line| line.contains("no_such_setting")), "{:?}", died.log);
    wait_for("the helpers' end", || of_room(rooms.path()).is_empty());
}

const ROOT: &str = "SCHEDBENCH_TEST_ROOT";

/// A harness in a process of its own that starts a RabbitMQ and waits.
#[test]
#[ignore = "started by the test below"]
fn acts_as_a_harness() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else { return };
    let program = Path::new(env!("CARGO_BIN_EXE_schedbench"));
    let watchdog = Watchdog::start_as(program, &["reap".into()]).expect("a watchdog");
    let rooms = Rooms::open_in(&root.join("rooms"), Some(watchdog.clone())).expect("rooms");
    let keeper = Keeper::start(Some(watchdog)).expect("a keeper");
    let at = Ground { keeper: &keeper, rooms: &rooms, logs: &root };
    let _rabbit = start(&at);
    fs::write(root.join("ready"), "").expect("a file");
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn children_of(parent: u32) -> Vec<i32> {
    let parent = format!("PPid:\t{parent}\n");
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|process| {
        let status = fs::read_to_string(process.path().join("status")).ok()?;
        status.contains(&parent).then(|| process.file_name().to_string_lossy().parse().ok())?
    })
    .collect()
}

/// Erlang puts what it starts itself into sessions of their own, where no
/// signal to a process group reaches them.
#[test]
fn a_killed_harness_leaves_no_process_of_erlangs() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let rooms = dir.path().join("rooms");
    fs::create_dir(&rooms).expect("a directory");
    for moment in ["ready", "rooms"] {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "rabbitmq::one::acts_as_a_harness", "--ignored"]);
        let mut harness = command
            .env(ROOT, dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a harness");
        if moment == "ready" {
            wait_for("its rabbitmq", || dir.path().join("ready").exists());
            fs::remove_file(dir.path().join("ready")).expect("a file");
        }
        // Else in the middle of the boot: whose processes come and go, so that
        // they are looked at until both of these are there at one time.
        let mut ours = Vec::new();
        wait_for(&format!("Erlang's, {moment}"), || {
            ours = of_room(&rooms);
            ours.extend(children_of(harness.id()));
            let comm = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let names: Vec<String> = ours.iter().map(comm).collect();
            ["epmd", "beam.smp"].iter().all(|name| names.iter().any(|comm| comm.trim() == *name))
        });
        harness.kill().expect("a kill");
        harness.wait().expect("its end");
        wait_for("the end of all", || {
            of_room(&rooms).is_empty() && !ours.iter().any(|&pid| is_alive(pid))
        });
        wait_for("the end of its directory", || {
            fs::read_dir(&rooms).expect("the root").count() == 0
        });
    }
}

#[test]
fn an_existing_one_is_used_as_it_is_or_not_at_all() {
    stand!(at, _logs, _rooms);
    let theirs = start(&at);
    let address = theirs.address();
    let password = address.password.clone().expect("a password").0;
    let entry = Entry::of(Broker::RabbitMq);
    let need = |profile| Need {
        who: "rabbitmq/test",
        profile,
        url_env: Some("TEST_AMQP_URL"),
        by_proxies: false,
    };
    let url = |user: &str, password: &str, vhost: &str| {
        format!("amqp://{user}:{password}@127.0.0.1:{}/{vhost}", address.port)
    };

    for vhost in ["", "%2f"] {
        ground::with_env("TEST_AMQP_URL", &url("schedbench", &password, vhost), || {
            let mut ours = entry.have(&at, &need(&PLAIN)).expect("it fits");
            let text = ours.describe();
            assert!(text.ends_with(", not ours") && !text.contains(&password), "{text}");
            assert!(ours.child().is_none() && ours.check().is_ok() && ours.restart().is_err());
            assert!(entry.ask("TEST_AMQP_URL").expect("a version").starts_with("3."));
            ours.stop().expect("nothing to do");

            let misfit = entry.have(&at, &need(&MEMORY)).err().expect("it cannot be asked");
            assert!(misfit.to_string().contains("needs appendonly"), "{misfit}");
            let misfit = entry.have(&at, &need(&THREE)).err().expect("it cannot be asked");
            assert!(misfit.to_string().contains("needs a cluster of 3 "), "{misfit}");
            let unlisted = entry.leftovers("TEST_AMQP_URL").expect_err("AMQP cannot").to_string();
            assert!(unlisted.contains("rabbitmqctl list_queues"), "{unlisted}");
            let gone = [("schedbench.no-such.queue".to_owned(), 1)].into();
            entry.remove("TEST_AMQP_URL", &gone).expect("what is gone is removed");
        });
    }
    let refusals = [
        (url("schedbench", "wrong-word", ""), "refused"),
        (url("schedbench", &password, "no-such-host"), "no-such-host"),
        (url("schedbench", &password, "").replace("amqp:", "amqps:"), "TLS"),
        (format!("{password}@127.0.0.1"), "not a URL"),
        ("amqp://schedbench:wrong-word@127.0.0.1:1/".into(), "refused"),
    ];
    for (wrong, why) in refusals {
        ground::with_env("TEST_AMQP_URL", &wrong, || {
            let refused = entry.have(&at, &need(&PLAIN)).err().expect("no such rabbitmq");
            let text = refused.to_string();
            assert!(text.contains("TEST_AMQP_URL") && text.contains(why), "{text}");
            assert!(!text.contains(&password) && !text.contains("wrong-word"), "{text}");
        });
    }
    theirs.check().expect("nobody touched it");
    theirs.stop().expect("it ends");
}
