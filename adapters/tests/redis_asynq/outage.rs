//! Redis dies, hangs and comes back.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use schedbench_contract::ledger::{Enqueue, Reason};
use schedbench_contract::{MomentKind, Producer};
use tokio::time::timeout;

use crate::bench::{id, pool, settled, task, until};
use crate::with_redis;

/// With `everysec` a write waits in Redis's own memory, confirmed, while the
/// disk is busy with the fsync before it: a kill can lose it.
const AOF: &[(&str, &str)] = &[("appendonly", "yes"), ("appendfsync", "always")];

with_redis!(a_killed_redis_is_found_again_and_every_task_is_accounted_for(AOF), |bench, A| {
    const TASKS: u64 = 6_000;
    bench.profile = "always";
    bench.shape.connections = 2;
    bench.shape.window = 512;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    let pool = pool();
    let mut sent = 0;
    while sent < TASKS {
        if sent >= TASKS / 2 && bench.log.moments().is_empty() {
            bench.redis.kill();
            // Handed over into the dark, or not taken where the loss is known.
            let tasks: Vec<_> = (sent..sent + 64).map(|n| task(n, pool.of(id(n)))).collect();
            let taken = timeout(Duration::from_millis(100), producer.submit(&tasks)).await;
            if let Ok(taken) = taken {
                sent += taken.expect("an outage is no error") as u64;
            }
            until("the producer noticed", async || !bench.log.moments().is_empty()).await;
            bench.redis.restart();
            bench.raw = bench.redis.connect().await;
        }
        let tasks: Vec<_> = (sent..TASKS.min(sent + 64)).map(|n| task(n, pool.of(id(n)))).collect();
        sent += producer.submit(&tasks).await.expect("an outage is no error") as u64;
    }
    producer.settle().await.expect("settles");

    let ledger = bench.log.ledger();
    let enqueues = || (0..TASKS as usize).map(|n| ledger.entry(n));
    let unknown = enqueues().filter(|entry| entry.enqueue == Enqueue::Unknown).count();
    assert!(unknown > 0, "some were on their way: {:?}", bench.log.moments());
    for entry in enqueues() {
        match entry.enqueue {
            Enqueue::Confirmed => {}
            Enqueue::Unknown => assert_eq!(entry.reason, Reason::ConnectionLost),
            other => panic!("{other:?}"),
        }
    }
    let kinds: Vec<_> = bench.log.moments().iter().map(|moment| moment.kind).collect();
    assert!(kinds.contains(&MomentKind::Disconnected), "{kinds:?}");
    assert!(kinds.contains(&MomentKind::Reconnected), "{kinds:?}");

    // Nothing that was confirmed is lost. What a worker was being given at the
    // kill stays active until its lease ends.
    until("all but the held have run", async || {
        let backlog = adapter.backlog().await;
        backlog.is_ok_and(|backlog| backlog.ready == Some(0) && backlog.held <= Some(64))
    })
    .await;
    let held = adapter.backlog().await.expect("backlog").held.expect("known");
    worker.stop().await;
    let missing = enqueues()
        .filter(|entry| entry.enqueue == Enqueue::Confirmed && entry.successes == 0)
        .count() as u64;
    assert!(missing <= held, "{missing} confirmed tasks did not run, {held} are held");
    adapter.close().await.expect("closes");
    let left: Vec<String> = bench.ask("KEYS *").await;
    assert!(left.is_empty(), "left behind: {left:?}");
});

with_redis!(a_hanging_redis_is_given_up_and_the_connection_replaced(&[]), |bench, A| {
    let (_adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    settled(&mut producer, &[task(0, b"")]).await;
    let pid = Pid::from_raw(bench.redis.pid()).expect("a process");
    kill_process(pid, Signal::STOP).expect("it is ours");
    settled(&mut producer, &[task(1, b"")]).await;
    let entry = bench.log.ledger().entry(1);
    assert_eq!((entry.enqueue, entry.reason), (Enqueue::Unknown, Reason::Timeout));
    kill_process(pid, Signal::CONT).expect("it is ours");
    settled(&mut producer, &[task(2, b"")]).await;
    assert_eq!(bench.log.ledger().entry(2).enqueue, Enqueue::Confirmed);
    let kinds: Vec<_> = bench.log.moments().iter().map(|moment| moment.kind).collect();
    assert_eq!(kinds, [MomentKind::Disconnected, MomentKind::Reconnected]);
});

with_redis!(cancelling_and_submitting_wait_for_redis_to_come_back(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    settled(&mut producer, &[task(0, b"")]).await;
    bench.redis.kill();
    settled(&mut producer, &[task(1, b"")]).await;
    assert!(adapter.backlog().await.is_err(), "nobody to ask");
    let waits = timeout(Duration::from_millis(100), producer.cancel(id(0))).await;
    assert!(waits.is_err(), "it waits");
    bench.redis.restart();
    bench.raw = bench.redis.connect().await;
    // Nothing was kept on disk: there is nothing to cancel.
    assert!(!producer.cancel(id(0)).await.expect("asks"));
    settled(&mut producer, &[task(2, b"")]).await;
    assert_eq!(adapter.backlog().await.expect("backlog").ready, Some(1));
    let queues: Vec<String> = bench.ask("SMEMBERS asynq:queues").await;
    assert_eq!(queues.len(), 1, "announced again");
});
