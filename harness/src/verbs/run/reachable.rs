//! Whether a broker is here, and as the profile needs it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::environment::{self, Entry, Mode, Need, Source};

/// Whether the program that would be started is not too old, and not too new.
fn of_age(entry: &Entry, need: &Need<'_>, program: &Path) -> Result<(), environment::Missing> {
    let Need { who, profile, .. } = *need;
    // Asking may take a start of the program; it is the same in every block.
    static ASKED: Mutex<BTreeMap<PathBuf, Option<String>>> = Mutex::new(BTreeMap::new());
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let version = asked.entry(program.to_owned()).or_insert_with(|| (entry.version)(program));
    match version.as_deref() {
        Some(version) if entry.is_too_old(version) => {
            let (major, minor) = entry.oldest;
            let name = entry.broker.name();
            Err(environment::Missing {
                who: who.to_owned(),
                what: "broker",
                why: format!("{name} {version} is too old: expected {major}.{minor} or later."),
                remedy: entry.remedy.to_owned(),
                instead: Some(format!("--env compose, or {}", entry.url_env)),
            })
        }
        Some(version) => match entry.lacks(version, profile) {
            None => Ok(()),
            Some(why) => Err(environment::Missing {
                who: who.to_owned(),
                what: "broker",
                why,
                remedy: format!("export {}= an older {}", entry.program_env, entry.program),
                instead: None,
            }),
        },
        // One that cannot be read is found out, with its log, when it starts.
        None => Ok(()),
    }
}

/// Whether a broker is here: a program that can be started, or a server that
/// answers, takes the credentials of its URL, and is as the profile needs it.
pub(super) fn reachable(
    mode: Mode,
    entry: &Entry,
    need: &Need<'_>,
) -> Result<(), environment::Missing> {
    let Need { who, profile, url_env, .. } = *need;
    let variable = match mode.source(entry, who, url_env, profile.topology)? {
        Source::Url(variable) => variable,
        Source::Program(program) => return of_age(entry, need, &program),
        Source::Compose(_) => return Ok(()),
    };
    let why = match entry.ask(&variable) {
        Ok(version) if entry.is_too_old(&version) => {
            format!("The {} of {variable} is {version}, which is too old.", entry.broker.name())
        }
        Ok(_) => match entry.suits(&variable, need) {
            Ok(()) => return Ok(()),
            Err(error) => return Err(unsuited(who, &variable, &error)),
        },
        Err(error) => format!("{}.", error.to_string().trim_end_matches('.')),
    };
    let remedy = format!("correct {variable}");
    Err(environment::Missing { who: who.into(), what: "broker", why, remedy, instead: None })
}

/// One that is there and will not do, as one that is missing: its message
/// begins with whom it is for, and its second line is what to do.
fn unsuited(who: &str, variable: &str, error: &environment::Error) -> environment::Missing {
    let text = error.to_string();
    let text = text.strip_prefix(&format!("{who}: ")).unwrap_or(&text);
    let (why, remedy) = match text.split_once('\n') {
        Some((why, remedy)) => (why, remedy.trim().to_owned()),
        None => (text, format!("correct {variable}")),
    };
    let why = format!("{}.", why.trim_end_matches('.'));
    environment::Missing { who: who.into(), what: "broker", why, remedy, instead: None }
}
