//! Parity: each system through the harness and by its own best-known tool, in
//! turn, on one broker (`docs/decisions/0022-parity-is-a-bench.md`).
//!
//! `scripts/parity [SYSTEM…] [--rounds N] [--seconds S] [--markdown FILE]`

mod command;
mod native;
mod ours;
mod rows;
mod table;
mod tools;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use schedbench::environment::{Keeper, Mode, Rooms, Watchdog, host, watchdog};
use schedbench::plan::Target;
use schedbench::record::Sampler;
use schedbench::run::{Loudness, Progress, Stage};
use schedbench_adapters::{find, visit};
use schedbench_contract::{Adapter, Endpoints, Visit};

use native::Natives;
use ours::Round;
use rows::{ROWS, Row, Side};
use table::{Compared, Measured, Occasion};

/// Sets each system's own tool beside the harness.
#[derive(Debug, Parser)]
struct Options {
    /// Only these systems.
    systems: Vec<String>,
    /// How often each side is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long a producer is measured, s.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Also writes the document that the table belongs into. A relative path
    /// begins at the repository.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// What `cargo bench` gives to every program of its.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Some ratio is outside and nobody says why.
const NOT_EXPLAINED: u8 = 1;

static STOP: AtomicBool = AtomicBool::new(false);
/// Numbers of queues, so that no leftover of one is another's task.
static NEXT: AtomicU32 = AtomicU32::new(1);

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("parity: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode> {
    let rows = chosen(&options.systems)?;
    if options.rounds == 0 || options.seconds == 0 {
        return Err(anyhow!("--rounds and --seconds are at least 1"));
    }
    let say = |line: &str| eprintln!("parity: {line}");
    let natives = Natives::have(&rows, &say)?;
    let watchdog = Watchdog::start_as(ours::HARNESS.as_ref(), &[watchdog::VERB.into()])?;
    let rooms = Rooms::open(Some(watchdog.clone()))?;
    let keeper = Keeper::start(Some(watchdog))?;
    let sampler = Sampler::start()?;
    let logs = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("client")
        .enable_all()
        .build()?;
    stop_on_signals()?;
    let mut stage = Stage {
        runtime: &runtime,
        keeper: &keeper,
        sampler: &sampler,
        rooms: &rooms,
        logs: logs.path().to_owned(),
        url_env: &|_| None,
        mode: Mode::Local,
        broker: None,
        second: None,
        progress: Progress::new(1, Duration::from_secs(1), Loudness::Quiet, false),
        stop: &STOP,
        settle_wait_ns: 0,
        hurt: Vec::new(),
    };
    let mut compared = Vec::new();
    let mut brokers = BTreeMap::new();
    let mut running = None;
    for row in rows {
        let target = target(row)?;
        if running != Some(target.name()) {
            let started = stage.start_broker(target, false);
            started.map_err(|error| anyhow!("{}\n{}", error.message, error.log.join("\n")))?;
            running = Some(target.name());
        }
        if let Some(broker) = &stage.broker {
            // Without its port, which is another one each time.
            let words = broker.describe();
            let (name, rest) = words.split_once(" started on ").unwrap_or((&words, ""));
            let settings = rest.split_once(" (").map_or("", |(_, settings)| settings);
            let settings =
                if settings.is_empty() { String::new() } else { format!(" ({settings}") };
            brokers.insert(target.name(), format!("{}: {name}{settings}", target.name()));
        }
        let one = compare(&mut stage, row, target, &natives, options)?;
        eprintln!("{}", table::table(std::slice::from_ref(&one)).lines().last().unwrap_or(""));
        compared.push(one);
    }
    stage.end_broker();
    print!("{}", table::table(&compared));
    if let Some(file) = &options.markdown {
        let occasion = Occasion {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            machine: machine(),
            typed: typed(options),
            rounds: options.rounds,
            measure_s: options.seconds,
            brokers: brokers.into_values().collect(),
        };
        let text = table::document(&occasion, &compared);
        // Cargo starts this in the package's own directory.
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
        let file = repository.join(file);
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    let unexplained = compared.iter().any(|one| matches!(one.reason(), Some(None)));
    Ok(if unexplained { ExitCode::from(NOT_EXPLAINED) } else { ExitCode::SUCCESS })
}

fn chosen(systems: &[String]) -> Result<Vec<&'static Row>> {
    for system in systems {
        if !ROWS.iter().any(|row| row.system == system) {
            let mut known: Vec<&str> = ROWS.iter().map(|row| row.system).collect();
            known.dedup();
            return Err(anyhow!(
                "nothing is compared for {system}; there are: {}",
                known.join(", ")
            ));
        }
    }
    let is_chosen =
        |row: &&Row| systems.is_empty() || systems.iter().any(|system| system == row.system);
    Ok(ROWS.iter().filter(is_chosen).collect())
}

fn target(row: &Row) -> Result<Target> {
    let system = find(row.system).with_context(|| format!("this build lacks {}", row.system))?;
    let profile = system.profile(Some(row.profile));
    let profile = profile.with_context(|| format!("{} has no {}", row.system, row.profile))?;
    Ok(Target { system, profile })
}

/// Ours and the tool, in turn.
fn compare<'a>(
    stage: &mut Stage<'_>,
    row: &'a Row,
    target: Target,
    natives: &Natives,
    options: &Options,
) -> Result<Compared<'a>> {
    let measure = Duration::from_secs(options.seconds);
    let mut compared = Compared { row, ours: Vec::new(), native: Vec::new() };
    for _ in 0..options.rounds {
        for by_tool in [false, true] {
            let turn = Turn { stage, row, target, natives: by_tool.then_some(natives), measure };
            let measured = visit(row.system, turn).context("a system of this build")?;
            let side = if by_tool { &mut compared.native } else { &mut compared.ours };
            side.push(measured.with_context(|| format!("{}, {:?}", target.name(), row.side))?);
        }
    }
    Ok(compared)
}

/// One side of one round, on a queue of its own.
struct Turn<'a, 's, 'b> {
    stage: &'a mut Stage<'b>,
    row: &'s Row,
    target: Target,
    /// The tools, when it is their turn.
    natives: Option<&'a Natives>,
    measure: Duration,
}

impl Visit for Turn<'_, '_, '_> {
    type Out = Result<Measured>;

    fn visit<A: Adapter>(self) -> Self::Out {
        let Self { stage, row, target, natives, measure } = self;
        if STOP.load(Ordering::Relaxed) {
            return Err(anyhow!("stopped"));
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let queue = format!("schedbench.parity.{number}");
        let address = stage.address();
        let at = Endpoints {
            producer: address.clone(),
            workers: address.clone(),
            control: address,
            second: stage.second_address(),
            prefix: queue.clone(),
        };
        let runtime = stage.runtime;
        let system = runtime.block_on(A::open(&at, target.profile, &ours::shape(row)))?;
        let mut round = Round { stage, row, target, system: &system, queue: &queue, number };
        let measured = match (row.side, natives) {
            (Side::Enqueue, None) => round.enqueue(measure),
            (Side::Enqueue, Some(natives)) => natives.run(round.stage, row, &queue, measure),
            (Side::Process { tasks }, None) => {
                round.fill(tasks).and_then(|log| round.process(&log))
            }
            (Side::Process { tasks }, Some(natives)) => {
                round.fill(tasks).and_then(|_| natives.run(round.stage, row, &queue, measure))
            }
        };
        let purged = runtime.block_on(system.purge());
        let closed = runtime.block_on(system.close());
        let measured = measured?;
        purged?;
        closed?;
        Ok(measured)
    }
}

/// The machine, without what changes from run to run.
fn machine() -> String {
    let headline = host::headline(&host::describe());
    let machine = headline.trim_start_matches("host: ");
    machine.split("   ").next().unwrap_or(machine).to_owned()
}

fn typed(options: &Options) -> String {
    let mut words = vec!["scripts/parity".to_owned()];
    words.extend(options.systems.iter().cloned());
    words.extend(["--rounds".into(), options.rounds.to_string()]);
    words.extend(["--seconds".into(), options.seconds.to_string()]);
    words.join(" ")
}

/// The first signal ends the measurement in order: every child, every room.
fn stop_on_signals() -> Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
    ])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            STOP.store(true, Ordering::Relaxed);
        }
    })?;
    Ok(())
}
