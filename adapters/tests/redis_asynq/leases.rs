//! Signs of life, leases and what becomes of tasks whose worker died.

use schedbench_contract::{Handler, Status};

use crate::bench::{Bench, id, key, message, pool, settled, statuses, task, until, varint};
use crate::with_redis;

/// As a worker that took the oldest task and died: its lease ended `ago_s`.
async fn abandon(bench: &Bench, ago_s: u64) -> String {
    let taken: String = bench.ask(&format!("RPOPLPUSH {} {}", key("pending"), key("active"))).await;
    let record = key(&format!("t:{taken}"));
    let _: u64 = bench.ask(&format!("HSET {record} state active")).await;
    let _: u64 = bench.ask(&format!("HDEL {record} pending_since")).await;
    let expiry = schedbench_adapters::clock::wall() / 1_000_000_000 - ago_s;
    let _: u64 = bench.ask(&format!("ZADD {} {expiry} {taken}", key("lease"))).await;
    taken
}

with_redis!(tasks_of_a_dead_worker_are_recovered_after_the_grace(&[]), |bench, A| {
    bench.retry.backoff_ns = 600_000_000_000;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    settled(&mut producer, &[task(0, b"x"), task(1, b"")]).await;
    assert_eq!(abandon(&bench, 31).await, id(0).to_string());
    // Inside the grace of 30 s: another worker may just be slow.
    abandon(&bench, 20).await;
    // Without a record: passed over, as Asynq does; more than a page of them.
    for ghost in 0..120 {
        let _: u64 = bench.ask(&format!("ZADD {} 5 ghost{ghost}", key("lease"))).await;
    }
    let worker = bench.worker::<A>(&work).await;
    until("one is recovered", async || adapter.backlog().await.expect("backlog").retry == Some(1))
        .await;
    worker.stop().await;
    let backlog = adapter.backlog().await.expect("backlog");
    assert_eq!((backlog.held, backlog.retry, backlog.dead), (Some(1), Some(1), Some(0)));
    let stored: Vec<u8> = bench.ask(&format!("HGET {} msg", key(&format!("t:{}", id(0))))).await;
    let now = schedbench_adapters::clock::wall() / 1_000_000_000;
    let expected = |failed_at: u64| {
        let mut retried = vec![0x30, 1, 0x3a, 25];
        retried.extend_from_slice(b"asynq: task lease expired");
        let mut last = vec![0x58];
        last.extend(varint(failed_at));
        message(&id(0).to_string(), b"x", 2, &[(6, retried), (11, last)])
    };
    assert!((now - 30..=now).any(|second| stored == expected(second)), "{stored:02x?}");
    let counters: Vec<u64> =
        bench.ask(&format!("MGET {} {}", key("processed"), key("failed"))).await;
    assert_eq!(counters, [1, 1], "a recovery counts as a failed attempt");
});

with_redis!(a_recovered_task_runs_again_as_its_next_attempt(&[]), |bench, A| {
    bench.retry.backoff_ns = 0;
    let (_adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let pool = pool();
    settled(&mut producer, &[task(0, pool.of(id(0)))]).await;
    abandon(&bench, 100).await;
    let worker = bench.worker::<A>(&work).await;
    until("it ran", async || bench.log.counts().finished == 1).await;
    assert_eq!(statuses(&worker.stop().await, id(0)), [(1, Status::Done)]);
});

with_redis!(a_task_without_retries_is_archived_by_the_recovery(&[]), |bench, A| {
    bench.retry.max = 0;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let tasks: Vec<_> = (0..150).map(|n| task(n, b"")).collect();
    settled(&mut producer, &tasks).await;
    for _ in 0..150 {
        abandon(&bench, 31).await;
    }
    let worker = bench.worker::<A>(&work).await;
    until("all are set aside", async || {
        adapter.backlog().await.expect("backlog").dead == Some(150)
    })
    .await;
    worker.stop().await;
    assert_eq!(adapter.backlog().await.expect("backlog").outstanding(), 0);
});

with_redis!(a_worker_says_that_it_lives_and_what_it_runs(&[]), |bench, A| {
    // Longer than a beat (5 s), so that the lease must be extended.
    bench.handler = Handler::SleepNs(6_500_000_000);
    bench.shape.concurrency = 2;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    settled(&mut producer, &[task(0, b"")]).await;
    let worker = bench.worker::<A>(&work).await;
    assert_eq!(adapter.consumers().await.expect("asks"), Some(1));
    let servers: Vec<String> = bench.ask("ZRANGE asynq:servers 0 -1").await;
    let workers: Vec<String> = bench.ask("ZRANGE asynq:workers 0 -1").await;
    assert_eq!((servers.len(), workers.len()), (1, 1));
    let pid = std::process::id().to_string();
    assert!(servers[0].starts_with("asynq:servers:{") && servers[0].contains(&pid), "{servers:?}");
    assert_eq!(workers[0], servers[0].replacen("servers", "workers", 1));
    let lives: i64 = bench.ask(&format!("TTL {}", servers[0])).await;
    assert!((1..=10).contains(&lives), "{lives}");

    let lease = format!("ZSCORE {} {}", key("lease"), id(0));
    until("it is taken", async || bench.ask::<Option<u64>>(&lease).await.is_some()).await;
    let first: u64 = bench.ask(&lease).await;
    until("the lease is extended", async || {
        bench.ask::<Option<u64>>(&lease).await.is_some_and(|now| now >= first + 4)
    })
    .await;
    let running: Vec<String> = bench.ask(&format!("HKEYS {}", workers[0])).await;
    assert_eq!(running, [id(0).to_string()]);
    worker.stop().await;
    assert_eq!(bench.log.counts().finished, 1, "what ran was let finish");
    let left: u64 = bench
        .ask(&format!("EXISTS asynq:servers asynq:workers {} {}", servers[0], workers[0]))
        .await;
    assert_eq!(left, 0, "it said goodbye");
    assert_eq!(adapter.consumers().await.expect("asks"), Some(0));
});
