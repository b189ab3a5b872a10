//! Who lies in the times that are asked for.
//!
//! Each candidate whose event, or write where it has none, shares an instant with one of the times gains
//! `1.5 ln(scope / inside)`, both counted over all memories that the call may see: the fewer lie there, the more it says.
//! Where none or all of them do it says nothing. Of a scope that is too large to be scored as a whole, the best of those
//! inside are candidates too.

use super::candidates::{Asked, CANDIDATES};
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
        if when.spans.is_empty() {
            return Self::default();
        }
        let events = || {
            view.admitted().iter().map(|slot| {
                let (start, end) = view.standing.event(slot);
                (slot, start, end)
            })
        };
        Self::among(events, when)
    }

    /// Those of some events, each with its first instant and the first after it.
    fn among<E: Iterator<Item = (Slot, i64, i64)>>(events: impl Fn() -> E, when: &When) -> Self {
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        if when.spans.iter().any(|span| matches!(span, Span::Yearly(_))) {
            for (_, start, end) in events() {
                (first, last) = (first.min(start), last.max(end));
            }
        }
        let windows: Vec<Vec<Window>> = when.spans.iter().map(|x| windows(x, when, first, last)).collect();
        let mut dated = Self { each: vec![0; windows.len()], ..Self::default() };
        for (slot, start, end) in events() {
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

    /// What each candidate gains.
    pub(super) fn part(&self, slots: &[Slot], gain: f32) -> Vec<f32> {
        slots.iter().map(|&slot| if self.inside.contains(slot) { gain } else { 0.0 }).collect()
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

/// A time as windows, ascending and apart, as far as they can meet what lies in `[first, last)`.
fn windows(span: &Span, when: &When, first: i64, last: i64) -> Vec<Window> {
    match span {
        Span::Once(x) => vec![Window { start: x.start.0, end: x.end.0 }],
        Span::Yearly(_) if first >= last => Vec::new(),
        Span::Yearly(yearly) => yearly.windows(&when.zone, first, last),
    }
}

/// Whether `[start, end)` shares an instant with one of these.
fn meets(windows: &[Window], start: i64, end: i64) -> bool {
    let after = windows.partition_point(|x| x.end <= start);
    windows.get(after).is_some_and(|x| x.start < end)
}

/// What a candidate gains that lies in a time that is asked for, by how many memories do.
pub(super) fn gain(inside: usize, scope: usize) -> f32 {
    if inside == 0 || inside >= scope {
        return 0.0;
    }
    (WEIGHT * libm::log(scope as f64 / inside as f64)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Yearly, Zone};
    use crate::time::{Interval, Timestamp};
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000_000;

    fn span() -> impl Strategy<Value = Span> {
        let once = (0i64..2_000, 1i64..500).prop_map(|(start, days)| {
            Span::Once(Interval::new(Timestamp(start * DAY), Timestamp((start + days) * DAY)).unwrap())
        });
        let date = || (1u8..=12, 1u8..=31);
        let yearly = (date(), date()).prop_map(|(from, to)| Span::Yearly(Yearly::new(from, to).unwrap()));
        prop_oneof![once, yearly]
    }

    proptest! {
        #[test]
        fn memories_are_counted_as_by_a_plain_loop(
            spans in prop::collection::vec(span(), 0..4),
            events in prop::collection::vec((0..2_000 * DAY, 1..700 * DAY), 0..40),
            offset in -12i32..12,
        ) {
            let zone = Zone::fixed(offset * 3_600).unwrap();
            let when = When { spans, zone, order: None };
            let all = || (0..).zip(&events).map(|(slot, &(start, long))| (slot, start, start + long));
            let dated = Dated::among(all, &when);
            let inside = |span: &Span, start: i64, end: i64| match span {
                Span::Once(x) => x.overlaps(&Interval::new(Timestamp(start), Timestamp(end)).unwrap()),
                Span::Yearly(x) => x.windows(&when.zone, i64::MIN, i64::MAX)
                    .iter().any(|x| x.start < end && start < x.end),
            };
            for (span, &count) in when.spans.iter().zip(&dated.each) {
                prop_assert_eq!(count, all().filter(|x| inside(span, x.1, x.2)).count());
            }
            let any = all().filter(|x| when.spans.iter().any(|span| inside(span, x.1, x.2)));
            prop_assert_eq!(any.map(|x| x.0).collect::<Vec<_>>(), dated.inside.iter().collect::<Vec<_>>());
            prop_assert_eq!(dated.count, dated.inside.len());
        }
    }

    #[test]
    fn what_has_no_end_lies_in_every_time_after_its_start() {
        let may = Span::Yearly(Yearly::new((5, 1), (5, 31)).unwrap());
        let when = When { spans: vec![may], ..When::default() };
        let events =
            || [(0, 200 * DAY, i64::MAX), (1, 10 * DAY, 11 * DAY), (2, i64::MIN, i64::MAX)].into_iter();
        let dated = Dated::among(events, &when);
        assert_eq!(dated.inside.iter().collect::<Vec<_>>(), [0, 2]);
    }
}
