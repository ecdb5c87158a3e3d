//! When a node's JVM stopped all of its threads, which it writes down by itself
//! (`-Xlog:safepoint`, [JEP 158]): for collections above all, and for whatever
//! else it wants everybody to stand still.
//!
//! [JEP 158]: https://openjdk.org/jeps/158

use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Where a node's JVMs write: one file for each, since it may be started again.
#[derive(Clone, Debug)]
pub(super) struct Safepoints {
    dir: PathBuf,
    begin: String,
}

impl Safepoints {
    /// Those of a node of this number, in the room that all have.
    pub(super) fn of(room: &Path, node: usize) -> Self {
        Self { dir: room.into(), begin: format!("safepoints-{node}-") }
    }

    /// What its JVM gets: its process id in the file's name, and before each
    /// line its `System.nanoTime()`, which is the monotonic clock's.
    pub(super) fn option(&self) -> OsString {
        let mut option = OsString::from("-Xlog:safepoint:file=");
        option.push(self.dir.join(format!("{}%p.log", self.begin)));
        option.push(":timenanos");
        option
    }

    /// The stops that ended within a stretch of monotonic time, ns. What cannot
    /// be read is none.
    pub(super) fn within(&self, stretch: &Range<u64>) -> Vec<Range<u64>> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let own =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&self.begin));
        let texts = own.filter_map(|entry| fs::read_to_string(entry.path()).ok());
        let mut stops: Vec<Range<u64>> =
            texts.flat_map(|text| text.lines().filter_map(stop).collect::<Vec<_>>()).collect();
        stops.retain(|stop| stretch.contains(&stop.end));
        stops.sort_unstable_by_key(|stop| stop.start);
        stops
    }
}

/// The stop of which a line tells: it is written when the threads go on, and its
/// last figure is the time since they were told to stand still.
fn stop(line: &str) -> Option<Range<u64>> {
    let (end, rest) = line.strip_prefix('[')?.split_once("ns] Safepoint ")?;
    let (_, total) = rest.rsplit_once("Total: ")?;
    let (end, total) = (end.parse::<u64>().ok()?, total.strip_suffix(" ns")?.parse::<u64>().ok()?);
    Some(end.checked_sub(total)?..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_javas_are_understood() {
        for line in [
            // 17
            "[5000ns] Safepoint \"G1CollectFull\", Time since last: 7 ns, Reaching safepoint: 1 ns, \
             Cleanup: 2 ns, At safepoint: 3 ns, Total: 600 ns",
            // 24
            "[5000ns] Safepoint \"Cleanup\", Time since last: 7 ns, Reaching safepoint: 1 ns, \
             At safepoint: 3 ns, Leaving safepoint: 4 ns, Total: 600 ns",
        ] {
            assert_eq!(stop(line), Some(4_400..5_000), "{line}");
        }
        for line in [
            "",
            "[5000ns] Application time: 0.1 seconds",
            "[5000ns] Safepoint \"x\", Total: 6000 ns",
            "[5000ns] Safepoint \"x\", Tot",
            "[ns] Safepoint \"x\", Total: 6 ns",
        ] {
            assert_eq!(stop(line), None, "{line}");
        }
    }

    #[test]
    fn those_of_all_its_lives_and_of_no_other_node_are_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let line = |end: u64| format!("[{end}ns] Safepoint \"x\", Total: 10 ns\n");
        for (name, ends) in [
            ("safepoints-1-77.log", [300, 1_000]),
            ("safepoints-1-78.log", [2_000, 100]),
            ("safepoints-11-79.log", [250, 350]),
            ("server.log", [260, 360]),
        ] {
            fs::write(dir.path().join(name), ends.map(line).concat()).expect("a file");
        }
        let stops = Safepoints::of(dir.path(), 1).within(&(200..2_000));
        assert_eq!(stops, [290..300, 990..1_000]);
        assert!(Safepoints::of(&dir.path().join("none"), 1).within(&(0..9)).is_empty());
    }
}
