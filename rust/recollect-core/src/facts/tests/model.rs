//! Random claims against a list, cell by cell and instant by instant.

use proptest::prelude::*;

use super::*;

/// What is believed of a cell: the objects that hold at each instant of a short time.
type Belief = Vec<Vec<u32>>;

const END: i64 = 24;

fn told(facts: &Facts, cell: Pattern, recorded: i64) -> Belief {
    (0..END)
        .map(|valid| {
            let rows = facts.as_of(cell, valid, recorded);
            let mut objects: Vec<u32> = rows.iter().map(|&row| facts.fact(row).unwrap().object).collect();
            objects.sort_unstable();
            objects.dedup();
            objects
        })
        .collect()
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::Supersede), Just(Policy::LatestWins), Just(Policy::KeepBoth)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn beliefs_are_those_of_a_list(
        claims in prop::collection::vec(
            (0u32..2, 0u32..2, 0u32..4, 0i64..END, 1i64..12, -2i64..3, policy(), 0u8..9), 1..60),
    ) {
        let mut facts = Facts::new();
        let mut beliefs = vec![vec![Vec::<u32>::new(); END as usize]; 4];
        let mut past = Vec::new();
        let mut now = 1000;
        for (subject, predicate, object, start, length, step, policy, op) in claims {
            let cell = Pattern { subject: Some(subject), predicate: Some(predicate), object: None };
            let valid = (start, if length > 9 { OPEN } else { start + length });
            now += step;
            let belief = &mut beliefs[(subject * 2 + predicate) as usize];
            let inside = start as usize..valid.1.min(END) as usize;
            if op == 0 {
                facts.retract(cell, valid, now).unwrap();
                belief[inside].iter_mut().for_each(Vec::clear);
            } else {
                let claim = Claim { subject, predicate, object, valid, confidence: 0.5, source: None };
                // What loses its whole record loses it wherever it holds.
                let ended: Vec<(i64, i64, u32)> = match policy {
                    Policy::LatestWins => facts.conflicts(&claim).iter().map(|&row| {
                        let fact = facts.fact(row).unwrap();
                        (fact.valid.0, fact.valid.1, fact.object)
                    }).collect(),
                    _ => Vec::new(),
                };
                facts.assert(claim, &policy, now).unwrap();
                match policy {
                    Policy::Supersede => belief[inside.clone()].iter_mut().for_each(Vec::clear),
                    _ => ended.iter().for_each(|&(from, to, object)| {
                        belief[from.clamp(0, END) as usize..to.clamp(0, END) as usize].iter_mut().for_each(|x| x.retain(|&y| y != object));
                    }),
                }
                belief[inside].iter_mut().for_each(|x| x.push(object));
            }
            belief.iter_mut().for_each(|x| { x.sort_unstable(); x.dedup(); });
            past.retain(|x: &(i64, Vec<Belief>)| x.0 != facts.latest());
            past.push((facts.latest(), beliefs.clone()));
        }
        let bytes: Vec<Vec<u8>> = facts.encode_chunks().collect();
        let again = Facts::decode_chunks(bytes.iter().cloned().map(Ok), Cancel::never()).unwrap();
        prop_assert_eq!(again.encode_chunks().collect::<Vec<_>>(), bytes);
        for facts in [&facts, &again] {
            for (recorded, beliefs) in &past {
                for (at, belief) in (0u32..).zip(beliefs) {
                    let cell = Pattern { subject: Some(at / 2), predicate: Some(at % 2), object: None };
                    prop_assert_eq!(&told(facts, cell, *recorded), belief);
                }
            }
        }
    }

    #[test]
    fn every_pattern_finds_what_a_scan_finds(
        claims in prop::collection::vec((0u32..3, 0u32..3, 0u32..3, 0i64..50, 1i64..30, 0i64..3), 1..400),
        questions in prop::collection::vec((prop::option::of(0u32..3), prop::option::of(0u32..3), prop::option::of(0u32..3), 0i64..60, 1i64..9, 0i64..700), 12),
    ) {
        let mut facts = Facts::new();
        let mut now = 0;
        for (subject, predicate, object, start, length, step) in claims {
            now += step;
            let claim = Claim { subject, predicate, object, valid: (start, start + length), confidence: 1.0, source: None };
            facts.assert(claim, &Policy::Supersede, now).unwrap();
        }
        for (subject, predicate, object, from, length, recorded) in questions {
            let pattern = Pattern { subject, predicate, object };
            let when = When { from, to: from + length, recorded };
            let all = (0..facts.len() as u32).filter(|&row| pattern.fits(&facts.fact(row).unwrap()));
            let wanted: Vec<u32> = all.clone().filter(|&row| when.fits(&facts.fact(row).unwrap())).collect();
            if let (Some(subject), Some(predicate), None) = (subject, predicate, object) {
                let last = wanted.last().map(|&row| (row, facts.fact(row).unwrap().object));
                prop_assert_eq!(facts.last(subject, predicate, when), last);
            }
            prop_assert_eq!(facts.find(pattern, when), wanted);
            prop_assert_eq!(facts.history(pattern), all.collect::<Vec<_>>());
            prop_assert_eq!(facts.contradictions(pattern, recorded), []);
        }
    }
}
