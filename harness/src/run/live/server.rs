//! `GET /metrics` on a port of the loopback.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::PoisonError;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::oneshot;

use super::Board;

/// Who connects and asks nothing is hung up on.
const SILENCE: Duration = Duration::from_secs(5);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A run cannot be watched as asked for; nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum Unwatched {
    /// The port cannot be had.
    #[error(
        "--metrics {at}: cannot listen there: {answer}\n  \
         To take a free port and be told which:  --metrics 127.0.0.1:0"
    )]
    Port {
        /// Where.
        at: SocketAddr,
        /// What the system said.
        answer: io::Error,
    },
    /// `--live` without a terminal.
    #[error(
        "--live: standard error is no terminal\n  \
         Without it a line for each cell is written there."
    )]
    NoTerminal,
    /// `--live` and `--quiet`.
    #[error("--live and --quiet: nothing is drawn where nothing is said")]
    Quiet,
}

/// A port that nobody answers on yet.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Takes the port.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn at(at: SocketAddr) -> Result<Self, Unwatched> {
        let listen = || {
            let listener = TcpListener::bind(at)?;
            listener.set_nonblocking(true)?;
            Ok(Self(listener))
        };
        listen().map_err(|answer| Unwatched::Port { at, answer })
    }

    /// Answers on it, on a thread of its own, until the server is dropped.
    ///
    /// # Errors
    /// There is no thread or no reactor to be had.
    pub fn serve(self, board: Board) -> io::Result<Server> {
        let address = self.0.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        // Its name is no role's: its CPU is in nobody's figure.
        let thread = std::thread::Builder::new().name("metrics".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = answer_all(self.0, board) => {}
                }
            });
        })?;
        Ok(Server { address, stop: Some(stop), thread: Some(thread) })
    }
}

/// Who answers; the port is free again once it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// What to ask.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn answer_all(listener: TcpListener, board: Board) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, say: they come back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let board = Board::clone(&board);
        let service =
            service_fn(move |request| ready(Ok::<_, Infallible>(answer(&request, &board))));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(SILENCE)
            .serve_connection(TokioIo::new(stream), service);
        // Whoever hangs up in the middle has hung up.
        tokio::spawn(async { drop(connection.await) });
    }
}

fn answer(request: &Request<Incoming>, board: &Board) -> Response<Full<Bytes>> {
    let text = |status, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return text(StatusCode::NOT_FOUND, "schedbench: /metrics is here, and nothing else\n");
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET it\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    // A copy, so that nobody waits for the text.
    let exposed = board.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut response = Response::new(Full::from(exposed.text()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    response
}
