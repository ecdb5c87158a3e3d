//! Asynq's own library, in Go, on the same queue: its inspector reads what we
//! write, its server runs what we enqueue, our worker runs what it enqueues.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use schedbench_contract::{Handler, Status};

use crate::bench::{Bench, PASSWORD, QUEUE, delayed, id, settled, task, until};
use crate::with_redis;

/// Builds the Go program once per test; Go's cache makes the second quick.
fn build(dir: &tempfile::TempDir) -> PathBuf {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/redis_asynq/interop");
    let program = dir.path().join("interop");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(source)
        .status()
        .expect("Go must be installed, as for the system asynq");
    assert!(built.success(), "go build failed");
    program
}

async fn go(bench: &Bench, program: PathBuf, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command
        .arg(format!("127.0.0.1:{}", bench.redis.address().port))
        .arg(QUEUE)
        .args(arguments)
        .env("REDIS_PASSWORD", PASSWORD)
        .stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output().expect("it runs")).await;
    let output = output.expect("no panic");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

with_redis!(go_runs_what_we_enqueue_and_we_what_go_enqueues(&[]), |bench, A| {
    let dir = tempfile::tempdir().expect("a directory");
    let program = build(&dir);
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let mut tasks: Vec<_> = (0..1_000).map(|n| task(n, b"from rust")).collect();
    tasks.extend((1_000..1_050).map(|n| delayed(n, b"later", 500_000_000)));
    settled(&mut producer, &tasks).await;
    let seen = go(&bench, program.clone(), &["inspect"]).await;
    assert!(seen.contains("pending=1000 active=0 scheduled=50"), "{seen}");
    let mut ran: Vec<String> =
        go(&bench, program.clone(), &["work", "1050"]).await.lines().map(String::from).collect();
    ran.sort();
    let expected: Vec<String> =
        (0..1_050).map(|n| format!("{} {}", id(n), if n < 1_000 { 9 } else { 5 })).collect();
    assert_eq!(ran, expected, "each once, with its body");
    assert_eq!(adapter.backlog().await.expect("backlog").outstanding(), 0);

    go(&bench, program.clone(), &["enqueue", "1000"]).await;
    let worker = bench.worker::<A>(&work).await;
    until("ours has run Go's", async || bench.log.counts().succeeded == 1_000).await;
    until("and told so", async || adapter.backlog().await.expect("backlog").outstanding() == 0)
        .await;
    let seen = go(&bench, program, &["inspect"]).await;
    assert!(seen.contains("processed=2050 failed=0"), "{seen}");
    assert!(seen.contains("server concurrency=4 status=active"), "{seen}");
    let records = worker.stop().await;
    assert_eq!(records.len(), 1_001);
    adapter.close().await.expect("closes");
    let left: Vec<String> = bench.ask("KEYS *").await;
    assert!(left.is_empty(), "left behind: {left:?}");
});

with_redis!(go_reads_our_retries_and_our_running_tasks(&[]), |bench, A| {
    let dir = tempfile::tempdir().expect("a directory");
    let program = build(&dir);
    bench.fail_ppm = 1_000_000;
    bench.retry.backoff_ns = 1_000_000_000;
    let (adapter, mut producer, work) = bench.open_with_producer::<A>().await;
    let worker = bench.worker::<A>(&work).await;
    settled(&mut producer, &[task(0, b"x")]).await;
    until("it failed", async || adapter.backlog().await.expect("backlog").retry == Some(1)).await;
    worker.stop().await;
    let seen = go(&bench, program.clone(), &["inspect"]).await;
    let line = format!("retry id={} retried=1/2 error=\"planned failure\"", id(0));
    assert!(seen.contains(&line), "{seen}");
    // Go takes over where ours stopped.
    let ran = go(&bench, program.clone(), &["work", "1"]).await;
    assert_eq!(ran.trim(), format!("{} 1", id(0)));

    bench.fail_ppm = 0;
    bench.handler = Handler::SleepNs(9_000_000_000);
    let mut work = work;
    (work.fail_ppm, work.handler) = (0, bench.handler);
    settled(&mut producer, &[task(1, b"x")]).await;
    let worker = bench.worker::<A>(&work).await;
    let mut seen = String::new();
    for _ in 0..60 {
        seen = go(&bench, program.clone(), &["inspect"]).await;
        if seen.contains("running=1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(seen.contains("active=1") && seen.contains("running=1"), "{seen}");
    let records = worker.stop().await;
    assert_eq!(crate::bench::statuses(&records, id(1)), [(0, Status::Corrupt)]);
});
