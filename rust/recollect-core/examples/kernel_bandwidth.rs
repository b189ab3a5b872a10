//! Bytes a second of each scan kernel against plain reading, in the second cache, in the third and beyond; one thread.
//!
//! `cargo run --release --example kernel_bandwidth` prints one JSON line a kernel and size. Kernels take turns, medians of
//! rounds; buffers from 2 MiB on lie on huge pages where the system gives them.
#![expect(clippy::print_stdout, reason = "its result is what it prints")]

use std::hint::black_box;
use std::time::Instant;

use recollect_core::error::Result;
use recollect_core::pages::Pages;
use recollect_core::simd::{Kernels, LANES};

const DIM: usize = 384;
const WORDS: usize = DIM / 64;
const ROUNDS: usize = 15;
/// Rows of a call, as the searches have them.
const BLOCK: usize = 256;

#[expect(clippy::disallowed_methods, reason = "an example measures; the core reads no clock")]
fn now() -> Instant {
    Instant::now()
}

fn gigabytes(bytes: usize, call: impl Fn()) -> f64 {
    // Small sizes are read often enough for the clock.
    let repeats = (32_usize << 20).div_ceil(bytes);
    let start = now();
    (0..repeats).for_each(|_| call());
    (bytes * repeats) as f64 / start.elapsed().as_secs_f64() / 1e9
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn measure(place: &str, bytes: usize) -> Result<()> {
    let kernels = Kernels::best();
    let mut floats = Pages::<f32>::zeroed(bytes / (4 * DIM * BLOCK) * DIM * BLOCK)?;
    let mut codes = Pages::<i8>::zeroed(bytes / (DIM * BLOCK) * DIM * BLOCK)?;
    let mut bits = Pages::<u64>::zeroed(bytes / (8 * WORDS * BLOCK) * WORDS * BLOCK)?;
    // What was never written is one page of zeros, however large.
    floats.fill(0.25);
    codes.fill(3);
    bits.fill(9);
    let (query, query_codes, planes) = (vec![0.5; DIM], vec![1i8; DIM], vec![5u64; 4 * WORDS]);
    let read = || _ = black_box(kernels.sum(&floats));
    let f32_scan = || {
        let mut out = [0.0; BLOCK];
        for rows in floats.chunks_exact(DIM * BLOCK) {
            kernels.dot_rows(&query, rows, &mut out);
            black_box(&out);
        }
    };
    let int8_scan = || {
        let mut out = [0; BLOCK];
        for rows in codes.chunks_exact(DIM * BLOCK) {
            kernels.dot_i8_rows(&query_codes, rows, &mut out);
            black_box(&out);
        }
    };
    let bit_scan = |count: usize| {
        let mut out = [0; BLOCK];
        for blocks in bits.chunks_exact(WORDS * BLOCK) {
            kernels.disagreement(&planes[..count * WORDS], count, blocks, &mut out);
            black_box(&out);
        }
    };
    let mut rates: [Vec<f64>; 6] = Default::default();
    for _ in 0..ROUNDS {
        rates[0].push(gigabytes(4 * floats.len(), read));
        rates[1].push(gigabytes(4 * floats.len(), f32_scan));
        rates[2].push(gigabytes(codes.len(), int8_scan));
        for (at, count) in [1, 2, 4].into_iter().enumerate() {
            rates[3 + at].push(gigabytes(8 * bits.len(), || bit_scan(count)));
        }
    }
    let names = ["read", "f32", "int8", "bits, 1 plane", "bits, 2 planes", "bits, 4 planes"];
    let row_bytes = [4 * DIM, 4 * DIM, DIM, 8 * WORDS, 8 * WORDS, 8 * WORDS];
    let rates = rates.map(median);
    debug_assert_eq!(BLOCK % LANES, 0);
    for ((name, rate), bytes) in names.into_iter().zip(rates).zip(row_bytes) {
        let share = rate / rates[0];
        let row = bytes as f64 / rate;
        println!(
            r#"{{"place":"{place}","kernel":"{name}","gb_per_s":{rate:.1},"share_of_read":{share:.2},"ns_per_row":{row:.2}}}"#
        );
    }
    Ok(())
}

fn main() -> Result<()> {
    println!(r#"{{"tier":"{:?}","dim":{DIM}}}"#, Kernels::best().tier());
    measure("second cache, 512 KiB", 512 << 10)?;
    measure("third cache, 8 MiB", 8 << 20)?;
    measure("memory, 256 MiB", 256 << 20)
}
