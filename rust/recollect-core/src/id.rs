//! Identities: random ones for the outside, dense ones inside the indexes.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// 128 random bits, stable over all versions of a memory; ties are broken by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub [u8; 16]);

/// Row of a memory inside the indexes of its namespace.
pub type Slot = u32;

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({self})")
    }
}

impl FromStr for Uid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::invalid("uid", "expected 32 hexadecimal digits");
        if text.len() != 32 || !text.bytes().all(|x| x.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uid_round_trips_and_refuses_the_rest() {
        let uid = Uid([0xAB; 16]);
        assert_eq!(uid.to_string().parse::<Uid>().unwrap(), uid);
        for bad in ["", "zz", "+b".repeat(16).as_str(), "é".repeat(16).as_str()] {
            assert!(bad.parse::<Uid>().is_err(), "{bad}");
        }
    }
}
