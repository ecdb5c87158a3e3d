//! Free ports on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use crate::environment::rooms::random;
use crate::environment::{Error, Result};

/// Ports below the kernel's own range for outgoing connections: a port above
/// its lower end can be held by an old client connection in TIME_WAIT, and
/// brokers then die with "address already in use".
fn candidates() -> Range<u16> {
    const FROM: u16 = 20_000;
    let lower_end = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(32_768_u16);
    // Where that range was widened to the low ports there is nothing below it.
    if lower_end >= FROM + 100 { FROM..lower_end.min(32_768) } else { FROM..32_768 }
}

/// A port of 127.0.0.1 that nobody listens on now.
///
/// Another process can take it before the broker does; the start at a random
/// place makes that rare, and brokers are started again on another port then.
///
/// # Errors
/// None is free, or there is no randomness.
pub fn free() -> Result<u16> {
    let range = candidates();
    let length = range.end - range.start;
    let first = u16::from_le_bytes(random()?) % length;
    for step in 0..length {
        let port = range.start + (first + step) % length;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::Unfit(format!(
        "no port of 127.0.0.1 between {} and {} is free",
        range.start, range.end
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_and_below_the_kernels_own() {
        let port = free().expect("a free port");
        assert!(candidates().contains(&port) && port < 32_768);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("it can be listened on");
    }
}
