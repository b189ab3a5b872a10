//! Who lies in the times that are asked for.
//!
//! Each candidate whose event, or write where it has none, shares an instant with one of the times gains
//! `1.5 ln(scope / inside)`, both counted over all memories that the call may see: the fewer lie there, the more it says.
//! Where none or all of them do it says nothing. Of a scope that is too large to be scored as a whole, the best of those
//! inside are candidates too.

use super::candidates::Asked;
use super::request::Request;
use super::view::View;
use super::when::{Span, When};
use crate::bitmap::Bitmap;
use crate::calendar::Window;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;

const WEIGHT: f64 = 1.5;
/// As many of those inside are candidates without a search for the best of them.
const LISTED: usize = 256;

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
        let within = |from, to| {
            let mut inside = view.standing.within(from, to);
            if let Some(allow) = view.allow {
                inside.intersect_with(allow);
            }
            inside
        };
        Self::among(when, || view.standing.lasting(), within)
    }

    /// Those of some events: the instants they lie between, and which share an instant with a range.
    fn among(when: &When, lasting: impl Fn() -> (i64, i64), within: impl Fn(i64, i64) -> Bitmap) -> Self {
        let mut dated = Self::default();
        for span in &when.spans {
            let mut inside = Bitmap::new();
            for Window { start, end } in windows(span, when, &lasting) {
                inside.union_with(&within(start, end));
            }
            dated.each.push(inside.len());
            dated.inside.union_with(&inside);
        }
        dated.count = dated.inside.len();
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
        if self.count <= LISTED {
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

/// A time as windows, as far as they can meet what there is.
fn windows(span: &Span, when: &When, lasting: &impl Fn() -> (i64, i64)) -> Vec<Window> {
    match span {
        Span::Once(x) => vec![Window { start: x.start.0, end: x.end.0 }],
        Span::Yearly(yearly) => {
            let (first, last) = lasting();
            if first < last { yearly.windows(&when.zone, first, last) } else { Vec::new() }
        }
    }
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

    fn among(when: &When, events: &[(Slot, i64, i64)]) -> Dated {
        let first = events.iter().map(|x| x.1).min().unwrap_or(i64::MAX);
        let last = events.iter().map(|x| x.2).max().unwrap_or(i64::MIN);
        let met = |from: i64, to: i64| events.iter().filter(move |x| x.1 < to && from < x.2).map(|x| x.0);
        Dated::among(when, || (first, last), |from, to| met(from, to).collect())
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
            let dated = among(&when, &all().collect::<Vec<_>>());
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
        let dated =
            among(&when, &[(0, 200 * DAY, i64::MAX), (1, 10 * DAY, 11 * DAY), (2, i64::MIN, i64::MAX)]);
        assert_eq!(dated.inside.iter().collect::<Vec<_>>(), [0, 2]);
    }
}
