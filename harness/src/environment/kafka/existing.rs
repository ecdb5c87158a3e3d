//! A Kafka that is not ours.

use std::time::Instant;

use schedbench_contract::Address;

use super::{ANSWER, ENTRY, own};
use crate::environment::broker::{Need, Running};
use crate::environment::{Child, Error, Result};
use schedbench_adapters::kafka_wire::Wire;

/// Reaches an existing one and makes sure that it is configured as needed: a
/// result is never measured under a class that its broker does not have.
pub(super) fn reach(address: Address, url_env: &str, need: &Need<'_>) -> Result<Box<dyn Running>> {
    let place = format!("the Kafka of {url_env} ({}:{})", address.host, address.port);
    let broken = |error| Error::io(format!("{}: asking {place}", need.who))(error);
    let unfit = |problem: String| {
        Error::Unfit(format!(
            "{}: {place} {problem}\n  \
             Let schedbench start its own: {}   and no url_env",
            need.who, ENTRY.remedy
        ))
    };
    let mut wire = Wire::connect(&address, Instant::now() + ANSWER).map_err(broken)?;
    let Some(release) = wire.release().map_err(broken)? else {
        return Err(unfit("does not run in KRaft mode".into()));
    };
    if ENTRY.is_too_old(&release) {
        let (major, minor) = ENTRY.oldest;
        return Err(unfit(format!("is Kafka {release}, and {major}.{minor} or later is needed")));
    }
    let (has, wanted) = (wire.brokers().map_err(broken)?.len(), need.profile.topology.nodes());
    if has < wanted {
        let brokers = if has == 1 { "broker" } else { "brokers" };
        return Err(unfit(format!("has {has} {brokers}, and this profile needs {wanted}")));
    }
    let broker = wire.this_broker().map_err(broken)?;
    for (key, wanted) in need.profile.broker_settings {
        let has = wire.setting(broker, key).map_err(broken)?;
        if has.as_deref() != Some(wanted) {
            let has = has.map_or_else(
                || format!("does not say what its {key} is"),
                |has| format!("has {key}={has}"),
            );
            return Err(unfit(format!("{has}, and this profile needs {key}={wanted}")));
        }
    }
    let flush = own::flush_in_words(need);
    Ok(Box::new(Existing { address, release, flush, url_env: url_env.into() }))
}

/// Asked and used, never signalled or changed.
struct Existing {
    address: Address,
    release: String,
    flush: String,
    url_env: String,
}

impl Running for Existing {
    fn address(&self) -> &Address {
        &self.address
    }

    fn child(&self) -> Option<&Child> {
        None
    }

    fn describe(&self) -> String {
        let Self { address: Address { host, port, .. }, release, flush, url_env } = self;
        format!("kafka {release} of {url_env} at {host}:{port} ({flush}), not ours")
    }

    fn restart(&mut self) -> Result<()> {
        Err(Error::Unfit(format!("the Kafka of {} is not ours to restart", self.url_env)))
    }

    fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
