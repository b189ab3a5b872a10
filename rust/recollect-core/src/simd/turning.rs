//! Rows turned by signs and a Hadamard matrix, and their elements as levels of a normal distribution.
//!
//! Sums go neighbours first and are scaled last, unlike those of `hadamard`, which scales between: the codes of keys and
//! values are defined by this order. Sums in f64 go as NumPy's do: eight lanes, pairs of these, halves above 128 elements.

use super::differences::sums_and_differences;

/// Most positive levels of a code: those of 4 bits.
const LEVELS: usize = 8;

/// Writes `(x - mean) * sign`, filled up with zeros, turned and scaled, to `out`, whose length is a power of two.
#[inline(always)]
pub(super) fn turn(x: &[f32], mean: &[f32], signs: &[f32], scale: f32, out: &mut [f32]) {
    assert!(out.len().is_power_of_two() && out.len() >= x.len(), "a power of two that holds the row");
    for ((out, x), (mean, sign)) in out.iter_mut().zip(x).zip(mean.iter().zip(signs)) {
        *out = (x - mean) * sign;
    }
    out[x.len()..].fill(0.0);
    sums_and_differences(out);
    out.iter_mut().for_each(|x| *x *= scale);
}

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

/// Writes the row that codes stand for to `out`: levels times `factor`, turned back, with signs and the mean, all in f64.
#[inline(always)]
pub(super) fn turn_back(
    codes: &[u8],
    levels: &[f64],
    factor: f64,
    [signs, mean]: [&[f32]; 2],
    space: &mut [f64],
    out: &mut [f32],
) {
    let mut both = [0.0; 2 * LEVELS];
    for (i, &level) in levels.iter().enumerate() {
        (both[levels.len() + i], both[levels.len() - 1 - i]) = (level, -level);
    }
    for (x, &code) in space.iter_mut().zip(codes) {
        *x = both[usize::from(code & 15)] * factor;
    }
    sums_and_differences(space);
    let scale = (space.len() as f64).powf(-0.5);
    for ((out, x), (sign, mean)) in out.iter_mut().zip(space).zip(signs.iter().zip(mean)) {
        *out = (f64::from(*mean) + *x * scale * f64::from(*sign)) as f32;
    }
}
