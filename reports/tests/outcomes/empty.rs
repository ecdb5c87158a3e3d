//! An outcome before its first cell.

use schedbench_contract::{Server, WorkersShape};
use schedbench_reports::outcome::*;

use super::Model;

pub fn system(model: &Model) -> System {
    System {
        system: model.system.into(),
        profile: model.profile.into(),
        summary: format!("{} as its {} profile", model.system, model.profile),
        claims: Claims {
            durability: model.class,
            ack: model.ack,
            confirms: model.confirms,
            delay: "native, never early".into(),
            order: "none".into(),
            cancel: true,
            retries: "native".into(),
            not_comparable: model.not_comparable.map(String::from),
        },
        worker_runtime: model.runtime.into(),
        server: model.server.map(|(name, version, year)| Server {
            name: name.into(),
            version: version.into(),
            year: Some(year),
            settings: vec![
                ("appendonly".into(), "yes".into()),
                ("appendfsync".into(), model.profile.into()),
                ("io-threads".into(), "1".into()),
            ],
        }),
    }
}

/// No systems, no cells.
pub fn empty() -> Outcome {
    Outcome {
        schema_version: SCHEMA_VERSION,
        run: Run {
            id: "7f3a".into(),
            tool: "0.1.0".into(),
            commit: Some("47aec3a1f0".into()),
            started: "2026-11-23T04:30:00Z".into(),
            elapsed_s: 742.0,
            command: ["schedbench", "run", "ramp", "--systems", "wheel,heap,tokio,redis-asynq", "--repeats", "3"].map(String::from).into(),
        },
        plan: Plan {
            scenario: "ramp".into(),
            summary: "Open loop from 1k/s to 100k/s, immediate tasks".into(),
            text: "# 1k → 100k\n[load]\nrates = [\"1k\", \"5k\", \"10k\", \"20k\", \"50k\", \"100k\"]\nduration = \"10 s\"\nhorizon = \"2 s\"\n".into(),
            overrides: vec!["repeats=3".into()],
            hash: "b3a1c0ffee".into(),
            seed: 7,
            repeats: 3,
            planned: 0,
            shape: WorkersShape { processes: 2, concurrency: 10, prefetch: 100, connections: 2, window: 1000 },
            body_bytes: 256,
            handler: "nothing".into(),
            arrivals: "poisson".into(),
            objective_p99_s: 1.0,
            objective_holds: None,
            objectives: Vec::new(),
        },
        host: Host {
            cpu: "AMD EPYC 7763".into(),
            cores: 2,
            memory_bytes: 25_000_000_000,
            kernel: "Linux 6.18.5".into(),
            os: "Debian GNU/Linux 12".into(),
            clock_source: "tsc".into(),
            clock_read_ns: 37.0,
            placement: "shared".into(),
            fifo: true,
            timer_slack_ns: 1,
            environment: None,
            network: None,
            proxy: None,
        },
        systems: Vec::new(),
        skipped: Vec::new(),
        cells: Vec::new(),
        ended: Ended::Complete,
    }
}
