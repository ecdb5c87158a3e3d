//! CPU and memory as figures.

use std::collections::BTreeMap;

use schedbench_reports::outcome::Value;

use crate::record::{Allocated, Memory, Usage};

type Metrics = BTreeMap<String, Value>;

/// CPU-seconds in the window per million tasks done in it, and the largest
/// memory seen, by role. A broker whose processes are not ours cannot be
/// looked at, and what is summed without it is no sum.
pub(super) fn cost(usage: &Usage, has_broker: bool, done: u64, metrics: &mut Metrics) {
    let unseen = has_broker && usage.broker_cpu_s.is_none();
    let roles = [
        ("cpu.generator", usage.generator_cpu_s),
        ("cpu.client", usage.client_cpu_s),
        ("cpu.broker", usage.broker_cpu_s),
        ("cpu.workers", usage.workers_cpu_s),
    ];
    for (name, cpu_s) in roles {
        metrics.insert(name.into(), per_million(cpu_s, done));
    }
    let known = roles.iter().filter_map(|(_, cpu_s)| *cpu_s);
    let total = known.reduce(|sum, cpu_s| sum + cpu_s);
    let total = if unseen { elsewhere() } else { per_million(total, done) };
    metrics.insert("cpu.total".into(), total);

    for (role, memory) in
        [("harness", usage.harness), ("broker", usage.broker), ("workers", usage.workers)]
    {
        metrics.insert(format!("rss.{role}"), bytes(memory.map(|memory| memory.rss)));
    }
    for (role, memory) in [("broker", usage.broker), ("workers", usage.workers)] {
        metrics.insert(format!("pss.{role}"), pss(memory));
    }
    let system = if unseen { elsewhere() } else { system(usage) };
    metrics.insert("pss.system".into(), system);
    if unseen {
        for name in ["cpu.broker", "rss.broker", "pss.broker"] {
            metrics.insert(name.into(), elsewhere());
        }
    }
}

fn elsewhere() -> Value {
    Value::NotMeasured("the broker's processes are not the harness's".into())
}

fn nobody() -> Value {
    Value::NotMeasured("no process or thread of its own".into())
}

fn per_million(cpu_s: Option<f64>, done: u64) -> Value {
    match cpu_s {
        None => nobody(),
        Some(_) if done == 0 => Value::NotMeasured("no task was done in the window".into()),
        Some(cpu_s) => Value::Is(cpu_s * 1e6 / done as f64),
    }
}

fn bytes(size: Option<u64>) -> Value {
    size.map_or_else(nobody, |size| Value::Is(size as f64))
}

fn pss(memory: Option<Memory>) -> Value {
    match memory {
        None => nobody(),
        Some(Memory { pss: None, .. }) => {
            Value::NotMeasured("the kernel does not tell the proportional share".into())
        }
        Some(Memory { pss: Some(pss), .. }) => Value::Is(pss as f64),
    }
}

/// What a system takes: in process, what the allocator held beyond `noop` at
/// the same load (it may be less, and then is negative); else broker and
/// workers together.
fn system(usage: &Usage) -> Value {
    match usage.allocated {
        Some(Allocated { here, noop: Some(noop) }) => Value::Is(here as f64 - noop as f64),
        Some(Allocated { noop: None, .. }) => {
            Value::NotMeasured("no noop cell at this load".into())
        }
        None => match (pss(usage.broker), pss(usage.workers)) {
            (Value::Is(broker), Value::Is(workers)) => Value::Is(broker + workers),
            (Value::Is(size), _) if usage.workers.is_none() => Value::Is(size),
            (_, Value::Is(size)) if usage.broker.is_none() => Value::Is(size),
            (Value::Is(_), other) | (other, _) => other,
        },
    }
}
