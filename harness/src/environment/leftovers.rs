//! Queues of earlier runs in a Redis that is not ours.

use std::time::{Duration, Instant};

use schedbench_contract::Address;

use crate::environment::broker::Leftovers;
use crate::environment::resp::{Reply, Resp};

/// Every queue of ours is named so, and no other.
const QUEUE: &str = "schedbench.";
/// Keys removed at a time, so that other users of that Redis are not held up.
const AT_A_TIME: usize = 256;
/// For all questions of one call together.
const PATIENCE: Duration = Duration::from_secs(60);

/// Queues of ours in that Redis, and how many keys each has.
pub(crate) fn queues(address: &Address) -> std::io::Result<Leftovers> {
    let mut redis = connect(address)?;
    let mut queues = Leftovers::new();
    scan(&mut redis, &pattern(QUEUE), |_, keys| {
        for key in keys {
            if let Some(queue) = queue_of(&key) {
                *queues.entry(queue.to_owned()).or_default() += 1;
            }
        }
        Ok(())
    })?;
    Ok(queues)
}

/// Removes queues that [`queues`] has found.
pub(crate) fn remove(address: &Address, found: &Leftovers) -> std::io::Result<()> {
    let mut redis = connect(address)?;
    for queue in found.keys().filter(|queue| queue.starts_with(QUEUE)) {
        scan(&mut redis, &pattern(&format!("{queue}}}")), |redis, keys| {
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
        })?;
        redis.ask(&["SREM", "asynq:queues", queue])?;
    }
    Ok(())
}

fn connect(address: &Address) -> std::io::Result<Resp> {
    Resp::connect(address, Instant::now() + PATIENCE)
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
