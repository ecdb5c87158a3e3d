//! Questions that a profile's promise answers, beside what was seen of it.

use schedbench_contract::{AckMode, ConfirmMode, DurabilityClass};

use super::{Able, Choice, Other, Question};
use crate::analysis::backlog::Backlog;
use crate::analysis::faults::{Faults, Guarantee, Kept, OnLoss};
use crate::analysis::groups::ClassKey;
use crate::analysis::{NOOP, label_of_system};
use crate::numbers::whole;
use crate::outcome::{Outcome, System};

fn contenders(outcome: &Outcome) -> impl Iterator<Item = &System> {
    outcome.systems.iter().filter(|system| system.system != NOOP)
}

/// What survives the death of its process, and of a worker's.
pub(super) fn crash(outcome: &Outcome, faults: &Faults, backlogs: &[Backlog]) -> Option<Question> {
    let mut classes: Vec<(ClassKey, Able)> = Vec::new();
    let mut others = Vec::new();
    for system in contenders(outcome) {
        let label = label_of_system(outcome, system);
        let broken = || broken(outcome, system, faults, backlogs);
        match promise(system).or_else(broken) {
            Some(why) => others.push(Other { label, why }),
            None => {
                let class = ClassKey::of(&system.claims);
                let choice = Choice { label, place: None, by: seen(system, faults, backlogs) };
                add(&mut classes, class, choice);
            }
        }
    }
    classes.sort_by_key(|(class, _)| class.order());
    Some(Question {
        asks: "Must it survive a crash?",
        by: "Who promises that what the broker has taken outlives its process, and that what a killed \
             worker held comes again. Beside it what this run showed.",
        classes: classes.into_iter().map(|(_, able)| able).collect(),
        others,
    })
}

/// Why its promise does not cover a crash.
fn promise(system: &System) -> Option<String> {
    let claims = &system.claims;
    match claims.durability {
        DurabilityClass::InProcess
        | DurabilityClass::BrokerMemory
        | DurabilityClass::BoundedWindow => return Some(claims.durability.describe().to_owned()),
        DurabilityClass::ProcessCrash
        | DurabilityClass::PowerLoss
        | DurabilityClass::Replicated => {}
    }
    if claims.confirms == ConfirmMode::Unconfirmed {
        return Some("nothing is confirmed, so what was taken is not known".to_owned());
    }
    (claims.ack == AckMode::Early)
        .then(|| "acknowledged before the handler: a killed worker's tasks are lost".to_owned())
}

fn of<'a>(system: &System, faults: &'a Faults) -> impl Iterator<Item = &'a Guarantee> {
    let (name, profile) = (system.system.clone(), system.profile.clone());
    let is_of =
        move |one: &&Guarantee| (&one.tried.system, &one.tried.profile) == (&name, &profile);
    faults.guarantees.iter().filter(is_of)
}

fn piled<'a>(system: &System, backlogs: &'a [Backlog]) -> impl Iterator<Item = &'a Backlog> {
    let (name, profile) = (system.system.clone(), system.profile.clone());
    let is_of = move |one: &&Backlog| (&one.system, &one.profile) == (&name, &profile);
    backlogs.iter().filter(is_of).filter(|one| one.fault.is_some())
}

/// What it lost where it promised not to.
fn broken(
    outcome: &Outcome,
    system: &System,
    faults: &Faults,
    backlogs: &[Backlog],
) -> Option<String> {
    let unhurt = outcome.cells.iter().filter(|cell| {
        cell.key.fault.is_none()
            && cell.counts.balances
            && (&cell.key.system, &cell.key.profile) == (&system.system, &system.profile)
    });
    let lost = unhurt.fold(0_u64, |sum, cell| sum.saturating_add(cell.counts.lost));
    if lost > 0 {
        return Some(format!("promised, and {} lost without any fault", whole(lost)));
    }
    // The order that it may have broken is another question.
    let lost = of(system, faults)
        .find(|one| one.promise.on_loss == OnLoss::Broken && one.seen.decided.losing > 0);
    if let Some(one) = lost {
        return Some(format!("promised, and {} ({})", one.losses(), one.tried.fault));
    }
    let lost = piled(system, backlogs).find(|one| one.seen.lost > 0)?;
    Some(format!(
        "promised, and {} of {} lost from a backlog",
        whole(lost.seen.lost),
        whole(lost.seen.confirmed)
    ))
}

/// What speaks for its promise: the losses in words with their bound, or that
/// nothing was tried.
fn seen(system: &System, faults: &Faults, backlogs: &[Backlog]) -> String {
    let tried = of(system, faults).filter(|one| match one.kept() {
        Kept::Yes => true,
        Kept::No => one.seen.decided.kills > 0,
        Kept::Unknown => false,
    });
    let mut said: Vec<String> = tried
        .map(|one| match one.bound() {
            bound if bound.is_empty() => one.losses(),
            bound => format!("{} ({bound})", one.losses()),
        })
        .collect();
    said.extend(piled(system, backlogs).filter(|one| one.seen.repeats > 0).map(|one| {
        let (survived, confirmed) = (whole(one.seen.survived), whole(one.seen.confirmed));
        format!("{survived} of a backlog of {confirmed} ran")
    }));
    said.dedup();
    if said.is_empty() { "promised, not tried in this run".to_owned() } else { said.join("; ") }
}

/// Tasks whose order was looked at, and those out of it, over every cell whose
/// ledger balances.
fn ordered(outcome: &Outcome, system: &System) -> [u64; 2] {
    let cells = outcome.cells.iter().filter(|cell| {
        cell.counts.balances
            && (&cell.key.system, &cell.key.profile) == (&system.system, &system.profile)
    });
    cells.fold([0; 2], |[looked_at, inverted], cell| {
        let counts = &cell.counts;
        // Outcomes of earlier versions count inversions only.
        let of_cell = counts.ordered.max(counts.inversions);
        [looked_at.saturating_add(of_cell), inverted.saturating_add(counts.inversions)]
    })
}

/// What keeps an order.
pub(super) fn order(outcome: &Outcome) -> Option<Question> {
    let mut is_promised = false;
    let mut classes: Vec<(ClassKey, Able)> = Vec::new();
    let mut others = Vec::new();
    for system in contenders(outcome) {
        let label = label_of_system(outcome, system);
        let promised = system.claims.order.trim();
        if promised.is_empty() || promised == "none" {
            others.push(Other { label, why: "no order is promised".to_owned() });
            continue;
        }
        is_promised = true;
        let [looked_at, inverted] = ordered(outcome, system);
        if inverted > 0 {
            let why =
                format!("promised, and {} of {} out of order", whole(inverted), whole(looked_at));
            others.push(Other { label, why });
            continue;
        }
        let seen = match looked_at {
            0 => "not looked at".to_owned(),
            some => format!("none of {} out of order", whole(some)),
        };
        let by = format!("promised: {promised}; {seen}");
        add(&mut classes, ClassKey::of(&system.claims), Choice { label, place: None, by });
    }
    classes.sort_by_key(|(class, _)| class.order());
    is_promised.then(|| Question {
        asks: "Must tasks of a key keep their order?",
        by: "Who promises it, and in how many tasks it was looked at, under a fault or not.",
        classes: classes.into_iter().map(|(_, able)| able).collect(),
        others,
    })
}

/// What workers are written in.
pub(super) fn runtimes(outcome: &Outcome) -> Option<Question> {
    let mut classes: Vec<Able> = Vec::new();
    for system in contenders(outcome) {
        let runtime = system.worker_runtime.split(' ').next().unwrap_or_default();
        let label = label_of_system(outcome, system);
        let choice = Choice { label, place: None, by: system.worker_runtime.clone() };
        match classes.iter_mut().find(|class| class.title == runtime) {
            Some(class) => class.systems.push(choice),
            None => classes.push(Able {
                title: runtime.to_owned(),
                systems: vec![choice],
                margin: String::new(),
            }),
        }
    }
    (classes.len() > 1).then_some(Question {
        asks: "What are the workers written in?",
        by: "The workers that were measured. Across runtimes figures are of a stack, not of a \
             broker.",
        classes,
        others: Vec::new(),
    })
}

fn add(classes: &mut Vec<(ClassKey, Able)>, class: ClassKey, choice: Choice) {
    match classes.iter_mut().find(|(known, _)| *known == class) {
        Some((_, able)) => able.systems.push(choice),
        None => {
            let title = class.title();
            classes.push((class, Able { title, systems: vec![choice], margin: String::new() }));
        }
    }
}
