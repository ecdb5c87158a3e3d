//! Opening, looking at, emptying and removing a queue; and what is refused.

use schedbench_contract::{Adapter, Address, Error, Secret};

use crate::bench::{Bench, PASSWORD, QUEUE, delayed, key, settled, task};
use crate::with_redis;

async fn refusal<A: Adapter>(bench: &Bench) -> Error {
    match A::open(&bench.endpoints(), bench.profile(), &bench.shape).await {
        Ok(_) => panic!("opened a queue that is not ours"),
        Err(error) => error,
    }
}

with_redis!(what_exists_is_not_ours(&[]), |bench, A| {
    let _: u64 = bench.ask(&format!("SADD asynq:queues {QUEUE}")).await;
    let error = refusal::<A>(&bench).await;
    assert!(matches!(error, Error::NotOurs(_)), "{error}");
    let _: u64 = bench.ask("DEL asynq:queues").await;
    let _: u64 = bench.ask(&format!("INCR {}", key("processed"))).await;
    let error = refusal::<A>(&bench).await;
    assert!(error.to_string().contains(&key("processed")), "{error}");
    let _: String = bench.ask("FLUSHALL").await;
    // The names of others are no obstacle.
    let _: u64 = bench.ask("SADD asynq:queues default").await;
    let _: u64 = bench.ask("INCR asynq:{default}:processed").await;
    let adapter = bench.open::<A>().await;
    let error = refusal::<A>(&bench).await;
    assert!(matches!(error, Error::NotOurs(_)), "the first one has it: {error}");
    adapter.close().await.expect("closes");
    let mut left: Vec<String> = bench.ask("KEYS *").await;
    left.sort();
    assert_eq!(left, ["asynq:queues", "asynq:{default}:processed"]);
});

with_redis!(closing_leaves_nothing_whatever_state_tasks_are_in(&[]), |bench, A| {
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    worker.stop().await;
    let tasks: Vec<_> = (0..50).map(|n| task(n, b"x")).collect();
    settled(&mut producer, &tasks).await;
    settled(&mut producer, &[delayed(60, b"", 60_000_000_000)]).await;
    let _: String = bench.ask(&format!("RPOPLPUSH {} {}", key("pending"), key("active"))).await;
    let _: u64 = bench.ask(&format!("ZADD {} 5 a", key("archived"))).await;
    let _: u64 = bench.ask(&format!("ZADD {} 5 b", key("retry"))).await;
    // Workers that were killed, long ago and just now, and one of another queue.
    let server = |id: u32| format!("asynq:servers:{{h:{id}:00000000-0000-4000-8000-000000000000}}");
    let soon = schedbench_adapters::clock::wall() / 1_000_000_000 + 10;
    for (id, expiry, queue) in [(1, 1, None), (2, soon, Some(QUEUE)), (3, soon, Some("default"))] {
        let _: u64 = bench.ask(&format!("ZADD asynq:servers {expiry} {}", server(id))).await;
        let Some(queue) = queue else { continue };
        // ServerInfo with field 5, the queue and its weight.
        let mut info = vec![0x2a, queue.len() as u8 + 4, 0x0a, queue.len() as u8];
        info.extend_from_slice(queue.as_bytes());
        info.extend_from_slice(&[0x10, 1]);
        let mut set = redis::cmd("SET");
        let () = set.arg(server(id)).arg(info).query_async(&mut bench.raw).await.expect("sets");
    }
    assert_eq!(adapter.consumers().await.expect("asks"), Some(1));
    adapter.close().await.expect("closes");
    let mut left: Vec<String> = bench.ask("KEYS *").await;
    left.sort();
    assert_eq!(left, ["asynq:servers".to_owned(), server(3)], "the other queue's stays");
});

with_redis!(purging_throws_away_what_waits_and_its_records(&[]), |bench, A| {
    let (adapter, mut producer, _work) = bench.open_with_producer::<A>().await;
    let tasks: Vec<_> = (0..1_200).map(|n| task(n, b"x")).collect();
    for some in tasks.chunks(256) {
        settled(&mut producer, some).await;
    }
    let later: Vec<_> = (2_000..2_010).map(|n| delayed(n, b"", 60_000_000_000)).collect();
    settled(&mut producer, &later).await;
    adapter.purge().await.expect("purges");
    assert_eq!(adapter.backlog().await.expect("backlog").outstanding(), 0);
    let left: Vec<String> = bench.ask("KEYS *").await;
    assert_eq!(left, ["asynq:queues"]);
});

with_redis!(the_server_says_what_it_is(&[("appendonly", "yes")]), |bench, A| {
    let adapter = bench.open::<A>().await;
    let server = adapter.server().await.expect("asks").expect("knows");
    let info: String = bench.ask("INFO server").await;
    assert!(info.contains(&server.version), "{server:?}");
    if server.version.starts_with("7.0.") {
        assert_eq!((server.name.as_str(), server.year), ("redis", Some(2022)));
    }
    let setting = |name: &str| {
        let mut settings = server.settings.iter();
        settings.find(|(setting, _)| setting == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(setting("appendonly"), Some("yes"));
    assert_eq!(setting("appendfsync"), Some("everysec"));
    assert_eq!(setting("save"), Some(""));
    assert_eq!(setting("maxmemory-policy"), Some("noeviction"));
    assert_eq!(adapter.consumers().await.expect("asks"), Some(0));
});

async fn with_address<A: Adapter>(bench: &Bench, address: Address) -> Error {
    let mut endpoints = bench.endpoints();
    endpoints.control = Some(address);
    match A::open(&endpoints, bench.profile(), &bench.shape).await {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

with_redis!(a_wrong_password_is_told_without_saying_it(&[]), |bench, A| {
    let right = bench.redis.address();
    let place = format!("127.0.0.1:{}", right.port);
    let wrong = Secret("wr0ng-and-not-to-be-printed".into());
    for password in [Some(wrong), None] {
        let error = with_address::<A>(&bench, Address { password, ..right.clone() }).await;
        assert!(matches!(error, Error::Credentials(_)), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(&place), "{text}");
        assert!(!text.contains("to-be-printed") && !text.contains(PASSWORD), "{text}");
    }
    let error = with_address::<A>(&bench, Address { tls: true, ..right.clone() }).await;
    // This server speaks no TLS; a build without it says so at once.
    let is_refused = matches!(error, Error::Unsupported { what: "TLS", .. });
    assert!(is_refused || matches!(error, Error::Broken(_)), "{error}");
    let database = Some("orders".to_owned());
    let error = with_address::<A>(&bench, Address { database, ..right.clone() }).await;
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let error = with_address::<A>(&bench, Address { port: 9, ..right }).await;
    assert!(matches!(&error, Error::Broken(text) if text.contains("127.0.0.1:9")), "{error}");
});

with_redis!(databases_are_apart(&[]), |bench, A| {
    let mut endpoints = bench.endpoints();
    for road in [&mut endpoints.producer, &mut endpoints.workers, &mut endpoints.control] {
        road.as_mut().expect("an address").database = Some("3".into());
    }
    let adapter = A::open(&endpoints, bench.profile(), &bench.shape).await.expect("opens");
    let keys: u64 = bench.ask("DBSIZE").await;
    assert_eq!(keys, 0, "database 0 has nothing");
    adapter.close().await.expect("closes");
});
