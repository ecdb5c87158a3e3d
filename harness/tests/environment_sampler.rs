//! CPU and memory by role, beside known work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use schedbench::environment::{Child, Keeper, Spec};
use schedbench::record::{Role, Sampler};

#[path = "environment/ground.rs"]
mod ground;
use ground::wait_for;

/// A thread of a name that spins for a time at a signal and lives on.
struct Busy {
    go: Arc<Barrier>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn busy(name: &str, cpu: Duration) -> Busy {
    let (go, stop) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    let (its_go, its_stop) = (Arc::clone(&go), Arc::clone(&stop));
    let body = move || {
        its_go.wait();
        let until = own_cpu() + cpu;
        while own_cpu() < until {
            std::hint::spin_loop();
        }
        its_go.wait();
        while !its_stop.load(Ordering::Acquire) {
            std::thread::park();
        }
    };
    let thread = std::thread::Builder::new().name(name.into()).spawn(body).expect("a thread");
    Busy { go, stop, thread }
}

impl Busy {
    fn end(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().expect("no panic");
    }
}

fn shell(keeper: &Keeper, logs: &std::path::Path, script: &str) -> Child {
    let mut spec = Spec::new("a shell", "/bin/sh", logs.join("shell.log"));
    spec.args = vec!["-c".into(), script.into()];
    keeper.spawn(spec).expect("a child")
}

fn is_about(seen: Option<f64>, expected: f64) {
    let seen = seen.expect("measured");
    assert!((seen - expected).abs() < 0.025, "{seen} s instead of {expected} s");
}

/// One test, since threads of other tests would come and go in the window.
#[test]
fn cpu_and_memory_go_to_whom_they_belong() {
    let (keeper, logs, _) = ground::stand();
    let sampler = Sampler::start().expect("a sampler");
    let ms = Duration::from_millis;
    let threads = [
        busy("pacer-1", ms(120)),
        busy("client-1", ms(60)),
        busy("client-2", ms(90)),
        busy("sched-wheel", ms(70)),
    ];
    let idle = shell(&keeper, logs.path(), "exec sleep 1000");
    sampler.watch(Role::Workers, &idle);
    let before = sampler.snapshot();
    let clock = Instant::now();
    for thread in &threads {
        thread.go.wait();
    }
    let loops = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo done";
    let worker = shell(&keeper, logs.path(), &format!("{loops}; exec sleep 1000"));
    sampler.watch(Role::Workers, &worker);
    wait_for("the worker's work", || !worker.log_tail(1).is_empty());
    for thread in &threads {
        thread.go.wait();
    }
    // A process that is killed in the window keeps what it used.
    let killed = worker.kill().cpu.expect("its life's").as_secs_f64();
    let after = sampler.last_snapshot();
    let length = clock.elapsed().as_secs_f64();
    let seen = sampler.between(&before, &after);
    println!("{seen:#?}");

    is_about(seen.usage.generator_cpu_s, 0.120);
    is_about(seen.usage.client_cpu_s, 0.150);
    is_about(seen.usage.broker_cpu_s, 0.070);
    is_about(seen.usage.workers_cpu_s, killed);
    is_about(seen.usage.busiest_client_thread.map(|share| share * length), 0.090);
    assert_eq!(seen.not_measured, Vec::<String>::new());
    assert!(seen.host.foreign_cores.is_some() && seen.host.steal.is_some());
    assert!(seen.host.unattributed_cores.is_some());
    let harness = seen.usage.harness.expect("memory");
    assert!(harness.rss > 1_000_000 && harness.pss.is_some_and(|pss| pss > 100_000));
    let workers = seen.usage.workers.expect("memory");
    assert!(workers.rss > 100_000 && workers.pss.is_some_and(|pss| pss <= workers.rss));
    // Two at most lived at a time, one of them alone at the end.
    let each = seen.usage.rss_per_worker.expect("memory");
    assert!(each >= workers.rss / 2 && each <= workers.rss, "{each} of {}", workers.rss);
    assert_eq!(seen.usage.broker, None);

    // A thread that ends takes its clock along, and that is said.
    let [pacer, client, ..] = threads;
    client.end();
    let last = sampler.last_snapshot();
    let seen = sampler.between(&after, &last);
    assert_eq!((seen.usage.client_cpu_s, seen.usage.busiest_client_thread), (None, None));
    assert!(seen.usage.generator_cpu_s.is_some());
    assert!(seen.not_measured[0].contains("the client: 1 of its threads ended"));

    // One that came and went in between is found by what it used.
    let again = sampler.snapshot();
    let passing = busy("client-9", ms(100));
    passing.go.wait();
    passing.go.wait();
    passing.end();
    let seen = sampler.between(&again, &sampler.last_snapshot());
    assert_eq!(seen.usage.generator_cpu_s, None);
    assert!(seen.not_measured[0].contains("came and went"), "{:?}", seen.not_measured);
    pacer.end();

    // What a program has forked is its own: these are two workers, not six.
    idle.kill();
    let forks = "sleep 1000 & sleep 1000 & echo forked; wait";
    let pools = [1, 2].map(|_| shell(&keeper, logs.path(), forks));
    wait_for("their children", || pools.iter().all(|pool| pool.processes().len() == 3));
    for pool in &pools {
        sampler.watch(Role::Workers, pool);
    }
    let before = sampler.snapshot();
    let usage = sampler.between(&before, &sampler.last_snapshot()).usage;
    let workers = usage.workers.expect("memory");
    assert_eq!(usage.rss_per_worker, Some(workers.rss / 2));
    // One that has ended is none any more.
    pools[0].kill();
    let before = sampler.snapshot();
    let usage = sampler.between(&before, &sampler.last_snapshot()).usage;
    assert_eq!(usage.rss_per_worker, usage.workers.map(|workers| workers.rss));
}
