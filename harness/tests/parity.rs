//! The rows of `scripts/parity`: both sides of each are set alike, no secret
//! is an argument, and the table reads as it should. What they measure is not
//! tested here.

#[allow(dead_code, reason = "only what is data is tested")]
#[path = "../benches/parity/command.rs"]
mod command;
#[allow(dead_code, reason = "only what is data is tested")]
#[path = "../benches/parity/rows.rs"]
mod rows;
#[allow(dead_code, reason = "only what is data is tested")]
#[path = "../benches/parity/table.rs"]
mod table;
#[allow(dead_code, reason = "only what is data is tested")]
#[path = "../benches/parity/tools/mod.rs"]
mod tools;

use command::{Command, Place};
use rows::{Batch, ROWS, Row, Setting, Side, Tool};
use schedbench_adapters::find;
use serde_json::Value;
use table::{Compared, Measured, Occasion};

fn place() -> Place {
    Place::shown(4_000)
}

/// What follows an argument.
fn after<'a>(command: &'a Command, name: &str) -> Option<&'a str> {
    let place = command.args.iter().position(|arg| arg == name)?;
    command.args.get(place + 1).map(String::as_str)
}

/// The tool's setting, read back from what is started.
fn set_by(row: &Row, command: &Command) -> Setting {
    let number = |name: &str| {
        let text = after(command, name).unwrap_or_else(|| panic!("{name}: {command:?}"));
        text.parse::<u32>().expect("a number")
    };
    let file = |line: &str| {
        let text = &command.files.first().expect("a file").1.0;
        let found = text.lines().find_map(|one| one.strip_prefix(line));
        found.unwrap_or_else(|| panic!("{line} in {text}")).trim().to_owned()
    };
    let setting = row.setting;
    match (row.tool, row.side) {
        (Tool::PerfTest, Side::Enqueue) => Setting {
            body: number("--size") as usize,
            window: number("--confirm"),
            batch: Batch::Tasks(1),
            connections: number("--producers"),
        },
        (Tool::PerfTest, Side::Process { tasks }) => {
            assert_eq!(u64::from(number("--cmessages")), tasks);
            let batch = Batch::Tasks(number("--multi-ack-every"));
            Setting { window: number("--qos"), batch, ..setting }
        }
        (Tool::KafkaPerformance, Side::Enqueue) => {
            let body = number("--record-size") as usize;
            assert_eq!((file("acks="), file("linger.ms=")), ("all".into(), "5".into()));
            let buffer: usize = file("buffer.memory=").parse().expect("a number");
            let batch = file("batch.size=").parse().expect("a number");
            let window = (buffer / body) as u32;
            Setting { body, window, batch: Batch::Bytes(batch), connections: 1 }
        }
        (Tool::KafkaPerformance, Side::Process { tasks }) => {
            assert_eq!(u64::from(number("--messages")), tasks);
            let records = file("max.poll.records=").parse().expect("a number");
            Setting { batch: Batch::Tasks(records), ..setting }
        }
        (Tool::RedisBenchmark, _) => {
            let ids = command.args.iter().filter(|arg| arg.contains("__rand_int__")).count() as u32;
            let message = command.args.last().expect("a message").len();
            Setting {
                // What Asynq's own message adds (17 + 18 + 3 + 4), and the queue's name.
                body: message - 42 - place().queue.len(),
                window: number("-P") * ids,
                batch: Batch::Tasks(ids),
                connections: number("-c"),
            }
        }
        (Tool::Asynq | Tool::Celery, side) => {
            let job: Value = serde_json::from_str(&command.stdin.0).expect("JSON");
            let of = |name: &str| job[name].as_u64().expect("a number");
            match side {
                Side::Enqueue => assert_eq!(of("measure_ms"), 4_000),
                Side::Process { tasks } => assert_eq!(of("tasks"), tasks),
            }
            Setting { body: of("body") as usize, window: of("window") as u32, ..setting }
        }
        (Tool::Pgbench, Side::Enqueue) => {
            let rows: u32 = file("\\set base :base + ").parse().expect("a number");
            let text = &command.files[0].1.0;
            let last = format!("generate_series(0, {})", rows - 1);
            assert!(text.contains(&last) && text.matches(&format!("ARRAY[{rows}]")).count() == 2);
            let body = text.split("repeat('5a', ").nth(1).and_then(|rest| rest.split(')').next());
            let body = body.expect("a body").parse().expect("a number");
            let connections = number("-c");
            Setting { body, window: rows * connections, batch: Batch::Tasks(rows), connections }
        }
        (Tool::Pgbench, Side::Process { tasks }) => {
            let text = &command.files[0].1.0;
            let rows = text.split("LIMIT ").nth(1).and_then(|rest| rest.split(' ').next());
            let rows: u32 = rows.expect("a limit").parse().expect("a number");
            assert_eq!(u64::from(number("-t")) * u64::from(rows), tasks, "none is left");
            let connections = number("-c");
            Setting {
                window: rows * connections,
                batch: Batch::Tasks(rows),
                connections,
                ..setting
            }
        }
    }
}

#[test]
fn both_sides_of_a_row_have_one_setting() {
    for row in ROWS {
        let command = tools::command(row, &place());
        assert_eq!(set_by(row, &command), row.setting, "{row:?}");
    }
}

/// What a batch of ours is, the adapters and their profiles say.
#[test]
fn our_batches_are_those_of_the_rows() {
    for row in ROWS {
        let system = find(row.system).expect("a system");
        let profile = system.profile(Some(row.profile)).expect("a profile");
        let says = |what: &str| assert!(profile.summary.contains(what), "{}", profile.summary);
        match (row.system, row.side, row.setting.batch) {
            ("kafka", Side::Enqueue, Batch::Bytes(1_000_000)) => {
                // librdkafka's own default.
                assert!(!profile.summary.contains("batch.size"), "{}", profile.summary);
            }
            ("kafka", Side::Enqueue, Batch::Bytes(bytes)) => says(&format!("batch.size {bytes}")),
            ("kafka", Side::Process { .. }, Batch::Tasks(records)) => {
                says(&format!("{records} records"));
            }
            ("postgres", Side::Process { .. }, Batch::Tasks(rows)) => {
                says(&format!("{rows} rows a fetch"));
            }
            ("redis-asynq", Side::Enqueue, Batch::Tasks(tasks)) => {
                let source = include_str!("../../adapters/src/redis_asynq/scripts.rs");
                assert!(source.contains(&format!("TASKS_PER_CALL: usize = {tasks};")));
                assert_eq!(row.setting.window % tasks, 0);
            }
            ("postgres", Side::Enqueue, Batch::Tasks(tasks)) => {
                let source = include_str!("../../adapters/src/postgres/producer.rs");
                assert!(source.contains(&format!("TASKS_PER_BATCH: usize = {tasks};")));
            }
            // Ours acknowledges what came together.
            ("rabbitmq", Side::Process { .. }, Batch::Tasks(acks)) => assert!(acks <= 128),
            (_, _, batch) => assert_eq!(batch, Batch::Tasks(1), "{row:?}"),
        }
    }
}

#[test]
fn no_password_is_an_argument() {
    let place = place();
    for row in ROWS {
        let commands = [tools::before(row, &place), tools::after(row, &place)].concat();
        for command in commands.iter().chain([&tools::command(row, &place)]) {
            let told = command.args.iter().any(|arg| arg.contains(place.password.0.as_str()));
            assert!(!told, "{command:?}");
            let is_known = |secret: &str| secret.contains(place.password.0.as_str());
            let carried = command.env.iter().any(|(_, value)| is_known(&value.0))
                || is_known(&command.stdin.0)
                || command.files.iter().any(|(_, content)| is_known(&content.0))
                // The one tool that signs in as somebody without a password.
                || after(command, "--user").is_some();
            assert!(carried, "{command:?}");
        }
    }
}

#[test]
fn what_the_tools_print_is_read() {
    let read = |tool: Tool, is_enqueue: bool, printed: &str| {
        let fits = |row: &&Row| row.tool == tool && (row.side == Side::Enqueue) == is_enqueue;
        let row = ROWS.iter().find(fits).expect("a row");
        tools::read(row, printed).map(|said| said.rate)
    };
    let seconds = "id: test-1, time 1.000 s, sent: 100 msg/s, returned: 0 msg/s, confirmed: 90 msg/s, nacked: 0 msg/s\n\
         id: test-1, time 2.000 s, sent: 200 msg/s, returned: 0 msg/s, confirmed: 190 msg/s, nacked: 0 msg/s\n\
         id: test-1, time 3.000 s, sent: 300 msg/s, returned: 0 msg/s, confirmed: 290 msg/s, nacked: 0 msg/s\n\
         id: test-1, time 4.000 s, sent: 320 msg/s, returned: 0 msg/s, confirmed: 310 msg/s, nacked: 0 msg/s\n\
         id: test-1, time 4.100 s, sent: 20 msg/s, returned: 0 msg/s, confirmed: 10 msg/s, nacked: 0 msg/s\n";
    assert_eq!(read(Tool::PerfTest, true, seconds), None, "it has not ended");
    let ended = format!("{seconds}id: test-1, sending rate avg: 230 msg/s\n");
    assert_eq!(read(Tool::PerfTest, true, &ended), Some(300.0), "without the cold seconds");
    let produced = "250000 records sent, 50000.0 records/sec (4.77 MB/sec), 1.0 ms avg latency\n\
         400000 records sent, 123456.7 records/sec (11.77 MB/sec), 1.20 ms avg latency, 210.00 ms \
         max latency, 1 ms 50th, 2 ms 95th, 9 ms 99th, 20 ms 99.9th.\n";
    assert_eq!(read(Tool::KafkaPerformance, true, produced), Some(123_456.7));
    let consumed = "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n\
         2026-11-28 04:00:00:000, 2026-11-28 04:00:02:000, 190.7, 95.4, 2000000, 1000000.0, 300, 1700, 112.2, 1176470.5\n";
    assert_eq!(read(Tool::KafkaPerformance, false, consumed), Some(1_176_470.5));
    let benchmark = "EVALSHA x: rps=100.0 (overall: 90.0)\rEVALSHA x: 2000.50 requests per second, p50=1.0 msec\n";
    assert_eq!(read(Tool::RedisBenchmark, true, benchmark), Some(2_000.5 * 64.0));
    let program = "hello\nparity {\"tasks\":500,\"from\":1000000000,\"to\":1500000000}\n";
    assert_eq!(read(Tool::Asynq, true, program), Some(1_000.0));
    let rounds = "latency average = 1.0 ms\ntps = 900.5 (without initial connection time)\n";
    assert_eq!(read(Tool::Pgbench, true, rounds), Some(900.5 * 256.0));
}

#[test]
fn the_document_says_what_was_measured_and_why_it_differs() {
    let side = |rates: [f64; 3], cpu_us| rates.map(|rate| Measured { rate, cpu_us }).to_vec();
    let row = |tool| ROWS.iter().find(|row| row.tool == tool).expect("a row");
    let compared = [
        Compared {
            row: row(Tool::RedisBenchmark),
            ours: side([13_000.0, 12_000.0, 14_500.0], 21.3),
            native: side([12_500.0, 13_100.0, 12_900.0], 44.0),
        },
        Compared {
            row: row(Tool::Celery),
            ours: side([1_500.0, 1_450.0, 1_600.0], 150.0),
            native: side([900.0, 910.0, 880.0], 466.0),
        },
        Compared {
            row: row(Tool::Pgbench),
            ours: side([50_000.0, 51_000.0, 49_000.0], 2.0),
            native: side([100_000.0, 99_000.0, 101_000.0], 1.0),
        },
    ];
    let reasons: Vec<_> = compared.iter().map(Compared::reason).collect();
    assert_eq!(reasons[0], None);
    assert!(matches!(reasons[1], Some(Some(_))));
    assert_eq!(reasons[2], Some(None), "nobody says why");
    let occasion = Occasion {
        date: "2026-11-28".into(),
        machine: "2 × some CPU".into(),
        typed: "scripts/parity --rounds 3".into(),
        rounds: 3,
        measure_s: 4,
        brokers: vec!["redis-asynq/everysec: redis 7.0.15 (AOF, fsync each second)".into()],
    };
    insta::assert_snapshot!(table::document(&occasion, &compared));
}
