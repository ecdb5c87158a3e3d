//! How Kafka's client reaches the brokers, and what goes wrong with that in
//! our own words.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use schedbench_contract::{Address, Error, Result};

use crate::tls;

/// Whether this says that a connection was lost.
pub(super) fn is_loss(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure};
    matches!(error.rdkafka_error_code(), Some(BrokerTransportFailure | AllBrokersDown))
}

/// For one question to the brokers.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The settings that all clients of ours share.
///
/// # Errors
/// The address asks for what this build has not.
pub(super) fn client(at: &Address) -> Result<ClientConfig> {
    if at.tls && !tls::FOR_KAFKA {
        return Err(Error::Unsupported {
            system: super::NAME,
            what: "TLS",
            why: "this build has none; build it with --features kafka-tls".into(),
        });
    }
    let mut config = ClientConfig::new();
    config
        .set("client.id", "schedbench")
        .set("bootstrap.servers", at.each().map(|node| place(&node)).collect::<Vec<_>>().join(","))
        .set("broker.address.family", family(&at.host))
        // A broker that was stopped for 5 s answers after that; giving up
        // sooner would call those tasks unknown.
        .set("socket.timeout.ms", "10000")
        .set("socket.connection.setup.timeout.ms", "2000")
        .set("socket.nagle.disable", "true")
        // The client's own default goes up to 10 s: an outage would be
        // noticed to end that much later than with the other systems.
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("log_level", "3");
    let signs_in = at.user.is_some() && at.password.is_some();
    config.set(
        "security.protocol",
        match (signs_in, at.tls) {
            (true, true) => "sasl_ssl",
            (true, false) => "sasl_plaintext",
            (false, true) => "ssl",
            (false, false) => "plaintext",
        },
    );
    if at.tls {
        // Its own defaults, which nothing may change.
        config.set("enable.ssl.certificate.verification", "true");
        config.set("ssl.endpoint.identification.algorithm", "https");
        if let Some(file) = tls::authorities_file() {
            config.set("ssl.ca.location", file.display().to_string());
        }
    }
    if let (Some(user), Some(password)) = (&at.user, &at.password) {
        config
            .set("sasl.mechanisms", "PLAIN")
            .set("sasl.username", user)
            .set("sasl.password", &password.0);
    }
    Ok(config)
}

/// `host:port`.
pub(super) fn place(at: &Address) -> String {
    if at.host.contains(':') {
        return format!("[{}]:{}", at.host, at.port);
    }
    format!("{}:{}", at.host, at.port)
}

fn family(host: &str) -> &'static str {
    if host.parse::<std::net::Ipv4Addr>().is_ok() { "v4" } else { "any" }
}

/// What the client complained of last; a question that fails later says only
/// that it failed.
#[derive(Debug, Default)]
pub(super) struct Complaint(Mutex<Option<(RDKafkaErrorCode, String)>>);

impl Complaint {
    /// Keeps a complaint.
    pub(super) fn note(&self, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down follows every other reason and says less.
        if code != RDKafkaErrorCode::AllBrokersDown || last.is_none() {
            *last = Some((code, reason.to_owned()));
        }
    }

    /// Why something failed at that place.
    pub(super) fn explain(&self, at: &str, doing: &str, error: &KafkaError) -> Error {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((RDKafkaErrorCode::Authentication, _)) => Error::Credentials(format!(
                "kafka at {at} refuses us: it does not accept the user or the password"
            )),
            Some((_, reason)) => {
                Error::Broken(format!("kafka at {at}: {doing}: {error} ({reason})"))
            }
            None => Error::Broken(format!("kafka at {at}: {doing}: {error}")),
        }
    }
}
