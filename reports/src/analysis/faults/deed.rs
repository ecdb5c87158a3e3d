//! What a fault was, read back from its words in the outcome.

/// Who or what a fault was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurt {
    /// A server of the broker.
    Broker,
    /// Worker processes.
    Workers,
    /// A link to the broker, or between its nodes.
    Link,
}

/// A fault: what was done to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed<'a> {
    /// As a scenario names it: `kill`, `pause`, `black-hole` …
    pub kind: &'a str,
    /// As a scenario names it: `broker`, `worker:1`, `links` …
    pub on: &'a str,
}

impl Deed<'_> {
    /// Who was hurt. What is neither a worker nor a link is a server.
    #[must_use]
    pub fn hurt(&self) -> Hurt {
        if self.on == "workers" || self.on.starts_with("worker:") {
            Hurt::Workers
        } else if self.on == "links" || self.on.ends_with("-broker") || self.is_between() {
            Hurt::Link
        } else {
            Hurt::Broker
        }
    }

    /// Whether it was on the links between the nodes of a cluster.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.on == "between-brokers"
    }

    /// Whether a process was ended by SIGKILL.
    #[must_use]
    pub fn is_kill(&self) -> bool {
        self.kind == "kill"
    }

    /// Whether a process was ended, or may have been: of a full disk a broker
    /// ends itself or does not, and what a command does is not known.
    #[must_use]
    pub fn may_end(&self) -> bool {
        matches!(self.kind, "kill" | "terminate" | "disk-full" | "command")
    }
}

/// The faults of a cell: `kill broker at 15 s for 5 s, reset links at 30 s`.
#[must_use]
pub fn deeds(fault: &str) -> Vec<Deed<'_>> {
    let read = |one| {
        let mut words = str::split_whitespace(one);
        Some(Deed { kind: words.next()?, on: words.next()? })
    };
    fault.split(", ").filter_map(read).collect()
}

/// What the trials of a fault are counted in: kills, where nothing else was
/// done.
#[must_use]
pub(super) fn unit(fault: &str) -> &'static str {
    let deeds = deeds(fault);
    if !deeds.is_empty() && deeds.iter().all(Deed::is_kill) { "kill" } else { "trial" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_back_from_its_words() {
        let words = "kill broker at 15 s for 5 s, delay links 20 ms + 0 to 5 ms at 10 s for 5 s, \
                     pause worker:2 at 1 s for 1 s, stall worker-broker from the broker only at 3 s, \
                     black-hole between-brokers at 4 s for 1 s";
        let told: Vec<_> = deeds(words).into_iter().map(|d| (d.kind, d.on, d.hurt())).collect();
        assert_eq!(
            told,
            [
                ("kill", "broker", Hurt::Broker),
                ("delay", "links", Hurt::Link),
                ("pause", "worker:2", Hurt::Workers),
                ("stall", "worker-broker", Hurt::Link),
                ("black-hole", "between-brokers", Hurt::Link),
            ]
        );
        assert_eq!(deeds(""), []);
        assert_eq!(deeds("odd"), []);
    }

    #[test]
    fn a_kill_is_a_unit_of_its_own() {
        assert_eq!(unit("kill broker at 1 s for 1 s, kill workers at 9 s for 1 s"), "kill");
        assert_eq!(unit("kill broker at 1 s for 1 s, reset links at 9 s"), "trial");
        // Whoever is asked to end may put things in order: no kill.
        assert_eq!(unit("terminate broker at 1 s for 1 s"), "trial");
        assert_eq!(unit(""), "trial");
    }
}
