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
    let mode = if form.has_ssl_mode() { "[?sslmode=verify-full]" } else { "" };
    let expected = format!("expected {scheme}://[user[:password]@]host[:port][/database]{mode}");
    // What was typed is not repeated: it may be a password in the wrong place.
    let url =
        Url::parse(text.trim()).map_err(|error| format!("not a URL ({error}); {expected}"))?;
    let by_scheme = !form.has_ssl_mode() && url.scheme() == format!("{scheme}s");
    // PostgreSQL's own client takes both spellings.
    let is_alias = scheme == "postgres" && url.scheme() == "postgresql";
    if !by_scheme && !is_alias && url.scheme() != scheme {
        return Err(format!("not a {scheme}:// URL; {expected}"));
    }
    let by_mode = match url.query() {
        Some(query) if form.has_ssl_mode() => wants_tls(query)?,
        Some(_) => return Err(format!("nothing may follow the database; {expected}")),
        None => false,
    };
    if url.fragment().is_some() {
        return Err(format!("nothing may follow the database; {expected}"));
    }
    let tls = by_scheme || by_mode;
    if tls && !form.tls {
        let by = if by_scheme { format!("{scheme}s://") } else { "sslmode".into() };
        let feature = if scheme == "kafka" { "kafka-tls" } else { "tls" };
        return Err(format!(
            "{by}: this build has no TLS for it; expected one built with --features {feature}, or \
             {scheme}://…"
        ));
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
        others: Vec::new(),
    })
}

/// What follows the question mark of a PostgreSQL URL: whether it asks for TLS.
fn wants_tls(query: &str) -> std::result::Result<bool, String> {
    const MODES: &str = "sslmode=verify-full, or sslmode=disable";
    // As in libpq the last one counts; two that differ are more likely a slip.
    let mut asked = None;
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let tls = match (&*key, &*value) {
            // Each of them checks the certificate here, as `verify-full` does.
            ("sslmode", "require" | "verify-ca" | "verify-full") => true,
            ("sslmode", "disable") => false,
            ("sslmode", "allow" | "prefer") => {
                return Err(format!(
                    "this sslmode may go on unencrypted, so it promises nothing; expected {MODES}"
                ));
            }
            ("sslmode", _) => return Err(format!("no sslmode that is known; expected {MODES}")),
            ("sslrootcert", _) => {
                let file = schedbench_adapters::tls::CA_FILE;
                return Err(format!("sslrootcert is not read; expected the file in {file}"));
            }
            _ => return Err(format!("nothing else may follow the database; expected {MODES}")),
        };
        if asked.is_some_and(|before| before != tls) {
            return Err(format!("sslmode is given twice; expected {MODES}"));
        }
        asked = Some(tls);
    }
    Ok(asked.unwrap_or(false))
}

impl UrlForm {
    /// Whether TLS is asked for by `sslmode`, as PostgreSQL's own clients have
    /// it, and not by the scheme.
    fn has_ssl_mode(&self) -> bool {
        self.scheme == "postgres"
    }

    /// The port that a URL leaves out: AMQP with TLS has one of its own.
    fn port_with(&self, tls: bool) -> u16 {
        if tls && self.scheme == "amqp" { 5671 } else { self.port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIS: &UrlForm = &crate::environment::redis::ENTRY.url;
    const POSTGRES: &UrlForm = &crate::environment::postgres::ENTRY.url;

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
    fn a_mode_that_asks_for_tls_is_never_taken_for_less() {
        let asks = |query: &str| parse(POSTGRES, &format!("postgresql://u:hunter2@h/db{query}"));
        for (query, tls) in [
            ("", false),
            ("?", false),
            ("?sslmode=disable", false),
            ("?sslmode=require", true),
            ("?sslmode=verify-ca", true),
            ("?sslmode=verify-full", true),
            ("?sslmode=verify%2Dfull", true),
            ("?sslmode=require&sslmode=verify-full", true),
        ] {
            match asks(query) {
                Ok(address) => assert_eq!((address.tls, address.port), (tls, 5432), "{query}"),
                Err(refused) => assert!(tls && !POSTGRES.tls, "{query}: {refused}"),
            }
        }
        for query in [
            "?sslmode=prefer",
            "?sslmode=allow",
            "?sslmode",
            "?sslmode=",
            "?sslmode=Require",
            "?SSLMODE=require",
            "?sslmode=require&sslmode=disable",
            "?sslrootcert=hunter2",
            "?sslmode=require&sslrootcert=ca.pem",
            "?ssl=true",
            "?options=-c%20ssl",
            "?sslmode=require#x",
        ] {
            let refused = asks(query).expect_err(query);
            assert!(refused.contains("expected ") && !refused.contains("hunter2"), "{refused}");
        }
        // No scheme asks for it here.
        for scheme in ["postgres", "postgresql"] {
            let refused = parse(POSTGRES, &format!("{scheme}s://u:hunter2@h")).expect_err(scheme);
            assert!(refused.contains("sslmode=verify-full"), "{refused}");
        }
        assert!(parse(REDIS, "redis://h?sslmode=require").is_err());
    }

    #[test]
    fn a_kafka_with_tls_is_refused_by_the_name_of_what_is_missing() {
        let form = &crate::environment::kafka::ENTRY.url;
        match parse(form, "kafkas://u:hunter2@h") {
            Ok(address) => assert!(form.tls && address.tls && address.port == 9092),
            Err(refused) => {
                assert!(!form.tls && refused.contains("--features kafka-tls"), "{refused}");
                assert!(!refused.contains("hunter2"), "{refused}");
            }
        }
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
