//! The facts that memories state: which entities two of them share, and of which facts a query speaks.
//!
//! An entity is known by the words of its name, a fact by its words that say something; neither is kept as text. Sharing
//! an entity counts the less, the more memories state something of it: one over their number, taken down to a power of two
//! so that most writes change few links, and nothing beyond [`COMMON`].

use rustc_hash::FxHashMap;

use super::tokens::{name_of, tokens};
use crate::id::Slot;

/// Memories that state something of an entity up to which sharing it counts.
const COMMON: usize = 16;
/// Facts that a query speaks of at most.
const MOST: usize = 5;

/// Subject, predicate and object.
pub type Fact<'a> = [&'a str; 3];

/// What one memory states.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Statement {
    /// Its entities, ascending, each once.
    pub entities: Vec<u64>,
    /// The telling words of each fact, each once.
    facts: Vec<Box<[u32]>>,
}

impl Statement {
    pub(super) fn of(facts: &[Fact<'_>]) -> Self {
        let mut statement = Self::default();
        for [subject, predicate, object] in facts {
            for entity in [subject, object] {
                let words = tokens(entity);
                if words.iter().any(|word| !word.empty) {
                    statement.entities.push(name_of(words.iter().map(|word| word.hash)));
                }
            }
            let words = [subject, predicate, object].into_iter().flat_map(|text| tokens(text));
            let mut words: Vec<u32> = words.filter(|word| !word.empty).map(|word| word.hash).collect();
            words.sort_unstable();
            words.dedup();
            statement.facts.push(words.into());
        }
        statement.entities.sort_unstable();
        statement.entities.dedup();
        statement
    }

    pub(super) fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }
}

/// What all memories state.
#[derive(Debug, Default)]
pub(super) struct Facts {
    statements: FxHashMap<Slot, Statement>,
    holders: FxHashMap<u64, Vec<Slot>>,
    /// By word, the facts that hold it: the memory and the place among its own.
    postings: FxHashMap<u32, Vec<(Slot, u32)>>,
    count: usize,
}

impl Facts {
    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The memories that state something of an entity.
    pub(super) fn holders(&self, entity: u64) -> &[Slot] {
        self.holders.get(&entity).map_or(&[], Vec::as_slice)
    }

    pub(super) fn insert(&mut self, node: Slot, statement: Statement) {
        if statement.is_empty() {
            return;
        }
        for &entity in &statement.entities {
            self.holders.entry(entity).or_default().push(node);
        }
        for (place, words) in (0..).zip(&statement.facts) {
            for &word in words {
                self.postings.entry(word).or_default().push((node, place));
            }
        }
        self.count += statement.facts.len();
        self.statements.insert(node, statement);
    }

    /// Takes what a memory states away, and gives it.
    pub(super) fn remove(&mut self, node: Slot) -> Statement {
        let Some(statement) = self.statements.remove(&node) else { return Statement::default() };
        for entity in &statement.entities {
            take(&mut self.holders, *entity, |holder| *holder == node);
        }
        for word in statement.facts.iter().flatten() {
            take(&mut self.postings, *word, |posting| posting.0 == node);
        }
        self.count -= statement.facts.len();
        statement
    }

    /// What sharing an entity of so many memories counts.
    pub(super) fn share(holders: usize) -> f32 {
        if (1..=COMMON).contains(&holders) { 1.0 / (1 << holders.ilog2()) as f32 } else { 0.0 }
    }

    /// What all that two memories share counts.
    pub(super) fn shared(&self, one: Slot, other: Slot) -> f32 {
        let (Some(one), Some(other)) = (self.statements.get(&one), self.statements.get(&other)) else {
            return 0.0;
        };
        let mut rest = other.entities.as_slice();
        let mut sum = 0.0;
        for entity in &one.entities {
            rest = &rest[rest.partition_point(|x| x < entity)..];
            if rest.first() == Some(entity) {
                sum += Self::share(self.holders(*entity).len());
            }
        }
        sum
    }

    /// The memories whose facts a query speaks of, with weights that add up to 1: the five facts of greatest
    /// `sum(ln(1 + facts / facts with the word)) / sqrt(words + 2)` over the words they share with it.
    pub(super) fn asked(&self, text: &str) -> Vec<(Slot, f64)> {
        let mut words: Vec<u32> =
            tokens(text).into_iter().filter(|word| !word.empty).map(|word| word.hash).collect();
        words.sort_unstable();
        words.dedup();
        let mut scores: FxHashMap<(Slot, u32), f64> = FxHashMap::default();
        for postings in words.iter().filter_map(|word| self.postings.get(word)) {
            let idf = libm::log1p(self.count as f64 / postings.len() as f64);
            postings.iter().for_each(|&fact| *scores.entry(fact).or_default() += idf);
        }
        let length = |fact: &(Slot, u32)| self.statements[&fact.0].facts[fact.1 as usize].len();
        let mut best: Vec<((Slot, u32), f64)> = scores
            .into_iter()
            .map(|(fact, score)| (fact, score / libm::sqrt(length(&fact) as f64 + 2.0)))
            .collect();
        best.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        best.truncate(MOST);
        let whole: f64 = best.iter().map(|x| x.1).sum();
        best.into_iter().map(|((node, _), score)| (node, score / whole)).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        let entities: usize =
            self.statements.values().map(|x| 16 * x.entities.len() + 24 * x.facts.len()).sum();
        let words: usize = self.postings.values().map(|x| 12 * x.len() + 32).sum();
        entities + words + (self.holders.len() + self.statements.len()) * 64
    }
}

/// Takes what fits out of a list in a table, and the list with its last.
fn take<K: std::hash::Hash + Eq, V>(table: &mut FxHashMap<K, Vec<V>>, key: K, fits: impl Fn(&V) -> bool) {
    if let Some(list) = table.get_mut(&key) {
        list.retain(|x| !fits(x));
        if list.is_empty() {
            table.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharing_counts_by_who_else_does() {
        let mut facts = Facts::default();
        let of = |x: &[Fact<'_>]| Statement::of(x);
        facts.insert(1, of(&[["Ana", "works at", "the harbour"], ["Ana", "knows", "Bob"]]));
        facts.insert(2, of(&[["ana", "lives in", "Lindau"], ["Bob", "met", "ANA"]]));
        facts.insert(3, of(&[["Lindau", "is on", "the lake"]]));
        assert_eq!((facts.shared(1, 2), facts.shared(2, 3), facts.shared(1, 3)), (1.0, 0.5, 0.0));
        (4..20).for_each(|node| facts.insert(node, of(&[["Bob", "is", "number"]])));
        assert_eq!(facts.shared(1, 2), 0.5, "everybody knows Bob");
        assert_eq!(facts.remove(2).entities.len(), 3);
        assert_eq!(facts.shared(1, 2), 0.0);
        (0..20).for_each(|node| {
            facts.remove(node);
        });
        assert!(facts.is_empty() && facts.holders.is_empty() && facts.postings.is_empty());
        assert_eq!(facts.count, 0);
    }

    #[test]
    fn a_query_speaks_of_the_facts_whose_words_it_shares() {
        let mut facts = Facts::default();
        facts.insert(1, Statement::of(&[["Ana", "works at", "the harbour"]]));
        facts.insert(2, Statement::of(&[["Bob", "works at", "the museum of glass in the old town"]]));
        let asked = facts.asked("Who works at the harbour?");
        assert_eq!(asked.iter().map(|x| x.0).collect::<Vec<_>>(), [1, 2]);
        assert!((asked.iter().map(|x| x.1).sum::<f64>() - 1.0).abs() < 1e-12 && asked[0].1 > 0.7);
        assert!(facts.asked("the of").is_empty() && facts.asked("").is_empty());
    }
}
