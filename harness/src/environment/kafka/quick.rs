//! What spares every start time, made once for a Java and a Kafka, and kept
//! beside the jars:
//!
//! ```text
//! <cache>/schedbench/kafka-start-<key>/
//!     formatted/    a log as Kafka's own program formats it
//!     classes.jsa   an archive of the classes that a start loads
//! ```
//!
//! The key holds all that Java says of itself, and name, size and time of every
//! jar: what was made for others is never found. It appears under its name only
//! when all of it is there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::data;
use super::jvm::{Jvm, died};
use super::nodes::{Nodes, Plan};
use crate::environment::making::{self, Making};
use crate::environment::{Error, Result, jars};

/// To end and write the archive, which takes 2 s on a quiet machine.
const DUMP: Duration = Duration::from_secs(60);
const FORMATTED: &str = "formatted";
const CLASSES: &str = "classes.jsa";

/// It, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quick(PathBuf);

impl Quick {
    /// A formatted log.
    pub(super) fn formatted(&self) -> PathBuf {
        self.0.join(FORMATTED)
    }

    /// What a JVM gets to use the archive. One that does not fit is not used,
    /// and the JVM says so.
    pub(super) fn option(&self) -> OsString {
        let mut option = OsString::from("-XX:SharedArchiveFile=");
        option.push(self.0.join(CLASSES));
        option
    }
}

fn is_complete(dir: &Path) -> bool {
    let archive = fs::metadata(dir.join(CLASSES));
    data::is_formatted(&dir.join(FORMATTED)) && archive.is_ok_and(|data| data.len() > 0)
}

/// It; made now, in a directory that is given and removed, if it is not there.
/// A failure is not tried again by this process.
///
/// # Errors
/// It cannot be made or kept. Kafka starts without it.
pub(super) fn have(jvm: &Jvm, room: &Path, log: &Path) -> Result<Quick> {
    static FAILED: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    let place = place(jvm)?;
    // Held while it is made: others of this process wait and find it.
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    if is_complete(&place) {
        return Ok(Quick(place));
    }
    if let Some(why) = failed.get(&place) {
        return Err(Error::Unfit(why.clone()));
    }
    let made = make(jvm, &place, room, log);
    let _ = fs::remove_dir_all(room);
    if let Err(error) = &made {
        failed.insert(place.clone(), error.to_string());
    }
    made.map(|()| Quick(place))
}

/// The same for a start, which goes on without it and says why in its log.
pub(super) fn have_or_say(jvm: &Jvm, room: &Path, log: &Path) -> Option<Quick> {
    match have(jvm, &room.join("training"), log) {
        Ok(quick) => Some(quick),
        Err(error) => {
            let mut file = OpenOptions::new();
            // A log that cannot be written fails the start itself.
            let _ = file.create(true).append(true).mode(0o600).open(log).and_then(|mut file| {
                writeln!(file, "schedbench: starting without an archive of classes: {error}")
            });
            None
        }
    }
}

fn place(jvm: &Jvm) -> Result<PathBuf> {
    let caches = making::caches().ok_or_else(making::no_place)?;
    let mut hash = Sha256::new();
    hash.update(&jvm.java.build);
    for jar in std::env::split_paths(&jvm.class_path) {
        let reading = Error::io(format!("reading {}", jar.display()));
        let data = fs::metadata(&jar).map_err(reading)?;
        let written = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        hash.update(format!("\n{} {} {written:?}", jar.display(), data.len()));
    }
    Ok(caches.join(format!("kafka-start-{}", &jars::hex(&hash.finalize())[..16])))
}

/// Formats a log, starts a Kafka on a copy of it, and lets its JVM write the
/// classes down when it ends.
fn make(jvm: &Jvm, place: &Path, room: &Path, log: &Path) -> Result<()> {
    let making = Making::beside(place)?;
    let log = log.with_extension("training.log");
    let archive = making.path().join(CLASSES);
    let mut dump = OsString::from("-XX:ArchiveClassesAtExit=");
    dump.push(&archive);
    fs::create_dir_all(room).map_err(Error::io(format!("making {}", room.display())))?;
    let plan = Plan {
        jvm,
        nodes: 1,
        who: "kafka, to archive its classes",
        settings: &[],
        room,
        log: &log,
        quick: None,
        options: &[dump],
        by_proxies: false,
    };
    let mut nodes = Nodes::make(&plan)?;
    let formatted = &nodes.all()[0].data;
    data::copy(formatted, &making.path().join(FORMATTED), &data::id()?, 1)?;
    nodes.start()?;
    let trained = nodes.all()[0].child.clone();
    let Some(child) = trained else { return Err(Error::Unfit("it was not started".into())) };
    let exit = child.terminate(Instant::now() + DUMP);
    if !archive.is_file() {
        return Err(died(&child, exit));
    }
    making.become_the(place, is_complete)?;
    // It tells nothing that anybody will need.
    let _ = fs::remove_file(log);
    Ok(())
}

/// Makes it before any run; one line says why it could not be.
pub(super) fn prepare(jvm: &Jvm, room: &Path, say: &mut dyn FnMut(&str)) {
    if place(jvm).is_ok_and(|place| is_complete(&place)) {
        return;
    }
    say("archiving the classes that Kafka loads at its start, which takes about 10 s once");
    if let Err(error) = have(jvm, &room.join("training"), &room.join("kafka.log")) {
        let mut text = String::from("note: Kafka will start more slowly: ");
        // Writing to a String cannot fail.
        let _ = write!(text, "{error}");
        say(&text);
    }
}
