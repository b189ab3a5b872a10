//! The Walsh-Hadamard transform without its scale, in two precisions.

use super::hadamard::{BLOCK, Element, butterflies, within};

/// The transform without its scale, neighbours first.
#[inline(always)]
pub(super) fn sums_and_differences<T: Element>(a: &mut [T]) {
    // Common sizes of heads, of which the compiler sees every step.
    match a.len() {
        64 => {
            let Some(block) = a.first_chunk_mut::<64>() else { return };
            at_distances::<64, T>(block);
        }
        128 => {
            let Some(block) = a.first_chunk_mut::<128>() else { return };
            at_distances::<128, T>(block);
        }
        _ => at_any_distances(a),
    }
}

#[inline(always)]
fn at_distances<const N: usize, T: Element>(a: &mut [T; N]) {
    let mut held = *a;
    for block in held.as_chunks_mut::<BLOCK>().0 {
        within(block);
    }
    for distance in [16, 32, 64] {
        if distance < N {
            for pair in held.chunks_exact_mut(2 * distance) {
                for i in 0..distance {
                    (pair[i], pair[i + distance]) =
                        (pair[i] + pair[i + distance], pair[i] - pair[i + distance]);
                }
            }
        }
    }
    *a = held;
}

#[inline(always)]
fn at_any_distances<T: Element>(a: &mut [T]) {
    let (blocks, rest) = a.as_chunks_mut::<BLOCK>();
    for block in blocks {
        within(block);
    }
    let short = !rest.is_empty();
    let (whole, mut distance) = if short { (rest, 1) } else { (a, BLOCK) };
    while distance < whole.len() {
        butterflies(whole, distance);
        distance *= 2;
    }
}
