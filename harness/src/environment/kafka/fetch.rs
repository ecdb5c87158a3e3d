//! Kafka's jars: fetched once by Maven, checked one by one, kept in a cache.
//!
//! `pom.xml` says which Kafka, `kafka.lock` which files have to come out, with
//! their SHA-256 and sizes. The cache's name holds the hash of both, so that
//! another version never finds this one's files. What is fetched appears under
//! that name only when all of it is there and right.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::environment::{Error, Result};

const POM: &str = include_str!("pom.xml");
const LOCK: &str = include_str!("kafka.lock");
/// Which of Maven's plugins copies the jars; its own version is no accident of
/// the Maven that is installed.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/// Lines of Maven's that an error shows.
const LAST_LINES: usize = 5;

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
    let set = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    // By the XDG Base Directory Specification a relative path is ignored.
    let caches = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let caches = caches.or_else(|| Some(set("HOME")?.join(".cache")))?;
    let mut hash = Sha256::new();
    hash.update(POM);
    hash.update(LOCK);
    Some(caches.join("schedbench").join(format!("kafka-{}", &hex(&hash.finalize())[..16])))
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
    let cache = cache().ok_or_else(|| {
        Error::Unfit("there is no place for a cache: export XDG_CACHE_HOME=/a/directory".into())
    })?;
    if is_complete(&cache) {
        return Ok(cache);
    }
    let caches = cache.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(caches)
        .map_err(Error::io(format!("making {}", caches.display())))?;
    let making = Making::beside(&cache)?;
    let version = version_of_lock();
    progress(&format!("fetching Kafka {version} with Maven into {}", cache.display()));
    run_maven(&making.0)?;
    progress("checking what came");
    check(&making.0.join("libs"))?;
    making.become_the(&cache)?;
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

/// A directory of ours that is removed unless it becomes the cache.
struct Making(PathBuf);

impl Making {
    fn beside(cache: &Path) -> Result<Self> {
        let mut name = cache.as_os_str().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let path = PathBuf::from(name);
        // Left by a process of this number that was killed.
        let _ = fs::remove_dir_all(&path);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(Error::io(format!("making {}", path.display())))?;
        let making = Self(path);
        let pom = making.0.join("pom.xml");
        fs::write(&pom, POM).map_err(Error::io(format!("writing {}", pom.display())))?;
        Ok(making)
    }

    /// Takes the cache's name. What is there and incomplete goes first; who
    /// was quicker and is complete stays.
    fn become_the(self, cache: &Path) -> Result<()> {
        if is_complete(cache) {
            return Ok(());
        }
        let _ = fs::remove_dir_all(cache);
        match fs::rename(&self.0, cache) {
            Err(_) if is_complete(cache) => Ok(()),
            renamed => renamed.map_err(Error::io(format!("making {}", cache.display()))),
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run_maven(dir: &Path) -> Result<()> {
    let said = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--no-transfer-progress", COPY])
        .args(["-Dstyle.color=never", "-DincludeScope=runtime", "-DoutputDirectory=libs"])
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
         Is its repository reachable from here? Mirrors and proxies: ~/.m2/settings.xml",
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
    lines.join("\n  ")
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

fn hex(bytes: &[u8]) -> String {
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
    fn what_is_not_finished_is_removed() {
        let dir = tempfile::tempdir().expect("a directory");
        let cache = dir.path().join("kafka-0");
        let making = Making::beside(&cache).expect("a directory");
        let path = making.0.clone();
        assert!(path.join("pom.xml").exists() && !cache.exists());
        drop(making);
        assert!(!path.exists());
    }

    #[test]
    fn errors_of_maven_are_told_without_its_advice() {
        let text = "[ERROR] Failed to execute goal\n[ERROR] \n[ERROR] Re-run Maven\nx\n";
        assert_eq!(errors_of_maven(text), "Failed to execute goal");
        assert_eq!(errors_of_maven("no java\n"), "no java");
    }
}
