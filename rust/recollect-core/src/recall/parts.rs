//! What each signal adds to the score of each candidate.

use crate::id::Slot;

/// What each signal adds to the score of each candidate; the fused score is their sum.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// From the words of the candidate itself; empty where words play no part.
    pub words: Vec<f32>,
    /// From its vectors.
    pub vectors: Vec<f32>,
    /// From the words of its neighbours.
    pub neighbours: Vec<f32>,
    /// From the words of its session.
    pub session: Vec<f32>,
    /// From its speaker, if the query names them.
    pub speaker: Vec<f32>,
    /// From the links that lead to it.
    pub links: Vec<f32>,
    /// From how often and how lately it was of use.
    pub base_level: Vec<f32>,
}

impl Parts {
    /// The fused score of each of `count` candidates.
    pub(super) fn sum(&self, count: usize) -> Vec<f32> {
        let Self { words, vectors, neighbours, session, speaker, links, base_level } = self;
        let mut sum = vec![0.0; count];
        for list in [words, vectors, neighbours, session, speaker, links, base_level] {
            sum.iter_mut().zip(list).for_each(|(sum, part)| *sum += part);
        }
        sum
    }
}

/// What links add to candidates.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// By candidate; empty where there are no links to follow.
    pub parts: Vec<f32>,
    /// The seeds.
    pub seeds: Vec<Slot>,
    /// Of these, how many the query names.
    pub named: usize,
    /// Memories reached.
    pub reached: usize,
    /// Links followed.
    pub followed: u64,
}
