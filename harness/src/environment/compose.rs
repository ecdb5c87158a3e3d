//! Brokers in containers: `docker compose` on the project's own compose file,
//! under a project name of the run's own.
//!
//! A broker gets a free port of the loopback, a random password and the
//! profile's settings by environment variables of the compose file, which is
//! carried in this binary. It is removed with its volumes when it is stopped;
//! by the watchdog when the harness is killed; and by `clean` when even that
//! could not be.

mod docker;
mod services;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use schedbench_contract::{Address, Secret};

pub use docker::Docker;
use services::Service;

use crate::environment::broker::{Entry, Ground, Need, Running};
use crate::environment::{Child, Error, Result, Spawner, Spec, Watchdog, ports, rooms};

/// The compose file of this version of the program.
pub const FILE: &str = include_str!("../../../docker-compose.yml");

/// Every project of a run is named so, and no other.
const PREFIX: &str = "schedbench-";
/// Until a broker is up: its image may have to be fetched first.
const UP: Duration = Duration::from_secs(900);
/// From a container's start to its health.
const HEALTHY_SECONDS: &str = "180";
/// Until it is removed.
const DOWN: Duration = Duration::from_secs(120);
/// One question to the engine.
const ANSWER: Duration = Duration::from_secs(20);

/// Starts a broker in a container and makes sure that it is as needed.
///
/// # Errors
/// It does not start, is not healthy in time, is not configured as needed, or
/// the run is stopped.
pub fn start(
    docker: &Docker,
    entry: &'static Entry,
    ground: &Ground<'_>,
    need: &Need<'_>,
) -> Result<Box<dyn Running>> {
    let service = Service::of(entry.broker);
    let room = ground.rooms.room(service.name)?;
    let mut project = Project::new(docker, service, ground, &room, need)?;
    // From here on it is removed whatever happens, by its drop at the latest.
    project.up()?;
    let address = project.address()?;
    let inner = (entry.reach)(address, "docker compose", need)?;
    let version = (entry.ask)(inner.address()).unwrap_or_else(|_| "of unknown version".into());
    Ok(Box::new(InContainer { project, inner, version }))
}

/// Projects of runs that are in the engine now; none where there is no engine.
///
/// # Errors
/// The engine's answer makes no sense.
pub fn leftovers() -> Result<Vec<String>> {
    let Ok(docker) = Docker::find("clean") else { return Ok(Vec::new()) };
    let said = docker.ask(&["compose", "ls", "--all", "--quiet"], ANSWER)?;
    Ok(said.lines().map(str::trim).filter(|name| is_ours(name)).map(str::to_owned).collect())
}

/// Removes a project that [`leftovers`] has found.
///
/// # Errors
/// It is not one of a run's, or cannot be removed.
pub fn remove(project: &str) -> Result<()> {
    if !is_ours(project) {
        return Err(Error::Unfit(format!("{project} is no project of a run")));
    }
    let docker = Docker::find("clean")?;
    docker.ask(&down(project), DOWN).map(drop)
}

/// A run's are named `schedbench-<pid>-<random>-<room>`; one that somebody
/// started by hand from the compose file is `schedbench`.
fn is_ours(project: &str) -> bool {
    project.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// What removes a project: its containers, its network, its volumes.
pub(crate) fn down(project: &str) -> [&str; 7] {
    ["compose", "--project-name", project, "down", "--volumes", "--remove-orphans", "--timeout=5"]
}

/// One broker's project in the engine; dropping it removes it.
struct Project {
    docker: Docker,
    name: String,
    service: &'static Service,
    file: PathBuf,
    env: Vec<(String, String)>,
    password: Secret,
    log: PathBuf,
    room: PathBuf,
    keeper: Spawner,
    watchdog: Option<Watchdog>,
    who: String,
    is_there: bool,
}

impl Project {
    fn new(
        docker: &Docker,
        service: &'static Service,
        ground: &Ground<'_>,
        room: &Path,
        need: &Need<'_>,
    ) -> Result<Self> {
        let password = rooms::password()?;
        let file = room.join("docker-compose.yml");
        std::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut out| out.write_all(FILE.as_bytes()))
            .map_err(Error::io(format!("writing {}", file.display())))?;
        let part =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let variable = |what: &str| format!("SCHEDBENCH_{}_{what}", service.name.to_uppercase());
        Ok(Self {
            docker: docker.clone(),
            name: format!("{}-{}", part(ground.rooms.path()), part(room)),
            service,
            file,
            env: vec![
                (variable("PORT"), ports::free()?.to_string()),
                (variable("PASSWORD"), password.0.clone()),
                (variable("SETTINGS"), service.settings(need.profile.broker_settings)?),
                ("SCHEDBENCH_BROKER_CPUS".into(), cores.to_string()),
            ],
            password,
            log: ground.logs.join(part(room)).with_extension("log"),
            room: room.to_owned(),
            keeper: ground.keeper.spawner(),
            watchdog: ground.rooms.watchdog().cloned(),
            who: need.who.to_owned(),
            is_there: false,
        })
    }

    /// `docker compose` on this project and file.
    fn words<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let file = self.file.to_str().unwrap_or_default();
        let profile = ["--profile", self.service.name];
        let head = ["compose", "--ansi", "never", "--project-name", &self.name, "--file", file];
        [&head[..], &profile, more].concat()
    }

    /// Starts it and waits until the engine calls it healthy.
    fn up(&mut self) -> Result<()> {
        if let Some(watchdog) = &self.watchdog {
            watchdog.project(&self.name, self.docker.program())?;
        }
        self.is_there = true;
        let up = ["up", "--detach", "--wait", "--wait-timeout", HEALTHY_SECONDS, "--quiet-pull"];
        let mut spec = Spec::new(&self.who, self.docker.program(), self.log.clone());
        spec.args = self.words(&up).into_iter().map(Into::into).collect();
        spec.env.clone_from(&self.env);
        let child = self.keeper.spawn(spec)?;
        let deadline = Instant::now() + UP;
        let exit = loop {
            if let Some(exit) = child.wait(Instant::now() + Duration::from_millis(100)) {
                break exit;
            }
            let why = match (self.keeper.is_stopped(), Instant::now() >= deadline) {
                (true, _) => "the run was stopped".to_owned(),
                (_, true) => format!("it is not up after {} s", UP.as_secs()),
                _ => continue,
            };
            child.terminate(Instant::now() + Duration::from_secs(10));
            return Err(self.unfit("docker compose up", &why));
        };
        if exit.code == Some(0) {
            return Ok(());
        }
        // What the engine says is in the log; the broker's own words are not.
        let said = self.docker.ask_with(
            &self.words(&["logs", "--no-color", "--tail", "5"]),
            &self.env,
            ANSWER,
        );
        let said = said.unwrap_or_default();
        let _ = std::fs::OpenOptions::new()
            .append(true)
            .open(&self.log)
            .and_then(|mut log| log.write_all(said.as_bytes()));
        let mut died = child.died("docker compose", exit);
        died.log = child.log_tail(8);
        Err(Error::Died(Box::new(died)))
    }

    fn unfit(&self, what: &str, why: &str) -> Error {
        Error::Unfit(format!("{}: {what}: {why}\n  full log: {}", self.who, self.log.display()))
    }

    /// Where it is published, asked from the engine.
    fn address(&self) -> Result<Address> {
        let inside = self.service.port.to_string();
        let words = self.words(&["port", self.service.name, &inside]);
        let said = self.docker.ask_with(&words, &self.env, ANSWER)?;
        let parsed =
            said.trim().rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = parsed else {
            return Err(
                self.unfit("docker compose port", &format!("it answered {:?}", said.trim()))
            );
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
            let why = format!(
                "{} is published on {host}, and not on the loopback only",
                self.service.name
            );
            return Err(self.unfit("docker compose port", &why));
        }
        let Service { user, has_password, database, .. } = *self.service;
        Ok(Address {
            host: host.into(),
            port,
            user: user.map(str::to_owned),
            password: has_password.then(|| self.password.clone()),
            database: database.map(str::to_owned),
            tls: false,
            others: Vec::new(),
        })
    }

    /// Whether its container runs.
    fn check(&self) -> Result<()> {
        let words = self.words(&["ps", "--status", "running", "--services"]);
        let running = self.docker.ask_with(&words, &self.env, ANSWER)?;
        if running.lines().any(|line| line.trim() == self.service.name) {
            return Ok(());
        }
        let words = self.words(&["logs", "--no-color", "--tail", "5"]);
        let log = self.docker.ask_with(&words, &self.env, ANSWER).unwrap_or_default();
        let log = log.trim_end().replace('\n', "\n  ");
        Err(Error::Unfit(format!(
            "{}: broker died in its container\n  last lines of its log:\n  {log}",
            self.who
        )))
    }

    fn restart(&self) -> Result<()> {
        let words = self.words(&["restart", "--timeout", "5", self.service.name]);
        self.docker.ask_with(&words, &self.env, DOWN)?;
        let words = self.words(&["up", "--detach", "--wait", "--wait-timeout", HEALTHY_SECONDS]);
        self.docker.ask_with(&words, &self.env, UP).map(drop)
    }

    fn down(&mut self) -> Result<()> {
        if !self.is_there {
            return Ok(());
        }
        self.docker.ask(&down(&self.name), DOWN)?;
        self.is_there = false;
        if let Some(watchdog) = &self.watchdog {
            watchdog.forget_project(&self.name);
        }
        // Empty but for the compose file; what is left goes with the run's rooms.
        let _ = std::fs::remove_dir_all(&self.room);
        Ok(())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // Where this fails the watchdog tries once more, and `clean` finds it.
        let _ = self.down();
    }
}

/// A broker in a container.
struct InContainer {
    project: Project,
    inner: Box<dyn Running>,
    version: String,
}

impl Running for InContainer {
    fn address(&self) -> &Address {
        self.inner.address()
    }

    fn child(&self) -> Option<&Child> {
        None
    }

    fn describe(&self) -> String {
        let Address { host, port, .. } = self.address();
        let name = self.project.service.name;
        format!(
            "{name} {} in a container on {host}:{port} (project {})",
            self.version, self.project.name
        )
    }

    fn check_all_but(&self, _: &[usize]) -> Result<()> {
        self.project.check()
    }

    fn restart(&mut self) -> Result<()> {
        self.project.restart()
    }

    fn stop(mut self: Box<Self>) -> Result<()> {
        self.project.down()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_projects_of_runs_are_ours() {
        assert!(is_ours("schedbench-4711-9f3a01bc-redis-1"));
        for other in ["schedbench", "schedbench-redis", "other-4711-redis-1", "", "schedbench-"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
