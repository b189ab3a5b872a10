//! One file, its neighbours, and who may have it open.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::journal::ledger::Ledger;
use recollect_core::journal::sqlite::{Durability, Options, SqliteLedger};

use crate::model::entries;
use crate::story::Story;

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    (folder, path)
}

const READING: Options = Options { create: false, read_only: true, durability: Durability::Full };

#[test]
fn a_missing_file_is_made_only_when_asked() {
    let (_folder, path) = place();
    for options in
        [READING, Options { create: false, ..Options::default() }, Options { create: true, ..READING }]
    {
        assert!(matches!(SqliteLedger::open(&path, &options), Err(Error::Missing(_))));
        assert!(!path.exists());
    }
    // What a crash in the middle of making it leaves.
    std::fs::write(&path, b"").unwrap();
    drop(SqliteLedger::open(&path, &Options::default()).unwrap());
    SqliteLedger::open(&path, &READING).unwrap();
}

#[test]
fn a_store_whose_log_cannot_be_made_is_not_a_missing_one() {
    let (_folder, path) = place();
    let log = path.with_file_name("a.rcl-wal");
    for written in [false, true] {
        std::fs::create_dir(&log).unwrap();
        for options in [Options::default(), READING] {
            match SqliteLedger::open(&path, &options).map(drop) {
                Err(Error::Io { source, .. }) => assert_ne!(source.kind(), std::io::ErrorKind::NotFound),
                // Without a log nothing was written, which a reader is told.
                Err(Error::NotAStore { .. }) => assert!(!written && options == READING),
                other => panic!("{other:?}"),
            }
        }
        std::fs::remove_dir(&log).unwrap();
        drop(SqliteLedger::open(&path, &Options::default()).unwrap());
    }
}

#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_looked_at_is_not_a_missing_store() {
    let (_folder, path) = place();
    std::fs::write(&path, "no folder").unwrap();
    for options in [Options::default(), READING] {
        match SqliteLedger::open(path.join("b.rcl"), &options).map(drop) {
            Err(Error::Io { source, .. }) => assert_eq!(source.kind(), std::io::ErrorKind::NotADirectory),
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    let mut story = Story::new("a");
    story.add(1, "one", &[]);
    story.tell(&ledger).unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", file.file_name());
    }
}

#[test]
fn one_writes_while_others_read() {
    let (_folder, path) = place();
    let writer = SqliteLedger::open(&path, &Options::default()).unwrap();
    assert!(matches!(SqliteLedger::open(&path, &Options::default()), Err(Error::StoreLocked { .. })));
    let reader = SqliteLedger::open(&path, &READING).unwrap();
    assert!(writer.writable() && !reader.writable());
    let before = reader.read().unwrap().version().unwrap();
    let mut story = Story::new("a");
    story.add(1, "one", &[1.0]);
    let id = story.tell(&writer).unwrap();
    let view = reader.read().unwrap();
    assert_ne!(view.version().unwrap(), before);
    assert_eq!(entries(&*view, id, 0).len(), 1);
    drop(view);
    assert!(matches!(story.tell(&reader), Err(Error::ReadOnly)));
    assert!(matches!(reader.purge(), Err(Error::ReadOnly)));
    writer.close().unwrap();
    drop(SqliteLedger::open(&path, &Options::default()).unwrap());
    assert_eq!(entries(&*reader.read().unwrap(), id, 0).len(), 1);
}

#[test]
fn closing_folds_the_log_and_leaves_one_file() {
    let (folder, path) = place();
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    let mut story = Story::new("a");
    story.add(1, "one", &[1.0]);
    story.tell(&ledger).unwrap();
    drop(ledger.read().unwrap());
    assert!(ledger.bytes().unwrap() > 4096);
    ledger.close().unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.rcl", "a.rcl-lock"]);
}

#[test]
fn a_log_that_was_taken_away_loses_nothing() {
    let (_folder, path) = place();
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    let mut story = Story::new("a");
    for round in 0..6_u64 {
        story.add(1, "one", &[1.0]);
        story.tell(&ledger).unwrap();
        assert_eq!(ledger.read().unwrap().head(1).unwrap().unwrap().seq, round + 1);
        if round % 2 == 0 {
            let log = path.with_file_name("a.rcl-wal");
            std::fs::remove_file(&log).unwrap();
            std::fs::remove_file(path.with_file_name("a.rcl-shm")).unwrap();
        }
    }
    // As after a crash: what is in the files now is all there is.
    let copy = path.with_file_name("copy.rcl");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_file_name("a.rcl-wal"), path.with_file_name("copy.rcl-wal")).unwrap();
    let copy = SqliteLedger::open(&copy, &Options::default()).unwrap();
    assert_eq!(copy.read().unwrap().head(1).unwrap().unwrap().seq, 6);
    assert!(copy.verify(Cancel::never()).unwrap().damage.is_empty());
}

#[test]
fn a_backup_is_the_store_of_its_moment() {
    let (folder, path) = place();
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    let mut story = Story::new("a");
    for at in 0..50 {
        story.add(at, &"text ".repeat(300), &[1.0; 64]);
    }
    let id = story.tell(&ledger).unwrap();
    let to = folder.path().join("b.rcl");
    assert!(matches!(ledger.backup(&to, Cancel::new(&|| true), &mut |_, _| {}), Err(Error::Cancelled)));
    assert!(!to.exists());
    let mut last = (0, 1);
    ledger.backup(&to, Cancel::never(), &mut |done, total| last = (done, total)).unwrap();
    assert_eq!(last.0, last.1);
    assert!(matches!(ledger.backup(&to, Cancel::never(), &mut |_, _| {}), Err(Error::Invalid { .. })));
    story.add(1, "later", &[]);
    story.tell(&ledger).unwrap();
    let copy = SqliteLedger::open(&to, &Options::default()).unwrap();
    assert!(copy.verify(Cancel::never()).unwrap().damage.is_empty());
    let (ours, theirs) = (ledger.read().unwrap(), copy.read().unwrap());
    assert_eq!(entries(&*theirs, id, 0), entries(&*ours, id, 0)[..50]);
}

#[test]
fn a_backup_asks_whether_to_stop_while_it_checks_the_copy() {
    let (folder, path) = place();
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    let mut story = Story::new("a");
    for at in (0..8).flat_map(|_| 0..=u8::MAX) {
        story.add(at, "text", &[]);
    }
    story.tell(&ledger).unwrap();
    let to = folder.path().join("b.rcl");
    let (copied, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let stop = |at: usize| {
        copied.store(false, Relaxed);
        asked.store(0, Relaxed);
        let question = || copied.load(Relaxed) && asked.fetch_add(1, Relaxed) >= at;
        ledger.backup(&to, Cancel::new(&question), &mut |done, total| copied.store(done == total, Relaxed))
    };
    for at in [0, 1, 5] {
        assert!(matches!(stop(at), Err(Error::Cancelled)), "{at}");
        assert!(!to.exists());
    }
    stop(usize::MAX).unwrap();
    assert!(asked.load(Relaxed) > 10);
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_do_not_pile_up() {
    let open =
        || std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|it| it.unwrap().path().read_link().ok());
    let (folder, path) = place();
    let ledger = SqliteLedger::open(&path, &Options::default()).unwrap();
    let ours = || open().filter(|it| it.starts_with(folder.path())).count();
    for _ in 0..20 {
        let readers: Vec<_> = (0..12).map(|_| ledger.read().unwrap()).collect();
        drop(readers);
    }
    assert!(ours() <= 24, "{}", ours());
    drop(ledger);
    assert_eq!(ours(), 0);
}
