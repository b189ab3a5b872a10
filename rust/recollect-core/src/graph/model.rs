//! Random edits against a plain map of edges.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::cancel::Cancel;
use crate::id::Slot;
use crate::seed::Seed;

type Key = (Slot, Slot, Relation);

#[derive(Default)]
struct Model {
    nodes: BTreeSet<Slot>,
    edges: BTreeMap<Key, Edge>,
    pointing: BTreeMap<Slot, BTreeSet<Key>>,
}

impl Model {
    fn put(&mut self, edge: Edge) -> Option<Edge> {
        let key = (edge.src, edge.dst, edge.relation);
        self.pointing.entry(edge.dst).or_default().insert(key);
        self.edges.insert(key, edge)
    }

    fn take(&mut self, key: Key) -> Option<Edge> {
        self.pointing.entry(key.1).or_default().remove(&key);
        self.edges.remove(&key)
    }

    fn remove(&mut self, node: Slot) -> Option<usize> {
        if !self.nodes.remove(&node) {
            return None;
        }
        let out = self.edges.range((node, 0, 0)..=(node, Slot::MAX, Relation::MAX)).map(|x| *x.0);
        let keys: BTreeSet<Key> = out.chain(self.pointing.remove(&node).unwrap_or_default()).collect();
        keys.iter().for_each(|key| assert!(self.take(*key).is_some()));
        Some(keys.len())
    }

    fn check(&self, graph: &Graph) {
        assert_eq!(graph.nodes().iter().collect::<Vec<_>>(), self.nodes.iter().copied().collect::<Vec<_>>());
        assert_eq!(graph.edges(), self.edges.len());
        assert!(graph.iter().eq(self.edges.values().copied()));
        for &node in &self.nodes {
            let keys = self.pointing.get(&node).into_iter().flatten();
            let wanted: Vec<Edge> = keys.map(|key| self.edges[key]).collect();
            let found: Vec<Edge> = graph.edges_into(node).map(|(src, x)| graph.edge(src, x)).collect();
            assert_eq!(found, wanted);
            assert_eq!(graph.degree(node), graph.out(node).count());
            let believed =
                |edge: &&Edge| edge.trusted && graph.is_trusted(node) && graph.is_trusted(edge.dst);
            let out = self.edges.range((node, 0, 0)..=(node, Slot::MAX, Relation::MAX)).map(|x| x.1);
            assert_eq!(graph.trusted_degrees()[node as usize] as usize, out.filter(believed).count());
            let sources: BTreeSet<Slot> = wanted.iter().map(|x| x.src).collect();
            assert_eq!(graph.in_degree(node), sources.len());
        }
    }
}

fn reloaded(graph: &Graph) -> Graph {
    let again = Graph::decode_chunks(graph.encode_chunks().map(Ok), Cancel::never()).unwrap();
    assert!(again.encode_chunks().eq(graph.encode_chunks()));
    again
}

/// Half of the draws among the first few, so that hubs and repetitions are common.
fn node(seed: &mut Seed, nodes: usize) -> Slot {
    let end = if seed.below(2) == 0 { nodes.min(8) } else { nodes };
    seed.below(end) as Slot
}

fn drawn(seed: &mut Seed, nodes: usize) -> Edge {
    Edge {
        src: node(seed, nodes),
        dst: node(seed, nodes),
        relation: 1 + seed.below(3) as Relation,
        weight: 1.0 + seed.below(8) as f32,
        time: [0, seed.below(1000) as i64, (seed.bits() >> 12) as i64 - (1 << 51)][seed.below(3)],
        source: [NOWHERE, seed.below(300) as u32][seed.below(2)],
        trusted: seed.below(4) > 0,
    }
}

fn run(start: u64, nodes: usize, edits: usize) {
    let (mut seed, mut graph, mut model) = (Seed::new(start), Graph::new(None).unwrap(), Model::default());
    let mut made = 0;
    while made < edits {
        let edge = drawn(&mut seed, nodes);
        let key = (edge.src, edge.dst, edge.relation);
        let known = model.nodes.contains(&edge.src) && model.nodes.contains(&edge.dst);
        made += 1;
        match seed.below(1000) {
            0..600 => {
                let found = graph.link(edge);
                assert_eq!(found.is_ok(), known);
                if known {
                    let before = model.put(edge);
                    assert_eq!(found.unwrap(), before.map_or(Linked::New, Linked::Replaced));
                }
            }
            600..800 => assert_eq!(graph.unlink(key.0, key.1, key.2), model.take(key)),
            800..900 => {
                let found = graph.strengthen(key.0, key.1, key.2, 1.5, 7);
                assert_eq!(found.is_ok(), model.edges.contains_key(&key));
                if let Some(edge) = model.edges.get_mut(&key) {
                    (edge.weight, edge.time) = (edge.weight + 1.5, 7);
                    assert_eq!(found.unwrap(), edge.weight);
                }
            }
            900..980 => {
                let new = model.nodes.insert(edge.src);
                assert_eq!(graph.insert(edge.src, true).unwrap(), new);
            }
            980..986 => {
                let other = seed.below(nodes) as Slot;
                assert_eq!(graph.remove(other), model.remove(other));
            }
            986..990 => {
                if model.nodes.contains(&edge.src) {
                    graph.set_trusted(edge.src, edge.trusted);
                    assert_eq!(graph.is_trusted(edge.src), edge.trusted);
                }
            }
            990..998 => assert_eq!(graph.get(key.0, key.1, key.2), model.edges.get(&key).copied()),
            _ => {
                let edges: Vec<Edge> = (0..seed.below(400)).map(|_| drawn(&mut seed, nodes)).collect();
                let all = |edge: &Edge| model.nodes.contains(&edge.src) && model.nodes.contains(&edge.dst);
                let fine = edges.iter().all(all);
                let found = graph.link_many(&edges, Cancel::never());
                assert_eq!(found.is_ok(), fine);
                if fine {
                    made += edges.len();
                    let new = edges.into_iter().filter(|edge| model.put(*edge).is_none()).count();
                    assert_eq!(found.unwrap().new, new);
                }
            }
        }
        if seed.below(edits / 20) == 0 {
            model.check(&graph);
            if seed.below(3) == 0 {
                graph = reloaded(&graph);
            }
        }
    }
    model.check(&graph);
    model.check(&reloaded(&graph));
}

#[test]
fn a_graph_is_a_map_of_edges() {
    (0..6).for_each(|seed| run(seed, 20, 4_000));
    (0..3).for_each(|seed| run(seed, 300, 20_000));
    run(9, 20_000, 100_000);
}

#[test]
#[ignore = "seconds in release: cargo test --release -- --ignored"]
fn a_million_edits() {
    run(1, 3_000, 1_000_000);
}

#[test]
fn damaged_bytes_are_an_error() {
    let mut graph = Graph::new(Some(9)).unwrap();
    (0..70).for_each(|node| assert!(graph.insert(node, node % 5 > 0).unwrap()));
    let mut seed = Seed::new(3);
    (0..200).for_each(|_| assert!(graph.link(drawn(&mut seed, 70)).is_ok()));
    graph.insert_hyperedge(80, &[1, 2], "both", 3, true).unwrap();
    graph.insert_hyperedge(81, &[2, 3], "both", 3, true).unwrap();
    graph.merge_hyperedges(&[80, 81], 82, "all", 4).unwrap();
    let pieces: Vec<Vec<u8>> = graph.encode_chunks().collect();
    assert!(reloaded(&graph).encode_chunks().eq(pieces.iter().cloned()));
    for (number, piece) in pieces.iter().enumerate() {
        for at in 0..piece.len() {
            // A shorter piece is an error; a changed one is an error or another graph, never a panic.
            let mut shorter = pieces.clone();
            shorter[number].truncate(at);
            assert!(Graph::decode_chunks(shorter.into_iter().map(Ok), Cancel::never()).is_err());
            // A far greater number of a node would only take its memory.
            if number == 2 && (2..4).contains(&(at % 5)) {
                continue;
            }
            let mut changed = pieces.clone();
            changed[number][at] ^= 1 << (at % 8);
            let _ = Graph::decode_chunks(changed.into_iter().map(Ok), Cancel::never());
        }
    }
    assert!(Graph::decode_chunks(pieces[..3].iter().cloned().map(Ok), Cancel::never()).is_err());
    let longer = pieces.iter().cloned().chain([vec![0]]);
    assert!(Graph::decode_chunks(longer.map(Ok), Cancel::never()).is_err());
}
