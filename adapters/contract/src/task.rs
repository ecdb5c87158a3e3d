use crate::TaskId;

/// One unit of work at the moment it is handed over.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Who it is.
    pub id: TaskId,
    /// When the plan says it is handed over, monotonic ns.
    pub intended: u64,
    /// When its handler should start, monotonic ns; equal to `intended` when
    /// it is not delayed.
    pub due: u64,
    /// Tasks of one key keep their order where a system claims so.
    pub key: Option<u32>,
    /// What the worker receives and checks.
    pub body: &'a [u8],
}

impl Task<'_> {
    /// Whether the plan asks the system to hold it back.
    #[must_use]
    pub const fn is_delayed(&self) -> bool {
        self.due > self.intended
    }
}
