//! Files that somebody else made, or touched.

use std::path::Path;

use recollect_core::error::Error;
use recollect_core::journal::sqlite::{Options, SqliteLedger};

use crate::story::Story;

fn store(path: &Path) {
    let ledger = SqliteLedger::open(path, &Options::default()).unwrap();
    let mut story = Story::new("a");
    story.add(1, "one", &[1.0]);
    story.tell(&ledger).unwrap();
    recollect_core::journal::ledger::Ledger::close(&ledger).unwrap();
}

fn after(sql: &str) -> Option<Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    store(&path);
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let reading = Options { read_only: true, ..Options::default() };
    let read = SqliteLedger::open(&path, &reading).err();
    let write = SqliteLedger::open(&path, &Options::default()).err();
    assert_eq!(read.map(|error| error.to_string()), write.as_ref().map(ToString::to_string));
    write
}

#[test]
fn objects_that_no_store_has_are_refused() {
    for sql in [
        "CREATE TRIGGER t AFTER INSERT ON rec BEGIN UPDATE rec SET text = 'owned'; END",
        "CREATE VIEW v AS SELECT * FROM rec",
        "CREATE TABLE extra(x)",
        "CREATE INDEX i ON rec(uid)",
        "CREATE INDEX i ON rec(text) WHERE text IS NOT NULL",
        "DROP TABLE seg",
        "DROP TABLE seg; CREATE VIEW seg AS SELECT 1",
        "ALTER TABLE rec ADD COLUMN more TEXT",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'vec'",
    ] {
        assert!(matches!(after(sql), Some(Error::NotAStore { .. })), "{sql}: {:?}", after(sql));
    }
    assert!(after("SELECT 1").is_none(), "control");
}

#[test]
fn other_applications_and_later_formats_are_told_apart() {
    assert!(matches!(after("PRAGMA application_id = 7"), Some(Error::NotAStore { .. })));
    assert!(matches!(after("PRAGMA user_version = 0"), Some(Error::NotAStore { .. })));
    let newer = after("PRAGMA user_version = 4");
    assert!(matches!(newer, Some(Error::FormatTooNew { found: 4, supported: 3, .. })));
}

#[test]
fn what_is_no_store_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.db");
    let conn = rusqlite::Connection::open(&foreign).unwrap();
    conn.execute_batch("CREATE TABLE other(x)").unwrap();
    drop(conn);
    let text = folder.path().join("text");
    std::fs::write(&text, "not a database ".repeat(1000)).unwrap();
    for path in [&foreign, &text] {
        let before = std::fs::read(path).unwrap();
        for read_only in [true, false] {
            let found = SqliteLedger::open(path, &Options { read_only, ..Options::default() });
            assert!(matches!(found, Err(Error::NotAStore { .. })), "{found:?}");
        }
        assert_eq!(std::fs::read(path).unwrap(), before);
    }
    assert!(matches!(SqliteLedger::open(folder.path(), &Options::default()), Err(Error::NotAStore { .. })));
}

#[test]
fn a_name_that_reads_as_a_uri_is_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file:a.rcl?mode=memory");
    store(&path);
    assert!(path.metadata().unwrap().len() > 0);
}
