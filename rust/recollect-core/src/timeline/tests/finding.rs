//! From the coarse to the fine, and beside.

use super::*;
use crate::seed::Seed;

fn noise(seed: &mut Seed, dim: usize, scale: f64) -> Vec<f32> {
    (0..dim).map(|_| (seed.normal() * scale / (dim as f64).sqrt()) as f32).collect()
}

#[test]
fn a_fact_that_only_a_leaf_tells_is_found_with_few_nodes_opened() {
    let mut tree = timeline(0);
    for slot in 0..2_000u32 {
        let terms = [(slot % 40, 1), (100_000 + slot, 1)];
        let start = MONDAY + i64::from(slot / 20) * DAY + i64::from(slot % 20) * HOUR;
        tree.insert(slot, Event { terms: &terms, ..Event::at(start) }).unwrap();
    }
    let (levels, beam) = (6, 4);
    // Words that every node forgot for want of room lead nowhere; the word that a week still has leads to it.
    let sought = Sought { words: vec![100_000 + 3], weight: 0.9, ..Sought::default() };
    let steps = tree.descend(&sought, beam, |_| false, Cancel::never()).unwrap();
    let opened: usize = steps.iter().map(|x| x.opened).sum();
    assert!(opened <= levels * beam, "{opened} opened");
    let last = steps.last().unwrap();
    assert_eq!((last.best[0].item, last.best[0].score), (Item::Event(3), 1.0));
    // What will do ends it before that.
    let short = tree.descend(&sought, beam, |best| best[0].score > 0.5, Cancel::never()).unwrap();
    assert!(short.len() <= steps.len());
    let none = Sought { within: Some((0, 1)), ..sought };
    assert!(tree.descend(&none, beam, |_| false, Cancel::never()).unwrap()[0].best.is_empty());
}

#[test]
fn chunks_with_the_true_neighbour_are_among_the_first() {
    // 64 chunks of 32 items around weak topics; the query is near one item.
    let (mut hits, trials) = ([0; 2], 60);
    for trial in 0..trials {
        let mut seed = Seed::new(trial);
        let mut tree = timeline(64);
        let mut vectors = Vec::new();
        for session in 0..64u32 {
            let topic = noise(&mut seed, 64, 0.5);
            for _ in 0..32 {
                let mut vector = noise(&mut seed, 64, 1.0);
                vector.iter_mut().zip(&topic).for_each(|(x, t)| *x += t);
                let slot = vectors.len() as u32;
                let event = Event {
                    session: Some(session),
                    vector: Some(&vector),
                    ..Event::at(i64::from(slot) * MINUTE)
                };
                tree.insert(slot, event).unwrap();
                vectors.push(vector);
            }
        }
        let slot = seed.below(vectors.len());
        let mut query = vectors[slot].clone();
        query.iter_mut().zip(noise(&mut seed, 64, 0.5)).for_each(|(x, n)| *x += n);
        let sought = Sought { vector: query, weight: 1.0, ..Sought::default() };
        let nodes: Vec<Item> = tree.nodes(2, i64::MIN, i64::MAX).iter().map(|x| Item::Node(x.id)).collect();
        for (beam, hit) in [8, 4].into_iter().zip(&mut hits) {
            let chunks = tree.open(&nodes, &sought, beam, Cancel::never()).unwrap();
            let mine = tree.ancestors(Item::Event(slot as u32)).unwrap()[0];
            *hit += u64::from(chunks.best.iter().any(|x| x.item == Item::Node(mine)));
        }
    }
    assert!(hits[0] * 100 >= trials * 95 && hits[1] * 100 >= trials * 88, "{hits:?} of {trials}");
}

#[test]
fn a_salient_item_stands_for_its_block() {
    let mut found = [0; 3];
    for trial in 0..50 {
        let mut seed = Seed::new(trial);
        let mut tree = timeline(64);
        let (planted, target) = (noise(&mut seed, 64, 1.0), seed.below(64) * 128 + seed.below(128));
        for slot in 0..64 * 128u32 {
            let vector = if slot as usize == target { planted.clone() } else { noise(&mut seed, 64, 1.0) };
            let salience = if slot as usize == target { 2.0 } else { seed.uniform() as f32 };
            tree.insert(slot, Event { vector: Some(&vector), salience, ..Event::at(i64::from(slot)) })
                .unwrap();
        }
        let ways = [Representative::Salient(1), Representative::Salient(4), Representative::Mean];
        for (by, found) in ways.into_iter().zip(&mut found) {
            let blocks = tree.blocks(128, by).unwrap();
            let dot = |key: &[f32]| key.iter().zip(&planted).map(|(a, b)| a * b).sum::<f32>();
            let mine = dot(&blocks[target / 128].key);
            *found += usize::from(blocks.iter().filter(|block| dot(&block.key) > mine).count() < 4);
        }
    }
    assert!(found[0] == 50 && found[1] >= 44 && found[2] <= 20, "{found:?}");
    assert_eq!(representatives(&[1.0, 3.0, 3.0], Representative::Salient(2)), [1, 2]);
    assert_eq!(representatives(&[1.0, 3.0], Representative::Landmark(9)), [1]);
}

#[test]
fn neighbours_take_a_share_of_the_budget_at_most() {
    let mut tree = timeline(0);
    (0..30u32).for_each(|slot| {
        tree.insert(slot, Event { session: Some(slot / 10), ..Event::at(i64::from(slot)) }).unwrap();
    });
    let hits: Vec<u32> = vec![5, 20, 12, 6, 28, 1, 16, 24];
    for budget in 0..12 {
        let found = tree.with_neighbours(&hits, budget, 1, 0.3).unwrap();
        let beside = found.iter().filter(|x| x.of.is_some()).count();
        assert!(found.len() <= budget && beside * 10 <= budget * 3, "{budget}: {found:?}");
        assert!(found.len() == budget || budget > 10);
    }
    let found = tree.with_neighbours(&hits, 7, 1, 0.3).unwrap();
    // 6 is a hit itself; 19 is in another session than 20.
    let order: Vec<u32> = found.iter().map(|x| x.slot).collect();
    assert_eq!(order, [5, 4, 20, 21, 12, 6, 28]);
    assert_eq!(found[3].of, Some(20));
}

#[test]
fn ancestors_are_collected_once_and_cut_at_their_budgets() {
    let mut tree = timeline(0);
    (0..40u32).for_each(|slot| {
        let session = Some(slot / 4);
        tree.insert(
            slot,
            Event {
                session,
                segment: Some(i64::from(slot)),
                ..Event::at(MONDAY + i64::from(slot) * 6 * HOUR)
            },
        )
        .unwrap();
    });
    let scored = [(3, 0.5), (0, 0.9), (17, 0.7), (39, 0.8)];
    // "Simple": segments, sessions, persona.
    let found = tree.climb(&scored, &[20, 2, 0, 0, 0, 1]).unwrap();
    let levels: Vec<u8> = found.iter().map(|x| x.0.level).collect();
    assert_eq!(levels, [0, 0, 0, 0, 1, 1, 5]);
    assert_eq!(found[4], (NodeId { level: 1, key: Key::Session(0) }, 0.9));
    assert_eq!(found[5], (NodeId { level: 1, key: Key::Session(9) }, 0.8));
    assert_eq!(found[6].1, 0.9);
}

#[test]
fn what_came_before_is_of_the_same_level() {
    let mut tree = timeline(0);
    (0..10u32).for_each(|day| {
        tree.insert(day, Event::at(MONDAY + i64::from(day) * DAY)).unwrap();
    });
    let days = tree.nodes(2, i64::MIN, i64::MAX);
    assert_eq!(tree.previous(days[5].id, 3).unwrap(), days[2..5]);
    assert_eq!(tree.previous(days[0].id, 3).unwrap(), []);
    assert_eq!(tree.events_of(tree.nodes(3, i64::MIN, i64::MAX)[1].id, 9).unwrap(), [7, 8, 9]);
}
