//! What a graph promises, and the recipes and groups it should find.

use std::collections::BTreeMap;

use super::*;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::id::Slot;

fn graph(nodes: Slot, edges: &[(Slot, Slot)]) -> Graph {
    let mut graph = Graph::new(None).unwrap();
    (0..nodes).for_each(|node| assert!(graph.insert(node, true).unwrap()));
    let edges: Vec<Edge> = edges.iter().map(|&(src, dst)| Edge::new(src, dst, 1)).collect();
    graph.link_many(&edges, Cancel::never()).unwrap();
    graph
}

/// Cliques of `size` in a chain, one edge between neighbours.
fn cliques(count: Slot, size: Slot) -> Graph {
    let mut edges = Vec::new();
    for first in (0..count).map(|clique| clique * size) {
        edges.extend((0..size).flat_map(|a| (0..a).map(move |b| (first + a, first + b))));
        if first > 0 {
            edges.push((first - 1, first));
        }
    }
    graph(count * size, &edges)
}

#[test]
fn cliques_in_a_chain_are_told_apart_whatever_the_order() {
    for by in [Communities::Labels, Communities::Modularity { resolution: 1.0 }] {
        for count in [2, 4, 10] {
            let graph = cliques(count, 5);
            for seed in 0..50 {
                let found = graph.communities(by, &Follow::default(), seed, Cancel::never()).unwrap();
                let wanted: Vec<Vec<Slot>> = (0..count).map(|x| (5 * x..5 * x + 5).collect()).collect();
                assert_eq!(found, wanted, "{by:?}, {count} cliques, seed {seed}");
            }
        }
    }
}

#[test]
fn a_recipe_is_counted_back_to_its_raw_materials() {
    let (tool, stick, plank, log) = (0, 1, 2, 3);
    let mut graph = graph(4, &[]);
    for (src, dst, weight) in [(tool, plank, 3.0), (tool, stick, 2.0), (stick, plank, 2.0), (plank, log, 1.0)]
    {
        graph.link(Edge { weight, ..Edge::new(src, dst, 7) }).unwrap();
    }
    let yields = BTreeMap::from([(stick, 4.0), (plank, 4.0)]);
    let found = graph.requirements(tool, 1.0, 7, &yields, Cancel::never()).unwrap();
    let found: Vec<_> = found.iter().map(|x| (x.node, x.amount, x.crafts)).collect();
    assert_eq!(found, [(tool, 1.0, 1), (stick, 2.0, 1), (plank, 5.0, 2), (log, 2.0, 0)]);
    assert!(graph.requirements(tool, f64::NAN, 7, &yields, Cancel::never()).is_err());
    graph.link(Edge::new(log, tool, 7)).unwrap();
    let cycle = graph.requirements(tool, 1.0, 7, &yields, Cancel::never()).unwrap_err();
    assert!(matches!(cycle, Error::Cycle { .. }));
}

#[test]
fn an_order_puts_every_node_before_its_ends_or_names_a_cycle() {
    let mut graph = graph(6, &[(5, 0), (5, 2), (2, 3), (3, 1), (4, 0), (4, 1)]);
    let all = Follow::default();
    assert_eq!(graph.toposort(&all, Cancel::never()).unwrap(), [4, 5, 0, 2, 3, 1]);
    assert_eq!(graph.propagate(5, &all, Cancel::never()).unwrap(), [0, 2, 3, 1]);
    assert_eq!(graph.dirty().iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(graph.clean(2) && !graph.clean(2));
    graph.link(Edge::new(1, 2, 1)).unwrap();
    let Err(Error::Cycle { nodes }) = graph.toposort(&all, Cancel::never()) else { panic!("no cycle") };
    assert_eq!(nodes, [1, 2, 3]);
    assert_eq!(Error::Cycle { nodes }.to_string(), "a cycle of nodes: 1 -> 2 -> 3 -> 1");
    assert!(graph.propagate(5, &all, Cancel::never()).is_err());
    assert!(!graph.dirty().contains(2));
    let other = Follow { relations: Some(vec![9]), ..Follow::default() };
    assert_eq!(graph.toposort(&other, Cancel::never()).unwrap(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn closure_follows_only_its_relations() {
    let mut graph = graph(5, &[(0, 1), (1, 2)]);
    graph.link(Edge::new(2, 3, 2)).unwrap();
    graph.link(Edge { trusted: false, ..Edge::new(1, 4, 1) }).unwrap();
    let ask = |relations: Option<Vec<Relation>>, direction, trusted, from| {
        graph.closure(from, &Follow { relations, direction, trusted }, Cancel::never()).unwrap()
    };
    assert_eq!(ask(None, Direction::Out, false, 0), [1, 2, 3, 4]);
    assert_eq!(ask(Some(vec![1]), Direction::Out, false, 0), [1, 2, 4]);
    assert_eq!(ask(Some(vec![1]), Direction::Out, true, 0), [1, 2]);
    assert_eq!(ask(None, Direction::In, false, 3), [0, 1, 2]);
    assert_eq!(ask(None, Direction::Both, false, 4), [0, 1, 2, 3]);
    let near = graph.neighbours(
        &[1],
        1,
        &Follow { direction: Direction::Both, ..Follow::default() },
        Cancel::never(),
    );
    assert_eq!(near.unwrap(), [(1, 0), (0, 1), (2, 1), (4, 1)]);
}

#[test]
fn paths_are_shortest_by_hops_or_by_strength() {
    let mut graph = graph(5, &[(0, 1), (1, 4)]);
    for (src, dst) in [(0, 2), (2, 3), (3, 4)] {
        graph.link(Edge { weight: 10.0, ..Edge::new(src, dst, 1) }).unwrap();
    }
    let ask = |length, from, to| {
        graph.shortest_path(from, to, length, &Follow::default(), Cancel::never()).unwrap()
    };
    assert_eq!(ask(Length::Hops, 0, 4), Some((vec![0, 1, 4], 2.0)));
    let (path, length) = ask(Length::Inverse, 0, 4).unwrap();
    assert!(path == [0, 2, 3, 4] && (length - 0.3).abs() < 1e-7);
    assert_eq!((ask(Length::Hops, 4, 0), ask(Length::Hops, 3, 3)), (None, Some((vec![3], 0.0))));
}

#[test]
fn hyperedges_have_their_own_numbers_and_keep_their_lineage() {
    let mut graph = graph(4, &[]);
    graph.insert_hyperedge(10, &[0, 1], "they met", 5, true).unwrap();
    graph.insert_hyperedge(11, &[0, 1], "they quarrelled", 6, true).unwrap();
    graph.insert_hyperedge(12, &[1, 2], "they left", 7, true).unwrap();
    assert_eq!((graph.members(10), graph.members(11)), (vec![0, 1], vec![0, 1]));
    assert_eq!(graph.incident(&[0, 1, 1]), [(10, 2), (11, 2), (12, 1)]);
    graph.merge_hyperedges(&[10, 12], 13, "they met and left", 8).unwrap();
    assert_eq!((graph.members(13), graph.members(10)), (vec![0, 1, 2], vec![0, 1]));
    assert_eq!(graph.hyperedge(13).unwrap().parents, [10, 12]);
    assert_eq!(graph.incident(&[0, 1, 2]), [(13, 3), (11, 2)]);
    assert!(graph.merge_hyperedges(&[10, 11], 14, "", 0).is_err() && !graph.contains(14));
    graph.update_hyperedge(11, Some("they made up"), &[3], &[0]).unwrap();
    assert_eq!((graph.members(11), graph.hyperedge(11).unwrap().text.as_str()), (vec![1, 3], "they made up"));
    assert!(graph.update_hyperedge(11, None, &[], &[1, 3]).is_err());
    graph.merge(3, 1).unwrap();
    assert_eq!(
        (graph.members(11), graph.members(12), graph.members(13)),
        (vec![3], vec![2, 3], vec![0, 2, 3])
    );
    graph.remove(0).unwrap();
    assert_eq!((graph.members(13), graph.members(10)), (vec![2, 3], vec![3]));
    assert!(graph.link(Edge::new(2, 3, MEMBER)).is_err());
}

#[test]
fn a_cap_drops_the_weakest_and_says_so() {
    let mut graph = Graph::new(Some(2)).unwrap();
    (0..5).for_each(|node| assert!(graph.insert(node, true).unwrap()));
    let edge = |dst, weight| Edge { weight, ..Edge::new(0, dst, 1) };
    assert_eq!(graph.link(edge(1, 0.5)).unwrap(), Linked::New);
    assert_eq!(graph.link(edge(2, 0.4)).unwrap(), Linked::New);
    assert_eq!(graph.link(edge(2, 0.6)).unwrap(), Linked::Replaced(edge(2, 0.4)));
    assert_eq!(graph.link(edge(3, 0.9)).unwrap(), Linked::Dropped(edge(1, 0.5)));
    assert_eq!(graph.link(edge(4, 0.1)).unwrap(), Linked::Dropped(edge(4, 0.1)));
    let many: Vec<Edge> = (0..100).map(|at| edge(1 + at % 4, 1.0 + at as f32)).collect();
    let batch = graph.link_many(&many, Cancel::never()).unwrap();
    assert_eq!((batch.new, batch.replaced), (2, 98));
    assert_eq!(batch.dropped, [edge(1, 97.0), edge(2, 98.0)]);
    assert_eq!((graph.degree(0), graph.dropped(), graph.edges()), (2, 4, 2));
    graph.insert_hyperedge(9, &[0, 1, 2, 3], "", 0, true).unwrap();
    assert_eq!((graph.degree(0), graph.members(9).len(), graph.dropped()), (3, 4, 4));
}

#[test]
fn merging_nodes_adds_weights_but_not_those_of_strangers() {
    let mut graph = graph(4, &[]);
    let edge = |src, dst, weight, trusted| Edge { weight, trusted, ..Edge::new(src, dst, 1) };
    for edge in [
        edge(0, 2, 1.0, true),
        edge(1, 2, 2.0, true),
        edge(0, 3, 1.0, true),
        edge(1, 3, 9.0, false),
        edge(3, 1, 4.0, true),
        edge(0, 1, 1.0, true),
        edge(1, 1, 1.0, true),
    ] {
        graph.link(edge).unwrap();
    }
    graph.merge(0, 1).unwrap();
    let found: Vec<Edge> = graph.iter().collect();
    assert_eq!(found, [edge(0, 2, 3.0, true), edge(0, 3, 1.0, true), edge(3, 0, 4.0, true)]);
    assert!(graph.merge(0, 0).is_err() && graph.merge(0, 1).is_err());
}

#[test]
fn strangers_are_not_counted_whichever_way_they_come() {
    let counted = |graph: &Graph| -> Vec<u32> {
        let believed = |x: &Edge| x.trusted && graph.is_trusted(x.src) && graph.is_trusted(x.dst);
        let own = |node: Slot| graph.iter().filter(|x| x.src == node && believed(x)).count() as u32;
        (0..4).map(own).collect()
    };
    let strange = |src, dst| Edge { trusted: false, ..Edge::new(src, dst, 1) };
    // The first stranger takes the place of a friend, is new, comes with others, or is a node.
    for first in 0..4 {
        let mut graph = graph(4, &[(0, 1), (0, 2), (1, 2), (2, 2), (3, 0)]);
        assert_eq!(graph.trusted_degrees()[..4], counted(&graph));
        match first {
            0 => assert!(matches!(graph.link(strange(0, 1)), Ok(Linked::Replaced(_)))),
            1 => assert_eq!(graph.link(strange(1, 3)).unwrap(), Linked::New),
            2 => assert_eq!(graph.link_many(&[strange(0, 1); 70], Cancel::never()).unwrap().new, 0),
            _ => graph.set_trusted(2, false),
        }
        assert_eq!(graph.trusted_degrees()[..4], counted(&graph), "{first}");
        graph.link(Edge::new(0, 1, 1)).unwrap();
        graph.set_trusted(0, false);
        graph.set_trusted(2, true);
        assert_eq!(graph.trusted_degrees()[..4], counted(&graph), "{first}");
        graph.set_trusted(0, true);
        graph.unlink(0, 2, 1);
        graph.remove(1);
        assert_eq!(graph.trusted_degrees()[..4], counted(&graph), "{first}");
    }
}
