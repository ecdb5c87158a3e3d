//! An existing Kafka with TLS, for builds that have it.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use schedbench::environment::{Entry, ports};
use schedbench_adapters::kafka_wire::Wire;
use schedbench_contract::{Address, Broker};

use crate::external::certificates;
use crate::harness::cells_of;
use crate::place::{Place, Said, small};
use crate::processes::wait_for;

const PASSWORD: &str = "not-secret-here";

/// A Kafka whose clients sign in over TLS; it talks to itself on ports of its own.
struct Encrypted {
    server: Child,
    port: u16,
}

impl Encrypted {
    fn new(place: &Place, certificate: &PathBuf, key: &PathBuf) -> Self {
        let text = |path| std::fs::read_to_string(path).expect("PEM");
        let store = place.file("store.pem", text(key) + &text(certificate));
        let port = || ports::free().expect("a port");
        let (client, inner, controller) = (port(), port(), port());
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\n\
             listeners=CLIENT://127.0.0.1:{client},INNER://127.0.0.1:{inner},\
             CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=CLIENT://127.0.0.1:{client},INNER://127.0.0.1:{inner}\n\
             listener.security.protocol.map=CLIENT:SASL_SSL,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             inter.broker.listener.name=INNER\ncontroller.listener.names=CONTROLLER\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={}\n\
             sasl.enabled.mechanisms=PLAIN\n\
             listener.name.client.plain.sasl.jaas.config={module} required user_me=\"{PASSWORD}\";\n\
             listener.name.client.ssl.keystore.type=PEM\n\
             listener.name.client.ssl.keystore.location={}\n\
             offsets.topic.replication.factor=1\ngroup.initial.rebalance.delay.ms=0\n\
             auto.create.topics.enable=false\n",
            place.at("data").display(),
            store.display(),
        );
        let properties = place.file("server.properties", properties);
        let kafka = Entry::of(Broker::Kafka).find().expect("schedbench prepare kafka");
        let java = |class: &str, args: &[&str]| {
            let said = || File::create(place.at(class)).expect("a file");
            let mut command = Command::new("java");
            command.args(["-Xmx512m", "-Djava.net.preferIPv4Stack=true", "-cp"]);
            command.arg(kafka.join("libs/*")).arg(class).args(args).current_dir(place.path());
            command.stdin(Stdio::null()).stdout(said()).stderr(said());
            command.spawn().expect("java")
        };
        let properties = properties.to_str().expect("UTF-8");
        let id = "c2NoZWRiZW5jaC10ZXN0cw";
        let mut format = java("kafka.tools.StorageTool", &["format", "-t", id, "-c", properties]);
        assert!(format.wait().expect("an end").success(), "see kafka.tools.StorageTool");
        let server = java("kafka.Kafka", &[properties]);
        let mut this = Self { server, port: client };
        let inside = Address {
            host: "127.0.0.1".into(),
            port: inner,
            user: None,
            password: None,
            database: None,
            tls: false,
            others: Vec::new(),
        };
        wait_for("a Kafka with TLS", || {
            let ended = this.server.try_wait().expect("a child");
            assert!(ended.is_none(), "it ended: {ended:?}");
            let soon = Instant::now() + Duration::from_secs(5);
            let topics = Wire::connect(&inside, soon).and_then(|mut wire| wire.topics());
            topics.is_ok_and(|(brokers, _)| brokers > 0)
        });
        this
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn one_with_tls_is_used_encrypted_or_not_at_all() {
    let place = Place::new();
    let [ca, certificate, key] = certificates(&place, "127.0.0.1");
    let kafka = Encrypted::new(&place, &certificate, &key);
    let scenario = place.file("small.toml", small("\"kafka\""));
    let run = |scheme: &str, host: &str, ca: Option<&PathBuf>| {
        let args = ["run", scenario.to_str().expect("UTF-8"), "--env", "external"];
        let mut command = place.schedbench(&args);
        let url = format!("{scheme}://me:{PASSWORD}@{host}:{}", kafka.port);
        command.env("KAFKA_URL", url);
        command.envs(ca.map(|ca| ("SCHEDBENCH_CA_FILE", ca)));
        let said = Said::of(command.output().expect("a run"));
        assert!(!said.stderr.contains(PASSWORD), "{}", said.stderr);
        said
    };
    let said = run("kafkas", "127.0.0.1", None).refused(2);
    said.complains_of(&["nobody who is trusted has signed", "export SCHEDBENCH_CA_FILE="]);
    let said = run("kafkas", "localhost", Some(&ca)).refused(2);
    let said = said.complains_of(&["TLS: ", "KAFKA_URL"]);
    assert!(said.stderr.to_lowercase().contains("not valid for name"), "{}", said.stderr);
    run("kafka", "127.0.0.1", Some(&ca)).refused(2).complains_of(&["correct KAFKA_URL"]);
    assert!(!place.at("results").exists(), "nothing was started");

    run("kafkas", "127.0.0.1", Some(&ca)).ends_well();
    let outcome = place.results().expect("results").outcome();
    let cells = cells_of(&outcome, "kafka");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(cell.error.is_none() && cell.counts.balances, "{:?}", cell.error);
        assert!(cell.counts.window.done > 0, "its worker came in too");
    }
}
