//! The two-library hazard, as far as one library can stage it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;

use super::*;

/// Where SQLite keeps its locks in a database file: the pending byte, then 510 shared bytes.
const PENDING: i64 = 0x4000_0000;
const SHARED: i64 = PENDING + 2;
const SHARED_BYTES: i64 = 510;

fn connect(path: &Path) -> Connection {
    install().unwrap();
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection
}

fn store(path: &Path) -> Connection {
    let connection = connect(path);
    connection.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (0)").unwrap();
    connection
}

/// Runs one ignored test of this file in a process of its own, in the folder of the store.
fn run_alone(path: &Path, test: &str) {
    let folder = path.parent().unwrap();
    let module = module_path!().split_once("::").unwrap().1;
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", &format!("{module}::{test}")])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success());
}

/// What another process hears that asks to write.
fn other_process_may_write(path: &Path) -> bool {
    run_alone(path, "the_other_process");
    std::fs::read_to_string(path.with_file_name("answer")).unwrap() == "wrote"
}

/// Runs in a process of its own, in the folder of the store.
#[test]
#[ignore = "the other process of the tests below"]
fn the_other_process() {
    if !Path::new("a.rcl").exists() {
        return;
    }
    let connection = connect(Path::new("a.rcl"));
    let wrote = connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (99); COMMIT").is_ok();
    std::fs::write("answer", if wrote { "wrote" } else { "busy" }).unwrap();
}

/// Asks for a POSIX lock as a second SQLite library in this process would, and says whether it got it.
fn a_second_library_locks(file: &File, start: i64, bytes: i64) -> bool {
    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: start,
        l_len: bytes,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open and `lock` outlives the call.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &lock) == 0 }
}

#[test]
fn opening_and_closing_the_file_drops_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    let connection = store(&path);
    connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    for file in ["a.rcl", "a.rcl-wal", "a.rcl-shm"] {
        let mut bytes = Vec::new();
        File::open(folder.path().join(file)).unwrap().read_to_end(&mut bytes).unwrap();
    }
    assert!(!other_process_may_write(&path), "a second writer got in");
    connection.execute_batch("COMMIT").unwrap();
    assert!(other_process_may_write(&path));
    let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3);
}

#[test]
fn a_second_library_in_this_process_never_believes_it_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    let connection = store(&path);
    let stranger = File::options().read(true).write(true).open(&path).unwrap();
    // The lock that allows the last connection to delete the log.
    assert!(!a_second_library_locks(&stranger, SHARED, SHARED_BYTES));
    drop(stranger);
    connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    assert!(folder.path().join("a.rcl-wal").exists());
    drop(connection);
    let stranger = File::options().read(true).write(true).open(&path).unwrap();
    assert!(a_second_library_locks(&stranger, SHARED, SHARED_BYTES), "a lock was left behind");
}

#[test]
fn connections_of_one_process_exclude_each_other_and_leave_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    let first = store(&path);
    let second = connect(&path);
    let third = connect(&path);
    first.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(second.execute_batch("BEGIN IMMEDIATE").is_err());
    first.execute_batch("COMMIT").unwrap();
    second.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)").unwrap();
    drop(third);
    assert!(!other_process_may_write(&path), "closing a neighbour dropped the lock");
    second.execute_batch("COMMIT").unwrap();
    drop(second);
    assert!(other_process_may_write(&path));
    drop(first);
    assert!(!folder.path().join("a.rcl-wal").exists(), "the last to close folds the log");
    assert!(other_process_may_write(&path));
}

#[test]
fn the_first_connection_closed_early_leaves_the_log_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    let first = store(&path);
    let second = connect(&path);
    second.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    drop(first);
    second.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    drop(second);
    // The limit told of above: should it ever go away, so may the advice.
    assert!(folder.path().join("a.rcl-wal").exists());
    assert!(other_process_may_write(&path), "a lock was left behind");
    let rows: i64 = connect(&path).query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 4);
}

#[test]
fn the_exit_of_a_forked_child_drops_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    let connection = store(&path);
    connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    // SAFETY: the child does nothing but end, which closes its copies of the descriptors.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: ends this process, always.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: waits for the child made above and asks for no status.
    assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
    assert!(!other_process_may_write(&path));
    connection.execute_batch("COMMIT").unwrap();
}

#[test]
fn threads_that_reopen_and_other_processes_lose_no_update() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    let kept = store(&path);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let connection = connect(&path);
                    connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
                    connection.pragma_update(None, "synchronous", "normal").unwrap();
                    for _ in 0..20 {
                        connection.execute_batch("BEGIN IMMEDIATE; UPDATE t SET x = x + 1; COMMIT").unwrap();
                    }
                }
            });
        }
        for _ in 0..3 {
            other_process_may_write(&path);
        }
    });
    let query = "SELECT x FROM t WHERE rowid = 1";
    let own: i64 = kept.query_row(query, [], |row| row.get(0)).unwrap();
    assert_eq!(own, 300);
    let sound: String = kept.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

/// A connection opened in a fork, while one of the parent is open, holds a snapshot; the parent folds the log.
#[test]
#[ignore = "runs alone in a process of its own, because it forks"]
fn a_forked_reader() {
    if !Path::new("a.rcl").exists() {
        return;
    }
    let parent = connect(Path::new("a.rcl"));
    parent.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    let (mut from_child, mut to_parent) = std::io::pipe().unwrap();
    let (mut from_parent, mut to_child) = std::io::pipe().unwrap();
    // SAFETY: the only other thread waits for this one, so no lock is held at this moment.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let reader = connect(Path::new("a.rcl"));
        reader.execute_batch("BEGIN").unwrap();
        let count = || reader.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
        let before = count();
        to_parent.write_all(b"x").unwrap();
        from_parent.read_exact(&mut [0]).unwrap();
        let same = count() == before;
        // SAFETY: ends this process, always.
        unsafe { libc::_exit(i32::from(!same)) };
    }
    from_child.read_exact(&mut [0]).unwrap();
    parent.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    let busy: i64 = parent.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    to_child.write_all(b"x").unwrap();
    let mut status = 0;
    // SAFETY: waits for the child made above, into a local integer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    std::fs::write("answer", format!("{busy} {status}")).unwrap();
}

#[test]
fn a_snapshot_of_a_forked_reader_is_not_folded_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rcl");
    drop(store(&path));
    run_alone(&path, "a_forked_reader");
    assert_eq!(std::fs::read_to_string(folder.path().join("answer")).unwrap(), "1 0");
}
