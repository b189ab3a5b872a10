//! Which memories lie nearest an instant: a walk outwards through the index of times, or a look at all of them.

use super::selection::Selection;
use super::state::State;
use crate::id::{Slot, Uid};
use crate::time::Timestamp;

/// Memories of a first step to one side, at least; every further step is twice as long.
const STEP: usize = 16;
/// The share of all memories after which a walk gives up, one in so many: a look at all is then as quick.
const SHARE: usize = 16;

impl State {
    /// The `k` memories of a selection whose events lie nearest an instant, of those equally near the ones of the smaller
    /// identities, in no order. O(log n) and the steps to the answer where times are indexed and few on the way are refused,
    /// else O(n).
    pub(super) fn nearest(
        &self,
        at: Timestamp,
        k: usize,
        selection: &Selection,
        now: Timestamp,
    ) -> Vec<Slot> {
        let most = self.live.len() / SHARE;
        let walked = if selection.needs_sets() { None } else { self.walked(at.0, k, selection, now, most) };
        walked.unwrap_or_else(|| self.looked_over(at.0, k, selection, now))
    }

    fn looked_over(&self, at: i64, k: usize, selection: &Selection, now: Timestamp) -> Vec<Slot> {
        let entry = |slot: Slot| &self.entries[slot as usize];
        first_of(self.selected(selection, now), k, |&slot| (entry(slot).time().abs_diff(at), entry(slot).uid))
    }

    /// None where times are not indexed, or that takes more memories than `most`.
    fn walked(
        &self,
        at: i64,
        k: usize,
        selection: &Selection,
        now: Timestamp,
        most: usize,
    ) -> Option<Vec<Slot>> {
        let known = self.times.known(&self.live, &self.entries)?;
        let here = known.rank((at, 0));
        let (mut first, mut last) = (here, here);
        // What was not seen yet lies at least so far away, before and after.
        let (mut before, mut after) = (0, 0);
        let mut near: Vec<(u64, Uid, Slot)> = Vec::new();
        let mut step = k.max(STEP);
        loop {
            let bound = match (first > 0, last < known.len()) {
                (true, true) => before.min(after),
                (true, false) => before,
                (false, true) => after,
                (false, false) => break,
            };
            // One that is as far away as what was not seen may have the greater identity.
            if near.iter().filter(|x| x.0 < bound).count() >= k {
                break;
            }
            if (last - first).saturating_add(step) > most {
                return None;
            }
            let ranks = if first > 0 && (before == bound || last == known.len()) {
                first.saturating_sub(step)..first
            } else {
                last..known.len().min(last.saturating_add(step))
            };
            let spans = known.slice(ranks.clone());
            if ranks.start < first {
                first = ranks.start;
                before = spans.first().map_or(before, |x| x.start.abs_diff(at));
            } else {
                last = ranks.end;
                after = spans.last().map_or(after, |x| x.start.abs_diff(at));
            }
            near.extend(
                spans
                    .iter()
                    .filter(|x| self.admits(x.item, selection, now))
                    .map(|x| (x.start.abs_diff(at), self.identities[x.item as usize], x.item)),
            );
            step = step.saturating_mul(2);
        }
        Some(first_of(near, k, |x| (x.0, x.1)).into_iter().map(|x| x.2).collect())
    }
}

/// The `k` least of a list, in no order.
fn first_of<T, K: Ord>(mut list: Vec<T>, k: usize, key: impl Fn(&T) -> K) -> Vec<T> {
    if list.len() > k {
        list.select_nth_unstable_by_key(k - 1, key);
        list.truncate(k);
    }
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::Error;
    use crate::filter::Filter;
    use crate::journal::event::{Content, Event, Op, Written};
    use crate::record::{Kind, Metadata, Ttl};
    use crate::store::Draft;
    use crate::store::config::Config;
    use crate::time::Interval;

    /// The memories of a run are told apart by one byte.
    fn uid(number: u8) -> Uid {
        Uid([number.wrapping_mul(37); 16])
    }

    fn apply(state: &mut State, number: u8, draft: Option<Draft>) {
        let (seq, uid) = (state.seq + 1, uid(number));
        let op = match (&draft, state.uids.contains_key(&uid)) {
            (Some(_), false) => Op::Added,
            (Some(_), true) => Op::Updated,
            (None, true) => Op::Deleted,
            (None, false) => return,
        };
        let record = draft.map(|draft| draft.record(uid, Timestamp(seq as i64), seq));
        let written = record
            .map(|record| Written::Content(Content { seq, salt: [0; 16], record, vectors: Vec::new() }));
        let (at, version, detail) = (Timestamp(seq as i64), 1, Metadata::new());
        let event = Event { seq, at, op, uid, version, commitment: [0; 32], detail, hash: [0; 32] };
        state.apply(&event, written.as_ref(), &|_| Err(Error::Storage("no spaces".into()))).unwrap();
    }

    fn instant() -> impl Strategy<Value = i64> {
        let edge = prop::sample::select(vec![
            i64::MIN,
            i64::MAX - 1,
            -62_135_596_800_000_000,
            253_402_300_799_999_999,
        ]);
        prop_oneof![6 => -20..20_i64, 2 => -5_000..5_000_i64, 1 => edge]
    }

    fn draft() -> impl Strategy<Value = Draft> {
        let kind = prop::sample::select(vec![Kind::Episodic, Kind::Semantic, Kind::Instruction]);
        let parts =
            (kind, prop::option::weighted(0.9, instant()), 0..4_i64, prop::option::weighted(0.3, 1..400_i64));
        parts.prop_map(|(kind, start, n, ttl)| {
            let metadata = [("n".to_owned(), json!(n))].into_iter().collect();
            let event = start.map(|x| Interval::instant(Timestamp(x)));
            let ttl = ttl.map(|micros| Ttl { micros, sliding: false });
            Draft { metadata, event, ttl, ..Draft::new(kind, "x") }
        })
    }

    fn selection() -> impl Strategy<Value = Selection> {
        let kinds = prop::sample::subsequence(vec![Kind::Episodic, Kind::Semantic, Kind::Core], 0..3);
        let filter = (0..5_i64).prop_map(|n| Filter::compile(&json!({"n": {"$gte": n}})).unwrap());
        let between = (instant(), instant()).prop_filter_map("a range", |(a, b)| {
            (a < b).then_some(Interval { start: Timestamp(a), end: Timestamp(b) })
        });
        let parts = (
            prop::option::weighted(0.4, kinds),
            prop::option::weighted(0.4, filter),
            prop::option::weighted(0.1, between),
            prop::option::weighted(0.2, -3.0..3.0),
            prop::option::weighted(0.2, instant()),
            prop::option::weighted(0.2, (instant(), 1..50_i64)),
            prop::bool::weighted(0.1),
        );
        parts.prop_map(|(kinds, filter, between, least, valid, holding, held_back)| Selection {
            kinds,
            filter,
            between,
            least,
            valid: valid.map(Timestamp),
            holding: holding.map(|(from, length)| (from, from.saturating_add(length))),
            held_back,
            ..Selection::default()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn a_walk_finds_what_a_look_at_all_finds(
            changes in prop::collection::vec((any::<u8>(), prop::option::weighted(0.8, draft())), 0..400),
            indexed_after in 0..400_usize,
            questions in prop::collection::vec((instant(), 1..40_usize, selection(), 0..500_i64), 16),
        ) {
            let mut state = State::new(Config::default(), None, [0; 32]).unwrap();
            for (done, (number, draft)) in changes.into_iter().enumerate() {
                if done == indexed_after {
                    while state.times.known(&state.live, &state.entries).is_none() {}
                }
                apply(&mut state, number, draft);
            }
            while state.times.known(&state.live, &state.entries).is_none() {}
            for (at, k, selection, now) in questions {
                let now = Timestamp(now);
                let mut wanted = state.looked_over(at, usize::MAX, &selection, now);
                wanted.sort_by_key(|&x| (state.entries[x as usize].time().abs_diff(at), state.identities[x as usize]));
                wanted.truncate(k);
                wanted.sort_unstable();
                let mut found = vec![state.nearest(Timestamp(at), k, &selection, now)];
                if !selection.needs_sets() {
                    found.extend(state.walked(at, k, &selection, now, usize::MAX));
                    prop_assert_eq!(found.len(), 2, "the index is made");
                }
                for mut slots in found {
                    slots.sort_unstable();
                    prop_assert_eq!(&slots, &wanted);
                }
            }
        }
    }

    #[test]
    fn a_walk_stays_near_and_gives_up_in_time() {
        let mut state = State::new(Config::default(), None, [0; 32]).unwrap();
        let all = Selection::default();
        assert!(state.walked(0, 1, &all, Timestamp(0), usize::MAX).is_none(), "no index yet");
        while state.times.known(&state.live, &state.entries).is_none() {}
        for number in 0..=255 {
            let event = Some(Interval::instant(Timestamp(i64::from(number))));
            apply(&mut state, number, Some(Draft { event, ..Draft::new(Kind::Episodic, "x") }));
        }
        let walked = |selection: &Selection, k, most| state.walked(100, k, selection, Timestamp(0), most);
        assert!(walked(&all, 3, 64).is_some(), "one step to each side");
        let none = Selection { kinds: Some(Vec::new()), ..Selection::default() };
        assert_eq!(walked(&none, 3, 64), None);
        assert_eq!(walked(&none, 3, usize::MAX), Some(Vec::new()));
        assert_eq!(walked(&all, 100, 64), None, "more are asked for");
    }
}
