//! Who lies in the times that are asked for.
//!
//! Each candidate whose event, or write where it has none, shares an instant with one of the times gains
//! `1.5 ln(scope / inside)`, both counted over all memories that the call may see: the fewer lie there, the more it says.
//! Where none or all of them do it says nothing. Of a scope that is too large to be scored as a whole, the best of those
//! inside are candidates too.

use super::candidates::{Asked, CANDIDATES};
use super::pool::Pool;
use super::request::Request;
use super::view::View;
use super::when::{Span, When};
use crate::bitmap::Bitmap;
use crate::calendar::Window;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;

const WEIGHT: f64 = 1.5;

/// Who lies in the times that are asked for.
#[derive(Debug, Clone, Default)]
pub struct Dated {
    inside: Bitmap,
    /// Memories in any of the times.
    pub count: usize,
    /// Memories in each of them.
    pub each: Vec<usize>,
}

impl Dated {
    pub(super) fn of(view: &View<'_>, when: &When) -> Self {
        let mut dated = Self { each: vec![0; when.spans.len()], ..Self::default() };
        if when.spans.is_empty() {
            return dated;
        }
        let windows = windows(view, when);
        for slot in view.admitted().iter() {
            let (start, end) = view.standing.event(slot);
            let mut any = false;
            for (windows, count) in windows.iter().zip(&mut dated.each) {
                let inside = meets(windows, start, end);
                *count += usize::from(inside);
                any |= inside;
            }
            if any {
                dated.inside.insert(slot);
                dated.count += 1;
            }
        }
        dated
    }

    /// Adds the best of those inside to candidates that are not all; these stay ascending.
    pub(super) fn join(
        &self,
        view: &View<'_>,
        asked: &Asked<'_>,
        request: &Request,
        slots: &mut Vec<Slot>,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        if self.count == 0 || self.count == view.admitted().len() {
            return Ok(());
        }
        if self.count <= CANDIDATES {
            slots.extend(self.inside.iter());
        } else {
            let within = View { allow: Some(&self.inside), ..*view };
            slots.extend(asked.best(&within, request, cancel)?.0);
        }
        slots.sort_unstable();
        slots.dedup();
        Ok(())
    }
}

/// The times as windows, ascending and apart within each.
fn windows(view: &View<'_>, when: &When) -> Vec<Vec<Window>> {
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    if when.spans.iter().any(|span| matches!(span, Span::Yearly(_))) {
        for slot in view.admitted().iter() {
            let (start, end) = view.standing.event(slot);
            (first, last) = (first.min(start), last.max(end));
        }
    }
    let of = |span: &Span| match span {
        Span::Once(x) => vec![Window { start: x.start.0, end: x.end.0 }],
        Span::Yearly(_) if first >= last => Vec::new(),
        Span::Yearly(yearly) => yearly.windows(&when.zone, first, last),
    };
    when.spans.iter().map(of).collect()
}

/// Whether `[start, end)` shares an instant with one of these.
fn meets(windows: &[Window], start: i64, end: i64) -> bool {
    let after = windows.partition_point(|x| x.end <= start);
    windows.get(after).is_some_and(|x| x.start < end)
}

/// What a candidate gains that lies in a time that is asked for.
pub(super) fn gain(pools: &[Pool]) -> f32 {
    let sum = |of: fn(&Pool) -> usize| pools.iter().map(of).sum::<usize>();
    let (inside, scope) = (sum(|pool| pool.dated.count), sum(|pool| pool.scope));
    if inside == 0 || inside >= scope {
        return 0.0;
    }
    (WEIGHT * libm::log(scope as f64 / inside as f64)) as f32
}

/// What each candidate gains.
pub(super) fn part(pool: &Pool, gain: f32) -> Vec<f32> {
    let of = |&slot: &Slot| if pool.dated.inside.contains(slot) { gain } else { 0.0 };
    pool.slots.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_are_met_as_by_a_plain_loop(
            edges in prop::collection::btree_set(-50i64..50, 0..12),
            start in -60i64..60,
            long in 1i64..30,
        ) {
            let edges: Vec<i64> = edges.into_iter().collect();
            let windows: Vec<Window> =
                edges.chunks_exact(2).map(|x| Window { start: x[0], end: x[1] }).collect();
            let plain = windows.iter().any(|x| x.start < start + long && start < x.end);
            prop_assert_eq!(meets(&windows, start, start + long), plain);
        }
    }
}
