//! Which tokens of a head stay, and moving their rows.

use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::pages::{Pod, zeros};

/// Bytes of rows that a thread moves at a time.
const SHARE: usize = 1 << 20;

/// What stays whatever it scores, and the score that the others need.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// First tokens.
    pub sinks: usize,
    /// Last tokens.
    pub recent: usize,
    /// The least score of the others.
    pub threshold: Option<f64>,
}

/// The places of the best of each head, ascending, heads one after another, and where each head begins.
///
/// `scores` are `(heads, tokens)`; minus infinity and what is not a number never stay. Of a head that has any other, at
/// least one stays, at most its limit. Ties go to the lower place.
///
/// # Errors
/// [`Error::Invalid`] if there are more or fewer limits than heads, or more tokens than places have; [`Error::Cancelled`].
pub fn select(
    scores: &[f32],
    tokens: usize,
    limits: &[usize],
    ends: Ends,
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<(Vec<i32>, Vec<i32>)> {
    if scores.len() != tokens * limits.len() || i32::try_from(scores.len()).is_err() {
        return Err(Error::invalid(
            "scores",
            format!("{} for {} heads of {tokens}", scores.len(), limits.len()),
        ));
    }
    let mut kept = vec![Vec::new(); limits.len()];
    let tasks = kept.iter_mut().zip(limits).enumerate().collect();
    each(tasks, threads, cancel, Vec::new, |space, (head, (kept, &limit)), _| {
        best(&scores[head * tokens..][..tokens], limit, ends, space, kept);
        Ok(())
    })?;
    let mut bounds = vec![0];
    for kept in &kept {
        bounds.push(bounds[bounds.len() - 1] + kept.len() as i32);
    }
    Ok((kept.concat(), bounds))
}

/// Greater for a greater score; both zeros are one.
fn key(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn best(row: &[f32], limit: usize, ends: Ends, space: &mut Vec<u32>, kept: &mut Vec<i32>) {
    let alive = |score: f32| score > f32::NEG_INFINITY;
    let places: Vec<i32> = (0..).zip(row).filter(|x| alive(*x.1)).map(|x| x.0).collect();
    let limit = limit.max(1).min(places.len());
    let sinks = ends.sinks.min(places.len());
    if limit <= sinks {
        kept.extend(&places[..limit]);
        return;
    }
    let recent = ends.recent.min(places.len() - sinks);
    kept.extend(&places[..sinks]);
    let (free, last) = places[sinks..].split_at(places.len() - sinks - recent);
    if limit - sinks > recent {
        let passes = |place: i32| ends.threshold.is_none_or(|x| f64::from(row[place as usize]) >= x);
        let before = kept.len();
        greatest(row, free, limit - sinks - recent, passes, space, kept);
        if sinks + recent == 0 && kept.len() == before {
            greatest(row, free, 1, |_| true, space, kept);
        }
    }
    kept.extend(&last[recent.saturating_sub(limit - sinks)..]);
}

/// Adds the places of the `count` greatest that pass.
fn greatest(
    row: &[f32],
    places: &[i32],
    count: usize,
    passes: impl Fn(i32) -> bool,
    keys: &mut Vec<u32>,
    kept: &mut Vec<i32>,
) {
    keys.clear();
    keys.extend(places.iter().filter(|&&place| passes(place)).map(|&place| key(row[place as usize])));
    if keys.len() <= count {
        kept.extend(places.iter().filter(|&&place| passes(place)));
        return;
    }
    let (_, &mut least, above) = {
        let at = keys.len() - count;
        keys.select_nth_unstable(at)
    };
    let mut ties = count - above.iter().filter(|&&key| key > least).count();
    for &place in places {
        let own = key(row[place as usize]);
        let tie = own == least && ties > 0;
        if (own > least || tie) && passes(place) {
            ties -= usize::from(tie);
            kept.push(place);
        }
    }
}

/// The rows of the places of each head, heads one after another; `heads` are elements with rows at equal steps.
///
/// # Errors
/// [`Error::Invalid`] if a place is not there, or bounds do not belong to the heads; [`Error::Cancelled`].
pub fn gather<T: Pod + Send + Sync>(
    heads: &[(&[T], usize)],
    dim: usize,
    places: &[i32],
    bounds: &[i32],
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Vec<T>> {
    let ascending = bounds.is_sorted() && bounds.first() == Some(&0);
    if !ascending || bounds.len() != heads.len() + 1 || bounds[heads.len()] as usize != places.len() {
        return Err(Error::invalid("bounds", "they do not belong to the heads and their places"));
    }
    let mut moved = zeros(places.len() * dim);
    let share = (SHARE / (dim * size_of::<T>()).max(1)).max(1);
    let (mut tasks, mut rest) = (Vec::new(), &mut moved[..]);
    for (head, bound) in heads.iter().zip(bounds.windows(2)) {
        let own = &places[bound[0] as usize..bound[1] as usize];
        let (out, after) = std::mem::take(&mut rest).split_at_mut(own.len() * dim);
        rest = after;
        if dim > 0 {
            tasks.extend(
                own.chunks(share).zip(out.chunks_mut(share * dim)).map(|(own, out)| (*head, own, out)),
            );
        }
    }
    each(
        tasks,
        threads,
        cancel,
        || (),
        |(), ((rows, stride), places, out), _| {
            for (&place, out) in places.iter().zip(out.chunks_exact_mut(dim)) {
                let row =
                    usize::try_from(place).ok().and_then(|place| rows.get(place * stride..)?.get(..dim));
                let row = row.ok_or_else(|| Error::invalid("places", format!("there is no row {place}")))?;
                out.copy_from_slice(row);
            }
            Ok(())
        },
    )?;
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_stay_whatever_the_threads(
            scores in prop::collection::vec(prop::sample::select(
                vec![0.0f32, -0.0, 1.0, 2.5, -3.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN],
            ), 0..60),
            limit in 0usize..40, sinks in 0usize..5, recent in 0usize..5,
        ) {
            let ends = Ends { sinks, recent, threshold: None };
            let (found, bounds) =
                select(&scores, scores.len(), &[limit], ends, 1, Cancel::never()).unwrap();
            let alive: Vec<usize> = (0..scores.len()).filter(|&i| scores[i] > f32::NEG_INFINITY).collect();
            let mut ranked: Vec<usize> = alive.iter().copied().take(sinks).collect();
            let last: Vec<usize> = alive.iter().rev().take(recent).copied().collect();
            ranked.extend(last.iter().filter(|x| !alive[..sinks.min(alive.len())].contains(x)));
            let mut rest: Vec<usize> = alive.iter().copied().filter(|x| !ranked.contains(x)).collect();
            rest.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap().then(a.cmp(&b)));
            ranked.extend(rest);
            ranked.truncate(limit.max(1));
            ranked.sort_unstable();
            prop_assert_eq!(found.iter().map(|&x| x as usize).collect::<Vec<_>>(), ranked);
            prop_assert_eq!(bounds[1] as usize, found.len());
            let many = [&scores[..], &scores[..], &scores[..]].concat();
            let limits = [limit; 3];
            let one = select(&many, scores.len(), &limits, ends, 1, Cancel::never()).unwrap();
            prop_assert_eq!(select(&many, scores.len(), &limits, ends, 3, Cancel::never()).unwrap(), one);
        }
    }

    #[test]
    fn a_threshold_and_places_that_are_not_there() {
        let scores = [0.1f32, 0.9, 0.5, 0.2, 0.7];
        let chosen = |threshold, sinks| {
            let ends = Ends { sinks, recent: 0, threshold: Some(threshold) };
            select(&scores, 5, &[5], ends, 1, Cancel::never()).unwrap().0
        };
        assert_eq!(chosen(0.5, 0), [1, 2, 4]);
        assert_eq!(chosen(0.5, 1), [0, 1, 2, 4]);
        assert_eq!(chosen(2.0, 0), [1]);
        let heads = [(&scores[..], 2)];
        assert_eq!(gather(&heads, 1, &[0, 2], &[0, 2], 2, Cancel::never()).unwrap(), [0.1, 0.7]);
        assert!(gather(&heads, 1, &[3], &[0, 1], 1, Cancel::never()).is_err());
        assert!(gather(&heads, 1, &[-1], &[0, 1], 1, Cancel::never()).is_err());
        assert!(gather(&heads, 1, &[0], &[0, 2], 1, Cancel::never()).is_err());
    }
}
