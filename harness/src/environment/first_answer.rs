//! Asking several servers the same, some of which may be dead or stopped.

use std::io;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The first answer of those that are asked at the same time, each on a thread
/// of its own, which ends by itself: a question has to give up in time.
///
/// # Errors
/// Nobody answers in time; the last reason of those that failed.
pub(crate) fn first_answer<T, Q>(asked: impl Iterator<Item = Q>, within: Duration) -> io::Result<T>
where
    T: Send + 'static,
    Q: FnOnce() -> io::Result<T> + Send + 'static,
{
    let (answer, answers) = mpsc::channel();
    for question in asked {
        let answer = answer.clone();
        std::thread::Builder::new().name("question".into()).spawn(move || {
            // Who asked may have gone with another answer.
            let _ = answer.send(question());
        })?;
    }
    drop(answer);
    let deadline = Instant::now() + within;
    let mut why = io::Error::new(io::ErrorKind::TimedOut, "nobody answers");
    while let Ok(said) = answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        match said {
            Ok(answer) => return Ok(answer),
            Err(error) => why = error,
        }
    }
    Err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Question = Box<dyn FnOnce() -> io::Result<u32> + Send>;

    #[test]
    fn one_answer_is_enough() {
        let (_held, never) = mpsc::channel::<()>();
        let asked: [Question; 3] = [
            Box::new(|| Err(io::Error::other("dead"))),
            Box::new(move || never.recv().map(|()| 1).map_err(io::Error::other)),
            Box::new(|| Ok(2)),
        ];
        assert_eq!(first_answer(asked.into_iter(), Duration::from_secs(60)).expect("one"), 2);
    }

    #[test]
    fn without_an_answer_there_is_a_reason() {
        let asked: [Question; 1] = [Box::new(|| Err(io::Error::other("dead")))];
        let why = first_answer(asked.into_iter(), Duration::from_secs(60)).expect_err("none");
        assert_eq!(why.to_string(), "dead");
        let nobody: [Question; 0] = [];
        let why = first_answer(nobody.into_iter(), Duration::ZERO).expect_err("none");
        assert_eq!(why.kind(), io::ErrorKind::TimedOut);
    }
}
