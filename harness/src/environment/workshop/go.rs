//! `go build`: one program without dependencies.

use std::path::Path;

use schedbench_contract::WorkerSource;

use super::{Bench, Lack, WorkerProgram};
use crate::environment::Result;

/// Builds with exactly the versions of `go.mod` and `go.sum`; where modules
/// come from, the user's own settings say.
pub(super) fn make(bench: &Bench<'_>) -> Result<()> {
    let mut command = bench.command("go")?;
    command.args(["build", "-trimpath", "-o", bench.source.name, "."]);
    // Nothing here needs C, so no C compiler is needed either. A workspace or
    // a vendored copy of the user's must not change what is measured.
    command.env("GOFLAGS", "-mod=readonly").env("CGO_ENABLED", "0").env("GOWORK", "off");
    bench.run(&mut command, || Lack {
        why: "Go is not installed, and its worker is written in Go.",
        remedy: "install Go 1.24 or later (go.dev/doc/install)",
    })
}

pub(super) fn program(place: &Path, source: &WorkerSource) -> WorkerProgram {
    WorkerProgram { program: place.join(source.name), args: Vec::new() }
}
