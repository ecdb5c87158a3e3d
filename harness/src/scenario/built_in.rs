/// A scenario that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! built_in {
    ($($name:literal),+) => {
        /// Every built-in scenario, in the order of `list`.
        pub const BUILT_IN: &[BuiltIn] = &[$(BuiltIn {
            name: $name,
            text: include_str!(concat!("../../../scenarios/", $name, ".toml")),
        }),+];
    };
}

built_in!(
    "quick",
    "ramp",
    "ramp-article",
    "ramp-inflight",
    "delays",
    "capacity",
    "soak",
    "nightly",
    "nightly-faults",
    "broker-kill",
    "broker-pause",
    "leader-kill",
    "leader-pause",
    "primary-pause",
    "isolation",
    "worker-kill",
    "partition",
    "faults",
    "backlog",
    "disk-full",
    "losses",
    "scorecard"
);
