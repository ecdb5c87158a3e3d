//! An existing broker, by the URL in an environment variable.

use percent_encoding::percent_decode_str;
use schedbench_contract::{Address, Secret};
use url::Url;

use crate::environment::broker::{Entry, UrlForm};
use crate::environment::{Error, Result};

/// Reads the URL in the variable `name`.
///
/// # Errors
/// It is not set, or not such a URL. The error never shows what is in it.
pub(crate) fn from_env(entry: &Entry, name: &str) -> Result<Address> {
    let refuse = |why: String| Error::Unfit(format!("{name}: {why}"));
    match std::env::var(name) {
        Ok(text) => parse(&entry.url, &text).map_err(refuse),
        Err(std::env::VarError::NotPresent) => Err(refuse("is not set".into())),
        Err(std::env::VarError::NotUnicode(_)) => Err(refuse("is not UTF-8".into())),
    }
}

/// Reads `scheme://[user[:password]@]host[:port][/database]`.
pub(crate) fn parse(form: &UrlForm, text: &str) -> std::result::Result<Address, String> {
    let scheme = form.scheme;
    let expected = format!("expected {scheme}://[user[:password]@]host[:port][/database]");
    // What was typed is not repeated: it may be a password in the wrong place.
    let url =
        Url::parse(text.trim()).map_err(|error| format!("not a URL ({error}); {expected}"))?;
    let tls = url.scheme() == format!("{scheme}s");
    if tls && !form.tls {
        return Err(format!("{scheme}s:// (TLS) is not supported; {expected}"));
    }
    // PostgreSQL's own client takes both spellings.
    let is_alias = scheme == "postgres" && url.scheme() == "postgresql";
    if !tls && !is_alias && url.scheme() != scheme {
        return Err(format!("not a {scheme}:// URL; {expected}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("nothing may follow the database; {expected}"));
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| format!("no host; {expected}"))?;
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(String::from).map_err(|_| format!("user or password are not UTF-8; {expected}"))
    };
    let database = decoded(url.path().trim_start_matches('/'))?;
    if form.numbered_database && !database.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("the database is a number; {expected}"));
    }
    Ok(Address {
        host: host.trim_start_matches('[').trim_end_matches(']').into(),
        port: url.port().unwrap_or(form.port_with(tls)),
        user: Some(decoded(url.username())?).filter(|user| !user.is_empty()),
        password: url.password().map(decoded).transpose()?.map(Secret),
        database: Some(database).filter(|database| !database.is_empty()),
        tls,
    })
}

impl UrlForm {
    /// The port that a URL leaves out: AMQP with TLS has one of its own.
    fn port_with(&self, tls: bool) -> u16 {
        if tls && self.scheme == "amqp" { 5671 } else { self.port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIS: &UrlForm = &crate::environment::redis::ENTRY.url;

    #[test]
    fn every_part_is_read() {
        let address = parse(REDIS, "redis://me:p%40ss@example.org:7000/3").expect("a URL");
        assert_eq!((address.host.as_str(), address.port), ("example.org", 7000));
        assert_eq!(address.user.as_deref(), Some("me"));
        assert_eq!(address.password, Some(Secret("p@ss".into())));
        assert_eq!(address.database.as_deref(), Some("3"));
        let address = parse(REDIS, "redis://:only@[::1]").expect("a URL");
        assert_eq!((address.host.as_str(), address.port), ("::1", 6379));
        assert_eq!((address.user, address.database), (None, None));
    }

    #[test]
    fn garbage_is_refused_without_repeating_it() {
        for text in [
            "",
            "hunter2",
            "hunter2:6379",
            "http://u:hunter2@h",
            "redis://",
            "redis://:hunter2@",
            "redis://u:hunter2@h/zero",
            "redis://u:hunter2@h:99999",
            "redisss://u:hunter2@h",
            "redis://u:hunter2@h/0?x=hunter2",
            "redis://h/0#hunter2",
            "redis://u:hunter2 @h:x",
        ] {
            let refused = parse(REDIS, text).expect_err(text);
            assert!(!refused.contains("hunter2"), "{refused}");
            assert!(refused.contains("redis://"), "{refused}");
        }
    }
}
