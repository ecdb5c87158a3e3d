//! Worker programs are made once, whole or not at all.

use std::cell::RefCell;
use std::path::Path;
use std::process::Command;

use schedbench::environment::{Error, WorkerProgram, Workshop};
use schedbench_contract::{Language, WorkerSource};

const GO: WorkerSource = WorkerSource {
    name: "greeter",
    language: Language::Go,
    files: &[
        ("words/go.mod", "module words\n\ngo 1.21\n"),
        ("words/words.go", "package words\n\nconst Hello = \"hello\"\n"),
        (
            "greeter/go.mod",
            "module greeter\n\ngo 1.21\n\nrequire words v0.0.0\n\nreplace words => ../words\n",
        ),
        (
            "greeter/main.go",
            "package main\n\nimport \"words\"\n\nfunc main() { println(words.Hello) }\n",
        ),
    ],
};
const BROKEN_GO: WorkerSource = WorkerSource {
    name: "broken",
    language: Language::Go,
    files: &[("go.mod", "module broken\n\ngo 1.21\n"), ("main.go", "package main\n\nmain\n")],
};
const PYTHON: WorkerSource = WorkerSource {
    name: "py-greeter",
    language: Language::Python,
    files: &[
        ("requirements.txt", "# Nothing.\n"),
        ("worker.py", "import sys\nsys.stderr.write('hello\\n')\n"),
    ],
};

fn says_hello(made: &WorkerProgram) {
    let said = Command::new(&made.program).args(&made.args).output().expect("it starts");
    assert!(said.status.success());
    assert_eq!(String::from_utf8_lossy(&said.stderr), "hello\n");
}

fn is_made_once(root: &Path, source: &WorkerSource) {
    let workshop = Workshop::in_directory(root);
    let lines = RefCell::new(Vec::new());
    let say = |line: &str| lines.borrow_mut().push(line.to_owned());
    assert_eq!(workshop.look(source).expect("a look"), None);
    let made = workshop.have(source, &say).expect("it is made");
    says_hello(&made);
    assert_eq!(workshop.have(source, &say).expect("it is there"), made);
    assert_eq!(lines.borrow().len(), 1, "said once: {lines:?}");

    // What a killed harness leaves has no mark: it is made again.
    let place = made.program.ancestors().find(|path| path.parent() == Some(root)).expect("inside");
    std::fs::remove_file(place.join("made")).expect("a mark");
    assert_eq!(workshop.look(source).expect("a look"), None);
    says_hello(&workshop.have(source, &say).expect("it is made again"));
}

#[test]
fn a_go_program_is_made_once() {
    let root = tempfile::tempdir().expect("a directory");
    is_made_once(root.path(), &GO);
}

#[test]
fn a_python_environment_is_made_once() {
    let root = tempfile::tempdir().expect("a directory");
    is_made_once(root.path(), &PYTHON);
}

#[test]
fn two_makers_do_not_disturb_each_other() {
    let root = tempfile::tempdir().expect("a directory");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let workshop = Workshop::in_directory(root.path());
                says_hello(&workshop.have(&GO, &|_| {}).expect("it is made"));
            });
        }
    });
}

#[test]
fn what_cannot_be_made_says_why_and_leaves_no_program() {
    let root = tempfile::tempdir().expect("a directory");
    let workshop = Workshop::in_directory(root.path());
    let error = workshop.have(&BROKEN_GO, &|_| {}).expect_err("it does not compile");
    assert!(matches!(error, Error::Unfit(_)), "{error:?}");
    let text = error.to_string();
    for words in ["go build", "main.go:3", "full log: ", "schedbench prepare broken"] {
        assert!(text.contains(words), "no {words:?} in: {text}");
    }
    assert_eq!(workshop.look(&BROKEN_GO).expect("a look"), None);
    let left: Vec<_> = std::fs::read_dir(root.path()).expect("a directory").flatten().collect();
    assert!(left.iter().all(|entry| entry.path().is_file()), "{left:?}");
}
