//! Kafka's jars: fetched once by Maven, checked one by one, kept in a cache.
//!
//! `pom.xml` says which Kafka, `kafka.lock` which files have to come out, with
//! their SHA-256 and sizes. The cache's name holds the hash of both, so that
//! another version never finds this one's files. What is fetched appears under
//! that name only when all of it is there and right.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::making::{self, Making};
use crate::environment::{Error, Result};

const POM: &str = include_str!("pom.xml");
const LOCK: &str = include_str!("kafka.lock");
/// Which of Maven's plugins copies the jars; its own version is no accident of
/// the Maven that is installed.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/// Without these Maven 3 waits for minutes where packets are dropped: 5 s for a
/// connection and 30 s for an answer, each tried twice, in ms.
const PATIENCE: &[&str] = &[
    "-Daether.connector.connectTimeout=5000",
    "-Daether.connector.requestTimeout=30000",
    "-Dmaven.wagon.http.retryHandler.count=1",
    "-Daether.connector.http.retryHandler.count=1",
];
/// Lines of Maven's that an error shows, and characters of each.
const LAST_LINES: usize = 5;
const LINE: usize = 400;

/// A file that must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Locked {
    sha256: &'static str,
    bytes: u64,
    name: &'static str,
}

/// Every file of the lock.
fn locked() -> impl Iterator<Item = Locked> {
    LOCK.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (sha256, bytes, name) = (words.next()?, words.next()?, words.next()?);
        Some(Locked { sha256, bytes: bytes.parse().ok()?, name })
    })
}

/// Where the jars are kept, whether or not they are there; `None` where there
/// is no home for caches.
pub(crate) fn cache() -> Option<PathBuf> {
    let mut hash = Sha256::new();
    hash.update(POM);
    hash.update(LOCK);
    Some(making::caches()?.join(format!("kafka-{}", &hex(&hash.finalize())[..16])))
}

/// Whether a directory holds every file in its size. Their content was checked
/// when they were fetched.
pub(crate) fn is_complete(dir: &Path) -> bool {
    locked().all(|file| {
        fs::metadata(dir.join("libs").join(file.name)).is_ok_and(|data| data.len() == file.bytes)
    })
}

/// Fetches the jars into the cache and says where they are; `progress` hears
/// one line at a time. Nothing is done where they are there already.
///
/// # Errors
/// There is no Maven, it cannot reach its repository, or what came is not what
/// the lock says. Nothing half-done is left.
pub fn fetch(mut progress: impl FnMut(&str)) -> Result<PathBuf> {
    let cache = cache().ok_or_else(making::no_place)?;
    if is_complete(&cache) {
        return Ok(cache);
    }
    let making = Making::beside(&cache)?;
    let pom = making.path().join("pom.xml");
    fs::write(&pom, POM).map_err(Error::io(format!("writing {}", pom.display())))?;
    let version = version_of_lock();
    progress(&format!("fetching Kafka {version} with Maven into {}", cache.display()));
    run_maven(making.path())?;
    progress("checking what came");
    check(&making.path().join("libs"))?;
    making.become_the(&cache, is_complete)?;
    Ok(cache)
}

/// The version that the lock brings.
pub(crate) fn version_of_lock() -> &'static str {
    locked().find_map(|file| version_in(file.name)).unwrap_or("unknown")
}

/// The version of Kafka, if this is the name of its main jar.
pub(crate) fn version_in(jar: &str) -> Option<&str> {
    jar.strip_prefix("kafka_2.13-")?.strip_suffix(".jar")
}

fn run_maven(dir: &Path) -> Result<()> {
    let said = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--no-transfer-progress", COPY])
        .args(["-Dstyle.color=never", "-DincludeScope=runtime", "-DoutputDirectory=libs"])
        .args(PATIENCE)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output();
    let said = match said {
        Ok(said) => said,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::Unfit(
                "Kafka's jars come by Maven, and mvn is not installed\n  \
                 apt-get install maven"
                    .into(),
            ));
        }
        Err(error) => return Err(Error::io("starting mvn")(error)),
    };
    if said.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
    let lines = errors_of_maven(&text);
    Err(Error::Unfit(format!(
        "Maven could not fetch Kafka's jars ({})\n  {lines}\n  \
         Is its repository reachable from here? Mirrors and proxies: ~/.m2/settings.xml\n  \
         Nothing was kept. Then again: schedbench prepare kafka",
        said.status
    )))
}

/// The first error lines of Maven's, without the advice that follows them.
fn errors_of_maven(text: &str) -> String {
    let errors = text.lines().filter_map(|line| line.strip_prefix("[ERROR] "));
    let errors = errors.map(str::trim).filter(|line| !line.is_empty());
    let is_advice = |line: &&str| {
        ["To see the full stack trace", "Re-run Maven", "For more information", "[Help "]
            .iter()
            .any(|advice| line.starts_with(advice))
    };
    let mut lines: Vec<&str> = errors.filter(|line| !is_advice(line)).take(LAST_LINES).collect();
    if lines.is_empty() {
        lines = text.lines().take(LAST_LINES).collect();
    }
    let short = |line: &&str| line.chars().take(LINE).collect::<String>();
    lines.iter().map(short).collect::<Vec<_>>().join("\n  ")
}

/// Whether every file is the one of the lock.
fn check(libs: &Path) -> Result<()> {
    for file in locked() {
        let path = libs.join(file.name);
        let refused = |why: String| {
            Error::Unfit(format!(
                "Maven brought another {}: {why}\n  \
                 Nothing was kept. Its copy may be damaged: rm -r ~/.m2/repository/org/apache/kafka",
                file.name
            ))
        };
        let has = match sha256_of(&path) {
            Ok(has) => has,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(refused("it is missing".into()));
            }
            Err(error) => return Err(Error::io(format!("reading {}", path.display()))(error)),
        };
        if has != file.sha256 {
            return Err(refused(format!("SHA-256 {has}, expected {}", file.sha256)));
        }
    }
    no_other(libs)
}

/// A file that the lock does not know would be on the class path too.
fn no_other(libs: &Path) -> Result<()> {
    let reading = || Error::io(format!("reading {}", libs.display()));
    for entry in fs::read_dir(libs).map_err(reading())? {
        let name = entry.map_err(reading())?.file_name();
        if !locked().any(|file| name == file.name) {
            return Err(Error::Unfit(format!(
                "Maven brought a file that is not in the lock: {}",
                name.display()
            )));
        }
    }
    Ok(())
}

fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut some = vec![0; 64 * 1024];
    loop {
        match file.read(&mut some)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&some[..length]),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_read_whole_and_names_the_version_of_the_pom() {
        assert_eq!(locked().count(), LOCK.lines().count());
        assert!(locked().all(|file| file.sha256.len() == 64 && file.bytes > 0));
        assert!(POM.contains(&format!("<version>{}</version>", version_of_lock())));
    }

    #[test]
    fn a_wrong_and_a_missing_and_a_foreign_jar_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = check(dir.path()).expect_err("nothing is there").to_string();
        assert!(missing.contains("it is missing"), "{missing}");
        let first = locked().next().expect("a file");
        fs::write(dir.path().join(first.name), "not a jar").expect("a file");
        let wrong = check(dir.path()).expect_err("it is another").to_string();
        assert!(wrong.contains(first.name) && wrong.contains(first.sha256), "{wrong}");
        fs::write(dir.path().join("other.jar"), "").expect("a file");
        let foreign = no_other(dir.path()).expect_err("it is unknown").to_string();
        assert!(foreign.contains("other.jar"), "{foreign}");
    }

    #[test]
    fn errors_of_maven_are_told_without_its_advice() {
        let text = "[ERROR] Failed to execute goal\n[ERROR] \n[ERROR] Re-run Maven\nx\n";
        assert_eq!(errors_of_maven(text), "Failed to execute goal");
        assert_eq!(errors_of_maven("no java\n"), "no java");
    }
}
