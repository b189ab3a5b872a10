//! Reads memory, scans rows and narrows by codes in turns, in every form of vectors, one thread; one JSON line a figure.
//!
//! `cargo run --release --example scan_bandwidth`
#![expect(clippy::print_stdout, reason = "its result is what it prints")]

use std::hint::black_box;
use std::time::Instant;

use recollect_core::cancel::Cancel;
use recollect_core::error::Result;
use recollect_core::pages::Pages;
use recollect_core::simd::Kernels;
use recollect_core::vector::{FlatIndex, Keep, Metric};

const DIM: usize = 384;
const K: usize = 10;
const QUERIES: usize = 50;

#[expect(clippy::disallowed_methods, reason = "an example measures; the core reads no clock")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(call: impl FnOnce()) -> f64 {
    let start = now();
    call();
    start.elapsed().as_secs_f64()
}

/// Middle of the times, the first left out as a warm-up.
fn median(mut times: Vec<f64>) -> f64 {
    times.remove(0);
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
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

    let mut index = FlatIndex::new(DIM, Metric::Cosine)?;
    let start = now();
    for (slot, vector) in data.iter().enumerate() {
        index.insert(slot as u32, vector)?;
    }
    line("insert all", rows, start.elapsed().as_secs_f64(), f32_bytes);

    let never = Cancel::never;
    for query in &queries {
        assert_eq!(index.search(query, K, None, never())?, index.search_f32(query, K, None, never())?);
    }
    // Reading and scanning take turns, so that a change of the machine's load falls on both; narrowing does not,
    // since it finds its codes where the last call left them.
    let mut out = vec![0.0; index.slots_end()];
    let mut times: [Vec<f64>; 4] = Default::default();
    for query in &queries {
        times[0].push(seconds(|| _ = black_box(Kernels::best().sum(&pages))));
        times[1].push(seconds(|| drop(black_box(index.search_f32(query, K, None, never())))));
    }
    for query in &queries {
        times[2].push(seconds(|| drop(black_box(index.search(query, K, None, never())))));
    }
    for query in &queries {
        times[3].push(seconds(|| drop(black_box(index.scores(query, &mut out, never())))));
    }
    let [reading, plain, narrowed, scores] = times.map(median);
    line("read", rows, reading, f32_bytes);
    line("search_f32", rows, plain, f32_bytes);
    line("search", rows, narrowed, code_bytes);
    line("scores", rows, scores, code_bytes);

    drop(pages);
    let pieces: Vec<Vec<u8>> = index.encode_chunks().collect();
    let load = || drop(black_box(FlatIndex::decode_chunks(pieces.iter().map(Ok))));
    line("decode_chunks", rows, median((0..4).map(|_| seconds(load)).collect()), f32_bytes);
    println!(
        r#"{{"what":"ratios","rows":{rows},"f32_share_of_read":{:.2},"codes_over_f32":{:.2}}}"#,
        reading / plain,
        plain / narrowed
    );
    drop((index, pieces));
    measure_forms(&data, &queries)
}

/// The same vectors in each form in turns: the scan of what is kept, and the search.
fn measure_forms(data: &[Vec<f32>], queries: &[Vec<f32>]) -> Result<()> {
    let (rows, never) = (data.len(), Cancel::never);
    let index = |&keep: &Keep| {
        let mut index = FlatIndex::with_keep(DIM, Metric::Cosine, keep)?;
        let insert = |(slot, vector): (usize, &Vec<f32>)| index.insert(slot as u32, vector);
        data.iter().enumerate().try_for_each(insert)?;
        Ok(index)
    };
    let indexes = Keep::ALL.iter().map(index).collect::<Result<Vec<_>>>()?;
    let mut times = vec![[Vec::new(), Vec::new()]; indexes.len()];
    for query in queries {
        for (index, [scan, _]) in indexes.iter().zip(&mut times) {
            assert_eq!(index.search(query, K, None, never())?, index.search_f32(query, K, None, never())?);
            scan.push(seconds(|| drop(black_box(index.search_f32(query, K, None, never())))));
        }
    }
    for (index, [_, search]) in indexes.iter().zip(&mut times) {
        let time = |query: &Vec<f32>| seconds(|| drop(black_box(index.search(query, K, None, never()))));
        search.extend(queries.iter().map(time));
    }
    for (index, [scan, search]) in indexes.iter().zip(times) {
        let (keep, held) = (index.keep(), index.bytes() as f64 / rows as f64);
        line(&format!("scan {keep}"), rows, median(scan), rows * keep.bytes(DIM));
        line(&format!("search {keep}"), rows, median(search), rows * DIM);
        println!(r#"{{"what":"bytes {keep}","rows":{rows},"bytes_per_vector":{held:.0}}}"#);
    }
    Ok(())
}

fn main() -> Result<()> {
    println!(r#"{{"what":"tier","tier":"{:?}"}}"#, Kernels::best().tier());
    [1_000, 10_000, 100_000].into_iter().try_for_each(measure)
}
