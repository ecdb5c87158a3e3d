//! Tasks that the newest run lost where nothing may be, and since when it does.

use super::Entry;

/// A profile that loses tasks under a fault, and promises not to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// `rabbitmq/durable, broker-kill`.
    pub name: String,
    /// What the newest run lost: `12 lost in 2 of 5 kills`.
    pub words: String,
    /// The first run after the last that lost nothing.
    pub run: usize,
}

/// What lost something in every run that there is, is known and no change.
pub(super) fn lost(runs: &[Entry]) -> Vec<Lost> {
    let Some(newest) = runs.last() else { return Vec::new() };
    let losing = newest.promised.iter().filter(|it| it.losing);
    let since = |name: &str| -> Option<usize> {
        let loses = |entry: &Entry| -> Option<bool> {
            let it = entry.promised.iter().find(|it| it.name == name)?;
            Some(it.losing)
        };
        let last = runs.iter().rposition(|entry| loses(entry) == Some(false))?;
        let after = runs.iter().enumerate().skip(last + 1);
        after.filter(|(_, entry)| loses(entry).is_some()).map(|(run, _)| run).next()
    };
    losing
        .filter_map(|it| {
            let run = since(&it.name)?;
            Some(Lost { name: it.name.clone(), words: it.words.clone(), run })
        })
        .collect()
}
