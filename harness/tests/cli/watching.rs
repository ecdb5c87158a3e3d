//! `--metrics` and `--live`: what can be seen of a run while it goes on.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::harness::Running;
use crate::place::{Place, Said, small};
use crate::processes::is_listened_on;

/// A request and the whole answer: its head and its body.
pub(crate) fn ask(at: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).expect("a connection");
    write!(stream, "{request} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// Where a run that has said so serves its metrics.
pub(crate) fn metrics_address(said: &str) -> Option<SocketAddr> {
    let line = said.lines().find_map(|line| line.strip_prefix("metrics: http://"))?;
    line.strip_suffix("/metrics")?.parse().ok()
}

/// Every sample by its name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    lines.map(sample).collect()
}

/// The sum over phases.
fn sum(samples: &BTreeMap<String, f64>, name: &str, system: &str) -> f64 {
    let label = format!("system=\"{system}\"");
    let of = samples.iter().filter(|(key, _)| key.starts_with(name) && key.contains(&label));
    of.map(|(_, value)| value).sum()
}

#[test]
fn metrics_while_it_runs() {
    let place = Place::new();
    let scenario = place.file("small.toml", small("\"wheel\""));
    let scenario = scenario.to_str().expect("UTF-8");
    let long = ["--loads", "2k", "--duration", "3s", "--metrics", "127.0.0.1:0"];
    let mut run =
        Running::start(&place, place.schedbench(&[&["run", scenario][..], &long].concat()));
    let mut at = None;
    run.wait_until("its address", |_| {
        at = metrics_address(&fs::read_to_string(place.at("stderr")).expect("UTF-8"));
        at.is_some()
    });
    let at = at.expect("an address");
    let scrape = || {
        let (head, body) = ask(at, "GET /metrics");
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert!(head.contains("content-type: application/openmetrics-text"), "{head}");
        assert!(body.ends_with("# EOF\n"), "{body}");
        samples(&body)
    };
    let mut last = BTreeMap::new();
    run.wait_until("a second's latencies of the wheel", |_| {
        let now = scrape();
        for (name, value) in &now {
            let is_counter = name.contains("_total{");
            assert!(!is_counter || last.get(name).is_none_or(|last| last <= value), "{name}");
        }
        last = now;
        last.keys()
            .any(|name| name.contains("system=\"wheel\"") && name.contains("quantile=\"0.99\""))
    });
    // Its labels, and figures that fit each other and the load of 2k/s.
    let labels =
        "system=\"wheel\",profile=\"1ms\",load=\"2k/s\",variant=\"\",repeat=\"1\",cell=\"2\"";
    let in_window = format!("schedbench_tasks_done_total{{{labels},phase=\"window\"}}");
    assert!(last[&in_window] > 500.0, "{last:#?}");
    let of = |system: &str, name: &str| sum(&last, &format!("schedbench_{name}"), system);
    let counted = |system: &str| {
        ["offered", "accepted", "confirmed", "done"]
            .map(|name| of(system, &format!("tasks_{name}_total")))
    };
    // Counters are not read at one instant.
    let [offered, accepted, confirmed, done] = counted("wheel");
    assert!((1_000.0..7_000.0).contains(&offered) && accepted <= offered, "{last:#?}");
    assert!(confirmed <= accepted + 9.0 && done <= accepted + 9.0, "{last:#?}");
    assert!(of("wheel", "start_latency_seconds{") < 10.0, "{last:#?}");
    assert!(of("wheel", "pacing_lateness_seconds{") > 0.0, "{last:#?}");
    for kind in ["refused", "unknown", "attempt"] {
        let failed =
            format!("schedbench_failed_total{{{labels},phase=\"window\",kind=\"{kind}\"}}");
        assert_eq!(last[&failed], 0.0);
    }
    let backlog = format!("schedbench_backlog_tasks{{{labels},");
    assert!(last.keys().any(|name| name.starts_with(&backlog)), "{last:#?}");
    // The cell before it, to its last task.
    let whole = counted("noop");
    assert!(whole[0] > 5_000.0 && whole.iter().all(|count| *count == whole[0]), "{last:#?}");
    assert_eq!(last["schedbench_cells_planned"], 2.0);
    let run_info =
        |name: &String| name.starts_with("schedbench_run{run=") && name.contains("\"small\"");
    assert!(last.keys().any(run_info), "{last:#?}");

    // What is not there, and not done.
    assert!(ask(at, "GET /").0.starts_with("HTTP/1.1 404"));
    assert!(ask(at, "POST /metrics").0.starts_with("HTTP/1.1 405"));

    // Somebody who connects and says nothing does not keep it from its end.
    let _silent = TcpStream::connect(at).expect("a connection");
    let ended = run.end();
    assert!(matches!(ended.code(), Some(0 | 4)), "{ended:?}\n{}", run.stderr());
    assert!(!is_listened_on(at.port()), "the port is free again");
}

#[test]
fn what_cannot_be_watched_is_refused_before_it_starts() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").to_string();
    for (more, words) in [
        (&["--metrics", &port][..], &["cannot listen there", "in use", "127.0.0.1:0"][..]),
        (&["--metrics", "0.0.0.0:9100"], &["expected an address of the loopback"]),
        (&["--metrics", "9100"], &["expected an address and a port, such as 127.0.0.1:9100"]),
        (&["--live"], &["--live: standard error is no terminal"]),
        (&["--live", "--quiet"], &["--live and --quiet"]),
        (&["--live", "--no-progress"], &["cannot be used with"]),
    ] {
        place.says(&[&["run", "quick"], more].concat()).refused(2).complains_of(words);
    }
    assert!(!place.at("results").exists(), "nothing was started");
}

/// On a terminal of 80 columns, which `script` gives it.
#[test]
fn a_line_for_each_system_while_it_runs() {
    let place = Place::new();
    place.file("small.toml", small("\"wheel\""));
    let run = "run small.toml --loads 1k --duration 2s --live";
    let line = format!("stty cols 80 rows 24; exec {} {run}", crate::place::PROGRAM);
    let mut command = place.program("script", &["-qec", &line, "screen"]);
    command.env("TERM", "xterm");
    Said::of(command.output().expect("a run")).ends_well();
    let screen = fs::read_to_string(place.at("screen")).expect("UTF-8");
    for words in ["system", "backlog", "per second", "> wheel/1ms", "1k/s", "█", "total "] {
        assert!(screen.contains(words), "no {words:?} in:\n{screen}");
    }
    // The lines that stay, and the table at the end, as without it.
    assert!(screen.contains("2/2  wheel/1ms  1k/s  repeat 1  done "), "{screen}");
    assert!(screen.contains("Report: results/small/"), "{screen}");
}
