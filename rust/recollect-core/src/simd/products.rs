//! Products of a few queries with many keys, and sums of values by weights, in f32.

/// Keys of a panel.
pub const KEYS: usize = 16;

/// Lays up to [`KEYS`] rows beside each other: element `d` of all of them together, `(dim, KEYS)`, missing rows as zeros.
#[inline(always)]
pub(super) fn lay_panel(rows: &[f32], dim: usize, panel: &mut [f32]) {
    let count = rows.len() / dim;
    if count < KEYS {
        panel.fill(0.0);
    }
    for (d, out) in panel.as_chunks_mut::<KEYS>().0.iter_mut().enumerate() {
        for (i, out) in out[..count].iter_mut().enumerate() {
            *out = rows[i * dim + d];
        }
    }
}

#[inline(always)]
fn some_products<const ROWS: usize>(
    queries: &[f32],
    dim: usize,
    panel: &[[f32; KEYS]],
) -> [[f32; KEYS]; ROWS] {
    let mut sums = [[0.0; KEYS]; ROWS];
    let rows: [&[f32]; ROWS] = std::array::from_fn(|r| &queries[r * dim..(r + 1) * dim]);
    for (d, keys) in panel.iter().enumerate() {
        for r in 0..ROWS {
            let query = rows[r][d];
            for i in 0..KEYS {
                sums[r][i] += query * keys[i];
            }
        }
    }
    sums
}

/// Products of queries `(rows, dim)` with a panel: those of row `r` go to `out[r * stride..]`.
#[inline(always)]
pub(super) fn panel_products(queries: &[f32], dim: usize, panel: &[f32], out: &mut [f32], stride: usize) {
    const ROWS: usize = 6;
    let panel = &panel.as_chunks::<KEYS>().0[..dim];
    let mut write = |at: usize, sums: &[[f32; KEYS]]| {
        for (r, sums) in sums.iter().enumerate() {
            out[(at + r) * stride..][..KEYS].copy_from_slice(sums);
        }
    };
    let groups = queries.chunks_exact(ROWS * dim);
    let (rest, whole) = (groups.remainder(), groups.len() * ROWS);
    for (at, group) in groups.enumerate() {
        write(at * ROWS, &some_products::<ROWS>(group, dim, panel));
    }
    for (at, query) in rest.chunks_exact(dim).enumerate() {
        write(whole + at, &some_products::<1>(query, dim, panel));
    }
}

/// The greatest; minus infinity of nothing.
#[inline(always)]
pub(super) fn top(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut lanes = [f32::NEG_INFINITY; 16];
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |top, &x| if x > top { x } else { top })
}

/// Adds `weight * x` to sums.
#[inline(always)]
pub(super) fn add_scaled(x: &[f32], weight: f32, sums: &mut [f32]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += weight * x;
    }
}

/// Adds rows of `dim` by weights, those of one sum one after another: `weights` is `(sums, stride)`, `sums` `(any, dim)`.
#[inline(always)]
pub(super) fn add_by_weights(rows: &[f32], dim: usize, weights: &[f32], stride: usize, sums: &mut [f32]) {
    for (weights, sums) in weights.chunks(stride).zip(sums.chunks_exact_mut(dim)) {
        let (chunks, rest) = sums.as_chunks_mut::<32>();
        let whole = 32 * chunks.len();
        for (at, sums) in chunks.iter_mut().enumerate() {
            let mut some = *sums;
            for (row, weight) in rows.chunks_exact(dim).zip(weights) {
                let Some(x) = row[32 * at..].first_chunk::<32>() else { continue };
                for i in 0..32 {
                    some[i] += x[i] * weight;
                }
            }
            *sums = some;
        }
        for (i, sum) in rest.iter_mut().enumerate() {
            for (row, weight) in rows.chunks_exact(dim).zip(weights) {
                *sum += row[whole + i] * weight;
            }
        }
    }
}

/// Codes, a byte each, as `code * scale + zero` with a scale and a zero for each element, or for all of them alike.
#[inline(always)]
pub(super) fn widen_codes(codes: &[u8], scale: &[f32], zero: &[f32], out: &mut [f32]) {
    if let ([scale], [zero]) = (scale, zero) {
        for (out, &code) in out.iter_mut().zip(codes) {
            *out = f32::from(code) * scale + zero;
        }
        return;
    }
    for ((out, &code), (scale, zero)) in out.iter_mut().zip(codes).zip(scale.iter().zip(zero)) {
        *out = f32::from(code) * scale + zero;
    }
}

/// Float8 e4m3 as `number * scale`, as [`widen_codes`].
#[inline(always)]
pub(super) fn widen_e4m3(codes: &[u8], scale: &[f32], out: &mut [f32]) {
    let wide = |code: u8| {
        let size = u32::from(code & 0x7F);
        // Eight steps between powers of two from 2^-6 on; below it steps of 2^-9.
        let normal = f32::from_bits((size << 20) + (120 << 23));
        let number = if size < 8 { size as f32 * (1.0 / 512.0) } else { normal };
        let number = if size == 127 { f32::NAN } else { number };
        f32::from_bits(number.to_bits() | u32::from(code & 0x80) << 24)
    };
    if let [scale] = scale {
        out.iter_mut().zip(codes).for_each(|(out, &code)| *out = wide(code) * scale);
        return;
    }
    for ((out, &code), scale) in out.iter_mut().zip(codes).zip(scale) {
        *out = wide(code) * scale;
    }
}

/// Codes as levels on both sides of zero.
#[inline(always)]
pub(super) fn widen_levels(codes: &[u8], levels: &[f32; 16], factor: f32, out: &mut [f32]) {
    for (out, &code) in out.iter_mut().zip(codes) {
        *out = levels[usize::from(code & 15)] * factor;
    }
}
