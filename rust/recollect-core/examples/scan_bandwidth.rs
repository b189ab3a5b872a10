//! Reads memory, scans f32 and narrows by codes, one thread; one JSON line a figure.
//!
//! `cargo run --release --example scan_bandwidth`
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use recollect_core::cancel::Cancel;
use recollect_core::error::Result;
use recollect_core::pages::Pages;
use recollect_core::simd::Kernels;
use recollect_core::vector::{FlatIndex, Metric};

const DIM: usize = 384;
const K: usize = 10;
const QUERIES: usize = 50;

#[expect(clippy::disallowed_methods, reason = "an example measures; the core reads no clock")]
fn now() -> Instant {
    Instant::now()
}

/// Median seconds of a call, after one to warm up.
fn median(rounds: usize, mut call: impl FnMut(usize)) -> f64 {
    call(0);
    let mut times: Vec<f64> = (0..rounds)
        .map(|round| {
            let start = now();
            call(round);
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

/// Seconds to read all elements once, as the widest sums the tier has.
fn read(pages: &[f32]) -> f64 {
    median(21, |_| {
        let sum: f32 = pages.chunks(1 << 20).map(|chunk| Kernels::best().sum(chunk)).sum();
        black_box(sum);
    })
}

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Near normal: a sum of four.
    fn vector(&mut self) -> Vec<f32> {
        (0..DIM).map(|_| self.next() + self.next() + self.next() + self.next()).collect()
    }
}

/// Unit vectors around centres, rows and queries alike.
fn clustered(noise: &mut Noise, centres: &[Vec<f32>], n: usize) -> Vec<Vec<f32>> {
    (0..n)
        .map(|i| {
            let centre = &centres[(i * 7_919) % centres.len()];
            let mut vector: Vec<f32> = noise.vector().iter().zip(centre).map(|(x, c)| c + 0.8 * x).collect();
            Metric::Cosine.prepare(&mut vector);
            vector
        })
        .collect()
}

fn line(what: &str, rows: usize, seconds: f64, bytes: usize) {
    let rate = bytes as f64 / seconds / 1e9;
    println!(r#"{{"what":"{what}","rows":{rows},"microseconds":{:.1},"gb_per_s":{rate:.1}}}"#, seconds * 1e6);
}

fn measure(rows: usize) -> Result<()> {
    let mut noise = Noise(42);
    let centres: Vec<_> = (0..rows / 50).map(|_| noise.vector()).collect();
    let data = clustered(&mut noise, &centres, rows);
    let queries = clustered(&mut noise, &centres, QUERIES);
    let (f32_bytes, code_bytes) = (rows * DIM * 4, rows * DIM);

    let mut pages = Pages::<f32>::zeroed(rows * DIM)?;
    pages.fill(1.0);
    let reading = read(&pages);
    line("read", rows, reading, f32_bytes);
    drop(pages);

    let mut index = FlatIndex::new(DIM, Metric::Cosine)?;
    let start = now();
    for (slot, vector) in data.iter().enumerate() {
        index.insert(slot as u32, vector)?;
    }
    line("insert all", rows, start.elapsed().as_secs_f64(), f32_bytes);
    drop(data);

    let never = Cancel::never;
    for query in &queries {
        assert_eq!(index.search(query, K, None, never())?, index.search_f32(query, K, None, never())?);
    }
    let plain = median(QUERIES, |i| drop(black_box(index.search_f32(&queries[i], K, None, never()))));
    line("search_f32", rows, plain, f32_bytes);
    let narrowed = median(QUERIES, |i| drop(black_box(index.search(&queries[i], K, None, never()))));
    line("search", rows, narrowed, code_bytes);
    let mut out = vec![0.0; index.slots_end()];
    let scores = median(QUERIES, |i| drop(black_box(index.scores(&queries[i], &mut out, never()))));
    line("scores", rows, scores, code_bytes);

    let pieces: Vec<Vec<u8>> = index.encode_chunks().collect();
    let loading = median(3, |_| drop(black_box(FlatIndex::decode_chunks(pieces.iter().map(Ok)))));
    line("decode_chunks", rows, loading, f32_bytes);
    println!(
        r#"{{"what":"ratios","rows":{rows},"f32_share_of_read":{:.2},"codes_over_f32":{:.2}}}"#,
        reading / plain,
        plain / narrowed
    );
    Ok(())
}

fn main() -> Result<()> {
    println!(r#"{{"what":"tier","tier":"{:?}"}}"#, Kernels::best().tier());
    [1_000, 10_000, 100_000].into_iter().try_for_each(measure)
}
