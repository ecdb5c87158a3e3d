//! Asynq itself: the queue and the client of `redis-asynq`, and as workers the
//! library's own servers, in Go. What differs between the two systems is the
//! worker, and that due times are cut off to whole seconds as the library's
//! client does.

mod profiles;

use schedbench_contract::{
    Adapter, Backlog, Endpoints, Language, Launch, Profile, Recorder, Result, Runtime, Server,
    Work, WorkerSource, WorkersShape,
};

use crate::redis_asynq::{AsynqProducer, Queue, Seconds};

/// Its name in scenarios and tables.
const NAME: &str = "asynq";

macro_rules! sources {
    ($($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../workers/asynq/", $file)))),+]
    };
}

static SOURCE: WorkerSource = WorkerSource {
    name: NAME,
    language: Language::Go,
    files: sources![
        "go.mod",
        "go.sum",
        "body.go",
        "clock.go",
        "clock.s",
        "connection.go",
        "cost.go",
        "events.go",
        "main.go",
        "pauses.go",
        "seeded.go",
        "work.go",
    ],
};

/// Asynq's servers on the cell's queue, or queues.
#[derive(Debug)]
pub(crate) struct Asynq {
    queue: Queue,
    profile: &'static Profile,
}

impl Adapter for Asynq {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = profiles::PROFILES;
    const RUNTIME: Runtime = Runtime::Source(&SOURCE);
    type Producer = AsynqProducer;

    async fn open(at: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        at.refuse_tls_for_workers(NAME)?;
        let queue = Queue::open(NAME, at, (profile, Seconds::CutOff), shape).await?;
        Ok(Self { queue, profile })
    }

    async fn producer(&self, log: Recorder) -> Result<AsynqProducer> {
        self.queue.producer(log).await
    }

    fn workers(&self, work: &Work, _log: Recorder) -> Result<Launch> {
        let options = profiles::options(self.profile.name);
        Ok(self.queue.workers(&Work { options, ..work.clone() }))
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.queue.backlog().await
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        self.queue.consumers().await.map(Some)
    }

    /// Redis as it describes itself, and what the profile sets of the library.
    async fn server(&self) -> Result<Option<Server>> {
        let mut server = self.queue.server().await?;
        server.settings.push(("asynq".into(), library_version().into()));
        for (option, value) in profiles::options(self.profile.name) {
            server.settings.push((format!("asynq {option}"), value));
        }
        Ok(Some(server))
    }

    async fn purge(&self) -> Result<()> {
        self.queue.purge().await
    }

    async fn close(self) -> Result<()> {
        self.queue.close().await
    }
}

/// The version of the library that the worker is built with.
fn library_version() -> &'static str {
    let module = include_str!("../../workers/asynq/go.mod");
    let line = module.lines().find_map(|line| line.split_once("hibiken/asynq "));
    line.map_or("unknown", |(_, version)| version.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_library_is_the_locked_one() {
        assert_eq!(library_version(), "v0.26.0");
    }
}
