use serde::{Deserialize, Serialize};

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MomentKind {
    /// A client lost its connection.
    Disconnected,
    /// A client has a connection again.
    Reconnected,
    /// A broker stopped taking tasks, or took them again.
    FlowControl,
    /// A worker process began, ended or died.
    Worker,
    /// A broker process began, ended or died.
    Broker,
    /// A runtime paused (garbage collection).
    Pause,
    /// Something else worth a mark on the time axis.
    Note,
}

/// Something that happened at a time and belongs on the time axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, monotonic ns.
    pub at: u64,
    /// What kind.
    pub kind: MomentKind,
    /// One short sentence.
    pub text: String,
}
