//! Disagreements of blocks of bit codes: one instruction counts the bits of each byte, and bytes are added up, one sum a
//! plane.

use std::arch::aarch64::*;

use super::super::sketch::{LANES, checked, disagreement as plain};

/// Words whose counts fit a byte: 8 bits of each at most.
pub(super) const ROOM: usize = 31;

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load(words: &[u64; 2]) -> uint8x16_t {
    // SAFETY: the array is 16 bytes, which is what the load reads; it needs no alignment.
    vreinterpretq_u8_u64(unsafe { vld1q_u64(words.as_ptr()) })
}

/// Adds the bits of each byte that differ, of all and of those of each magnitude.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn count<const PLANES: usize>(
    sums: &mut [uint8x16_t; PLANES],
    differing: uint8x16_t,
    query: &[uint8x16_t; PLANES],
) {
    sums[0] = vaddq_u8(sums[0], vcntq_u8(differing));
    for plane in 1..PLANES {
        sums[plane] = vaddq_u8(sums[plane], vcntq_u8(vandq_u8(differing, query[plane])));
    }
}

/// The counts of two bytes each, weighed by their planes: at most 16 * 31 * 15.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn weighed<const PLANES: usize>(sums: &[uint8x16_t; PLANES]) -> uint16x8_t {
    let mut all = vpaddlq_u8(sums[PLANES - 1]);
    for plane in (0..PLANES - 1).rev() {
        all = vpadalq_u8(vaddq_u16(all, all), sums[plane]);
    }
    all
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn disagreement(query: &[u64], planes: usize, blocks: &[u64], out: &mut [u32]) {
    let words = checked(query, planes, blocks, out);
    match (planes, words) {
        // The usual widths keep the query in registers.
        (1, 4) => of_size::<1, 4>(query, blocks, out),
        (2, 4) => of_size::<2, 4>(query, blocks, out),
        (1, 6) => of_size::<1, 6>(query, blocks, out),
        (2, 6) => of_size::<2, 6>(query, blocks, out),
        (4, 6) => of_size::<4, 6>(query, blocks, out),
        (1, 12) => of_size::<1, 12>(query, blocks, out),
        (2, 12) => of_size::<2, 12>(query, blocks, out),
        (1, _) => of_planes::<1>(query, words, blocks, out),
        (2, _) => of_planes::<2>(query, words, blocks, out),
        (3, _) => of_planes::<3>(query, words, blocks, out),
        (4, _) => of_planes::<4>(query, words, blocks, out),
        _ => plain(query, planes, blocks, out),
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn of_size<const PLANES: usize, const WORDS: usize>(query: &[u64], blocks: &[u64], out: &mut [u32]) {
    const { assert!(WORDS <= ROOM, "counts of bytes fit a byte") };
    let mut held = [[vdupq_n_u8(0); PLANES]; WORDS];
    for (w, held) in held.iter_mut().enumerate() {
        for (plane, held) in held.iter_mut().enumerate() {
            *held = all_lanes(query[plane * WORDS + w]);
        }
    }
    let blocks = blocks.as_chunks::<LANES>().0.as_chunks::<WORDS>().0;
    for (block, out) in blocks.iter().zip(out.as_chunks_mut::<LANES>().0) {
        let mut bytes = [[vdupq_n_u8(0); PLANES]; LANES / 2];
        for (lanes, held) in block.iter().zip(&held) {
            count_block(&mut bytes, lanes, held);
        }
        store(bytes.each_ref().map(|bytes| vpaddlq_u16(weighed(bytes))), out);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn of_planes<const PLANES: usize>(query: &[u64], words: usize, blocks: &[u64], out: &mut [u32]) {
    let blocks = blocks.as_chunks::<LANES>().0.chunks_exact(words);
    for (block, out) in blocks.zip(out.as_chunks_mut::<LANES>().0) {
        let mut sums = [vdupq_n_u32(0); LANES / 2];
        for (room, block) in block.chunks(ROOM).enumerate() {
            let mut bytes = [[vdupq_n_u8(0); PLANES]; LANES / 2];
            let query: [&[u64]; PLANES] =
                std::array::from_fn(|plane| &query[plane * words + ROOM * room..][..block.len()]);
            for (i, lanes) in block.iter().enumerate() {
                count_block(&mut bytes, lanes, &query.map(|plane| all_lanes(plane[i])));
            }
            for (sum, bytes) in sums.iter_mut().zip(&bytes) {
                *sum = vpadalq_u16(*sum, weighed(bytes));
            }
        }
        store(sums, out);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn all_lanes(word: u64) -> uint8x16_t {
    vreinterpretq_u8_u64(vdupq_n_u64(word))
}

/// Counts one word of each code of a block.
#[inline]
#[target_feature(enable = "neon")]
fn count_block<const PLANES: usize>(
    sums: &mut [[uint8x16_t; PLANES]; LANES / 2],
    lanes: &[u64; LANES],
    query: &[uint8x16_t; PLANES],
) {
    for (sums, two) in sums.iter_mut().zip(lanes.as_chunks::<2>().0) {
        count(sums, veorq_u8(load(two), query[0]), query);
    }
}

/// Adds the two lanes that each code has.
#[inline]
#[target_feature(enable = "neon")]
fn store([a, b, c, d]: [uint32x4_t; LANES / 2], out: &mut [u32; LANES]) {
    // SAFETY: the array is 32 bytes, two stores of 16 that need no alignment.
    unsafe {
        vst1q_u32(out.as_mut_ptr(), vpaddq_u32(a, b));
        vst1q_u32(out.as_mut_ptr().add(4), vpaddq_u32(c, d));
    }
}
