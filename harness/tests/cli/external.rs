//! `--env external`: brokers that run already, by the URLs in variables.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use schedbench::environment::{Entry, Ground, Keeper, Need, Rooms, ports};
use schedbench_contract::{Broker, Profile};

use crate::harness::cells_of;
use crate::place::{Place, Said, redis_server, small};
use crate::processes::{is_listened_on, wait_for};
use crate::secrets::Locked;

fn run(place: &Place, env: &[(&str, &str)]) -> Said {
    let scenario = place.file("small.toml", small("\"redis-asynq/memory\""));
    let args = ["run", scenario.to_str().expect("UTF-8"), "--env", "external"];
    let mut command = place.schedbench(&args);
    command.env_remove("SCHEDBENCH_CA_FILE").envs(env.iter().copied());
    Said::of(command.output().expect("a run"))
}

#[test]
fn one_without_a_url_is_missing_even_where_it_could_be_started() {
    redis_server();
    let place = Place::new();
    run(&place, &[]).refused(2).complains_of(&[
        "redis-asynq/memory: no broker here",
        "--env external starts nothing, and REDIS_URL is not set.",
        "export REDIS_URL=redis://user:password@host:6379",
        "--skip-missing",
    ]);
    assert!(!place.at("results").exists(), "nothing was started");
    let said = place.says(&["doctor", "--env", "external"]).ends(0);
    assert!(said.stdout.contains("missing   export REDIS_URL=redis://"), "{}", said.stdout);
}

#[test]
fn the_brokers_own_variable_is_enough() {
    let locked = Locked::new();
    let place = Place::new();
    let url = locked.url(&locked.password().0);
    let said = run(&place, &[("REDIS_URL", &url)]).ends_well();
    let said = said.complains_of(&[" of REDIS_URL at 127.0.0.1:", "not ours"]);
    assert!(!said.stderr.contains(&locked.password().0), "{}", said.stderr);
    let outcome = place.results().expect("results").outcome();
    assert!(cells_of(&outcome, "redis-asynq").iter().all(|cell| cell.counts.window.done > 0));
    let mut clean = place.schedbench(&["clean"]);
    let said = Said::of(clean.env("REDIS_URL", &url).output().expect("clean")).ends(0);
    assert!(!said.stdout.contains("queue"), "its queues are removed: {}", said.stdout);
}

/// Files: an authority of the test's own, a certificate that it has signed for
/// that name, and its key.
pub(crate) fn certificates(place: &Place, name: &str) -> [PathBuf; 3] {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("an authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes one that is named as its issuer for its own issuer.
    authority.distinguished_name.push(DnType::CommonName, "a test's authority");
    let ca = authority.self_signed(&authority_key).expect("a certificate").pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a request");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate").pem();
    [
        place.file("ca.pem", ca),
        place.file("server.pem", certificate),
        place.file("server.key", key.serialize_pem()),
    ]
}

/// A Redis that speaks nothing but TLS, with a certificate of an authority of
/// the test's own.
struct Encrypted {
    server: Child,
    port: u16,
}

impl Encrypted {
    /// Starts it; its certificate is for that name.
    fn new(place: &Place, name: &str) -> Self {
        let [ca, cert, key] = certificates(place, name);
        let port = ports::free().expect("a port");
        let server = Command::new(redis_server())
            .args(["--port", "0", "--save", "", "--requirepass", "not-secret-here"])
            .args(["--bind", "127.0.0.1", "--tls-auth-clients", "no"])
            .args(["--tls-port", &port.to_string()])
            .arg("--tls-cert-file")
            .arg(cert)
            .arg("--tls-key-file")
            .arg(key)
            .arg("--tls-ca-cert-file")
            .arg(ca)
            .current_dir(place.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("a redis");
        let mut this = Self { server, port };
        wait_for("a Redis with TLS", || {
            let ended = this.server.try_wait().expect("a child");
            assert!(ended.is_none(), "this redis-server has no TLS: {ended:?}");
            is_listened_on(port)
        });
        this
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://:not-secret-here@127.0.0.1:{}", self.port)
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_redis_with_tls_whose_authority_is_trusted() {
    let place = Place::new();
    let redis = Encrypted::new(&place, "127.0.0.1");
    let ca = place.at("ca.pem");
    let ca = ca.to_str().expect("UTF-8");
    let url = redis.url("rediss");
    run(&place, &[("REDIS_URL", &url), ("SCHEDBENCH_CA_FILE", ca)]).ends_well();
    let outcome = place.results().expect("results").outcome();
    let cells = cells_of(&outcome, "redis-asynq");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(cell.error.is_none() && cell.counts.balances, "{:?}", cell.error);
        assert!(cell.counts.grid.ok[1] > 0, "its worker came in too");
    }
}

#[test]
fn a_certificate_that_proves_nothing_is_refused() {
    let place = Place::new();
    let redis = Encrypted::new(&place, "127.0.0.1");
    let ca = place.at("ca.pem");
    let ca = ca.to_str().expect("UTF-8").to_owned();
    let url = redis.url("rediss");
    let said = run(&place, &[("REDIS_URL", &url)]).refused(2);
    said.complains_of(&["nobody who is trusted has signed", "export SCHEDBENCH_CA_FILE="]);
    let said = run(&place, &[("REDIS_URL", &url), ("SCHEDBENCH_CA_FILE", "/no/such.pem")]);
    said.refused(2).complains_of(&["SCHEDBENCH_CA_FILE = /no/such.pem", "No such file"]);
    let empty = place.file("empty.pem", "");
    let empty = empty.to_str().expect("UTF-8");
    let said = run(&place, &[("REDIS_URL", &url), ("SCHEDBENCH_CA_FILE", empty)]);
    said.refused(2).complains_of(&["no certificate in it"]);
    // Without TLS it says nothing that makes sense, and the error says so.
    run(&place, &[("REDIS_URL", &redis.url("redis"))]).refused(2).complains_of(&["REDIS_URL"]);
    drop(redis);

    let elsewhere = Encrypted::new(&place, "elsewhere.example");
    let url = elsewhere.url("rediss");
    let said = run(&place, &[("REDIS_URL", &url), ("SCHEDBENCH_CA_FILE", &ca)]).refused(2);
    let said = said.complains_of(&["TLS: ", "REDIS_URL"]);
    assert!(said.stderr.to_lowercase().contains("not valid for name"), "{}", said.stderr);
    assert!(!place.at("results").exists(), "nothing was started");
    assert!(fs::read_dir(place.path()).is_ok());
}

#[test]
fn a_rabbitmq_with_tls_whose_authority_is_trusted() {
    let place = Place::new();
    let files = certificates(&place, "127.0.0.1");
    let [ca, cert, key] = files.each_ref().map(|file| file.to_str().expect("UTF-8").to_owned());
    let port = ports::free().expect("a port");
    let settings = [
        ("listeners.ssl.1", format!("127.0.0.1:{port}")),
        ("ssl_options.cacertfile", ca.clone()),
        ("ssl_options.certfile", cert),
        ("ssl_options.keyfile", key),
    ];
    // A profile is `'static`, and these settings are known only now.
    let settings: Vec<(&str, &str)> =
        settings.into_iter().map(|(key, value)| (key, &*value.leak())).collect();
    let system = schedbench_adapters::find("rabbitmq").expect("a system");
    let durable = system.profile(Some("durable")).expect("a profile");
    let profile = Profile { broker_settings: settings.leak(), ..*durable };
    let rooms = Rooms::open_in(place.path(), None).expect("rooms");
    let keeper = Keeper::start(None).expect("a keeper");
    let ground = Ground { keeper: &keeper, rooms: &rooms, logs: place.path() };
    let need = Need { who: "test", profile: &profile, url_env: None, by_proxies: false };
    let broker = Entry::of(Broker::RabbitMq).have(&ground, &need).expect("a rabbitmq");
    let at = broker.address();
    let user = at.user.as_deref().expect("a user");
    let password = at.password.as_ref().expect("a password").0.clone();
    let url = format!("amqps://{user}:{password}@127.0.0.1:{port}");

    let scenario = place.file("small.toml", small("\"rabbitmq/durable\""));
    let run = |env: &[(&str, &str)]| {
        let args = ["run", scenario.to_str().expect("UTF-8"), "--env", "external"];
        let mut command = place.schedbench(&args);
        command.env_remove("SCHEDBENCH_CA_FILE").env("AMQP_URL", &url).envs(env.iter().copied());
        Said::of(command.output().expect("a run"))
    };
    let refused = run(&[]).refused(2).complains_of(&["nobody who is trusted has signed"]);
    assert!(!refused.stderr.contains(&password), "{}", refused.stderr);
    run(&[("SCHEDBENCH_CA_FILE", &ca)]).ends_well();
    let outcome = place.results().expect("results").outcome();
    let cells = cells_of(&outcome, "rabbitmq");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(cell.error.is_none() && cell.counts.balances, "{:?}", cell.error);
        assert!(cell.counts.grid.ok[1] > 0, "its worker came in too");
    }
    broker.stop().expect("it ends");
}

#[test]
fn a_variable_must_have_the_name_of_one() {
    let place = Place::new();
    for broker in Broker::ALL {
        let text =
            small("\"wheel\"") + &format!("[brokers.{}]\nurl_env = \"a name\"\n", broker.name());
        let scenario = place.file("small.toml", text);
        let said = place.says(&["check", scenario.to_str().expect("UTF-8")]).refused(2);
        said.complains_of(&["not the name of an environment variable", "small.toml"]);
    }
}
