//! Bit codes compared where they lie, one row for each slot asked for; the query is as in [`sketch`](super::sketch).

use super::prefetch::prefetch;

/// Rows between the one that is compared and the one that memory is asked for.
const AHEAD: usize = 16;

/// What a query and the rows of some slots disagree on, weighed.
#[inline(always)]
pub(super) fn disagreement_of(query: &[u64], planes: usize, rows: &[u64], slots: &[u32], out: &mut [u32]) {
    let words = query.len() / planes;
    assert!(query.len() == planes * words && words > 0, "whole planes");
    assert_eq!(slots.len(), out.len(), "one count a slot");
    match words {
        // The usual lengths stay in registers.
        1 => of_length::<1>(query, rows, slots, out),
        2 => of_length::<2>(query, rows, slots, out),
        4 => of_length::<4>(query, rows, slots, out),
        8 => of_length::<8>(query, rows, slots, out),
        16 => of_length::<16>(query, rows, slots, out),
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
fn of_length<const WORDS: usize>(query: &[u64], rows: &[u64], slots: &[u32], out: &mut [u32]) {
    let (rows, planes) = (rows.as_chunks::<WORDS>().0, query.as_chunks::<WORDS>().0);
    let Some((signs, magnitudes)) = planes.split_first() else { return };
    for (at, (&slot, out)) in slots.iter().zip(out).enumerate() {
        if let Some(&next) = slots.get(at + AHEAD) {
            prefetch(&rows[next as usize]);
        }
        let row = &rows[slot as usize];
        let (mut differing, mut counts) = ([0; WORDS], [0; WORDS]);
        for i in 0..WORDS {
            differing[i] = signs[i] ^ row[i];
            counts[i] = u64::from(differing[i].count_ones());
        }
        for (plane, magnitude) in (1..).zip(magnitudes) {
            for i in 0..WORDS {
                counts[i] += u64::from((differing[i] & magnitude[i]).count_ones()) << plane;
            }
        }
        *out = counts.iter().sum::<u64>() as u32;
    }
}
