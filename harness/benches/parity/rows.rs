//! What is compared: one row per system, side and setting. Both sides of a row
//! are made from the same [`Setting`].

/// Which half of a task's way is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Tasks go in, for so long as is measured; nobody takes them.
    Enqueue,
    /// So many tasks are there; one worker takes and acknowledges them. Its
    /// handlers do nothing.
    Process {
        /// How many.
        tasks: u64,
    },
}

/// The system's own best-known tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// RabbitMQ's `PerfTest`, in Java.
    PerfTest,
    /// Kafka's `ProducerPerformance` and `ConsumerPerformance`, in Java.
    KafkaPerformance,
    /// `redis-benchmark`, in C, with the very script of the adapter.
    RedisBenchmark,
    /// Asynq's own client and server, in Go.
    Asynq,
    /// Celery's own client and worker, in Python.
    Celery,
    /// `pgbench`, in C, with the adapter's statements.
    Pgbench,
}

impl Tool {
    /// As a table says it.
    pub(crate) const fn name(self, side: Side) -> &'static str {
        match (self, side) {
            (Self::PerfTest, _) => "PerfTest",
            (Self::KafkaPerformance, Side::Enqueue) => "ProducerPerformance",
            (Self::KafkaPerformance, Side::Process { .. }) => "ConsumerPerformance",
            (Self::RedisBenchmark, _) => "redis-benchmark",
            (Self::Asynq, Side::Enqueue) => "asynq.Client (Go)",
            (Self::Asynq, Side::Process { .. }) => "asynq.Server (Go)",
            (Self::Celery, Side::Enqueue) => "apply_async (Python)",
            (Self::Celery, Side::Process { .. }) => "a plain Celery worker",
            (Self::Pgbench, _) => "pgbench",
        }
    }
}

/// What one request to the broker carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// At most so many tasks.
    Tasks(u32),
    /// At most so many bytes of tasks, and a linger of 5 ms.
    Bytes(u32),
}

/// What both sides are set to. Both are confirmed, or acknowledge after the
/// handler, as the profile does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Bytes of a task's body.
    pub(crate) body: usize,
    /// Tasks that may be unconfirmed, or handed to a worker and unacknowledged.
    pub(crate) window: u32,
    /// What one request carries.
    pub(crate) batch: Batch,
    /// Connections of the producer.
    pub(crate) connections: u32,
}

/// Processes of either Celery worker's pool.
pub(crate) const CELERY_PROCESSES: u32 = 2;

/// One comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// As the registry names it.
    pub(crate) system: &'static str,
    /// Its profile.
    pub(crate) profile: &'static str,
    /// What is measured.
    pub(crate) side: Side,
    /// What both sides are set to.
    pub(crate) setting: Setting,
    /// The other side.
    pub(crate) tool: Tool,
    /// Why ours may be more than a quarter faster.
    pub(crate) above: Option<&'static str>,
    /// Why ours may be more than a fifth slower.
    pub(crate) below: Option<&'static str>,
}

const fn one(body: usize, window: u32) -> Setting {
    Setting { body, window, batch: Batch::Tasks(1), connections: 1 }
}

const fn row(
    system: &'static str,
    profile: &'static str,
    side: Side,
    setting: Setting,
    tool: Tool,
) -> Row {
    Row { system, profile, side, setting, tool, above: None, below: None }
}

const LAPIN: &str = "The broker is the limit on both sides, and on few cores the client's CPU is \
     the broker's loss: see the CPU of each. PerfTest's is that of a JVM, which also keeps \
     histograms of each confirm's latency.";
const LIBRDKAFKA: &str = "librdkafka (C) takes a fraction of the Java client's CPU per record, and \
     the broker is not the limit of either: ProducerPerformance is bound by its own JVM.";
const PYTHON: &str = "apply_async spends its time in Python, between two confirms: see the CPU of \
     each. The window of one is the same on both sides.";

const PER_RECORD: &str = "Per record our worker reads two headers, compares the body, keeps the \
     offset (handlers may end out of order), and writes 32 bytes that the harness reads and \
     notes on the same cores; ConsumerPerformance adds up sizes. The CPU of each says how much \
     that is.";
const HOPS: &str = "One task a request is all wake-ups: from the generator's thread to the \
     client's, to the socket, and back, where a goroutine is woken by the poller itself. A run \
     hands over what is due together, up to 256 tasks: that is the rows of redis-asynq, by the \
     same code.";
const COLD: &str = "PerfTest's JVM is cold for the first seconds of the few that a full queue \
     lasts, and it also keeps histograms of each message's age: see the CPU of each.";
const ONE_BATCH: &str = "The window is one batch of ours: Redis has nothing to do while the answer \
     goes to the generator's thread and the next batch is made and sent. With the window of a \
     run, the next row, another batch is always on its way.";
const IN_TURN: &str = "Our worker sends the next lease while it completes the last one, and \
     completes what has come together in one statement; pgbench waits for each answer.";

/// All of them, in the order in which they are measured.
pub(crate) const ROWS: &[Row] = &[
    rabbitmq_enqueue(100, 256),
    rabbitmq_enqueue(100, 4_096),
    rabbitmq_enqueue(256, 256),
    rabbitmq_enqueue(256, 4_096),
    Row {
        above: Some(COLD),
        ..row(
            "rabbitmq",
            "durable",
            Side::Process { tasks: 150_000 },
            Setting { batch: Batch::Tasks(64), ..one(100, 256) },
            Tool::PerfTest,
        )
    },
    Row {
        above: Some(LIBRDKAFKA),
        ..row("kafka", "article", Side::Enqueue, kafka(16_384), Tool::KafkaPerformance)
    },
    Row {
        above: Some(LIBRDKAFKA),
        ..row("kafka", "acks-all", Side::Enqueue, kafka(1_000_000), Tool::KafkaPerformance)
    },
    Row {
        below: Some(PER_RECORD),
        ..row(
            "kafka",
            "article",
            Side::Process { tasks: 2_000_000 },
            Setting { batch: Batch::Tasks(500), ..kafka(0) },
            Tool::KafkaPerformance,
        )
    },
    redis_enqueue(256),
    redis_enqueue(4_096),
    asynq_enqueue(1),
    asynq_enqueue(8),
    row("asynq", "default", Side::Process { tasks: 30_000 }, one(100, 10), Tool::Asynq),
    Row {
        above: Some(PYTHON),
        ..row("celery", "late-ack", Side::Enqueue, one(100, 1), Tool::Celery)
    },
    row("celery", "late-ack", Side::Process { tasks: 9_000 }, one(100, 128), Tool::Celery),
    row("postgres", "skip-locked", Side::Enqueue, rows_of(256), Tool::Pgbench),
    Row {
        above: Some(IN_TURN),
        ..row(
            "postgres",
            "skip-locked",
            Side::Process { tasks: 30_000 },
            rows_of(10),
            Tool::Pgbench,
        )
    },
];

const fn rabbitmq_enqueue(body: usize, window: u32) -> Row {
    let row = row("rabbitmq", "durable", Side::Enqueue, one(body, window), Tool::PerfTest);
    Row { above: Some(LAPIN), ..row }
}

const fn kafka(batch: u32) -> Setting {
    Setting { body: 100, window: 100_000, batch: Batch::Bytes(batch), connections: 1 }
}

const fn redis_enqueue(window: u32) -> Row {
    let setting = Setting { body: 100, window, batch: Batch::Tasks(64), connections: 1 };
    let row = row("redis-asynq", "everysec", Side::Enqueue, setting, Tool::RedisBenchmark);
    Row { below: if window <= 256 { Some(ONE_BATCH) } else { None }, ..row }
}

/// Each goroutine of the Go client has a connection of its own.
const fn asynq_enqueue(window: u32) -> Row {
    let setting = Setting { connections: window, ..one(100, window) };
    let row = row("asynq", "default", Side::Enqueue, setting, Tool::Asynq);
    Row { below: Some(HOPS), ..row }
}

const fn rows_of(batch: u32) -> Setting {
    Setting { body: 100, window: batch, batch: Batch::Tasks(batch), connections: 1 }
}
