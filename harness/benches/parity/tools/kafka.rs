//! Kafka's own load generators, on the adapter's own topic.

use schedbench_contract::Secret;

use crate::command::{Command, Place, Program};
use crate::rows::{Batch, Row, Side};

/// Records per second of measuring that a producer is given: enough that the
/// JVM's start counts for little, and no more than a disk holds.
const RECORDS_PER_SECOND: u64 = 400_000;

/// Who signs in, in a file: the tools take settings as arguments too, where
/// everybody could read the password.
fn settings(row: &Row, place: &Place) -> Secret {
    let Place { host, port, user, password, .. } = place;
    let mut text = format!(
        "bootstrap.servers={host}:{port}\nsecurity.protocol=SASL_PLAINTEXT\n\
         sasl.mechanism=PLAIN\n\
         sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
         username=\"{user}\" password=\"{}\";\n",
        password.0
    );
    match (row.side, row.setting.batch) {
        (Side::Enqueue, Batch::Bytes(batch)) => {
            // Java's client counts its window in bytes.
            let buffer = u64::from(row.setting.window) * row.setting.body as u64;
            text.push_str(&format!(
                "acks=all\nenable.idempotence=false\nretries=0\nlinger.ms=5\nbatch.size={batch}\n\
                 buffer.memory={buffer}\n"
            ));
        }
        (Side::Process { .. }, Batch::Tasks(records)) => {
            text.push_str(&format!("max.poll.records={records}\n"));
        }
        _ => {}
    }
    Secret(text)
}

pub(super) fn command(row: &Row, place: &Place) -> Command {
    let class = match row.side {
        Side::Enqueue => "org.apache.kafka.tools.ProducerPerformance",
        Side::Process { .. } => "org.apache.kafka.tools.ConsumerPerformance",
    };
    let program = Program::Java { perf_test: false, class };
    let mut command = Command::new(program, ["--topic", &place.queue]);
    let mut more = |args: &[&str]| command.args.extend(args.iter().map(|&arg| arg.to_owned()));
    match row.side {
        Side::Enqueue => {
            let records = (RECORDS_PER_SECOND * place.measure_ms / 1_000).to_string();
            let body = row.setting.body.to_string();
            more(&["--num-records", &records, "--record-size", &body, "--throughput", "-1"]);
            more(&["--producer.config", &place.file("client.properties")]);
        }
        Side::Process { tasks } => {
            let broker = format!("{}:{}", place.host, place.port);
            more(&["--bootstrap-server", &broker, "--messages", &tasks.to_string()]);
            more(&["--timeout", "60000"]);
            more(&["--consumer.config", &place.file("client.properties")]);
        }
    }
    command.files.push(("client.properties", settings(row, place)));
    command
}

/// Of a producer, all of it; of a consumer, the time after it had joined its
/// group.
pub(super) fn rate(row: &Row, printed: &str) -> Option<f64> {
    match row.side {
        // "400000 records sent, 123456.7 records/sec (…), … 99.9th."
        Side::Enqueue => {
            let line = printed.lines().rfind(|line| line.contains("99.9th"))?;
            let number = line.split("records/sec").next()?.split_whitespace().last()?;
            number.replace(',', "").parse().ok()
        }
        // A line of names, and one of figures.
        Side::Process { .. } => {
            let names = printed.lines().find(|line| line.contains("fetch.nMsg.sec"))?;
            let place = names.split(',').position(|name| name.trim() == "fetch.nMsg.sec")?;
            let figures = printed.lines().skip_while(|line| *line != names).nth(1)?;
            figures.split(',').nth(place)?.trim().parse().ok()
        }
    }
}
