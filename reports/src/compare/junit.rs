//! A comparison as the report of a test run: a figure that became worse is a
//! failed test, one that could not be tested a skipped one, and a system that
//! has no valid cell any more an error, as is that no figure at all could be
//! tested. Tasks lost where none may be are a
//! failed test of their own.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::analysis::Call;
use crate::numbers::Medium;

use super::sentences::{lost, smallest, what_changed};
use super::under::at;
use super::{Comparison, Item, Loss};

/// JUnit's XML: a suite per system and profile, a test per figure.
#[must_use]
pub fn junit(it: &Comparison) -> String {
    let mut report = Report::new(format!("schedbench compare {}", it.scenario));
    let mut suites: Vec<TestSuite> = Vec::new();
    for loss in &it.losses {
        let name = format!("{}/{}", loss.system, loss.profile);
        suite(&mut suites, &name).add_test_case(case_of_loss(loss, &name));
    }
    for item in &it.items {
        let name = format!("{}/{}", item.system, item.profile);
        suite(&mut suites, &name).add_test_case(case(item));
    }
    for name in &it.gone {
        suite(&mut suites, name).add_test_case(nothing_left(name));
    }
    if let (true, Some(why)) = (it.gone.is_empty(), it.undecided()) {
        suite(&mut suites, "comparison").add_test_case(nothing_tested(&why));
    }
    report.add_test_suites(suites);
    // Nothing but a failing writer makes it fail, and a string is none.
    report.to_string().unwrap_or_default()
}

/// The suite of that name, made if there is none.
fn suite<'a>(suites: &'a mut Vec<TestSuite>, name: &str) -> &'a mut TestSuite {
    let place = suites.iter().position(|suite| suite.name.as_str() == name);
    let place = place.unwrap_or_else(|| {
        suites.push(TestSuite::new(name));
        suites.len() - 1
    });
    &mut suites[place]
}

/// Figures that could not be tested are skipped tests, with which it would look
/// passed.
fn nothing_left(name: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message("a valid cell before, none after: nothing can be told").set_type("gone");
    let mut case = TestCase::new("a valid cell", status);
    case.set_classname(name);
    case
}

/// The same of a comparison that could test no figure, and ends with exit code 2.
fn nothing_tested(why: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(why.to_owned()).set_type("undecided");
    let mut case = TestCase::new("a figure that could be tested", status);
    case.set_classname("comparison");
    case
}

fn case_of_loss(loss: &Loss, name: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(lost(loss)).set_type("lost");
    let mut case = TestCase::new(format!("nothing lost in {}", loss.under), status);
    case.set_classname(name);
    case
}

fn case(item: &Item) -> TestCase {
    let what = what_changed(item, Medium::Terminal);
    let status = match &item.change.call {
        Call::Worse => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(what.clone()).set_type("worse");
            status
        }
        Call::NotTested(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.clone());
            status
        }
        Call::Better | Call::Small | Call::Noise => TestCaseStatus::success(),
    };
    let at = at(item);
    let variant = item.variant.as_ref().map_or_else(String::new, |it| format!(", {it}"));
    let name = format!("{}{at}{variant}", item.kind.title(item.latency));
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("{}/{}", item.system, item.profile));
    let could_see = smallest(item, Medium::Terminal)
        .map_or_else(String::new, |size| format!("; could see {size}"));
    case.set_system_out(format!("{what}{could_see}"));
    case
}
