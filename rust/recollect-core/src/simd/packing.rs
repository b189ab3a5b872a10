//! Codes of a few bits in words of 32, little-endian: element `j` of a row takes the bits from `bits * j` on.

use super::transpose::{SIDE, transpose};

/// Eight codes, a byte each, as one number of `8 * bits` bits; `bits` is 1 to 8.
#[inline(always)]
fn joined(codes: u64, bits: u32) -> u64 {
    let mask = |width: u32, every: u32| {
        let ones = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        let mut mask = ones;
        let mut shift = every;
        while shift < 64 {
            mask |= ones << shift;
            shift += every;
        }
        mask
    };
    let pairs = (codes | codes >> (8 - bits)) & mask(2 * bits, 16);
    let fours = (pairs | pairs >> (16 - 2 * bits)) & mask(4 * bits, 32);
    (fours | fours >> (32 - 4 * bits)) & mask(8 * bits, 64)
}

/// One number of `8 * bits` bits as eight codes, a byte each.
#[inline(always)]
fn parted(joined: u64, bits: u32) -> u64 {
    let mask = |width: u32, every: u32| {
        let ones = (1u64 << width) - 1;
        let mut mask = ones;
        let mut shift = every;
        while shift < 64 {
            mask |= ones << shift;
            shift += every;
        }
        mask
    };
    let fours = (joined | joined << (32 - 4 * bits)) & mask(4 * bits, 32);
    let pairs = (fours | fours << (16 - 2 * bits)) & mask(2 * bits, 16);
    (pairs | pairs << (8 - bits)) & mask(bits, 8)
}

#[inline(always)]
fn pack_of<const BITS: u32>(codes: &[u8], words: &mut [u32]) {
    // 32 codes are whole words, whatever the bits.
    let (whole, rest) = codes.as_chunks::<32>();
    let (out, out_rest) = words.split_at_mut(whole.len() * BITS as usize);
    for (codes, out) in whole.iter().zip(out.chunks_exact_mut(BITS as usize)) {
        let mut parts = [0u64; 4];
        for (part, codes) in parts.iter_mut().zip(codes.as_chunks::<8>().0) {
            *part = joined(u64::from_le_bytes(*codes), BITS);
        }
        match BITS {
            8 => (0..8).for_each(|w| out[w] = (parts[w / 2] >> (w % 2 * 32)) as u32),
            4 => (0..4).for_each(|w| out[w] = parts[w] as u32),
            2 => (0..2).for_each(|w| out[w] = (parts[2 * w] | parts[2 * w + 1] << 16) as u32),
            1 => out[0] = (parts[0] | parts[1] << 8 | parts[2] << 16 | parts[3] << 24) as u32,
            _ => {
                let stream = (0..4).fold(0u128, |s, i| s | u128::from(parts[i]) << (8 * BITS * i as u32));
                out.iter_mut().enumerate().for_each(|(w, out)| *out = (stream >> (32 * w)) as u32);
            }
        }
    }
    out_rest.fill(0);
    for (j, &code) in rest.iter().enumerate() {
        let (word, shift) = (BITS as usize * j / 32, BITS as usize * j % 32);
        out_rest[word] |= u32::from(code) << shift;
        if shift + BITS as usize > 32 {
            out_rest[word + 1] |= u32::from(code) >> (32 - shift);
        }
    }
}

/// Codes of one row as words, the last filled up with zeros.
#[inline(always)]
pub(super) fn pack(codes: &[u8], bits: usize, words: &mut [u32]) {
    assert_eq!(words.len(), (codes.len() * bits).div_ceil(32), "words of the codes");
    match bits {
        1 => pack_of::<1>(codes, words),
        2 => pack_of::<2>(codes, words),
        3 => pack_of::<3>(codes, words),
        4 => pack_of::<4>(codes, words),
        _ => pack_of::<8>(codes, words),
    }
}

#[inline(always)]
fn unpack_of<const BITS: u32>(words: &[u32], codes: &mut [u8]) {
    let (whole, rest) = codes.as_chunks_mut::<32>();
    let (from, from_rest) = words.split_at(whole.len() * BITS as usize);
    for (codes, from) in whole.iter_mut().zip(from.chunks_exact(BITS as usize)) {
        let (parts, _) = codes.as_chunks_mut::<8>();
        for (i, part) in parts.iter_mut().enumerate() {
            let one = match BITS {
                8 => u64::from(from[2 * i]) | u64::from(from[2 * i + 1]) << 32,
                4 => u64::from(from[i]),
                2 => u64::from(from[i / 2] >> (i % 2 * 16) & 0xFFFF),
                1 => u64::from(from[0] >> (8 * i) & 0xFF),
                _ => {
                    let stream = (0..BITS as usize).fold(0u128, |s, w| s | u128::from(from[w]) << (32 * w));
                    (stream >> (8 * BITS * i as u32)) as u64 & ((1 << (8 * BITS)) - 1)
                }
            };
            *part = if BITS == 8 { one } else { parted(one, BITS) }.to_le_bytes();
        }
    }
    let mask = ((1u64 << BITS) - 1) as u8;
    for (j, code) in rest.iter_mut().enumerate() {
        let (word, shift) = (BITS as usize * j / 32, BITS as usize * j % 32);
        let next = from_rest.get(word + 1).copied().unwrap_or(0);
        let both = u64::from(from_rest[word]) | u64::from(next) << 32;
        *code = (both >> shift) as u8 & mask;
    }
}

/// The codes of a row of words.
#[inline(always)]
pub(super) fn unpack(words: &[u32], bits: usize, codes: &mut [u8]) {
    assert!(words.len() * 32 >= codes.len() * bits, "words of the codes");
    match bits {
        1 => unpack_of::<1>(words, codes),
        2 => unpack_of::<2>(words, codes),
        3 => unpack_of::<3>(words, codes),
        4 => unpack_of::<4>(words, codes),
        _ => unpack_of::<8>(words, codes),
    }
}

/// Codes of `(tokens, dim)` as the words of each column: `words` is `(dim, stride)`; `bits` divides 32.
#[inline(always)]
pub(super) fn pack_columns(codes: &[u8], dim: usize, bits: usize, words: &mut [u32], stride: usize) {
    match bits {
        2 => pack_columns_of::<2>(codes, dim, words, stride),
        4 => pack_columns_of::<4>(codes, dim, words, stride),
        _ => pack_columns_of::<8>(codes, dim, words, stride),
    }
}

#[inline(always)]
fn pack_columns_of<const BITS: usize>(codes: &[u8], dim: usize, words: &mut [u32], stride: usize) {
    let each = 32 / BITS;
    for (some, block) in codes.chunks(SIDE * each * dim).enumerate() {
        for start in (0..dim).step_by(SIDE) {
            let wide = (dim - start).min(SIDE);
            let count = block.len().div_ceil(each * dim);
            let mut square = [[0u32; SIDE]; SIDE];
            for (line, block) in square.iter_mut().zip(block.chunks(each * dim)) {
                let mut sum = [0u32; SIDE];
                for (t, row) in block.chunks_exact(dim).enumerate() {
                    let row = of_side(&row[start..start + wide]);
                    for i in 0..SIDE {
                        sum[i] |= u32::from(row[i]) << (BITS * t);
                    }
                }
                *line = sum;
            }
            transpose(&mut square);
            for (i, line) in square[..wide].iter().enumerate() {
                words[(start + i) * stride + SIDE * some..][..count].copy_from_slice(&line[..count]);
            }
        }
    }
}

/// As many as fit a side, the rest zeros.
#[inline(always)]
fn of_side(codes: &[u8]) -> [u8; SIDE] {
    codes.first_chunk().copied().unwrap_or_else(|| {
        let mut all = [0; SIDE];
        all[..codes.len()].copy_from_slice(codes);
        all
    })
}

/// Codes of `(tokens, dim)` out of the words of columns, as [`pack_columns`] lays them.
#[inline(always)]
pub(super) fn unpack_columns(words: &[u32], stride: usize, dim: usize, bits: usize, codes: &mut [u8]) {
    match bits {
        2 => unpack_columns_of::<2>(words, stride, dim, codes),
        4 => unpack_columns_of::<4>(words, stride, dim, codes),
        _ => unpack_columns_of::<8>(words, stride, dim, codes),
    }
}

#[inline(always)]
fn unpack_columns_of<const BITS: usize>(words: &[u32], stride: usize, dim: usize, codes: &mut [u8]) {
    // Columns often lie a multiple of a page apart, where lines push each other out: each is read once.
    const LINES: usize = 8;
    let (each, mask) = (32 / BITS, (1u32 << BITS) - 1);
    for (some, block) in codes.chunks_mut(LINES * each * dim).enumerate() {
        let count = block.len().div_ceil(each * dim);
        for start in (0..dim).step_by(SIDE) {
            let wide = (dim - start).min(SIDE);
            let mut lines = [[0u32; SIDE]; LINES];
            for i in 0..wide {
                let column = &words[(start + i) * stride + LINES * some..][..count];
                lines.iter_mut().zip(column).for_each(|(line, &word)| line[i] = word);
            }
            for (line, block) in lines.iter().zip(block.chunks_mut(each * dim)) {
                let line = *line;
                for (t, row) in block.chunks_exact_mut(dim).enumerate() {
                    let mut codes = [0u8; SIDE];
                    for i in 0..SIDE {
                        codes[i] = (line[i] >> (BITS * t) & mask) as u8;
                    }
                    let row = &mut row[start..start + wide];
                    if let Some(row) = row.first_chunk_mut() {
                        *row = codes;
                    } else {
                        row.copy_from_slice(&codes[..wide]);
                    }
                }
            }
        }
    }
}
