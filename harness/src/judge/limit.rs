//! Which of generator, client, broker and workers was the limit, with the
//! figures that say so (`docs/measurement.md` §4).

use schedbench_contract::{Broker, DurabilityClass, Handler, Language, Runtime};
use schedbench_reports::outcome::{Held, Limit, Validity};

use super::about::About;
use super::backlog::Slope;
use super::words::{number, percent};
use crate::plan::Load;
use crate::record::Evidence;

/// Share of what there is from which a resource counts as used up: with
/// 95 % of the cores busy the queue for them is what is measured.
const USED_UP: f64 = 0.95;

/// Share of one core from which a thread, or a process that cannot use more,
/// counts as used up. Lower than [`USED_UP`]: it shares its core with others.
const THREAD_USED_UP: f64 = 0.9;

/// Share of the window with the producer's window full from which the road
/// into the broker was the limit: most of the time.
const MOSTLY_FULL: f64 = 0.5;

/// What is known of a cell before its limit is asked for.
#[derive(Debug)]
pub(super) struct Saturation<'a> {
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) about: &'a About,
    pub(super) validity: &'a Validity,
    pub(super) held: &'a Held,
    /// Whether as much was done as was due, and the backlog did not grow:
    /// then the rate had no limit, whatever else was not held. `None` where it
    /// cannot be told.
    pub(super) kept_up: Option<bool>,
    pub(super) slope: Slope,
    pub(super) throughput: f64,
    /// D, seconds.
    pub(super) seconds: f64,
}

impl Saturation<'_> {
    /// Who it was. In the order of certainty: what a verdict names, whether
    /// there was a limit at all, the workers' slots (arithmetic), all cores,
    /// a process that cannot use more than it did, the producer's full window;
    /// then what has CPU to spare and no full window.
    pub(super) fn limit(&self) -> Limit {
        let of = |why: &str| self.with_figures(why);
        match self.validity {
            Validity::GeneratorLimited(why) => return Limit::Generator(of(why)),
            Validity::ClientLimited(why) => return Limit::Client(of(why)),
            Validity::Valid => {}
            other => return Limit::Unknown(format!("the cell is {}", other.word())),
        }
        let in_flight = matches!(self.evidence.plan.load, Load::InFlight { .. });
        match self.held {
            Held::Yes => return Limit::NotSaturated(of("")),
            Held::NotJudged(why) if !in_flight => return Limit::Unknown(why.clone()),
            Held::No(_) => match self.kept_up {
                Some(true) => return Limit::NotSaturated(of("the rate was kept up with")),
                Some(false) => {}
                None => return Limit::Unknown(of("whether the backlog grew cannot be told")),
            },
            Held::NotJudged(_) => {}
        }
        self.slots()
            .or_else(|| self.cores())
            .or_else(|| self.one_thread())
            .or_else(|| self.interpreters())
            .or_else(|| self.full_window())
            .unwrap_or_else(|| self.no_cpu(in_flight))
    }

    /// Workers that have no slot free: processes × concurrency / handler time
    /// is the most that they can do.
    fn slots(&self) -> Option<Limit> {
        let plan = self.evidence.plan;
        let (Handler::SleepNs(ns) | Handler::CpuNs(ns)) = plan.handler else { return None };
        let handlers = self.handlers()?;
        let most = handlers * 1e9 / ns.max(1) as f64;
        (self.throughput >= 0.9 * most).then(|| {
            let (handlers, ms) = (number(handlers), number(ns as f64 / 1e6));
            let why = format!("{handlers} handlers of {ms} ms do at most {}/s", number(most));
            Limit::Workers(self.with_figures(&why))
        })
    }

    /// Handlers that run at the same time.
    fn handlers(&self) -> Option<f64> {
        let shape = self.about.shape?;
        // A scheduler that keeps its tasks in its own memory is one process.
        let durability = self.evidence.plan.target.profile.claims.durability;
        let is_one = durability == DurabilityClass::InProcess;
        let processes = if is_one { 1 } else { shape.processes };
        Some(f64::from(processes) * f64::from(shape.concurrency))
    }

    /// All cores there are; with a split, those of the system. Whoever has
    /// half of what was used is named: cutting its cost is what would help.
    fn cores(&self) -> Option<Limit> {
        let all = f64::from(self.about.cores?);
        let (cores, ours): (f64, Vec<(&str, f64)>) = match self.about.system_cores {
            Some(system) => {
                let roles = self.roles().filter(|(role, _)| ["broker", "workers"].contains(role));
                (f64::from(system), roles.collect())
            }
            None => (all, self.roles().collect()),
        };
        let busy: f64 = ours.iter().map(|(_, busy)| busy).sum();
        if busy < USED_UP * cores {
            return None;
        }
        let whose = if self.about.system_cores.is_some() { " of the system" } else { "" };
        let why = self.with_figures(&format!("all {} cores{whose} busy", number(cores)));
        let largest = ours.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        Some(match largest.filter(|(_, of_it)| *of_it >= 0.5 * busy) {
            Some(("generator", _)) => Limit::Generator(why),
            Some(("client", _)) => Limit::Client(why),
            Some(("broker", _)) if self.has_broker() => Limit::Broker(why),
            Some(("workers", _)) => Limit::Workers(why),
            _ => Limit::Machine(why),
        })
    }

    /// Redis runs commands in one thread: one core is all that it can use.
    /// Its background threads may add a little. Of several servers only the sum
    /// is known, which tells of none of them that its core was used up.
    fn one_thread(&self) -> Option<Limit> {
        let profile = self.evidence.plan.target.profile;
        if profile.broker? != Broker::Redis || profile.topology.is_of_several() {
            return None;
        }
        let busy = self.busy(self.evidence.usage.broker_cpu_s)?;
        (busy >= THREAD_USED_UP).then(|| {
            Limit::Broker(self.with_figures("one core busy, all that its command thread can use"))
        })
    }

    /// A Python process runs one thread at a time, and there are no more of
    /// them than handlers.
    fn interpreters(&self) -> Option<Limit> {
        let Runtime::Source(source) = self.evidence.plan.target.system.runtime else { return None };
        let busy = self.busy(self.evidence.usage.workers_cpu_s)?;
        let most = self.handlers()?;
        (matches!(source.language, Language::Python) && busy >= THREAD_USED_UP * most).then(|| {
            let why = format!("{} interpreters busy, a core each at most", number(most));
            Limit::Workers(self.with_figures(&why))
        })
    }

    /// The producer stood before a full window: the broker vouched for what it
    /// was given no faster, with CPU to spare.
    fn full_window(&self) -> Option<Limit> {
        let full = window_full(self.evidence)?;
        (full >= MOSTLY_FULL).then(|| {
            Limit::Broker(self.with_figures(
                "the producer waited for confirmations, with CPU to spare (the disk, a lock or round trips)",
            ))
        })
    }

    /// Nobody used up what there is.
    fn no_cpu(&self, in_flight: bool) -> Limit {
        if self.roles().next().is_none() {
            return Limit::Unknown("CPU by role is not known".into());
        }
        if !in_flight && self.has_broker() && self.slope.lower_per_s > 0.0 {
            let why = format!(
                "accepted and not delivered in time (backlog grows by {}/s), with CPU to spare: \
                 prefetch, acknowledgements, a lock or round trips",
                number(self.slope.per_s)
            );
            return Limit::Delivery(self.with_figures(&why));
        }
        let why = if in_flight {
            "no more in flight than asked for, with CPU to spare: round trips, the disk or a lock"
        } else {
            "CPU to spare: round trips, the disk or a lock"
        };
        Limit::Waiting(self.with_figures(why))
    }

    fn has_broker(&self) -> bool {
        self.evidence.plan.target.profile.broker.is_some()
    }

    /// Cores' worth of CPU over the window.
    fn busy(&self, cpu_s: Option<f64>) -> Option<f64> {
        Some(cpu_s? / self.seconds)
    }

    /// Cores busy by role, of those known.
    fn roles(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let usage = &self.evidence.usage;
        let seconds = self.seconds;
        [
            ("generator", usage.generator_cpu_s),
            ("client", usage.client_cpu_s),
            ("broker", usage.broker_cpu_s),
            ("workers", usage.workers_cpu_s),
        ]
        .into_iter()
        .filter_map(move |(role, cpu_s)| Some((role, cpu_s? / seconds)))
    }

    /// `why; broker 1.02, workers 0.31 of 2 cores; window full 83 % of the time`.
    fn with_figures(&self, why: &str) -> String {
        // In process the system's own threads are no broker.
        let named = |role| if role == "broker" && !self.has_broker() { "system" } else { role };
        let roles: Vec<String> =
            self.roles().map(|(role, busy)| format!("{} {}", named(role), number(busy))).collect();
        let cpu = (!roles.is_empty()).then(|| {
            let of = self.about.cores.map_or_else(String::new, |cores| format!(" of {cores}"));
            format!("{}{of} cores", roles.join(", "))
        });
        let full = window_full(self.evidence)
            .map(|share| format!("window full {} of the time", percent(share)));
        let parts = [(!why.is_empty()).then(|| why.to_owned()), cpu, full];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// Share of the window in which the producer's window was full. In process
/// there is none, and in flight the load waits for the system by design.
pub(super) fn window_full(evidence: &Evidence<'_>) -> Option<f64> {
    let open = matches!(evidence.plan.load, Load::Open { .. });
    (open && evidence.plan.target.profile.broker.is_some())
        .then(|| evidence.pacing.pending_share.clamp(0.0, 1.0))
}
