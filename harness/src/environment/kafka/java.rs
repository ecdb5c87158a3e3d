//! The Java that runs Kafka.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment::{Error, Result};

/// Kafka 4's broker is compiled for it.
const OLDEST: u32 = 17;
const REMEDY: &str = "apt-get install default-jre-headless   (or export JAVA_HOME)";

/// A Java that will do.
#[derive(Clone, Debug)]
pub(crate) struct Java {
    pub(crate) program: PathBuf,
    /// As in `17.0.15`.
    pub(crate) version: String,
    /// All that it says of itself, its build too.
    pub(crate) build: String,
}

impl Java {
    /// The one in `JAVA_HOME`, or on PATH.
    ///
    /// # Errors
    /// There is none, or it is too old.
    pub(crate) fn find() -> Result<Self> {
        let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
        let program = home.map_or("java".into(), |home| Path::new(&home).join("bin/java"));
        Self::at(program)
    }

    fn at(program: PathBuf) -> Result<Self> {
        let said = Command::new(&program).arg("-version").stdin(Stdio::null()).output();
        let said = said.map_err(|error| {
            let name = program.display();
            Error::Unfit(format!(
                "Kafka needs Java, and {name} cannot be started: {error}\n  {REMEDY}"
            ))
        })?;
        let text = String::from_utf8_lossy(&said.stderr);
        // openjdk version "17.0.15" 2025-04-15
        let version = text.split('"').nth(1).unwrap_or("unknown").to_owned();
        match feature_of(&version) {
            Some(feature) if feature >= OLDEST => {
                Ok(Self { program, version, build: text.into_owned() })
            }
            _ => Err(Error::Unfit(format!(
                "Kafka needs Java {OLDEST} or later, and {} is Java {version}\n  {REMEDY}",
                program.display()
            ))),
        }
    }
}

/// The number that names a release: 17 of `17.0.15`, 8 of `1.8.0_292`.
fn feature_of(version: &str) -> Option<u32> {
    let mut parts = version.split(['.', '-', '+', '_']).map(str::parse::<u32>);
    match parts.next()?.ok()? {
        1 => parts.next()?.ok(),
        feature => Some(feature),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn releases_have_their_numbers() {
        for (version, feature) in [
            ("17.0.15", Some(17)),
            ("1.8.0_292", Some(8)),
            ("21", Some(21)),
            ("23-ea", Some(23)),
            ("unknown", None),
        ] {
            assert_eq!(feature_of(version), feature, "{version}");
        }
    }

    #[test]
    fn one_that_is_missing_or_too_old_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().expect("a directory");
        let program = dir.path().join("java");
        let missing = Java::at(program.clone()).expect_err("there is none").to_string();
        assert!(
            missing.contains("cannot be started") && missing.contains("apt-get install"),
            "{missing}"
        );
        let text = "#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n";
        std::fs::write(&program, text).expect("a script");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("a mode");
        let old = Java::at(program).expect_err("it is old").to_string();
        assert!(old.contains("Java 17 or later") && old.contains("is Java 11.0.2"), "{old}");
    }
}
