//! The road of proof: what the table holds, and how it is made and removed.

use std::sync::Arc;

use schedbench_contract::{Backlog, Error, Result, Server};
use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::connect::{Failure, Road, answer};
use super::statements::Statements;

/// The settings that decide a result.
const SETTINGS: &[&str] = &[
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "wal_level",
    "wal_compression",
    "wal_sync_method",
    "wal_writer_delay",
    "commit_delay",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum",
    "autovacuum_naptime",
    "jit",
    "synchronous_standby_names",
];
/// The oldest major version that is looked after: nothing here needs more than
/// 9.5, and nothing was tried on those.
const OLDEST: u32 = 12;

/// What of PostgreSQL we ask for.
#[derive(Debug)]
pub(super) struct Control {
    road: Road,
    statements: Arc<Statements>,
    /// Replaced when it is found closed.
    client: Mutex<Arc<Client>>,
}

impl Control {
    /// # Errors
    /// The server is not there or refuses us.
    pub(super) async fn open(road: Road, statements: Arc<Statements>) -> Result<Self> {
        let client = Mutex::new(Arc::new(road.connect(|| {}).await?));
        Ok(Self { road, statements, client })
    }

    async fn client(&self) -> Result<Arc<Client>> {
        {
            let client = self.client.lock().await;
            if !client.is_closed() {
                return Ok(Arc::clone(&client));
            }
        }
        self.another_client().await
    }

    async fn another_client(&self) -> Result<Arc<Client>> {
        let another = Arc::new(self.road.connect(|| {}).await?);
        *self.client.lock().await = Arc::clone(&another);
        Ok(another)
    }

    /// Asks, and asks again where the connection turns out to be gone: all of
    /// these questions may be asked twice.
    async fn ask(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let client = self.client().await?;
        let mut rows = answer(client.query(sql, values)).await;
        if matches!(rows, Err(Failure::Lost(_))) {
            rows = answer(self.another_client().await?.query(sql, values)).await;
        }
        rows.map_err(|failure| self.road.broken("asking", failure.text()))
    }

    /// The same for what takes as long as there are rows.
    async fn order(&self, sql: &str) -> Result<()> {
        let client = self.client().await?;
        let mut done = client.batch_execute(sql).await.map_err(Failure::from);
        if matches!(done, Err(Failure::Lost(_))) {
            done = self.another_client().await?.batch_execute(sql).await.map_err(Failure::from);
        }
        done.map_err(|failure| self.road.broken("asking", failure.text()))
    }

    /// # Errors
    /// The server is too old, or not PostgreSQL.
    pub(super) async fn must_be_new_enough(&self) -> Result<()> {
        let version = self.version().await?;
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_some_and(|major| major < OLDEST) {
            return Err(Error::Version(format!(
                "postgres at {} is version {version}; {OLDEST} or later is needed",
                self.road.place()
            )));
        }
        Ok(())
    }

    /// As in `15.18`.
    async fn version(&self) -> Result<String> {
        let rows = self.ask("SELECT current_setting('server_version')", &[]).await?;
        // "15.18 (Debian 15.18-0+deb12u1)"
        let said: Option<&str> = rows.first().and_then(|row| row.try_get(0).ok());
        let version = said.and_then(|said| said.split_whitespace().next());
        Ok(version.unwrap_or("unknown").to_owned())
    }

    /// Makes schema and table.
    ///
    /// # Errors
    /// The schema exists, or may not be made.
    pub(super) async fn create(&self) -> Result<()> {
        let client = self.client().await?;
        let Err(error) = client.batch_execute(&self.statements.create()).await else {
            return Ok(());
        };
        let code = error.code().cloned();
        // The transaction that failed stays open.
        let _ = client.batch_execute("ROLLBACK").await;
        let queue = &self.statements.queue;
        Err(match code {
            Some(SqlState::DUPLICATE_SCHEMA) => Error::NotOurs(format!("the schema {queue}")),
            Some(SqlState::INSUFFICIENT_PRIVILEGE) => Error::Credentials(format!(
                "postgres at {} does not let this user make schemas: GRANT CREATE ON DATABASE …",
                self.road.place()
            )),
            _ => self.road.broken("making the schema", Failure::from(error).text()),
        })
    }

    /// Removes schema and table with all that is in it.
    pub(super) async fn remove(&self) -> Result<()> {
        self.order(&self.statements.remove()).await
    }

    /// Throws away what waits.
    pub(super) async fn purge(&self) -> Result<()> {
        self.order(&self.statements.purge()).await
    }

    /// How many rows are in each state.
    pub(super) async fn backlog(&self) -> Result<Backlog> {
        let rows = self.ask(&self.statements.backlog(), &[]).await?;
        let number = |place: usize| {
            let number: Option<i64> = rows.first().and_then(|row| row.try_get(place).ok());
            number.and_then(|number| u64::try_from(number).ok())
        };
        Ok(Backlog {
            ready: number(0),
            held: number(1),
            scheduled: number(2),
            retry: number(3),
            dead: number(4),
        })
    }

    /// Connections that carry the queue's name, which only workers do.
    pub(super) async fn consumers(&self) -> Result<u32> {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        let rows = self.ask(count, &[&self.statements.queue]).await?;
        let count: Option<i64> = rows.first().and_then(|row| row.try_get(0).ok());
        count
            .and_then(|count| u32::try_from(count).ok())
            .ok_or_else(|| self.road.broken("counting consumers", "the answer is no number"))
    }

    /// Which server it is and how it is set.
    pub(super) async fn server(&self) -> Result<Server> {
        let version = self.version().await?;
        let mut settings = Vec::new();
        for &name in SETTINGS {
            let rows = self.ask("SELECT current_setting($1, true)", &[&name]).await?;
            let value: Option<String> = rows.first().and_then(|row| row.try_get(0).ok().flatten());
            settings.extend(value.map(|value| (name.to_owned(), value)));
        }
        let year = release_year(&version);
        Ok(Server { name: "postgresql".into(), version, year, settings })
    }
}

/// The year in which a major version was first released.
fn release_year(version: &str) -> Option<u16> {
    match version.split('.').next()?.parse().ok()? {
        major @ 12..=18 => Some(2007 + major),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_known_for_released_versions_only() {
        assert_eq!(release_year("12.22"), Some(2019));
        assert_eq!(release_year("15.18"), Some(2022));
        assert_eq!(release_year("18.1"), Some(2025));
        assert_eq!((release_year("99.0"), release_year("unknown")), (None, None));
    }
}
