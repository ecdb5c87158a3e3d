//! Ctrl-C and SIGTERM: the first ends the run in order, the second at once.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// Signals this close together are one request: `timeout` sends its own to the
/// program and then to the program's group, within a millisecond, and a person
/// needs longer to press a key again.
const ONE_REQUEST: Duration = Duration::from_millis(200);

/// Whether a signal has asked the run to end.
#[derive(Debug)]
pub struct Interruption {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interruption {
    /// Listens from now on. A second signal, one that comes 200 ms or more after
    /// the first, ends the process as if nobody listened; then the parent-death
    /// signal and the watchdog clear up.
    ///
    /// # Errors
    /// The handlers cannot be set, or the thread that tells them apart cannot
    /// be started.
    pub fn listen() -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let signal = Arc::new(AtomicUsize::new(0));
        let again_ends = Arc::new(AtomicBool::new(false));
        let (come, comes) = UnixStream::pair()?;
        for number in [SIGINT, SIGTERM] {
            // The order matters: the default action runs only when an earlier
            // request has set the flag.
            flag::register_conditional_default(number, Arc::clone(&again_ends))?;
            flag::register_usize(number, Arc::clone(&signal), number as usize)?;
            flag::register(number, Arc::clone(&stop))?;
            pipe::register(number, comes.try_clone()?)?;
        }
        let tell_apart = move || tell_apart(come, &again_ends);
        thread::Builder::new().name("signals".to_owned()).spawn(tell_apart)?;
        Ok(Self { stop, signal })
    }

    /// Set once a signal has come.
    #[must_use]
    pub fn flag(&self) -> &AtomicBool {
        &self.stop
    }

    /// The same flag, for who outlives this value.
    #[must_use]
    pub fn shared_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// The signal's name, once one has come.
    #[must_use]
    pub fn signal(&self) -> Option<String> {
        match i32::try_from(self.signal.load(Ordering::Relaxed)) {
            Ok(SIGINT) => Some("SIGINT".to_owned()),
            Ok(SIGTERM) => Some("SIGTERM".to_owned()),
            _ => None,
        }
    }
}

/// Lets a signal end the process once [`ONE_REQUEST`] has passed since the
/// first. The handlers hold the other end, so that it reads until the process
/// ends.
fn tell_apart(mut come: UnixStream, again_ends: &AtomicBool) {
    while come.read_exact(&mut [0]).is_ok() {
        thread::sleep(ONE_REQUEST);
        again_ends.store(true, Ordering::Relaxed);
    }
}
