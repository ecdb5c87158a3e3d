//! The adapter for Asynq's protocol against a real Redis.
#![cfg(feature = "redis-asynq")]

mod bench;
mod flow;
mod interop;
mod leases;
mod outage;
mod queue_life;
mod speed;
mod stored;
mod worker;
