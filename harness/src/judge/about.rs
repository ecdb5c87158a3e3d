//! What a cell's row says of it besides what the evidence shows.

use schedbench_contract::WorkersShape;
use schedbench_reports::outcome::CellError;

/// Where a cell stands in its run. Nothing here decides a figure; cores and
/// workers help to say what limited it.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Number of the cell in its run, the upper bits of its tasks' ids.
    pub number: u32,
    /// Block it belongs to.
    pub block: u32,
    /// Seconds from the run's start to the cell's.
    pub started_s: f64,
    /// How often it was measured before because it was disturbed.
    pub reruns: u32,
    /// The error that ended the cell, with the last lines of a log.
    pub error: Option<CellError>,
    /// Cores that harness and system have together, where known.
    pub cores: Option<u32>,
    /// Those of them that are the system's alone, where they are split.
    pub system_cores: Option<u32>,
    /// The capacity of its system at such tasks, where the run has searched it.
    pub capacity: Option<Capacity>,
    /// Workers and connections, where known.
    pub shape: Option<WorkersShape>,
}

/// The highest rate that a system held in the search of its run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// Tasks per second.
    pub rate: f64,
    /// Whether nothing above it was seen not to hold: there may be more.
    pub is_bound: bool,
}
