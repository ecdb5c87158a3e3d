//! Where a run ran, and what its proxy cost there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where it ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Processor's name.
    pub cpu: String,
    /// Cores the harness may use.
    pub cores: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Kernel's release.
    pub kernel: String,
    /// Distribution's name.
    pub os: String,
    /// The kernel's clock source.
    pub clock_source: String,
    /// Cost of one reading of the clock, ns.
    pub clock_read_ns: f64,
    /// `shared`, or `split` with the cores left to the system.
    pub placement: String,
    /// Whether the pacer ran under SCHED_FIFO.
    pub fifo: bool,
    /// The pacer's timer slack, ns.
    pub timer_slack_ns: u64,
    /// How brokers were had: `local`, `compose` or `external`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What the proxy on the roads costs; only of a run with faults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyCost>,
    /// What brokers had between them and their clients, where it was not the
    /// loopback interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// Round trips of 100 B over the loopback interface, one in flight, straight
/// and through the proxy on which faults are laid, in turns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProxyCost {
    /// Trips on each road.
    pub trips: u64,
    /// P50 of a trip without it, seconds.
    pub straight_p50_s: f64,
    /// P99 of a trip without it, seconds.
    pub straight_p99_s: f64,
    /// P50 of a trip through it, seconds.
    pub through_p50_s: f64,
    /// P99 of a trip through it, seconds.
    pub through_p99_s: f64,
}
