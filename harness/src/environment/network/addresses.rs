//! Addresses for networks of ours that nobody else here uses.

use std::fs;
use std::net::Ipv4Addr;

use crate::environment::{Error, Result, rooms};

/// Blocks that are tried until nothing is routed there.
const TRIES: usize = 20;
/// 16 addresses.
const MASK: u32 = 0xffff_fff0;

/// A /28 inside 10.128.0.0/9 that is routed nowhere yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block(u32);

impl Block {
    /// # Errors
    /// None is free, or there is no randomness.
    pub(super) fn free() -> Result<Self> {
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        for _ in 0..TRIES {
            let base = 0x0a80_0000 | (rooms::number()? & 0x007f_ffff & MASK);
            if !is_routed(&routes, base) {
                return Ok(Self(base));
            }
        }
        Err(Error::Unfit(
            "no addresses of 10.128.0.0/9 are free for a network of a broker's own".into(),
        ))
    }

    /// The address at that place in it.
    pub(super) const fn address(self, place: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.0 + place)
    }
}

/// Whether a route other than the default one leads into that block.
fn is_routed(routes: &str, block: u32) -> bool {
    routes.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| {
            let bits = u32::from_str_radix(columns.get(at)?, 16).ok()?;
            // As the bytes lie in memory on this machine.
            Some(u32::from_be_bytes(bits.to_ne_bytes()))
        };
        let meets = |to: u32, mask: u32| (to ^ block) & mask & MASK == 0;
        matches!((number(1), number(7)), (Some(to), Some(mask)) if mask != 0 && meets(to, mask))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_routed_is_not_taken() {
        let line = |to: [u8; 4], mask: [u8; 4]| {
            let hex = |bytes| format!("{:08X}", u32::from_ne_bytes(bytes));
            format!("eth0\t{}\t00000000\t0001\t0\t0\t0\t{}\t0\t0\t0\n", hex(to), hex(mask))
        };
        let routes = "Iface Destination …\n".to_owned()
            + &line([0, 0, 0, 0], [0, 0, 0, 0])
            + &line([10, 200, 0, 0], [255, 255, 0, 0])
            + &line([10, 202, 0, 8], [255, 255, 255, 252]);
        let at = |a, b, c, d| is_routed(&routes, Ipv4Addr::new(a, b, c, d).to_bits());
        assert!(at(10, 200, 3, 16));
        assert!(at(10, 202, 0, 0), "a part of it is");
        assert!(!at(10, 201, 3, 0) && !at(192, 168, 0, 0) && !at(10, 202, 0, 16));
    }
}
