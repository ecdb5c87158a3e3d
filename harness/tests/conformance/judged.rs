//! What was done by hand, judged as a cell of a run is.

use std::time::{Duration, Instant};

use schedbench::judge::{self, About, Limits};
use schedbench::plan::{CellPlan, Load, Pacing};
use schedbench::record::{Evidence, Host, PacingSeen, Proof, Usage};
use schedbench_adapters::clock;
use schedbench_reports::outcome::{Cell, Counts};

use crate::hand::Hand;
use crate::play::plan;

impl Hand<'_, '_> {
    /// The judge's counts of all that was handed over, once the workers have
    /// been dismissed.
    ///
    /// What the hand did is told as a run in flight is: the load has no
    /// instants of its own, tasks are intended when they are handed over. They
    /// must have been numbered from 0 without a gap.
    pub(crate) fn judged(&self) -> Counts {
        let arrivals = self.log.counts().taken;
        let name = self.target.name();
        let window = self.opened..clock::now();
        let load = Load::InFlight {
            tasks: arrivals,
            window_ns: window.end - window.start,
            most_tasks: arrivals,
        };
        let faults = self.faults.iter().map(|injected| injected.fault).collect();
        let plan = CellPlan { load, faults, ..plan(self.target, 1, 1) };
        let proof = self.proof();
        let evidence = Evidence {
            plan: &plan,
            ledger: self.log.ledger(),
            probes_sent: 0,
            first_arrival: 0,
            arrivals,
            start: self.opened,
            window,
            ended: clock::now(),
            hand_overs: self.hand_overs.clone(),
            pacing: no_pacing(),
            proof,
            usage: Usage::default(),
            host: Host::default(),
            moments: self.log.moments(),
            faults: self.faults.clone(),
            rested: None,
            cut_short: None,
        };
        let cell = judge::judge(&evidence, &Limits::default(), &About::default());
        let Cell { counts, validity, trials, .. } = cell;
        assert!(counts.balances, "{name}: {validity:?} {counts:?}");
        assert_eq!(counts.attempted, arrivals, "{name}");
        assert_eq!(counts.unsent, 0, "{name}");
        assert_eq!((counts.leftovers, counts.unexpected, counts.corrupt), (0, 0, 0), "{name}");
        // A trial counts them task by task, and none unless the system is empty.
        for trial in trials.iter().filter(|_| counts.residual == 0) {
            assert_eq!(trial.lost, counts.lost, "{name}: {trial:?}");
        }
        counts
    }

    /// What the system says that it holds, after the workers' connections are
    /// gone.
    fn proof(&self) -> Proof {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match self.stage.runtime.block_on(self.system.consumers()).expect("it can be asked") {
                Some(0) | None => return Proof::Asked(self.backlog()),
                Some(left) => assert!(Instant::now() < deadline, "{left} consumers are connected"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Nobody paced anything.
fn no_pacing() -> PacingSeen {
    let none = || hdrhistogram::Histogram::new(3).expect("three digits");
    PacingSeen {
        how: Pacing::Grid,
        fifo: false,
        lateness: none(),
        back_pressure: none(),
        batches: 0,
        tasks: 0,
        pending_share: 0.0,
        submit_share: 0.0,
        spun_ns: 0,
    }
}
