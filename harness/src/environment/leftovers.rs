//! Queues of earlier runs in a Redis that is not ours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use schedbench_contract::Broker;

use crate::environment::resp::{Reply, Resp};
use crate::environment::{Error, Result, address};

/// Every queue of ours is named so, and no other.
const QUEUE: &str = "schedbench.";
/// Keys removed at a time, so that other users of that Redis are not held up.
const AT_A_TIME: usize = 256;
/// For all questions of one call together.
const PATIENCE: Duration = Duration::from_secs(60);

/// Queues of ours in the Redis whose URL is in the variable, and how many keys
/// each has.
///
/// # Errors
/// There is no such Redis.
pub fn queues(variable: &str) -> Result<BTreeMap<String, u64>> {
    let mut redis = connect(variable)?;
    let mut queues = BTreeMap::new();
    scan(&mut redis, &pattern(QUEUE), |_, keys| {
        for key in keys {
            if let Some(queue) = queue_of(&key) {
                *queues.entry(queue.to_owned()).or_default() += 1;
            }
        }
        Ok(())
    })
    .map_err(Error::io(format!("asking the Redis of {variable}")))?;
    Ok(queues)
}

/// Removes queues that [`queues`] has found.
///
/// # Errors
/// There is no such Redis, or it refuses.
pub fn remove(variable: &str, queues: &BTreeMap<String, u64>) -> Result<()> {
    let mut redis = connect(variable)?;
    for queue in queues.keys().filter(|queue| queue.starts_with(QUEUE)) {
        let removed = scan(&mut redis, &pattern(&format!("{queue}}}")), |redis, keys| {
            let ours: Vec<&str> = keys
                .iter()
                .map(String::as_str)
                .filter(|key| queue_of(key) == Some(queue))
                .collect();
            for some in ours.chunks(AT_A_TIME) {
                let words: Vec<&str> = ["UNLINK"].iter().chain(some).copied().collect();
                redis.ask(&words)?;
            }
            Ok(())
        });
        removed
            .and_then(|()| redis.ask(&["SREM", "asynq:queues", queue]))
            .map_err(Error::io(format!("removing queue {queue} of {variable}")))?;
    }
    Ok(())
}

fn connect(variable: &str) -> Result<Resp> {
    let address = address::from_env(Broker::Redis, variable)?;
    Resp::connect(&address, Instant::now() + PATIENCE).map_err(Error::io(format!(
        "asking the Redis of {variable} ({}:{})",
        address.host, address.port
    )))
}

/// Keys of queues whose names begin so. Names of runs hold nothing that a
/// pattern would take for its own; should one, `queue_of` looks again.
fn pattern(queue: &str) -> String {
    format!("asynq:{{{queue}*")
}

/// The queue of a key, if it is one of ours.
fn queue_of(key: &str) -> Option<&str> {
    let (queue, _) = key.strip_prefix("asynq:{")?.split_once("}:")?;
    queue.starts_with(QUEUE).then_some(queue)
}

fn scan(
    redis: &mut Resp,
    pattern: &str,
    mut each: impl FnMut(&mut Resp, Vec<String>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut cursor = "0".to_owned();
    loop {
        let answer = redis.ask(&["SCAN", &cursor, "MATCH", pattern, "COUNT", "1000"])?;
        let refused = |answer| std::io::Error::other(format!("SCAN was answered with {answer:?}"));
        let Reply::Many(parts) = answer else { return Err(refused(answer)) };
        let [Reply::Text(next), Reply::Many(keys)] = parts.as_slice() else {
            return Err(refused(Reply::Many(parts)));
        };
        cursor.clone_from(next);
        each(redis, keys.iter().filter_map(|key| key.text().map(str::to_owned)).collect())?;
        if cursor == "0" {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_our_queues_are_ours() {
        assert_eq!(queue_of("asynq:{schedbench.r.c}:t:0001"), Some("schedbench.r.c"));
        for key in ["asynq:{default}:pending", "asynq:{schedbench", "asynq:queues", "schedbench.r"]
        {
            assert_eq!(queue_of(key), None);
        }
    }
}
