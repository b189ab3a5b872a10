//! Windows, closed and opened again.

use super::*;

/// 40 days from a Monday with two sessions of five segments each.
fn forty_days() -> Timeline {
    let mut tree = timeline(0);
    for at in 0..400u32 {
        let (day, session, segment) = (i64::from(at) / 10, at / 5, at % 5);
        let hour = if session % 2 == 0 { 9 } else { 18 };
        let start = MONDAY + day * DAY + hour * HOUR + i64::from(segment) * MINUTE;
        let event = Event { session: Some(session), segment: Some(i64::from(segment)), ..Event::at(start) };
        tree.insert(at, event).unwrap();
    }
    tree
}

fn closed(tree: &Timeline) -> Vec<usize> {
    tree.tally().iter().map(|x| x.nodes - x.open - x.reopened).collect()
}

#[test]
fn forty_days_close_as_calendars_say() {
    let mut tree = forty_days();
    // 2024-02-10: the sixth week and February are not over.
    let watermark = MONDAY + 40 * DAY;
    let done = tree.advance(watermark, Cancel::never()).unwrap();
    assert_eq!(done.len(), 400 + 80 + 40 + 5 + 1);
    assert_eq!(closed(&tree), [400, 80, 40, 5, 1, 0]);
    assert!(done.is_sorted_by_key(|id| id.level));
    assert_eq!(tree.advance(watermark, Cancel::never()).unwrap(), []);
    sound(&tree);

    let late =
        Event { session: Some(4), segment: Some(9), ..Event::at(MONDAY + 2 * DAY + 9 * HOUR + 7 * MINUTE) };
    // Its own segment is new; session, day, week and month are open again.
    assert_eq!(tree.insert(400, late).unwrap(), 4);
    assert_eq!(tree.tally().iter().map(|x| x.reopened).sum::<usize>(), 4);
    let done = tree.advance(watermark, Cancel::never()).unwrap();
    assert_eq!(done.iter().map(|id| id.level).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(closed(&tree), [401, 80, 40, 5, 1, 0]);
    assert_eq!(tree.remove(400).unwrap(), 4);
}

#[test]
fn a_week_that_straddles_is_in_the_month_of_its_monday() {
    let mut tree = timeline(0);
    // Wednesday 2024-01-31 and Thursday 2024-02-01 are in one week, which began in January.
    for (slot, day) in [(0, 30), (1, 31)] {
        tree.insert(slot, Event::at(MONDAY + day * DAY)).unwrap();
    }
    let months = tree.nodes(4, i64::MIN, i64::MAX);
    assert_eq!(months.len(), 1);
    assert_eq!(months[0].id.key, Key::Window(MONDAY));
    assert_eq!((months[0].start, months[0].end), (MONDAY + 30 * DAY, MONDAY + 31 * DAY + 1));
    // January is over on 1 February, but its last week is not before the fifth.
    assert!(tree.advance(MONDAY + 35 * DAY - 1, Cancel::never()).unwrap().iter().all(|id| id.level < 3));
    assert_eq!(tree.advance(MONDAY + 35 * DAY, Cancel::never()).unwrap().len(), 2);
}

#[test]
fn a_session_over_midnight_holds_its_day_open() {
    let mut tree = timeline(0);
    for (slot, minute) in [(0, -9), (1, -1), (2, 7)] {
        tree.insert(slot, Event::at(MONDAY + DAY + minute * MINUTE)).unwrap();
    }
    assert_eq!(tree.tally()[2].nodes, 1);
    assert_eq!(tree.advance(MONDAY + DAY + 16 * MINUTE, Cancel::never()).unwrap(), []);
    let done = tree.advance(MONDAY + DAY + 17 * MINUTE, Cancel::never()).unwrap();
    assert_eq!(done.iter().map(|id| id.level).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn gaps_make_sessions_and_late_events_join_and_part_them() {
    let mut tree = timeline(0);
    let sessions = |tree: &Timeline| tree.tally()[1].nodes;
    tree.insert(0, Event::at(MONDAY)).unwrap();
    tree.insert(1, Event::at(MONDAY + 15 * MINUTE)).unwrap();
    assert_eq!(sessions(&tree), 2);
    tree.insert(2, Event::at(MONDAY + 8 * MINUTE)).unwrap();
    assert_eq!(sessions(&tree), 1);
    assert_eq!(tree.neighbours(Item::Event(2), 1).unwrap(), (vec![Item::Event(0)], vec![Item::Event(1)]));
    tree.remove(2).unwrap();
    assert_eq!(sessions(&tree), 2);
    assert_eq!(tree.neighbours(Item::Event(0), 5).unwrap(), (vec![], vec![]));
    // The start of a session may move to the day before, and the session with it.
    tree.insert(3, Event::at(MONDAY - 5 * MINUTE)).unwrap();
    assert_eq!(tree.nodes(2, i64::MIN, i64::MAX)[0].id.key, Key::Window(MONDAY - DAY));
    sound(&tree);
}

#[test]
fn any_levels_that_go_up_will_do() {
    let levels = |names: &[&str]| names.iter().map(|x| x.parse().unwrap()).collect::<Vec<Level>>();
    for names in [&["hour", "year"][..], &["session", "month"], &["segment", "week"], &["persona"], &[]] {
        let mut tree = Timeline::new(Settings { levels: levels(names), ..Settings::default() }).unwrap();
        for at in 0..50u32 {
            let segment = (names.first() == Some(&"segment")).then_some(i64::from(at) / 7);
            tree.insert(at, Event { segment, ..Event::at(MONDAY + i64::from(at) * 5 * HOUR) }).unwrap();
        }
        sound(&tree);
        assert_eq!(tree.between(MONDAY, MONDAY + 10 * HOUR, 9, false), [0, 1]);
    }
    let down = Settings { levels: levels(&["day", "session"]), ..Settings::default() };
    assert!(Timeline::new(down).is_err());
    assert!("decade".parse::<Level>().is_err());
    assert_eq!(Level::Calendar(Unit::Week).to_string(), "week");
}

#[test]
fn what_is_no_event_changes_nothing() {
    let mut tree = timeline(2);
    let at = Event::at(MONDAY);
    tree.insert(7, at).unwrap();
    let before = told(&tree);
    for bad in [
        Event { end: MONDAY, ..at },
        Event { salience: f32::NAN, ..at },
        Event { segment: Some(1), ..at },
        Event { vector: Some(&[1.0]), ..at },
        Event { vector: Some(&[f32::INFINITY, 0.0]), ..at },
        Event { start: i64::MIN, ..at },
    ] {
        assert!(tree.insert(8, bad).is_err());
    }
    assert!(tree.insert(7, at).is_err() && tree.insert(u32::MAX, at).is_err() && tree.remove(3).is_err());
    assert_eq!(told(&tree), before);
}
