//! Kernels between f32 vectors and their int8 codes.

/// Adding and taking off 1.5 * 2^23 rounds an f32 below 2^22 to a whole number, ties to even, on every tier.
const ROUND: f32 = 12_582_912.0;

const LANES: usize = 16;

// A function and not a closure, which would be compiled without the features of its caller.
#[inline(always)]
fn quantize_lanes(x: &[f32; LANES], inverse: f32, codes: &mut [i8; LANES], lost: &mut [f32; LANES]) {
    for i in 0..LANES {
        let wanted = x[i] * inverse;
        let rounded = (wanted + ROUND) - ROUND;
        lost[i] += (wanted - rounded) * (wanted - rounded);
        // The low bits of `wanted + ROUND` are the whole number in two's complement.
        codes[i] = (wanted + ROUND).to_bits() as i8;
    }
}

#[inline(always)]
pub(super) fn quantize(x: &[f32], inverse: f32, codes: &mut [i8]) -> f32 {
    assert_eq!(x.len(), codes.len(), "one code an element");
    let mut lost = [0.0; LANES];
    let ((x, x_rest), (codes, codes_rest)) = (x.as_chunks::<LANES>(), codes.as_chunks_mut::<LANES>());
    for (x, codes) in x.iter().zip(codes) {
        quantize_lanes(x, inverse, codes, &mut lost);
    }
    if !x_rest.is_empty() {
        let (mut last, mut last_codes) = ([0.0; LANES], [0; LANES]);
        last[..x_rest.len()].copy_from_slice(x_rest);
        quantize_lanes(&last, inverse, &mut last_codes, &mut lost);
        codes_rest.copy_from_slice(&last_codes[..x_rest.len()]);
    }
    let mut sum = 0.0;
    for lane in lost {
        sum += lane;
    }
    sum
}

/// What turns the code product of row `i` into a score with its margin:
/// `dots[i] * scale[i] * by_dot + norm[i]^2 * by_square + base + norm[i] * by_norm + residual[i] * by_residual`.
#[derive(Debug, Clone, Copy)]
pub struct Margins<'a> {
    /// Value of one code step of each row.
    pub scale: &'a [f32],
    /// Euclidean norm of each row.
    pub norm: &'a [f32],
    /// Norm of what rounding took from each row.
    pub residual: &'a [f32],
    /// Factor of the code product.
    pub by_dot: f32,
    /// Factor of the squared norm.
    pub by_square: f32,
    /// Factor of the norm.
    pub by_norm: f32,
    /// Factor of the residual.
    pub by_residual: f32,
    /// The same for every row.
    pub base: f32,
}

#[inline(always)]
pub(super) fn upper_bounds(dots: &[i32], margins: Margins<'_>, out: &mut [f32]) {
    let n = out.len();
    let (dots, scale) = (&dots[..n], &margins.scale[..n]);
    let (norm, residual) = (&margins.norm[..n], &margins.residual[..n]);
    for i in 0..n {
        let score = dots[i] as f32 * scale[i] * margins.by_dot + norm[i] * norm[i] * margins.by_square;
        out[i] = (score + margins.base) + (norm[i] * margins.by_norm + residual[i] * margins.by_residual);
    }
}
