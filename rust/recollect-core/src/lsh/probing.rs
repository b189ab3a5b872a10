//! The order in which choices are overturned: whatever changes the least first.
//!
//! Sets of bits by the sum of their squared margins, after Lv, Josephson, Wang, Charikar and Li, "Multi-probe LSH:
//! efficient indexing for high-dimensional similarity search", 2007.

/// A set of bits as a mask, and the sum of its margins.
type Flip = (f32, u32);

/// Lists that are used again from table to table.
#[derive(Debug, Default)]
pub(super) struct Flips {
    margins: Vec<Flip>,
    best: Vec<Flip>,
    merged: Vec<Flip>,
}

impl Flips {
    /// The first `most` sets of bits to flip as masks, by ascending sum; the empty set is left out.
    ///
    /// `margins` are the squared margins of at most 32 bits, none of them NaN.
    pub(super) fn first(
        &mut self,
        margins: impl Iterator<Item = f32>,
        most: usize,
    ) -> impl Iterator<Item = u32> {
        self.margins.clear();
        self.margins.extend(margins.zip((0..32).map(|at| 1 << at)));
        self.margins.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.best.clear();
        self.best.push((0.0, 0));
        let room = most.saturating_add(1);
        for &(margin, bit) in &self.margins {
            let full = self.best.len() >= room;
            if full && self.best.last().is_some_and(|last| last.0 <= margin) {
                // A set with this bit, or with one of the later ones, comes after all of these.
                break;
            }
            let count = room.min(2 * self.best.len());
            self.merged.clear();
            let (mut without, mut with) = (0, 0);
            for _ in 0..count {
                let added = self.best.get(with).map_or((f32::INFINITY, 0), |x| (x.0 + margin, x.1 | bit));
                match self.best.get(without) {
                    Some(&held) if held.0 <= added.0 => {
                        self.merged.push(held);
                        without += 1;
                    }
                    _ => {
                        self.merged.push(added);
                        with += 1;
                    }
                }
            }
            std::mem::swap(&mut self.best, &mut self.merged);
        }
        self.best.iter().skip(1).map(|x| x.1)
    }
}

/// Entries that are kept in order while they are found.
const FEW: usize = 16;

/// The `most` entries of greatest absolute value, greatest first, ties by ascending place.
pub(super) fn greatest(values: &[f32], most: usize, held: &mut Vec<(f32, u32)>) {
    held.clear();
    if most <= FEW {
        for (x, at) in values.iter().map(|x| x.abs()).zip(0..) {
            if held.len() == most && held.last().is_none_or(|last| x <= last.0) {
                continue;
            }
            held.truncate(most - 1);
            let place = held.iter().rposition(|other| other.0 >= x).map_or(0, |before| before + 1);
            held.insert(place, (x, at));
        }
        return;
    }
    held.extend(values.iter().enumerate().map(|(at, x)| (x.abs(), at as u32)));
    let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if most < held.len() {
        held.select_nth_unstable_by(most, order);
        held.truncate(most);
    }
    held.sort_unstable_by(order);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn flips_are_all_subsets_by_their_sum(margins in prop::collection::vec(0.0f32..4.0, 0..9), most in 0usize..300) {
            let mut found: Vec<u32> = Flips::default().first(margins.iter().copied(), most).collect();
            let sum = |mask: u32| -> f32 {
                margins.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, x)| x).sum()
            };
            let mut all: Vec<u32> = (1..1u32 << margins.len()).collect();
            all.sort_by(|&a, &b| sum(a).total_cmp(&sum(b)));
            all.truncate(most);
            prop_assert_eq!(found.len(), all.len());
            for (a, b) in found.iter().zip(&all) {
                prop_assert!((sum(*a) - sum(*b)).abs() < 1e-4);
            }
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found.len(), all.len());
        }

        #[test]
        fn the_greatest_come_first(values in prop::collection::vec(-3i8..4, 0..40), most in 0usize..50) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let mut found = Vec::new();
            greatest(&values, most, &mut found);
            let mut all: Vec<(f32, u32)> = values.iter().enumerate().map(|(at, x)| (x.abs(), at as u32)).collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(most);
            prop_assert_eq!(found, all);
        }
    }
}
