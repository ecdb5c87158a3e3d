//! "Did you mean".

/// The candidate nearest to `written`, if one is near enough to be a slip of
/// the fingers: one edit in a short word, about a third of a longer one.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = written.to_lowercase();
    // A text much longer than any name is no slip, and edit distance is
    // quadratic.
    if lower.chars().count() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, candidate)| {
            *edits <= (lower.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` or `c`, in backticks.
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let words = ["duration", "warmup", "rates"];
        assert_eq!(nearest("duratoin", words), Some("duration"));
        assert_eq!(nearest("warm-up", words), Some("warmup"));
        assert_eq!(nearest("rate", words), Some("rates"));
        assert_eq!(nearest("zebra", words), None);
        assert_eq!(nearest(&"x".repeat(10_000), words), None);
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
