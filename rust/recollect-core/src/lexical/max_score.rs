//! Exact top k without reading everything: MaxScore (Turtle and Flood 1995) with block maxima
//! (Ding and Suel 2011), window by window.
//!
//! In each window of slots every term has a bound, the greatest of its blocks there. Terms whose
//! bounds together cannot lift a document over the threshold are not scanned; they are looked up
//! only for documents that the other terms brought up.

use super::best::Best;
use super::bm25::Norm;
use super::documents::Documents;
use super::exhaustive::Weighted;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;

/// Slots of a window: the sums about fit the first-level cache, and there are few windows to enter.
const WINDOW: usize = 8192;
const WORDS: usize = WINDOW / 64;

/// A term on its way through the windows.
struct Walk<'a> {
    term: Weighted<'a>,
    block: usize,
    /// Bound in the current window, in steps.
    bound: u32,
}

/// The current window.
struct Window {
    start: Slot,
    sums: Box<[u32; WINDOW]>,
    touched: [u64; WORDS],
    /// Which documents count.
    mask: [u64; WORDS],
}

/// The best `k` documents of those allowed.
///
/// # Errors
/// [`crate::error::Error::Cancelled`] once the caller asked to stop.
pub(super) fn top(
    terms: &[Weighted<'_>],
    documents: &Documents,
    norm: Norm,
    k: usize,
    allow: Option<&Bitmap>,
    cancel: Cancel<'_>,
) -> Result<Best> {
    let mut best = Best::new(k);
    let filtered = allow.is_some() || documents.any_removed();
    let mut walks: Vec<_> = terms.iter().map(|&term| Walk { term, block: 0, bound: 0 }).collect();
    let mut prefix = vec![0; terms.len() + 1];
    let mut window =
        Window { start: 0, sums: Box::new([0; WINDOW]), touched: [0; WORDS], mask: [u64::MAX; WORDS] };
    for (at, lengths) in documents.lengths().chunks(WINDOW).enumerate() {
        cancel.check()?;
        window.start = (at * WINDOW) as Slot;
        if filtered && !window.set_mask(documents.live(), allow) {
            continue;
        }
        for walk in &mut walks {
            walk.enter(&window, lengths.len(), norm);
        }
        walks.sort_unstable_by_key(|walk| walk.bound);
        for (at, walk) in walks.iter().enumerate() {
            prefix[at + 1] = prefix[at] + walk.bound;
        }
        let threshold = best.threshold();
        let optional = prefix[1..].partition_point(|&sum| sum <= threshold);
        if optional == walks.len() {
            continue;
        }
        let (optional, essential) = walks.split_at_mut(optional);
        for walk in essential {
            if filtered {
                walk.accumulate::<true>(&mut window, lengths, norm);
            } else {
                walk.accumulate::<false>(&mut window, lengths, norm);
            }
        }
        window.settle(optional, &prefix, lengths, norm, &mut best);
    }
    Ok(best)
}

impl Walk<'_> {
    /// Moves to a window and bounds what the term can add there.
    fn enter(&mut self, window: &Window, slots: usize, norm: Norm) {
        let postings = self.term.postings;
        let end = window.start + (slots - 1) as Slot;
        self.bound = 0;
        if postings.len() == 0 {
            return;
        }
        self.block = postings.reach(self.block, window.start);
        let mut at = self.block;
        while at < postings.blocks() {
            let block = postings.block(at);
            if block.base > end {
                break;
            }
            self.bound = self.bound.max(norm.steps(self.term.weight, block.most, block.shortest));
            at += 1;
        }
        // A rare term mostly has one block here and nothing of it in the window.
        if at == self.block + 1 {
            let block = postings.block(self.block);
            let from = window.start.saturating_sub(block.base);
            let entries = postings.entries(self.block);
            let first = entries.partition_point(|&entry| entry >> 8 < from);
            if entries.get(first).is_none_or(|&entry| block.base + (entry >> 8) > end) {
                self.bound = 0;
            }
        }
    }

    /// Adds the term to the sums of the window.
    fn accumulate<const FILTERED: bool>(&self, window: &mut Window, lengths: &[u16], norm: Norm) {
        let (postings, weight) = (self.term.postings, self.term.weight);
        let last = window.start + (lengths.len() - 1) as Slot;
        for at in self.block..postings.blocks() {
            let base = postings.block(at).base;
            if base > last {
                break;
            }
            let mut entries = postings.entries(at);
            if base < window.start {
                let from = window.start - base;
                entries = &entries[entries.partition_point(|&entry| entry >> 8 < from)..];
            }
            let shift = base.wrapping_sub(window.start);
            for &entry in entries {
                let local = shift.wrapping_add(entry >> 8) as usize;
                let Some(&length) = lengths.get(local) else { break };
                let (word, bit) = (local / 64 % WORDS, 1 << (local % 64));
                if FILTERED && window.mask[word] & bit == 0 {
                    continue;
                }
                window.touched[word] |= bit;
                window.sums[local % WINDOW] += norm.steps(weight, entry as u8, length);
            }
        }
    }
}

impl Window {
    /// Finds out which documents count; false if none does.
    fn set_mask(&mut self, live: &Bitmap, allow: Option<&Bitmap>) -> bool {
        let first = self.start as usize / 64;
        let mut any = 0;
        for (at, mask) in (first..).zip(&mut self.mask) {
            let of = |set: &Bitmap| set.words().get(at).copied().unwrap_or(0);
            *mask = of(live) & allow.map_or(u64::MAX, of);
            any |= *mask;
        }
        any != 0
    }

    /// Completes the sums that can pass the threshold, offers them, and clears the window.
    fn settle(
        &mut self,
        optional: &mut [Walk<'_>],
        prefix: &[u32],
        lengths: &[u16],
        norm: Norm,
        best: &mut Best,
    ) {
        let rest = prefix[optional.len()];
        let mut threshold = best.threshold();
        for word in 0..WORDS {
            let mut bits = std::mem::take(&mut self.touched[word]);
            while bits != 0 {
                let local = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let mut sum = std::mem::take(&mut self.sums[local]);
                if sum + rest <= threshold {
                    continue;
                }
                let slot = self.start + local as Slot;
                for (at, walk) in optional.iter_mut().enumerate().rev() {
                    if sum + prefix[at + 1] <= threshold {
                        break;
                    }
                    if walk.bound > 0 {
                        walk.block = walk.term.postings.reach(walk.block, slot);
                        let frequency = walk.term.postings.frequency(walk.block, slot);
                        if frequency > 0 {
                            sum += norm.steps(walk.term.weight, frequency, lengths[local]);
                        }
                    }
                }
                if sum > threshold {
                    best.offer(slot, sum);
                    threshold = best.threshold();
                }
            }
        }
    }
}
