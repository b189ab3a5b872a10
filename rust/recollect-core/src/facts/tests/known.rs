//! Cases with known answers.

use super::*;

fn objects(facts: &Facts, valid: i64, recorded: i64) -> Vec<u32> {
    facts.as_of(CELL, valid, recorded).iter().map(|&row| facts.fact(row).unwrap().object).collect()
}

/// Paris (1) from day 0, recorded on day 4; Berlin (2) from day 1247, recorded on day 1277.
fn moved(policy: &Policy) -> Facts {
    let mut facts = Facts::new();
    facts.assert(claim(1, (0, OPEN)), policy, 4).unwrap();
    facts.assert(claim(2, (1247, OPEN)), policy, 1277).unwrap();
    facts
}

#[test]
fn what_was_true_and_what_was_known() {
    let facts = moved(&Policy::Supersede);
    assert_eq!(objects(&facts, 1261, 1266), [1]);
    assert_eq!(objects(&facts, 1261, 1278), [2]);
    for recorded in [4, 1000, 1277, OPEN - 1] {
        assert_eq!(objects(&facts, 366, recorded), [1]);
    }
    assert!(objects(&facts, 366, 3).is_empty());
    assert_eq!(facts.history(CELL).len(), 3);
    assert_eq!(facts.contradictions(CELL, OPEN - 1), []);
    assert_eq!(facts.standing(), 2);
}

#[test]
fn policies_do_what_they_say() {
    let facts = moved(&Policy::LatestWins);
    assert_eq!((objects(&facts, 366, 2000), objects(&facts, 366, 1276)), (vec![], vec![1]));
    let facts = moved(&Policy::KeepBoth);
    assert_eq!(objects(&facts, 2000, 2000), [1, 2]);
    assert_eq!(facts.contradictions(CELL, 2000), [(0, 1)]);
    assert_eq!(facts.contradictions(CELL, 1276), []);

    let mut facts = moved(&Policy::ByConfidence);
    assert_eq!(objects(&facts, 2000, 2000), [2]);
    let unsure = Claim { confidence: 0.2, ..claim(3, (0, OPEN)) };
    let done = facts.assert(unsure, &Policy::ByConfidence, 2001).unwrap();
    assert!(done.archived && done.closed.is_empty());
    assert_eq!(objects(&facts, 2000, 2001), [2]);
    assert_eq!(facts.history(CELL).len(), 4);
    assert!("newest".parse::<Policy>().is_err());
}

#[test]
fn judgements_are_followed_and_must_be_of_the_conflicts_there_are() {
    let mut facts = moved(&Policy::KeepBoth);
    let new = claim(3, (500, 2000));
    assert_eq!(facts.conflicts(&new), [0, 1]);
    let wrong = Policy::Judged(vec![(0, Verdict::Extends)]);
    assert!(facts.assert(new, &wrong, 3000).is_err());
    assert_eq!(facts.len(), 2);
    let judged = Policy::Judged(vec![(0, Verdict::Extends), (1, Verdict::Contradicts)]);
    let done = facts.assert(new, &judged, 3000).unwrap();
    assert_eq!((done.closed, done.remain.len()), (vec![0, 1], 0));
    assert_eq!(facts.fact(done.rows[0]).unwrap().valid, (0, OPEN));
    let both = Policy::Judged(vec![(done.rows[0], Verdict::Independent)]);
    facts.assert(claim(4, (0, 10)), &both, 3001).unwrap();
    assert_eq!(objects(&facts, 5, 3001), [3, 4]);
}

#[test]
fn a_hundred_overwrites_leave_one_value_and_a_hundred_old_ones() {
    for policy in [Policy::Supersede, Policy::LatestWins, Policy::ByConfidence] {
        for same_validity in [true, false] {
            let mut facts = Facts::new();
            for value in 0..101u32 {
                let from = if same_validity { 0 } else { i64::from(value) };
                facts.assert(claim(value, (from, OPEN)), &policy, i64::from(value)).unwrap();
                assert_eq!(objects(&facts, i64::from(value), OPEN - 1), [value]);
            }
            let old: std::collections::BTreeSet<u32> =
                facts.history(CELL).iter().map(|&row| facts.fact(row).unwrap().object).collect();
            assert_eq!(old.len(), 101);
            for then in 0..101 {
                assert_eq!(objects(&facts, then, then), [then as u32]);
            }
        }
    }
}

#[test]
fn a_clock_that_goes_back_changes_no_order() {
    let mut facts = Facts::new();
    facts.assert(claim(1, (0, OPEN)), &Policy::Supersede, 100).unwrap();
    facts.assert(claim(2, (0, OPEN)), &Policy::Supersede, 40).unwrap();
    assert_eq!(facts.fact(1).unwrap().recorded, (100, OPEN));
    // What was replaced in the same microsecond stood at no time.
    assert_eq!((objects(&facts, 5, 100), objects(&facts, 5, 99)), (vec![2], vec![]));
    assert_eq!(facts.latest(), 100);
}

#[test]
fn the_same_again_adds_nothing_but_its_source() {
    let mut facts = Facts::new();
    let told = |source, confidence, valid| Claim { source: Some(source), confidence, ..claim(1, valid) };
    facts.assert(told(7, 0.5, (0, 100)), &Policy::Supersede, 1).unwrap();
    let again = facts.assert(told(8, 0.4, (10, 20)), &Policy::Supersede, 2).unwrap();
    assert_eq!(again, Asserted::default());
    assert_eq!(facts.sources_of(0), [7, 8]);
    // It reaches further: only what is new is added.
    let more = facts.assert(told(9, 0.4, (50, 150)), &Policy::Supersede, 3).unwrap();
    assert_eq!(facts.fact(more.rows[0]).unwrap().valid, (100, 150));
    // It is surer: it holds where it says so.
    let surer = facts.assert(told(9, 0.9, (20, 30)), &Policy::Supersede, 4).unwrap();
    assert_eq!((surer.closed, surer.remain.len(), surer.rows.len()), (vec![0], 2, 1));
    for valid in 0..150 {
        assert_eq!(objects(&facts, valid, 4), [1]);
    }
    // Of what 8 told, 7 told all.
    assert!(facts.withdraw(8).is_empty());
    assert_eq!(facts.supported_by(7), surer.remain);
    assert!(facts.withdraw(7).is_empty());
    assert_eq!(facts.withdraw(9).len(), 4);
}

#[test]
fn predicates_of_many_and_retracting() {
    let mut facts = Facts::new();
    facts.set_many(2, true);
    for object in 0..5 {
        facts.assert(claim(object, (0, 100)), &Policy::Supersede, 1).unwrap();
    }
    assert_eq!(objects(&facts, 5, 1), [0, 1, 2, 3, 4]);
    assert_eq!(facts.contradictions(CELL, 1), []);
    let one = Pattern { object: Some(3), ..CELL };
    let done = facts.retract(one, (20, 30), 2).unwrap();
    assert_eq!(done.remain.len(), 2);
    assert_eq!((objects(&facts, 25, 2), objects(&facts, 25, 1)), (vec![0, 1, 2, 4], vec![0, 1, 2, 3, 4]));
    assert!(facts.retract(one, (5, 5), 3).is_err());
    assert!(facts.assert(Claim { confidence: f32::NAN, ..claim(1, (0, 1)) }, &Policy::KeepBoth, 3).is_err());
    assert!(facts.assert(claim(1, (0, 1)), &Policy::KeepBoth, OPEN).is_err());
}
