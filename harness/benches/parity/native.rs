//! Runs the native tools, as children of the keeper.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use schedbench::environment::{Child, Jars, Spec, Workshop, kafka, source_of};
use schedbench::run::Stage;
use schedbench_contract::{Address, Language, Secret, WorkerSource};

use crate::command::{Command, Place, Program};
use crate::rows::{Row, Tool};
use crate::table::Measured;
use crate::tools::{self, Said};
use crate::watch::watch;

const PERF_TEST: Jars = Jars {
    what: "PerfTest 2.22.1",
    name: "perf-test",
    pom: include_str!("perf-test/pom.xml"),
    lock: include_str!("perf-test/jars.lock"),
    again: "scripts/parity rabbitmq",
};

static ASYNQ: WorkerSource = WorkerSource {
    name: "asynq-native",
    language: Language::Go,
    files: &[
        ("go.mod", include_str!("asynq/go.mod")),
        ("go.sum", include_str!("asynq/go.sum")),
        ("main.go", include_str!("asynq/main.go")),
    ],
};

const CELERY: &str = include_str!("celery/native.py");

/// A tool takes longer than this only if something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);
/// Lines of a tool that failed.
const TAIL: usize = 15;

/// The tools that have to be made or fetched first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Natives {
    java: PathBuf,
    kafka: PathBuf,
    perf_test: PathBuf,
    asynq: PathBuf,
    python: PathBuf,
}

impl Natives {
    /// Fetches and makes what these rows need and is not there yet.
    pub(crate) fn have(rows: &[&Row], say: &dyn Fn(&str)) -> Result<Self> {
        let needs = |tool| rows.iter().any(|row| row.tool == tool);
        let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
        let java = home.map_or("java".into(), |home| Path::new(&home).join("bin/java"));
        let mut natives = Self { java, ..Self::default() };
        if needs(Tool::KafkaPerformance) {
            natives.kafka = kafka::fetch(say)?;
        }
        if needs(Tool::PerfTest) {
            natives.perf_test = PERF_TEST.fetch(say)?;
        }
        if needs(Tool::Asynq) {
            natives.asynq = Workshop::open()?.have(&ASYNQ, say)?.program;
        }
        for row in rows {
            // The workers of our side too, so that no round waits for them.
            let system = schedbench_adapters::find(row.system).context("a system of this build")?;
            if let Some(source) = source_of(system) {
                let made = Workshop::open()?.have(source, say)?;
                if row.tool == Tool::Celery {
                    natives.python = made.program;
                }
            }
        }
        Ok(natives)
    }

    fn program(&self, program: Program) -> PathBuf {
        match program {
            Program::Java { .. } => self.java.clone(),
            Program::Named(name) => PathBuf::from(name),
            Program::Asynq => self.asynq.clone(),
            Program::Celery => self.python.clone(),
        }
    }

    fn spec(&self, command: &Command, place: &Place, name: &str) -> Result<Spec> {
        for (file, content) in &command.files {
            write_private(&place.dir.join(file), &content.0)?;
        }
        let log = place.dir.join(format!("{name}.log"));
        let mut spec = Spec::new(name, self.program(command.program), log);
        match command.program {
            Program::Java { perf_test, class } => {
                let jars = if perf_test { &self.perf_test } else { &self.kafka };
                let mut jars = jars.join("libs").into_os_string();
                jars.push("/*");
                spec.args.extend(tools::JVM.iter().map(OsString::from));
                spec.args.extend(["-cp".into(), jars, class.into()]);
            }
            Program::Celery => {
                let script = place.dir.join("native.py");
                write_private(&script, CELERY)?;
                spec.args.push(script.into());
            }
            Program::Named(_) | Program::Asynq => {}
        }
        spec.args.extend(command.args.iter().map(OsString::from));
        let env = command.env.iter().map(|(name, value)| ((*name).to_owned(), value.0.clone()));
        spec.env.extend(env);
        spec.stdin = command.stdin.0.clone().into_bytes();
        Ok(spec)
    }

    /// Runs a command that takes no time; what it printed.
    fn ask(&self, stage: &Stage<'_>, command: &Command, place: &Place) -> Result<String> {
        let spec = self.spec(command, place, "aside")?;
        let log = spec.log.clone();
        let _ = fs::remove_file(&log);
        let child = stage.keeper.spawn(spec)?;
        match child.wait(Instant::now() + PATIENCE) {
            Some(exit) if exit.code == Some(0) => Ok(fs::read_to_string(log)?.trim().to_owned()),
            _ => bail!("{:?}: {}", command.program, child.log_tail(TAIL).join("\n")),
        }
    }

    /// Runs the tool of a row on the queue that is there.
    pub(crate) fn run(
        &self,
        stage: &Stage<'_>,
        row: &Row,
        queue: &str,
        measure: Duration,
    ) -> Result<Measured> {
        let dir = stage.rooms.room("tool")?;
        let mut place = place(stage.address().as_ref(), queue, dir, measure)?;
        for command in tools::before(row, &place) {
            // The last one says the name of the script.
            place.script = self.ask(stage, &command, &place)?;
        }
        let measured = self.measure(stage, row, &place);
        for command in tools::after(row, &place) {
            self.ask(stage, &command, &place)?;
        }
        let _ = fs::remove_dir_all(&place.dir);
        measured
    }

    fn measure(&self, stage: &Stage<'_>, row: &Row, place: &Place) -> Result<Measured> {
        let command = tools::command(row, place);
        let name = row.tool.name(row.side).replace([' ', '(', ')', '/'], "-");
        let child = stage.keeper.spawn(self.spec(&command, place, &name)?)?;
        let (said, watch) = watch(std::slice::from_ref(&child), || wait(&child, row));
        let said = said.with_context(|| format!("{name}: {}", shown(&command)))?;
        let (from, to) = match said.span {
            Some(span) => span,
            None => watch.second_half().context("the tool ended at once")?,
        };
        let cores = watch.cores(from, to).context("the tool ended at once")?;
        Ok(Measured { rate: said.rate, cpu_us: cores * 1e6 / said.rate })
    }
}

/// Waits until the tool has ended, or has said what it did: a worker does not
/// end by itself.
fn wait(child: &Child, row: &Row) -> Result<Said> {
    let deadline = Instant::now() + PATIENCE;
    let printed = || fs::read(child.log()).map(|text| String::from_utf8_lossy(&text).into_owned());
    loop {
        let ended = child.wait(Instant::now() + Duration::from_millis(20));
        let speaks = matches!(row.tool, Tool::Asynq | Tool::Celery);
        if (ended.is_some() || speaks)
            && let Some(said) = tools::read(row, &printed()?)
        {
            if ended.is_none() {
                child.terminate(Instant::now() + Duration::from_secs(15));
            }
            return Ok(said);
        }
        match ended {
            Some(exit) => bail!("{exit}, and no figure in\n{}", child.log_tail(TAIL).join("\n")),
            None if Instant::now() > deadline => {
                child.kill();
                bail!("no figure after {PATIENCE:?} in\n{}", child.log_tail(TAIL).join("\n"));
            }
            None => {}
        }
    }
}

/// A command for an error: without its secrets.
fn shown(command: &Command) -> String {
    format!(
        "{:?} {}",
        command.program,
        command.args.join(" ").chars().take(400).collect::<String>()
    )
}

fn place(address: Option<&Address>, queue: &str, dir: PathBuf, measure: Duration) -> Result<Place> {
    let at = address.context("a system with a broker")?;
    Ok(Place {
        host: at.host.clone(),
        port: at.port.to_string(),
        user: at.user.clone().unwrap_or_default(),
        password: at.password.clone().unwrap_or(Secret(String::new())),
        database: at.database.clone().unwrap_or_default(),
        queue: queue.to_owned(),
        dir,
        script: String::new(),
        measure_ms: measure.as_millis() as u64,
    })
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("writing {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}
