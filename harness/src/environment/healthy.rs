//! From a program's start to its first answer, or to its end where it is one
//! that makes something.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::environment::{Child, Died, Error, Exit, Result, Spawner, Spec};

/// Between two looks. One ends early when the program does.
const LOOK: Duration = Duration::from_millis(5);
/// One question; a program that is stopped takes it and says nothing.
const ANSWER: Duration = Duration::from_secs(5);
/// From SIGTERM to SIGKILL when the run is stopped: whoever pressed Ctrl-C waits.
const GOODBYE: Duration = Duration::from_millis(500);

/// What is waited for, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// What kind of process, for messages: `broker`.
    pub(crate) what: &'static str,
    /// At most this long.
    pub(crate) within: Duration,
    /// The lines of its log that say why it came to nothing.
    pub(crate) told: fn(&Child) -> Vec<String>,
}

/// The last lines of a log, which say enough of most programs.
pub(crate) fn last_lines(child: &Child) -> Vec<String> {
    child.log_tail(5)
}

impl Patience {
    /// Starts a server and asks it until there is an answer. `ask` is given
    /// when to give up, and asks in a thread of its own: so neither a death nor
    /// a signal waits for an answer that does not come. (But for one that a
    /// stranger owes, who has taken the port: that takes its own time.)
    ///
    /// # Errors
    /// It cannot be started, ends by itself, does not answer in time, or the
    /// run is stopped. Then nothing of it runs any more.
    pub(crate) fn until_it_answers<T: Send>(
        &self,
        keeper: &Spawner,
        spec: Spec,
        ask: impl FnMut(Instant) -> Option<T> + Send,
    ) -> Result<(Child, T)> {
        let child = keeper.spawn(spec)?;
        self.until_they_answer(keeper, std::slice::from_ref(&child), ask).map(|it| (child, it))
    }

    /// The same of servers that have been started and answer together, as the
    /// nodes of a cluster do: none of them may end before.
    ///
    /// # Errors
    /// As above; then none of them runs any more, but for a death, which
    /// leaves the others to the caller.
    pub(crate) fn until_they_answer<T: Send>(
        &self,
        keeper: &Spawner,
        children: &[Child],
        mut ask: impl FnMut(Instant) -> Option<T> + Send,
    ) -> Result<T> {
        let deadline = Instant::now() + self.within;
        let over = AtomicBool::new(false);
        let (tell, answers) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let tell = tell;
                while !over.load(Ordering::Relaxed) {
                    if let Some(answer) = ask(deadline.min(Instant::now() + ANSWER)) {
                        // Nobody hears it when the wait has ended meanwhile.
                        let _ = tell.send(answer);
                        return;
                    }
                    std::thread::sleep(LOOK);
                }
            });
            let answer = loop {
                let answer = answers.try_recv();
                // Looked at also after an answer, which a stranger may have
                // given who has taken the port.
                let dead = children.iter().find_map(|child| Some((child, child.ended()?)));
                if let Some((child, exit)) = dead {
                    break Err(self.died(child, exit));
                }
                if let Ok(answer) = answer {
                    break Ok(answer);
                }
                if let Err(error) = self.may_go_on(keeper, children, deadline, "answer") {
                    break Err(error);
                }
                match children.first() {
                    // Ends early when it does.
                    Some(first) => drop(first.wait(Instant::now() + LOOK)),
                    None => std::thread::sleep(LOOK),
                }
            };
            over.store(true, Ordering::Relaxed);
            answer
        })
    }

    /// Starts a program that makes something, and waits for its end.
    ///
    /// # Errors
    /// It cannot be started, fails, does not end in time, or the run is
    /// stopped. Then nothing of it runs any more.
    pub(crate) fn until_it_ends(&self, keeper: &Spawner, spec: Spec) -> Result<()> {
        let child = keeper.spawn(spec)?;
        let deadline = Instant::now() + self.within;
        loop {
            match child.wait(Instant::now() + LOOK) {
                Some(exit) if exit.code == Some(0) => return Ok(()),
                Some(exit) => return Err(self.died(&child, exit)),
                None => self.may_go_on(keeper, std::slice::from_ref(&child), deadline, "end")?,
            }
        }
    }

    fn died(&self, child: &Child, exit: Exit) -> Error {
        let log = (self.told)(child);
        Error::Died(Box::new(Died { log, ..child.died(self.what, exit) }))
    }

    /// Ends them when the time is up or the run is stopped.
    fn may_go_on(
        &self,
        keeper: &Spawner,
        children: &[Child],
        deadline: Instant,
        lacks: &str,
    ) -> Result<()> {
        let Self { what, within, told } = self;
        let Some(child) = children.first() else { return Ok(()) };
        if keeper.is_stopped() {
            let goodbye = Instant::now() + GOODBYE;
            for child in children {
                child.terminate(goodbye);
            }
            let name = child.name();
            return Err(Error::Unfit(format!("{name}: the run was stopped at its {what}'s start")));
        }
        if Instant::now() < deadline {
            return Ok(());
        }
        for child in children {
            child.kill();
        }
        Err(Error::Unfit(format!(
            "{}: {what} did not {lacks} within {} s\n  {}\n  full log: {}",
            child.name(),
            within.as_secs(),
            told(child).join("\n  "),
            child.log().display()
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::environment::Keeper;

    /// Longer than any of these tests takes on a busy machine.
    const LONG: Duration = Duration::from_secs(300);

    const fn broker(within: Duration) -> Patience {
        Patience { what: "broker", within, told: last_lines }
    }

    /// A shell with this to do; its log is in that directory.
    fn shell(dir: &Path, script: &str) -> Spec {
        let mut spec = Spec::new("test", "/bin/sh", dir.join("log"));
        spec.args = ["-c", script].map(Into::into).into();
        spec
    }

    /// A shell that does nothing, asked by somebody who hears only of its end:
    /// what a broker is that takes connections and does not speak.
    fn silent(dir: &Path) -> (Spec, impl FnMut(Instant) -> Option<()> + Send) {
        let (ours, theirs) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
        let mut spec = shell(dir, "echo waiting; exec sleep 300");
        spec.events = Some(theirs);
        let mut ours = File::from(ours);
        (spec, move |_| {
            assert_eq!(ours.read(&mut [0]).expect("an end"), 0);
            None
        })
    }

    #[test]
    fn neither_a_signal_nor_a_deadline_waits_for_an_answer() {
        let dir = tempfile::tempdir().expect("a directory");
        let stop = Arc::new(AtomicBool::new(false));
        let keeper = Keeper::start(None).expect("a keeper").heeding(Arc::clone(&stop));
        let began = Instant::now();
        let (spec, ask) = silent(dir.path());
        let in_time =
            broker(Duration::from_millis(50)).until_it_answers(&keeper.spawner(), spec, ask);
        let said = in_time.expect_err("no answer").to_string();
        assert!(said.starts_with("test: broker did not answer within 0 s\n  waiting\n"), "{said}");
        let (spec, ask) = silent(dir.path());
        let stopped = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                stop.store(true, Ordering::Relaxed);
            });
            broker(LONG).until_it_answers(&keeper.spawner(), spec, ask)
        });
        let said = stopped.expect_err("no answer").to_string();
        assert_eq!(said, "test: the run was stopped at its broker's start");
        let making = broker(LONG).until_it_ends(&keeper.spawner(), shell(dir.path(), "sleep 300"));
        assert!(making.expect_err("no end").to_string().contains("the run was stopped"));
        assert!(began.elapsed() < LONG / 2, "{:?}", began.elapsed());
    }

    #[test]
    fn a_death_is_told_with_the_last_words() {
        let dir = tempfile::tempdir().expect("a directory");
        let keeper = Keeper::start(None).expect("a keeper");
        let keeper = keeper.spawner();
        let dies = || shell(dir.path(), "echo a planted fault >&2; exit 3");
        for died in [
            broker(LONG).until_it_answers(&keeper, dies(), |_| None::<()>).map(drop),
            broker(LONG).until_it_ends(&keeper, dies()),
        ] {
            let Err(Error::Died(died)) = died else { panic!("{died:?}") };
            assert_eq!((died.what, died.exit.code), ("broker", Some(3)));
            assert_eq!(died.log.last().map(String::as_str), Some("a planted fault"));
        }
    }

    #[test]
    fn of_several_none_may_end_and_all_are_ended() {
        let dir = tempfile::tempdir().expect("a directory");
        let keeper = Keeper::start(None).expect("a keeper");
        let keeper = keeper.spawner();
        let start = |script: &str| keeper.spawn(shell(dir.path(), script)).expect("a shell");
        let children = [start("exec sleep 300"), start("exit 3")];
        let died = broker(LONG).until_they_answer(&keeper, &children, |_| None::<()>);
        assert!(matches!(died, Err(Error::Died(died)) if died.exit.code == Some(3)));
        assert_eq!(children[0].ended(), None);
        // An answer is not theirs while one of them is dead.
        let strange = broker(LONG).until_they_answer(&keeper, &children, |_| Some(()));
        assert!(matches!(strange, Err(Error::Died(_))));
        let children = [children[0].clone(), start("exec sleep 300")];
        let late = broker(Duration::ZERO).until_they_answer(&keeper, &children, |_| None::<()>);
        assert!(late.expect_err("no answer").to_string().contains("did not answer"));
        assert!(children.iter().all(|child| child.ended().is_some()));
    }

    #[test]
    fn an_answer_comes_with_who_gave_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let keeper = Keeper::start(None).expect("a keeper");
        let mut questions = 0;
        let answer = broker(LONG).until_it_answers(
            &keeper.spawner(),
            shell(dir.path(), "exec sleep 300"),
            |_| {
                questions += 1;
                (questions == 3).then_some(questions)
            },
        );
        let (child, answer) = answer.expect("an answer");
        assert_eq!((answer, child.ended()), (3, None));
        child.kill();
        let made = broker(LONG).until_it_ends(&keeper.spawner(), shell(dir.path(), "exit 0"));
        made.expect("it is made");
    }
}
