//! What no plan can stage is done by hand: submit, cancel, kill.

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use schedbench::environment::Child;
use schedbench::plan::{Deed, Fault, Target, Victim};
use schedbench::record::{HandOver, Injected};
use schedbench::run::{Halt, Held, HeldProducer, Staff, Stage, hold, hold_in_child};
use schedbench_adapters::{clock, find};
use schedbench_contract::ledger::Ledger;
use schedbench_contract::{
    Address, Backlog, BodyPool, Endpoints, Fill, Handler, Launch, Recorder, Result, Retry, Task,
    TaskId, Work,
};

use crate::S;
use crate::ground::wait_for;
use crate::play::{SHAPE, next_number};
use crate::stage::{HARNESS, Way, nothing_is_left, on_stage_with, workers};

/// Tasks that the ledger has room for.
pub(crate) const ROOM: u64 = 4_096;
/// Until workers consume. Those that follow a killed one are given its partitions
/// of Kafka once its session is over: 45 s where that is the client's default.
const PATIENCE: Duration = Duration::from_secs(75);
/// Until everything handed over is confirmed or known not to be: a client of
/// Kafka gives a task up after 60 s.
const SETTLING: Duration = Duration::from_secs(150);

/// A system with its workers, held in the hand.
pub(crate) struct Hand<'a, 'b> {
    pub(crate) system: Box<dyn Held>,
    pub(crate) producer: Box<dyn HeldProducer>,
    pub(crate) log: Recorder,
    pub(crate) staff: Staff,
    pub(crate) work: Work,
    pub(crate) in_process: bool,
    pub(crate) target: Target,
    pub(crate) stage: &'a mut Stage<'b>,
    /// What was handed over together and when, for the judge.
    pub(crate) hand_overs: Vec<HandOver>,
    /// What was done to the broker, for the judge.
    pub(crate) faults: Vec<Injected>,
    /// When it was opened, monotonic ns.
    pub(crate) opened: u64,
    bodies: BodyPool,
}

impl<'a, 'b> Hand<'a, 'b> {
    /// Opens the target, starts its workers and waits until they consume.
    fn open(stage: &'a mut Stage<'b>, target: Target, act: &impl Act) -> Self {
        let number = next_number();
        let opened = clock::now();
        let address = stage.address();
        let at = Endpoints {
            producer: address.clone(),
            workers: address.clone(),
            control: address,
            second: stage.second_address(),
            prefix: format!("schedbench.test.{number}"),
        };
        let mut work = Work {
            system: target.system.name.to_owned(),
            profile: target.profile.name.to_owned(),
            queue: at.prefix.clone(),
            cell: number,
            index: 0,
            at: at.workers.clone(),
            second: at.second.clone(),
            shape: SHAPE,
            seed: 7,
            handler: Handler::None,
            fail_ppm: 0,
            retry: Retry { max: 0, backoff_ns: 0 },
            body: Fill { seed: 7, bytes: 100 },
            write_each: false,
            options: std::collections::BTreeMap::default(),
        };
        act.prepare(&mut work);
        let runtime = stage.runtime;
        let hold = if act.is_in_a_child() { hold_in_child } else { hold };
        let opening = hold(target.system.name, &at, target.profile, &work.shape);
        let system = runtime.block_on(opening.expect("a system of this build")).expect("it opens");
        let ledger = Ledger::new(number, ROOM as usize, opened, 600 * S);
        let log = Recorder::new(ledger);
        let launch = system.workers(&work, log.clone()).expect("workers");
        let in_process = matches!(launch, Launch::InProcess(_));
        let staff = hire(launch, &log, stage);
        let seen = workers(&stage.logs).len();
        assert!(seen >= staff.children().len(), "what is looked for at the end is seen now");
        let producer = runtime.block_on(system.producer(log.clone())).expect("a producer");
        let bodies = BodyPool::new(work.body);
        let (hand_overs, faults) = (Vec::new(), Vec::new());
        Self {
            system,
            producer,
            log,
            staff,
            work,
            in_process,
            target,
            stage,
            hand_overs,
            faults,
            opened,
            bodies,
        }
    }

    /// Opens it once more, under the same name.
    pub(crate) fn open_again(&self) -> Result<Box<dyn Held>> {
        self.open_as(&self.work.queue)
    }

    /// Opens another queue of the same profile on the same broker.
    pub(crate) fn open_as(&self, queue: &str) -> Result<Box<dyn Held>> {
        let Work { system, profile, at, second, shape, .. } = &self.work;
        let at = Endpoints {
            producer: at.clone(),
            workers: at.clone(),
            control: at.clone(),
            second: second.clone(),
            prefix: queue.to_owned(),
        };
        let system = find(system).expect("a system of this build");
        let profile = system.profile(Some(profile)).expect("one of its profiles");
        let opening = hold(system.name, &at, profile, shape).expect("a system of this build");
        self.stage.runtime.block_on(opening)
    }

    /// The id of a sequence number.
    pub(crate) fn id(&self, sequence: u64) -> TaskId {
        TaskId::new(self.work.cell, sequence)
    }

    /// Hands tasks over that are due at once.
    pub(crate) fn submit(&mut self, sequences: Range<u64>) {
        self.submit_due(sequences, 0);
    }

    /// Hands tasks over that are due after a delay.
    pub(crate) fn submit_due(&mut self, sequences: Range<u64>, delay_ns: u64) {
        self.submit_keyed(sequences, delay_ns, |_| None);
    }

    /// Hands tasks over that are due at once, each with a key of its own.
    ///
    /// Kafka's client gives what has no key to one partition for 10 ms at a
    /// time (`sticky.partitioning.linger.ms`): a handful of tasks handed over
    /// within them may all be one worker's. Keys spread them over all workers.
    pub(crate) fn submit_spread(&mut self, sequences: Range<u64>) {
        self.submit_keyed(sequences, 0, |sequence| Some(sequence as u32));
    }

    fn submit_keyed(
        &mut self,
        sequences: Range<u64>,
        delay_ns: u64,
        key: impl Fn(u64) -> Option<u32>,
    ) {
        let _context = self.stage.runtime.enter();
        let (cell, now) = (self.work.cell, clock::now());
        let task = |sequence| {
            let id = TaskId::new(cell, sequence);
            let (due, body) = (now + delay_ns, self.bodies.of(id));
            Task { id, intended: now, due, key: key(sequence), body }
        };
        self.hand_overs.push(HandOver { first: sequences.start, at: now });
        let tasks: Vec<Task<'_>> = sequences.map(task).collect();
        // As the generator does: what is due at once is handed over at once.
        let mut rest = tasks.as_slice();
        while !rest.is_empty() {
            let taken = self.stage.runtime.block_on(async {
                tokio::time::timeout(SETTLING, self.producer.submit(rest)).await
            });
            let taken = taken.expect("some are taken in time").expect("some are taken");
            assert!((1..=rest.len()).contains(&taken), "{taken} of {}", rest.len());
            rest = &rest[taken..];
        }
    }

    /// Hands over one task with a body of the check's own.
    pub(crate) fn submit_body(&mut self, sequence: u64, body: &[u8]) {
        let now = clock::now();
        let task = Task { id: self.id(sequence), intended: now, due: now, key: None, body };
        let taken = self.stage.runtime.block_on(self.producer.submit(&[task]));
        assert_eq!(taken.expect("it is looked at"), 1);
    }

    /// Waits until everything is confirmed or refused.
    pub(crate) fn settle(&mut self) {
        let settled = self
            .stage
            .runtime
            .block_on(async { tokio::time::timeout(SETTLING, self.producer.settle()).await });
        settled.expect("everything settles in time").expect("it settles");
    }

    /// Asks to take a task back.
    pub(crate) fn cancel(&mut self, sequence: u64) -> Result<bool> {
        let id = self.id(sequence);
        self.stage.runtime.block_on(self.producer.cancel(id))
    }

    /// What another queue says that it holds; `None` where it cannot be asked.
    pub(crate) fn backlog_of(&self, other: &dyn Held) -> Option<Backlog> {
        self.stage.runtime.block_on(other.backlog()).ok()
    }

    /// Ends another queue.
    pub(crate) fn remove(&self, other: Box<dyn Held>) {
        self.stage.runtime.block_on(other.purge()).expect("it is purged");
        self.stage.runtime.block_on(other.close()).expect("it closes");
    }

    /// What the system says that it holds.
    pub(crate) fn backlog(&self) -> Backlog {
        self.stage.runtime.block_on(self.system.backlog()).expect("it can be asked")
    }

    /// The same soon after an outage, which a question may still meet.
    pub(crate) fn try_backlog(&self) -> Option<Backlog> {
        self.stage.runtime.block_on(self.system.backlog()).ok()
    }

    /// The worker processes.
    pub(crate) fn children(&self) -> Vec<Child> {
        self.staff.children().to_vec()
    }

    /// Whether every worker process has run a task.
    pub(crate) fn all_have_run(&self) -> bool {
        self.staff.all_have_run()
    }

    /// Waits for a condition.
    pub(crate) fn wait(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        wait_for(what, || holds(self));
    }

    /// Ends the workers that live, in order.
    pub(crate) fn dismiss(&mut self) {
        // A worker that a check killed is reported; the check knows.
        let _ = self.staff.dismiss();
    }

    /// Starts new workers after a dismissal.
    pub(crate) fn hire_again(&mut self) {
        let launch = self.system.workers(&self.work, self.log.clone()).expect("workers");
        self.staff = hire(launch, &self.log, self.stage);
    }

    /// The processes of the broker that serve.
    pub(crate) fn broker_pids(&self) -> Vec<i32> {
        let broker = self.stage.broker.as_ref().expect("a broker");
        broker.children().iter().map(|child| child.pid()).collect()
    }

    /// Stops the broker: it takes nothing and says nothing, and is not gone.
    pub(crate) fn pause_broker(&self) {
        let broker = self.stage.broker.as_ref().expect("a broker");
        broker.child().expect("one of ours").pause();
    }

    /// Ends the broker with SIGKILL and starts it again with its data.
    pub(crate) fn kill_and_restart_broker(&mut self) {
        let broker = self.stage.broker.as_mut().expect("a broker");
        let took_effect = clock::now();
        for child in broker.children() {
            assert_eq!(child.kill().signal, Some(9));
        }
        let cleared = Some(clock::now());
        broker.restart().expect("it comes back");
        let (at_ns, for_ns) = (took_effect - self.opened, 0);
        let fault = Fault { deed: Deed::Kill, on: Victim::Broker, at_ns, for_ns };
        self.faults.push(Injected { fault, took_effect, cleared });
    }

    /// Workers that the system says are connected; `None` where it cannot say.
    pub(crate) fn consumers(&self) -> Option<u32> {
        self.stage.runtime.block_on(self.system.consumers()).expect("it can be asked")
    }

    /// The broker's address.
    pub(crate) fn address(&self) -> Option<Address> {
        self.stage.address()
    }

    /// Ends all of it.
    fn close(mut self) {
        self.dismiss();
        drop(self.producer);
        self.stage.runtime.block_on(self.system.purge()).expect("it is purged");
        self.stage.runtime.block_on(self.system.close()).expect("it closes");
    }
}

fn hire(launch: Launch, log: &Recorder, stage: &mut Stage<'_>) -> Staff {
    let staff = Staff::hire(launch, log, stage, Some(HARNESS.as_ref()));
    let mut staff = staff.unwrap_or_else(|error| panic!("{}", error.message));
    let never = AtomicBool::new(false);
    let ready = staff.ready(PATIENCE, &Halt::new(&never), stage);
    ready.unwrap_or_else(|error| panic!("{}", error.message));
    staff
}

/// What a check does with a system in the hand.
pub(crate) trait Act {
    /// Changes the work before the workers are started.
    fn prepare(&self, _work: &mut Work) {}
    /// Whether the system, which is one in process, is whole in a child.
    fn is_in_a_child(&self) -> bool {
        false
    }
    /// Does it.
    fn act(&self, hand: &mut Hand<'_, '_>);
}

/// Acts on a stage of its own and looks what is left behind.
pub(crate) fn by_hand(target: Target, act: &impl Act) {
    by_hand_with(target, Way::Direct, act);
}

/// The same, where the links between the broker's nodes can be hurt.
pub(crate) fn by_hand_with(target: Target, way: Way, act: &impl Act) {
    on_stage_with(target, way, |stage| {
        let mut hand = Hand::open(stage, target, act);
        act.act(&mut hand);
        hand.close();
        nothing_is_left(stage, target);
    });
}
