//! Windows against what is known of calendars.

use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// 0001-01-01 and 10000-01-01.
const EARLIEST: i64 = -62_135_596_800_000_000;
const LATEST: i64 = 253_402_300_800_000_000;

/// Clocks of Brussels in 2026: to summer time on 29 March, back on 25 October, at 01:00 UTC.
fn brussels() -> Zone {
    let changes = [(1_774_746_000_000_000, 7_200), (1_792_890_000_000_000, 3_600)];
    Zone::new(3_600, &changes, None).unwrap()
}

/// Clocks that go from 00:01 back to 23:01 of the day before.
fn over_midnight() -> Zone {
    Zone::new(0, &[(100 * DAY + 60_000_000, -3_600)], None).unwrap()
}

fn length(unit: Unit, zone: &Zone, at: i64) -> i64 {
    let window = unit.window(zone, at);
    assert!(window.start <= at && at < window.end, "{unit:?} {window:?} {at}");
    window.end - window.start
}

#[test]
fn days_of_a_change_have_23_and_25_hours() {
    let zone = brussels();
    assert_eq!(length(Unit::Day, &zone, 1_774_746_000_000_000), 23 * HOUR);
    assert_eq!(length(Unit::Day, &zone, 1_792_890_000_000_000), 25 * HOUR);
    assert_eq!(length(Unit::Week, &zone, 1_792_890_000_000_000), 7 * DAY + HOUR);
    // The doubled hour is two windows.
    let twice = [0, HOUR].map(|back| Unit::Hour.window(&zone, 1_792_890_000_000_000 - HOUR + back));
    assert_eq!(twice[0].end, twice[1].start);
}

#[test]
fn a_day_whose_midnight_comes_twice_begins_once() {
    let zone = over_midnight();
    let next = Unit::Day.window(&zone, 100 * DAY);
    assert_eq!((next.start, next.end), (100 * DAY, 101 * DAY + HOUR));
    // 23:30 of the day before, shown a second time.
    assert_eq!(Unit::Day.window(&zone, 100 * DAY + HOUR / 2), next);
}

#[test]
fn months_and_years_of_the_whole_calendar() {
    let zone = Zone::default();
    for (at, days) in
        [(EARLIEST, 31), (LATEST - 1, 31), (951_782_400_000_000, 29), (-2_203_891_200_000_001, 28)]
    {
        assert_eq!(length(Unit::Month, &zone, at), days * DAY);
    }
    assert_eq!(length(Unit::Year, &zone, 1_704_067_200_000_000), 366 * DAY);
    assert_eq!(Unit::Week.window(&zone, 1_704_067_200_000_000).start, 1_704_067_200_000_000);
    assert_eq!(Unit::Week.window(&zone, 0).start, -3 * DAY);
}

#[test]
fn a_table_repeats_its_last_400_years() {
    // Every year the same two changes, over 400 years of 146,097 days.
    let changes: Vec<(i64, i32)> =
        (0..800).map(|n| (n * (146_097 * DAY / 800) + DAY, if n % 2 == 0 { 3_600 } else { 0 })).collect();
    let end = 146_097 * DAY;
    let zone = Zone::new(0, &changes, Some(end)).unwrap();
    for at in (2 * DAY..end).step_by((97 * DAY + HOUR) as usize) {
        let (now, later) = (Unit::Day.window(&zone, at), Unit::Day.window(&zone, at + 3 * end));
        assert_eq!((now.start + 3 * end, now.end + 3 * end), (later.start, later.end));
    }
}

#[test]
fn tables_return_from_bytes() {
    for zone in [Zone::default(), brussels(), Zone::fixed(-19_800).unwrap()] {
        let mut out = crate::bytes::Writer::default();
        zone.encode(&mut out);
        assert_eq!(Zone::decode(&mut crate::bytes::Reader::new(&out.0)).unwrap(), zone);
    }
    assert!(Zone::new(0, &[(5, 0), (5, 0)], None).is_err());
    assert!(Zone::fixed(100_000).is_err());
}

proptest! {
    #[test]
    fn windows_leave_nothing_out_and_never_overlap(at in EARLIEST..LATEST, near in -3 * DAY..3 * DAY, which in 0usize..4) {
        let (zone, at) = match which {
            0 => (Zone::default(), at),
            1 => (Zone::fixed(20_700).unwrap(), at),
            2 => (brussels(), [1_774_746_000_000_000, 1_792_890_000_000_000][usize::from(near > 0)] + near),
            _ => (over_midnight(), 100 * DAY + near),
        };
        for unit in [Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year] {
            let window = unit.window(&zone, at);
            prop_assert!(window.start <= at && at < window.end);
            for inside in [window.start, window.end - 1] {
                prop_assert_eq!(unit.window(&zone, inside), window);
            }
            prop_assert_eq!(unit.window(&zone, window.end).start, window.end);
        }
    }
}
