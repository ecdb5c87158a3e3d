//! placeholder
use crate::in_process::Noop;
pub(crate) type Fake = Noop;
