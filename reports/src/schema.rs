//! The JSON schema of `result.json`, for those who read it with other tools.

use crate::outcome::Outcome;

/// The schema of [`Outcome`] (JSON Schema, draft 2020-12), made from the types.
#[must_use]
pub fn result_schema() -> serde_json::Value {
    schemars::schema_for!(Outcome).to_value()
}
