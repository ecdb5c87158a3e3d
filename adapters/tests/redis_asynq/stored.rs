//! What the producer leaves in Redis: keys, scores, fields, bytes.

use schedbench_contract::Producer;
use schedbench_contract::ledger::{Enqueue, Reason};

use crate::bench::{delayed, id, key, message, settled, task, until};
use crate::with_redis;

with_redis!(enqueued_tasks_lie_as_asynq_lays_them(&[]), |bench, A| {
    let (_adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let before = schedbench_adapters::clock::wall();
    for sequence in 0..3 {
        settled(&mut producer, &[task(sequence, b"body")]).await;
    }
    let after = schedbench_adapters::clock::wall();

    let queues: Vec<String> = bench.ask("SMEMBERS asynq:queues").await;
    assert_eq!(queues, [crate::bench::QUEUE]);
    // New ones on the left.
    let pending: Vec<String> = bench.ask(&format!("LRANGE {} 0 -1", key("pending"))).await;
    assert_eq!(pending, [id(2), id(1), id(0)].map(|id| id.to_string()));
    let record = key(&format!("t:{}", id(1)));
    let mut fields: Vec<String> = bench.ask(&format!("HKEYS {record}")).await;
    fields.sort();
    assert_eq!(fields, ["msg", "pending_since", "state"]);
    let state: String = bench.ask(&format!("HGET {record} state")).await;
    assert_eq!(state, "pending");
    let since: u64 = bench.ask(&format!("HGET {record} pending_since")).await;
    assert!((before..=after).contains(&since), "nanoseconds: {before} {since} {after}");
    let stored: Vec<u8> = bench.ask(&format!("HGET {record} msg")).await;
    assert_eq!(stored, message(&id(1).to_string(), b"body", 2, &[]));
    let lives: i64 = bench.ask(&format!("TTL {record}")).await;
    assert_eq!(lives, -1, "a record never expires");
});

with_redis!(delayed_tasks_are_scored_by_whole_seconds_rounded_up(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let clocks = schedbench_adapters::clock::ClockPair::read();
    let tasks = [delayed(0, b"", 60_000_000_000), delayed(1, b"", 61_300_000_000), task(2, b"")];
    settled(&mut producer, &tasks).await;
    for task in &tasks[..2] {
        let score: u64 = bench.ask(&format!("ZSCORE {} {}", key("scheduled"), task.id)).await;
        let due = clocks.to_wall(task.due);
        let late = (score * 1_000_000_000).checked_sub(due.saturating_sub(10_000));
        assert!(late.is_some_and(|late| late < 1_000_010_000), "due {due}, scored {score}");
        let record = key(&format!("t:{}", task.id));
        let state: String = bench.ask(&format!("HGET {record} state")).await;
        let since: bool = bench.ask(&format!("HEXISTS {record} pending_since")).await;
        assert_eq!((state.as_str(), since), ("scheduled", false));
    }
    let backlog = adapter.backlog().await.expect("backlog");
    assert_eq!((backlog.ready, backlog.scheduled), (Some(1), Some(2)));
});

with_redis!(asynq_exact_cuts_due_times_off(&[]), |bench, A| {
    bench.profile = "asynq-exact";
    let (_adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let clocks = schedbench_adapters::clock::ClockPair::read();
    let task = delayed(0, b"", 60_500_000_000);
    settled(&mut producer, &[task]).await;
    let score: u64 = bench.ask(&format!("ZSCORE {} {}", key("scheduled"), task.id)).await;
    let early = clocks.to_wall(task.due).checked_sub(score * 1_000_000_000);
    assert!(early.is_some_and(|early| early < 1_000_010_000), "early by {early:?}");
});

with_redis!(a_delay_that_is_over_already_is_no_delay(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let mut late = delayed(0, b"", 1);
    late.intended -= 1_000;
    late.due -= 500;
    settled(&mut producer, &[late]).await;
    assert_eq!(adapter.backlog().await.expect("backlog").ready, Some(1));
});

with_redis!(an_id_that_exists_is_refused_as_a_duplicate(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    settled(&mut producer, &[task(0, b"first"), delayed(1, b"first", 60_000_000_000)]).await;
    // Another producer of the same ids, with a ledger of its own.
    let log = schedbench_contract::Recorder::new(schedbench_contract::ledger::Ledger::new(
        crate::bench::CELL,
        10,
        schedbench_adapters::clock::now(),
        600_000_000_000,
    ));
    let mut other = adapter.producer(log.clone()).await.expect("connects");
    let again = [task(0, b"second"), task(2, b""), delayed(1, b"second", 60_000_000_000)];
    settled(&mut other, &again).await;
    for (sequence, came_to, reason) in [
        (0, Enqueue::Refused, Reason::Duplicate),
        (1, Enqueue::Refused, Reason::Duplicate),
        (2, Enqueue::Confirmed, Reason::None),
    ] {
        let entry = log.ledger().entry(sequence);
        assert_eq!((entry.enqueue, entry.reason), (came_to, reason), "task {sequence}");
    }
    let stored: Vec<u8> = bench.ask(&format!("HGET {} msg", key(&format!("t:{}", id(0))))).await;
    assert_eq!(stored, message(&id(0).to_string(), b"first", 2, &[]), "left as it was");
});

with_redis!(a_full_server_refuses_and_takes_again(&[]), |bench, A| {
    let (_adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let _: String = bench.ask("CONFIG SET maxmemory 1").await;
    settled(&mut producer, &[task(0, b""), delayed(1, b"", 60_000_000_000)]).await;
    let _: String = bench.ask("CONFIG SET maxmemory 0").await;
    settled(&mut producer, &[task(2, b"")]).await;
    for sequence in 0..2 {
        let entry = bench.log.ledger().entry(sequence);
        assert_eq!((entry.enqueue, entry.reason), (Enqueue::Refused, Reason::ServerError));
    }
    assert_eq!(bench.log.ledger().entry(2).enqueue, Enqueue::Confirmed);
    assert_eq!(bench.log.counts().refused, 2);
});

with_redis!(scripts_that_were_forgotten_are_loaded_again(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let _: String = bench.ask("SCRIPT FLUSH").await;
    let tasks: Vec<_> = (0..200).map(|n| task(n, b"")).collect();
    settled(&mut producer, &tasks).await;
    assert_eq!(adapter.backlog().await.expect("backlog").ready, Some(200));
    assert!(bench.log.moments().is_empty(), "not an outage");
});

with_redis!(bodies_of_some_megabytes_go_through(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let body = vec![7; 3 << 20];
    let too_large = vec![7; (64 << 20) + 1];
    settled(&mut producer, &[task(0, &body), task(1, &too_large), task(2, &body)]).await;
    let entry = bench.log.ledger().entry(1);
    assert_eq!((entry.enqueue, entry.reason), (Enqueue::Refused, Reason::TooLarge));
    assert_eq!(adapter.backlog().await.expect("backlog").ready, Some(2));
});

with_redis!(never_more_than_the_window_is_unconfirmed(&[]), |bench, A| {
    bench.shape.window = 10;
    bench.shape.connections = 3;
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let tasks: Vec<_> = (0..300).map(|n| task(n, b"")).collect();
    let mut rest = tasks.as_slice();
    while !rest.is_empty() {
        let taken = producer.submit(rest).await.expect("submits");
        rest = &rest[taken..];
        let counts = bench.log.counts();
        assert!(counts.taken - counts.settled <= 10, "{counts:?}");
    }
    producer.settle().await.expect("settles");
    assert_eq!(bench.log.counts().settled, 300);
    assert_eq!(adapter.backlog().await.expect("backlog").ready, Some(300));
    let clients: String = bench.ask("CLIENT LIST").await;
    assert!(clients.lines().count() >= 5, "three producers, control, ours: {clients}");
});

with_redis!(cancelling_works_until_a_task_is_taken(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let tasks = [task(0, b""), task(1, b""), delayed(2, b"", 60_000_000_000), task(3, b"")];
    settled(&mut producer, &tasks).await;
    for sequence in [1, 2] {
        assert!(producer.cancel(id(sequence)).await.expect("asks"), "task {sequence}");
        let exists: bool =
            bench.ask(&format!("EXISTS {}", key(&format!("t:{}", id(sequence))))).await;
        assert!(!exists);
        assert!(!producer.cancel(id(sequence)).await.expect("asks"), "it is gone");
    }
    // As a worker takes the oldest.
    let taken: String = bench.ask(&format!("RPOPLPUSH {} {}", key("pending"), key("active"))).await;
    assert_eq!(taken, id(0).to_string());
    let record = key(&format!("t:{taken}"));
    let _: u64 = bench.ask(&format!("HSET {record} state active")).await;
    assert!(!producer.cancel(id(0)).await.expect("asks"), "a worker has it");
    assert!(!producer.cancel(id(999)).await.expect("asks"), "nobody knows it");
    let backlog = adapter.backlog().await.expect("backlog");
    assert_eq!((backlog.ready, backlog.held, backlog.scheduled), (Some(1), Some(1), Some(0)));
    until("only what is left has a record", async || {
        bench.ask::<Vec<String>>(&format!("KEYS {}*", "asynq:*:t:")).await.len() == 2
    })
    .await;
});
