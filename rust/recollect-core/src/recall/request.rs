//! What is asked.

use super::fusion::Fusion;
use super::when::When;

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
    /// What speaks beside words and vectors, in the adaptive fusion.
    pub beside: Beside,
    /// What is asked of time, in the adaptive fusion.
    pub when: When,
    /// Weight of the base-level activation beside the other signals; 0 leaves it out.
    pub base_level: f32,
    /// How the signals become one score.
    pub fusion: Fusion,
    /// Whether each hit says what it owes to each signal.
    pub explain: bool,
}

/// What speaks beside words and vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// Links between memories.
    pub links: bool,
    /// Answers to the questions that are found.
    pub replies: bool,
    /// Who said it, if the query speaks of somebody.
    pub speakers: bool,
    /// What was said lately, if the query goes on with a conversation.
    pub recency: bool,
    /// The words of the neighbours in the session.
    pub neighbours: bool,
    /// The words of the session as a whole.
    pub session: bool,
    /// The similarity of the neighbours and of the session, for short memories.
    pub context: bool,
}

impl Beside {
    /// All of it.
    pub const ALL: Self = Self {
        links: true,
        replies: true,
        speakers: true,
        recency: true,
        neighbours: true,
        session: true,
        context: true,
    };
    /// None of it.
    pub const NONE: Self = Self {
        links: false,
        replies: false,
        speakers: false,
        recency: false,
        neighbours: false,
        session: false,
        context: false,
    };
}
