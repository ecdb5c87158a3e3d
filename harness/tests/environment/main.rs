//! What the harness starts and ends: children, rooms, brokers, and what is left
//! of them when it is killed. Kafka has a test program of its own for its
//! gigabytes, and the sampler because it weighs processor time.

mod children;
mod clean;
mod ground;
mod ordered;
mod postgres;
mod rabbitmq;
mod redis;
mod sentinel;
mod watchdog;
mod workshop;
