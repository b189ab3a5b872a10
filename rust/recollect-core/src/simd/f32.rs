//! Kernels over f32, in a lane order that every tier keeps.

#[cfg(target_arch = "x86_64")]
use super::prefetch::prefetch_ahead;

/// Element `j` is added to lane `j % LANES`; then lane `i` takes lane `i + LANES / 2`, halving down to one.
pub(super) const LANES: usize = 32;
const HALF: usize = LANES / 2;

#[inline(always)]
pub(super) fn fold(lanes: [f32; LANES]) -> f32 {
    // A function a width, or the compiler takes vectors apart.
    halved::<2, 1>(halved::<4, 2>(halved::<8, 4>(halved::<16, 8>(halved::<32, 16>(lanes)))))[0]
}

#[inline(always)]
fn halved<const N: usize, const HALF: usize>(lanes: [f32; N]) -> [f32; HALF] {
    let mut sums = [0.0; HALF];
    for i in 0..HALF {
        sums[i] = lanes[i] + lanes[i + HALF];
    }
    sums
}

/// Sums `term(a[j], widen(b[j]))` in lane order; `term(0, 0)` must be +0, since the tail is filled up with zeros.
#[inline(always)]
pub(super) fn sum<T: Copy>(
    a: &[f32],
    b: &[T],
    widen: impl Fn(T) -> f32 + Copy,
    term: impl Fn(f32, f32) -> f32 + Copy,
) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of equal length");
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            lanes[i] += term(a[i], widen(b[i]));
        }
    }
    let ((a, a_rest), (b, b_rest)) = (a_rest.as_chunks::<HALF>(), b_rest.as_chunks::<HALF>());
    let taken = if let ([a], [b]) = (a, b) {
        for i in 0..HALF {
            lanes[i] += term(a[i], widen(b[i]));
        }
        HALF
    } else {
        0
    };
    if !a_rest.is_empty() {
        let (mut x, mut y) = ([0.0; LANES], [0.0; LANES]);
        x[taken..taken + a_rest.len()].copy_from_slice(a_rest);
        for (y, &b) in y[taken..].iter_mut().zip(b_rest) {
            *y = widen(b);
        }
        for i in 0..LANES {
            lanes[i] += term(x[i], y[i]);
        }
    }
    fold(lanes)
}

#[inline(always)]
fn same(x: f32) -> f32 {
    x
}

#[inline(always)]
fn sum_rows(query: &[f32], rows: &[f32], out: &mut [f32], term: impl Fn(f32, f32) -> f32 + Copy) {
    let stride = query.len();
    assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
    if stride == 0 {
        return out.fill(0.0);
    }
    for (row, out) in rows.chunks_exact(stride).zip(out) {
        *out = sum(query, row, same, term);
    }
}

#[inline(always)]
pub(super) fn product(x: f32, y: f32) -> f32 {
    x * y
}

#[inline(always)]
pub(super) fn squared_difference(x: f32, y: f32) -> f32 {
    (x - y) * (x - y)
}

#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, same, product)
}

#[inline(always)]
pub(super) fn squared_euclidean(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, same, squared_difference)
}

#[inline(always)]
pub(super) fn dot_rows(query: &[f32], rows: &[f32], out: &mut [f32]) {
    sum_rows(query, rows, out, product);
}

#[inline(always)]
pub(super) fn squared_euclidean_rows(query: &[f32], rows: &[f32], out: &mut [f32]) {
    sum_rows(query, rows, out, squared_difference);
}

#[inline(always)]
pub(super) fn dot_batch(queries: &[f32], stride: usize, rows: &[f32], out: &mut [f32]) {
    if stride == 0 || queries.is_empty() {
        return out.fill(0.0);
    }
    let count = queries.len() / stride;
    assert_eq!(queries.len(), count * stride, "whole queries");
    assert_eq!(rows.len() * count, stride * out.len(), "one score a row and query");
    for (row, out) in rows.chunks_exact(stride).zip(out.chunks_exact_mut(count)) {
        for (query, out) in queries.chunks_exact(stride).zip(out) {
            *out = sum(query, row, same, product);
        }
    }
}

#[inline(always)]
pub(super) fn total(a: &[f32]) -> f32 {
    let (chunks, rest) = a.as_chunks::<{ 2 * LANES }>();
    let (mut low, mut high) = ([0.0; LANES], [0.0; LANES]);
    for chunk in chunks {
        #[cfg(target_arch = "x86_64")]
        for line in chunk.as_chunks::<16>().0 {
            prefetch_ahead(line);
        }
        for i in 0..LANES {
            low[i] += chunk[i];
            high[i] += chunk[LANES + i];
        }
    }
    for i in 0..LANES {
        low[i] += high[i];
    }
    fold(low) + rest.iter().sum::<f32>()
}

#[inline(always)]
pub(super) fn squared_norm(a: &[f32]) -> f64 {
    let (chunks, rest) = a.as_chunks::<HALF>();
    let mut lanes = [0.0f64; HALF];
    for chunk in chunks {
        for i in 0..HALF {
            lanes[i] += f64::from(chunk[i]) * f64::from(chunk[i]);
        }
    }
    if !rest.is_empty() {
        let mut last = [0.0; HALF];
        last[..rest.len()].copy_from_slice(rest);
        for i in 0..HALF {
            lanes[i] += f64::from(last[i]) * f64::from(last[i]);
        }
    }
    let mut width = HALF / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Adds a vector to another of its length, element by element.
#[inline(always)]
pub(super) fn add(a: &mut [f32], b: &[f32]) {
    assert_eq!(a.len(), b.len(), "vectors of equal length");
    a.iter_mut().zip(b).for_each(|(sum, x)| *sum += x);
}

/// Takes a vector off another of its length, element by element.
#[inline(always)]
pub(super) fn subtract(a: &mut [f32], b: &[f32]) {
    assert_eq!(a.len(), b.len(), "vectors of equal length");
    a.iter_mut().zip(b).for_each(|(difference, x)| *difference -= x);
}

#[inline(always)]
pub(super) fn greatest(a: &[f32]) -> f32 {
    let (chunks, rest) = a.as_chunks::<HALF>();
    let mut lanes = [0.0f32; HALF];
    for chunk in chunks {
        for i in 0..HALF {
            let x = chunk[i].abs();
            lanes[i] = if x > lanes[i] { x } else { lanes[i] };
        }
    }
    let mut found = 0.0;
    for x in lanes {
        found = if x > found { x } else { found };
    }
    for x in rest {
        found = if x.abs() > found { x.abs() } else { found };
    }
    found
}
