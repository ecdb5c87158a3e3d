//! RabbitMQ: what is wrong with one.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use schedbench::environment::{Entry, Ground, Keeper, Need, Rooms, Running as Running_};
use schedbench_contract::Broker;
use schedbench_reports::outcome::Validity;

use crate::harness::cells_of;
use crate::place::{Place, Said, small};
use crate::secrets::Locked;

/// What this machine may have set of it.
const FOREIGN: &[&str] =
    &["AMQP_URL", "POSTGRES_URL", "KAFKA_URL", "SCHEDBENCH_RABBITMQ_SERVER", "SCHEDBENCH_CA_FILE"];

fn without_foreign(mut command: Command) -> Command {
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
}

/// `run` of these systems.
pub(crate) fn run(place: &Place, systems: &str, more: &[&str]) -> Command {
    let scenario = place.file("small.toml", small(systems));
    let args = [&["run", scenario.to_str().expect("UTF-8")], more].concat();
    without_foreign(place.schedbench(&args))
}

/// `run --env external` with that URL, refused before anything is started.
fn refused(url: &str) -> Said {
    let place = Place::new();
    let began = Instant::now();
    let mut command = run(&place, "\"rabbitmq/durable\", \"wheel\"", &["--env", "external"]);
    let said = Said::of(command.env("AMQP_URL", url).output().expect("a run")).refused(2);
    assert!(began.elapsed() < Duration::from_secs(20), "within seconds");
    assert!(!place.at("results").exists(), "nothing was started");
    place.wait_until_nothing_is_left("after a refusal");
    said.complains_of(&["rabbitmq/durable: no broker here", "AMQP_URL", "--skip-missing"])
}

/// A program of the test's own in a server's place.
fn program(place: &Place, name: &str, text: &str) -> PathBuf {
    let path = place.file(name, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a mode");
    path
}

/// The server's own script, behind the wrapper that Debian has on PATH.
fn server() -> PathBuf {
    let found = Entry::of(Broker::RabbitMq).find().expect("rabbitmq-server; see scripts/setup");
    found.canonicalize().expect("a path").with_file_name("rabbitmq-server")
}

/// Whoever connects is served so, one at a time; the port.
fn serve(each: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it").port();
    // Ends with the test's process.
    std::thread::spawn(move || listener.incoming().flatten().for_each(each));
    port
}

fn url(port: u16) -> String {
    format!("amqp://somebody:hunter2@127.0.0.1:{port}")
}

#[test]
fn a_url_of_what_is_no_rabbitmq() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    let hangs_up = serve(drop);
    let says_http = serve(|mut stream| {
        let _ = stream.read(&mut [0; 8]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    let says_nothing = serve(|stream| {
        std::thread::sleep(Duration::from_secs(20));
        drop(stream);
    });
    for (port, words) in [
        (nobody, "Connection refused"),
        (hangs_up, "hung up"),
        (says_http, "does not speak AMQP 0-9-1"),
        (says_nothing, "no answer within 5 s"),
    ] {
        let said = refused(&url(port)).complains_of(&[words, &port.to_string()]);
        assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    }
    refused("redis://127.0.0.1").complains_of(&["amqp://"]);
}

/// Signs anybody in, as AMQP 0-9-1 has it, and says that it is this.
fn sign_in(mut stream: TcpStream, product: &str, version: &str) -> std::io::Result<()> {
    let frame = |channel: u8, method: [u8; 4], arguments: &[u8]| {
        let size = (4 + arguments.len()) as u32;
        let head = [&[1, 0, channel][..], &size.to_be_bytes(), &method].concat();
        [&head, arguments, &[0xCE]].concat()
    };
    let long = |text: &[u8]| [&(text.len() as u32).to_be_bytes()[..], text].concat();
    let field = |name: &str, text: &str| {
        [&[name.len() as u8], name.as_bytes(), b"S", &long(text.as_bytes())].concat()
    };
    let table = [field("product", product), field("version", version)].concat();
    let greeting = [&[0, 9][..], &long(&table), &long(b"PLAIN"), &long(b"en_US")].concat();
    let tune = [0, 0, 0, 2, 0, 0, 0, 60];
    let hear = |stream: &mut TcpStream| stream.read(&mut [0; 1_024]).map(drop);
    hear(&mut stream)?;
    stream.write_all(&frame(0, [0, 10, 0, 10], &greeting))?;
    hear(&mut stream)?;
    stream.write_all(&frame(0, [0, 10, 0, 30], &tune))?;
    hear(&mut stream)?;
    // Both answers at once; the questions are not looked at.
    stream.write_all(&frame(0, [0, 10, 0, 41], &[0]))?;
    stream.write_all(&frame(1, [0, 20, 0, 11], &[0; 4]))?;
    while stream.read(&mut [0; 1_024])? > 0 {}
    Ok(())
}

#[test]
fn a_url_of_one_that_will_not_do() {
    let product = |product: &'static str, version: &'static str| {
        serve(move |stream| drop(sign_in(stream, product, version)))
    };
    let old = product("RabbitMQ", "3.7.28");
    refused(&url(old)).complains_of(&["is 3.7.28, which is too old"]);
    let other = product("Qpid", "9.1.0");
    refused(&url(other)).complains_of(&["it is \"Qpid\", not RabbitMQ"]);
}

#[test]
fn a_program_that_is_too_old() {
    let place = Place::new();
    let home = place.at("home");
    fs::create_dir_all(home.join("plugins/rabbit-3.7.28")).expect("a directory");
    fs::create_dir(home.join("sbin")).expect("a directory");
    let script = "#!/bin/sh\ntouch started\n";
    let server = program(&place, "home/sbin/rabbitmq-server", script);
    let mut command = run(&place, "\"rabbitmq/durable\"", &[]);
    command.env("SCHEDBENCH_RABBITMQ_SERVER", server);
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["rabbitmq 3.7.28 is too old: expected 3.8 or later.", "apt-get install"]);
    assert!(!place.at("results").exists() && !place.at("started").exists());
    place.wait_until_nothing_is_left("after a refusal");
}

#[test]
fn a_node_that_dies_at_its_boot_fails_its_cells() {
    let place = Place::new();
    let boot_failed =
        "#!/bin/sh\necho BOOT FAILED\necho ===========\necho 'a planted fault'\nexit 1\n";
    let server = program(&place, "rabbitmq-server", boot_failed);
    let mut command = run(&place, "\"rabbitmq/durable\", \"wheel\"", &[]);
    command.env("SCHEDBENCH_RABBITMQ_SERVER", server);
    let said = Said::of(command.output().expect("a run")).ends(1);
    said.complains_of(&[
        "rabbitmq/durable: broker died ",
        "(exit 1); full log: logs/rabbitmq-1.log",
    ])
    .complains_of(&["a planted fault"]);
    let outcome = place.results().expect("results").outcome();
    for cell in cells_of(&outcome, "rabbitmq") {
        assert!(matches!(cell.validity, Validity::Incomplete(_)), "{:?}", cell.validity);
        let error = cell.error.as_ref().expect("an error");
        assert!(error.log.iter().any(|line| line == "a planted fault"), "{error:?}");
    }
    let stands = cells_of(&outcome, "wheel");
    assert!(!stands.is_empty() && stands.iter().all(|cell| cell.error.is_none()));
    // Its port mapper neither.
    place.wait_until_nothing_is_left("after a failed start");
}

#[test]
fn a_port_that_somebody_took_is_another_at_the_next_try() {
    let place = Place::new();
    let (server, first) = (server(), place.at("first"));
    let script = format!(
        "#!/bin/sh\n[ -e '{0}' ] && exec '{1}' \"$@\"\ntouch '{0}'\n\
         echo 'Failed to start Ranch listener for reason eaddrinuse (address already in use)'\n\
         exit 1\n",
        first.display(),
        server.display()
    );
    let server = program(&place, "rabbitmq-server", &script);
    let mut command = run(&place, "\"rabbitmq/durable\"", &[]);
    command.env("SCHEDBENCH_RABBITMQ_SERVER", server);
    Said::of(command.output().expect("a run")).ends_well();
    let results = place.results().expect("results");
    for log in ["logs/rabbitmq-1.log", "logs/rabbitmq-2.log"] {
        assert!(results.at(log).exists(), "{log}");
    }
    let outcome = results.outcome();
    assert!(cells_of(&outcome, "rabbitmq").iter().all(|cell| cell.counts.grid.ok[1] > 0));
    place.wait_until_nothing_is_left("after two starts");
}

/// A RabbitMQ of the test's own.
struct Theirs {
    broker: Box<dyn Running_>,
    _keeper: Keeper,
    _rooms: Rooms,
}

impl Theirs {
    fn new(dir: &Path) -> Self {
        let keeper = Keeper::start(None).expect("a keeper");
        let rooms = Rooms::open_in(dir, None).expect("rooms");
        let ground = Ground { keeper: &keeper, rooms: &rooms, logs: dir };
        let system = schedbench_adapters::find("rabbitmq").expect("a system");
        let profile = system.profile(Some("durable")).expect("a profile");
        let need = Need { who: "test", profile, url_env: None, by_proxies: false };
        let broker = Entry::of(Broker::RabbitMq).have(&ground, &need).expect("a rabbitmq");
        Self { broker, _keeper: keeper, _rooms: rooms }
    }
}

#[test]
fn a_real_one_that_refuses_or_cannot_be_vouched_for() {
    let place = Place::new();
    let theirs = Theirs::new(place.path());
    let at = theirs.broker.address();
    let password = &at.password.as_ref().expect("a password").0;
    let url = |password: &str, vhost: &str| {
        let user = at.user.as_deref().expect("a user");
        format!("amqp://{user}:{password}@127.0.0.1:{}/{vhost}", at.port)
    };
    let said = refused(&url("hunter2", "")).complains_of(&["ACCESS_REFUSED", "correct AMQP_URL"]);
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    refused(&url(password, "elsewhere")).complains_of(&["elsewhere"]);

    // A profile that needs a cluster: nobody can say whether this is one.
    let elsewhere = Place::new();
    let mut command =
        run(&elsewhere, "\"rabbitmq/quorum-3\"", &["--clusters", "--env", "external"]);
    let said = Said::of(command.env("AMQP_URL", url(password, "")).output().expect("a run"));
    let said = said.refused(2).complains_of(&[
        "rabbitmq/quorum-3: no broker here",
        "this profile needs a cluster of 3",
        "Let schedbench start its own",
    ]);
    assert!(!said.stderr.contains(password.as_str()), "{}", said.stderr);
    elsewhere.wait_until_nothing_is_left("after a refusal");
    theirs.broker.check().expect("nobody touched it");
}

#[test]
fn mirrors_are_refused_where_rabbitmq_has_none() {
    let place = Place::new();
    for version in ["4.0.5", "10.1.0"] {
        let home = place.at(version);
        fs::create_dir_all(home.join("sbin")).expect("a directory");
        fs::create_dir_all(home.join(format!("plugins/rabbit-{version}"))).expect("a directory");
        let server = program(&place, &format!("{version}/sbin/rabbitmq-server"), "#!/bin/sh\n");
        let mut command = run(&place, "\"rabbitmq/mirrored-3\", \"wheel\"", &["--clusters"]);
        command.env("SCHEDBENCH_RABBITMQ_SERVER", server);
        let said = Said::of(command.output().expect("a run")).refused(2);
        said.complains_of(&[
            "rabbitmq/mirrored-3: no broker here",
            &format!("rabbitmq {version} has no mirrored classic queues: 4.0 removed them."),
            "export SCHEDBENCH_RABBITMQ_SERVER=",
        ]);
        assert!(!place.at("results").exists(), "nothing was started");
    }
}

#[test]
fn clean_goes_on_where_queues_cannot_be_listed() {
    let locked = Locked::new();
    let place = Place::new();
    let clean = |args: &[&str]| {
        let mut command = without_foreign(place.schedbench(&[&["clean"], args].concat()));
        // Not even asked: there is nothing in AMQP to ask it by.
        command.env("AMQP_URL", "amqp://somebody:hunter2@127.0.0.1:1/");
        command.env("REDIS_URL", locked.url(&locked.password().0));
        let said = Said::of(command.output().expect("clean"));
        assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
        said
    };
    let url = locked.url("");
    let mut redis = TcpStream::connect(url.rsplit_once('@').expect("a host").1).expect("a redis");
    let password = &locked.password().0;
    let push = format!("AUTH {password}\r\nLPUSH asynq:{{schedbench.aaa.1}}:pending x\r\nQUIT\r\n");
    redis.write_all(push.as_bytes()).expect("a write");
    let mut answers = String::new();
    redis.read_to_string(&mut answers).expect("answers");
    assert_eq!(answers, "+OK\r\n:1\r\n+OK\r\n");
    for (args, word) in [(&[][..], "found  "), (&["--yes"], "removed")] {
        let said = clean(args).ends(1);
        let line = format!("{word}  queue schedbench.aaa.1 in REDIS_URL (1 keys)");
        assert!(said.stdout.contains(&line), "{}", said.stdout);
        said.complains_of(&[
            "error: asking the rabbitmq of AMQP_URL: queues cannot be listed over AMQP",
            "rabbitmqctl list_queues",
        ]);
    }
    // An error of a broker's own ends only what concerns it, too.
    let mut command = without_foreign(place.schedbench(&["clean"]));
    command.env("REDIS_URL", "redis://127.0.0.1:1").env("AMQP_URL", "nonsense");
    let said = Said::of(command.output().expect("clean")).ends(1);
    said.complains_of(&["the redis of REDIS_URL", "AMQP_URL"]);
}
