//! The keeper and its children, with small real programs.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use schedbench::environment::{Child, Keeper, Spec};

use crate::ground::{self, is_alive, soon, wait_for};

fn shell(keeper: &Keeper, logs: &Path, script: &str) -> Child {
    let mut spec = Spec::new("a shell", "/bin/sh", logs.join("shell.log"));
    spec.args = vec!["-c".into(), script.into()];
    spec.stdin = b"said on stdin\n".to_vec();
    keeper.spawn(spec).expect("a child")
}

/// Waits for the child to have written so to its log.
fn wait_for_line(child: &Child, line: &str) {
    wait_for(line, || child.log_tail(100).iter().any(|found| found == line));
}

fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn it_hears_stdin_and_its_words_and_code_come_back() {
    let (keeper, logs, _) = ground::stand();
    let child = shell(&keeper, logs.path(), "cat; echo out; echo err >&2; exit 7");
    let exit = child.wait(soon()).expect("it ends");
    assert_eq!((exit.code, exit.signal, exit.to_string()), (Some(7), None, "exit 7".into()));
    assert_eq!(child.log_tail(5), ["said on stdin", "out", "err"]);
    assert_eq!(child.log_tail(1), ["err"]);
    let mode = fs::metadata(child.log()).expect("a log").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(child.ended(), Some(exit), "asked again, the same");
    assert_eq!(child.kill(), exit, "the dead are not killed");
}

#[test]
fn a_program_that_is_not_there_is_an_error_with_its_name() {
    let (keeper, logs, _) = ground::stand();
    let spec = Spec::new("celery", "/nowhere/celery", logs.path().join("log"));
    let error = keeper.spawn(spec).expect_err("no such program").to_string();
    assert!(error.contains("celery: starting /nowhere/celery: No such file"), "{error}");
}

#[test]
fn sigterm_is_a_request_and_sigkill_follows() {
    let (keeper, logs, _) = ground::stand();
    let polite =
        shell(&keeper, logs.path(), "trap 'exit 3' TERM; echo a; while :; do sleep 0.01; done");
    wait_for_line(&polite, "a");
    assert_eq!(polite.terminate(soon()).code, Some(3));
    let deaf = shell(&keeper, logs.path(), "trap '' TERM; echo b; while :; do sleep 0.01; done");
    wait_for_line(&deaf, "b");
    let exit = deaf.terminate(Instant::now() + Duration::from_millis(100));
    assert_eq!((exit.code, exit.signal), (None, Some(9)));
}

#[test]
fn a_kill_and_a_pause_reach_the_whole_group() {
    let (keeper, logs, _) = ground::stand();
    let child = shell(&keeper, logs.path(), "sleep 1000 & echo $!; wait");
    wait_for("the grandchild's number", || !child.log_tail(1).is_empty());
    let grandchild: i32 = child.log_tail(1)[0].parse().expect("a number");
    assert_eq!(child.processes(), [child.pid(), grandchild]);
    child.pause();
    wait_for("both to stop", || {
        [child.pid(), grandchild].iter().all(|pid| state(*pid) == Some('T'))
    });
    child.resume();
    wait_for("both to go on", || {
        [child.pid(), grandchild].iter().all(|pid| state(*pid) == Some('S'))
    });
    child.kill();
    wait_for("the grandchild's end", || !is_alive(grandchild));
}

#[test]
fn what_a_dead_child_left_of_its_group_is_ended() {
    let (keeper, logs, _) = ground::stand();
    let child = shell(&keeper, logs.path(), "sleep 1000 & echo $!");
    child.wait(soon()).expect("it ends");
    let grandchild: i32 = child.log_tail(1)[0].parse().expect("a number");
    wait_for("the grandchild's end", || !is_alive(grandchild));
}

#[test]
fn the_keeper_takes_its_children_along() {
    let (keeper, logs, _) = ground::stand();
    let spawner = keeper.spawner();
    let children: Vec<_> = (0..3).map(|_| shell(&keeper, logs.path(), "exec sleep 1000")).collect();
    drop(keeper);
    for child in &children {
        assert_eq!(child.ended().expect("it has ended").signal, Some(9));
        assert!(!Path::new(&format!("/proc/{}", child.pid())).exists(), "it is reaped");
    }
    let spec = Spec::new("late", "/bin/true", logs.path().join("log"));
    assert!(spawner.spawn(spec).is_err());
}

#[test]
fn a_worker_has_its_pipe_as_descriptor_3_and_nothing_else_of_ours() {
    let (keeper, logs, _) = ground::stand();
    // Inherited by a child that does not take care: not close-on-exec.
    let (_leaky_reader, leaky) = rustix::pipe::pipe().expect("a pipe");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut spec = Spec::new("a worker", "/bin/sh", logs.path().join("log"));
    let script = "printf hello >&3; cd /proc/self/fd && echo *";
    spec.args = vec!["-c".into(), script.into()];
    spec.events = Some(writer.into());
    let child = keeper.spawn(spec).expect("a child");
    let mut said = String::new();
    // It ends because no copy of the writing end is left anywhere.
    (&reader).read_to_string(&mut said).expect("the pipe's end");
    assert_eq!(said, "hello");
    assert_eq!(child.wait(soon()).expect("it ends").code, Some(0));
    // The shell's own look at the directory takes one more.
    assert!(child.log_tail(1)[0].starts_with("0 1 2 3"), "{:?}", child.log_tail(1));
    assert!(child.log_tail(1)[0].split(' ').count() <= 5, "{:?}", child.log_tail(1));
    drop(leaky);
}

#[test]
fn cpu_of_a_life_is_known_after_it() {
    let (keeper, logs, _) = ground::stand();
    let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let child = shell(&keeper, logs.path(), &format!("{busy}; echo done; exec sleep 1000"));
    wait_for_line(&child, "done");
    let living = child.cpu().expect("it lives");
    assert!(living > Duration::from_millis(20), "{living:?}");
    let whole = child.kill().cpu.expect("its life's");
    assert!(whole >= living && whole < living + Duration::from_secs(1), "{living:?} {whole:?}");
    assert_eq!(child.cpu(), Some(whole));
    // A child of the child counts, living and dead.
    let child = shell(&keeper, logs.path(), &format!("({busy}); echo over; exec sleep 1000"));
    wait_for_line(&child, "over");
    assert!(child.cpu().expect("it lives") > Duration::from_millis(20));
    child.kill();
}
