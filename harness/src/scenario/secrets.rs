//! No URL with a password in a scenario: it is copied into every result.

use super::{ScenarioError, Text};

/// Refuses a text that holds the address of a server with a user or password,
/// wherever it stands, comments and arguments included.
pub(super) fn refuse(text: &Text) -> Result<(), ScenarioError> {
    for (start, piece) in text.pieces() {
        let mut from = 0;
        while let Some(found) = piece[from..].find("://") {
            let scheme_end = from + found;
            from = scheme_end + 3;
            let scheme_start = piece[..scheme_end]
                .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+')
                .map_or(0, |at| at + piece[at..].chars().next().map_or(1, char::len_utf8));
            let end = piece[from..]
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'))
                .map_or(piece.len(), |at| from + at);
            if holds_user(&piece[scheme_start..scheme_end], &piece[from..end]) {
                let url = start + scheme_start..start + end;
                return Err(text
                    .secret_error(
                        &url,
                        &url,
                        "a URL with a password in a scenario",
                        "expected url_env with the name of an environment variable, \
                     such as url_env = \"REDIS_URL\"",
                    )
                    .help("A scenario is copied into every result, so it holds no secret."));
            }
        }
    }
    Ok(())
}

/// Whether an address names a user, and so perhaps a password.
fn holds_user(scheme: &str, rest: &str) -> bool {
    // A page's path may hold an @; a password in a broker's URL may hold
    // anything, even if it should not.
    let authority = match scheme {
        "http" | "https" => rest.split(['/', '?', '#']).next().unwrap_or(rest),
        _ => rest,
    };
    authority.contains('@')
}
