//! Schemas of earlier runs in a PostgreSQL that is not ours.

use std::io;
use std::time::{Duration, Instant};

use schedbench_contract::Address;

use super::asking::{Asking, identifier, literal};
use crate::environment::broker::Leftovers;

/// Every schema of ours is named so, and no other.
const SCHEMA: &str = "schedbench.";
/// For all questions of one call together.
const PATIENCE: Duration = Duration::from_secs(60);

/// Schemas of ours in that database, and how many tables each has.
pub(super) fn schemas(address: &Address) -> io::Result<Leftovers> {
    let asking = Asking::begin(address, Instant::now() + PATIENCE)?;
    let name = format!("starts_with(nspname, {})", literal(SCHEMA));
    let mut found = Leftovers::new();
    for schema in asking.ask(&format!("SELECT nspname FROM pg_namespace WHERE {name}"))? {
        let tables =
            format!("SELECT count(*) FROM pg_tables WHERE schemaname = {}", literal(&schema));
        let count = asking.ask(&tables)?.first().and_then(|count| count.parse().ok());
        found.insert(schema, count.unwrap_or(0));
    }
    Ok(found)
}

/// Removes schemas that [`schemas`] has found.
pub(super) fn remove(address: &Address, found: &Leftovers) -> io::Result<()> {
    let asking = Asking::begin(address, Instant::now() + PATIENCE)?;
    for schema in found.keys().filter(|schema| schema.starts_with(SCHEMA)) {
        asking.ask(&format!("DROP SCHEMA IF EXISTS {} CASCADE", identifier(schema)))?;
    }
    Ok(())
}
