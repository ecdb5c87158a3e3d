//! The made-up systems, as fast and dear as real ones may be.

use schedbench_contract::{AckMode, ConfirmMode, DurabilityClass};
use schedbench_reports::outcome::Limit;

/// A made-up system.
#[derive(Clone)]
pub struct Model {
    pub system: &'static str,
    pub profile: &'static str,
    pub class: DurabilityClass,
    pub ack: AckMode,
    pub confirms: ConfirmMode,
    pub runtime: &'static str,
    pub server: Option<(&'static str, &'static str, u16)>,
    /// Tasks per second it can do.
    pub capacity: f64,
    /// Median start latency when idle, s.
    pub latency: f64,
    /// Standard deviation of the latency's logarithm.
    pub tail: f64,
    /// CPU-seconds per million: generator, client, broker, workers.
    pub cpu: [f64; 4],
    /// PSS in MB: broker, workers.
    pub pss: [f64; 2],
    /// Who is the limit beyond its capacity.
    pub limit: fn(String) -> Limit,
    /// Why its immediate tasks are not comparable.
    pub not_comparable: Option<&'static str>,
}

pub fn noop() -> Model {
    Model {
        system: "noop",
        profile: "default",
        class: DurabilityClass::InProcess,
        ack: AckMode::None,
        confirms: ConfirmMode::Confirmed,
        runtime: "Rust",
        server: None,
        capacity: 2e6,
        latency: 20e-6,
        tail: 0.45,
        cpu: [0.09, 0.01, 0.0, 0.02],
        pss: [0.0, 0.0],
        limit: Limit::Generator,
        not_comparable: None,
    }
}

pub fn wheel() -> Model {
    Model {
        system: "wheel",
        capacity: 900e3,
        latency: 320e-6,
        tail: 0.4,
        cpu: [0.1, 0.05, 0.0, 0.07],
        pss: [0.0, 9.0],
        ..noop()
    }
}

pub fn heap() -> Model {
    Model {
        system: "heap",
        capacity: 130e3,
        latency: 350e-6,
        tail: 0.5,
        cpu: [0.1, 0.4, 0.0, 0.6],
        pss: [0.0, 14.0],
        ..noop()
    }
}

pub fn tokio() -> Model {
    Model {
        system: "tokio",
        capacity: 72e3,
        latency: 1.1e-3,
        tail: 0.3,
        cpu: [0.1, 2.1, 0.0, 3.6],
        pss: [0.0, 61.0],
        limit: Limit::Workers,
        ..noop()
    }
}

pub fn delay_queue() -> Model {
    Model {
        system: "delay-queue",
        capacity: 95e3,
        latency: 1.2e-3,
        tail: 0.3,
        cpu: [0.1, 1.4, 0.0, 2.2],
        pss: [0.0, 33.0],
        limit: Limit::Machine,
        ..noop()
    }
}

pub fn go_timers() -> Model {
    Model {
        system: "go-timers",
        profile: "afterfunc",
        runtime: "Go",
        capacity: 190e3,
        latency: 0.12e-3,
        tail: 0.6,
        cpu: [0.2, 0.6, 0.0, 2.9],
        pss: [0.0, 48.0],
        not_comparable: Some("immediate tasks wait in no timer"),
        ..noop()
    }
}

pub fn gocron() -> Model {
    Model {
        system: "gocron",
        profile: "no-lock",
        runtime: "Go",
        capacity: 41e3,
        latency: 0.6e-3,
        tail: 0.8,
        cpu: [0.2, 0.7, 0.0, 17.0],
        pss: [0.0, 96.0],
        limit: Limit::Workers,
        ..noop()
    }
}

pub fn asynq_rust() -> Model {
    Model {
        system: "redis-asynq",
        profile: "everysec",
        class: DurabilityClass::ProcessCrash,
        ack: AckMode::Late,
        confirms: ConfirmMode::Confirmed,
        server: Some(("redis", "7.0.15", 2022)),
        capacity: 29e3,
        latency: 0.9e-3,
        tail: 0.55,
        cpu: [0.4, 4.2, 9.1, 7.9],
        pss: [41.0, 20.0],
        limit: Limit::Broker,
        ..noop()
    }
}

pub fn asynq_go() -> Model {
    Model {
        system: "asynq",
        profile: "default",
        runtime: "Go",
        capacity: 7.4e3,
        latency: 3.1e-3,
        tail: 0.8,
        cpu: [0.4, 4.2, 31.0, 62.0],
        pss: [44.0, 71.0],
        limit: Limit::Workers,
        ..asynq_rust()
    }
}

pub fn asynq_always() -> Model {
    Model {
        profile: "always",
        class: DurabilityClass::PowerLoss,
        capacity: 12e3,
        latency: 2.9e-3,
        tail: 0.7,
        cpu: [0.4, 4.4, 19.0, 8.2],
        ..asynq_rust()
    }
}

pub fn rabbit() -> Model {
    Model {
        system: "rabbitmq",
        profile: "durable",
        server: Some(("rabbitmq", "3.10.8", 2022)),
        capacity: 17e3,
        latency: 1.6e-3,
        tail: 0.6,
        cpu: [0.4, 6.0, 61.0, 12.0],
        pss: [190.0, 21.0],
        ..asynq_rust()
    }
}

pub fn celery() -> Model {
    Model {
        system: "celery",
        profile: "late-ack",
        runtime: "Python",
        capacity: 2.2e3,
        latency: 5e-3,
        tail: 0.6,
        cpu: [0.4, 8.0, 31.0, 410.0],
        pss: [48.0, 230.0],
        limit: Limit::Workers,
        ..asynq_rust()
    }
}

pub fn kafka() -> Model {
    Model {
        system: "kafka",
        profile: "acks-all",
        server: Some(("kafka", "3.9.1", 2025)),
        capacity: 88e3,
        latency: 4.1e-3,
        tail: 0.5,
        cpu: [0.3, 1.1, 4.0, 2.2],
        pss: [610.0, 24.0],
        limit: Limit::Delivery,
        ..asynq_rust()
    }
}

pub fn rabbit_transient() -> Model {
    Model {
        profile: "transient-no-confirm",
        class: DurabilityClass::BrokerMemory,
        confirms: ConfirmMode::Unconfirmed,
        capacity: 34e3,
        latency: 0.8e-3,
        cpu: [0.4, 3.0, 31.0, 12.0],
        ..rabbit()
    }
}

pub fn celery_early() -> Model {
    Model { profile: "early-ack", ack: AckMode::Early, capacity: 2.9e3, ..celery() }
}

pub fn postgres_async() -> Model {
    Model {
        profile: "async-commit",
        class: DurabilityClass::BoundedWindow,
        capacity: 9.8e3,
        latency: 1.7e-3,
        ..postgres()
    }
}

pub fn postgres() -> Model {
    Model {
        system: "postgres",
        profile: "skip-locked",
        class: DurabilityClass::PowerLoss,
        server: Some(("postgresql", "15.18", 2026)),
        capacity: 6.1e3,
        latency: 3.9e-3,
        tail: 0.6,
        cpu: [0.4, 20.0, 150.0, 30.0],
        pss: [120.0, 19.0],
        ..asynq_rust()
    }
}
