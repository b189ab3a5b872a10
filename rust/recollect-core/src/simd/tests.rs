//! Every kernel on every tier of this CPU, against a scalar twin.

use proptest::prelude::*;

use super::*;

pub(super) const LENGTHS: &[usize] = &[
    0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 256, 384, 385, 400, 512, 768,
    1023, 1024, 4096, 4097,
];

fn twin(a: &[f32], b: &[f32], term: fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; 32];
    for (j, (&x, &y)) in a.iter().zip(b).enumerate() {
        lanes[j % 32] += term(x, y);
    }
    for width in [16, 8, 4, 2, 1] {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
    }
    lanes[0]
}

pub(super) fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

pub(super) fn noise(n: usize, mut seed: u64) -> Vec<f32> {
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..n).map(|_| next() * 3.0 + next()).collect()
}

fn check_floats(kernels: &Kernels, a: &[f32], b: &[f32]) {
    let at = (kernels.tier(), a.len());
    let product = twin(a, b, |x, y| x * y);
    let distance = twin(a, b, |x, y| (x - y) * (x - y));
    assert!(same(kernels.dot(a, b), product), "dot {at:?}");
    assert!(same(kernels.squared_euclidean(a, b), distance), "squared_euclidean {at:?}");
    let rows: Vec<f32> = b.iter().chain(a).chain(b).copied().collect();
    let (mut dots, mut distances) = ([0.0; 3], [0.0; 3]);
    kernels.dot_rows(a, &rows, &mut dots);
    kernels.squared_euclidean_rows(a, &rows, &mut distances);
    assert!(same(dots[0], product) && same(dots[2], product), "dot_rows {at:?}");
    assert!(same(dots[1], twin(a, a, |x, y| x * y)), "dot_rows {at:?}");
    assert!(same(distances[0], distance) && same(distances[2], distance), "squared_euclidean_rows {at:?}");
    let queries: Vec<f32> = a.iter().chain(b).copied().collect();
    let mut batch = [0.0; 6];
    kernels.dot_batch(&queries, a.len(), &rows, &mut batch);
    assert!(
        same(batch[0], product) && same(batch[3], product) && same(batch[4], product),
        "dot_batch {at:?}"
    );
}

fn check_codes(kernels: &Kernels, a: &[i8], b: &[i8]) {
    let at = (kernels.tier(), a.len());
    let product =
        |a: &[i8], b: &[i8]| a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum::<i32>();
    assert_eq!(kernels.dot_i8(a, b), product(a, b), "dot_i8 {at:?}");
    for rows in 0..7 {
        let mut block = Vec::new();
        (0..rows).for_each(|r| block.extend(if r % 3 == 1 { a } else { b }));
        let mut out = vec![0; rows];
        let apart: Vec<&[i8]> = (0..rows).map(|r| if r % 3 == 1 { a } else { b }).collect();
        kernels.dot_i8_each(a, &apart, &mut out);
        let each = std::mem::replace(&mut out, vec![0; rows]);
        kernels.dot_i8_rows(a, &block, &mut out);
        assert_eq!(each, out, "dot_i8_each {at:?}");
        for (r, &found) in out.iter().enumerate() {
            assert_eq!(found, product(a, if r % 3 == 1 { a } else { b }), "dot_i8_rows {at:?} row {r}");
        }
    }
}

#[test]
fn floats_have_the_bits_of_the_twin_at_every_length() {
    for kernels in Tier::available().filter_map(Kernels::of) {
        for &n in LENGTHS {
            let (a, b) = (noise(n, n as u64), noise(n, 99 + n as u64));
            check_floats(kernels, &a, &b);
            for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-42, -1e-45, -0.0, f32::MAX] {
                let mut c = a.clone();
                c.iter_mut().skip(n / 2).step_by(5).for_each(|x| *x = odd);
                check_floats(kernels, &c, &b);
                check_floats(kernels, &b, &c);
            }
        }
    }
}

#[test]
fn codes_are_exact_at_every_length() {
    for kernels in Tier::available().filter_map(Kernels::of) {
        for &n in LENGTHS {
            let codes = |seed| noise(n, seed).iter().map(|x| (x * 70.0) as i8).collect::<Vec<_>>();
            check_codes(kernels, &codes(1), &codes(2));
            for (x, y) in [(-128, -128), (127, 127), (-128, 127), (0, -128)] {
                check_codes(kernels, &vec![x; n], &vec![y; n]);
            }
        }
    }
}

#[test]
fn quantize_and_bounds_agree_on_every_tier() {
    for &n in LENGTHS {
        let x = noise(n, 5);
        let greatest = x.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        let inverse = if n == 0 { 1.0 } else { 127.0 / greatest };
        let mut first = None;
        for kernels in Tier::available().filter_map(Kernels::of) {
            assert_eq!(kernels.greatest(&x), greatest);
            let mut codes = vec![0; n];
            let lost = kernels.quantize(&x, inverse, &mut codes);
            for (&code, &x) in codes.iter().zip(&x) {
                assert_eq!(f32::from(code), (x * inverse).round_ties_even());
            }
            let dots: Vec<i32> = (0..n as i32).map(|i| i * 1_000 - 70_000).collect();
            let mut bounds = vec![0.0; n];
            let margins = Margins {
                scale: &x,
                norm: &x,
                residual: &x,
                by_dot: 0.3,
                by_square: -1.0,
                by_norm: 0.7,
                by_residual: 1.1,
                base: 0.25,
            };
            kernels.upper_bounds(&dots, margins, &mut bounds);
            let bits = bounds.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let found = (codes, lost.to_bits(), kernels.squared_norm(&x).to_bits(), bits);
            assert_eq!(*first.get_or_insert_with(|| found.clone()), found, "{:?} {n}", kernels.tier());
        }
    }
}

/// What a half stands for, by its definition.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[test]
fn every_half_widens_to_what_it_stands_for_and_back() {
    let halves: Vec<u16> = (0..=u16::MAX).collect();
    for kernels in Tier::available().filter_map(Kernels::of) {
        let (mut wide, mut back) = (vec![0.0; halves.len()], vec![0; halves.len()]);
        kernels.widen_f16(&halves, &mut wide);
        kernels.narrow_f16(&wide, &mut back);
        let mut plain = vec![0.0; halves.len()];
        Kernels::of(Tier::Baseline).unwrap().widen_f16(&halves, &mut plain);
        assert!(wide.iter().zip(&plain).all(|(x, plain)| x.to_bits() == plain.to_bits()));
        for ((&bits, &x), &back) in halves.iter().zip(&wide).zip(&back) {
            assert!(same(x, half(bits) as f32), "{bits:#x} {x}");
            assert!(back == bits || x.is_nan() && back & 0x7FFF > 0x7C00, "{bits:#x} {back:#x}");
        }
    }
}

/// All neighbours of two halves that follow each other, with their middle, on every tier.
#[test]
fn narrowing_takes_the_nearest_half_and_the_even_one_of_two() {
    for low in 0..0x7C00u16 {
        let (a, b) = (half(low) as f32, if low == 0x7BFF { 65_536.0 } else { half(low + 1) as f32 });
        let middle = ((f64::from(a) + f64::from(b)) / 2.0) as f32;
        let even = if low & 1 == 0 { low } else { low + 1 };
        let x = [a, a.next_up(), middle.next_down(), middle, middle.next_up(), b.next_down(), -middle, b];
        let wanted = [low, low, low, even, low + 1, low + 1, even | 0x8000, low + 1];
        for kernels in Tier::available().filter_map(Kernels::of) {
            let mut found = [0; 8];
            kernels.narrow_f16(&x, &mut found);
            assert_eq!(found, wanted, "{low:#x} {:?}", kernels.tier());
            let mut found = [0; 7];
            kernels.narrow_f16(&x[..7], &mut found);
            assert_eq!(found, wanted[..7], "{low:#x} {:?}", kernels.tier());
        }
    }
    let odd = [1e-45, -1e-45, 1e30, f32::NEG_INFINITY, -0.0, 65_519.996, -65_520.0, 1.0];
    let nan = [f32::NAN, -f32::NAN, f32::from_bits(0x7F80_0001), f32::from_bits(0xFFFF_FFFF)];
    for kernels in Tier::available().filter_map(Kernels::of) {
        let mut found = [0; 12];
        kernels.narrow_f16(&[&odd[..], &nan].concat(), &mut found);
        let wanted =
            [0, 0x8000, 0x7C00, 0xFC00, 0x8000, 0x7BFF, 0xFC00, 0x3C00, 0x7E00, 0xFE00, 0x7E00, 0xFE00];
        assert_eq!(found, wanted, "{:?}", kernels.tier());
        let mut found = [0; 8];
        kernels.narrow_f16(&[&nan[..], &odd[..4]].concat(), &mut found);
        assert_eq!(
            found,
            [0x7E00, 0xFE00, 0x7E00, 0xFE00, 0, 0x8000, 0x7C00, 0xFC00],
            "{:?}",
            kernels.tier()
        );
    }
}

/// 64 lanes, folded as those of other sums, and what is left added one after another.
#[test]
fn sums_have_the_bits_of_the_twin_at_every_length() {
    for &n in LENGTHS {
        let x = noise(n, 17 + n as u64);
        let (whole, rest) = x.split_at(n / 64 * 64);
        let mut lanes = [0.0f32; 64];
        whole.iter().enumerate().for_each(|(j, x)| lanes[j % 64] += x);
        for width in [32, 16, 8, 4, 2, 1] {
            (0..width).for_each(|i| lanes[i] += lanes[i + width]);
        }
        let wanted = lanes[0] + rest.iter().sum::<f32>();
        for kernels in Tier::available().filter_map(Kernels::of) {
            assert!(same(kernels.sum(&x), wanted), "{:?} {n}", kernels.tier());
        }
    }
}

/// Rows of f16 and of codes score as the f32 they stand for.
fn check_narrow(kernels: &Kernels, query: &[f32], halves: &[u16], codes: &[i8], scale: f32) {
    let at = (kernels.tier(), query.len());
    let mut wide = vec![0.0; query.len()];
    let scores = |row: &[f32]| [twin(query, row, |x, y| x * y), twin(query, row, |x, y| (x - y) * (x - y))];
    kernels.widen_f16(halves, &mut wide);
    let wanted = scores(&wide);
    assert!(same(kernels.dot_f16(query, halves), wanted[0]), "dot_f16 {at:?}");
    assert!(same(kernels.squared_euclidean_f16(query, halves), wanted[1]), "squared_euclidean_f16 {at:?}");
    kernels.widen_bf16(halves, &mut wide);
    let brains = twin(query, &wide, |x, y| x * y);
    for rows in [0, 1, 3, 4, 6] {
        let mut out = vec![1.0; rows];
        kernels.dot_bf16_rows(query, &halves.repeat(rows), &mut out);
        assert!(out.iter().all(|&x| same(x, brains)), "dot_bf16_rows {at:?}");
        kernels.dot_f16_rows(query, &halves.repeat(rows), &mut out);
        assert!(out.iter().all(|&x| same(x, wanted[0])), "dot_f16_rows {at:?}");
        kernels.squared_euclidean_f16_rows(query, &halves.repeat(rows), &mut out);
        assert!(out.iter().all(|&x| same(x, wanted[1])), "squared_euclidean_f16_rows {at:?}");
    }
    let scales: Vec<f32> = (0..6).map(|i| scale * (1.0 + i as f32)).collect();
    let (mut dots, mut distances) = ([0.0; 6], [0.0; 6]);
    kernels.dot_scaled_rows(query, &codes.repeat(6), &scales, &mut dots);
    kernels.squared_euclidean_scaled_rows(query, &codes.repeat(6), &scales, &mut distances);
    for (i, &scale) in scales.iter().enumerate() {
        kernels.widen_i8(codes, scale, &mut wide);
        assert!(
            wide.iter().zip(codes).all(|(&x, &code)| same(x, f32::from(code) * scale)),
            "widen_i8 {at:?}"
        );
        let wanted = scores(&wide);
        assert!(same(kernels.dot_scaled(query, codes, scale), wanted[0]), "dot_scaled {at:?}");
        assert!(
            same(kernels.squared_euclidean_scaled(query, codes, scale), wanted[1]),
            "squared_euclidean_scaled {at:?}"
        );
        assert!(same(dots[i], wanted[0]) && same(distances[i], wanted[1]), "scaled rows {at:?} row {i}");
    }
}

#[test]
fn narrow_rows_have_the_bits_of_the_twin_at_every_length() {
    for kernels in Tier::available().filter_map(Kernels::of) {
        for &n in LENGTHS {
            let (query, row) = (noise(n, 3 + n as u64), noise(n, 8));
            let codes: Vec<i8> = row.iter().map(|x| (x * 70.0) as i8).collect();
            for power in [1.0, 1e-6, 1e4] {
                let mut halves = vec![0; n];
                kernels.narrow_f16(&row.iter().map(|x| x * power).collect::<Vec<_>>(), &mut halves);
                check_narrow(kernels, &query, &halves, &codes, power);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_narrow_rows(
        row in prop::collection::vec((any::<f32>(), any::<u16>(), any::<i8>()), 0..200),
        scale in -1e37f32..1e37,
    ) {
        let query: Vec<f32> = row.iter().map(|x| x.0).collect();
        let halves: Vec<u16> = row.iter().map(|x| x.1).collect();
        let codes: Vec<i8> = row.iter().map(|x| x.2).collect();
        let all = Tier::available().filter_map(Kernels::of);
        all.for_each(|kernels| check_narrow(kernels, &query, &halves, &codes, scale));
    }

    #[test]
    fn any_floats(pairs in prop::collection::vec((any::<f32>(), any::<f32>()), 0..200)) {
        let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Tier::available().filter_map(Kernels::of).for_each(|kernels| check_floats(kernels, &a, &b));
    }

    #[test]
    fn any_codes(pairs in prop::collection::vec((any::<i8>(), any::<i8>()), 0..300)) {
        let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Tier::available().filter_map(Kernels::of).for_each(|kernels| check_codes(kernels, &a, &b));
    }
}

#[test]
fn bits_and_their_sums_agree_on_every_tier() {
    for words in 0..20 {
        let mut x = noise(64 * words, words as u64);
        if let Some(first) = x.first_mut() {
            *first = -0.0;
        }
        let mut first = None;
        for kernels in Tier::available().filter_map(Kernels::of) {
            let (mut positive, mut reaching) = (vec![9; words], vec![9; words]);
            kernels.positive_bits(&x, &mut positive);
            kernels.at_least_bits(&x, 0.4, &mut reaching);
            let at_least = |j: usize| reaching[j / 64] >> (j % 64) & 1 == 1;
            assert!(x.iter().enumerate().all(|(j, &x)| at_least(j) == (x >= 0.4)));
            let some = &x[..x.len() - x.len().min(13)];
            assert_eq!(kernels.count_at_least(some, 0.4), some.iter().filter(|&&x| x >= 0.4).count());
            let sum = kernels.reaching_bits(&x, 0.7, &mut reaching);
            for (j, &x) in x.iter().enumerate() {
                assert_eq!(positive[j / 64] >> (j % 64) & 1 == 1, x > 0.0);
                assert_eq!(reaching[j / 64] >> (j % 64) & 1 == 1, x.abs() >= 0.7);
            }
            let exact: f64 = x.iter().map(|x| f64::from(x.abs())).filter(|&x| x >= f64::from(0.7f32)).sum();
            assert!((f64::from(sum) - exact).abs() <= 1e-5 * exact.max(1.0));
            let found = (positive, reaching, sum.to_bits());
            assert_eq!(*first.get_or_insert_with(|| found.clone()), found);
        }
    }
}

fn disagreement_twin(query: &[u64], planes: usize, codes: &[Vec<u64>]) -> Vec<u32> {
    let words = query.len() / planes;
    let weight = |j: usize| {
        let bit = |plane: usize| (query[plane * words + j / 64] >> (j % 64) & 1) as u32;
        1 + (1..planes).map(|plane| bit(plane) << plane).sum::<u32>()
    };
    let differs = |code: &[u64], j: usize| (code[j / 64] ^ query[j / 64]) >> (j % 64) & 1 == 1;
    codes.iter().map(|code| (0..64 * words).filter(|&j| differs(code, j)).map(weight).sum()).collect()
}

#[test]
fn disagreements_are_exact_on_every_tier() {
    let mut seed = crate::seed::Seed::new(3);
    for words in [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 24, 65] {
        for planes in 1..=6 {
            let query: Vec<u64> = (0..planes * words).map(|_| seed.bits()).collect();
            let mut codes: Vec<Vec<u64>> =
                (0..24).map(|_| (0..words).map(|_| seed.bits()).collect()).collect();
            codes[3] = query[..words].iter().map(|word| !word).collect();
            codes[9] = query[..words].to_vec();
            let mut blocks = Vec::new();
            for block in codes.chunks_exact(LANES) {
                (0..words).for_each(|w| blocks.extend(block.iter().map(|code| code[w])));
            }
            let expected = disagreement_twin(&query, planes, &codes);
            let factor: Vec<f32> = (0..24).map(|i| 0.1 + i as f32).collect();
            let mut first = None;
            for kernels in Tier::available().filter_map(Kernels::of) {
                let mut found = vec![7; 24];
                kernels.disagreement(&query, planes, &blocks, &mut found);
                assert_eq!(found, expected, "{:?} {words} {planes}", kernels.tier());
                let mut scores = vec![0.0; 24];
                kernels.sketch_scores(&found, &factor, &[], 3.7, 0.013, &mut scores);
                kernels.sketch_scores(&found, &factor, &scores.clone(), 3.7, 0.013, &mut scores);
                let bits: Vec<u32> = scores.iter().map(|x| x.to_bits()).collect();
                assert_eq!(*first.get_or_insert_with(|| bits.clone()), bits);
            }
        }
    }
}

#[test]
fn disagreements_of_some_are_exact_on_every_tier() {
    let mut seed = crate::seed::Seed::new(2);
    for words in [1, 2, 3, 4, 6, 8, 12, 16, 17] {
        for planes in 1..4 {
            let codes: Vec<Vec<u64>> = (0..20).map(|_| (0..words).map(|_| seed.bits()).collect()).collect();
            let query: Vec<u64> = (0..planes * words).map(|_| seed.bits()).collect();
            let slots: Vec<u32> = (0..50).map(|_| seed.below(20) as u32).collect();
            let all = disagreement_twin(&query, planes, &codes);
            let expected: Vec<u32> = slots.iter().map(|&slot| all[slot as usize]).collect();
            for tier in Tier::available() {
                let mut found = vec![7; 50];
                Kernels::of(tier).unwrap().disagreement_of(
                    &query,
                    planes,
                    &codes.concat(),
                    &slots,
                    &mut found,
                );
                assert_eq!(found, expected, "{tier:?} {words} {planes}");
            }
        }
    }
}
