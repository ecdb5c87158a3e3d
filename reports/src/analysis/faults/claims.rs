//! The article's three rows of failure drills, beside what was measured.
//!
//! "Go任务调度权威基准报告", §4.4: detection, recovery and the share of the
//! objective, without a method, a number of trials or raw data.

use super::deed::{Deed, Hurt, deeds};
use super::recovery::Recovery;
use crate::outcome::Outcome;

/// A row of the article.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What is said to have failed.
    pub what: &'static str,
    /// Until it was noticed, seconds.
    pub detected_s: f64,
    /// Until it was over, seconds.
    pub recovered_s: f64,
    /// Share of the objective that was met.
    pub attained: f64,
    /// The server whose systems are meant; `None` for all.
    server: Option<&'static str>,
    is_it: fn(&Deed<'_>) -> bool,
    /// What the article's case has and a fault of that kind has not.
    pub differs: &'static str,
}

/// A claim, and what was measured of its kind.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What the article says.
    pub claim: &'static Claim,
    /// Places among the recoveries.
    pub measured: Vec<usize>,
}

fn broker_killed(deed: &Deed<'_>) -> bool {
    deed.is_kill() && deed.hurt() == Hurt::Broker
}

fn cut_off(deed: &Deed<'_>) -> bool {
    deed.hurt() == Hurt::Link && matches!(deed.kind, "black-hole" | "stall")
}

/// §4.4 of the article.
const CLAIMS: [Claim; 3] = [
    Claim {
        what: "network partition across zones",
        detected_s: 0.8,
        recovered_s: 2.1,
        attained: 0.9992,
        server: None,
        is_it: cut_off,
        differs: "here the links between clients and broker were cut on one machine, by a proxy; \
                  there zones were parted, of what system is not said",
    },
    Claim {
        what: "Kafka broker down",
        detected_s: 1.2,
        recovered_s: 3.4,
        attained: 0.9987,
        server: Some("kafka"),
        is_it: broker_killed,
        differs: "here the broker was killed and started again after the time that the fault \
                  names; there how it went down and what took over is not said",
    },
    Claim {
        what: "Redis node down",
        detected_s: 0.3,
        recovered_s: 0.86,
        attained: 0.9995,
        server: Some("redis"),
        is_it: broker_killed,
        differs: "here the server was killed and started again after the time that the \
                  fault names; there a node of several went down, and how is not said",
    },
];

/// The claims of which something was measured.
pub(super) fn claims(outcome: &Outcome, recoveries: &[Recovery]) -> Vec<Claimed> {
    let beside = |claim: &'static Claim| {
        let fits = |recovery: &Recovery| {
            let deeds = deeds(&recovery.tried.fault);
            let of = match claim.server {
                None => true,
                Some(name) => server(outcome, recovery).is_some_and(|has| has.contains(name)),
            };
            // Of several faults at once nobody can say which took how long.
            of && matches!(deeds.as_slice(), [only] if (claim.is_it)(only))
        };
        let measured = (0..recoveries.len()).filter(|at| fits(&recoveries[*at])).collect();
        Claimed { claim, measured }
    };
    CLAIMS.iter().map(beside).filter(|claimed| !claimed.measured.is_empty()).collect()
}

/// The name of the server behind a system, where one is known.
fn server(outcome: &Outcome, recovery: &Recovery) -> Option<String> {
    let server = recovery.tried.system_of(outcome)?.server.as_ref()?;
    Some(server.name.to_lowercase())
}
