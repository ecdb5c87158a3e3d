//! `pgbench` with the adapter's statements, prepared, one at a time.

use schedbench_contract::Secret;

use crate::command::{Command, Place, Program};
use crate::rows::{Batch, Row, Side};

/// Ids of tasks of this tool begin here, so that none of the adapter's is met.
const FIRST_ID: u64 = 1 << 62;

const fn rows(row: &Row) -> u32 {
    match row.setting.batch {
        Batch::Tasks(rows) | Batch::Bytes(rows) => rows,
    }
}

/// The adapter's INSERT of three arrays, and its bell. pgbench has no
/// parameters but numbers and texts, so it is the server that makes the arrays.
fn insert(row: &Row, table: &str, queue: &str) -> String {
    let (rows, body) = (rows(row), row.setting.body);
    let last = rows - 1;
    format!(
        "\\set base :base + {rows}\n\
         INSERT INTO {table} (id, due_at, body) SELECT :base + id, coalesce(due, now()), body \
         FROM unnest(ARRAY(SELECT generate_series(0, {last})::bigint), \
         array_fill(NULL::timestamptz, ARRAY[{rows}]), \
         array_fill(decode(repeat('5a', {body}), 'hex'), ARRAY[{rows}])) \
         AS new (id, due, body);\n\
         SELECT pg_notify('{queue}', '');\n"
    )
}

/// The adapter's lease, with the ids as one value: `\gset` takes one row. Then
/// its DELETE.
fn lease(row: &Row, table: &str) -> String {
    let rows = rows(row);
    format!(
        "WITH leased AS (UPDATE {table} SET state = 1, holder = 77, \
         lease_until = now() + interval '15 s' WHERE id = ANY (ARRAY(SELECT id FROM {table} \
         WHERE state = 0 AND due_at <= now() ORDER BY due_at, id LIMIT {rows} \
         FOR UPDATE SKIP LOCKED)) RETURNING id, attempt, body) \
         SELECT array_agg(id) AS ids, sum(attempt) AS attempts, string_agg(body, '') AS bodies \
         FROM leased \\gset\n\
         DELETE FROM {table} WHERE id = ANY (:ids) AND holder = 77;\n"
    )
}

pub(super) fn command(row: &Row, place: &Place) -> Command {
    let Place { host, port, user, database, queue, .. } = place;
    let table = format!("\"{queue}\".tasks");
    let file = place.file("script.sql");
    let args = ["-h", host, "-p", port, "-U", user, "-n", "-c", "1", "-j", "1"];
    let mut command = Command::new(Program::Named("pgbench"), args);
    let mut more = |args: &[&str]| command.args.extend(args.iter().map(|&arg| arg.to_owned()));
    more(&["-M", "prepared", "-f", &file]);
    let script = match row.side {
        Side::Enqueue => {
            let seconds = (place.measure_ms / 1_000).max(1).to_string();
            more(&["-T", &seconds, "-D", &format!("base={FIRST_ID}")]);
            insert(row, &table, queue)
        }
        Side::Process { tasks } => {
            more(&["-t", &(tasks / u64::from(rows(row))).to_string()]);
            lease(row, &table)
        }
    };
    more(&[database]);
    command.env.push(("PGPASSWORD", place.password.clone()));
    command.files.push(("script.sql", Secret(script)));
    command
}

/// Rounds per second, times the rows of each.
pub(super) fn rate(row: &Row, printed: &str) -> Option<f64> {
    let line = printed.lines().find(|line| line.starts_with("tps = "))?;
    let rounds: f64 = line.split_whitespace().nth(2)?.parse().ok()?;
    Some(rounds * f64::from(rows(row)))
}
