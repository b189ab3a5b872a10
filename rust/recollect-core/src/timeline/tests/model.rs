//! Questions of time against a list of events.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn questions_are_answered_as_by_a_list(
        events in prop::collection::vec((0i64..40, prop_oneof![Just(1i64), 1i64..20, Just(i64::MAX)]), 0..120),
        questions in prop::collection::vec((-2i64..45, 1i64..30, 0usize..9), 10),
    ) {
        let mut tree = timeline(0);
        let mut model = Vec::new();
        for (slot, (start, length)) in (0u32..).zip(events) {
            let end = start.saturating_add(length);
            tree.insert(slot, Event { end, ..Event::at(start) }).unwrap();
            model.push((start, end, slot));
        }
        model.sort_unstable_by_key(|x| (x.0, x.2));
        prop_assert!(tree.order().eq(model.iter().map(|x| x.2)));
        for (from, length, k) in questions {
            let to = from + length;
            let inside: Vec<u32> = model.iter().filter(|x| x.0 < to && x.1 > from).map(|x| x.2).collect();
            prop_assert_eq!(tree.between(from, to, usize::MAX, false), inside.clone());
            let last: Vec<u32> = inside.iter().rev().take(k).copied().collect();
            prop_assert_eq!(tree.between(from, to, k, true), last);
            prop_assert_eq!(tree.count(from, to), model.iter().filter(|x| from <= x.0 && x.0 < to).count());
            let mut near = model.clone();
            let far = |x: &(i64, i64, u32)| if from < x.0 { x.0 - from } else if from >= x.1 { from - x.1 + 1 } else { 0 };
            near.sort_by_key(|x| (far(x), x.0, x.2));
            prop_assert!(tree.nearest(from, k).into_iter().eq(near.iter().take(k).map(|x| x.2)));
        }
    }
}
