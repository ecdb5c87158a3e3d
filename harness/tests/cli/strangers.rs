//! Servers that are not what a URL says they are.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A server that answers whatever it hears; it ends with this value.
pub(crate) struct Stranger {
    at: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stranger {
    /// One that says this to whatever it hears first, and hangs up.
    pub(crate) fn saying(words: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            let _heard = stream.read(&mut [0; 4_096])?;
            stream.write_all(words)
        })
    }

    /// One that answers each time it hears something.
    pub(crate) fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        Self::start(move |mut stream| {
            let mut heard = [0; 4_096];
            loop {
                match stream.read(&mut heard)? {
                    0 => return Ok(()),
                    count => stream.write_all(&answer(&heard[..count]))?,
                }
            }
        })
    }

    fn start(serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("its port");
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let patience = stream.set_read_timeout(Some(Duration::from_secs(30)));
                // Whoever asked may have gone; the next one comes.
                let _ = patience.and_then(|()| serve(stream));
            }
        });
        Self { at, over, thread: Some(thread) }
    }

    /// `host:port`.
    pub(crate) fn place(&self) -> String {
        self.at.to_string()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // So that it looks.
        let _ = TcpStream::connect(self.at);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
