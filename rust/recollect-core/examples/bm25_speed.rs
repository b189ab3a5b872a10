//! Speed and size of the word index on a million synthetic texts; prints JSON lines.
//!
//! `cargo run --release --example bm25_speed -- [texts]`. Texts have 20 words on average, drawn by a
//! Zipf law over 130,000 words, a third of them from one of 2,000 topics; the most frequent are the
//! stop words. *content* queries leave those out, *natural* queries have them; they are put to an
//! index that neither stems nor drops.

#![expect(clippy::print_stdout, reason = "the figures are the point")]

use std::time::Duration;

use recollect_core::bitmap::Bitmap;
use recollect_core::cancel::Cancel;
use recollect_core::lexical::stop_words::ENGLISH;
use recollect_core::lexical::{Analyzer, LexicalIndex};

const WORDS: u64 = 130_000;
const TOPICS: u64 = 2_000;

#[expect(clippy::disallowed_methods, reason = "an example measures; the core does not")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A rank of the language: exponent one up to rank 5,000, then 1.8, as in English (Ferrer i
    /// Cancho and Solé 2001).
    fn rank(&mut self) -> u64 {
        let (knee, slope) = (5_000f64, 0.8f64);
        let head = (knee + 1.0).ln();
        let tail = (1.0 - (WORDS as f64 / knee).powf(-slope)) / slope;
        let at = self.unit() * (head + tail);
        let rank = match at - head {
            rest if rest > 0.0 => knee * (1.0 - slope * rest).powf(-1.0 / slope),
            _ => at.exp() - 1.0,
        };
        (rank as u64).min(WORDS - 1)
    }

    /// A rank by Zipf's law with exponent one, by inversion of the harmonic sum.
    fn zipf(&mut self, n: u64) -> u64 {
        (((n as f64 + 1.0).ln() * self.unit()).exp() as u64 - 1).min(n - 1)
    }

    /// A word of a topic, or of the language.
    fn word(&mut self, topic: u64) -> u64 {
        match self.below(3) {
            0 => 500 + (topic * 7_919 + self.zipf(400) * 104_729) % 30_000,
            _ => self.rank(),
        }
    }
}

/// A stop word for the most frequent ranks; then a syllable for each digit to the base of 60.
fn spell(mut rank: u64) -> String {
    if let Some(word) = ENGLISH.get(rank as usize) {
        return (*word).to_owned();
    }
    let mut word = String::new();
    loop {
        word.push(b"bcdfghklmnpr"[(rank % 12) as usize] as char);
        word.push(b"aeiou"[(rank / 12 % 5) as usize] as char);
        rank /= 60;
        if rank == 0 {
            return word;
        }
    }
}

fn text(random: &mut Random) -> String {
    let topic = random.below(TOPICS);
    let length = 5 + random.below(16) + random.below(16);
    let words: Vec<_> = (0..length).map(|_| spell(random.word(topic))).collect();
    words.join(" ")
}

fn query(random: &mut Random, natural: bool) -> String {
    let topic = random.below(TOPICS);
    let mut words = Vec::new();
    let length = 3 + random.below(6);
    while (words.len() as u64) < length {
        let rank = random.word(topic);
        if natural || rank >= ENGLISH.len() as u64 {
            words.push(spell(rank));
        }
    }
    words.join(" ")
}

/// Microseconds at the median and the 95th and 99th per cent.
fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| {
        times[((times.len() as f64 * share) as usize).min(times.len() - 1)].as_nanos() as f64 / 1e3
    };
    format!("\"p50_us\":{:.1},\"p95_us\":{:.1},\"p99_us\":{:.1}", at(0.5), at(0.95), at(0.99))
}

fn main() {
    let count: u32 = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let mut random = Random(1);
    let texts: Vec<String> = (0..count).map(|_| text(&mut random)).collect();
    let characters = texts.iter().map(String::len).sum::<usize>() as f64 / f64::from(count);

    for (name, analyzer) in [("english", Analyzer::default()), ("plain", Analyzer::new(None))] {
        let mut index = LexicalIndex::new(analyzer);
        let ((), took) = timed(|| (0..).zip(&texts).for_each(|(slot, text)| index.insert(slot, text)));
        println!(
            "{{\"build\":\"{name}\",\"texts\":{count},\"characters\":{characters:.0},\"terms\":{},\"seconds\":{:.3},\"us_per_text\":{:.2},\"bytes_per_text\":{:.1}}}",
            index.terms(),
            took.as_secs_f64(),
            took.as_secs_f64() * 1e6 / f64::from(count),
            index.bytes() as f64 / f64::from(count),
        );
        if name == "plain" {
            measure(index, count);
        }
    }
}

fn measure(mut index: LexicalIndex, count: u32) {
    let one_in = |n: u32| (0..count).filter(move |slot| slot % n == 7 % n).collect::<Bitmap>();
    let cases = [
        ("all", None, 10),
        ("all", None, 100),
        ("half", Some(one_in(2)), 10),
        ("1%", Some(one_in(100)), 10),
        ("0.1%", Some(one_in(1000)), 10),
        ("0.01%", Some(one_in(10_000)), 10),
    ];
    for (kind, natural) in [("content", false), ("natural", true)] {
        let mut random = Random(2);
        let queries: Vec<_> = (0..1000).map(|_| query(&mut random, natural)).collect();
        let (prepared, took) = timed(|| queries.iter().map(|query| index.prepare(query)).collect::<Vec<_>>());
        println!("{{\"prepare\":\"{kind}\",\"us\":{:.2}}}", took.as_secs_f64() * 1e3);
        for (name, allow, k) in &cases {
            let mut wrong = 0;
            let times = prepared.iter().enumerate().map(|(at, query)| {
                let (found, took) = timed(|| index.search(query, *k, allow.as_ref(), Cancel::never()));
                if at % 50 == 0 {
                    wrong +=
                        u32::from(found.ok() != Some(index.search_exhaustive(query, *k, allow.as_ref())));
                }
                took
            });
            let times = percentiles(times.collect());
            println!("{{\"queries\":\"{kind}\",\"allow\":\"{name}\",\"k\":{k},{times},\"wrong\":{wrong}}}");
        }
    }
    let (chunks, encode) = timed(|| index.encode_chunks());
    let (again, mut decode) = timed(|| LexicalIndex::decode_chunks(&chunks));
    for _ in 0..4 {
        decode = decode.min(timed(|| LexicalIndex::decode_chunks(&chunks)).1);
    }
    let size: usize = chunks.iter().map(Vec::len).sum();
    println!(
        "{{\"segment_bytes_per_text\":{:.1},\"encode_ms\":{:.1},\"decode_ms\":{:.1},\"decoded\":{},\"decoded_bytes_per_text\":{:.1}}}",
        size as f64 / f64::from(count),
        encode.as_secs_f64() * 1e3,
        decode.as_secs_f64() * 1e3,
        again.is_ok(),
        again.map_or(0.0, |index| index.bytes() as f64 / f64::from(count)),
    );
    let removals: Vec<_> = (0..300).map(|slot| timed(|| index.remove(slot)).1).collect();
    let bytes = index.bytes() as f64 / f64::from(count);
    let (_, rest) = timed(|| (300..count / 4).filter(|&slot| index.remove(slot)).count());
    let ((), compact) = timed(|| index.compact());
    println!(
        "{{\"first_remove_ms\":{:.2},\"worst_remove_ms\":{:.2},\"bytes_per_text\":{bytes:.1},\"remove_us\":{:.2},\"compact_ms\":{:.1}}}",
        removals[0].as_secs_f64() * 1e3,
        removals.iter().max().map_or(0.0, Duration::as_secs_f64) * 1e3,
        rest.as_secs_f64() * 4e6 / f64::from(count),
        compact.as_secs_f64() * 1e3,
    );
}
