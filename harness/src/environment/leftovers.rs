//! Queues of earlier runs in a Redis that is not ours, and locks and results
//! that are named after queues elsewhere.

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
    for pattern in patterns(QUEUE) {
        scan(&mut redis, &pattern, |_, keys| {
            for key in keys {
                if let Some(queue) = queue_of(&key) {
                    *queues.entry(queue.to_owned()).or_default() += 1;
                }
            }
            Ok(())
        })?;
    }
    Ok(queues)
}

/// Removes queues that [`queues`] has found.
pub(crate) fn remove(address: &Address, found: &Leftovers) -> std::io::Result<()> {
    let mut redis = connect(address)?;
    for queue in found.keys().filter(|queue| queue.starts_with(QUEUE)) {
        for pattern in patterns(queue) {
            scan(&mut redis, &pattern, |redis, keys| {
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
        }
        redis.ask(&["SREM", "asynq:queues", queue])?;
    }
    Ok(())
}

fn connect(address: &Address) -> std::io::Result<Resp> {
    Resp::connect(address, Instant::now() + PATIENCE)
}

/// Keys of queues whose names begin so, and keys named after such. Names of
/// runs hold nothing that a pattern would take for its own; should one,
/// `queue_of` looks again.
fn patterns(queue: &str) -> [String; 2] {
    [format!("asynq:{{{queue}*"), format!("{queue}*")]
}

/// The queue of a key, if it is one of ours: Asynq's have it in braces, locks
/// and results begin with it, `schedbench.<run>.<cell>`.
fn queue_of(key: &str) -> Option<&str> {
    if let Some(rest) = key.strip_prefix("asynq:{") {
        let (queue, _) = rest.split_once("}:")?;
        return queue.starts_with(QUEUE).then_some(queue);
    }
    let (run, rest) = key.strip_prefix(QUEUE)?.split_once('.')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    (digits > 0).then(|| &key[..QUEUE.len() + run.len() + 1 + digits])
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
        for rest in [":celery-task-meta-0001", ":lock:7", ".lock.1f"] {
            let key = format!("schedbench.r.12{rest}");
            assert_eq!(queue_of(&key), Some("schedbench.r.12"), "{key}");
        }
        for key in [
            "asynq:{default}:pending",
            "asynq:{schedbench",
            "asynq:queues",
            "schedbench.r",
            "schedbench.r.x:y",
        ] {
            assert_eq!(queue_of(key), None);
        }
    }
}
