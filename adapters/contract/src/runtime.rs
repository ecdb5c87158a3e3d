/// What a system's worker processes are written in.
#[derive(Clone, Copy, Debug)]
pub enum Runtime {
    /// This binary's own `worker` verb, or threads of this process.
    Rust,
    /// A program of the system's own ecosystem, made from sources that this
    /// binary carries.
    Source(&'static WorkerSource),
}

impl Runtime {
    /// As a table says it.
    #[must_use]
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Source(source) => match source.language {
                Language::Go => "Go",
                Language::Python => "Python",
            },
        }
    }
}

/// The sources of a worker program. The harness makes the program from them
/// once and keeps it in a cache, by the hash of what is in `files`.
#[derive(Debug)]
pub struct WorkerSource {
    /// Its name in messages and in the cache.
    pub name: &'static str,
    /// Its language, which says how it is made.
    pub language: Language,
    /// Every file: its path inside the program's directory, and its text.
    pub files: &'static [(&'static str, &'static str)],
}

/// How a worker program is made and started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `go build` with the versions of its `go.sum`; the program is the binary.
    /// The module is at the root, or, where it has others beside it, in a
    /// directory of the program's name.
    Go,
    /// A virtual environment from its `requirements.txt` with hashes; the
    /// program is that environment's interpreter running `worker.py`.
    Python,
}
