//! A Redis of our own per test, and an adapter, a producer and workers on it.

use std::future::Future;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue};
use schedbench_adapters::{clock, find};
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{
    Adapter, Address, BodyPool, Endpoints, Fill, Handler, Launch, Producer, Profile, Record,
    Recorder, Report, Retry, Run, RunEnd, Secret, Status, Task, TaskId, Work, WorkersShape,
};
use tokio::sync::oneshot;

pub(crate) const QUEUE: &str = "schedbench.test.1";
pub(crate) const PASSWORD: &str = "b1c0ffee-not-to-be-printed";
pub(crate) const CELL: u32 = 7;
/// Nothing here takes this long unless it is broken.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A redis-server that ends with the test.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
    settings: String,
}

fn free_port() -> u16 {
    // Below the kernel's range for outgoing connections, and another start per
    // process, for tests of several checkouts run beside each other.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + (std::process::id() % 12_000) as u16;
    loop {
        let port = 20_000 + (start - 20_000 + NEXT.fetch_add(1, Ordering::Relaxed) * 7) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Redis {
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory for Redis");
        let settings = settings
            .iter()
            .map(|(name, value)| {
                format!("{name} {}\n", if value.is_empty() { "\"\"" } else { value })
            })
            .collect();
        let port = free_port();
        let child = Self::spawn(port, &dir, &settings);
        Self { child, port, dir, settings }
    }

    fn spawn(port: u16, dir: &tempfile::TempDir, settings: &String) -> Child {
        let mut child = Command::new("redis-server")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server must be installed: apt-get install redis-server");
        let config = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nrequirepass {PASSWORD}\nsave \"\"\n{settings}",
            dir.path().display()
        );
        let mut stdin = child.stdin.take().expect("its standard input");
        stdin.write_all(config.as_bytes()).expect("redis-server reads its configuration");
        child
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("redis-server is ours");
        // A zombie keeps nothing open, but its successor must find it gone.
        self.child.wait().expect("redis-server is ours");
    }

    /// The same server again: same port, same files.
    pub(crate) fn restart(&mut self) {
        self.child = Self::spawn(self.port, &self.dir, &self.settings);
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub(crate) fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".into(),
            port: self.port,
            user: None,
            password: Some(Secret(PASSWORD.into())),
            database: None,
            tls: false,
            others: Vec::new(),
        }
    }

    pub(crate) async fn connect(&self) -> MultiplexedConnection {
        let url = format!("redis://:{PASSWORD}@127.0.0.1:{}/", self.port);
        let client = redis::Client::open(url).expect("an address");
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
            {
                return connection;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a test works with.
pub(crate) struct Bench {
    pub(crate) redis: Redis,
    /// For looking at the keys themselves.
    pub(crate) raw: MultiplexedConnection,
    pub(crate) shape: WorkersShape,
    pub(crate) retry: Retry,
    pub(crate) fail_ppm: u32,
    pub(crate) handler: Handler,
    pub(crate) body_bytes: usize,
    pub(crate) profile: &'static str,
    pub(crate) log: Recorder,
}

/// A worker's loop on the test's own thread.
pub(crate) struct WorkerLoop {
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<schedbench_contract::Result<()>>,
    pub(crate) records: Arc<Mutex<Vec<Record>>>,
}

impl WorkerLoop {
    pub(crate) async fn stop(self) -> Vec<Record> {
        self.stop.send(()).expect("the worker runs");
        let ended = tokio::time::timeout(DEADLINE, self.ended).await;
        ended.expect("the worker ends").expect("it does not panic").expect("it ends well");
        self.records.lock().expect("records").clone()
    }
}

/// Records in memory, and in the ledger as the harness would write them.
struct Notes {
    records: Arc<Mutex<Vec<Record>>>,
    log: Recorder,
}

impl Report for Notes {
    fn record(&mut self, record: Record) {
        self.records.lock().expect("records").push(record);
        let ended = match record.status {
            Status::Done => RunEnd::Done,
            Status::Failed => RunEnd::Failed,
            Status::FailedFinally => RunEnd::FailedFinally,
            Status::Corrupt => RunEnd::Corrupt,
            _ => return,
        };
        let id = TaskId::from_bits(record.id);
        self.log.ran(Run { id, start: record.start, end: record.end, ended });
    }
    fn flush(&mut self) {}
}

impl Bench {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let redis = Redis::start(settings);
        let raw = redis.connect().await;
        Self {
            redis,
            raw,
            shape: WorkersShape {
                processes: 1,
                concurrency: 4,
                prefetch: 64,
                connections: 1,
                window: 1_000,
            },
            retry: Retry { max: 2, backoff_ns: 1_000_000_000 },
            fail_ppm: 0,
            handler: Handler::None,
            body_bytes: 32,
            profile: "everysec",
            log: Recorder::new(Ledger::new(CELL, 2_000_000, clock::now(), 600_000_000_000)),
        }
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        let address = Some(self.redis.address());
        Endpoints {
            producer: address.clone(),
            workers: address.clone(),
            control: address,
            second: None,
            prefix: QUEUE.into(),
        }
    }

    pub(crate) fn profile(&self) -> &'static Profile {
        let system = find("redis-asynq").expect("in this build");
        system.profile(Some(self.profile)).expect("one of its profiles")
    }

    pub(crate) async fn open<A: Adapter>(&self) -> A {
        A::open(&self.endpoints(), self.profile(), &self.shape).await.expect("opens")
    }

    /// As the harness calls them: workers first, then the producer.
    pub(crate) async fn open_with_producer<A: Adapter>(&self) -> (A, A::Producer, Work) {
        let adapter = self.open::<A>().await;
        let work = self.work();
        let Launch::Programs(programs) = adapter.workers(&work, self.log.clone()).expect("work")
        else {
            panic!("its workers are programs");
        };
        let work = programs.into_iter().next().expect("one process").work;
        let producer = adapter.producer(self.log.clone()).await.expect("connects");
        (adapter, producer, work)
    }

    pub(crate) fn work(&self) -> Work {
        Work {
            system: "redis-asynq".into(),
            profile: self.profile.into(),
            queue: String::new(),
            cell: CELL,
            index: 0,
            at: None,
            second: None,
            shape: self.shape,
            seed: 42,
            handler: self.handler,
            fail_ppm: self.fail_ppm,
            retry: self.retry,
            body: Fill { seed: 42, bytes: self.body_bytes },
            write_each: false,
            options: std::collections::BTreeMap::default(),
        }
    }

    /// Begins a worker and waits until it says that it is ready.
    pub(crate) async fn worker<A: Adapter>(&self, work: &Work) -> WorkerLoop {
        let (stop, stopped) = oneshot::channel();
        let records = Arc::new(Mutex::new(Vec::new()));
        let notes = Notes { records: Arc::clone(&records), log: self.log.clone() };
        let work = work.clone();
        let ended = tokio::task::spawn_local(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            A::run_worker(&work, notes, stopped).await
        });
        let worker = WorkerLoop { stop, ended, records };
        until("the worker is ready", async || {
            let records = worker.records.lock().expect("records");
            records.iter().any(|record| record.status == Status::Ready)
        })
        .await;
        worker
    }

    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut asked = Cmd::new();
        words.by_ref().for_each(|word| {
            asked.arg(word);
        });
        asked.query_async(&mut self.raw.clone()).await.expect(command)
    }
}

pub(crate) fn id(sequence: u64) -> TaskId {
    TaskId::new(CELL, sequence)
}

/// A task due now.
pub(crate) fn task(sequence: u64, body: &[u8]) -> Task<'_> {
    let now = clock::now();
    Task { id: id(sequence), intended: now, due: now, key: None, body }
}

/// A task due after `delay_ns`.
pub(crate) fn delayed(sequence: u64, body: &[u8], delay_ns: u64) -> Task<'_> {
    let task = task(sequence, body);
    Task { due: task.intended + delay_ns, ..task }
}

/// Hands tasks over and waits until it is known what came of them.
pub(crate) async fn settled(producer: &mut impl Producer, tasks: &[Task<'_>]) {
    let mut rest = tasks;
    while !rest.is_empty() {
        let taken = producer.submit(rest).await.expect("submits");
        rest = &rest[taken..];
    }
    producer.settle().await.expect("settles");
}

/// The bodies that workers expect.
pub(crate) fn pool() -> BodyPool {
    BodyPool::new(Fill { seed: 42, bytes: 32 })
}

/// Attempts of a task and how they ended, in the order reported.
pub(crate) fn statuses(records: &[Record], id: TaskId) -> Vec<(u32, Status)> {
    let its = records.iter().filter(|record| record.id == id.bits());
    its.filter(|record| record.status != Status::Ready)
        .map(|record| (record.attempt, record.status))
        .collect()
}

/// Protobuf's variable-length integer.
pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A task's message by hand (protocol §2.1), with more fields, encoded, each
/// before the first of ours with a higher number.
pub(crate) fn message(id: &str, body: &[u8], retries: u64, more: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let text = |tag: u8, bytes: &[u8]| {
        let mut field = vec![tag << 3 | 2];
        field.extend(varint(bytes.len() as u64));
        field.extend_from_slice(bytes);
        field
    };
    let mut fields = vec![
        (1, text(1, b"schedbench:task")),
        (2, text(2, body)),
        (3, text(3, id.as_bytes())),
        (4, text(4, QUEUE.as_bytes())),
        (5, [vec![5 << 3], varint(retries)].concat()),
        (8, [vec![8 << 3], varint(1_800)].concat()),
    ];
    fields.extend_from_slice(more);
    fields.sort_by_key(|(number, _)| *number);
    fields.into_iter().flat_map(|(_, bytes)| bytes).collect()
}

/// `asynq:{queue}:name`.
pub(crate) fn key(name: &str) -> String {
    format!("asynq:{{{QUEUE}}}:{name}")
}

/// Waits for something that becomes true.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Runs a test's future; worker loops run on this thread too.
pub(crate) fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        tokio::time::timeout(4 * DEADLINE, test).await.expect("the test ends in time");
    });
}

/// A test that runs with the adapter's type, which only the registry names.
#[macro_export]
macro_rules! with_redis {
    ($(#[$more:meta])* $name:ident($settings:expr), |$bench:ident, $adapter:ident| $body:block) => {
        #[test]
        $(#[$more])*
        fn $name() {
            struct Case;
            impl schedbench_contract::Visit for Case {
                type Out = ();
                fn visit<$adapter: schedbench_contract::Adapter>(self) {
                    $crate::bench::block_on(async {
                        #[allow(unused_mut)]
                        let mut $bench = $crate::bench::Bench::start($settings).await;
                        $body
                    });
                }
            }
            schedbench_adapters::visit_redis_asynq(Case);
        }
    };
}
