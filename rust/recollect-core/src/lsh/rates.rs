//! The theory of collisions against what happens.

use crate::lsh::fly::Fly;
use crate::lsh::{CrossPolytope, Family, Hashed, Hyperplane};
use crate::seed::Seed;

/// Trials of a rate: its standard deviation is at most 0.0016.
const TRIALS: usize = 100_000;

/// Two vectors at a cosine: any two, or two with as few components as can be, which a poor rotation would betray.
fn pair(dim: usize, cosine: f64, sparse: bool, seed: &mut Seed) -> (Vec<f32>, Vec<f32>) {
    let mut draw = || -> Vec<f64> {
        if sparse {
            let at = seed.below(dim);
            (0..dim).map(|i| f64::from(u8::from(i == at))).collect()
        } else {
            (0..dim).map(|_| seed.normal()).collect()
        }
    };
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    loop {
        let (a, mut b) = (draw(), draw());
        let along = product(&a, &b) / product(&a, &a);
        b.iter_mut().zip(&a).for_each(|(y, x)| *y -= along * x);
        let (length, across) = (product(&a, &a).sqrt(), product(&b, &b).sqrt());
        if across > 1e-9 * length {
            let sine = (1.0 - cosine * cosine).sqrt();
            let other =
                a.iter().zip(&b).map(|(x, y)| (cosine * x / length + sine * y / across) as f32).collect();
            return (a.iter().map(|&x| (x / length) as f32).collect(), other);
        }
    }
}

/// Share of the tables in which the two of a pair fall into one bucket, over seeds and pairs.
fn rate(family: impl Fn(u64) -> Box<dyn Family>, dim: usize, cosine: f64, sparse: bool) -> f64 {
    let (mut met, mut tried, mut pairs) = (0, 0, Seed::new(99));
    let (mut a, mut b) = (Hashed::default(), Hashed::default());
    for seed in 0.. {
        let family = family(seed);
        for _ in 0..if family.tables() == 1 { 20 } else { 4 } {
            let (x, y) = pair(dim, cosine, sparse, &mut pairs);
            family.hash(&x, 0, &mut a);
            family.hash(&y, 0, &mut b);
            if family.tables() == 1 {
                met += a.buckets.iter().filter(|x| b.buckets.contains(x)).count();
            } else {
                met += a.buckets.iter().zip(&b.buckets).filter(|(x, y)| x == y).count();
            }
            tried += a.buckets.len();
        }
        if tried >= TRIALS {
            break;
        }
    }
    met as f64 / f64::from(tried as u32)
}

const COSINES: [f64; 4] = [-0.4, 0.3, 0.6, 0.9];

#[test]
fn a_bit_agrees_as_often_as_the_angle_says() {
    for dim in [2, 64, 100, 384] {
        for cosine in COSINES {
            for sparse in [false, true] {
                let of = |seed| -> Box<dyn Family> { Box::new(Hyperplane::new(dim, 1, 256, seed).unwrap()) };
                let (found, theory) =
                    (rate(of, dim, cosine, sparse), 1.0 - cosine.acos() / std::f64::consts::PI);
                assert!((found - theory).abs() < 0.01, "{dim} {cosine} {sparse}: {found} for {theory}");
                assert!((Hyperplane::agreement(1, cosine) - theory).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn a_key_agrees_as_often_as_all_of_its_bits() {
    for (dim, bits) in [(3, 4), (100, 8), (128, 12), (384, 6)] {
        for cosine in COSINES {
            for sparse in [false, true] {
                let of =
                    |seed| -> Box<dyn Family> { Box::new(Hyperplane::new(dim, bits, 64, seed).unwrap()) };
                let (found, theory) = (rate(of, dim, cosine, sparse), Hyperplane::agreement(bits, cosine));
                assert!(
                    (found - theory).abs() < 0.01,
                    "{dim} {bits} {cosine} {sparse}: {found} for {theory}"
                );
            }
        }
    }
}

#[test]
fn an_axis_agrees_as_often_as_the_integral_says() {
    for (dim, bits) in [(3, 3), (128, 8), (384, 8)] {
        for cosine in [0.3, 0.6, 0.9] {
            for sparse in [false, true] {
                let of =
                    |seed| -> Box<dyn Family> { Box::new(CrossPolytope::new(dim, bits, 48, seed).unwrap()) };
                let (found, theory) = (rate(of, dim, cosine, sparse), CrossPolytope::agreement(bits, cosine));
                assert!(
                    (found - theory).abs() < 0.01,
                    "{dim} {bits} {cosine} {sparse}: {found} for {theory}"
                );
            }
        }
    }
}

#[test]
fn the_integral_agrees_with_drawing() {
    let mut seed = Seed::new(5);
    for (bits, cosine) in [(1, 0.6), (4, 0.3), (6, 0.8), (8, 0.9)] {
        let (axes, draws) = (1 << (bits - 1), 20_000);
        let met = (0..draws).filter(|_| {
            let (mut a, mut b) = ((0.0, 0), (0.0, 0));
            for axis in 1..=axes {
                let (x, z) = (seed.normal(), seed.normal());
                let y = cosine * x + (1.0 - cosine * cosine).sqrt() * z;
                let better = |best: (f64, i64), x: f64| {
                    if x.abs() > best.0 { (x.abs(), axis * x.signum() as i64) } else { best }
                };
                (a, b) = (better(a, x), better(b, y));
            }
            a.1 == b.1
        });
        let found = met.count() as f64 / f64::from(draws);
        assert!(
            (found - CrossPolytope::agreement(bits as usize, cosine)).abs() < 0.012,
            "{bits} {cosine}: {found}"
        );
    }
    assert_eq!((CrossPolytope::agreement(8, 1.0), CrossPolytope::agreement(8, -1.0)), (1.0, 0.0));
    assert!((CrossPolytope::agreement(8, 0.0) - 1.0 / 256.0).abs() < 1e-6);
}

#[test]
fn the_fly_shares_units_as_often_as_the_integral_says() {
    for (dim, units, active) in [(128, 640, 32), (384, 2560, 64)] {
        for cosine in [0.0, 0.4, 0.8, 0.95] {
            let of = |seed| -> Box<dyn Family> { Box::new(Fly::new(dim, units, active, seed).unwrap()) };
            let (found, theory) = (rate(of, dim, cosine, false), Fly::overlap(units, active, cosine));
            assert!((found - theory).abs() < 0.015, "{dim} {cosine}: {found} for {theory}");
        }
    }
}
