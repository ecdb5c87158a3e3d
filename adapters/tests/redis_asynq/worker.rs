//! What a worker does to the keys.

use schedbench_contract::{Handler, Status, TaskId};

use crate::bench::{delayed, id, key, message, pool, settled, statuses, task, until, varint};
use crate::with_redis;

/// Seconds of 90 days.
const NINETY_DAYS: i64 = 90 * 86_400;

with_redis!(a_done_task_leaves_only_counters(&[]), |bench, A| {
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    let pool = pool();
    settled(&mut producer, &[task(0, pool.of(id(0))), task(1, b"not the body sent")]).await;
    until("both are gone", async || {
        bench.ask::<u64>(&format!("LLEN {}", key("active"))).await == 0
            && bench.log.counts().finished == 2
            && bench.ask::<Option<u64>>(&format!("GET {}", key("processed"))).await == Some(2)
    })
    .await;
    assert_eq!(adapter.backlog().await.expect("backlog").outstanding(), 0);
    let records = worker.stop().await;
    assert_eq!(statuses(&records, id(0)), [(0, Status::Done)]);
    assert_eq!(statuses(&records, id(1)), [(0, Status::Corrupt)]);
    let mut left: Vec<String> = bench.ask(&format!("KEYS {}", "asynq:*")).await;
    left.sort();
    assert_eq!(left.len(), 3, "queues, the total and the day's counter: {left:?}");
    let day = left.iter().find(|key| key.contains("processed:20")).expect("the day's counter");
    let lives: i64 = bench.ask(&format!("TTL {day}")).await;
    assert!((NINETY_DAYS - 60..=NINETY_DAYS).contains(&lives), "{lives}");
});

with_redis!(the_oldest_is_taken_first_and_not_from_a_paused_queue(&[]), |bench, A| {
    bench.shape.prefetch = 1;
    let (_adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let _: String = bench.ask(&format!("SET {} 1", key("paused"))).await;
    let worker = bench.worker::<A>(&work).await;
    let tasks: Vec<_> = (0..20).map(|n| task(n, b"")).collect();
    settled(&mut producer, &tasks).await;
    let calls = || async {
        let stats: String = bench.ask("INFO commandstats").await;
        let calls = stats.split("cmdstat_evalsha:calls=").nth(1).expect("scripts were called");
        calls.split(',').next().expect("a number").parse::<u64>().expect("a number")
    };
    let before = calls().await;
    until("it asked some times", async || calls().await > before + 10).await;
    assert_eq!(bench.log.counts().finished, 0);
    let _: u64 = bench.ask(&format!("DEL {}", key("paused"))).await;
    until("all have run", async || bench.log.counts().finished == 20).await;
    let records = worker.stop().await;
    let order: Vec<u64> = records[1..].iter().map(|r| TaskId::from_bits(r.id).sequence()).collect();
    assert_eq!(order, (0..20).collect::<Vec<_>>());
});

with_redis!(a_failed_attempt_waits_in_retry(&[]), |bench, A| {
    bench.fail_ppm = 1_000_000;
    bench.retry.backoff_ns = 600_000_000_000;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    let before = schedbench_adapters::clock::wall() / 1_000_000_000;
    settled(&mut producer, &[task(0, b"x")]).await;
    until("it waits", async || adapter.backlog().await.expect("backlog").retry == Some(1)).await;
    assert_eq!(statuses(&worker.stop().await, id(0)), [(0, Status::Failed)]);

    let now = schedbench_adapters::clock::wall() / 1_000_000_000;
    let score: u64 = bench.ask(&format!("ZSCORE {} {}", key("retry"), id(0))).await;
    assert!((before + 600..=now + 601).contains(&score), "{before} {score} {now}");
    let record = key(&format!("t:{}", id(0)));
    let state: String = bench.ask(&format!("HGET {record} state")).await;
    assert_eq!(state, "retry");
    let stored: Vec<u8> = bench.ask(&format!("HGET {record} msg")).await;
    let expected = |failed_at: u64| {
        let mut tail = vec![0x30, 1, 0x3a, 15];
        tail.extend_from_slice(b"planned failure");
        let mut last = vec![0x58];
        last.extend(varint(failed_at));
        message(&id(0).to_string(), b"x", 2, &[(6, tail), (11, last)])
    };
    assert!((before..=now).any(|second| stored == expected(second)), "{stored:02x?}");
    for name in ["processed", "failed"] {
        let total: u64 = bench.ask(&format!("GET {}", key(name))).await;
        let days: Vec<String> = bench.ask(&format!("KEYS asynq:*:{name}:20*")).await;
        assert_eq!((total, days.len()), (1, 1), "{name}");
        let lives: i64 = bench.ask(&format!("TTL {}", days[0])).await;
        assert!((NINETY_DAYS - 60..=NINETY_DAYS).contains(&lives), "{lives}");
    }
    let held: u64 = bench.ask(&format!("EXISTS {} {}", key("active"), key("lease"))).await;
    assert_eq!(held, 0);
});

with_redis!(attempts_end_in_the_archive(&[]), |bench, A| {
    bench.fail_ppm = 1_000_000;
    bench.retry.backoff_ns = 1;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    settled(&mut producer, &[task(0, b"x")]).await;
    until("it is dead", async || adapter.backlog().await.expect("backlog").dead == Some(1)).await;
    let expected = [(0, Status::Failed), (1, Status::Failed), (2, Status::FailedFinally)];
    assert_eq!(statuses(&worker.stop().await, id(0)), expected);
    let backlog = adapter.backlog().await.expect("backlog");
    assert_eq!(backlog.outstanding(), 0);
    let record = key(&format!("t:{}", id(0)));
    let state: String = bench.ask(&format!("HGET {record} state")).await;
    assert_eq!(state, "archived");
    let entry = bench.log.ledger().entry(0);
    assert!(entry.dead && entry.failures == 3, "{entry:?}");
    let counters: Vec<u64> =
        bench.ask(&format!("MGET {} {}", key("processed"), key("failed"))).await;
    assert_eq!(counters, [3, 3]);
});

with_redis!(the_archive_forgets_the_oldest_beyond_its_size(&[]), |bench, A| {
    bench.fail_ppm = 1_000_000;
    bench.retry.max = 0;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let now = schedbench_adapters::clock::wall() / 1_000_000_000;
    // 9,999 of yesterday, the oldest with a record, and one of last year.
    let fill = "for n = 1, 9999 do redis.call('ZADD', KEYS[1], ARGV[1] + n, 'old' .. n) end \
                redis.call('ZADD', KEYS[1], 1, 'ancient')";
    let mut eval = redis::cmd("EVAL");
    eval.arg(fill).arg(1).arg(key("archived")).arg(now - 86_400);
    let () = eval.query_async(&mut bench.raw).await.expect("fills");
    for name in ["old1", "old2", "ancient"] {
        let _: u64 = bench.ask(&format!("HSET {} state archived", key(&format!("t:{name}")))).await;
    }
    let worker = bench.worker::<A>(&work).await;
    settled(&mut producer, &[task(0, b"x")]).await;
    until("it is dead", async || bench.log.counts().finished == 1).await;
    worker.stop().await;
    assert_eq!(adapter.backlog().await.expect("backlog").dead, Some(9_999));
    let mut records: Vec<String> = bench.ask(&format!("KEYS {}", "asynq:*:t:*")).await;
    records.sort();
    assert_eq!(records, [key(&format!("t:{}", id(0))), key("t:old2")]);
});

with_redis!(delayed_tasks_never_start_early(&[]), |bench, A| {
    let (_adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    let pool = pool();
    let step = 31_000_000;
    let tasks: Vec<_> = (0..60).map(|n| delayed(n, pool.of(id(n)), 5_000_000 + n * step)).collect();
    settled(&mut producer, &tasks).await;
    until("all have run", async || bench.log.counts().finished == 60).await;
    worker.stop().await;
    for task in &tasks {
        let entry = bench.log.ledger().entry(task.id.sequence() as usize);
        let start = entry.first_start.expect("it ran");
        // The ledger cuts times off to its unit of 16 ns.
        assert!(start + 16 >= task.due, "{} ns early", task.due - start);
        assert!(start < task.due + 3_000_000_000, "{} ns late", start - task.due);
    }
});

with_redis!(asynq_exact_starts_early_by_less_than_a_second(&[]), |bench, A| {
    bench.profile = "asynq-exact";
    let (_adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    let tasks: Vec<_> = (0..40).map(|n| delayed(n, b"", 1_000_000_000 + n * 49_000_000)).collect();
    settled(&mut producer, &tasks).await;
    until("all have run", async || bench.log.counts().finished == 40).await;
    worker.stop().await;
    let mut early = 0;
    for task in &tasks {
        let entry = bench.log.ledger().entry(task.id.sequence() as usize);
        let start = entry.first_start.expect("it ran");
        early += u32::from(start < task.due);
        assert!(start + 1_000_000_000 > task.due, "{} ns early", task.due - start);
    }
    assert!(early > 20, "only {early} of 40 were early: not Asynq's way");
});

with_redis!(a_foreign_task_is_run_and_reported_as_foreign(&[]), |bench, A| {
    let (adapter, _producer, work) = bench.open_with_producer::<A>().await;
    // The bytes are the Go library's own (protocol §2.1), but for the queue.
    let golden = message("id-plain", br#"{"to":1}"#, 25, &[]);
    let record = key("t:id-plain");
    let mut store = redis::cmd("HSET");
    store.arg(&record).arg("msg").arg(golden).arg("state").arg("pending");
    let _: u64 = store.query_async(&mut bench.raw).await.expect("stores");
    let _: u64 = bench.ask(&format!("LPUSH {} id-plain", key("pending"))).await;
    let worker = bench.worker::<A>(&work).await;
    until("it ran", async || worker.records.lock().expect("records").len() == 2).await;
    until("it is gone", async || adapter.backlog().await.expect("backlog").outstanding() == 0)
        .await;
    let records = worker.stop().await;
    assert_eq!((records[1].id, records[1].status), (u64::MAX, Status::Done));
    let exists: bool = bench.ask(&format!("EXISTS {record}")).await;
    assert!(!exists);
});

with_redis!(what_was_not_run_is_given_back_at_the_right_end(&[]), |bench, A| {
    bench.shape.concurrency = 1;
    bench.shape.prefetch = 4;
    bench.handler = Handler::SleepNs(1_000_000_000);
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    let pool = pool();
    let tasks: Vec<_> = (0..6).map(|n| task(n, pool.of(id(n)))).collect();
    settled(&mut producer, &tasks).await;
    until("it holds four", async || adapter.backlog().await.expect("backlog").held == Some(4))
        .await;
    let lease: u64 = bench.ask(&format!("ZCARD {}", key("lease"))).await;
    assert_eq!(lease, 4);
    let records = worker.stop().await;
    assert_eq!(statuses(&records, id(0)), [(0, Status::Done)], "what ran was let finish");
    let pending: Vec<String> = bench.ask(&format!("LRANGE {} 0 -1", key("pending"))).await;
    assert_eq!(pending, [5, 4, 3, 2, 1].map(|n| id(n).to_string()), "the oldest is next");
    let record = key(&format!("t:{}", id(1)));
    let state: String = bench.ask(&format!("HGET {record} state")).await;
    let since: bool = bench.ask(&format!("HEXISTS {record} pending_since")).await;
    assert_eq!((state.as_str(), since), ("pending", false));
    let left: u64 = bench.ask(&format!("EXISTS {} {}", key("active"), key("lease"))).await;
    assert_eq!(left, 0);
});
