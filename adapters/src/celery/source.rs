//! The worker's sources, carried in the binary.

use schedbench_contract::{Language, WorkerSource};

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../workers/celery/", $path)))),+]
    };
}

/// A real Celery worker, in Python.
pub(super) static SOURCE: WorkerSource = WorkerSource {
    name: "celery",
    language: Language::Python,
    files: files![
        "requirements.txt",
        "schedworker/__init__.py",
        "schedworker/application.py",
        "schedworker/bodies.py",
        "schedworker/cost.py",
        "schedworker/events.py",
        "schedworker/main.py",
        "schedworker/pauses.py",
        "schedworker/profiles.py",
        "schedworker/seeded.py",
        "schedworker/task.py",
        "schedworker/work.py",
        "worker.py",
    ],
};

/// The version of a package that the worker runs with: each is locked.
pub(super) fn version_of(package: &str) -> Option<&'static str> {
    let (_, requirements) = SOURCE.files.iter().find(|(path, _)| *path == "requirements.txt")?;
    requirements.lines().find_map(|line| {
        let (name, version) = line.split_once("==")?;
        (name == package).then(|| version.trim_end_matches(['\\', ' ']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_carried_and_every_version_locked() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/workers/celery/schedworker");
        for entry in std::fs::read_dir(dir).expect("the sources").flatten() {
            let path = format!("schedworker/{}", entry.file_name().to_string_lossy());
            let is_module = path.ends_with(".py");
            assert_eq!(SOURCE.files.iter().any(|(file, _)| *file == path), is_module, "{path}");
        }
        assert_eq!(version_of("celery"), Some("5.7.0"));
        assert_eq!(version_of("no-such-package"), None);
    }
}
