//! Turned rows as levels of a normal distribution.
//!
//! Codes and factors are defined in f64: sums go as NumPy's do, in eight lanes, pairs of these, halves above 128 elements. Most
//! rows are decided in f32, whose error is known; what lies nearer to an edge than that is done in f64.

/// Elements of a row that are looked at together.
const WIDE: usize = 32;

/// Most positive levels of a code: those of 4 bits.
pub(super) const LEVELS: usize = 8;

/// The sum of `count` terms in NumPy's order.
#[inline(always)]
fn summed(count: usize, term: impl Fn(usize) -> f64 + Copy) -> f64 {
    if count < 8 {
        return (0..count).map(term).sum();
    }
    // Lengths are powers of two: blocks of at most 128, and halves of halves above.
    let mut sums = [0.0; 64];
    let (block, blocks) = if count > 128 { (128, count / 128) } else { (count, 1) };
    if blocks > sums.len() {
        return halves(0, count, term);
    }
    for (at, sum) in sums[..blocks].iter_mut().enumerate() {
        *sum = of_block(at * block, block, term);
    }
    let mut left = blocks;
    while left > 1 {
        for i in 0..left / 2 {
            sums[i] = sums[2 * i] + sums[2 * i + 1];
        }
        left /= 2;
    }
    sums[0]
}

#[inline(always)]
fn of_block(start: usize, count: usize, term: impl Fn(usize) -> f64 + Copy) -> f64 {
    let mut lanes: [f64; 8] = std::array::from_fn(|j| term(start + j));
    for i in (start + 8..start + count).step_by(8) {
        for (j, lane) in lanes.iter_mut().enumerate() {
            *lane += term(i + j);
        }
    }
    ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
}

fn halves(start: usize, count: usize, term: impl Fn(usize) -> f64 + Copy) -> f64 {
    if count <= 128 {
        return of_block(start, count, term);
    }
    halves(start, count / 2, term) + halves(start + count / 2, count / 2, term)
}

/// The codes of a turned row whose length is a power of two, and what its factor is: `|y|^2 / (y . level)` in f64.
///
/// `middles` are those between the positive levels, after that between the two least, which is zero; `levels` are the
/// positive ones.
#[inline(always)]
pub(super) fn level_codes(turned: &[f32], middles: &[f64], levels: &[f64], codes: &mut [u8]) -> f64 {
    assert!(turned.len() == codes.len() && levels.len() == middles.len() + 1 && levels.len() <= LEVELS);
    let decided = match levels.len() {
        1 => near_codes::<0>(turned, middles, levels, codes),
        2 => near_codes::<1>(turned, middles, levels, codes),
        4 => near_codes::<3>(turned, middles, levels, codes),
        8 => near_codes::<7>(turned, middles, levels, codes),
        _ => None,
    };
    decided.unwrap_or_else(|| exact_codes(turned, middles, levels, codes))
}

/// The same in f32, where that decides every code and the factor in half precision; None where something lies too near an
/// edge. What is returned rounds to the same half as the exact factor.
#[inline(always)]
fn near_codes<const MIDDLES: usize>(
    turned: &[f32],
    middles: &[f64],
    levels: &[f64],
    codes: &mut [u8],
) -> Option<f64> {
    let ((rows, rest), (outs, _)) = (turned.as_chunks::<WIDE>(), codes.as_chunks_mut::<WIDE>());
    if !rest.is_empty() {
        return None;
    }
    let mut sums = [0.0f32; WIDE];
    for x in rows {
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += x * x;
        }
    }
    let square = over_lanes(sums);
    if !(1e-30..=1e30).contains(&square) {
        return None;
    }
    // Every rounding is off by 2^-24 at most: additions of a lane, those of lanes, and what is done with a sum.
    let unit = f32::EPSILON / 2.0;
    let sum_off = (rows.len() as f32 + 8.0) * unit;
    let (by, off) = ((turned.len() as f32 / square).sqrt(), sum_off + 8.0 * unit);
    let (mut low, mut high, mut steps) = ([0.0f32; MIDDLES], [0.0f32; MIDDLES], [0.0f32; MIDDLES]);
    for k in 0..MIDDLES {
        let middle = middles[k] as f32 / by;
        (low[k], high[k]) = (middle * (1.0 - off), middle * (1.0 + off));
        steps[k] = (levels[k + 1] - levels[k]) as f32;
    }
    let (least, top) = (levels[0] as f32, levels.len() as u32);
    let (mut products, mut between) = ([0.0f32; WIDE], [0u32; WIDE]);
    for (x, out) in rows.iter().zip(outs) {
        for i in 0..WIDE {
            let size = x[i].abs();
            let (mut above, mut beyond, mut level) = (0u32, 0u32, least);
            for k in 0..MIDDLES {
                let reaches = size >= low[k];
                above += u32::from(reaches);
                beyond += u32::from(size >= high[k]);
                level += if reaches { steps[k] } else { 0.0 };
            }
            between[i] |= above ^ beyond;
            products[i] += size * level;
            // Minus zero counts as above: it is not below.
            out[i] = (if x[i] >= 0.0 { top + above } else { top - 1 - above }) as u8;
        }
    }
    let factor = square / over_lanes(products);
    let factor_off = 2.0 * sum_off + (MIDDLES as f32 + 8.0) * unit;
    let (lower, upper) = (factor * (1.0 - factor_off), factor * (1.0 + factor_off));
    let inside = lower >= NORMAL_HALF && upper < GREATEST_HALF;
    let decided = between.iter().all(|&one| one == 0) && inside && half_bits(lower) == half_bits(upper);
    decided.then(|| f64::from(factor))
}

/// The least half that has all its bits, and what is well below the greatest.
const NORMAL_HALF: f32 = 6.103_515_6e-5;
const GREATEST_HALF: f32 = 65_000.0;

/// What a positive f32 rounds to with the bits of a half, ties to even.
fn half_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    (bits + 0xFFF + (bits >> 13 & 1)) >> 13
}

#[inline(always)]
fn over_lanes(mut lanes: [f32; WIDE]) -> f32 {
    let mut half = WIDE / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn exact_codes(turned: &[f32], middles: &[f64], levels: &[f64], codes: &mut [u8]) -> f64 {
    let square = summed(turned.len(), |i| f64::from(turned[i]) * f64::from(turned[i]));
    let length = square.sqrt();
    let by = (turned.len() as f64).sqrt() / if length > 0.0 { length } else { 1.0 };
    let top = levels.len() as u8;
    // The least f32 whose product with `by`, rounded in f64, reaches a middle: the order of numbers is that of their bits.
    let mut least = [f32::INFINITY; LEVELS - 1];
    let mut tie = false;
    for (least, &middle) in least.iter_mut().zip(middles) {
        let reaches = |x: f32| f64::from(x) * by >= middle;
        let mut found = (middle / by) as f32;
        while found > 0.0 && reaches(found.next_down()) {
            found = found.next_down();
        }
        while !reaches(found) && found.is_finite() {
            found = found.next_up();
        }
        tie |= f64::from(found) * by == middle;
        *least = found;
    }
    if tie {
        // On a middle itself the higher level is taken, which is not the same from both sides of zero.
        for (code, &x) in codes.iter_mut().zip(turned) {
            let scaled = f64::from(x) * by;
            let above = middles.iter().filter(|&&middle| scaled >= middle).count();
            let below = middles.iter().filter(|&&middle| scaled >= -middle).count();
            *code = (above + below + usize::from(scaled >= 0.0)) as u8;
        }
    } else {
        match levels.len() {
            1 => counted::<0>(turned, &least, top, codes),
            2 => counted::<1>(turned, &least, top, codes),
            4 => counted::<3>(turned, &least, top, codes),
            _ => counted::<7>(turned, &least, top, codes),
        }
    }
    let mut both = [0.0; 2 * LEVELS];
    for (i, &level) in levels.iter().enumerate() {
        (both[levels.len() + i], both[levels.len() - 1 - i]) = (level, -level);
    }
    let product = summed(turned.len(), |i| f64::from(turned[i]) * both[usize::from(codes[i] & 15)]);
    length * length / if product > 0.0 { product } else { 1.0 }
}

#[inline(always)]
fn counted<const MIDDLES: usize>(turned: &[f32], least: &[f32; LEVELS - 1], top: u8, codes: &mut [u8]) {
    let one = |x: f32| {
        let size = f32::from_bits(x.to_bits() & 0x7FFF_FFFF);
        let mut level = 0u32;
        for least in &least[..MIDDLES] {
            level += u32::from(size >= *least);
        }
        // Minus zero counts as above: it is not below.
        let (up, down) = (u32::from(top) + level, (u32::from(top) - 1).wrapping_sub(level));
        (if x >= 0.0 { up } else { down }) as u8
    };
    let ((x, x_rest), (out, out_rest)) = (turned.as_chunks::<32>(), codes.as_chunks_mut::<32>());
    for (x, out) in x.iter().zip(out) {
        for i in 0..32 {
            out[i] = one(x[i]);
        }
    }
    x_rest.iter().zip(out_rest).for_each(|(&x, out)| *out = one(x));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEVELS_OF: [&[f64]; 4] = [
        &[0.797_884_561],
        &[0.452_780_035, 1.510_417_608],
        &[0.245_094_179, 0.756_005_281, 1.343_909_279, 2.151_945_705],
        &[
            0.128_395_03,
            0.388_048_299,
            0.656_759_119,
            0.942_340_456,
            1.256_231_197,
            1.618_046_386,
            2.069_017_227,
            2.732_589_571,
        ],
    ];

    fn middles_of(levels: &[f64]) -> Vec<f64> {
        levels.windows(2).map(|pair| (pair[1] + pair[0]) / 2.0).collect()
    }

    fn both(row: &[f32], bits: usize) -> [(Vec<u8>, u32); 2] {
        let levels = LEVELS_OF[bits - 1];
        let middles = middles_of(levels);
        let (mut near, mut exact) = (vec![0; row.len()], vec![0; row.len()]);
        let near_factor = level_codes(row, &middles, levels, &mut near);
        let exact_factor = exact_codes(row, &middles, levels, &mut exact);
        [(near, near_factor), (exact, exact_factor)].map(|(codes, factor)| (codes, half_bits(factor as f32)))
    }

    proptest! {
        #[test]
        fn f32_decides_as_f64_does(
            row in prop::sample::select(vec![32usize, 64, 128, 512])
                .prop_flat_map(|width| prop::collection::vec(-4.0f32..4.0, width)),
            power in -40i32..40,
            bits in 1usize..=4,
        ) {
            let row: Vec<f32> = row.iter().map(|x| x * 2f32.powi(power)).collect();
            let [near, exact] = both(&row, bits);
            prop_assert_eq!(near, exact);
        }

        #[test]
        fn what_lies_at_an_edge_is_decided_in_f64(at in 0usize..7, steps in -20i32..20, seed in 0u32..1000) {
            // One element is brought to some steps of the last bit from a middle.
            let mut row: Vec<f32> = (0..128u32).map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 40_503) % 2003) as f32 / 400.0 - 2.5).collect();
            let middle = middles_of(LEVELS_OF[3])[at];
            for _ in 0..30 {
                let length = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                row[5] = (middle * length / 128f64.sqrt()) as f32;
            }
            row[5] = f32::from_bits(row[5].to_bits().saturating_add_signed(steps));
            let [near, exact] = both(&row, 4);
            prop_assert_eq!(near, exact);
        }
    }

    #[test]
    fn most_rows_are_decided_in_f32() {
        let middles = middles_of(LEVELS_OF[3]);
        let mut state = 1u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 16_777_216.0
        };
        let mut decided = 0;
        for _ in 0..1000 {
            let row: Vec<f32> = (0..128).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).collect();
            decided += usize::from(near_codes::<7>(&row, &middles, LEVELS_OF[3], &mut [0; 128]).is_some());
        }
        assert!(decided > 950, "{decided} of 1,000");
    }

    #[test]
    fn nothing_and_what_is_no_number_are_left_to_f64() {
        let middles = middles_of(LEVELS_OF[1]);
        for x in [0.0, 1e-30, 1e30, f32::INFINITY, f32::NAN] {
            assert!(near_codes::<1>(&[x; 32], &middles, LEVELS_OF[1], &mut [0; 32]).is_none(), "{x}");
        }
    }
}
