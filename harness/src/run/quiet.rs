//! A wait for a quieter moment, before a cell that was disturbed is measured
//! again: a machine that others share is disturbed for minutes, and a second
//! measurement in the same minute says what the first did.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::session::Session;
use super::stage;
use crate::environment::{of_this_process, placement};
use crate::judge::Limits;
use crate::plan::CellPlan;
use crate::record::Machine;

/// How long one look takes. The kernel counts steal in ticks of 10 ms: on two
/// cores its limit of 1 % is two of them.
const LOOK: Duration = Duration::from_secs(1);
/// Nothing is waited for longer than this.
pub const LONGEST: Duration = Duration::from_secs(60);

/// What one look saw.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    /// Share that the hypervisor gave to others.
    steal: f64,
    /// Cores' worth of CPU that was not this process's: idle brokers of the
    /// run's are in it, so its limit is the one for what nobody is blamed for.
    elsewhere_cores: f64,
}

impl Session<'_> {
    /// Before a disturbed cell is measured again: waits for a quiet look, no
    /// longer than the cell itself takes, for then it might as well be measured.
    pub(super) fn wait_for_a_quieter_moment(&self, plan: &CellPlan) {
        if self.stopped() {
            return;
        }
        let (began, longest) = (Instant::now(), stage::length(plan).min(LONGEST));
        let say = |why: &str| {
            let (name, longest) = (plan.target.name(), longest.as_secs());
            self.stage.progress.say(&format!(
                "{name}: was disturbed; waits up to {longest} s for a quieter moment: {why}"
            ));
        };
        let stop = self.interruption.flag();
        wait_by(look, || began.elapsed(), longest, &Limits::default(), stop, say);
    }
}

/// Whether it became quiet. Where the kernel does not say it is taken to be.
fn wait_by(
    mut look: impl FnMut() -> Option<Seen>,
    elapsed: impl Fn() -> Duration,
    longest: Duration,
    limits: &Limits,
    stop: &AtomicBool,
    say: impl FnOnce(&str),
) -> bool {
    let mut say = Some(say);
    loop {
        let Some(why) = look().and_then(|seen| seen.why_not_quiet(limits)) else { return true };
        if elapsed() >= longest || stop.load(Ordering::Relaxed) {
            return false;
        }
        if let Some(say) = say.take() {
            say(&why);
        }
    }
}

impl Seen {
    fn why_not_quiet(&self, limits: &Limits) -> Option<String> {
        if self.steal > limits.steal {
            return Some(format!("the hypervisor takes {:.0} %", self.steal * 100.0));
        }
        (self.elsewhere_cores > limits.unattributed_cores)
            .then(|| format!("other processes take {:.1} core", self.elsewhere_cores))
    }
}

/// Works on every core for [`LOOK`], the generator's too where it has its own: a
/// hypervisor takes nothing from who wants nothing, so that an idle machine
/// always seems quiet.
fn look() -> Option<Seen> {
    let cores = placement::cores();
    let inherited = placement::system_cores().unwrap_or(cores);
    let (machine, own) = (Machine::read()?, of_this_process());
    let until = Instant::now() + LOOK;
    thread::scope(|scope| {
        for place in 0..cores {
            scope.spawn(move || {
                if place >= inherited {
                    placement::to_generator();
                }
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
            });
        }
    });
    let since = Machine::read()?.since(&machine);
    let own = of_this_process().saturating_sub(own);
    let elsewhere_s = since.busy_s() - own.as_secs_f64();
    Some(Seen { steal: since.steal()?, elsewhere_cores: elsewhere_s / LOOK.as_secs_f64() })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::process::{Command, Stdio};

    use super::*;

    const QUIET: Seen = Seen { steal: 0.0, elsewhere_cores: 0.05 };
    const TAKEN: Seen = Seen { steal: 0.12, elsewhere_cores: 0.0 };
    const CROWDED: Seen = Seen { steal: 0.0, elsewhere_cores: 1.3 };

    /// The wait of looks that take a second each, for 10 s at most: whether it
    /// became quiet, after how many looks, and what was said.
    fn waited(looks: &[Seen], stops_after: usize) -> (bool, usize, String) {
        let (place, stop) = (Cell::new(0), AtomicBool::new(false));
        let look = || {
            place.set(place.get() + 1);
            stop.store(place.get() > stops_after, Ordering::Relaxed);
            looks.get(place.get() - 1).or(looks.last()).copied()
        };
        let elapsed = || Duration::from_secs(place.get() as u64);
        let (longest, mut said) = (Duration::from_secs(10), String::new());
        let say = |why: &str| said.push_str(why);
        let quiet = wait_by(look, elapsed, longest, &Limits::default(), &stop, say);
        (quiet, place.get(), said)
    }

    #[test]
    fn it_ends_with_the_first_quiet_look() {
        assert_eq!(waited(&[QUIET, TAKEN], 99), (true, 1, String::new()));
        let crowded = "other processes take 1.3 core".to_owned();
        assert_eq!(waited(&[CROWDED, TAKEN, TAKEN, QUIET], 99), (true, 4, crowded));
    }

    #[test]
    fn it_ends_in_time_and_when_the_run_does() {
        let taken = "the hypervisor takes 12 %".to_owned();
        assert_eq!(waited(&[TAKEN, CROWDED], 99), (false, 10, taken.clone()));
        assert_eq!(waited(&[TAKEN], 2), (false, 3, taken));
    }

    #[test]
    fn a_look_sees_a_process_beside_it() {
        let mut beside = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .expect("a shell");
        let seen = look();
        beside.kill().expect("it works until then");
        beside.wait().expect("its end");
        let seen = seen.expect("the kernel says");
        // Its third of two cores, or a half of one where there is one only;
        // less where others want them too.
        assert!(seen.elsewhere_cores + seen.steal > 0.2, "{seen:?}");
        assert!((0.0..=1.0).contains(&seen.steal), "{seen:?}");
    }
}
