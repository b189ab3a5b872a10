//! After an erasure and a purge no byte of what was erased is in any file of the folder.

use std::path::Path;

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::id::Uid;
use recollect_core::journal::event::{KeyVector, Op, Seq};
use recollect_core::journal::ledger::{Ledger, Purge, SegmentPart};
use recollect_core::journal::sqlite::{Options, SqliteLedger};
use recollect_core::record::Status;
use recollect_core::vector::Keep;

use crate::story::Story;

/// Text and vector that occur nowhere else: a window of either is unmistakable.
fn needle(namespace: usize, seq: Seq, length: usize) -> (String, Vec<f32>) {
    let word = format!("<{namespace:04x}-{seq:04x}-NEEDLE>");
    let vector =
        (0..24).map(|at| f32::from_bits(0x4640_0000 + (namespace as u32 * 4096 + seq as u32) * 32 + at));
    (word.repeat(length.max(1)), vector.collect())
}

/// The windows of erased rows that are still in a file of the folder.
fn left(folder: &Path, erased: &[(usize, Seq)]) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        let mut present = std::collections::HashSet::new();
        for at in memchr(&bytes) {
            if let Ok(word) = std::str::from_utf8(&bytes[at..(at + 11).min(bytes.len())]) {
                present.insert(word.to_owned());
            }
        }
        for (namespace, seq) in erased {
            let (word, vector) = needle(*namespace, *seq, 1);
            let name = file.file_name().unwrap().to_string_lossy();
            if present.contains(&word[..11]) {
                found.push(format!("text of {namespace}/{seq} in {name}"));
            }
            let window: Vec<u8> = vector[8..12].iter().flat_map(|x| x.to_le_bytes()).collect();
            if bytes.windows(16).any(|it| it == window) {
                found.push(format!("vector of {namespace}/{seq} in {name}"));
            }
        }
    }
    found
}

/// Whether the file says that a purge is still to be done.
fn owed(folder: &Path) -> bool {
    let conn = rusqlite::Connection::open(folder.join("a.rcl")).unwrap();
    conn.query_row("SELECT count(*) FROM meta WHERE key = 'purge'", [], |row| row.get::<_, i64>(0)).unwrap()
        > 0
}

fn memchr(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'<').map(|(at, _)| at)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn erased_bytes_are_gone_wherever_the_rows_had_moved(
        writes in prop::collection::vec((0_usize..6, prop_oneof![3 => Just(0_usize), 8 => 1_usize..60, 1 => 200_usize..500], any::<bool>()), 40..160),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
        all in any::<bool>(), reopen in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = SqliteLedger::open(folder.path().join("a.rcl"), &Options::default()).unwrap();
        let mut stories: Vec<Story> = (0..6).map(|at| Story::new(&format!("n{at}"))).collect();
        let (mut rows, mut told) = (Vec::new(), std::collections::HashSet::new());
        for (at, length, restate) in writes {
            let (text, vector) = needle(at, stories[at].seq + 1, length);
            // Without a length, the vector alone.
            let seq = match length {
                0 => stories[at].embed(1, vec![KeyVector::new(1, Keep::F32, &vector)]),
                _ => stories[at].add(1, &text, &vector),
            };
            rows.push((at, seq));
            if restate && told.contains(&(at, seq - 1)) {
                stories[at].restated.push((seq - 1, Status::Archived));
            }
            if length > 0 {
                told.insert((at, seq));
            }
            stories[at].tell(&ledger).unwrap();
        }
        let mut erased: Vec<(usize, Seq)> =
            if all { rows.clone() } else { chosen.iter().map(|at| *at.get(&rows)).collect() };
        erased.sort_unstable();
        erased.dedup();
        for (at, story) in stories.iter().enumerate() {
            let part = SegmentPart { kind: "lexical".into(), part: 0, data: needle(at, 1, 50).0.into_bytes() };
            if let Some(id) = story.id {
                ledger.put_segments(id, 1, 1, &mut std::iter::once(part), Cancel::never()).unwrap();
            }
        }
        prop_assert_eq!(left(folder.path(), &erased).is_empty(), false, "the search must be able to find");
        for (at, seq) in &erased {
            stories[*at].event(Op::Erased, Uid([1; 16]), None);
            stories[*at].erased.push(*seq);
            stories[*at].tell(&ledger).unwrap();
        }
        prop_assert!(owed(folder.path()));
        if reopen {
            // As after a crash: nobody asked for the purge, the next opening finishes it.
            drop(ledger);
            ledger = SqliteLedger::open(folder.path().join("a.rcl"), &Options::default()).unwrap();
        } else {
            prop_assert_eq!(ledger.purge().unwrap(), Purge::Done);
        }
        prop_assert!(!owed(folder.path()));
        prop_assert_eq!(left(folder.path(), &erased), Vec::<String>::new());
        let verified = ledger.verify(recollect_core::cancel::Cancel::never()).unwrap();
        prop_assert_eq!(verified.damage, Vec::<String>::new());
        ledger.close().unwrap();
        prop_assert_eq!(left(folder.path(), &erased), Vec::<String>::new());
    }
}

#[test]
fn a_purge_waits_for_a_reader_of_the_old_pages() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(folder.path().join("a.rcl"), &Options::default()).unwrap();
    let mut story = Story::new("a");
    let (text, vector) = needle(0, 1, 3);
    let seq = story.add(1, &text, &vector);
    let id = story.tell(&ledger).unwrap();
    let reader = ledger.read().unwrap();
    story.event(Op::Erased, Uid([1; 16]), None);
    story.erased.push(seq);
    story.tell(&ledger).unwrap();
    assert_eq!(ledger.purge().unwrap(), Purge::Pending);
    assert!(reader.contents(id, &[seq], true).unwrap()[0].is_some(), "its moment is before the erasure");
    drop(reader);
    assert_eq!(ledger.purge().unwrap(), Purge::Done);
    assert_eq!(left(folder.path(), &[(0, 1)]), Vec::<String>::new());
}
