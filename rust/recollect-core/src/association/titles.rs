//! The titles of memories, found in the runs of others.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::tokens::{Token, extended, name_of, tokens};
use crate::id::Slot;

/// Most words of a title that is looked for.
const LONGEST: usize = 12;
/// Memories of one title up to which naming it points at them.
pub const NAMESAKES: usize = 16;
/// The name that a hash starts from.
const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// A title as the words it is found by; one with a remark in parentheses has a second name without it.
pub(super) type Names = Vec<Vec<u32>>;

/// Who bears which title.
#[derive(Debug, Default)]
pub(super) struct Titles {
    bearers: FxHashMap<u64, Vec<Slot>>,
    /// By first word, the words of the longest name there was.
    longest: FxHashMap<u32, u8>,
    names: FxHashMap<Slot, Names>,
}

/// The names of all titles of a memory, each once.
pub(super) fn names_of_all(titles: &[&str]) -> Names {
    let mut names = Names::new();
    for name in titles.iter().flat_map(|title| names_of(title)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The names of a title; none of one that says nothing.
fn names_of(title: &str) -> Names {
    let words = |text: &str| {
        let all = tokens(text);
        let telling = |token: &Token| !token.empty && (all.len() > 1 || token.letters > 2);
        let fits = all.len() <= LONGEST && all.iter().any(telling);
        fits.then(|| all.iter().map(|token| token.hash).collect::<Vec<u32>>())
    };
    let mut names: Names = words(title).into_iter().collect();
    if let Some((plain, remark)) = title.trim_end().rsplit_once('(')
        && remark.ends_with(')')
    {
        names.extend(words(plain).filter(|name| !names.contains(name)));
    }
    names
}

impl Titles {
    /// Whether no memory has a title.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Gives a node its names.
    pub(super) fn insert(&mut self, node: Slot, names: &Names) {
        for name in names {
            self.bearers.entry(name_of(name.iter().copied())).or_default().push(node);
            let longest = self.longest.entry(name[0]).or_default();
            *longest = (*longest).max(name.len() as u8);
        }
        if !names.is_empty() {
            self.names.insert(node, names.clone());
        }
    }

    /// Takes the names of a node away, and gives them.
    pub(super) fn remove(&mut self, node: Slot) -> Names {
        let names = self.names.remove(&node).unwrap_or_default();
        for name in &names {
            let key = name_of(name.iter().copied());
            if let Some(bearers) = self.bearers.get_mut(&key) {
                bearers.retain(|&x| x != node);
                if bearers.is_empty() {
                    self.bearers.remove(&key);
                }
            }
        }
        names
    }

    /// Shows the bearers of every title in a run of words and where it stands, the longest at each place and then what
    /// follows it.
    pub(super) fn each(&self, run: &[u32], mut take: impl FnMut(&[Slot], Range<usize>)) {
        let mut at = 0;
        while let Some(&first) = run.get(at) {
            let most = self.longest.get(&first).map_or(0, |&most| usize::from(most));
            let (mut name, mut found) = (EMPTY, None);
            for (end, &word) in run.iter().enumerate().skip(at).take(most) {
                name = extended(name, word);
                if let Some(bearers) = self.bearers.get(&name) {
                    found = Some((end + 1, bearers));
                }
            }
            at = match found {
                Some((end, bearers)) => {
                    take(bearers, at..end);
                    end
                }
                None => at + 1,
            };
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let bearers = self.bearers.capacity() * (size_of::<(u64, Vec<Slot>)>() + 1) + 4 * self.names.len();
        let names: usize = self.names.values().flatten().map(|name| 4 * name.len() + 24).sum();
        bearers
            + names
            + self.names.capacity() * (size_of::<(Slot, Names)>() + 1)
            + 6 * self.longest.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::tokens::runs;

    fn found(titles: &Titles, text: &str) -> Vec<Vec<Slot>> {
        let mut all = Vec::new();
        for run in runs(text).split(|&word| word == 0) {
            titles.each(run, |bearers, _| all.push(bearers.to_vec()));
        }
        all
    }

    #[test]
    fn the_longest_title_at_each_place() {
        let mut titles = Titles::default();
        for (node, title) in [(0, "Paris"), (1, "Paris, Texas"), (2, "Paris (film)"), (3, "The"), (4, "Up")] {
            titles.insert(node, &names_of(title));
        }
        assert_eq!(found(&titles, "We saw Paris Texas in Paris, The Up"), [vec![1], vec![0, 2]]);
        assert_eq!(found(&titles, "Paris Film"), [vec![2]]);
        assert_eq!(titles.remove(1).len(), 1);
        assert_eq!(found(&titles, "Paris Texas"), [vec![0, 2]]);
        titles.remove(0);
        titles.remove(2);
        assert!(found(&titles, "Paris").is_empty() && titles.bearers.is_empty());
        assert!(titles.names.is_empty(), "titles of a stop word or two letters have no name");
    }
}
