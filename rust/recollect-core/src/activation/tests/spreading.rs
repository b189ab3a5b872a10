//! What seeds activate.

use crate::activation::*;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::graph::{Direction, Edge, Graph};
use crate::id::Slot;
use crate::seed::Seed;

fn ask(graph: &Graph, seeds: &[(Slot, f64)], request: &Request) -> Answer {
    activate(graph, seeds, request, &mut Workspace::default(), &|| false, Cancel::never()).unwrap()
}

/// Both ways under relation 1.
fn undirected(nodes: Slot, edges: &[(Slot, Slot, f32)]) -> Graph {
    let mut graph = Graph::new(None).unwrap();
    (0..nodes).for_each(|node| assert!(graph.insert(node, true).unwrap()));
    for &(a, b, weight) in edges {
        for (src, dst) in [(a, b), (b, a)] {
            graph.link(Edge { weight, ..Edge::new(src, dst, 1) }).unwrap();
        }
    }
    graph
}

fn random(seed: &mut Seed, nodes: Slot, edges: usize, weights: bool) -> Graph {
    let mut drawn = Vec::new();
    for _ in 0..edges {
        let (a, b) = (seed.below(nodes as usize), seed.below(nodes as usize).min(seed.below(nodes as usize)));
        let weight = if weights { 0.1 + seed.uniform() as f32 } else { 1.0 };
        if a != b {
            drawn.push((a as Slot, b as Slot, weight));
        }
    }
    undirected(nodes, &drawn)
}

fn scores(answer: &Answer, nodes: usize) -> Vec<f64> {
    let mut all = vec![0.0; nodes];
    answer.hits.iter().for_each(|hit| all[hit.slot as usize] = f64::from(hit.score));
    all
}

#[test]
fn a_path_has_its_known_ranks() {
    let graph = undirected(3, &[(0, 1, 1.0), (1, 2, 1.0)]);
    let request = Request { epsilon: 1e-7, ..Request::default() };
    let found = ask(&graph, &[(0, 1.0)], &request);
    for (hit, (slot, score)) in found.hits.iter().zip([(0, 7.0 / 12.0), (1, 1.0 / 3.0), (2, 1.0 / 12.0)]) {
        assert_eq!(hit.slot, slot);
        assert!((f64::from(hit.score) - score).abs() < 1e-6);
    }
    assert!(found.complete && found.certain == 3 && found.missing < 1e-5);
}

#[test]
fn the_passage_two_hops_away_beats_the_one_that_is_alone() {
    let (a, b, c, d, p1, p2, p3) = (0, 1, 2, 3, 4, 5, 6);
    let edges = [(a, b), (b, c), (p1, a), (p1, b), (p2, b), (p2, c), (p3, d)].map(|(x, y)| (x, y, 1.0));
    let graph = undirected(7, &edges);
    let seeds = [(a, 1.0), (p1, 0.05), (p2, 0.0), (p3, 0.05 * 0.2)];
    let request = Request { epsilon: 1e-7, ..Request::default() };
    let found = scores(&ask(&graph, &seeds, &request), 7);
    let wanted = [(a, 0.5425), (b, 0.1981), (p1, 0.1840), (c, 0.0330), (p2, 0.0330), (p3, 0.0063)];
    for (node, score) in wanted {
        assert!((found[node as usize] - score).abs() < 1e-4, "{node}: {}", found[node as usize]);
    }
    assert!(found[p2 as usize] > found[p3 as usize]);
}

#[test]
fn no_estimate_is_off_by_more_than_its_bound_on_a_hundred_random_graphs() {
    let mut space = Workspace::default();
    for round in 0..100 {
        let mut seed = Seed::new(round);
        let nodes = 20 + seed.below(400) as Slot;
        let graph = random(&mut seed, nodes, 4 * nodes as usize, round % 2 == 1);
        let least = if round % 2 == 1 { 0.1 } else { 1.0 };
        let seeds = [(seed.below(nodes as usize) as Slot, 2.0)];
        for (epsilon, restart) in [(1e-3, 0.5), (1e-4, 0.15), (1e-5, 0.5)] {
            let request = Request { k: 5, epsilon, restart, ..Request::default() };
            let truth = exact(&graph, &seeds, &request, Cancel::never()).unwrap();
            let all = Request { k: nodes as usize, ..request.clone() };
            let answer = activate(&graph, &seeds, &all, &mut space, &|| false, Cancel::never()).unwrap();
            let found = scores(&answer, nodes as usize);
            for node in 0..nodes {
                let degree: f64 = graph.out(node).map(|x| f64::from(x.weight)).sum();
                let off = truth[node as usize] - found[node as usize];
                // Single precision may be above the truth by what it rounds.
                // With equal weights this is epsilon times the degree.
                let bound = f64::from(epsilon) * degree / least;
                assert!(off >= -1e-5 && off <= bound + 1e-6, "{round} {node}: {off} of {bound}");
                assert!(off <= f64::from(answer.bound.unwrap()) + 1e-6);
            }
            let work = 1.0 / (f64::from(epsilon) * restart);
            assert!(answer.edges as f64 <= work + 1.0, "{} edges of {work}", answer.edges);
            let few = activate(&graph, &seeds, &request, &mut space, &|| false, Cancel::never()).unwrap();
            let mut order: Vec<Slot> = (0..nodes).collect();
            order.sort_by(|&a, &b| truth[b as usize].total_cmp(&truth[a as usize]));
            for hit in &few.hits[..few.certain] {
                assert!(
                    order[..5].contains(&hit.slot)
                        || truth[hit.slot as usize] >= truth[order[4] as usize] - 1e-6
                );
            }
        }
    }
}

#[test]
fn push_finds_what_dense_iteration_finds_whatever_is_asked() {
    for round in 0..40 {
        let mut seed = Seed::new(1_000 + round);
        let mut graph = Graph::new(None).unwrap();
        (0..150).for_each(|node| assert!(graph.insert(node, node % 7 > 0).unwrap()));
        for _ in 0..600 {
            let (src, end) = (seed.below(150) as Slot, 30 + seed.below(120));
            let dst = seed.below(end) as Slot;
            let edge = Edge {
                weight: 0.2 + seed.uniform() as f32,
                time: seed.below(100) as i64,
                trusted: seed.below(5) > 0,
                ..Edge::new(src, dst, 1 + seed.below(3) as u16)
            };
            graph.link(edge).unwrap();
        }
        let seeds: Vec<(Slot, f64)> =
            (0..5).map(|_| (1 + 7 * seed.below(20) as Slot, seed.uniform() + 0.1)).collect();
        let base = Request { k: 1_000, epsilon: 1e-6, ..Request::default() };
        let requests = [
            base.clone(),
            Request { direction: Direction::In, ..base.clone() },
            Request { direction: Direction::Both, trusted: true, ..base.clone() },
            Request { relations: Some(vec![(1, 2.0), (3, 0.5)]), ..base.clone() },
            Request { since: Some(20), until: Some(90), fan: Fan::Specificity, ..base.clone() },
            Request { fan: Fan::None, restart: 0.8, ..base.clone() },
            Request { fan: Fan::Log { strength: 2.0 }, hops: 4, trusted: true, ..base.clone() },
        ];
        for request in &requests {
            let truth = exact(&graph, &seeds, request, Cancel::never()).unwrap();
            let found = scores(&ask(&graph, &seeds, request), 150);
            for node in 0..150 {
                let off = (truth[node] - found[node]).abs();
                assert!(off <= 3e-4, "{request:?} {node}: {} for {}", found[node], truth[node]);
            }
        }
    }
}

#[test]
fn strangers_change_nothing_bit_for_bit() {
    for round in 0..20 {
        let mut seed = Seed::new(2_000 + round);
        let mut graph = random(&mut seed, 200, 700, true);
        let mut other = graph.clone();
        (200..260).for_each(|node| assert!(other.insert(node, node % 2 == 0).unwrap()));
        for _ in 0..3_000 {
            let (src, dst) = (seed.below(260) as Slot, seed.below(260) as Slot);
            let strange = [src, dst].iter().any(|&x| !other.is_trusted(x));
            let edge = Edge {
                trusted: strange && seed.below(2) == 0,
                ..Edge::new(src, dst, 2 + seed.below(4) as u16)
            };
            other.link(Edge { weight: 50.0 * seed.uniform() as f32 + 1.0, ..edge }).unwrap();
        }
        (0..50).for_each(|_| {
            let edge = Edge::new(seed.below(200) as Slot, seed.below(200) as Slot, 1);
            graph.link(edge).unwrap();
            other.link(edge).unwrap();
        });
        for fan in [Fan::Degree, Fan::Specificity, Fan::None, Fan::Log { strength: 3.0 }] {
            for direction in [Direction::Out, Direction::Both] {
                let request = Request { k: 300, trusted: true, fan, direction, ..Request::default() };
                let seeds = [(3, 1.0), (77, 0.5)];
                let (one, two) = (ask(&graph, &seeds, &request), ask(&other, &seeds, &request));
                assert!(one == two, "{fan:?} {direction:?}");
                let again = Graph::decode_chunks(other.encode_chunks().map(Ok), Cancel::never()).unwrap();
                assert!(ask(&again, &seeds, &request) == two);
            }
        }
    }
}

#[test]
fn one_workspace_serves_queries_and_graphs_in_turn() {
    let mut seed = Seed::new(8);
    let graphs = [random(&mut seed, 40, 100, true), random(&mut seed, 900, 3_000, true)];
    let mut space = Workspace::default();
    for round in 0..200u32 {
        let graph = &graphs[round as usize % 2];
        let seeds = [(round % 40, 1.0)];
        let request = Request { fan: [Fan::Degree, Fan::None][round as usize / 2 % 2], ..Request::default() };
        let found = activate(graph, &seeds, &request, &mut space, &|| false, Cancel::never()).unwrap();
        assert_eq!(found, ask(graph, &seeds, &request));
    }
    let queries: Vec<Vec<(Slot, f64)>> = (0..60).map(|node| vec![(node, 1.0)]).collect();
    let request = Request::default();
    let many =
        activate_many(&graphs[1], &queries, &request, &Workspaces::default(), 3, Cancel::never()).unwrap();
    assert!(many.iter().zip(&queries).all(|(found, seeds)| *found == ask(&graphs[1], seeds, &request)));
    let wrong = activate_many(&graphs[0], &queries, &request, &Workspaces::default(), 3, Cancel::never());
    assert!(matches!(wrong, Err(Error::UnknownNode { .. })));
}

#[test]
fn budgets_end_a_query_and_say_what_is_missing() {
    let graph = random(&mut Seed::new(9), 2_000, 20_000, false);
    let request = Request { epsilon: 1e-7, ..Request::default() };
    let mut before = 1.0;
    for max_edges in [1, 100, 10_000, u64::MAX] {
        let found = ask(&graph, &[(5, 1.0)], &Request { max_edges, ..request.clone() });
        assert_eq!(found.complete, max_edges == u64::MAX);
        assert!(found.missing < before && found.edges <= max_edges.saturating_add(2_000));
        before = found.missing;
    }
    let mut space = Workspace::default();
    let late = activate(&graph, &[(5, 1.0)], &request, &mut space, &|| true, Cancel::never()).unwrap();
    assert!(!late.complete && late.missing > before);
    let stopped = activate(&graph, &[(5, 1.0)], &request, &mut space, &|| false, Cancel::new(&|| true));
    assert!(matches!(stopped, Err(Error::Cancelled)));
}

#[test]
fn a_seed_that_points_everywhere_says_less() {
    let graph = undirected(5, &[(0, 2, 1.0), (1, 3, 1.0), (1, 4, 1.0)]);
    let request = Request { fan: Fan::Specificity, epsilon: 1e-6, ..Request::default() };
    let found = scores(&ask(&graph, &[(0, 1.0), (1, 1.0)], &request), 5);
    let (one, two) = (found[0] + found[2], found[1] + found[3] + found[4]);
    assert!((one / two - 2.0).abs() < 1e-3, "{one} {two}");
}

#[test]
fn inhibition_keeps_the_order_and_widens_the_distance() {
    let graph = random(&mut Seed::new(10), 300, 1_500, true);
    let plain = ask(&graph, &[(1, 1.0)], &Request::default());
    let inhibited = ask(&graph, &[(1, 1.0)], &Request { inhibition: 0.15, ..Request::default() });
    assert!(inhibited.hits.len() <= plain.hits.len() && !inhibited.hits.is_empty());
    for (one, two) in plain.hits.iter().zip(&inhibited.hits) {
        assert!(one.slot == two.slot && two.score <= one.score);
    }
    assert_eq!(plain.hits[0].score, inhibited.hits[0].score);
    let without = ask(&graph, &[(1, 1.0)], &Request { seeds: false, ..Request::default() });
    assert_eq!(without.hits[..9], plain.hits[1..]);
}

#[test]
fn a_table_of_hops_evokes_the_strongest_of_each_kind() {
    let (scene, fact) = (0, 1);
    let mut graph = Graph::new(None).unwrap();
    (0..10).for_each(|node| assert!(graph.insert(node, node != 4).unwrap()));
    for dst in 2..9 {
        graph.link(Edge { weight: dst as f32 / 10.0, ..Edge::new(scene, dst, 1) }).unwrap();
    }
    graph.link(Edge::new(9, 8, 1)).unwrap();
    let down = Hop { relation: 1, direction: Direction::Out, limit: 5 };
    let up = Hop { direction: Direction::In, limit: 9, ..down };
    let found = evoke(&graph, &[(scene, 1.0)], &[vec![down], vec![up]], 0.85, true, Cancel::never()).unwrap();
    let nodes: Vec<Slot> = found.iter().map(|x| x.node).collect();
    assert_eq!(nodes, [scene, 8, 7, 9, 6, 5, 3]);
    let of = |node| found.iter().find(|x| x.node == node).unwrap();
    assert!((of(8).activation - 0.8 * 0.85).abs() < 1e-6 && of(8).via == scene && of(8).hops == 1);
    assert!((of(9).activation - 0.8 * 0.85 * 0.85).abs() < 1e-6 && of(9).via == 8 && of(9).hops == 2);
    assert!(evoke(&graph, &[(fact, 1.0)], &[], 0.0, false, Cancel::never()).is_err());
}

#[test]
fn what_is_wrong_is_named() {
    let graph = undirected(2, &[(0, 1, 1.0)]);
    let asked = |seeds: &[(Slot, f64)], request: Request| {
        activate(&graph, seeds, &request, &mut Workspace::default(), &|| false, Cancel::never())
            .unwrap_err()
            .to_string()
    };
    assert!(asked(&[(5, 1.0)], Request::default()).starts_with("seeds[0]: no node 5"));
    assert!(asked(&[(0, 1.0), (1, -1.0)], Request::default()).starts_with("seeds[1]"));
    assert!(asked(&[(0, 0.0)], Request::default()).starts_with("seeds: "));
    for restart in [0.0, 1.0, f64::NAN] {
        assert!(asked(&[(0, 1.0)], Request { restart, ..Request::default() }).starts_with("restart"));
    }
    assert!(asked(&[(0, 1.0)], Request { epsilon: 0.0, ..Request::default() }).starts_with("epsilon"));
}
