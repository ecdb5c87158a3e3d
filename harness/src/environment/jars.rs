//! Jars: fetched once by Maven, checked one by one, kept in a cache.
//!
//! A `pom.xml` says which, a lock which files have to come out, with their
//! SHA-256 and sizes. The cache's name holds the hash of both, so that another
//! version never finds this one's files. What is fetched appears under that
//! name only when all of it is there and right.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::environment::making::{self, Making};
use crate::environment::{Error, Result};

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

/// Jars of one program.
#[derive(Clone, Copy, Debug)]
pub struct Jars {
    /// What they are, for messages.
    pub what: &'static str,
    /// What the cache's name begins with.
    pub name: &'static str,
    /// What Maven resolves.
    pub pom: &'static str,
    /// A line per file: its SHA-256, its bytes, its name.
    pub lock: &'static str,
    /// The command that fetches them.
    pub again: &'static str,
}

impl Jars {
    /// Every file of the lock.
    fn locked(&self) -> impl Iterator<Item = Locked> + use<> {
        self.lock.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let (sha256, bytes, name) = (words.next()?, words.next()?, words.next()?);
            Some(Locked { sha256, bytes: bytes.parse().ok()?, name })
        })
    }

    /// The names of the files.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.locked().map(|file| file.name)
    }

    /// Where they are kept, whether or not they are there; `None` where there
    /// is no home for caches. The jars are in its `libs`.
    #[must_use]
    pub fn cache(&self) -> Option<PathBuf> {
        let mut hash = Sha256::new();
        hash.update(self.pom);
        hash.update(self.lock);
        let hash = &hex(&hash.finalize())[..16];
        Some(making::caches()?.join(format!("{}-{hash}", self.name)))
    }

    /// Whether a directory holds every file in its size. Their content was
    /// checked when they were fetched.
    pub(crate) fn is_complete(&self, dir: &Path) -> bool {
        self.locked().all(|file| {
            let data = fs::metadata(dir.join("libs").join(file.name));
            data.is_ok_and(|data| data.len() == file.bytes)
        })
    }

    /// Fetches them into the cache and says where they are; `progress` hears
    /// one line at a time. Nothing is done where they are there already.
    ///
    /// # Errors
    /// There is no Maven, it cannot reach its repository, or what came is not
    /// what the lock says. Nothing half-done is left.
    pub fn fetch(&self, mut progress: impl FnMut(&str)) -> Result<PathBuf> {
        let cache = self.cache().ok_or_else(making::no_place)?;
        if self.is_complete(&cache) {
            return Ok(cache);
        }
        let making = Making::beside(&cache)?;
        let pom = making.path().join("pom.xml");
        fs::write(&pom, self.pom).map_err(Error::io(format!("writing {}", pom.display())))?;
        progress(&format!("fetching {} with Maven into {}", self.what, cache.display()));
        self.run_maven(making.path())?;
        progress("checking what came");
        self.check(&making.path().join("libs"))?;
        making.become_the(&cache, |dir| self.is_complete(dir))?;
        Ok(cache)
    }

    fn run_maven(&self, dir: &Path) -> Result<()> {
        let what = self.what;
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
                return Err(Error::Unfit(format!(
                    "the jars of {what} come by Maven, and mvn is not installed\n  \
                     apt-get install maven"
                )));
            }
            Err(error) => return Err(Error::io("starting mvn")(error)),
        };
        if said.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
        let lines = errors_of_maven(&text);
        Err(Error::Unfit(format!(
            "Maven could not fetch the jars of {what} ({})\n  {lines}\n  \
             Is its repository reachable from here? Mirrors and proxies: ~/.m2/settings.xml\n  \
             Nothing was kept. Then again: {}",
            said.status, self.again
        )))
    }

    /// Whether every file is the one of the lock.
    fn check(&self, libs: &Path) -> Result<()> {
        for file in self.locked() {
            let path = libs.join(file.name);
            let refused = |why: String| {
                Error::Unfit(format!(
                    "Maven brought another {}: {why}\n  \
                     Nothing was kept. Its copy in ~/.m2/repository may be damaged: remove it there",
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
        self.no_other(libs)
    }

    /// A file that the lock does not know would be on the class path too.
    fn no_other(&self, libs: &Path) -> Result<()> {
        let reading = || Error::io(format!("reading {}", libs.display()));
        for entry in fs::read_dir(libs).map_err(reading())? {
            let name = entry.map_err(reading())?.file_name();
            if !self.names().any(|file| name == file) {
                return Err(Error::Unfit(format!(
                    "Maven brought a file that is not in the lock: {}",
                    name.display()
                )));
            }
        }
        Ok(())
    }
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

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Jars = Jars {
        what: "a test",
        name: "test",
        pom: "<project/>",
        lock: "00aa  9 first.jar\n00bb 12 second.jar\n",
        again: "again",
    };

    #[test]
    fn a_wrong_and_a_missing_and_a_foreign_jar_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = SOME.check(dir.path()).expect_err("nothing is there").to_string();
        assert!(missing.contains("it is missing"), "{missing}");
        let first = SOME.locked().next().expect("a file");
        fs::write(dir.path().join(first.name), "not a jar").expect("a file");
        let wrong = SOME.check(dir.path()).expect_err("it is another").to_string();
        assert!(wrong.contains(first.name) && wrong.contains(first.sha256), "{wrong}");
        fs::write(dir.path().join("other.jar"), "").expect("a file");
        let foreign = SOME.no_other(dir.path()).expect_err("it is unknown").to_string();
        assert!(foreign.contains("other.jar"), "{foreign}");
    }

    #[test]
    fn errors_of_maven_are_told_without_its_advice() {
        let text = "[ERROR] Failed to execute goal\n[ERROR] \n[ERROR] Re-run Maven\nx\n";
        assert_eq!(errors_of_maven(text), "Failed to execute goal");
        assert_eq!(errors_of_maven("no java\n"), "no java");
    }
}
