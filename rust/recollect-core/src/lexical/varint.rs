//! Numbers in seven bits a byte, least significant first; a set top bit says that more follow.

/// Appends a number.
pub(super) fn push(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front; none where the bytes end early or do not fit.
#[inline]
pub(super) fn pull(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for at in 0..5 {
        let byte = *bytes.get(at)?;
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return u32::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trips(number: u32, shift in 0u32..32, garbage: Vec<u8>) {
            let mut bytes = Vec::new();
            push(&mut bytes, number >> shift);
            prop_assert_eq!(pull(&mut &bytes[..]), Some(number >> shift));
            prop_assert_eq!(pull(&mut &bytes[..bytes.len() - 1]), None);
            let _ = pull(&mut &garbage[..]);
        }
    }
}
