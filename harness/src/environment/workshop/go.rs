//! `go build`: one program without dependencies.

use std::path::{Path, PathBuf};

use schedbench_contract::WorkerSource;

use super::WorkerProgram;
use super::bench::{Bench, Lack};
use crate::environment::Result;

/// What Go says where no proxy of modules answers.
pub(super) const UNREACHABLE: &[&str] = &["dial tcp", "i/o timeout", "TLS handshake timeout"];

/// Builds with exactly the versions of `go.mod` and `go.sum`; where modules
/// come from, the user's own settings say.
pub(super) fn make(bench: &Bench<'_>) -> Result<()> {
    let mut command = bench.command("go")?;
    command.current_dir(root(bench.place, bench.source));
    command.args(["build", "-trimpath", "-o", bench.source.name, "."]);
    // Nothing here needs C, so no C compiler is needed either. Flags, a
    // workspace or a vendored copy of the user's must not change what is
    // measured.
    command.env("GOFLAGS", "-mod=readonly -buildvcs=false");
    command.env("CGO_ENABLED", "0").env("GOWORK", "off");
    bench.run(&mut command, || Lack {
        why: "Go is not installed, and its worker is written in Go.",
        remedy: "install Go 1.26 or later (go.dev/doc/install)",
    })
}

pub(super) fn program(place: &Path, source: &WorkerSource) -> WorkerProgram {
    WorkerProgram { program: root(place, source).join(source.name), args: Vec::new() }
}

/// Where the program's own module is: in the directory of its name, if there
/// is one, with modules beside it that it shares with others.
fn root(place: &Path, source: &WorkerSource) -> PathBuf {
    let beside = format!("{}/go.mod", source.name);
    let has_others = source.files.iter().any(|(path, _)| *path == beside);
    if has_others { place.join(source.name) } else { place.to_owned() }
}
