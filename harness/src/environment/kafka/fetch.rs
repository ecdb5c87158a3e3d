//! Kafka's jars: which they are (`pom.xml`) and what has to come (`kafka.lock`).

use std::path::{Path, PathBuf};

use crate::environment::{Jars, Result};

const JARS: Jars = Jars {
    what: "Kafka 4.1.0",
    name: "kafka",
    pom: include_str!("pom.xml"),
    lock: include_str!("kafka.lock"),
    again: "schedbench prepare kafka",
};

/// Where the jars are kept, whether or not they are there; `None` where there
/// is no home for caches.
pub(crate) fn cache() -> Option<PathBuf> {
    JARS.cache()
}

/// Whether a directory holds every file.
pub(crate) fn is_complete(dir: &Path) -> bool {
    JARS.is_complete(dir)
}

/// Fetches the jars into the cache and says where they are; `progress` hears
/// one line at a time. Nothing is done where they are there already.
///
/// # Errors
/// There is no Maven, it cannot reach its repository, or what came is not what
/// the lock says. Nothing half-done is left.
pub fn fetch(progress: impl FnMut(&str)) -> Result<PathBuf> {
    JARS.fetch(progress)
}

/// The version of Kafka, if this is the name of its main jar.
pub(crate) fn version_in(jar: &str) -> Option<&str> {
    jar.strip_prefix("kafka_2.13-")?.strip_suffix(".jar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_read_whole_and_names_the_version_of_the_pom() {
        assert_eq!(JARS.names().count(), JARS.lock.lines().count());
        let version = JARS.names().find_map(version_in).expect("the main jar");
        assert!(JARS.pom.contains(&format!("<version>{version}</version>")));
        assert_eq!(JARS.what, format!("Kafka {version}"));
    }
}
