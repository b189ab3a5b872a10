//! A tree that grew in any order is the tree of its events.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Draft {
    start: i64,
    length: i64,
    salience: u8,
    session: Option<u32>,
    segment: Option<i64>,
    vector: Option<[f32; 2]>,
    terms: Vec<(u32, u32)>,
}

impl Draft {
    fn event(&self) -> Event<'_> {
        Event {
            start: self.start,
            end: self.start.saturating_add(self.length),
            salience: f32::from(self.salience),
            session: self.session,
            segment: self.segment.filter(|_| self.session.is_some()),
            vector: self.vector.as_ref().map(|x| &x[..]),
            terms: &self.terms,
            alone: self.session.is_none() && self.segment == Some(1),
        }
    }
}

fn draft() -> impl Strategy<Value = Draft> {
    // Days around the end of a month, the same microsecond often, some that last or do not end.
    let start = prop_oneof![
        (25i64..38, 0i64..1440).prop_map(|(day, minute)| MONDAY + day * DAY + minute * MINUTE),
        (0i64..3).prop_map(|minute| MONDAY + 31 * DAY + minute * 7 * MINUTE),
        Just(-62_135_596_800_000_000),
        Just(253_402_300_799_999_999),
    ];
    let length = prop_oneof![Just(1), Just(3 * DAY), Just(i64::MAX)];
    let session = prop::option::of(0u32..4);
    let terms = prop::collection::btree_map(0u32..9, 1u32..4, 0..4);
    (
        start,
        length,
        0u8..9,
        session,
        prop::option::of(0i64..2),
        prop::option::of(prop::array::uniform2(-1f32..1.0)),
        terms,
    )
        .prop_map(|(start, length, salience, session, segment, vector, terms)| Draft {
            start,
            length,
            salience,
            session,
            segment,
            vector,
            terms: terms.into_iter().collect(),
        })
}

fn rebuilt(events: &[Option<Draft>]) -> Timeline {
    let mut order: Vec<(u32, &Draft)> =
        (0..).zip(events).filter_map(|(slot, x)| Some((slot, x.as_ref()?))).collect();
    order.sort_by_key(|(slot, draft)| (draft.start, *slot));
    let mut tree = Timeline::new(Settings { dim: 2, terms: 5, ..Settings::default() }).unwrap();
    order.into_iter().for_each(|(slot, draft)| {
        tree.insert(slot, draft.event()).unwrap();
    });
    tree
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn any_order_gives_the_same_tree(
        ops in prop::collection::vec((0u32..40, draft(), 0u8..12), 1..160),
    ) {
        let mut tree = rebuilt(&[]);
        let mut model: Vec<Option<Draft>> = vec![None; 40];
        for (slot, draft, op) in ops {
            let place = &mut model[slot as usize];
            match op {
                0 => { tree.advance(draft.start, Cancel::never()).unwrap(); }
                _ if place.is_some() => {
                    tree.remove(slot).unwrap();
                    *place = None;
                }
                _ => {
                    tree.insert(slot, draft.event()).unwrap();
                    *place = Some(draft);
                }
            }
        }
        sound(&tree);
        let mut other = rebuilt(&model);
        prop_assert_eq!(told(&tree), told(&other));
        for at in [MONDAY + 31 * DAY, i64::MAX] {
            tree.advance(at, Cancel::never()).unwrap();
            other.advance(at, Cancel::never()).unwrap();
        }
        prop_assert_eq!(tree.unfinished(), other.unfinished());
        let bytes: Vec<Vec<u8>> = tree.encode_chunks().collect();
        prop_assert_eq!(&bytes, &other.encode_chunks().collect::<Vec<_>>());
        let again = Timeline::decode_chunks(bytes.iter().cloned().map(Ok), Cancel::never()).unwrap();
        prop_assert_eq!(told(&again), told(&tree));
        prop_assert_eq!(again.tally(), tree.tally());
        prop_assert_eq!(again.encode_chunks().collect::<Vec<_>>(), bytes);
    }

    #[test]
    fn damaged_bytes_are_an_error_or_a_timeline(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut tree = timeline(2);
        for slot in 0..4u32 {
            let event = Event { session: Some(1), terms: &[(3, 1)], vector: Some(&[0.6, 0.8]), ..Event::at(MONDAY) };
            tree.insert(slot, event).unwrap();
        }
        tree.advance(MONDAY + 90 * DAY, Cancel::never()).unwrap();
        tree.set_text(tree.unfinished()[0], Some("all")).unwrap();
        let mut bytes: Vec<Vec<u8>> = tree.encode_chunks().collect();
        let piece = at.index(bytes.len());
        let place = at.index(bytes[piece].len());
        if cut { bytes[piece].truncate(place) } else if place % 29 < 25 { bytes[piece][place] = byte }
        // A slot far away is no damage that could be told, and takes memory.
        let far = bytes[1].len() > 3 && bytes[1].chunks(46).any(|x| x.len() > 3 && (x[2] > 0 || x[3] > 0));
        if !far {
            let _ = Timeline::decode_chunks(bytes.into_iter().map(Ok), Cancel::never());
        }
    }
}
