//! Where PostgreSQL's programs are, and who may run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment::{Error, Result, User};

/// Debian, Red Hat and their kin keep the programs of each major version apart
/// and off the PATH: the newest of them.
pub(super) fn find() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.filter_map(|entry| {
        let major = entry.file_name().to_str()?.parse::<u32>().ok()?;
        Some((major, entry.path().join("bin/postgres")))
    });
    let red_hat = std::fs::read_dir("/usr").into_iter().flatten().flatten().filter_map(|entry| {
        let major = entry.file_name().to_str()?.strip_prefix("pgsql-")?.parse::<u32>().ok()?;
        Some((major, entry.path().join("bin/postgres")))
    });
    debian.chain(red_hat).filter(|(_, path)| path.is_file()).max().map(|(_, path)| path)
}

/// The version of a `postgres` program.
pub(super) fn version_of(program: &Path) -> Option<String> {
    let said = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    let text = String::from_utf8_lossy(&said.stdout);
    let mut words = text.split_whitespace();
    words.find(|word| *word == "(PostgreSQL)")?;
    words.next().map(str::to_owned)
}

/// The program that makes a cluster, which is beside the server.
pub(super) fn initdb(program: &Path) -> Result<PathBuf> {
    // A link on the PATH leads to where the others are.
    let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let beside = [program, &real].map(|path| path.with_file_name("initdb"));
    beside.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::Unfit(format!(
            "{} has no initdb beside it\n  Install the whole server ({}), or name its directory \
             of programs: {}=/usr/lib/postgresql/15/bin",
            program.display(),
            super::ENTRY.remedy,
            super::ENTRY.program_env
        ))
    })
}

/// Who runs it: PostgreSQL refuses root, and its packages bring a user.
pub(super) fn user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    match users.lines().find_map(postgres) {
        Some(user) => Ok(Some(user)),
        None => Err(Error::Unfit(
            "PostgreSQL does not run as root, and there is no user named postgres\n  \
             Make one: useradd --system postgres"
                .into(),
        )),
    }
}

/// `name:password:uid:gid:…`
fn postgres(line: &str) -> Option<User> {
    let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
    Some(User { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_read_from_its_own_line_only() {
        let line = "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash";
        assert_eq!(postgres(line), Some(User { uid: 101, gid: 104 }));
        for other in ["postgresql:x:1:2::/:", "root:x:0:0::/:", "postgres:x:no:104::/:", ""] {
            assert_eq!(postgres(other), None);
        }
    }
}
