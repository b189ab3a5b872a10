//! What words and vectors say of memories, computed one by one in double precision.

use std::collections::BTreeSet;

use recollect_core::id::Uid;
use recollect_core::lexical::{Analyzer, Language};
use recollect_core::record::Record;
use recollect_core::vector::Keep;
use serde_json::Value;

use crate::cases::{DAY, MONDAY};
use crate::conditions::Choice;
use crate::life::Life;
use crate::model::Book;

/// A memory in scope.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) uid: Uid,
    /// BM25; zero without a word of the query.
    pub(crate) words: f64,
    pub(crate) vector: Option<f64>,
    /// Its speaker shares a word with the query.
    pub(crate) addressed: bool,
}

/// A namespace as a query sees it.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) candidates: Vec<Candidate>,
    /// Sessions in order; none where a member is out of scope.
    pub(crate) sessions: Vec<Vec<Option<usize>>>,
    /// Inverse document frequency and document frequency of the query's terms.
    pub(crate) terms: Vec<(f64, usize)>,
    pub(crate) memories: usize,
}

fn terms(text: &str) -> Vec<String> {
    Analyzer::new(Some(Language::English)).terms(text)
}

fn named(record: &Record) -> Option<&str> {
    let roles = ["user", "assistant", "system", "human", "ai", "tool", "bot"];
    record.speaker.as_deref().filter(|x| !roles.contains(&x.to_lowercase().as_str()))
}

/// The words a memory is found under; the events of the tests lie in one week.
fn key(record: &Record) -> String {
    let mut key = record.text.clone();
    if let Some(speaker) = named(record) {
        key = format!("{key}\n{speaker}");
    }
    if let Some(Value::String(title)) = record.metadata.get("title") {
        key = format!("{key}\n{title}");
    }
    if let Some(event) = record.event {
        let day = (event.start.0 - MONDAY) / DAY;
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        key = format!("{key}\n{} May 2023 {}", 8 + day, names[day as usize]);
    }
    key
}

/// Linear between powers of two.
fn log2(x: f64) -> f64 {
    let whole = x.log2().floor();
    whole + x / whole.exp2() - 1.0
}

/// Memories with their BM25.
type Told<'a> = Vec<(&'a Life, f64)>;

/// Words and distinct terms of the query over all live memories, expired ones too.
fn lexical<'a>(lives: &[&'a Life], text: &str) -> (Told<'a>, Vec<(f64, usize)>) {
    let documents: Vec<Vec<String>> = lives.iter().map(|life| terms(&key(life.record()))).collect();
    let count = documents.len() as f64;
    let average = documents.iter().map(Vec::len).sum::<usize>() as f64 / count.max(1.0);
    let distinct: BTreeSet<String> = terms(text).into_iter().collect();
    let mut scores: Vec<_> = lives.iter().map(|&life| (life, 0.0)).collect();
    let mut weights = Vec::new();
    for term in &distinct {
        let holding = documents.iter().filter(|d| d.contains(term)).count();
        let idf = (1.0 + (count - holding as f64 + 0.5) / (holding as f64 + 0.5)).ln();
        weights.push((idf, holding));
        for (document, (_, score)) in documents.iter().zip(&mut scores) {
            let frequency = document.iter().filter(|x| *x == term).count() as f64;
            if frequency > 0.0 {
                let norm = 1.2 * log2(1.0 + document.len() as f64 / average);
                *score += idf * 2.2 / (1.0 + norm / frequency);
            }
        }
    }
    (scores, weights)
}

/// Of a query and of what is kept of a vector, which is of length one where it was rounded, as near as that allows.
fn cosine(query: &[f32], kept: &[f32], keep: Keep) -> f64 {
    let (a, b) = (query, kept);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    let norms = (dot(a, a) * if keep == Keep::F32 { dot(b, b) } else { 1.0 }).sqrt();
    if norms > 0.0 { dot(a, b) / norms } else { 0.0 }
}

pub(crate) fn scope(
    book: &Book,
    text: Option<&str>,
    vector: Option<&[f32]>,
    choice: &Choice,
    now: i64,
) -> Scope {
    let mut live: Vec<&Life> = book.lives.iter().filter(|life| life.live()).collect();
    live.sort_by_key(|life| life.last().seq);
    let (scores, weights) = lexical(&live, text.unwrap_or(""));
    let asked: BTreeSet<String> = text.map(terms).into_iter().flatten().collect();
    let best = |query: &[f32], life: &Life| {
        life.last().vectors.iter().map(|x| cosine(query, x, book.keep)).reduce(f64::max)
    };
    let within = |life: &Life| life.seen(now) && choice.admits(life.record());
    let candidates: Vec<Candidate> = scores
        .into_iter()
        .filter(|(life, _)| within(life))
        .map(|(life, words)| Candidate {
            uid: life.uid,
            words,
            vector: vector.and_then(|query| best(query, life)),
            addressed: named(life.record()).is_some_and(|name| terms(name).iter().any(|x| asked.contains(x))),
        })
        .collect();
    let names: BTreeSet<&String> = live.iter().filter_map(|life| life.record().session.as_ref()).collect();
    let session = |name: &&String| {
        let mut members: Vec<&&Life> =
            live.iter().filter(|x| x.record().session.as_ref() == Some(name)).collect();
        members.sort_by_key(|life| life.place());
        members.into_iter().map(|life| candidates.iter().position(|x| x.uid == life.uid)).collect()
    };
    let sessions = names.iter().map(session).collect();
    Scope { candidates, sessions, terms: weights, memories: live.len() }
}
