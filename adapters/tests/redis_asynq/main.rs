//! The adapter for Asynq's protocol against a real Redis.
#![cfg(feature = "redis-asynq")]

mod bench;
mod flow;
