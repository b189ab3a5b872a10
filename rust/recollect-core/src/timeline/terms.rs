//! How often words occur below a node, the most frequent only.

use rustc_hash::FxHashMap;

/// The `most` greatest of the sums of several counts; equal ones by the smaller number, all ascending by number.
///
/// A node that sums the bounded counts of its children counts too few of a word by at most what they left out.
pub(super) fn bounded<'a>(counts: impl Iterator<Item = &'a [(u32, u32)]>, most: usize) -> Box<[(u32, u32)]> {
    let mut sums: FxHashMap<u32, u32> = FxHashMap::default();
    for &(term, count) in counts.flatten() {
        let sum = sums.entry(term).or_default();
        *sum = sum.saturating_add(count);
    }
    let mut all: Vec<(u32, u32)> = sums.into_iter().collect();
    all.sort_unstable_by_key(|&(term, count)| (std::cmp::Reverse(count), term));
    all.truncate(most);
    all.sort_unstable();
    all.into()
}

/// The share of some words that occur.
pub(super) fn coverage(terms: &[(u32, u32)], wanted: &[u32]) -> f32 {
    let there = wanted.iter().filter(|&&term| terms.binary_search_by_key(&term, |x| x.0).is_ok());
    there.count() as f32 / wanted.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_stay() {
        let (a, b) = ([(1, 2), (4, 1)], [(2, 1), (4, 3), (9, 2)]);
        let sums = bounded([&a[..], &b[..]].into_iter(), 2);
        assert_eq!(*sums, [(1, 2), (4, 4)]);
        assert_eq!(coverage(&sums, &[4, 9]), 0.5);
        assert_eq!(coverage(&sums, &[]), 0.0);
    }
}
