//! Forward push on a graph whose degrees follow a power law: milliseconds, edges followed, agreement of the best 20.
//!
//! `cargo run --release --example activation_speed -- [nodes] [edges] [queries] [inserts]`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program that measures"
)]

use std::collections::HashSet;
use std::time::Instant;

use recollect_core::activation::{Request, Workspace, activate, exact};
use recollect_core::cancel::Cancel;
use recollect_core::graph::{Edge, Graph};
use recollect_core::seed::Seed;

const K: usize = 20;
const SEEDS: usize = 10;

fn main() {
    let mut asked = std::env::args().skip(1).map(|x| x.replace('_', "").parse::<usize>().unwrap());
    let (nodes, edges) = (asked.next().unwrap_or(1_000_000), asked.next().unwrap_or(10_000_000));
    let (queries, inserts) = (asked.next().unwrap_or(10), asked.next().unwrap_or(200_000));
    let mut seed = Seed::new(1);
    // Node i is drawn with a chance in proportion to (i + 1)^-1/2, in a random order of nodes.
    let mut order: Vec<u32> = (0..nodes as u32).collect();
    (1..nodes).rev().for_each(|at| order.swap(at, seed.below(at + 1)));
    let end = |seed: &mut Seed| order[((seed.uniform().powi(2)) * nodes as f64) as usize];
    let edges: Vec<Edge> = (0..edges / 2)
        .flat_map(|_| {
            let (a, b) = (end(&mut seed), end(&mut seed));
            let edge = Edge { time: seed.below(1 << 44) as i64, ..Edge::new(a, b, 1) };
            [edge, Edge { src: b, dst: a, ..edge }]
        })
        .collect();
    let mut graph = Graph::new(None).unwrap();
    (0..nodes as u32).for_each(|node| assert!(graph.insert(node, true).unwrap()));
    let start = Instant::now();
    graph.link_many(&edges, Cancel::never()).unwrap();
    let took = start.elapsed().as_secs_f64();
    println!(
        "{nodes} nodes, {} edges: built in {took:.2} s, {:.2} bytes an edge",
        graph.edges(),
        graph.bytes() as f64 / graph.edges() as f64
    );
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..inserts {
        let edge = Edge { time: 5, ..Edge::new(end(&mut seed), end(&mut seed), 2) };
        let start = Instant::now();
        graph.link(edge).unwrap();
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    times.sort_by(f64::total_cmp);
    println!(
        "insert: mean {mean:.2} us, p50 {:.2}, p99 {:.2}, max {:.0}",
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1]
    );
    let seeds: Vec<Vec<(u32, f64)>> =
        (0..queries).map(|_| (0..SEEDS).map(|_| (seed.below(nodes) as u32, 1.0)).collect()).collect();
    let request = Request { k: K, ..Request::default() };
    let truths: Vec<Vec<f64>> =
        seeds.iter().map(|seeds| exact(&graph, seeds, &request, Cancel::never()).unwrap()).collect();
    let mut space = Workspace::default();
    for epsilon in [1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7] {
        let request = Request { epsilon, ..request.clone() };
        let (mut times, mut same, mut tied, mut followed, mut missing, mut certain, mut reached) =
            (Vec::new(), 0, 0, 0, 0.0, 0, 0);
        for round in 0..3 {
            for (seeds, truth) in seeds.iter().zip(&truths) {
                let start = Instant::now();
                let answer =
                    activate(&graph, seeds, &request, &mut space, &|| false, Cancel::never()).unwrap();
                times.push(start.elapsed().as_secs_f64() * 1e3);
                if round > 0 {
                    continue;
                }
                let mut best: Vec<u32> = (0..truth.len() as u32).collect();
                best.select_nth_unstable_by(K - 1, |&a, &b| truth[b as usize].total_cmp(&truth[a as usize]));
                let best: HashSet<u32> = best[..K].iter().copied().collect();
                let least = best.iter().map(|&x| truth[x as usize]).fold(f64::INFINITY, f64::min);
                same += answer.hits.iter().filter(|hit| best.contains(&hit.slot)).count();
                tied += answer.hits.iter().filter(|hit| truth[hit.slot as usize] >= least * 0.999).count();
                followed += answer.edges;
                reached += answer.reached;
                missing += f64::from(answer.missing);
                certain += answer.certain;
            }
        }
        times.sort_by(f64::total_cmp);
        let of = (queries * K) as f64;
        println!(
            "epsilon {epsilon:.0e}: p50 {:8.3} ms, agreement {:.3} (0.1 % of the score: {:.3}), {:.0} edges, {:.0} nodes, missing {:.4}, certain {:.1}",
            times[times.len() / 2],
            f64::from(same as u32) / of,
            f64::from(tied as u32) / of,
            followed as f64 / queries as f64,
            reached as f64 / queries as f64,
            missing / queries as f64,
            certain as f64 / queries as f64
        );
    }
}
