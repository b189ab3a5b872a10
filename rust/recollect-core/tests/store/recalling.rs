//! Recall against brute force.

use std::collections::BTreeMap;

use recollect_core::cancel::Cancel;
use recollect_core::id::Uid;
use recollect_core::namespace::Namespace;
use recollect_core::recall::{Hit, Request};
use recollect_core::store::{Recall, Selection};
use recollect_core::time::Timestamp;

use crate::home::{path, request, space};
use crate::machine::Machine;
use crate::model::held;
use crate::oracle::{Scope, scope};
use crate::plan::{NAMESPACES, Recalling};
use crate::ranking::fuse;

/// What single precision may be off: every similarity is exact where all memories are asked for.
const SINGLE: f64 = 1e-5;

impl Machine {
    pub(crate) fn recall(&mut self, asked: &Recalling) {
        let Recalling { namespaces, text, vector, fusion, choice, k } = asked;
        let mut at: Vec<usize> = namespaces.clone();
        at.sort_by_key(|&at| path(NAMESPACES[at]));
        at.dedup();
        let (text, selection) = (text.as_deref(), choice.selection());
        let whole = request(text, vector.clone(), *fusion);
        let recall = self.ask(&at, &whole, &selection);
        let mut scopes: Vec<Scope> =
            at.iter().map(|&at| scope(&self.books[at], text, vector.as_deref(), choice, self.now)).collect();
        take_reported(&mut scopes, &recall);
        self.compare(&scopes, &recall, asked);

        for found in &recall.found {
            let at = at[found.hit.pool];
            assert_eq!(found.namespace, path(NAMESPACES[at]));
            let life = self.books[at].life(found.hit.uid).unwrap();
            assert_eq!(found.held, held(life));
        }
        self.renew_hits(&at, &recall);
        // Fewer, and unexplained: the head of the same list. Renewed times may show.
        let few = self.ask(&at, &Request { k: *k, explain: false, ..whole }, &selection);
        let uids = |recall: &Recall| recall.found.iter().map(|x| x.hit.uid).collect::<Vec<_>>();
        let (few_uids, all_uids) = (uids(&few), uids(&recall));
        assert_eq!(few_uids.len(), all_uids.len().min(*k));
        if vector.is_none() || text.is_none() {
            assert_eq!(few_uids[..], all_uids[..few_uids.len()]);
        } else {
            // How exact a similarity is that cannot be among the best k depends on k.
            assert!(few_uids.iter().all(|uid| all_uids.contains(uid)));
        }
        self.renew_hits(&at, &few);
    }

    fn ask(&self, at: &[usize], request: &Request, selection: &Selection) -> Recall {
        let (now, never) = (Timestamp(self.now), Cancel::never());
        match at {
            [one] => self.memory(*one).recall(request, Some(&space()), selection, now, never),
            _ => {
                // Doubled and in any order: a set of namespaces.
                let twice = at.iter().rev().chain(at);
                let paths: Vec<Namespace> = twice.map(|&at| path(NAMESPACES[at])).collect();
                self.store.recall(&paths, request, Some(&space()), selection, now, never)
            }
        }
        .unwrap()
    }

    fn renew_hits(&mut self, at: &[usize], recall: &Recall) {
        for (pool, &at) in at.iter().enumerate() {
            let own = recall.found.iter().filter(|x| x.hit.pool == pool);
            self.books[at].renew(own.map(|x| x.hit.uid), self.now);
        }
    }

    fn compare(&self, scopes: &[Scope], recall: &Recall, asked: &Recalling) {
        let expected: BTreeMap<Uid, f64> = fuse(scopes, asked.fusion).into_iter().collect();
        let hits: Vec<&Hit> = recall.found.iter().map(|x| &x.hit).collect();
        assert_eq!(hits.len(), expected.len(), "{asked:?}");
        for hit in &hits {
            let expected = expected[&hit.uid];
            let off = (f64::from(hit.score) - expected).abs();
            assert!(off < 1e-3 * (1.0 + expected.abs()), "{} in place of {expected}: {asked:?}", hit.score);
            let sum: f32 = hit.signals.iter().map(|x| x.share).sum();
            assert!((sum - hit.score).abs() < 1e-4 * (1.0 + sum.abs()), "the shares are the score");
            for signal in hit.signals.iter().filter(|x| ["words", "vectors"].contains(&x.name)) {
                let scores = hits.iter().filter_map(|hit| raw(hit, signal.name));
                assert_eq!(signal.rank, 1 + scores.filter(|x| *x > signal.score).count());
            }
        }
        let ordered = |pair: &[&Hit]| {
            let score = pair[1].score.total_cmp(&pair[0].score);
            score.then(pair[0].uid.cmp(&pair[1].uid)).is_lt()
        };
        assert!(hits.windows(2).all(ordered), "best first, ties by identity");
    }
}

fn raw(hit: &Hit, name: &str) -> Option<f32> {
    hit.signals.iter().find(|x| x.name == name).map(|x| x.score)
}

/// Checks the scores that hits report against brute force, and goes on with the reported ones: what the fusion makes of
/// them is a question of its own.
fn take_reported(scopes: &mut [Scope], recall: &Recall) {
    for (pool, scope) in scopes.iter_mut().enumerate() {
        for candidate in &mut scope.candidates {
            let hit = recall.found.iter().map(|x| &x.hit).find(|x| x.pool == pool && x.uid == candidate.uid);
            let words = hit.and_then(|hit| raw(hit, "words")).map_or(0.0, f64::from);
            assert!(
                (words - candidate.words).abs() < 1e-4 * (1.0 + words),
                "{words} for {}",
                candidate.words
            );
            assert_eq!(words > 0.0, candidate.words > 0.0);
            candidate.words = words;
            let vector = hit.and_then(|hit| raw(hit, "vectors")).map(f64::from);
            assert_eq!(vector.is_some(), candidate.vector.is_some());
            if let (Some(found), Some(expected)) = (vector, candidate.vector) {
                assert!((found - expected).abs() < SINGLE, "{found} for {expected}");
            }
            candidate.vector = vector;
        }
    }
}
