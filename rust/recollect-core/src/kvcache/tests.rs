//! The kernels of this room on every tier against scalar twins, and answers that no number of threads changes.

use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::seed::Seed;
use crate::simd::{KEYS, Kernels, Tier};

fn tiers() -> impl Iterator<Item = &'static Kernels> {
    Tier::available().filter_map(Kernels::of)
}

fn normal(count: usize, seed: u64) -> Vec<f32> {
    let mut seed = Seed::new(seed);
    (0..count).map(|_| seed.normal() as f32).collect()
}

fn heads(data: &[f32], tokens: usize, dim: usize) -> Vec<Rows<'_>> {
    let rows = data.chunks_exact((tokens * dim).max(1));
    rows.map(|part| Rows::new(Elements::F32(part), dim, tokens, dim, tokens).unwrap()).collect()
}

/// A step of half precision above zero.
fn step() -> impl Strategy<Value = f32> {
    (1u16..0x7C00).prop_map(|half| {
        let mut wide = [0.0];
        Kernels::best().widen_f16(&[half], &mut wide);
        wide[0]
    })
}

/// e4m3 by its definition: the nearest of all its numbers, the even code of two.
fn nearest_e4m3(x: f32) -> u8 {
    let number = |code: u8| match code >> 3 {
        0 => f64::from(code & 7) / 512.0,
        power => (8.0 + f64::from(code & 7)) * 2f64.powi(i32::from(power) - 10),
    };
    let size = f64::from(x.abs());
    let gap = |code: &u8| ((number(*code) - size).abs(), code & 1);
    let best = (0..127u8).min_by(|a, b| gap(a).partial_cmp(&gap(b)).unwrap()).unwrap();
    best | if x.is_sign_negative() { 0x80 } else { 0 }
}

proptest! {
    #[test]
    fn whole_codes_are_those_of_division(
        row in prop::collection::vec(-3000.0f32..3000.0, 1..100),
        halves in prop::collection::vec(-600i16..600, 1..100),
        scale in step(), zero in -40.0f32..40.0, bits in prop::sample::select(vec![2u32, 4, 8]),
    ) {
        let top = ((1 << bits) - 1) as f32;
        // Multiples of half a step are ties, or next to one.
        let ties = halves.iter().map(|&x| zero + f32::from(x) * 0.5 * scale);
        let row: Vec<f32> = row.into_iter().chain(ties).filter(|x| x.is_finite()).collect();
        let wanted: Vec<u8> =
            row.iter().map(|x| ((x - zero) / scale).round_ties_even().clamp(0.0, top) as u8).collect();
        for kernels in tiers() {
            let mut codes = vec![9; row.len()];
            let steps = [&[zero][..], &[scale][..], &[1.0 / scale][..]];
            kernels.whole_by_token(&row, row.len(), row.len(), steps, top, &mut codes);
            prop_assert_eq!(&codes, &wanted, "{:?}", kernels.tier());
            let each = |x: f32| vec![x; row.len()];
            let (zeros, scales, inverses) = (each(zero), each(scale), each(1.0 / scale));
            kernels.whole_by_channel(&row, [&zeros, &scales, &inverses], top, &mut codes);
            prop_assert_eq!(&codes, &wanted, "{:?}", kernels.tier());
        }
    }

    #[test]
    fn float8_codes_are_the_nearest(
        row in prop::collection::vec(-500.0f32..500.0, 0..80),
        ties in prop::collection::vec((0u8..126, any::<bool>()), 0..40),
        scale in step(),
    ) {
        let middles = ties.iter().map(|&(code, up)| {
            let number = |code: u8| {
                let mut wide = [0.0];
                Kernels::best().widen_e4m3(&[code], &[1.0], &mut wide);
                wide[0]
            };
            let middle = (number(code) + number(code + 1)) / 2.0 * scale;
            if up { middle.next_up() } else { -middle }
        });
        let row: Vec<f32> =
            row.iter().map(|x| x * scale).chain(middles).chain([0.0, -0.0]).filter(|x| x.is_finite()).collect();
        let wanted: Vec<u8> = row.iter().map(|&x| nearest_e4m3(x / scale)).collect();
        for kernels in tiers() {
            let mut codes = vec![9; row.len()];
            let steps = [&[0.0][..], &[scale][..], &[1.0 / scale][..]];
            kernels.e4m3_by_token(&row, row.len(), steps, &mut codes);
            prop_assert_eq!(&codes, &wanted, "{:?}", kernels.tier());
            let mut back = vec![0.0; row.len()];
            kernels.widen_e4m3(&codes, &[1.0], &mut back);
            for (&code, &x) in codes.iter().zip(&back) {
                prop_assert_eq!(nearest_e4m3(x), code);
            }
        }
    }

    #[test]
    fn packed_codes_lie_where_the_layout_says(
        bytes in prop::collection::vec(any::<u8>(), 0..200), bits in prop::sample::select(vec![1usize, 2, 3, 4, 8]),
    ) {
        let codes: Vec<u8> = bytes.iter().map(|x| x & ((1u16 << bits) - 1) as u8).collect();
        for kernels in tiers() {
            let mut words = vec![7; (codes.len() * bits).div_ceil(32)];
            kernels.pack(&codes, bits, &mut words);
            for bit in 0..32 * words.len() {
                let (code, at) = (bit / bits, bit % bits);
                let wanted = codes.get(code).is_some_and(|code| code >> at & 1 == 1);
                prop_assert_eq!(words[bit / 32] >> (bit % 32) & 1 == 1, wanted);
            }
            let mut back = vec![9; codes.len()];
            kernels.unpack(&words, bits, &mut back);
            prop_assert_eq!(&back, &codes);
        }
    }

    #[test]
    fn columns_are_packed_as_rows_are(
        dim in 1usize..40, tokens in 0usize..150, bits in prop::sample::select(vec![2usize, 4, 8]), seed: u64,
    ) {
        let mut random = Seed::new(seed);
        let codes: Vec<u8> =
            (0..dim * tokens).map(|_| (random.bits() & ((1 << bits) - 1)) as u8).collect();
        let stride = (tokens * bits).div_ceil(32);
        for kernels in tiers() {
            let mut words = vec![0; dim * stride];
            kernels.pack_columns(&codes, dim, bits, &mut words, stride);
            for c in 0..dim {
                let column: Vec<u8> = (0..tokens).map(|t| codes[t * dim + c]).collect();
                let mut wanted = vec![0; stride];
                kernels.pack(&column, bits, &mut wanted);
                prop_assert_eq!(&words[c * stride..(c + 1) * stride], &wanted[..]);
            }
            let mut back = vec![9; codes.len()];
            kernels.unpack_columns(&words, stride, dim, bits, &mut back);
            prop_assert_eq!(&back, &codes);
        }
    }

    #[test]
    fn powers_are_close_and_the_same_everywhere(x in prop::collection::vec(-90.0f32..0.0, 0..70)) {
        let mut first = None;
        for kernels in tiers() {
            let mut found = x.clone();
            kernels.powers(&mut found, 0.0);
            for (&found, &x) in found.iter().zip(&x) {
                let exact = if x > -87.0 { f64::from(x).exp() } else { 0.0 };
                prop_assert!((f64::from(found) - exact).abs() <= 3e-7 * exact, "{x}: {found} {exact}");
            }
            let bits: Vec<u32> = found.iter().map(|x| x.to_bits()).collect();
            prop_assert_eq!(first.get_or_insert_with(|| bits.clone()), &bits);
        }
    }

    #[test]
    fn statistics_of_rows_agree_on_every_tier(dim in 1usize..150, count in 0usize..9, seed: u64) {
        let (rows, low) = (normal(dim * count, seed), normal(dim, seed ^ 1));
        let halves: Vec<u16> = rows.iter().map(|x| (x.to_bits() >> 16) as u16).collect();
        let mut first = None;
        for kernels in tiers() {
            let mut made = vec![vec![0.0f32; count]; 7];
            kernels.squares(&rows, dim, &mut made[0]);
            let (mut wide, mut wanted) = (vec![0.0; halves.len()], vec![0.0; count]);
            kernels.widen_bf16(&halves, &mut wide);
            kernels.squares(&wide, dim, &mut wanted);
            kernels.squares_bf16(&halves, dim, &mut made[5]);
            prop_assert_eq!(&made[5], &wanted);
            let halves: Vec<u16> = halves.iter().map(|x| x & 0xBFFF).collect();
            kernels.widen_f16(&halves, &mut wide);
            kernels.squares(&wide, dim, &mut wanted);
            kernels.squares_f16(&halves, dim, &mut made[6]);
            prop_assert_eq!(&made[6], &wanted);
            kernels.sizes(&rows, dim, &mut made[1]);
            kernels.spreads(&rows, &low, &low, &mut made[2]);
            kernels.ranges_by_token(&rows, dim, dim, &mut [vec![0.0; count]].concat(), &mut made[3]);
            let (mut sums, mut weighed) = (vec![0.0f64; dim], vec![0.0f64; dim]);
            kernels.add_rows(&rows, &mut sums);
            kernels.add_weighed(&rows, &made[0], &mut weighed);
            let (mut lows, mut highs) = (vec![0.0; dim], vec![0.0; dim]);
            kernels.ranges_by_channel(&rows, &mut lows, &mut highs);
            for (row, found) in rows.chunks_exact(dim).zip(0..count) {
                let exact: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
                prop_assert!((f64::from(made[0][found]) - exact).abs() <= 1e-5 * exact);
                let exact: f64 = row.iter().map(|&x| f64::from(x.abs())).sum();
                prop_assert!((f64::from(made[1][found]) - exact).abs() <= 1e-5 * exact);
                prop_assert_eq!(made[3][found], row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            }
            for c in 0..dim {
                let column = || (0..count).map(|t| rows[t * dim + c]);
                prop_assert_eq!(lows[c], column().fold(f32::INFINITY, f32::min));
                prop_assert_eq!(highs[c], column().fold(f32::NEG_INFINITY, f32::max));
                prop_assert_eq!(sums[c], column().fold(0.0, |s, x| s + f64::from(x)));
            }
            prop_assert!(kernels.all_finite(&rows) && kernels.all_below(&halves, 0x7F80));
            let bits: Vec<u64> = made.iter().flatten().map(|x| u64::from(x.to_bits()))
                .chain(sums.iter().chain(&weighed).map(|x| x.to_bits())).collect();
            prop_assert_eq!(first.get_or_insert_with(|| bits.clone()), &bits);
        }
    }

    #[test]
    fn products_agree_on_every_tier(dim in 1usize..140, rows in 0usize..14, keys in 1usize..17, seed: u64) {
        let (queries, panel) = (normal(rows * dim, seed), normal(keys * dim, seed ^ 1));
        let mut first = None;
        for kernels in tiers() {
            let mut laid = vec![9.0; dim * KEYS];
            kernels.lay_panel(&panel, dim, &mut laid);
            let stride = KEYS + 3;
            let mut out = vec![0.0; rows * stride];
            kernels.panel_products(&queries, dim, &laid, &mut out, stride);
            for (r, query) in queries.chunks_exact(dim).enumerate() {
                for (k, key) in panel.chunks_exact(dim).enumerate() {
                    let exact = query.iter().zip(key).fold(0.0f32, |s, (x, y)| s + x * y);
                    prop_assert_eq!(out[r * stride + k].to_bits(), exact.to_bits());
                }
            }
            let (mut sums, mut scaled) = (vec![0.0; rows * dim], vec![0.0; dim]);
            let weights = normal(rows * keys, 3);
            kernels.add_by_weights(&panel, dim, &weights, keys, &mut sums);
            kernels.add_scaled(&panel[..dim], 0.3, &mut scaled);
            prop_assert_eq!(kernels.top(&panel), panel.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let bits: Vec<u32> = sums.iter().chain(&scaled).map(|x| x.to_bits()).collect();
            prop_assert_eq!(first.get_or_insert_with(|| bits.clone()), &bits);
        }
    }

    #[test]
    fn turned_codes_are_those_of_every_level_compared(
        dim in 1usize..300, bits in 1usize..5, seed: u64, whole: bool,
    ) {
        let mut row = normal(dim, seed);
        if whole {
            row.iter_mut().for_each(|x| *x = x.round());
        }
        let turned = Turned::new(bits, 1, vec![1.0; dim]).unwrap();
        let data: Vec<f32> = [row.clone(), vec![0.0; dim], row].concat();
        let mut first = None;
        for kernels in tiers() {
            let found = kernels.with_tier(|| turned.encode(&heads(&data, 3, dim), 1, Cancel::never()).unwrap());
            prop_assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
        }
    }
}

#[test]
fn no_number_of_threads_changes_a_bit_and_every_call_stops() {
    let (tokens, dim, count) = (2100, 24, 2);
    let data = normal(count * tokens * dim, 5);
    let rows = heads(&data, tokens, dim);
    let never = Cancel::never();
    let turned = Turned::new(3, 128, vec![1.0; dim]).unwrap();
    let by_token = Grouping::new(4, true, 8).unwrap();
    let by_channel = Grouping::new(2, false, 32).unwrap();
    let layer = Layer {
        keys: rows.clone(),
        values: rows.clone(),
        heads: 1,
        present: vec![(0..tokens as u32).collect(), (7..2000).collect()],
    };
    let all = |threads: usize, cancel: Cancel<'_>| {
        Ok::<_, crate::error::Error>((
            turned.encode(&rows, threads, cancel)?,
            by_token.encode(&rows, threads, cancel)?,
            by_channel.encode(&rows, threads, cancel)?,
            encode_float8(&rows, Shared::Token, 1, threads, cancel)?,
            direction_sums(&layer, threads, cancel)?,
            received(&layer, &rows, 70, 0.9, threads, cancel)?.votes,
            lag_relative(&layer, 4, 64, 1e-6, threads, cancel)?
                .iter()
                .map(|x| x.to_bits())
                .collect::<Vec<_>>(),
        ))
    };
    let one = all(1, never).unwrap();
    assert_eq!(all(3, never).unwrap(), one);
    assert_eq!(all(8, never).unwrap(), one);
    let stop = || true;
    let stopped = Cancel::new(&stop);
    assert!(turned.encode(&rows, 2, stopped).is_err() && by_channel.encode(&rows, 1, stopped).is_err());
    assert!(lengths(&layer, false, Length::Sum, 2, stopped).is_err());
    assert!(received(&layer, &rows, 9, 1.0, 1, stopped).is_err());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let data = [0.0f32; 24];
    assert!(Rows::new(Elements::F32(&data), 4, 7, 4, 7).is_err());
    assert!(Rows::new(Elements::F32(&data), 3, 6, 4, 6).is_err());
    assert!(Rows::new(Elements::F32(&data), 4, 6, 4, 7).is_err());
    assert!(Rows::new(Elements::F32(&data), 4, 6, 0, 6).is_err());
    assert!(Grouping::new(3, true, 4).is_err() && Grouping::new(4, true, 0).is_err());
    assert!(Turned::new(5, 1, vec![1.0]).is_err() && Turned::new(1, 1, vec![]).is_err());
    let grouping = Grouping::new(4, true, 4).unwrap();
    let short = Codes::Whole { grouping, codes: &[0; 5], scale: &[0; 6], zero: &[0; 6] };
    assert!(Coded::new(short, 6, 4).is_err());
    let rows = heads(&data, 6, 4);
    let layer = Layer { keys: rows, values: Vec::new(), heads: 1, present: vec![vec![3, 2]] };
    assert!(layer.check().is_err());
    assert!(lag_relative(&layer, 0, 4, 0.0, 1, Cancel::never()).is_err());
    assert!(cosines(&layer, &[1.0], 1, Cancel::never()).is_err());
}
