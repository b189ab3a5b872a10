//! What the ways of a search cost on this machine, measured once in well under a millisecond.

use std::sync::LazyLock;
use std::time::Instant;

use crate::simd::{Kernels, LANES};

/// Nanoseconds a byte for the two scans there are, on data of the second cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    /// Of int8 codes.
    pub int8: f64,
    /// Of bit codes with a query of two planes.
    pub bits: f64,
}

/// Codes of each kind that are measured: 128 KiB.
const BYTES: usize = 128 << 10;

/// Codes of a row, in bytes: 384 dimensions.
const ROW: usize = 384;

/// Rounds of which the fastest counts.
const ROUNDS: usize = 5;

/// Those of this machine.
static HERE: LazyLock<Costs> = LazyLock::new(measure);

impl Costs {
    /// Those of this machine.
    pub(super) fn here() -> Self {
        *HERE
    }
}

#[expect(clippy::disallowed_methods, reason = "how fast this machine is, only a clock tells")]
fn now() -> Instant {
    Instant::now()
}

fn measure() -> Costs {
    let kernels = Kernels::best();
    let (query, rows) = (vec![1i8; ROW], vec![3i8; BYTES / ROW * ROW]);
    let mut dots = vec![0; BYTES / ROW];
    let words = ROW / 64;
    let (planes, blocks) = (vec![5u64; 2 * words], vec![9u64; BYTES / (8 * LANES * words) * LANES * words]);
    let mut counted = vec![0; blocks.len() / words];
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        let start = now();
        kernels.dot_i8_rows(&query, &rows, &mut dots);
        let middle = now();
        kernels.disagreement(&planes, 2, &blocks, &mut counted);
        let end = now();
        best[0] = best[0].min((middle - start).as_nanos() as f64 / rows.len() as f64);
        best[1] = best[1].min((end - middle).as_nanos() as f64 / (8 * blocks.len()) as f64);
    }
    // A clock that does not move must not make a way free.
    Costs { int8: best[0].max(1e-4), bits: best[1].max(1e-4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cost_is_a_number_above_zero() {
        let costs = Costs::here();
        assert!(costs.int8 > 0.0 && costs.int8 < 1e3 && costs.bits > 0.0 && costs.bits < 1e3, "{costs:?}");
    }
}
