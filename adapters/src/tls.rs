//! TLS to a broker that is not ours: whom to trust, and a connection of
//! threads for the few questions that the harness itself asks.
//!
//! A certificate is always checked, its name and its issuer. Trusted are the
//! system's authorities, or, where `SCHEDBENCH_CA_FILE` names a file, only
//! those in it. Workers inherit that variable.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;

/// Names a file of authorities in PEM that are trusted instead of the system's.
pub const CA_FILE: &str = "SCHEDBENCH_CA_FILE";

/// Whether this build can.
pub const IS_HERE: bool = cfg!(feature = "tls");

/// Whether Kafka's client can too: it does so by OpenSSL, which is a feature
/// of its own.
pub const FOR_KAFKA: bool = cfg!(feature = "kafka-tls");

/// The text of that file; `None` where the variable is not set.
///
/// # Errors
/// It cannot be read, or holds no certificate.
pub fn authorities() -> Result<Option<String>> {
    let Some(path) = authorities_file() else { return Ok(None) };
    let named = |why: &str| format!("{CA_FILE} = {}: {why}", path.display());
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Error::new(error.kind(), named(&error.to_string())))?;
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        let why = named("no certificate in it; expected authorities in PEM");
        return Err(Error::new(ErrorKind::InvalidData, why));
    }
    Ok(Some(text))
}

/// Where that file is, for a client that reads it itself.
#[must_use]
pub fn authorities_file() -> Option<std::path::PathBuf> {
    std::env::var_os(CA_FILE).filter(|path| !path.is_empty()).map(Into::into)
}

/// What to say of a connection that failed because of a certificate, if that
/// is why: the remedy is the same for every client.
#[must_use]
pub fn remedy(said: &str) -> Option<String> {
    let unknown = said.contains("UnknownIssuer") || said.contains("no valid certificate");
    unknown.then(|| {
        format!(
            "nobody who is trusted has signed its certificate; \
             to trust its authority: export {CA_FILE}=ca.pem"
        )
    })
}

/// A connection, encrypted or not. Its socket has the time-outs.
#[derive(Debug)]
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Encrypted.
    #[cfg(feature = "tls")]
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

impl Stream {
    /// The connection itself; with `tls`, after greeting the server at the
    /// other end and making sure that it is `host`.
    ///
    /// # Errors
    /// It is not, nobody trusted says so, or this build has no TLS.
    pub fn over(stream: TcpStream, host: &str, tls: bool) -> Result<Self> {
        if tls { greet(stream, host) } else { Ok(Self::Plain(stream)) }
    }

    /// The connection below.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => &stream.sock,
        }
    }
}

/// A socket whose time is up says "resource temporarily unavailable".
fn in_words(error: Error) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock => Error::new(ErrorKind::TimedOut, "no answer in time"),
        _ => error,
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let read = match self {
            Self::Plain(stream) => stream.read(into),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(into),
        };
        read.map_err(in_words)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// What a build says that cannot.
#[cfg(not(feature = "tls"))]
pub(crate) fn missing() -> Error {
    Error::new(ErrorKind::Unsupported, "this build has no TLS: build it with --features tls")
}

#[cfg(not(feature = "tls"))]
fn greet(_: TcpStream, _: &str) -> Result<Stream> {
    Err(missing())
}

#[cfg(feature = "tls")]
fn greet(mut stream: TcpStream, host: &str) -> Result<Stream> {
    let name = rustls::pki_types::ServerName::try_from(host.to_owned())
        .map_err(|_| Error::new(ErrorKind::InvalidInput, "not a host name that TLS knows"))?;
    let config = std::sync::Arc::new(trusting()?);
    let mut session = rustls::ClientConnection::new(config, name).map_err(Error::other)?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).map_err(|error| {
            let error = in_words(error);
            let said = error.to_string();
            match remedy(&said) {
                Some(remedy) => Error::new(ErrorKind::PermissionDenied, remedy),
                None if error.kind() == ErrorKind::UnexpectedEof => {
                    Error::new(error.kind(), "it hung up when greeted with TLS")
                }
                None => Error::new(error.kind(), format!("TLS: {said}")),
            }
        })?;
    }
    Ok(Stream::Tls(Box::new(rustls::StreamOwned::new(session, stream))))
}

/// A client that trusts whom it should.
///
/// # Errors
/// The authorities to trust cannot be read.
#[cfg(feature = "tls")]
pub(crate) fn trusting() -> Result<rustls::ClientConfig> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    let mut roots = rustls::RootCertStore::empty();
    match authorities()? {
        Some(text) => {
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let wrong = |error: &dyn std::fmt::Display| {
                    Error::new(ErrorKind::InvalidData, format!("{CA_FILE}: {error}"))
                };
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
        }
        // One of them that cannot be read is none to trust; no more than that.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
