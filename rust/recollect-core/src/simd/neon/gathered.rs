//! Disagreements of bit codes where they lie, counted as in [`sketch`](super::sketch), two words of a row at a time.

use std::arch::aarch64::*;

use super::super::gathered::{AHEAD, disagreement_of as plain};
use super::super::prefetch::prefetch;
use super::sketch::{ROOM, count, load, weighed};

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn disagreement_of(
    query: &[u64],
    planes: usize,
    rows: &[u64],
    slots: &[u32],
    out: &mut [u32],
) {
    assert_eq!(slots.len(), out.len(), "one count a slot");
    match (query.len() / planes, planes) {
        // A register holds no less than two words.
        (2, 1) => of_size::<2, 1>(query, rows, slots, out),
        (4, 1) => of_size::<4, 1>(query, rows, slots, out),
        (6, 1) => of_size::<6, 1>(query, rows, slots, out),
        (8, 1) => of_size::<8, 1>(query, rows, slots, out),
        (12, 1) => of_size::<12, 1>(query, rows, slots, out),
        (16, 1) => of_size::<16, 1>(query, rows, slots, out),
        (4, 3) => of_size::<4, 3>(query, rows, slots, out),
        (6, 3) => of_size::<6, 3>(query, rows, slots, out),
        (8, 3) => of_size::<8, 3>(query, rows, slots, out),
        (12, 3) => of_size::<12, 3>(query, rows, slots, out),
        (16, 3) => of_size::<16, 3>(query, rows, slots, out),
        _ => plain(query, planes, rows, slots, out),
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn of_size<const WORDS: usize, const PLANES: usize>(
    query: &[u64],
    rows: &[u64],
    slots: &[u32],
    out: &mut [u32],
) {
    const { assert!(WORDS / 2 <= ROOM, "counts of bytes fit a byte") };
    assert_eq!(query.len(), WORDS * PLANES, "whole planes");
    let rows = rows.as_chunks::<WORDS>().0;
    let Some(query) = query.as_chunks::<WORDS>().0.first_chunk::<PLANES>() else { return };
    for (at, (&slot, out)) in slots.iter().zip(out).enumerate() {
        if let Some(&next) = slots.get(at + AHEAD) {
            prefetch(&rows[next as usize]);
        }
        let mut bytes = [vdupq_n_u8(0); PLANES];
        for (i, two) in rows[slot as usize].as_chunks::<2>().0.iter().enumerate() {
            let mut held = [vdupq_n_u8(0); PLANES];
            for (held, plane) in held.iter_mut().zip(query) {
                *held = load(&plane.as_chunks::<2>().0[i]);
            }
            count(&mut bytes, veorq_u8(load(two), held[0]), &held);
        }
        *out = vaddlvq_u16(weighed(&bytes));
    }
}
