//! Bit codes compared where they lie, one row for each slot asked for; the query is as in [`sketch`](super::sketch).

use super::prefetch::prefetch;

/// Rows between the one that is compared and the one that memory is asked for.
pub(super) const AHEAD: usize = 16;

/// What a query and the rows of some slots disagree on, weighed.
#[inline(always)]
pub(super) fn disagreement_of(query: &[u64], planes: usize, rows: &[u64], slots: &[u32], out: &mut [u32]) {
    let words = query.len() / planes;
    assert!(query.len() == planes * words && words > 0, "whole planes");
    assert_eq!(slots.len(), out.len(), "one count a slot");
    match (words, planes) {
        // The usual sizes stay in registers.
        (1, 1) => of_size::<1, 1>(query, rows, slots, out),
        (2, 1) => of_size::<2, 1>(query, rows, slots, out),
        (4, 1) => of_size::<4, 1>(query, rows, slots, out),
        (8, 1) => of_size::<8, 1>(query, rows, slots, out),
        (16, 1) => of_size::<16, 1>(query, rows, slots, out),
        (4, 3) => of_size::<4, 3>(query, rows, slots, out),
        (8, 3) => of_size::<8, 3>(query, rows, slots, out),
        (16, 3) => of_size::<16, 3>(query, rows, slots, out),
        _ => {
            let (signs, magnitudes) = query.split_at(words);
            for (&slot, out) in slots.iter().zip(out) {
                *out = 0;
                for (w, (word, sign)) in rows[slot as usize * words..][..words].iter().zip(signs).enumerate()
                {
                    let x = word ^ sign;
                    *out += x.count_ones();
                    for (plane, magnitude) in (1..).zip(magnitudes.chunks_exact(words)) {
                        *out += (x & magnitude[w]).count_ones() << plane;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn of_size<const WORDS: usize, const PLANES: usize>(
    query: &[u64],
    rows: &[u64],
    slots: &[u32],
    out: &mut [u32],
) {
    let rows = rows.as_chunks::<WORDS>().0;
    let Some(query) = query.as_chunks::<WORDS>().0.first_chunk::<PLANES>() else { return };
    for (at, (&slot, out)) in slots.iter().zip(out).enumerate() {
        if let Some(&next) = slots.get(at + AHEAD) {
            prefetch(&rows[next as usize]);
        }
        let row = &rows[slot as usize];
        let mut counts = [0; WORDS];
        for plane in (1..PLANES).rev() {
            for i in 0..WORDS {
                let differing = (row[i] ^ query[0][i]) & query[plane][i];
                counts[i] = 2 * (counts[i] + u64::from(differing.count_ones()));
            }
        }
        let mut sum = 0;
        for i in 0..WORDS {
            sum += counts[i] + u64::from((row[i] ^ query[0][i]).count_ones());
        }
        *out = sum as u32;
    }
}
