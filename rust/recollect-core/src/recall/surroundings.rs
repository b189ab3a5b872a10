//! What the similarity of its surroundings adds to a short memory.
//!
//! The vector of a remark of a few words says little, and what stands around it in its session tells what it is about. With
//! `z` the standard score of the similarity of a memory, `w` that of the mean similarity over the two memories before and
//! after it and itself, and `s` that of the mean over its session, a memory gains `g (0.2 w + 0.2 s - 0.5 z)`. The gate
//! `g = 1 / (1 + (length / 30)^2)` is of the mean length of memories in terms: one for remarks, none for pages. A memory
//! without neighbours in scope keeps its own similarity; so does every one of a scope too large to be scored whole.

use super::context::{Context, REACH};
use super::pool::Pool;
use super::population::{Population, SPREAD};

const OWN: f32 = 0.5;
const WINDOW: f32 = 0.2;
const SESSION: f32 = 0.2;

/// What the surroundings add to each candidate of each pool; empty lists where they add nothing.
pub(super) fn parts(pools: &[Pool], similarity: &Population) -> Vec<Vec<f32>> {
    let memories: usize = pools.iter().map(|pool| pool.memories).sum();
    let weighted = pools.iter().map(|pool| pool.brevity * pool.memories as f32).sum::<f32>();
    let gate = weighted / memories.max(1) as f32;
    if gate <= 0.0 || pools.iter().all(|pool| pool.context.sessions().next().is_none()) {
        return vec![Vec::new(); pools.len()];
    }
    let around: Vec<_> = pools.iter().map(|pool| means(&pool.context, &pool.vectors)).collect();
    let window = Population::joined(around.iter().map(|x| Population::of(&x.0)));
    let session = Population::joined(around.iter().map(|x| Population::of(&x.1)));
    let scale = |factor: f32, population: &Population| match population.deviation > SPREAD {
        true => gate * factor / population.deviation,
        false => 0.0,
    };
    let (near, whole, own) = (scale(WINDOW, &window), scale(SESSION, &session), scale(OWN, similarity));
    let shift = near * window.mean + whole * session.mean - own * similarity.mean;
    let part = |(pool, (window, session)): (&Pool, (Vec<f32>, Vec<f32>))| {
        let mut out = vec![0.0; pool.slots.len()];
        for member in pool.context.sessions().flatten() {
            let at = member.at as usize;
            match pool.vectors.get(at) {
                Some(&x) if x > f32::NEG_INFINITY => {
                    out[at] = near * window[at] + whole * session[at] - own * x - shift;
                }
                _ => {}
            }
        }
        out
    };
    pools.iter().zip(around).map(part).collect()
}

/// The mean similarity around each candidate, and of its session; its own where it stands alone.
fn means(context: &Context, vectors: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut window, mut session) = (vectors.to_vec(), vectors.to_vec());
    if vectors.is_empty() {
        return (window, session);
    }
    // Sums and numbers of the similarities before each member of a session.
    let mut before: Vec<(f64, u32)> = Vec::new();
    for members in context.sessions() {
        before.clear();
        before.push((0.0, 0));
        let (mut sum, mut count) = (0.0, 0);
        for member in members {
            let similarity = vectors[member.at as usize];
            if similarity > f32::NEG_INFINITY {
                sum += f64::from(similarity);
                count += 1;
            }
            before.push((sum, count));
        }
        let whole = (sum / f64::from(count.max(1))) as f32;
        let (mut from, mut to) = (0, 0);
        for member in members {
            while members[from].ordinal + (REACH as u32) < member.ordinal {
                from += 1;
            }
            while to < members.len() && members[to].ordinal <= member.ordinal + REACH as u32 {
                to += 1;
            }
            let at = member.at as usize;
            if vectors[at] > f32::NEG_INFINITY {
                let (sum, count) = (before[to].0 - before[from].0, before[to].1 - before[from].1);
                window[at] = (sum / f64::from(count)) as f32;
                session[at] = whole;
            }
        }
    }
    (window, session)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Members with these ordinals, and their similarities.
    fn case() -> impl Strategy<Value = Vec<(u32, Option<f32>)>> {
        prop::collection::btree_map(0u32..24, prop::option::of(-1.0f32..1.0), 2..16)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_means_are_those_of_a_plain_sum(members in case()) {
            let vectors: Vec<f32> = members.iter().map(|x| x.1.unwrap_or(f32::NEG_INFINITY)).collect();
            let ordinals: Vec<u32> = members.iter().map(|x| x.0).collect();
            let (window, session) = means(&Context::single(&ordinals), &vectors);
            let plain = |near: &dyn Fn(u32) -> bool| {
                let held: Vec<f32> = members.iter().filter(|x| near(x.0)).filter_map(|x| x.1).collect();
                held.iter().sum::<f32>() / held.len().max(1) as f32
            };
            for (at, &(ordinal, own)) in members.iter().enumerate() {
                if own.is_none() {
                    prop_assert_eq!(window[at], f32::NEG_INFINITY);
                    continue;
                }
                let near = |other: u32| other.abs_diff(ordinal) <= REACH as u32;
                prop_assert!((window[at] - plain(&near)).abs() < 1e-5);
                prop_assert!((session[at] - plain(&|_| true)).abs() < 1e-5);
            }
        }
    }
}
