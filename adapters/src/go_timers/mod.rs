//! Timers of Go in a program of its own: what a reader of the article would
//! pick instead of the built-in wheel.

use schedbench_contract::{
    AckMode, Adapter, Backlog, Claims, Comparable, ConfirmMode, Delay, DurabilityClass, Endpoints,
    Language, Launch, Order, Profile, Recorder, Resends, Result, Retries, Runtime, Server,
    Topology, Work, WorkerSource, WorkersShape,
};

use crate::fed::{FedProducer, Programs, locked_version};

const NAME: &str = "go-timers";

static SOURCE: WorkerSource = WorkerSource {
    name: NAME,
    language: Language::Go,
    files: &[
        ("go-timers/go.mod", include_str!("../../workers/go-timers/go.mod")),
        ("go-timers/go.sum", include_str!("../../workers/go-timers/go.sum")),
        ("go-timers/main.go", include_str!("../../workers/go-timers/main.go")),
        ("fed/go.mod", include_str!("../../workers/fed/go.mod")),
        ("fed/clock.go", include_str!("../../workers/fed/clock.go")),
        ("fed/clock.s", include_str!("../../workers/fed/clock.s")),
        ("fed/cost.go", include_str!("../../workers/fed/cost.go")),
        ("fed/fed.go", include_str!("../../workers/fed/fed.go")),
        ("fed/pauses.go", include_str!("../../workers/fed/pauses.go")),
        ("fed/report.go", include_str!("../../workers/fed/report.go")),
        ("fed/runner.go", include_str!("../../workers/fed/runner.go")),
        ("fed/seeded.go", include_str!("../../workers/fed/seeded.go")),
        ("fed/work.go", include_str!("../../workers/fed/work.go")),
    ],
};

/// A program with a scheduler of Go inside.
#[derive(Debug)]
pub(crate) struct GoTimers {
    profile: &'static Profile,
    programs: Programs,
}

const CLAIMS: Claims = Claims {
    durability: DurabilityClass::InProcess,
    ack: AckMode::None,
    confirms: ConfirmMode::Confirmed,
    delay: Delay::Native { early_by_at_most_ns: 0 },
    order: Order::None,
    cancel: false,
    retries: Retries::Unsupported("a timer fires once, and nothing looks at what came of it"),
    resends: Resends::Noted,
    // It stays with the caller: only the id and the due time are fed.
    largest_body: usize::MAX,
};

const PROFILES: &[Profile] = &[
    Profile {
        name: "afterfunc",
        summary: "time.AfterFunc: a timer of Go's runtime and a goroutine each",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    },
    Profile {
        name: "timingwheel",
        summary: "RussellLuo/timingwheel, 1 ms × 512: cuts due times off to whole milliseconds \
                  and so starts up to 1 ms early",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: Claims { delay: Delay::Native { early_by_at_most_ns: 1_000_000 }, ..CLAIMS },
    },
    Profile {
        name: "tasks",
        summary: "madflojo/tasks, the public Go library of the name that the article uses: two \
                  timers, a context and a goroutine each",
        broker: None,
        broker_settings: &[],
        topology: Topology::Single,
        claims: CLAIMS,
    },
];

impl Adapter for GoTimers {
    const NAME: &'static str = NAME;
    const PROFILES: &'static [Profile] = PROFILES;
    const RUNTIME: Runtime = Runtime::Source(&SOURCE);
    const COMPARABLE: Comparable = crate::fed::COMPARABLE;
    type Producer = FedProducer;

    async fn open(_: &Endpoints, profile: &'static Profile, shape: &WorkersShape) -> Result<Self> {
        Ok(Self { profile, programs: Programs::new(NAME, 1, shape) })
    }

    async fn producer(&self, log: Recorder) -> Result<FedProducer> {
        self.programs.producer(log)
    }

    fn workers(&self, work: &Work, _: Recorder) -> Result<Launch> {
        Ok(self.programs.launch(work))
    }

    async fn backlog(&self) -> Result<Backlog> {
        Ok(self.programs.backlog())
    }

    async fn consumers(&self) -> Result<Option<u32>> {
        Ok(None)
    }

    async fn server(&self) -> Result<Option<Server>> {
        let module = match self.profile.name {
            "timingwheel" => "github.com/RussellLuo/timingwheel",
            "tasks" => "github.com/madflojo/tasks",
            _ => "go",
        };
        let settings = match self.profile.name {
            "timingwheel" => vec![("tick".to_owned(), "1 ms".to_owned())],
            _ => Vec::new(),
        };
        let mut version = locked_version(&SOURCE, module);
        if module == "go" {
            // What the program was made with is the workshop's Go.
            version.push_str(" or later");
        }
        Ok(Some(Server { name: module.to_owned(), version, year: None, settings }))
    }

    async fn purge(&self) -> Result<()> {
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_that_the_program_is_locked_to() {
        assert_eq!(locked_version(&SOURCE, "github.com/madflojo/tasks"), "v1.2.1");
        assert!(locked_version(&SOURCE, "go").starts_with("1."));
        assert_eq!(locked_version(&SOURCE, "example.org/none"), "unknown");
    }
}
