//! Unpredictable identities from one seed that the caller brings.

use crate::id::Uid;

/// A stream of random bytes, the same for the same seed (BLAKE3 in extended-output mode).
pub struct Entropy(blake3::OutputReader);

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    /// Starts the stream of a seed, which should come from the operating system.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(blake3::Hasher::new_keyed(&seed).finalize_xof())
    }

    /// The next sixteen bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut out = [0; 16];
        self.0.fill(&mut out);
        out
    }

    /// The next identity.
    pub fn uid(&mut self) -> Uid {
        Uid(self.bytes())
    }
}
