//! Damage in the file: an answer is right or it is an error, never wrong and never a panic.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::id::Uid;
use recollect_core::journal::event::{Content, Embedding, Event, KeyVector, Op, Written};
use recollect_core::journal::ledger::{Ledger, Reader, Space};
use recollect_core::journal::sqlite::{Durability, Options, SqliteLedger};
use recollect_core::record::Status;
use recollect_core::vector::Keep;

use crate::story::Story;

const READING: Options = Options { create: false, read_only: true, durability: Durability::Full };

/// A closed store of two namespaces with everything in it.
fn store(folder: &Path) -> PathBuf {
    let path = folder.join("a.rcl");
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    ledger.space(&Space { name: "m".into(), dim: 16, metric: "dot".into() }).unwrap();
    let mut stories = ["a", "b"].map(Story::new);
    for at in 0..40_u8 {
        for story in &mut stories {
            let seq = story.add(at, &format!("text {at} ").repeat(1 + usize::from(at)), &[f32::from(at); 16]);
            if at % 3 == 2 {
                story.restated.push((seq - 1, Status::Archived));
            }
            story.tell(&ledger).unwrap();
        }
    }
    for story in &mut stories {
        story.event(Op::Erased, Uid([5; 16]), None);
        story.erased.push(6);
        story.tell(&ledger).unwrap();
        for at in 0..20_u8 {
            story.embed(at, vec![KeyVector::new(2, Keep::F32, &[f32::from(at); 16])]);
            story.tell(&ledger).unwrap();
        }
    }
    ledger.purge().unwrap();
    ledger.close().unwrap();
    path
}

type All = (Vec<(Event, Option<Written>)>, Vec<Option<Content>>, Vec<Option<Embedding>>, Vec<Event>, usize);

/// Everything that can be read of a namespace, or the first error.
fn read(reader: &dyn Reader, name: &str) -> Result<Option<All>> {
    let Some(head) = reader.resolve(&name.parse().unwrap())? else { return Ok(None) };
    let mut events = Vec::new();
    reader.events(head.id, 0, &mut |event, content| {
        events.push((event, content));
        Ok(())
    })?;
    let contents = reader.contents(head.id, &(1..=41).collect::<Vec<_>>(), true)?;
    let embeddings = reader.embeddings(head.id, &(40..=62).collect::<Vec<_>>())?;
    let history = reader.history(head.id, Uid([7; 16]))?;
    let spaces = reader.spaces()?.len();
    Ok(Some((events, contents, embeddings, history, spaces)))
}

fn attempt(path: &Path) -> Result<Vec<Option<All>>> {
    let ledger = SqliteLedger::open(path, &READING)?;
    let reader = ledger.read()?;
    ["a", "b"].iter().map(|name| read(&*reader, name)).collect()
}

fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::Corrupt { .. } | Error::NotAStore { .. } | Error::FormatTooNew { .. } | Error::Io { .. }
    )
}

/// What the damaged file answers, against what it answered before; whether it answered with an error.
fn judge(path: &Path, before: &[Option<All>]) -> std::result::Result<bool, TestCaseError> {
    match attempt(path) {
        Err(error) => {
            prop_assert!(is_damage(&error), "{error}");
            Ok(true)
        }
        Ok(after) => {
            prop_assert!(after == before, "wrong data");
            Ok(false)
        }
    }
}

#[test]
fn a_flipped_bit_never_changes_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    let before = attempt(&path).unwrap();
    let sound = std::fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.rcl");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 600,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    });
    let noticed = std::cell::Cell::new(0);
    let flip = |(at, bit): (usize, u8)| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << bit;
        std::fs::write(&damaged, &bytes).unwrap();
        noticed.set(noticed.get() + i32::from(judge(&damaged, &before)?));
        Ok(())
    };
    // The length of a value beyond what the engine reads.
    flip((77_863, 7)).unwrap();
    // The number of a row, so that the row is there for a pass in order and for no other.
    flip((84_155, 2)).unwrap();
    // A divider of a table; how many rows a page claims, of the path index and of the spaces; the format of the schema;
    // the page where a table begins.
    for place in [(24_573, 0), (12_292, 0), (12_292, 1), (32_772, 0), (47, 0), (2_549, 0)] {
        flip(place).unwrap();
    }
    runner.run(&(0..sound.len(), 0_u8..8), flip).unwrap();
    assert!(noticed.get() > 50, "the damage must reach the rows: {}", noticed.get());
}

#[test]
fn pages_zeroed_swapped_or_cut_off_never_change_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    let before = attempt(&path).unwrap();
    let sound = std::fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.rcl");
    let pages = sound.len() / 4096;
    for one in 0..pages {
        let mut versions = vec![sound.clone(), sound[..one * 4096 + 100].to_vec()];
        versions[0][one * 4096..][..512].fill(0);
        for two in (0..one).step_by(3) {
            let mut swapped = sound.clone();
            let (first, second) = swapped.split_at_mut(one * 4096);
            first[two * 4096..][..4096].swap_with_slice(&mut second[..4096]);
            versions.push(swapped);
        }
        for bytes in versions {
            std::fs::write(&damaged, &bytes).unwrap();
            judge(&damaged, &before).unwrap();
        }
    }
}

fn damage_after(sql: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let ledger = SqliteLedger::open(&path, &READING).unwrap();
    ledger.verify(Cancel::never()).unwrap().damage
}

#[test]
fn verify_finds_what_somebody_edited() {
    assert_eq!(damage_after("SELECT 1"), Vec::<String>::new());
    let (row, alone) = ((1_i64 << 36) + 10, (1_i64 << 36) + 50);
    for (sql, table) in [
        ("UPDATE rec SET text = 'other' WHERE id = {row}", "rec"),
        ("UPDATE rec SET status = 'deleted' WHERE id = {row}", "rec"),
        ("UPDATE rec SET speaker = '' WHERE id = {row}", "rec"),
        ("UPDATE rec SET h = zeroblob(16) WHERE id = {row}", "rec"),
        ("DELETE FROM rec WHERE id = {row}", "rec"),
        ("UPDATE rec SET id = id + 1000 WHERE id = {row}", "rec"),
        ("UPDATE rec SET id = {row} + (2 << 36) WHERE id = {row}", "rec"),
        ("UPDATE vec SET data = zeroblob(64) WHERE id = {row}", "vec"),
        ("UPDATE vec SET spaces = '[[2,16]]' WHERE id = {row}", "vec"),
        ("DELETE FROM vec WHERE id = {row}", "vec"),
        ("INSERT INTO vec VALUES ({row} + 500, '[]', x'')", "vec"),
        ("UPDATE vec SET data = zeroblob(64) WHERE id = {alone}", "vec"),
        ("UPDATE vec SET spaces = replace(spaces, '3232', '3233') WHERE id = {alone}", "vec"),
        ("UPDATE vec SET spaces = '[[2,16]]' WHERE id = {alone}", "vec"),
        ("DELETE FROM vec WHERE id = {alone}", "rec"),
        ("UPDATE vec SET spaces = (SELECT spaces FROM vec WHERE id = {alone}) WHERE id = {row}", "vec"),
        ("UPDATE oplog SET at = at + 1 WHERE id = {row}", "oplog"),
        ("UPDATE oplog SET op = 'deleted' WHERE id = {row}", "oplog"),
        ("UPDATE oplog SET detail = '{\"a\":1}' WHERE id = {row}", "oplog"),
        ("UPDATE oplog SET hash = zeroblob(32) WHERE id = {row}", "oplog"),
        ("DELETE FROM oplog WHERE id = {row}", "oplog"),
        ("DELETE FROM oplog WHERE id = (1 << 36) + 41", "oplog"),
        ("UPDATE ns SET seq = 3 WHERE id = 1", "ns"),
        ("UPDATE ns SET path = 'z' WHERE id = 1", "ns"),
        ("DELETE FROM ns WHERE id = 2", "ns"),
        ("UPDATE ns SET seq = seq - 1 WHERE id = 0", "ns"),
        ("UPDATE space SET dim = 17", "space"),
    ] {
        let sql = sql.replace("{row}", &row.to_string()).replace("{alone}", &alone.to_string());
        let damage = damage_after(&sql);
        assert!(damage.iter().any(|line| line.starts_with(table)), "{sql}: {damage:?}");
    }
}

#[test]
fn verify_tells_all_damage_and_goes_on() {
    let damage = damage_after(
        "UPDATE rec SET text = 'x' WHERE (id & 1023) IN (3, 9); UPDATE oplog SET version = 8 WHERE (id & 1023) = 20",
    );
    for expected in [
        "rec 3 of namespace 1",
        "rec 9 of namespace 1",
        "oplog 20 of namespace 1",
        "rec 3 of namespace 2",
        "rec 9 of namespace 2",
        "oplog 20 of namespace 2",
    ] {
        assert!(damage.iter().any(|line| line.starts_with(expected)), "{expected}: {damage:?}");
    }
    assert!(!damage.iter().any(|line| line.contains("text 2")), "no content in words");
}

#[test]
fn verify_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(store(folder.path()), &READING).unwrap();
    assert!(matches!(ledger.verify(Cancel::new(&|| true)), Err(Error::Cancelled)));
}
