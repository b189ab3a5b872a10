//! Snapshots of the indexes: whole or not there.

use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::journal::in_memory::InMemoryLedger;
use recollect_core::journal::ledger::{Ledger, SegmentPart};
use recollect_core::journal::sqlite::{Options, SqliteLedger};

use crate::story::Story;

fn parts(mark: u8) -> Vec<SegmentPart> {
    let part = |kind: &str, part, size| SegmentPart { kind: kind.into(), part, data: vec![mark; size] };
    vec![part("slots", 0, 10), part("vectors", 0, 3 << 20), part("vectors", 1, 0), part("lexical", 0, 5000)]
}

fn told(ledger: &dyn Ledger) -> u32 {
    let mut story = Story::new("a");
    story.add(1, "one", &[1.0]);
    story.add(2, "two", &[]);
    story.tell(ledger).unwrap()
}

fn round_trip(ledger: &dyn Ledger) {
    let id = told(ledger);
    assert_eq!(ledger.read().unwrap().segments(id).unwrap(), None);
    for mark in 1..3 {
        ledger.put_segments(id, 2, 9, &mut parts(mark).into_iter(), Cancel::never()).unwrap();
        let reader = ledger.read().unwrap();
        let header = reader.segments(id).unwrap().unwrap();
        assert_eq!((header.watermark, header.format), (2, 9));
        let counts = [("slots", 1), ("vectors", 2), ("lexical", 1)];
        assert_eq!(header.parts, counts.map(|(kind, count)| (kind.to_owned(), count)));
        for part in parts(mark) {
            let data = reader.segment_part(id, &part.kind, part.part).unwrap();
            assert_eq!(data, Some(part.data));
        }
        assert_eq!(reader.segment_part(id, "vectors", 2).unwrap(), None);
        assert_eq!(reader.segment_part(id, "none", 0).unwrap(), None);
    }
    let mut mixed = parts(3);
    mixed.swap(0, 2);
    let refused = ledger.put_segments(id, 2, 9, &mut mixed.into_iter(), Cancel::never());
    assert!(matches!(refused, Err(Error::Invalid { .. })));
    assert!(ledger.read().unwrap().segments(id).unwrap().is_some(), "the one before is still there");
    ledger.put_segments(id, 3, 9, &mut parts(3).into_iter(), Cancel::never()).unwrap();
    assert_eq!(ledger.read().unwrap().segments(id).unwrap(), None, "ahead of the namespace");
    ledger.put_segments(id, 1, 9, &mut std::iter::empty(), Cancel::never()).unwrap();
    assert!(ledger.read().unwrap().segments(id).unwrap().unwrap().parts.is_empty());
    ledger.drop_segments(id).unwrap();
    assert_eq!(ledger.read().unwrap().segments(id).unwrap(), None);
    assert!(ledger.put_segments(77, 0, 1, &mut std::iter::empty(), Cancel::never()).is_err());
}

#[test]
fn a_snapshot_comes_back_as_it_was_put() {
    round_trip(&InMemoryLedger::new());
    let folder = tempfile::tempdir().unwrap();
    round_trip(&SqliteLedger::open(folder.path().join("a.rcl"), &Options::default()).unwrap());
}

#[test]
fn a_damaged_part_is_a_missing_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    let id = told(&ledger);
    ledger.put_segments(id, 1, 9, &mut parts(7).into_iter(), Cancel::never()).unwrap();
    let edit = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    edit("UPDATE seg SET data = zeroblob(5000) WHERE kind = 'lexical'");
    let reader = ledger.read().unwrap();
    assert_eq!(reader.segment_part(id, "lexical", 0).unwrap(), None);
    assert!(reader.segment_part(id, "slots", 0).unwrap().is_some());
    drop(reader);
    let damage = ledger.verify(recollect_core::cancel::Cancel::never()).unwrap().damage;
    assert!(damage.len() == 1 && damage[0].starts_with("seg"), "{damage:?}");
    edit("UPDATE seg SET data = CAST('[2,9,[]]' AS BLOB) WHERE kind = ''");
    assert_eq!(ledger.read().unwrap().segments(id).unwrap(), None, "the header has a checksum too");
}
