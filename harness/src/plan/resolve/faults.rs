//! The faults of a scenario: whether they lie in the window, have a victim that
//! there is, say what their kind needs, and leave each other alone.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::bounds::Bounds;
use super::steps::Group;
use super::{commands, trials};
use crate::fault::{LinkFault, Links, Side};
use crate::plan::{Commands, Deed, Fault, FaultKind, Road, Step, Victim};
use crate::scenario::{self, At, Mode, Nanos, Scenario, ScenarioError};

/// The faults in the order in which they are written.
pub(super) fn faults(
    bounds: &Bounds<'_>,
    written: &[scenario::Fault],
    mode: Mode,
    processes: u32,
) -> Result<(Vec<Fault>, Vec<Commands>), ScenarioError> {
    let has_faults = matches!(mode, Mode::Open | Mode::Backlog);
    if let (Some(first), false) = (written.first(), has_faults) {
        return Err(bounds.text.error(
            &first.kind.span,
            format!("a fault with mode = \"{}\"", mode.name()),
            "expected mode = \"open\" with it: a rate that does not follow the system",
        ));
    }
    let elsewhere = |fault: &&scenario::Fault| !fault.on.is_of_the_broker();
    if let (Mode::Backlog, Some(fault)) = (mode, written.iter().find(elsewhere)) {
        return Err(bounds.text.error(
            &fault.on.span,
            format!("a fault on {} while a backlog rests", *fault.on),
            "expected on = \"broker\" or \"node\": no worker and no producer is there then",
        ));
    }
    let mut faults: Vec<Fault> = Vec::new();
    let mut commands = Vec::new();
    for fault in written {
        let deed = match (deed(bounds, fault)?, commands::of(bounds, fault)?) {
            (_, Some(pair)) => {
                commands.push(pair);
                Deed::Command(commands.len() - 1)
            }
            (deed, None) => deed,
        };
        let one = Fault {
            deed,
            on: victim(bounds, fault, processes)?,
            at_ns: fault.at.0,
            for_ns: lasts(bounds, fault)?,
        };
        let meets = |other: &&Fault| {
            other.on.meets(one.on) && other.at_ns < one.until_ns() && one.at_ns < other.until_ns()
        };
        if let Some(other) = faults.iter().find(meets) {
            return Err(bounds.text.error(
                &fault.on.span,
                "two faults on one process at one time",
                format!("expected it to be well: there is {other}"),
            ));
        }
        faults.push(one);
    }
    Ok((faults, commands))
}

fn victim(
    bounds: &Bounds<'_>,
    fault: &scenario::Fault,
    processes: u32,
) -> Result<Victim, ScenarioError> {
    let on = *fault.on;
    let kind = fault.kind.name();
    if on != Victim::Broker && *fault.kind == FaultKind::Command {
        return Err(bounds.text.error(
            &fault.on.span,
            format!("a command on {on}"),
            "expected \"broker\", the only one that may not be schedbench's own",
        ));
    }
    if on != Victim::Broker && *fault.kind == FaultKind::DiskFull {
        return Err(bounds.text.error(
            &fault.on.span,
            format!("{on} with a full disk"),
            "expected \"broker\", of a cluster every node: nobody else keeps tasks on one",
        ));
    }
    match on {
        Victim::Link(_) if fault.kind.is_of_a_process() => Err(bounds.text.error(
            &fault.on.span,
            format!("a link that is to {kind}"),
            "expected a process: \"broker\", \"node\", \"leader\", \"replica\", \"replicas\", \
             \"workers\" or \"worker:1\"",
        )),
        Victim::Link(_) => Ok(on),
        _ if !fault.kind.is_of_a_process() => Err(bounds.text.error(
            &fault.on.span,
            format!("a process with kind = \"{kind}\""),
            "expected a link: \"producer-broker\", \"worker-broker\", \"links\" or \
             \"between-brokers\"",
        )),
        Victim::Worker(number) if number > processes => Err(bounds.text.error(
            &fault.on.span,
            format!("there is no worker {number}"),
            format!("expected 1 to {processes}: [workers] processes = {processes}"),
        )),
        on => Ok(on),
    }
}

fn lasts(bounds: &Bounds<'_>, fault: &scenario::Fault) -> Result<u64, ScenarioError> {
    match (&fault.lasts, *fault.kind) {
        (None, FaultKind::Reset) => Ok(0),
        (Some(lasts), FaultKind::Reset) => Err(bounds.text.error(
            &lasts.span,
            "a reset that lasts",
            "expected no `for`: it is over at once",
        )),
        (Some(lasts), _) => {
            bounds.above_zero(lasts, "a fault of 0", "expected time for it to last")?;
            Ok(lasts.0)
        }
        (None, kind) => Err(bounds.text.error(
            &fault.kind.span,
            "missing key `for`",
            format!("expected for = \"5 s\" with kind = \"{}\"", kind.name()),
        )),
    }
}

fn deed(bounds: &Bounds<'_>, fault: &scenario::Fault) -> Result<Deed, ScenarioError> {
    let kind = *fault.kind;
    let has_bytes = matches!(kind, FaultKind::Bandwidth | FaultKind::Slice | FaultKind::Cut);
    let has_side =
        has_bytes || matches!(kind, FaultKind::Stall | FaultKind::BlackHole | FaultKind::Delay);
    let means_nothing = |field: &str| {
        (format!("`{field}` has no meaning with kind = \"{}\"", kind.name()), "expected none")
    };
    if let (Some(side), false) = (&fault.side, has_side) {
        let (title, label) = means_nothing("side");
        return Err(bounds.text.error(&side.span, title, label));
    }
    for (field, written) in [("delay", &fault.delay), ("jitter", &fault.jitter)] {
        if let (Some(written), true) = (written, kind != FaultKind::Delay) {
            let (title, label) = means_nothing(field);
            return Err(bounds.text.error(&written.span, title, label));
        }
    }
    if let (Some(bytes), false) = (&fault.bytes, has_bytes) {
        let (title, label) = means_nothing("bytes");
        return Err(bounds.text.error(&bytes.span, title, label));
    }
    let side = fault.side.as_ref().map_or(Side::Both, |side| **side);
    let time = |written: &At<Nanos>| Duration::from_nanos(written.0);
    Ok(match kind {
        FaultKind::Kill => Deed::Kill,
        FaultKind::Terminate => Deed::Terminate,
        FaultKind::Pause => Deed::Pause,
        // Its pair is read apart.
        FaultKind::Command => Deed::Command(0),
        FaultKind::DiskFull => Deed::DiskFull,
        FaultKind::Stall => Deed::Link(LinkFault::Stall(side)),
        FaultKind::BlackHole => Deed::Link(LinkFault::BlackHole(side)),
        FaultKind::Reset => Deed::Link(LinkFault::Reset),
        FaultKind::Refuse => Deed::Link(LinkFault::Refuse),
        FaultKind::Delay => {
            let Some(delay) = &fault.delay else {
                return Err(bounds.text.error(
                    &fault.kind.span,
                    "missing key `delay`",
                    "expected delay = \"50 ms\" with kind = \"delay\"",
                ));
            };
            bounds.above_zero(delay, "a delay of 0", "expected a delay above 0")?;
            let jitter = fault.jitter.as_ref().map_or(Duration::ZERO, time);
            Deed::Link(LinkFault::Delay { side, base: time(delay), jitter })
        }
        FaultKind::Bandwidth => {
            Deed::Link(LinkFault::Bandwidth { side, per_second: bytes_of(bounds, fault)? })
        }
        FaultKind::Slice => {
            let bytes = bytes_of(bounds, fault)?.try_into().unwrap_or(NonZeroUsize::MAX);
            Deed::Link(LinkFault::Slice { side, bytes })
        }
        FaultKind::Cut => {
            Deed::Link(LinkFault::CutAfter { side, bytes: bytes_of(bounds, fault)?.get() })
        }
    })
}

/// How many bytes: none would be another kind of fault.
fn bytes_of(bounds: &Bounds<'_>, fault: &scenario::Fault) -> Result<NonZeroU64, ScenarioError> {
    let kind = fault.kind.name();
    let Some(bytes) = &fault.bytes else {
        return Err(bounds.text.error(
            &fault.kind.span,
            "missing key `bytes`",
            format!("expected bytes = \"10 kB\" with kind = \"{kind}\""),
        ));
    };
    NonZeroU64::new(bytes.0).ok_or_else(|| {
        let expected = "expected at least 1: kind = \"stall\" lets none through";
        bounds.text.error(&bytes.span, format!("a {kind} of 0 bytes"), expected)
    })
}

/// That what is done to links can be done by taking one down, where that is how.
pub(super) fn can_be_links(scenario: &Scenario) -> Result<(), ScenarioError> {
    if scenario.links == Links::Proxies {
        return Ok(());
    }
    let faults = scenario.settings.faults();
    for fault in faults.filter(|fault| !fault.kind.is_of_a_process()) {
        let is_whole = matches!(*fault.on, Victim::Link(Road::Both | Road::Between));
        if *fault.kind != FaultKind::BlackHole || !is_whole || fault.side.is_some() {
            return Err(scenario.text.error(
                &fault.kind.span,
                format!("{} {} with --network namespaces", fault.kind.name(), *fault.on),
                "expected kind = \"black-hole\", on = \"links\" or \"between-brokers\", no side: \
                 a link is taken down as a whole",
            ));
        }
    }
    Ok(())
}

/// That the faults of every cell are over before its window is: what comes
/// after them is what is measured.
pub(super) fn lie_in_the_window(
    scenario: &Scenario,
    bounds: &Bounds<'_>,
    groups: &[Group],
) -> Result<(), ScenarioError> {
    let end = |fault: &scenario::Fault| {
        fault.at.0.saturating_add(fault.lasts.as_ref().map_or(0, |lasts| lasts.0))
    };
    for step in groups.iter().flatten() {
        let (Step::Cell(cell) | Step::AtCapacity { cell, .. }) = step else { continue };
        // A backlog is drained when its faults are over, however long they take.
        if cell.load.is_backlog() {
            continue;
        }
        let window = cell.load.window_ns();
        let faults = trials::written(&scenario.settings, cell);
        if let Some(fault) = faults.iter().find(|fault| end(fault) >= window) {
            return Err(bounds.text.error(
                &fault.at.span,
                format!("a fault until {}, past the end of the window", Nanos(end(fault))),
                format!("expected it to be over before {}", Nanos(window)),
            ));
        }
    }
    Ok(())
}
