//! What is asked.

use super::fusion::Fusion;

/// One recall.
#[derive(Debug, Clone)]
pub struct Request {
    /// The words of the query; none to go by the vector alone.
    pub text: Option<String>,
    /// The query in the embedding space of the namespace; none to go by the words alone.
    pub vector: Option<Vec<f32>>,
    /// How many hits.
    pub k: usize,
    /// The share of the nearest vectors that a search of many is to find, in `(0, 1]`; 1 finds all.
    pub recall: f64,
    /// Whether links between memories play a part.
    pub links: bool,
    /// Weight of the base-level activation beside the other signals; 0 leaves it out.
    pub base_level: f32,
    /// How the signals become one score.
    pub fusion: Fusion,
    /// Whether each hit says what it owes to each signal.
    pub explain: bool,
}
