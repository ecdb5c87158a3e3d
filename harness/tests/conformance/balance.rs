//! Ten thousand tasks, each exactly once.

use schedbench::plan::Target;

use crate::play::{Staging, plan, play};
use crate::systems::on_every_system;

fn ten_thousand_tasks_run_once_each(target: Target) {
    play(&plan(target, 10_000, 10_000), &Staging::default()).balances(10_000, 0, 0);
}

on_every_system! { DEFAULTS: ten_thousand_tasks_run_once_each; }
