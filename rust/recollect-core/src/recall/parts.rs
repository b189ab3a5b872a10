//! What each signal adds to the score of each candidate.

use crate::id::Slot;

/// What each signal adds to the score of each candidate; the fused score is their sum. A list is empty where its signal
/// plays no part.
#[derive(Debug, Default, Clone)]
pub(super) struct Parts {
    /// From the words of the candidate itself.
    pub words: Vec<f32>,
    /// From its vectors.
    pub vectors: Vec<f32>,
    /// From the words of its neighbours.
    pub neighbours: Vec<f32>,
    /// From the words of its session.
    pub session: Vec<f32>,
    /// From the similarity of its neighbours and its session.
    pub context: Vec<f32>,
    /// From its speaker, if the query speaks of them.
    pub speaker: Vec<f32>,
    /// From its age, if the query goes on with a conversation.
    pub recency: Vec<f32>,
    /// From the question it answers, or from being one.
    pub replies: Vec<f32>,
    /// From lying in a time that is asked for.
    pub dates: Vec<f32>,
    /// From the links that lead to it.
    pub links: Vec<f32>,
    /// From being early or late, if that is asked for.
    pub order: Vec<f32>,
    /// From how often and how lately it was of use.
    pub base_level: Vec<f32>,
}

impl Parts {
    /// The fused score of each of `count` candidates.
    pub(super) fn sum(&self, count: usize) -> Vec<f32> {
        let Self { words, vectors, neighbours, session, context, speaker, recency, replies, .. } = self;
        let Self { dates, links, order, base_level, .. } = self;
        let mut sum = vec![0.0; count];
        let own = [words, vectors, neighbours, session, context];
        for list in own.into_iter().chain([speaker, recency, replies, dates, links, base_level, order]) {
            add(&mut sum, list);
        }
        sum
    }
}

/// Adds a list to another, position by position; an empty one adds nothing.
pub(super) fn add(sum: &mut [f32], list: &[f32]) {
    sum.iter_mut().zip(list).for_each(|(sum, part)| *sum += part);
}

/// How links were followed.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// The seeds.
    pub seeds: Vec<Slot>,
    /// Of these, how many the query names.
    pub named: usize,
    /// Memories reached.
    pub reached: usize,
    /// Links followed.
    pub followed: u64,
}
