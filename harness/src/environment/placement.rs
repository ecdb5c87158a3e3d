//! Which cores whom (`docs/measurement.md` §2): from four cores up, generator
//! and client have some and everything else the others; below, all share all.
//!
//! The process as a whole moves to the system's cores at its start, and
//! everything it starts then, threads and children, inherits them; the few
//! threads that generate move themselves back.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

static PLACEMENT: OnceLock<Placement> = OnceLock::new();

struct Placement {
    /// Cores this process may use at all.
    cores: u32,
    /// The generator's, where there is a split.
    generator: Option<CpuSet>,
}

/// Splits the cores from now on, where there are enough. To be called before
/// any thread is started; a second call changes nothing.
pub fn begin() {
    PLACEMENT.get_or_init(|| {
        let Ok(all) = sched_getaffinity(None) else {
            return Placement { cores: 1, generator: None };
        };
        let cores = all.count().max(1);
        let sides = split(&all).filter(|(_, system)| sched_setaffinity(None, system).is_ok());
        Placement { cores, generator: sides.map(|(generator, _)| generator) }
    });
}

/// The generator's cores and the system's; `None` where there are too few.
fn split(all: &CpuSet) -> Option<(CpuSet, CpuSet)> {
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| all.is_set(core)).collect();
    if cores.len() < 4 {
        return None;
    }
    // One for the pacer and one for the client; on larger machines a quarter.
    let for_generator = (cores.len() / 4).max(2);
    let set_of = |cores: &[usize]| {
        let mut set = CpuSet::new();
        cores.iter().for_each(|&core| set.set(core));
        set
    };
    Some((set_of(&cores[..for_generator]), set_of(&cores[for_generator..])))
}

/// Moves the calling thread to the generator's cores, if there are such.
/// For pacers, and for the threads of the clients' runtime.
pub fn to_generator() {
    if let Some(cores) = PLACEMENT.get().and_then(|placement| placement.generator.as_ref()) {
        // Its cores were this process's a moment ago; if they were taken away
        // meanwhile, the thread stays where it is.
        let _ = sched_setaffinity(None, cores);
    }
}

/// Cores that this process may use.
#[must_use]
pub fn cores() -> u32 {
    match PLACEMENT.get() {
        Some(placement) => placement.cores,
        None => sched_getaffinity(None).map_or(1, |set| set.count().max(1)),
    }
}

/// Cores that are the system's alone; `None` where all share all.
#[must_use]
pub fn system_cores() -> Option<u32> {
    let Placement { cores, generator } = PLACEMENT.get()?;
    generator.as_ref().map(|generator| cores - generator.count())
}

/// `shared`, or `split` with the cores left to the system.
#[must_use]
pub fn describe() -> String {
    system_cores()
        .map_or_else(|| "shared".into(), |cores| format!("split, {cores} cores for the system"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(cores: usize) -> CpuSet {
        let mut set = CpuSet::new();
        // Every other number, as in a container that was given some.
        (0..cores).for_each(|core| set.set(core * 2));
        set
    }

    #[test]
    fn four_cores_are_halved_and_large_machines_give_a_quarter() {
        for (cores, generators) in [(4, 2), (6, 2), (8, 2), (16, 4), (64, 16)] {
            let all = machine(cores);
            let (generator, system) = split(&all).expect("enough cores");
            assert_eq!(generator.count(), generators);
            assert_eq!(generator.count() + system.count(), cores as u32);
            for core in 0..CpuSet::MAX_CPU {
                let sides = (generator.is_set(core), system.is_set(core));
                assert_eq!(sides.0 || sides.1, all.is_set(core));
                assert_ne!(sides, (true, true));
            }
        }
    }

    #[test]
    fn fewer_are_shared() {
        assert!(split(&machine(3)).is_none());
        assert!(split(&machine(1)).is_none());
    }
}
