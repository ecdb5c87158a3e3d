//! All that a run stands on, made in its order, and the run itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use schedbench_reports::outcome::{self, Outcome};
use tokio::runtime::Runtime;

use crate::cli::{RunArgs, Voice};
use crate::environment::{self, Keeper, Rooms, Watchdog};
use crate::fault::{self, Links};
use crate::plan::{Estimate, Plan, Resolved};
use crate::record::Sampler;
use crate::run::live::{Exposed, Listener, Live, Server, View};
use crate::run::{Interruption, Loudness, Progress, Results, Session, Stage};
use crate::scenario::Scenario;
use crate::verbs::check::headline;
use crate::voice;

pub(super) fn measure(
    args: &RunArgs,
    voice: Voice,
    scenario: &Scenario,
    resolved: Resolved,
    (interruption, listener): (&Interruption, Option<Listener>),
) -> Result<(Outcome, Results)> {
    let plan = &resolved.plan;
    environment::placement::begin();
    let watchdog = Watchdog::start()?;
    let rooms = Rooms::open(Some(watchdog.clone()))?;
    for left in rooms.swept().iter().filter(|_| !voice.quiet) {
        voice::tell(&format!("removed {} of a killed run", left.display()));
    }
    let mut host = environment::host::describe();
    host.environment = Some(args.env.name().to_owned());
    let mut keeper = Keeper::start(Some(watchdog.clone()))?.heeding(interruption.shared_flag());
    if scenario.links == Links::Namespaces {
        keeper = keeper.with_networks(watchdog);
        host.network = Some("namespaces joined by veth".to_owned());
    }
    let sampler = Sampler::start().context("cannot start the sampler")?;
    let runtime = clients_runtime().context("cannot start the clients' runtime")?;
    let id = uuid::Uuid::new_v4().simple().to_string()[..6].to_owned();
    let now = jiff::Timestamp::now();
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let results = Results::create(&args.out, &plan.source.name, &stamp, &id)?;
    results.keep_scenario(&plan.source.text)?;

    let (progress, server) = watched(args, voice, plan, &id, listener)?;
    if plan.has_faults() && !keeper.has_networks() {
        host.proxy = Some(fault::proxy::cost().context("cannot measure what the proxy costs")?);
    }
    announce(&progress, &resolved, &host, server.as_ref());
    let run = outcome::Run {
        id,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("SCHEDBENCH_COMMIT").map(str::to_owned),
        started: now.to_string(),
        elapsed_s: 0.0,
        command: std::env::args().collect(),
    };
    let url_env = |broker| scenario.url_env(broker).map(str::to_owned);
    let stage = Stage {
        runtime: &runtime,
        keeper: &keeper,
        sampler: &sampler,
        rooms: &rooms,
        logs: results.logs(),
        mode: args.env,
        url_env: &url_env,
        broker: None,
        second: None,
        progress,
        stop: interruption.flag(),
        settle_wait_ns: 0,
        hurt: Vec::new(),
    };
    let session =
        Session::new(plan, stage, &results, run, host, resolved.skipped.clone(), interruption);
    Ok((session.run()?, results))
}

/// One thread does the I/O of all clients in this process.
fn clients_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("client")
        .on_thread_start(environment::placement::to_generator)
        .enable_all()
        .build()
}

/// Where the run's progress is told, and who serves it as metrics.
fn watched(
    args: &RunArgs,
    voice: Voice,
    plan: &Plan,
    id: &str,
    listener: Option<Listener>,
) -> Result<(Progress, Option<Server>)> {
    let estimate = Estimate::of(plan);
    let loudness = if voice.quiet { Loudness::Quiet } else { Loudness::Normal };
    let about = Duration::from_nanos(estimate.measuring_ns);
    let bar = !args.no_progress && voice::stderr_is_terminal();
    let cells = estimate.cells as u32;
    let board = Exposed::of(id, &plan.source.name, cells);
    let board = listener.is_some().then(|| Arc::new(Mutex::new(board)));
    let server = listener.zip(board.clone()).map(|(listener, board)| listener.serve(board));
    let server = server.transpose().context("cannot serve metrics")?;
    let live = Live::new(board, args.live.then(View::default));
    Ok((Progress::new(cells, about, loudness, bar).watched(live), server))
}

/// What is going to be measured, where, and what is left out of it.
fn announce(
    progress: &Progress,
    resolved: &Resolved,
    host: &outcome::Host,
    server: Option<&Server>,
) {
    progress.say(&headline(&resolved.plan));
    progress.say(&environment::host::headline(host));
    if let Some(server) = server {
        progress.say(&format!("metrics: {}", server.url()));
    }
    for note in &resolved.notes {
        progress.say(&format!("note: {note}"));
    }
    for skipped in &resolved.skipped {
        progress.say(&format!("skipped: {}: {}", skipped.target, skipped.why));
    }
}
