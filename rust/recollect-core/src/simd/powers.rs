//! Exponentials in f32, the same on every machine.

const LANES: usize = 16;
const ROUND: f32 = 12_582_912.0;

/// `e^x` for x of at most zero, within 2 units in the last place; zero below -87, and for minus infinity.
#[inline(always)]
fn power(x: f32) -> f32 {
    // x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts, the first of few bits so that n times it is exact.
    let held = if x > -87.0 { x } else { -87.0 };
    let sum = held * std::f32::consts::LOG2_E + ROUND;
    let n = sum - ROUND;
    let r = (held - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 0.166_666_65;
    p = p * r + 0.5;
    let whole = (p * r * r + r) + 1.0;
    let scale = f32::from_bits(sum.to_bits().wrapping_add(127) << 23);
    if x > -87.0 { whole * scale } else { 0.0 }
}

/// `e^(x - top)` in place, for `x` of at most `top`.
#[inline(always)]
pub(super) fn powers(x: &mut [f32], top: f32) {
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for x in chunk {
            *x = power(*x - top);
        }
    }
    rest.iter_mut().for_each(|x| *x = power(*x - top));
}
