//! Hashes over tagged fields, so that nothing hashed in one place passes for something else.

/// The first 128 bits of a hash.
pub(crate) fn short(hash: &[u8; 32]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    u128::from_le_bytes(half)
}

/// BLAKE3 over a domain tag and what `fill` appends.
pub(crate) fn digest(tag: &[u8], fill: impl FnOnce(&mut Vec<u8>)) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(512);
    field(&mut bytes, tag);
    fill(&mut bytes);
    *blake3::hash(&bytes).as_bytes()
}

/// Appends bytes with their length before them, so that no two columns can trade bytes.
pub(crate) fn field(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
}
