//! `schedbench run`: measures a scenario and writes its report.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use schedbench_contract::{Broker, Profile};
use schedbench_reports::analysis::{self, Analysis};
use schedbench_reports::outcome::{Outcome, Skipped};
use schedbench_reports::{export, terminal};

use super::check::headline;
use crate::cli::{Format, RunArgs, Voice};
use crate::environment::{
    self, Entry, Keeper, Mode, Need, Rooms, Source, Watchdog, Workshop, ordered,
};
use crate::fault::{self, Links};
use crate::plan::{Block, Deed, Estimate, Missing, Plan, Target, Victim, resolve};
use crate::record::Sampler;
use crate::run::live::{Exposed, Listener, Live, Unwatched, View};
use crate::run::{
    Exit, Interruption, Loudness, Progress, Results, Session, Stage, describe, exit, shown,
};
use crate::scenario::{Bytes, Scenario, ScenarioError};
use crate::voice;

/// Runs a scenario and prints what it came to.
///
/// # Errors
/// The scenario is wrong, a broker is missing, or results cannot be written.
pub fn run(args: &RunArgs, voice: Voice, out: &mut impl Write) -> Result<ExitCode> {
    let scenario = args.scenario.load()?;
    let claims = args.claims.read()?;
    let listener = to_be_watched(args, voice)?;
    let missing = if args.skip_missing { Missing::IsSkipped } else { Missing::IsAnError };
    let mut resolved = resolve(&scenario, missing)?;
    commands_are_here(&scenario)?;
    if scenario.links == Links::Namespaces {
        networks_can_be(&resolved.plan, args.env)?;
    }
    let skipped = without_missing(&mut resolved.plan, &scenario, args.env, args.skip_missing)?;
    resolved.skipped.extend(skipped);
    let say = |line: &str| {
        if !voice.quiet {
            voice::tell(line)
        }
    };
    let skipped = with_workers(&mut resolved.plan, args.skip_missing, &say)?;
    resolved.skipped.extend(skipped);
    let estimate = Estimate::of(&resolved.plan);
    environment::room::check(&args.out, estimate.disk_bytes, estimate.ledger_bytes)?;
    if resolved.plan.blocks.iter().any(fills_a_small_disk) {
        environment::room::check_small_disk(estimate.disk_bytes)?;
    }

    let interruption = Interruption::listen().context("cannot listen for signals")?;
    let (outcome, results) = measure(args, voice, &scenario, resolved, (&interruption, listener))?;
    results.render(&outcome, &claims)?;
    let analysis = analysis::analyse_beside(&outcome, &claims);
    match print(args.format, voice, (&outcome, &analysis), &results, out) {
        // The results are written; that nobody reads changes nothing.
        Err(error) if !voice::nobody_reads(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let code = exit(&outcome, &analysis);
    if let Exit::Signal(_) = code {
        // Nobody may listen any more.
        let mut stderr = std::io::stderr();
        let _ = writeln!(stderr, "stopped; what was measured is in {}", shown(results.directory()));
    }
    Ok(code.into())
}

fn print(
    format: Format,
    voice: Voice,
    (outcome, analysis): (&Outcome, &Analysis),
    results: &Results,
    out: &mut impl Write,
) -> Result<()> {
    match format {
        Format::Text => {
            let (colour, width) = (voice::colours_stdout(voice), voice::width());
            write!(out, "{}", terminal::render(outcome, analysis, colour, width))?;
            let report = shown(&results.report());
            writeln!(out, "Report: {report}")?;
        }
        Format::Json => write!(out, "{}", export::json(outcome, analysis))?,
        Format::Md => write!(out, "{}", export::markdown(outcome, analysis))?,
        Format::Csv => write!(out, "{}", export::csv(outcome))?,
    }
    Ok(())
}

/// The port for metrics, where they are asked for.
///
/// # Errors
/// It cannot be had, or nobody could see the live view.
fn to_be_watched(args: &RunArgs, voice: Voice) -> Result<Option<Listener>, Unwatched> {
    if args.live && voice.quiet {
        return Err(Unwatched::Quiet);
    }
    if args.live && !voice::stderr_is_terminal() {
        return Err(Unwatched::NoTerminal);
    }
    args.metrics.map(|at| Listener::at(at.0)).transpose()
}

fn measure(
    args: &RunArgs,
    voice: Voice,
    scenario: &Scenario,
    resolved: crate::plan::Resolved,
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("client")
        .on_thread_start(environment::placement::to_generator)
        .enable_all()
        .build()
        .context("cannot start the clients' runtime")?;
    let id = uuid::Uuid::new_v4().simple().to_string()[..6].to_owned();
    let now = jiff::Timestamp::now();
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let results = Results::create(&args.out, &plan.source.name, &stamp, &id)?;
    results.keep_scenario(&plan.source.text)?;

    let estimate = Estimate::of(plan);
    let loudness = if voice.quiet { Loudness::Quiet } else { Loudness::Normal };
    let about = Duration::from_nanos(estimate.measuring_ns);
    let bar = !args.no_progress && voice::stderr_is_terminal();
    let cells = estimate.cells as u32;
    let board = Exposed::of(&id, &plan.source.name, cells);
    let board = listener.is_some().then(|| Arc::new(Mutex::new(board)));
    let server = listener.zip(board.clone()).map(|(listener, board)| listener.serve(board));
    let server = server.transpose().context("cannot serve metrics")?;
    let live = Live::new(board, args.live.then(View::default));
    let progress = Progress::new(cells, about, loudness, bar).watched(live);
    if plan.has_faults() && !keeper.has_networks() {
        host.proxy = Some(fault::proxy::cost().context("cannot measure what the proxy costs")?);
    }
    progress.say(&headline(plan));
    progress.say(&environment::host::headline(&host));
    if let Some(server) = &server {
        progress.say(&format!("metrics: {}", server.url()));
    }
    for note in &resolved.notes {
        progress.say(&format!("note: {note}"));
    }
    for skipped in &resolved.skipped {
        progress.say(&format!("skipped: {}: {}", skipped.target, skipped.why));
    }
    let run = schedbench_reports::outcome::Run {
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

/// Takes targets out of the plan whose broker is not here, or the server that
/// they need beside it, where asked to.
///
/// # Errors
/// One is missing and `--skip-missing` was not given.
fn without_missing(
    plan: &mut Plan,
    scenario: &Scenario,
    mode: Mode,
    skip: bool,
) -> Result<Vec<Skipped>> {
    let mut skipped: Vec<Skipped> = Vec::new();
    let mut kept = Vec::with_capacity(plan.blocks.len());
    for block in plan.blocks.drain(..) {
        let name = block.target.name();
        let Target { system, profile } = block.target;
        let servers = [Some(profile), (system.second)(profile)].into_iter().flatten();
        let mut servers = servers.filter_map(|profile| Some((profile.broker?, profile)));
        // Asked first: what must not be hurt is not asked anything.
        let unfit = not_ours_to_hurt(&block, scenario, mode).or_else(|| no_small_disk(&block));
        let missing = unfit.or_else(|| {
            servers.find_map(|(broker, profile)| {
                let need = Need {
                    who: &name,
                    profile,
                    url_env: scenario.url_env(broker),
                    by_proxies: false,
                };
                reachable(mode, Entry::of(broker), &need).err()
            })
        });
        match missing.map_or(Ok(()), Err) {
            Ok(()) => kept.push(block),
            Err(missing) if skip => {
                if skipped.iter().all(|known| known.target != name) {
                    let remedy = Some(missing.remedy.clone());
                    skipped.push(Skipped { target: name, why: missing.why.clone(), remedy });
                }
            }
            Err(missing) => return Err(missing.into()),
        }
    }
    plan.blocks = kept;
    Ok(skipped)
}

/// That the programs of all command pairs are here, before anything starts: a
/// broker that was hurt and cannot be healed would be worse than no result.
///
/// # Errors
/// One is not.
fn commands_are_here(scenario: &Scenario) -> Result<(), ScenarioError> {
    let faults = scenario.settings.faults();
    let lists = faults.flat_map(|fault| [&fault.hurt, &fault.heal]).flatten();
    for program in lists.filter_map(|list| list.first()) {
        if !ordered::is_here(program) {
            return Err(scenario.text.error(
                &program.span,
                format!("no program `{}` here", program.value.escape_debug()),
                "expected the path of a program, or the name of one on PATH",
            ));
        }
    }
    Ok(())
}

/// That brokers can have networks of their own here.
///
/// # Errors
/// They cannot.
fn networks_can_be(plan: &Plan, mode: Mode) -> Result<(), ScenarioError> {
    let refuse = |why: String| {
        ScenarioError::new("--network namespaces cannot be had here", why)
            .help("As everywhere:  --network proxies")
    };
    if mode != Mode::Local {
        return Err(refuse(format!("expected --env local with it, found --env {}", mode.name())));
    }
    let left = environment::network::sweep();
    for name in left {
        voice::tell(&format!("removed network namespace {name} of a killed run"));
    }
    // The largest that the plan needs: nodes apart need bridges besides.
    let profiles = plan.blocks.iter().map(|block| block.target.profile);
    let networks = |profile: &Profile| Some(Entry::of(profile.broker?).networks(profile));
    let largest = profiles.filter_map(networks).max().unwrap_or(1);
    environment::Network::lay(largest, None).map(drop).map_err(|error| refuse(error.to_string()))
}

/// Why a broker that is to be hurt must not be: the harness would not start it
/// itself. A URL in the scenario is refused with the plan already.
fn not_ours_to_hurt(
    block: &Block,
    scenario: &Scenario,
    mode: Mode,
) -> Option<environment::Missing> {
    let Target { profile, .. } = block.target;
    let broker = profile.broker?;
    let who = block.target.name();
    let cells = block.steps.iter().map(describe::cell_of);
    let mut faults = cells.flat_map(|cell| &cell.faults);
    // Who names a pair of commands says how it is hurt and healed.
    let is_hurt = faults.any(|fault| {
        (fault.on.is_of_the_broker() || matches!(fault.on, Victim::Link(_)))
            && !matches!(fault.deed, Deed::Command(_))
    });
    let source = mode.source(Entry::of(broker), &who, scenario.url_env(broker), profile.topology);
    match source {
        Ok(Source::Url(_) | Source::Compose(_)) if is_hurt => Some(environment::Missing {
            who,
            what: "broker",
            why: "A fault would hurt its broker or the links to it, and only one that schedbench \
                  starts itself is ever hurt."
                .to_owned(),
            remedy: Entry::of(broker).remedy.to_owned(),
            instead: Some("--env local".to_owned()),
        }),
        _ => None,
    }
}

/// Whether its broker needs a disk that can be full. RabbitMQ does not: it is
/// told that it has less room than it wants.
fn fills_a_small_disk(block: &Block) -> bool {
    let fills = block.steps.iter().any(|step| describe::cell_of(step).fills_a_disk());
    fills && block.target.profile.broker != Some(Broker::RabbitMq)
}

/// Why its broker cannot have such a disk.
fn no_small_disk(block: &Block) -> Option<environment::Missing> {
    if !fills_a_small_disk(block) {
        return None;
    }
    let nodes = block.target.profile.topology.nodes() as u64;
    let (why, remedy) = match environment::small_disk_is_possible() {
        Err(error) => {
            let why = format!("A small disk cannot be mounted for its broker alone ({error})");
            (why, "run it as root".to_owned())
        }
        Ok(()) => {
            let needs = nodes * environment::ROOM_BYTES;
            let has = environment::host::memory_available();
            if has >= needs {
                return None;
            }
            let why = format!(
                "A small disk may take {} of memory, {} are free",
                Bytes(needs),
                Bytes(has)
            );
            (why, "close other programs".to_owned())
        }
    };
    Some(environment::Missing {
        who: block.target.name(),
        what: "small disk",
        why: format!("A full disk is unsupported here. {why}."),
        remedy,
        instead: None,
    })
}

/// Makes the worker programs that the plan needs and are not there yet, before
/// anything is measured; where asked to, takes targets whose program cannot be
/// made out of the plan.
///
/// # Errors
/// A program cannot be made and `--skip-missing` was not given.
fn with_workers(plan: &mut Plan, skip: bool, say: &dyn Fn(&str)) -> Result<Vec<Skipped>> {
    let mut failed: BTreeMap<&'static str, (String, String)> = BTreeMap::new();
    let systems: BTreeMap<_, _> =
        plan.blocks.iter().map(|block| (block.target.system.name, block.target.system)).collect();
    for (name, system) in systems {
        let Some(source) = environment::source_of(system) else { continue };
        match Workshop::open().and_then(|workshop| workshop.have(source, say)) {
            Ok(_) => {}
            Err(environment::Error::Missing(missing)) if skip => {
                failed.insert(name, (missing.why, missing.remedy));
            }
            Err(error) if skip => {
                failed.insert(name, (error.to_string(), format!("schedbench prepare {name}")));
            }
            Err(environment::Error::Missing(missing)) => return Err(missing.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let mut skipped: Vec<Skipped> = Vec::new();
    plan.blocks.retain(|block| {
        let Some((why, remedy)) = failed.get(block.target.system.name) else { return true };
        let target = block.target.name();
        if skipped.iter().all(|known| known.target != target) {
            skipped.push(Skipped { target, why: why.clone(), remedy: Some(remedy.clone()) });
        }
        false
    });
    Ok(skipped)
}

/// Whether the program that would be started is not too old, and not too new.
fn of_age(entry: &Entry, need: &Need<'_>, program: &Path) -> Result<(), environment::Missing> {
    let Need { who, profile, .. } = *need;
    // Asking may take a start of the program; it is the same in every block.
    static ASKED: Mutex<BTreeMap<PathBuf, Option<String>>> = Mutex::new(BTreeMap::new());
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let version = asked.entry(program.to_owned()).or_insert_with(|| (entry.version)(program));
    match version.as_deref() {
        Some(version) if entry.is_too_old(version) => {
            let (major, minor) = entry.oldest;
            let name = entry.broker.name();
            Err(environment::Missing {
                who: who.to_owned(),
                what: "broker",
                why: format!("{name} {version} is too old: expected {major}.{minor} or later."),
                remedy: entry.remedy.to_owned(),
                instead: Some(format!("--env compose, or {}", entry.url_env)),
            })
        }
        Some(version) => match entry.lacks(version, profile) {
            None => Ok(()),
            Some(why) => Err(environment::Missing {
                who: who.to_owned(),
                what: "broker",
                why,
                remedy: format!("export {}= an older {}", entry.program_env, entry.program),
                instead: None,
            }),
        },
        // One that cannot be read is found out, with its log, when it starts.
        None => Ok(()),
    }
}

/// Whether a broker is here: a program that can be started, or a server that
/// answers, takes the credentials of its URL, and is as the profile needs it.
fn reachable(mode: Mode, entry: &Entry, need: &Need<'_>) -> Result<(), environment::Missing> {
    let Need { who, profile, url_env, .. } = *need;
    let variable = match mode.source(entry, who, url_env, profile.topology)? {
        Source::Url(variable) => variable,
        Source::Program(program) => return of_age(entry, need, &program),
        Source::Compose(_) => return Ok(()),
    };
    let why = match entry.ask(&variable) {
        Ok(version) if entry.is_too_old(&version) => {
            format!("The {} of {variable} is {version}, which is too old.", entry.broker.name())
        }
        Ok(_) => match entry.suits(&variable, need) {
            Ok(()) => return Ok(()),
            Err(error) => return Err(unsuited(who, &variable, &error)),
        },
        Err(error) => format!("{}.", error.to_string().trim_end_matches('.')),
    };
    let remedy = format!("correct {variable}");
    Err(environment::Missing { who: who.into(), what: "broker", why, remedy, instead: None })
}

/// One that is there and will not do, as one that is missing: its message
/// begins with whom it is for, and its second line is what to do.
fn unsuited(who: &str, variable: &str, error: &environment::Error) -> environment::Missing {
    let text = error.to_string();
    let text = text.strip_prefix(&format!("{who}: ")).unwrap_or(&text);
    let (why, remedy) = match text.split_once('\n') {
        Some((why, remedy)) => (why, remedy.trim().to_owned()),
        None => (text, format!("correct {variable}")),
    };
    let why = format!("{}.", why.trim_end_matches('.'));
    environment::Missing { who: who.into(), what: "broker", why, remedy, instead: None }
}
