//! The SQL of one queue: a schema named after it with one table of tasks.

use schedbench_contract::{Error, Result};

use super::NAME;
use super::profiles::Taking;

/// How long a worker has a row before others may take it.
pub(super) const LEASE_S: u32 = 15;
/// PostgreSQL cuts longer names off.
const LONGEST_NAME: usize = 63;

/// Waiting to become due, for its turn, or for another attempt.
const WAITING: u8 = 0;
/// Leased by a worker.
const HELD: u8 = 1;
/// Set aside after its last attempt.
const DEAD: u8 = 2;

/// Everything that is said to the server about one queue.
#[derive(Debug)]
pub(super) struct Statements {
    /// Its name, which is the schema's, the bell's, and the workers'
    /// connections'.
    pub(super) queue: String,
    pub(super) taking: Taking,
    schema: String,
    literal: String,
}

impl Statements {
    /// # Errors
    /// The name is too long for PostgreSQL, or holds a zero byte.
    pub(super) fn of(queue: &str, taking: Taking) -> Result<Self> {
        if queue.len() > LONGEST_NAME || queue.contains('\0') {
            return Err(Error::Unsupported {
                system: NAME,
                what: "this queue's name",
                why: format!("PostgreSQL takes at most {LONGEST_NAME} bytes, without a zero"),
            });
        }
        Ok(Self {
            queue: queue.to_owned(),
            taking,
            schema: format!("\"{}\"", queue.replace('"', "\"\"")),
            literal: format!("'{}'", queue.replace('\'', "''")),
        })
    }

    /// The schema, the table, and the two indexes that workers look into. The
    /// table's own vacuum settings hold on a server that is not ours too.
    pub(super) fn create(&self) -> String {
        let schema = &self.schema;
        format!(
            "BEGIN;
             SET LOCAL synchronous_commit = on;
             CREATE SCHEMA {schema};
             CREATE TABLE {schema}.tasks (
                 id bigint PRIMARY KEY,
                 state smallint NOT NULL DEFAULT {WAITING},
                 attempt integer NOT NULL DEFAULT 0,
                 due_at timestamptz NOT NULL,
                 lease_until timestamptz,
                 holder bigint,
                 body bytea NOT NULL
             ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
             CREATE INDEX ON {schema}.tasks (due_at, id) WHERE state = {WAITING};
             CREATE INDEX ON {schema}.tasks (lease_until) WHERE state = {HELD};
             COMMIT"
        )
    }

    pub(super) fn remove(&self) -> String {
        format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema)
    }

    /// Ids, due times (NULL: at once) and bodies, each as an array.
    pub(super) fn insert(&self) -> String {
        format!(
            "INSERT INTO {}.tasks (id, due_at, body)
             SELECT id, coalesce(due, now()), body
             FROM unnest($1::bigint[], $2::timestamptz[], $3::bytea[]) AS new (id, due, body)",
            self.schema
        )
    }

    /// Wakes workers. A transaction of its own after the insert's: a commit
    /// with a `NOTIFY` in it waits for every other such commit, its flush to
    /// the disk included.
    pub(super) fn ring(&self) -> String {
        format!("SELECT pg_notify({}, '')", self.literal)
    }

    pub(super) fn listen(&self) -> String {
        // A name, not a text.
        format!("LISTEN {}", self.schema)
    }

    /// Leases at most so many rows for holder `$1`, or merely reads them. The rows are found by an
    /// array so that the inner query runs once, whatever the planner thinks of
    /// a table without statistics; the number is part of the text so that it
    /// knows it.
    pub(super) fn fetch(&self, rows: usize) -> String {
        if self.taking.polls() {
            return format!(
                "SELECT id, attempt, body FROM {}.tasks
                 WHERE state = {WAITING} AND due_at <= now() ORDER BY due_at, id LIMIT {rows}",
                self.schema
            );
        }
        format!(
            "UPDATE {schema}.tasks
             SET state = {HELD}, holder = $1, lease_until = now() + interval '{LEASE_S} s'
             WHERE id = ANY (ARRAY(
                 SELECT id FROM {schema}.tasks
                 WHERE state = {WAITING} AND due_at <= now()
                 ORDER BY due_at, id LIMIT {rows}
                 FOR UPDATE SKIP LOCKED))
             RETURNING id, attempt, body",
            schema = self.schema
        )
    }

    /// Microseconds until the next row is due.
    pub(super) fn next_due(&self) -> String {
        format!(
            "SELECT (extract(epoch FROM due_at - clock_timestamp()) * 1000000)::bigint
             FROM {}.tasks WHERE state = {WAITING} ORDER BY due_at, id LIMIT 1",
            self.schema
        )
    }

    /// Rows `$1` that holder `$2` still has: who has lost its lease has no say
    /// any more. That they are held follows from their having a holder; said
    /// in the statement, it would have the planner search the whole index of
    /// leases, which keeps its dead entries until the next vacuum.
    ///
    /// Without leases, the rows that wait, whoever asks.
    fn held(&self) -> String {
        match self.taking.polls() {
            false => "id = ANY ($1) AND holder = $2".to_owned(),
            true => format!("id = ANY ($1) AND state = {WAITING} AND $2::bigint IS NOT NULL"),
        }
    }

    /// Ids `$1` of holder `$2` completed.
    pub(super) fn done(&self) -> String {
        format!("DELETE FROM {}.tasks WHERE {}", self.schema, self.held())
    }

    /// They failed, and come again after `$3` microseconds.
    pub(super) fn retry(&self) -> String {
        format!(
            "UPDATE {}.tasks SET state = {WAITING}, attempt = attempt + 1, holder = NULL,
                 lease_until = NULL, due_at = clock_timestamp() + $3::bigint * interval '1 us'
             WHERE {}",
            self.schema,
            self.held()
        )
    }

    /// They failed for the last time.
    pub(super) fn bury(&self) -> String {
        format!(
            "UPDATE {}.tasks SET state = {DEAD}, attempt = attempt + 1, holder = NULL,
                 lease_until = NULL
             WHERE {}",
            self.schema,
            self.held()
        )
    }

    /// They were not begun.
    pub(super) fn give_back(&self) -> String {
        format!(
            "UPDATE {}.tasks SET state = {WAITING}, holder = NULL, lease_until = NULL WHERE {}",
            self.schema,
            self.held()
        )
    }

    /// They go on being held.
    pub(super) fn extend(&self) -> String {
        format!(
            "UPDATE {}.tasks SET lease_until = now() + interval '{LEASE_S} s' WHERE {}",
            self.schema,
            self.held()
        )
    }

    /// Gives back what holders let expire; that is no attempt.
    pub(super) fn rescue(&self) -> String {
        format!(
            "UPDATE {schema}.tasks SET state = {WAITING}, holder = NULL, lease_until = NULL
             WHERE id = ANY (ARRAY(
                 SELECT id FROM {schema}.tasks
                 WHERE state = {HELD} AND lease_until < now()
                 LIMIT 1000 FOR UPDATE SKIP LOCKED))",
            schema = self.schema
        )
    }

    /// Takes task `$1` back unless it was begun.
    pub(super) fn cancel(&self) -> String {
        format!(
            "DELETE FROM {}.tasks WHERE id = $1 AND state = {WAITING} AND attempt = 0",
            self.schema
        )
    }

    pub(super) fn purge(&self) -> String {
        format!("DELETE FROM {}.tasks WHERE state = {WAITING}", self.schema)
    }

    /// Rows that are ready, held, scheduled, between attempts, dead.
    pub(super) fn backlog(&self) -> String {
        let waits = format!("state = {WAITING}");
        format!(
            "SELECT count(*) FILTER (WHERE {waits} AND due_at <= now()),
                 count(*) FILTER (WHERE state = {HELD}),
                 count(*) FILTER (WHERE {waits} AND due_at > now() AND attempt = 0),
                 count(*) FILTER (WHERE {waits} AND due_at > now() AND attempt > 0),
                 count(*) FILTER (WHERE state = {DEAD})
             FROM {}.tasks",
            self.schema
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queues_name_cannot_leave_its_quotes() {
        let of = |name: &str| Statements::of(name, Taking::Leasing(1));
        let statements = of("a\"b'c").expect("a name");
        assert_eq!(statements.remove(), "DROP SCHEMA IF EXISTS \"a\"\"b'c\" CASCADE");
        assert_eq!(statements.ring(), "SELECT pg_notify('a\"b''c', '')");
        assert!(of("a\0b").is_err() && of(&"a".repeat(64)).is_err());
        assert!(of(&"a".repeat(63)).is_ok());
    }
}
