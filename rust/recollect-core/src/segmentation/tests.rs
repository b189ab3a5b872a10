//! Cuts against what is known of them.

use proptest::prelude::*;

use super::refining::refine;
use super::segmenter::unit;
use super::*;
use crate::cancel::Cancel;
use crate::seed::Seed;

const DIM: usize = 64;
const MINUTE: i64 = 60_000_000;

fn direction(seed: &mut Seed, length: f64) -> Vec<f64> {
    let vector: Vec<f64> = (0..DIM).map(|_| seed.normal()).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.into_iter().map(|x| x * length / norm).collect()
}

/// Three clusters of 20 vectors with noise of length 0.3.
fn clusters(number: u64) -> Vec<f32> {
    let mut seed = Seed::new(number);
    let mut out = Vec::new();
    for _ in 0..3 {
        let centre = direction(&mut seed, 1.0);
        for _ in 0..20 {
            let noise: Vec<f64> = (0..DIM).map(|_| seed.normal() * 0.3 / 8.0).collect();
            let vector: Vec<f32> = centre.iter().zip(noise).map(|(a, b)| (a + b) as f32).collect();
            out.extend(unit(&vector).into_iter().map(|x| x as f32));
        }
    }
    out
}

fn series(vectors: &[f32]) -> Series<'_> {
    Series { count: vectors.len() / DIM, vectors, dim: DIM, ..Series::default() }
}

fn rules() -> Rules {
    Rules { least: 8, most: 128, ..Rules::default() }
}

fn moved(objective: Objective) -> Hindsight {
    Hindsight { refined: Some(objective), ..Hindsight::default() }
}

fn cuts(vectors: &[f32], rules: Rules) -> Vec<usize> {
    segment(series(vectors), rules, Hindsight::default(), Cancel::never()).unwrap().bounds
}

#[test]
fn three_clusters_are_three_segments() {
    let right = |gamma| {
        let rules = Rules { gamma_cosine: gamma, ..rules() };
        (0..50).filter(|&seed| cuts(&clusters(seed), rules) == [0, 20, 40, 60]).count()
    };
    let found = [3.0, 2.0, 1.0].map(right);
    assert_eq!(found[0], 50, "{found:?}");
    // What is right for the probabilities of tokens is not for cosines.
    assert!(found[1] < 50 && found[2] < found[1], "{found:?}");
}

#[test]
fn displaced_cuts_return() {
    for objective in [Objective::Modularity, Objective::Conductance] {
        for seed in 0..50 {
            let units: Vec<Vec<f64>> = clusters(seed).chunks(DIM).map(unit).collect();
            for displaced in [17, 23] {
                let mut bounds = [0, displaced, 40, 60];
                let fixed = [false; 3];
                refine(&units, &[1; 60], &mut bounds, &fixed, objective, &rules(), Cancel::never()).unwrap();
                assert_eq!(bounds, [0, 20, 40, 60], "{objective:?} {seed} {displaced}");
            }
        }
    }
}

#[test]
fn the_objectives_are_their_definitions() {
    let units: Vec<Vec<f64>> = clusters(1).chunks(DIM).step_by(5).map(unit).collect();
    let size = units.len();
    let a = |i: usize, j: usize| {
        let dot: f64 = units[i].iter().zip(&units[j]).map(|(x, y)| x * y).sum();
        if i == j { 0.0 } else { dot.max(0.0) }
    };
    let degree: Vec<f64> = (0..size).map(|i| (0..size).map(|j| a(i, j)).sum()).collect();
    let all: f64 = degree.iter().sum();
    let (mut best_q, mut best_phi) = ((f64::MIN, 0), (f64::MAX, 0));
    for cut in 1..size {
        let same = |i: usize, j: usize| (i < cut) == (j < cut);
        let pairs = || (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
        let q: f64 =
            pairs().filter(|&(i, j)| same(i, j)).map(|(i, j)| a(i, j) - degree[i] * degree[j] / all).sum();
        let crossing: f64 = pairs().filter(|&(i, j)| i < cut && j >= cut).map(|(i, j)| a(i, j)).sum();
        let left: f64 = degree[..cut].iter().sum();
        let phi = crossing / left.min(all - left);
        if q > best_q.0 {
            best_q = (q, cut);
        }
        if phi < best_phi.0 {
            best_phi = (phi, cut);
        }
    }
    for (objective, wanted) in [(Objective::Modularity, best_q.1), (Objective::Conductance, best_phi.1)] {
        // One cut among all of it: the window is the whole.
        let loose = Rules { least: 1, most: 1000, ..Rules::default() };
        let mut doubled = units.clone();
        doubled.splice(0..0, vec![vec![0.0; DIM]; size]);
        doubled.extend(vec![vec![0.0; DIM]; size]);
        let mut bounds = [0, size + size / 2, 3 * size];
        let sizes = vec![1; 3 * size];
        refine(&doubled, &sizes, &mut bounds, &[false; 2], objective, &loose, Cancel::never()).unwrap();
        assert_eq!(bounds[1], size + wanted, "{objective:?}");
    }
}

#[test]
fn topics_change_in_valleys() {
    for seed in 0..20 {
        let topics = Some(Valleys { width: 8, gamma: 0.5 });
        // Surprise never cuts here.
        let rules = Rules { gamma_cosine: 1e6, ..rules() };
        let hindsight = Hindsight { topics, ..Hindsight::default() };
        let found = segment(series(&clusters(seed)), rules, hindsight, Cancel::never()).unwrap();
        assert_eq!(found.bounds, [0, 20, 40, 60]);
        assert_eq!(found.channels[1], Channels::TOPIC);
        let both = segment(series(&clusters(seed)), self::rules(), hindsight, Cancel::never()).unwrap();
        assert_eq!(both.channels[2].to_string(), "cosine, topic");
    }
    let none = Hindsight { topics: Some(Valleys { width: 0, gamma: 0.5 }), ..Hindsight::default() };
    assert!(segment(series(&clusters(0)), rules(), none, Cancel::never()).is_err());
}

#[test]
fn equal_vectors_are_cut_by_size_alone() {
    let vectors = clusters(3)[..DIM].repeat(60);
    assert_eq!(cuts(&vectors, rules()), [0, 60]);
    let short = segment(series(&vectors), Rules::default(), Hindsight::default(), Cancel::never()).unwrap();
    assert_eq!(short.bounds, [0, 25, 50, 60]);
    assert!(short.channels[1].has(Channels::SIZE) && !short.channels[1].has(Channels::COSINE));
    assert_eq!(short.channels[1].to_string(), "size");
}

#[test]
fn gaps_cut_and_clocks_that_go_back_do_not() {
    let times = [0, 29, 60, 50, 79].map(|minute| minute * MINUTE);
    let series = Series { count: 5, times: &times, ..Series::default() };
    let found = segment(series, Rules::default(), Hindsight::default(), Cancel::never()).unwrap();
    assert_eq!(found.bounds, [0, 2, 5]);
    assert!(found.channels[1].has(Channels::GAP));
    assert!(found.surprise.iter().all(|x| x.is_nan()));
    let never = Rules { gap: None, ..Rules::default() };
    assert_eq!(segment(series, never, Hindsight::default(), Cancel::never()).unwrap().bounds, [0, 5]);
}

#[test]
fn what_a_model_did_not_expect_cuts() {
    let mut surprises: Vec<f64> = (0..40).map(|at| 1.0 + f64::from(at % 3) * 0.1).collect();
    surprises[20] = 9.0;
    let series = Series { count: 40, surprises: &surprises, ..Series::default() };
    let rules = Rules { gamma_log_probability: 2.0, ..rules() };
    let found = segment(series, rules, Hindsight::default(), Cancel::never()).unwrap();
    assert_eq!((found.bounds, found.channels[1]), (vec![0, 20, 40], Channels::LOG_PROBABILITY));
}

#[test]
fn episodes_merge_when_near_in_direction_and_time() {
    let (a, b, c) = ([1.0, 0.0], [0.9, 0.2], [0.0, 1.0]);
    let hour = 60 * MINUTE;
    let at = |vector, start, end| Episode { vector, start, end };
    let episodes = [
        at(&a, 0, hour),
        at(&c, hour, 2 * hour),
        at(&b, 2 * hour, 3 * hour),
        at(&c, 3 * hour + 1, 4 * hour),
        at(&a, 3 * hour, 5 * hour),
    ];
    let found = merge(&episodes, &Merging::default(), Cancel::never()).unwrap();
    // The second c begins an hour and a microsecond after the first.
    assert_eq!(found, [0, 1, 0, 2, 0]);
    assert!(merge(&episodes, &Merging { cosine: 2.0, ..Merging::default() }, Cancel::never()).is_err());
}

#[test]
fn what_is_out_of_range_is_told() {
    let mut segmenter = Segmenter::new(Rules::default()).unwrap();
    segmenter.push(Item { vector: Some(&[1.0, 0.0]), ..Item::default() }).unwrap();
    assert!(segmenter.push(Item { vector: Some(&[1.0]), ..Item::default() }).is_err());
    assert!(segmenter.push(Item { surprise: Some(f64::NAN), ..Item::default() }).is_err());
    assert_eq!(segmenter.len(), 1);
    for bad in [
        Rules { window: 1, ..rules() },
        Rules { least: 0, ..rules() },
        Rules { most: 1, ..rules() },
        Rules { gap: Some(-1), ..rules() },
        Rules { gamma_cosine: -1.0, ..rules() },
    ] {
        assert!(Segmenter::new(bad).is_err());
    }
    let short = Series { count: 3, times: &[1], ..Series::default() };
    assert!(segment(short, rules(), Hindsight::default(), Cancel::never()).is_err());
    assert!(
        segment(Series { count: 3, ..short }, rules(), moved(Objective::Modularity), Cancel::never())
            .is_err()
    );
}

proptest! {
    #[test]
    fn a_stream_gives_what_all_at_once_gives(
        vectors in prop::collection::vec(-1f32..1.0, 0..120),
        times in prop::collection::vec(0i64..400, 60),
        least in 1u64..4, more in 0u64..9,
    ) {
        let (count, rules) = (vectors.len() / 2, Rules { least, most: least + more, gamma_cosine: 1.0, ..Rules::default() });
        let times: Vec<i64> = times[..count].iter().map(|x| x * MINUTE).collect();
        let series = Series { count, vectors: &vectors[..2 * count], dim: 2, times: &times, ..Series::default() };
        let plain = segment(series, rules, Hindsight::default(), Cancel::never()).unwrap();
        let mut segmenter = Segmenter::new(rules).unwrap();
        let mut bounds = vec![0];
        for (vector, &time) in vectors.chunks_exact(2).zip(&times) {
            let item = Item { vector: Some(vector), time: Some(time), ..Item::default() };
            bounds.extend(segmenter.push(item).unwrap().map(|cut| cut.at));
        }
        bounds.extend((count > 0).then_some(count));
        prop_assert_eq!(&plain.bounds, &bounds);
        prop_assert_eq!(plain.channels.len() + 1, plain.bounds.len());
        for objective in [Objective::Modularity, Objective::Conductance] {
            let found = segment(series, rules, moved(objective), Cancel::never()).unwrap();
            prop_assert!(found.bounds.is_sorted_by(|a, b| a < b) && found.bounds.len() == bounds.len());
            prop_assert!(found.bounds.windows(2).all(|x| (x[1] - x[0]) as u64 <= rules.most));
        }
    }
}
