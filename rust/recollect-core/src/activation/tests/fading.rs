//! What histories leave.

use crate::activation::*;
use crate::seed::Seed;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

fn close(found: f64, wanted: f64, within: f64) {
    assert!((found - wanted).abs() <= within, "{found} is not {wanted}");
}

#[test]
fn base_level_adds_up_powers_of_ages() {
    let level = BaseLevel::default();
    close(level.of_ages(&[1.0, 4.0]), 0.405_465, 1e-6);
    let mut history = History::new(0, 0);
    history.touch(3 * SECOND, 0);
    close(level.of(&history, 4 * SECOND), 0.405_465, 1e-6);
    let optimised = BaseLevel::new(0.5, 8, Formula::Optimised).unwrap();
    close(optimised.of(&history, 4 * SECOND), (2.0f64 / 0.5).ln() - 0.5 * 4.0f64.ln(), 1e-12);
    assert!(
        BaseLevel::new(1.0, 8, Formula::Hybrid).is_err() && BaseLevel::new(0.5, 9, Formula::Hybrid).is_err()
    );
}

/// Uses at random times of a year, and the same in a history.
fn random_history(seed: &mut Seed) -> (Vec<i64>, History) {
    let times: Vec<i64> = (0..1 + seed.below(60)).map(|_| seed.below(365 * DAY as usize) as i64).collect();
    let mut history = History::new(times[0], 0);
    times[1..].iter().for_each(|&at| history.touch(at, 0));
    (times, history)
}

#[test]
fn the_hybrid_is_close_to_all_uses_and_closer_with_more_of_them() {
    let (mut seed, now) = (Seed::new(4), 366 * DAY);
    let histories: Vec<_> = (0..2_000).map(|_| random_history(&mut seed)).collect();
    let mut before = f64::INFINITY;
    for (recent, most) in [(1, 0.15), (2, 0.1), (4, 0.07), (8, 0.05)] {
        let level = BaseLevel::new(0.5, recent, Formula::Hybrid).unwrap();
        let off = |(times, history): &(Vec<i64>, History)| {
            let ages: Vec<f64> = times.iter().map(|&at| (now - at) as f64 / 1e6).collect();
            (level.of(history, now) - level.of_ages(&ages)).abs()
        };
        let mean = histories.iter().map(off).sum::<f64>() / histories.len() as f64;
        assert!(mean < most && mean < before, "{recent}: {mean}");
        before = mean;
    }
}

#[test]
fn a_history_keeps_the_last_uses_in_any_order_of_coming() {
    let mut seed = Seed::new(5);
    for _ in 0..300 {
        let (mut times, history) = random_history(&mut seed);
        times.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(history.recent(), &times[..times.len().min(RECENT)]);
        assert_eq!((history.first(), history.last()), (times[times.len() - 1], times[0]));
        assert_eq!(history.count() as usize, times.len());
    }
    assert!(size_of::<History>() <= 112);
}

#[test]
fn a_use_never_lowers_anything() {
    let (mut seed, now) = (Seed::new(6), 366 * DAY);
    for _ in 0..1_000 {
        let (_, before) = random_history(&mut seed);
        let mut after = before.clone();
        after.touch(now, 50);
        for recent in 1..=8 {
            let level = BaseLevel::new(0.5, recent, Formula::Hybrid).unwrap();
            assert!(level.of(&after, now) >= level.of(&before, now));
        }
        let level = BaseLevel::new(0.5, 8, Formula::Optimised).unwrap();
        assert!(level.of(&after, now) >= level.of(&before, now));
        let curve = Ebbinghaus::new(DAY as f64).unwrap();
        let power = PowerLaw::new(1.0, DAY as f64).unwrap();
        for later in [0, DAY, 90 * DAY] {
            assert!(curve.of(&after, now + later) >= curve.of(&before, now + later));
            assert!(power.of(&after, now + later) >= power.of(&before, now + later));
        }
        assert!(Exponential::default().of(&after, 60) >= Exponential::default().of(&before, 60));
    }
}

#[test]
fn a_forgetting_curve_is_flatter_the_stronger_the_memory() {
    let curve = Ebbinghaus::new(DAY as f64).unwrap();
    let once = History::new(0, 0);
    close(curve.of(&once, DAY), 0.3679, 1e-4);
    close(curve.of(&once, 5 * DAY), 0.0067, 1e-4);
    let mut twice = History::new(-3 * DAY, 0);
    twice.touch(0, 0);
    close(curve.of(&twice, DAY), 0.6065, 1e-4);
    close(curve.of(&twice, 5 * DAY), 0.0821, 1e-4);
    close(curve.of(&twice, curve.expiry(&twice, 0.2) as i64), 0.2, 1e-9);
}

#[test]
fn turns_and_scores_decay() {
    let decay = Exponential::default();
    let history = History::new(0, 0);
    for (turn, weight) in [(0, 1.0), (100, 0.8187), (1000, 0.1353)] {
        close(decay.of(&history, turn), weight, 1e-4);
    }
    let mut used = history.clone();
    used.touch(1, 950);
    close(decay.of(&used, 1000), 0.6353, 1e-4);
    close(decay.of(&used, 1051), decay.of(&history, 1051), 0.0);
    close(decay.half_life(), 346.6, 0.05);
    let decay = ScoreDecay::new(0.7).unwrap();
    for (turns, score) in [(0, 10.0), (1, 7.0), (2, 4.9), (3, 3.43)] {
        close(decay.of(10.0, turns), score, 1e-9);
    }
    assert_eq!(decay.key(10.0, 3) > decay.key(4.0, 5), decay.of(10.0, 6) > decay.of(4.0, 4));
    assert!(ScoreDecay::new(1.1).is_err() && PowerLaw::new(0.0, 1.0).is_err());
}

#[test]
fn recall_is_likelier_and_faster_the_higher_the_activation() {
    close(retrieval_probability(1.0, 0.0, 0.25), 0.982, 1e-3);
    close(retrieval_probability(1.0, 0.0, 0.4), 0.924, 1e-3);
    close(latency(1.0, 1.0), (-1.0f64).exp(), 1e-12);
    close(association(2.0, 2.0), 1.307, 1e-3);
    close(association(2.0, 4.0), 0.614, 1e-3);
    close(association(2.0, 8.0), -0.079, 1e-3);
}

#[test]
fn rehearsal_draws_by_a_power_of_the_age() {
    let ages: Vec<f64> = (1..=10).map(f64::from).collect();
    for (exponent, first, last) in [(1.0, 0.3414, 0.0341), (0.5, 0.1992, 0.0630), (1.5, 0.5012, 0.0158)] {
        let mut counts = [0.0; 10];
        (0..40_000).for_each(|seed| counts[rehearse(&ages, 1, exponent, seed)[0]] += 1.0 / 40_000.0);
        close(counts[0], first, 0.01);
        close(counts[9], last, 0.005);
    }
    let mut all = rehearse(&ages, 20, 1.0, 3);
    all.sort_unstable();
    assert_eq!(all, (0..10).collect::<Vec<_>>());
    assert_eq!(rehearse(&[0.0, f64::NAN, 2.0], 3, 1.0, 1), [2]);
}

#[test]
fn what_is_let_go_is_the_lowest_or_drawn() {
    assert_eq!(lowest(&[0.3, -1.0, 0.3, 9.0, 0.1], 0.6), [1, 4, 0]);
    assert!(lowest(&[1.0; 199], 0.005).is_empty());
    let gone = sampled_below(&[0.5; 10_000], 1).len();
    assert!((4_850..=5_150).contains(&gone), "{gone}");
    assert!(sampled_below(&[1.0; 100], 2).is_empty());
}
