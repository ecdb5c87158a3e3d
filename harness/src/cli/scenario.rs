//! A scenario and what the command line changes in it.

use clap::Args;

use crate::fault::Links;
use crate::scenario::{self, Override, Scenario, ScenarioError};

/// A scenario and what the command line changes in it.
#[derive(Clone, Debug, Args)]
pub struct ScenarioArgs {
    /// A built-in scenario (see `list`), or a file: its name ends in .toml or
    /// starts with /
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// How links to brokers are hurt
    #[arg(long, value_name = "HOW", default_value = "proxies")]
    pub network: Links,
    /// Systems instead of the scenario's: a,b/profile
    #[arg(short, long, value_name = "LIST", help_heading = "Changes to the scenario")]
    pub systems: Option<String>,
    /// Profiles for systems that are named without one, or `all`
    #[arg(long, value_name = "LIST", help_heading = "Changes to the scenario")]
    pub profiles: Option<String>,
    /// Let profiles run that start three brokers on this machine
    #[arg(long, help_heading = "Changes to the scenario")]
    pub clusters: bool,
    /// Loads: rates such as 1k,20k, numbers in flight, or, of a scenario with
    /// faults, shares of each system's capacity such as 50%
    #[arg(
        short,
        long,
        visible_alias = "rate",
        visible_short_alias = 'r',
        value_name = "LIST",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub loads: Option<String>,
    /// The window, as in 10s
    #[arg(short, long, value_name = "TIME", help_heading = "Changes to the scenario")]
    pub duration: Option<String>,
    /// Load before the window, as in 2s
    #[arg(short, long, value_name = "TIME", help_heading = "Changes to the scenario")]
    pub warmup: Option<String>,
    /// How often each cell is measured; intervals need 5
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub repeats: Option<String>,
    /// What the scenario has for one who is in a hurry: each trial once, or less
    /// of everything, as in `scorecard`
    #[arg(long, conflicts_with_all = ["repeats", "trials"], help_heading = "Changes to the scenario")]
    pub quick: bool,
    /// Measure each trial so often; of a scenario with trials
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "repeats",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub trials: Option<String>,
    /// Systems of each trial: listed, or full for every system in every trial
    #[arg(long, value_name = "MATRIX", help_heading = "Changes to the scenario")]
    pub matrix: Option<String>,
    /// Seed of arrivals, order, bodies, keys and failures
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Changes to the scenario"
    )]
    pub seed: Option<String>,
    /// How the generator keeps time: grid or spin
    #[arg(long, value_name = "PACING", help_heading = "Changes to the scenario")]
    pub pacing: Option<String>,
    /// Any field of the scenario, as in load.warmup=2s; may be given again
    #[arg(long, value_name = "FIELD=VALUE", help_heading = "Changes to the scenario")]
    pub set: Vec<String>,
}

impl ScenarioArgs {
    /// The scenario with its changes.
    ///
    /// # Errors
    /// There is no such scenario, or something in it is wrong.
    pub fn load(&self) -> Result<Scenario, ScenarioError> {
        let scenario = scenario::load(&self.scenario, &self.overrides()?)?;
        let scenario = scenario.with_links(self.network);
        let option = match (self.quick, &self.trials) {
            (true, _) => "--quick",
            (false, Some(_)) => "--trials",
            (false, None) => return Ok(scenario),
        };
        let is_quick = self.quick && !scenario.settings.quick.is_empty();
        if !is_quick && !scenario.settings.has_trials() {
            let problem = format!("{option} with a scenario without trials");
            let expected = "expected one with a [[trial]], such as `faults`";
            return Err(ScenarioError::new(problem, expected)
                .help("Of any scenario:  --repeats N measures each cell N times"));
        }
        Ok(scenario)
    }

    /// The changes: options first, then `--set`s in their order.
    ///
    /// # Errors
    /// A `--set` without a field and a value.
    pub fn overrides(&self) -> Result<Vec<Override>, ScenarioError> {
        let options = [
            ("--systems", "systems", &self.systems),
            ("--profiles", "profiles", &self.profiles),
            ("--duration", "load.duration", &self.duration),
            ("--warmup", "load.warmup", &self.warmup),
            ("--repeats", "repeats", &self.repeats),
            ("--trials", "repeats", &self.trials),
            ("--matrix", "matrix", &self.matrix),
            ("--seed", "seed", &self.seed),
            ("--pacing", "pacing", &self.pacing),
        ];
        // First, so that what else is asked for is laid over it.
        let quick = self.quick.then(Override::quick);
        let mut overrides: Vec<Override> = options
            .into_iter()
            .filter_map(|(option, path, value)| {
                Some(Override::option(option, path, value.as_deref()?))
            })
            .collect();
        overrides.splice(..0, quick);
        overrides.extend(self.clusters.then(|| Override::option("--clusters", "clusters", "true")));
        for argument in &self.set {
            overrides.push(Override::set(argument)?);
        }
        // Last, because its field depends on the mode, which --set may change.
        overrides.extend(self.loads.as_deref().map(Override::loads));
        Ok(overrides)
    }
}
