//! Insert, cancel and expire with 1 k and 1 M timers pending.
fn main() {}
