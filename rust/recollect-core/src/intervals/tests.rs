//! Random changes against a sorted list.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;

fn span(start: i64, length: i64, item: u32, weight: u8) -> Span {
    Span { start, end: start.saturating_add(length), item, weight: f32::from(weight) }
}

fn overlapping(tree: &Intervals, from: i64, to: i64, backwards: bool) -> Vec<Span> {
    let mut out = Vec::new();
    let _ = tree.overlapping(from, to, backwards, &mut |span| {
        out.push(*span);
        ControlFlow::Continue(())
    });
    out
}

fn check(tree: &Intervals, model: &[Span]) {
    assert_eq!(tree.to_vec(), model);
    assert_eq!(tree.len(), model.len());
    assert_eq!(tree.latest_end(), model.iter().map(|x| x.end).max().unwrap_or(i64::MIN));
    let greatest = model.iter().map(|x| x.weight).fold(f32::NEG_INFINITY, f32::max);
    assert_eq!(tree.greatest_weight().to_bits(), greatest.to_bits());
    assert_eq!((tree.first(), tree.last()), (model.first().copied(), model.last().copied()));
}

fn ask(tree: &Intervals, model: &[Span], from: i64, length: i64, k: usize) {
    let to = from.saturating_add(length);
    let mut wanted: Vec<Span> = model.iter().copied().filter(|x| x.overlaps(from, to)).collect();
    assert_eq!(overlapping(tree, from, to, false), wanted);
    wanted.reverse();
    assert_eq!(overlapping(tree, from, to, true), wanted);
    assert_eq!(tree.rank((from, 0)), model.iter().filter(|x| x.start < from).count());
    assert_eq!(tree.slice(k..k + 5), model.iter().copied().skip(k).take(5).collect::<Vec<_>>());
    let mut near = model.to_vec();
    near.sort_by_key(|x| (x.distance(from), x.key()));
    near.truncate(k);
    assert_eq!(tree.nearest(from, k), near);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_tree_is_a_sorted_list(
        ops in prop::collection::vec((0u8..8, 0i64..900, 1i64..60, 0u32..4, any::<u8>()), 1..900),
        questions in prop::collection::vec((-5i64..905, 1i64..50, 0usize..20), 12),
    ) {
        let (mut tree, mut model) = (Intervals::default(), Vec::<Span>::new());
        for (op, start, length, item, weight) in ops {
            let new = span(start, if weight == 0 { i64::MAX } else { length }, item, weight);
            let at = model.binary_search_by_key(&new.key(), Span::key);
            match (op, at) {
                (0..=4, Ok(_)) => prop_assert!(!tree.insert(new)),
                (0..=4, Err(at)) => {
                    prop_assert!(tree.insert(new));
                    model.insert(at, new);
                }
                (5, Ok(at)) => {
                    prop_assert_eq!(tree.replace(new), Some(model[at]));
                    model[at] = new;
                }
                (_, Ok(at)) => prop_assert_eq!(tree.remove(new.key()), Some(model.remove(at))),
                (_, Err(_)) => {
                    prop_assert_eq!(tree.remove(new.key()), None);
                    prop_assert_eq!(tree.replace(new), None);
                }
            }
        }
        check(&tree, &model);
        questions.into_iter().for_each(|(from, length, k)| ask(&tree, &model, from, length, k));
        while let Some(gone) = model.pop() {
            prop_assert_eq!(tree.remove(gone.key()), Some(gone));
        }
        check(&tree, &model);
    }
}

#[test]
fn many_in_order_fill_their_leaves() {
    let mut tree = Intervals::default();
    (0..100_000).for_each(|at| assert!(tree.insert(span(i64::from(at), 1, at, 1))));
    assert!(tree.bytes() < 100_000 * 28, "{} bytes", tree.bytes());
    assert_eq!(overlapping(&tree, 70_000, 70_003, false).len(), 3);
    assert_eq!(tree.get((5, 5)).map(|x| x.end), Some(6));
    (0..100_000).step_by(2).for_each(|at| assert!(tree.remove((i64::from(at), at)).is_some()));
    assert_eq!(tree.len(), 50_000);
    assert!(tree.nearest(70_000, 2).iter().map(|x| x.start).eq([69_999, 70_001]));
}

#[test]
fn open_ends_and_the_edges_of_time() {
    let mut tree = Intervals::default();
    let open = Span { start: i64::MIN, end: i64::MAX, item: 0, weight: 0.0 };
    assert!(tree.insert(open) && tree.insert(span(i64::MAX - 1, 1, 1, 0)));
    assert_eq!(overlapping(&tree, i64::MIN, i64::MIN + 1, false), [open]);
    assert_eq!(tree.nearest(i64::MIN, 2).len(), 2);
    assert_eq!(overlapping(&tree, 5, 5, false), []);
}

proptest! {
    #[test]
    fn items_that_start_in_a_range_are_shown_once(
        starts in prop::collection::vec(0i64..400, 0..700),
        sorted in any::<bool>(),
        gone in prop::collection::vec(0usize..700, 0..40),
        (from, length) in (-5i64..405, 0i64..300),
    ) {
        let mut starts = starts;
        if sorted {
            starts.sort_unstable();
        }
        let (mut tree, mut model) = (Intervals::default(), Vec::new());
        for (item, &start) in (0..).zip(&starts) {
            prop_assert!(tree.insert(span(start, 1, item, 0)));
            model.push((start, item));
        }
        for at in gone {
            if at < model.len() {
                prop_assert!(tree.remove(model.swap_remove(at)).is_some());
            }
        }
        let mut found = Vec::new();
        tree.starting(from, from + length, &mut |items| found.extend(items));
        found.sort_unstable();
        let inside = model.iter().filter(|x| (from..from + length).contains(&x.0));
        let mut wanted: Vec<u32> = inside.map(|x| x.1).collect();
        wanted.sort_unstable();
        prop_assert_eq!(found, wanted);
    }
}
