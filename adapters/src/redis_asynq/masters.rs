//! Masters that divide the slots among them: each of them knows who has which.

use std::ops::RangeInclusive;

use redis::{ErrorKind, RedisConnectionInfo, RedisError, RedisResult, Value, cmd};
use schedbench_contract::Address;

use super::road::{self, Place};

/// Slots and who has them.
pub(super) type Map = Vec<(RangeInclusive<u16>, Place)>;

/// The masters of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Masters {
    /// Where they may be asked, in turn: one may be gone.
    all: Vec<Place>,
    /// How to sign in to each.
    login: RedisConnectionInfo,
}

impl Masters {
    pub(super) fn at(address: &Address, login: RedisConnectionInfo) -> Self {
        Self { all: address.each().map(|node| (node.host, node.port)).collect(), login }
    }

    /// Who has which slots, as the first of them says that answers.
    pub(super) async fn map(&self) -> RedisResult<Map> {
        let mut question = cmd("CLUSTER");
        question.arg("SLOTS");
        let mut failed = RedisError::from((ErrorKind::Client, "no master is known"));
        for place in &self.all {
            match road::ask::<Vec<Value>>(place, &self.login, &question).await {
                Ok(ranges) => return Ok(ranges.iter().filter_map(|it| range(it, place)).collect()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Where the master of that slot is.
    pub(super) async fn owner(&self, slot: u16) -> RedisResult<Option<Place>> {
        let map = self.map().await?;
        Ok(map.into_iter().find(|(slots, _)| slots.contains(&slot)).map(|(_, place)| place))
    }
}

/// From, to, and the master's host and port, as that node says them.
fn range(said: &Value, of: &Place) -> Option<(RangeInclusive<u16>, Place)> {
    let Value::Array(parts) = said else { return None };
    let [Value::Int(from), Value::Int(to), Value::Array(master), ..] = parts.as_slice() else {
        return None;
    };
    let [host, Value::Int(port), ..] = master.as_slice() else { return None };
    let host = match host {
        Value::BulkString(host) if !host.is_empty() => String::from_utf8_lossy(host).into_owned(),
        // The one that was asked, which has not been told its own address.
        _ => of.0.clone(),
    };
    let slot = |number: i64| u16::try_from(number).ok();
    Some((slot(*from)?..=slot(*to)?, (host, u16::try_from(*port).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_with_its_masters_place() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let asked = ("10.0.0.9".to_owned(), 7_009);
        let said = |host: Value| {
            let master = vec![host, Value::Int(7_001), text("id"), Value::Array(Vec::new())];
            Value::Array(vec![Value::Int(0), Value::Int(5_460), Value::Array(master)])
        };
        let at = |host: &str| Some((0..=5_460, (host.to_owned(), 7_001)));
        assert_eq!(range(&said(text("127.0.0.1")), &asked), at("127.0.0.1"));
        assert_eq!(range(&said(text("")), &asked), at("10.0.0.9"));
        assert_eq!(range(&said(Value::Nil), &asked), at("10.0.0.9"));
        assert_eq!(range(&Value::Int(7), &asked), None);
    }
}
