//! Trials with known answers. Every time is virtual.

mod anything;
mod healthy;
mod queues;
mod shapes;
mod stage;
