//! CPU and memory as figures.

use std::collections::BTreeMap;

use schedbench_contract::{Broker, Runtime};
use schedbench_reports::outcome::Value;

use crate::plan::Target;
use crate::record::{Allocated, Memory, Usage};

type Metrics = BTreeMap<String, Value>;

/// CPU-seconds in the window per million tasks done in it, and the largest
/// memory seen, by role. With a `broker`, broker and workers must both be known
/// for a sum: one that leaves out a server elsewhere would look cheap.
pub(super) fn cost(usage: &Usage, broker: bool, done: u64, metrics: &mut Metrics) {
    let roles = [
        ("cpu.generator", usage.generator_cpu_s),
        ("cpu.client", usage.client_cpu_s),
        ("cpu.broker", usage.broker_cpu_s),
        ("cpu.workers", usage.workers_cpu_s),
    ];
    for (name, cpu_s) in roles {
        metrics.insert(name.into(), per_million(cpu_s, done));
    }
    let lacking = [("broker", usage.broker_cpu_s), ("workers", usage.workers_cpu_s)]
        .into_iter()
        .find_map(|(role, cpu_s)| (broker && cpu_s.is_none()).then_some(role));
    let total = match lacking {
        Some(role) => Value::NotMeasured(format!("the {role}'s CPU is not known")),
        None => {
            let known = roles.iter().filter_map(|(_, cpu_s)| *cpu_s);
            per_million(known.reduce(|sum, cpu_s| sum + cpu_s), done)
        }
    };
    metrics.insert("cpu.total".into(), total);

    for (role, memory) in
        [("harness", usage.harness), ("broker", usage.broker), ("workers", usage.workers)]
    {
        metrics.insert(format!("rss.{role}"), bytes(memory.map(|memory| memory.rss)));
    }
    metrics.insert("rss.per_worker".into(), bytes(usage.rss_per_worker));
    for (role, memory) in [("broker", usage.broker), ("workers", usage.workers)] {
        metrics.insert(format!("pss.{role}"), pss(memory));
    }
    metrics.insert("pss.system".into(), system(usage, broker));
}

/// How long a worker's collector stopped it, and the broker's JVM all of its
/// threads, at the longest. Of a program in another language nobody but it can
/// say; ours have no collector.
pub(super) fn pauses(usage: &Usage, target: Target, metrics: &mut Metrics) {
    let longest = |ns: Option<u64>| {
        let none = || Value::NotMeasured("no pause was reported".into());
        ns.map_or_else(none, |ns| Value::Is(ns as f64 / 1e9))
    };
    let workers = match target.system.runtime {
        Runtime::Rust => Value::Unsupported("its workers have no garbage collector".into()),
        Runtime::Source(_) => longest(usage.longest_pause_ns),
    };
    let broker = match target.profile.broker {
        Some(Broker::Kafka) => longest(usage.broker_pause_ns),
        Some(_) => Value::Unsupported("its broker does not run in a JVM".into()),
        None => Value::Unsupported("it has no broker".into()),
    };
    metrics.insert("pause.workers".into(), workers);
    metrics.insert("pause.broker".into(), broker);
}

/// How often the process of a system in process allocated per task that it did
/// in the window; what the harness around it allocates is in that.
pub(super) fn allocations(usage: &Usage, done: u64, metrics: &mut Metrics) {
    let each = match usage.allocated {
        None => Value::NotMeasured("another process's allocations are not counted".into()),
        Some(_) if done == 0 => no_task(),
        Some(Allocated { calls, .. }) => Value::Is(calls as f64 / done as f64),
    };
    metrics.insert("allocations.per_task".into(), each);
}

/// Cores' worth of CPU over the window, by role.
pub(super) fn busy(usage: &Usage, seconds: f64, metrics: &mut Metrics) {
    for (name, cpu_s) in [
        ("busy.generator", usage.generator_cpu_s),
        ("busy.client", usage.client_cpu_s),
        ("busy.broker", usage.broker_cpu_s),
        ("busy.workers", usage.workers_cpu_s),
    ] {
        metrics.insert(name.into(), cpu_s.map_or_else(nobody, |cpu_s| Value::Is(cpu_s / seconds)));
    }
}

fn nobody() -> Value {
    Value::NotMeasured("no process or thread of its own".into())
}

fn no_task() -> Value {
    Value::NotMeasured("no task was done in the window".into())
}

fn per_million(cpu_s: Option<f64>, done: u64) -> Value {
    match cpu_s {
        None => nobody(),
        Some(_) if done == 0 => no_task(),
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
fn system(usage: &Usage, broker: bool) -> Value {
    match usage.allocated {
        Some(Allocated { here, noop: Some(noop), .. }) => Value::Is(here as f64 - noop as f64),
        Some(Allocated { noop: None, .. }) => {
            Value::NotMeasured("no noop cell at this load".into())
        }
        None => match (pss(usage.broker), pss(usage.workers)) {
            (Value::Is(broker), Value::Is(workers)) => Value::Is(broker + workers),
            // A program of its own without a broker is all there is.
            (_, Value::Is(size)) if !broker && usage.broker.is_none() => Value::Is(size),
            (Value::Is(_), other) | (other, _) => other,
        },
    }
}
