//! A backlog as a run plays it: built up while nobody runs it, its broker
//! killed, drained; what a class promises is there to the last task.

use schedbench::plan::{CellPlan, Deed, Fault, Load, Target, Victim};
use schedbench_contract::{AckMode, Broker, ConfirmMode, DurabilityClass};
use schedbench_reports::outcome::Value;

use crate::S;
use crate::play::{Staging, plan, play};
use crate::systems::on_every_system;

const TASKS: u64 = 2_000;
/// Redis with `everysec` may hold its file back for 2 s.
const KILL: Fault = Fault { deed: Deed::Kill, on: Victim::Node, at_ns: 3 * S, for_ns: S };

fn a_backlog_survives_as_claimed_and_is_drained(target: Target) {
    let profile = target.profile;
    let in_its_program = matches!(profile.claims.ack, AckMode::None | AckMode::Locked);
    if profile.broker.is_none() || in_its_program {
        return;
    }
    let on = KILL.on.of(profile.topology.is_of_several());
    let faults = vec![Fault { on, ..KILL }];
    let load = Load::Backlog { tasks: TASKS };
    let cell = CellPlan { load, faults, horizon_ns: 60 * S, ..plan(target, 1, 1) };
    let played = play(&cell, &Staging::default());
    let name = target.name();
    let (counts, metrics) = (&played.cell.counts, &played.cell.metrics);
    println!("{name}: {metrics:?}");
    assert!(counts.balances && counts.residual == 0, "{name}: {counts:?}");
    assert_eq!((played.taken, played.probes), (TASKS, 0), "{name}");
    let missing = match profile.claims.confirms {
        ConfirmMode::Confirmed => {
            assert_eq!(counts.lost, counts.grid.ok[0], "{name}: what is missing is proved lost");
            counts.lost
        }
        ConfirmMode::Unconfirmed => counts.grid.unknown[0],
    };
    assert_eq!(counts.window.done + missing, TASKS, "{name}");
    match (profile.claims.durability, profile.broker) {
        (DurabilityClass::InProcess | DurabilityClass::BrokerMemory, _) => {
            assert_eq!(missing, TASKS, "{name}");
        }
        // Nobody can say what a bounded window loses; Redis has written by then.
        (DurabilityClass::BoundedWindow, broker) if broker != Some(Broker::Redis) => {}
        _ => assert_eq!(missing, 0, "{name}"),
    }
    assert_eq!(played.backlog.outstanding(), 0, "{name}");
    let is = |name: &str| matches!(metrics[name], Value::Is(seconds) if seconds > 0.0);
    assert!(is("backlog.ready") && is("backlog.restart"), "{name}: {metrics:?}");
    if missing < TASKS {
        assert!(is("backlog.resume") && is("backlog.drain_time"), "{name}: {metrics:?}");
    }
}

on_every_system! { PROMISES: a_backlog_survives_as_claimed_and_is_drained; }
