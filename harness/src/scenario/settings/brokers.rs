//! Brokers that already run elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::At;

/// Brokers that already run elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "tables such as [brokers.redis]")]
pub struct Brokers {
    /// A Redis server to use instead of starting one.
    pub redis: Option<ExternalBroker>,
    /// A RabbitMQ server to use instead of starting one.
    pub rabbitmq: Option<ExternalBroker>,
    /// A Kafka cluster to use instead of starting one.
    pub kafka: Option<ExternalBroker>,
    /// A PostgreSQL server to use instead of starting one.
    pub postgres: Option<ExternalBroker>,
}

impl Brokers {
    /// The one of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&ExternalBroker> {
        match name {
            "redis" => self.redis.as_ref(),
            "rabbitmq" => self.rabbitmq.as_ref(),
            "kafka" => self.kafka.as_ref(),
            "postgres" => self.postgres.as_ref(),
            _ => None,
        }
    }
}

/// A broker that already runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with url_env")]
pub struct ExternalBroker {
    /// Name of the environment variable that holds its URL. A scenario never
    /// holds the URL itself: it is copied into every result.
    pub url_env: At<String>,
}
