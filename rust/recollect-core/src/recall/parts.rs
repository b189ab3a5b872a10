//! What each signal adds to the score of each candidate.

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
}
