//! A Kafka that is missing, is none, is too old, or cannot start: a clear word
//! before anything is measured.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use schedbench::environment::{Entry, Ground, Keeper, Need, Rooms, kafka};
use schedbench_contract::Broker;
use schedbench_reports::outcome::Validity;

use crate::harness::cells_of;
use crate::place::{Place, Said, small};

/// `run --env external` of that profile on the Kafka with that URL.
fn with_url(place: &Place, profile: &str, url: &str) -> Said {
    let scenario = place.file("small.toml", small(&format!("\"kafka/{profile}\"")));
    let scenario = scenario.to_str().expect("UTF-8");
    let args = ["run", scenario, "--env", "external", "--clusters"];
    let said = place.schedbench(&args).env("KAFKA_URL", url).output().expect("a run");
    let said = Said::of(said).refused(2).complains_of(&["KAFKA_URL", "--skip-missing"]);
    assert!(!place.at("results").exists(), "nothing was started");
    said
}

/// Answers every connection in turn, until the test's process ends.
fn serve(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("kafka://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Who hangs up is served no more.
            while answer(&mut stream).is_ok() {}
        }
    });
    url
}

/// Reads a request of Kafka's and gives its kind and its correlation number.
fn request(stream: &mut TcpStream) -> std::io::Result<(i16, [u8; 4])> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut request = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut request)?;
    let kind = i16::from_be_bytes([request[0], request[1]]);
    Ok((kind, request[4..8].try_into().expect("four bytes")))
}

fn reply(stream: &mut TcpStream, correlation: [u8; 4], body: &[u8]) -> std::io::Result<()> {
    let length = (body.len() + 4) as u32;
    stream.write_all(&[&length.to_be_bytes()[..], &correlation, body].concat())
}

/// A broker that says of itself only what `ApiVersions` has, with these tagged
/// fields at its end.
fn broker_that_supports(tags: &'static [u8]) -> String {
    serve(move |stream| {
        let (kind, correlation) = request(stream)?;
        assert_eq!(kind, 18, "it is asked nothing else");
        // No error, no requests, no throttling.
        reply(stream, correlation, &[&[0, 0, 1, 0, 0, 0, 0], tags].concat())
    })
}

#[test]
fn what_is_no_kafka() {
    let place = Place::new();
    let closes = serve(|_| Err(std::io::ErrorKind::Other.into()));
    let said = with_url(&place, "acks-all", &closes);
    said.complains_of(&["it closed the connection: no Kafka, or one that wants TLS"]);
    let other = serve(|stream| {
        request(stream)?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    });
    with_url(&place, "acks-all", &other).complains_of(&["the answer is not Kafka's"]);
    // As a Redis that waits for the end of a line.
    let silent = serve(|stream| std::io::copy(stream, &mut std::io::sink()).and(Err(gone())));
    let began = Instant::now();
    let said = with_url(&place, "acks-all", &silent);
    said.complains_of(&["it takes connections and does not answer: no Kafka"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    place.wait_until_nothing_is_left("after refusals");
}

fn gone() -> std::io::Error {
    std::io::ErrorKind::UnexpectedEof.into()
}

#[test]
fn what_is_too_old() {
    let place = Place::new();
    let zookeeper = broker_that_supports(&[0]);
    let said = with_url(&place, "acks-all", &zookeeper);
    said.complains_of(&["kafka/acks-all: no broker here", "does not run in KRaft mode"]);
    // Tag 0, 21 bytes: one feature, `metadata.version`, from 1 to 20.
    let old = broker_that_supports(b"\x01\x00\x17\x02\x11metadata.version\x00\x01\x00\x14\x00");
    with_url(&place, "acks-all", &old).complains_of(&["is 3.8, which is too old."]);
}

#[test]
fn what_refuses_the_password_or_has_too_few_nodes() {
    let place = Place::new();
    kafka::fetch(|_| ()).expect("its jars");
    let keeper = Keeper::start(None).expect("a keeper");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let rooms = Rooms::open_in(dir.path(), None).expect("rooms");
    let ground = Ground { keeper: &keeper, rooms: &rooms, logs: dir.path() };
    let system = schedbench_adapters::find("kafka").expect("a system");
    let profile = system.profile(Some("acks-all")).expect("a profile");
    let need = Need { who: "test", profile, url_env: None, by_proxies: false };
    let kafka = Entry::of(Broker::Kafka).have(&ground, &need).expect("a kafka");
    let at = kafka.address();
    let password = &at.password.as_ref().expect("a password").0;
    let url = |credentials: &str| format!("kafka://{credentials}127.0.0.1:{}", at.port);
    let right = url(&format!("schedbench:{password}@"));

    let said = with_url(&place, "acks-all", &url("schedbench:wrong-word@"));
    let said = said.complains_of(&["it does not accept the user or the password"]);
    assert!(!said.stderr.contains("wrong-word"), "{}", said.stderr);
    let said = with_url(&place, "acks-all", &url(""));
    said.complains_of(&["or a user and a password"]);
    let said = with_url(&place, "rf3", &right);
    let said = said.complains_of(&["kafka/rf3: ", "has 1 broker, and this profile needs 3."]);
    assert!(!said.stderr.contains(password.as_str()), "{}", said.stderr);
    let said = with_url(&place, "flush", &right);
    said.complains_of(&["has log.flush.interval.messages=", "this profile needs log.flush"]);
    kafka.stop().expect("it ends");
}

#[test]
fn a_cluster_in_containers_or_without_being_asked_for() {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"kafka/rf3\""));
    let scenario = scenario.to_str().expect("UTF-8");
    let said = place.says(&["run", scenario, "--env", "compose", "--clusters"]).refused(2);
    said.complains_of(&[
        "error: kafka/rf3: no broker here\n",
        "It needs 3 nodes, and docker-compose.yml has one kafka",
        "--env local, which starts 3",
        "KAFKA_URL",
    ]);
    let said = place.says(&["run", scenario]).refused(2);
    said.complains_of(&["kafka/rf3 is a cluster of 3", "--clusters"]);
    assert!(!place.at("results").exists(), "nothing was started");
}

/// A Java that says it is one, and otherwise runs `script`; and beside it what
/// is taken for an installed Kafka.
fn stand_ins(place: &Place, version: &str, script: &str) -> [(&'static str, PathBuf); 2] {
    let program = |path: &str, text: &str| {
        let path = place.at(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("a mode");
        path
    };
    let says = format!("echo 'openjdk version \"{version}\" 2025-04-15' >&2; exit 0");
    let java = format!("#!/bin/sh\nif [ \"$1\" = -version ]; then {says}; fi\n{script}\n");
    program("java/bin/java", &java);
    program("kafka/libs/kafka_2.13-4.1.0.jar", "no jar");
    let server = program("kafka/bin/kafka-server-start.sh", "#!/bin/sh\n");
    [("JAVA_HOME", place.at("java")), ("SCHEDBENCH_KAFKA_SERVER", server)]
}

/// Runs `kafka/acks-all` and `wheel`; asserts that only the wheel's cells
/// stand, and gives what the first of Kafka's says.
fn only_kafka_fails(place: &Place, env: &[(&str, PathBuf)]) -> String {
    let scenario = place.file("small.toml", small("\"kafka/acks-all\", \"wheel\""));
    let mut command = place.schedbench(&["run", scenario.to_str().expect("UTF-8")]);
    command.envs(env.iter().cloned()).env("XDG_CACHE_HOME", place.at("cache"));
    Said::of(command.output().expect("a run")).ends(1);
    let outcome = place.results().expect("results").outcome();
    assert!(cells_of(&outcome, "wheel").iter().all(|cell| cell.error.is_none()));
    let failed = cells_of(&outcome, "kafka");
    assert_eq!(failed.len(), 2);
    for cell in &failed {
        assert!(matches!(cell.validity, Validity::Incomplete(_)), "{:?}", cell.validity);
    }
    let error = failed[0].error.as_ref().expect("an error");
    format!("{}\n{}", error.message, error.log.join("\n"))
}

#[test]
fn one_that_dies_at_its_start_fails_its_cells() {
    let place = Place::new();
    let env = stand_ins(&place, "17.0.15", "echo 'a planted fault'; exit 3");
    let said = only_kafka_fails(&place, &env);
    for words in ["kafka/acks-all: broker died ", "(exit 3)", "logs/kafka-1.log", "a planted fault"]
    {
        assert!(said.contains(words), "{words} in {said}");
    }
    // What would have made the start quick could not be made either, which is
    // no failure, and nothing half-made is left for the next one.
    let log = place.results().expect("results").at("logs/kafka-1.log");
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(log.contains("schedbench: starting without an archive of classes: "), "{log}");
    let cached = std::fs::read_dir(place.at("cache/schedbench")).expect("a cache").count();
    assert_eq!(cached, 0);
    place.wait_until_nothing_is_left("after a failed start");
}

#[test]
fn one_whose_java_is_too_old_fails_its_cells() {
    let place = Place::new();
    let env = stand_ins(&place, "11.0.2", "exit 3");
    let said = only_kafka_fails(&place, &env);
    assert!(said.contains("Kafka needs Java 17 or later") && said.contains("is Java 11.0.2"));
    assert!(said.contains("apt-get install"), "{said}");
}

/// Maven with a home of its own, whose mirror of everything is a port on which
/// nobody listens.
fn unreachable_registry(place: &Place) -> (String, String) {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    let mirror = |id: &str, of: &str| {
        format!(
            "<mirror><id>{id}</id><mirrorOf>{of}</mirrorOf>\
             <url>http://127.0.0.1:{port}/maven</url></mirror>"
        )
    };
    let mirrors = mirror("one", "central") + &mirror("all", "*");
    std::fs::create_dir_all(place.at("home/.m2")).expect("a directory");
    let text = format!("<settings><mirrors>{mirrors}</mirrors></settings>");
    place.file("home/.m2/settings.xml", text);
    (format!("-Duser.home={}", place.at("home").display()), format!("127.0.0.1:{port}"))
}

#[test]
fn jars_that_cannot_be_fetched() {
    let place = Place::new();
    let (home, address) = unreachable_registry(&place);
    let prepare = |path: Option<&str>| {
        let mut command = place.schedbench(&["prepare", "kafka"]);
        command.env("XDG_CACHE_HOME", place.at("cache")).env("MAVEN_OPTS", &home);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        Said::of(command.output().expect("a run")).ends(1)
    };
    let began = Instant::now();
    prepare(None).complains_of(&[
        "error: Maven could not fetch the jars of Kafka 4.1.0 (exit status: 1)",
        &address,
        "Mirrors and proxies: ~/.m2/settings.xml",
        "Then again: schedbench prepare kafka",
    ]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    prepare(Some("/nonexistent")).complains_of(&["mvn is not installed", "apt-get install maven"]);

    // Nothing half-fetched is taken for a Kafka.
    let cached = std::fs::read_dir(place.at("cache/schedbench")).expect("a cache").count();
    assert_eq!(cached, 0);
    let scenario = place.file("small.toml", small("\"kafka\""));
    let mut command = place.schedbench(&["run", scenario.to_str().expect("UTF-8")]);
    command.env("XDG_CACHE_HOME", place.at("cache")).env("PATH", "/nonexistent");
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["kafka/acks-all: no broker here", "schedbench prepare kafka"]);
}
