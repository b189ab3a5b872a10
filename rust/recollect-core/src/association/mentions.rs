//! The runs of words in which each memory may name something, and who has a word in its runs.

use rustc_hash::FxHashMap;

use crate::id::Slot;

/// Runs by node, and nodes by word.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    runs: Vec<Box<[u32]>>,
    holders: FxHashMap<u32, Vec<Slot>>,
}

impl Mentions {
    /// The runs of a node, each followed by 0.
    pub(super) fn runs(&self, node: Slot) -> &[u32] {
        self.runs.get(node as usize).map_or(&[], |runs| runs)
    }

    pub(super) fn insert(&mut self, node: Slot, runs: Box<[u32]>) {
        self.remove(node);
        for word in distinct(&runs) {
            self.holders.entry(word).or_default().push(node);
        }
        let at = node as usize;
        if self.runs.len() <= at {
            self.runs.resize_with(at + 1, Box::default);
        }
        self.runs[at] = runs;
    }

    pub(super) fn remove(&mut self, node: Slot) {
        let Some(runs) = self.runs.get_mut(node as usize) else { return };
        for word in distinct(&std::mem::take(runs)) {
            if let Some(holders) = self.holders.get_mut(&word) {
                if let Some(at) = holders.iter().rposition(|&x| x == node) {
                    holders.swap_remove(at);
                }
                if holders.is_empty() {
                    self.holders.remove(&word);
                }
            }
        }
    }

    /// The nodes that may hold a name: those with the rarest of its words.
    pub(super) fn candidates(&self, name: &[u32]) -> Vec<Slot> {
        let holders = |word: &u32| self.holders.get(word).map_or(&[][..], Vec::as_slice);
        let rarest = name.iter().map(holders).min_by_key(|nodes| nodes.len()).unwrap_or(&[]);
        let mut found = rarest.to_vec();
        found.sort_unstable();
        found
    }

    pub(super) fn bytes(&self) -> usize {
        let runs: usize = self.runs.iter().map(|runs| 4 * runs.len() + 16).sum();
        let holders: usize = self.holders.values().map(|nodes| 4 * nodes.capacity()).sum();
        runs + holders + self.holders.capacity() * (size_of::<(u32, Vec<Slot>)>() + 1)
    }
}

fn distinct(runs: &[u32]) -> Vec<u32> {
    let mut words: Vec<u32> = runs.iter().copied().filter(|&word| word != 0).collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_the_rarest_word() {
        let mut mentions = Mentions::default();
        mentions.insert(3, [1, 2, 0, 1, 0].into());
        mentions.insert(0, [1, 0].into());
        mentions.insert(7, [2, 9, 0].into());
        assert_eq!(mentions.candidates(&[1, 2]), [0, 3]);
        assert_eq!(mentions.candidates(&[1, 9]), [7]);
        assert!(mentions.candidates(&[5, 1]).is_empty());
        mentions.insert(7, [1, 0].into());
        assert_eq!((mentions.candidates(&[2]), mentions.candidates(&[9])), (vec![3], vec![]));
        for node in [0, 3, 7, 8] {
            mentions.remove(node);
        }
        assert!(mentions.holders.is_empty() && mentions.runs(3).is_empty());
    }
}
