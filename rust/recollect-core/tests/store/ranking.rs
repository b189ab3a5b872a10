//! The fusions once more, over several namespaces read as one, in double precision.

use recollect_core::id::Uid;
use recollect_core::recall::Fusion;

use crate::oracle::{Candidate, Scope};

/// Score of every hit.
pub(crate) fn fuse(scopes: &[Scope], fusion: Fusion) -> Vec<(Uid, f64)> {
    match fusion {
        Fusion::Adaptive => adaptive(scopes),
        Fusion::ReciprocalRank => {
            let (words, vectors) = (ranks(scopes, words), ranks(scopes, |x| x.vector));
            let reciprocal = |rank: &[Uid], uid: Uid| {
                rank.iter().position(|x| *x == uid).map_or(0.0, |at| 1.0 / (61.0 + at as f64))
            };
            spoken(scopes).map(|x| (x.uid, reciprocal(&words, x.uid) + reciprocal(&vectors, x.uid))).collect()
        }
        Fusion::Convex { weight } => {
            let all = || scopes.iter().flat_map(|scope| &scope.candidates);
            let greatest = |list: fn(&Candidate) -> Option<f64>| all().filter_map(list).fold(0.0, f64::max);
            let (words_top, vectors_top) = (greatest(words), greatest(|x| x.vector));
            let both = all().any(|x| x.words > 0.0) && all().any(|x| x.vector.is_some());
            let weight = if both { f64::from(weight) } else { 0.5 };
            let part =
                |score: Option<f64>, top: f64| if top > 0.0 { score.unwrap_or(0.0) / top } else { 0.0 };
            let score = |x: &Candidate| {
                (1.0 - weight) * part(words(x), words_top) + weight * part(x.vector, vectors_top)
            };
            spoken(scopes).map(|x| (x.uid, score(x))).collect()
        }
    }
}

fn words(candidate: &Candidate) -> Option<f64> {
    (candidate.words > 0.0).then_some(candidate.words)
}

fn spoken(scopes: &[Scope]) -> impl Iterator<Item = &Candidate> {
    let all = scopes.iter().flat_map(|scope| &scope.candidates);
    all.filter(|x| x.words > 0.0 || x.vector.is_some())
}

fn ranks(scopes: &[Scope], list: fn(&Candidate) -> Option<f64>) -> Vec<Uid> {
    let all = scopes.iter().flat_map(|scope| &scope.candidates);
    let mut scored: Vec<(f64, Uid)> = all.filter_map(|x| Some((list(x)?, x.uid))).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().map(|x| x.1).collect()
}

/// What neighbours and session add to each candidate of a namespace, before the weight.
fn context(scope: &Scope, any_session: bool) -> Vec<(f64, f64)> {
    let session = |top: f64| if any_session { 0.9 * top } else { 0.0 };
    let mut out: Vec<(f64, f64)> = scope.candidates.iter().map(|x| (0.0, session(x.words))).collect();
    for members in scope.sessions.iter().filter(|x| x.iter().flatten().count() > 1) {
        let said: Vec<f64> = members.iter().map(|x| x.map_or(0.0, |x| scope.candidates[x].words)).collect();
        let top = said.iter().copied().fold(0.0, f64::max);
        for (at, member) in members.iter().enumerate() {
            let side = |at: Option<usize>| at.and_then(|at| said.get(at)).copied().unwrap_or(0.0);
            let near = |d: usize| side(at.checked_sub(d)).max(side(at.checked_add(d)));
            if let Some(member) = member {
                out[*member] = (0.6 * near(1) + 0.3 * near(2), session(top));
            }
        }
    }
    out
}

/// The share of words, from the statistics of all namespaces.
fn lambda(scopes: &[Scope], top: f64) -> f64 {
    let (mut known, mut mass, mut random, mut memories) = (0.0, 0.0, 0.0, 0.0);
    for scope in scopes {
        let size = scope.memories as f64;
        for &(idf, holding) in &scope.terms {
            mass += size * idf;
            known += if holding > 0 { size * idf } else { 0.0 };
            random += idf * holding.saturating_sub(1) as f64;
        }
        memories += size;
    }
    if top > 0.0 { 0.4 * (known / mass) / (1.0 + (random / memories / top / 0.13).powi(2)) } else { 0.0 }
}

fn adaptive(scopes: &[Scope]) -> Vec<(Uid, f64)> {
    let all = || scopes.iter().flat_map(|scope| &scope.candidates);
    let vectors: Vec<f64> = all().filter_map(|x| x.vector).collect();
    let count = vectors.len() as f64;
    let mean = vectors.iter().sum::<f64>() / count.max(1.0);
    let deviation = (vectors.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count.max(1.0)).sqrt();
    let top = all().map(|x| x.words).fold(0.0, f64::max);
    let weight = if vectors.is_empty() { 1.0 } else { lambda(scopes, top) };
    let any_session = scopes.iter().any(|s| s.sessions.iter().any(|x| x.iter().flatten().count() > 1));
    let mut out = Vec::new();
    for scope in scopes {
        let singled_out = scope.candidates.iter().any(|x| !x.addressed);
        for (candidate, (near, session)) in scope.candidates.iter().zip(context(scope, any_session)) {
            if candidate.words <= 0.0 && candidate.vector.is_none() && near <= 0.0 {
                continue;
            }
            let z = candidate.vector.filter(|_| deviation > 1e-6).map_or(0.0, |x| (x - mean) / deviation);
            let addressed = candidate.addressed && singled_out && !vectors.is_empty();
            let speaker = if addressed { 0.5 } else { 0.0 };
            out.push((candidate.uid, z + speaker + weight * (candidate.words + near + session)));
        }
    }
    out
}
