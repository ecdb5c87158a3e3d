//! A PostgreSQL that is not as it should be: told from one that is, in words
//! that help, before anything is measured where that is possible.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use schedbench_reports::outcome::Validity;

use crate::external::certificates;
use crate::harness::cells_of;
use crate::place::{Place, Said, postgres_stand_in, small};
use crate::processes::{send, wait_for};
use crate::secrets::Locked;
use crate::strangers::Stranger;

fn run(place: &Place, more: &str) -> Command {
    let scenario = place.file("small.toml", small(&format!("\"postgres\"{more}")));
    place.schedbench(&["run", scenario.to_str().expect("UTF-8")])
}

/// Runs on the PostgreSQL of that URL.
fn with_url(place: &Place, url: &str) -> Said {
    let mut command = run(place, "");
    let said = command.args(["--env", "external"]).env("POSTGRES_URL", url).output();
    let said = Said::of(said.expect("a run"));
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    said
}

#[test]
fn one_that_refuses_the_password_or_the_database_is_found_before_the_run() {
    let locked = Locked::postgres();
    let place = Place::new();
    let right = locked.password().0.clone();
    for (password, database, words) in [
        ("hunter2", "postgres", "password authentication failed for user \"schedbench\""),
        ("", "postgres", "password"),
        (right.as_str(), "nowhere", "database \"nowhere\" does not exist"),
    ] {
        let url = locked.url(password).replace("/postgres", &format!("/{database}"));
        let said = with_url(&place, &url).refused(2);
        let said = said.complains_of(&["postgres/skip-locked: ", words, "correct POSTGRES_URL"]);
        assert!(!said.stderr.contains(&right), "{}", said.stderr);
    }
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn what_is_no_postgresql_is_found_before_the_run() {
    let redis = Locked::new();
    let place = Place::new();
    let hangs_up = Stranger::saying(b"");
    let babbles = Stranger::saying(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    // What PostgreSQL's clients say first is no line that a Redis would answer.
    for at in [redis.place(), hangs_up.place(), babbles.place()] {
        let said = with_url(&place, &format!("postgres://me:hunter2@{at}/x")).refused(2);
        let words = "it does not answer as a PostgreSQL does";
        said.complains_of(&["postgres/skip-locked: ", words, &at, "correct POSTGRES_URL"]);
    }
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn one_that_is_too_old_is_found_before_the_run() {
    let place = Place::for_everybody();
    let mut command = run(&place, ", \"wheel\"");
    command.env("SCHEDBENCH_POSTGRES", postgres_stand_in(&place)).env("SAYS_VERSION", "11.22");
    let said = Said::of(command.output().expect("a run")).refused(2);
    said.complains_of(&["postgres 11.22 is too old: expected 12.0 or later.", "apt-get install"]);
    assert!(!place.at("results").exists(), "nothing was started");
}

#[test]
fn one_that_dies_at_its_start_fails_its_cells() {
    for program in ["initdb", "postgres"] {
        let place = Place::for_everybody();
        let mut command = run(&place, ", \"wheel\"");
        command.env("SCHEDBENCH_POSTGRES", postgres_stand_in(&place)).env("DIES", program);
        let said = Said::of(command.output().expect("a run")).ends(1);
        let what = if program == "initdb" { "initdb" } else { "broker" };
        let died = format!("postgres/skip-locked: {what} died ");
        let told = "(exit 3); full log: logs/postgres-1.log";
        let said = said.complains_of(&[&died, told, "FATAL:  a planted fault"]);
        assert!(said.stdout.contains("Report: "), "{}", said.stdout);
        let results = place.results().expect("results");
        let log = fs::read_to_string(results.at("logs/postgres-1.log")).expect("a log");
        assert!(log.contains("a planted fault"), "{log}");
        let outcome = results.outcome();
        let failed = cells_of(&outcome, "postgres");
        assert_eq!(failed.len(), 2);
        for cell in failed {
            assert!(matches!(cell.validity, Validity::Incomplete(_)), "{:?}", cell.validity);
            let error = cell.error.as_ref().expect("an error");
            assert!(error.message.starts_with(&died), "{}", error.message);
            assert_eq!(error.log, ["reading the settings", "FATAL:  a planted fault"]);
        }
        let stand = cells_of(&outcome, "wheel");
        assert!(stand.iter().all(|cell| cell.error.is_none() && cell.counts.window.done > 0));
        place.wait_until_nothing_is_left("after a failed start");
    }
}

impl Locked {
    /// Has it encrypt, with that certificate, and take nobody who does not.
    fn encrypts(&self, certificate: &Path, key: &Path) {
        let (room, pid) = self.room();
        let data = room.join("data");
        let owner = fs::metadata(&data).expect("its data");
        for (from, to) in [(certificate, "server.pem"), (key, "server.key")] {
            let to = data.join(to);
            fs::copy(from, &to).expect("a copy");
            chown(&to, Some(owner.uid()), Some(owner.gid())).expect("its owner");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("its mode");
        }
        let settings = "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n";
        fs::write(data.join("postgresql.auto.conf"), settings).expect("settings");
        let who = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), who).expect("who may come");
        let log = self.log();
        let reloads = || {
            let said = fs::read_to_string(&log).expect("a log");
            said.matches("reloading configuration files").count()
        };
        let before = reloads();
        send(pid, Signal::HUP);
        wait_for("the server to look", || reloads() > before);
        // It takes nobody meanwhile, so that who comes now finds it done.
        wait_for("a server with TLS", || offers_tls(&self.place()));
    }
}

/// Whether a PostgreSQL offers to encrypt: it says so in one letter.
fn offers_tls(at: &str) -> bool {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let mut stream = TcpStream::connect(at).expect("a connection");
    let mut letter = [0];
    stream.write_all(&SSL_REQUEST).expect("a write");
    stream.read_exact(&mut letter).expect("an answer");
    letter == *b"S"
}

#[test]
fn one_with_tls_is_used_encrypted_or_not_at_all() {
    let locked = Locked::postgres();
    let place = Place::new();
    let [ca, certificate, key] = certificates(&place, "127.0.0.1");
    let ca = ca.to_str().expect("UTF-8");
    let plain = locked.url(&locked.password().0);
    let scenario = place.file("small.toml", small("\"postgres\""));
    let run = |mode: &str, env: &[(&str, &str)]| {
        let args = ["run", scenario.to_str().expect("UTF-8"), "--env", "external"];
        let mut command = place.schedbench(&args);
        command.env("POSTGRES_URL", format!("{plain}{mode}")).envs(env.iter().copied());
        let said = Said::of(command.output().expect("a run"));
        assert!(!said.stderr.contains(&locked.password().0), "{}", said.stderr);
        said
    };
    let trusting = [("SCHEDBENCH_CA_FILE", ca)];
    let encrypted = ["?sslmode=require", "?sslmode=verify-ca", "?sslmode=verify-full"];
    for mode in encrypted {
        // The password is not sent to who does not encrypt.
        run(mode, &trusting).refused(2).complains_of(&["server does not support TLS"]);
    }
    locked.encrypts(&certificate, &key);
    for mode in encrypted {
        let said = run(mode, &[]).refused(2);
        said.complains_of(&["nobody who is trusted has signed", "export SCHEDBENCH_CA_FILE="]);
        let said = run(mode, &[("SCHEDBENCH_CA_FILE", "/no/such.pem")]).refused(2);
        said.complains_of(&["SCHEDBENCH_CA_FILE = /no/such.pem", "No such file"]);
    }
    run("", &trusting).refused(2).complains_of(&["no encryption", "correct POSTGRES_URL"]);
    run("?sslmode=prefer", &trusting).refused(2).complains_of(&["expected sslmode=verify-full"]);
    assert!(!place.at("results").exists(), "nothing was started");

    run("?sslmode=verify-full", &trusting).ends_well();
    let outcome = place.results().expect("results").outcome();
    let cells = cells_of(&outcome, "postgres");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert!(cell.error.is_none() && cell.counts.balances, "{:?}", cell.error);
        assert!(cell.counts.grid.ok[1] > 0, "its worker came in too");
    }
    let mut clean = place.schedbench(&["clean"]);
    clean.env("POSTGRES_URL", format!("{plain}?sslmode=require")).envs(trusting);
    let said = Said::of(clean.output().expect("clean")).ends(0);
    assert!(!said.stdout.contains("queue"), "its schemas are removed: {}", said.stdout);

    let elsewhere = Place::new();
    let [ca, certificate, key] = certificates(&elsewhere, "elsewhere.example");
    locked.encrypts(&certificate, &key);
    for mode in encrypted {
        let trusting = [("SCHEDBENCH_CA_FILE", ca.to_str().expect("UTF-8"))];
        let said = run(mode, &trusting).refused(2).complains_of(&["TLS: ", "POSTGRES_URL"]);
        assert!(said.stderr.to_lowercase().contains("not valid for name"), "{}", said.stderr);
    }
}
