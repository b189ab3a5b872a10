//! Long statements that ask whether to stop.

#![allow(unsafe_code, reason = "the safe progress handler of rusqlite takes no borrowed question")]

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, ffi};

use crate::cancel::Cancel;

/// Instructions of the engine between two questions.
const STEPS: c_int = 1000;

/// Runs statements of a connection that end with `SQLITE_INTERRUPT` once the caller asked to stop.
pub(crate) fn interruptible<T>(conn: &Connection, cancel: Cancel<'_>, work: impl FnOnce() -> T) -> T {
    struct Watched<'a>(&'a Connection);
    impl Drop for Watched<'_> {
        fn drop(&mut self) {
            // SAFETY: the handle is open as long as the connection is borrowed; no handler is a valid handler.
            unsafe { ffi::sqlite3_progress_handler(self.0.handle(), 0, None, std::ptr::null_mut()) }
        }
    }
    let question: *const Cancel<'_> = &cancel;
    let watched = Watched(conn);
    // SAFETY: the handle is open as long as the connection is borrowed, and `cancel` outlives `watched`, whose drop takes
    // the handler back also when `work` panics.
    unsafe {
        ffi::sqlite3_progress_handler(conn.handle(), STEPS, Some(asked), question.cast_mut().cast());
    }
    let answer = work();
    drop(watched);
    answer
}

/// Nonzero ends the statement.
unsafe extern "C" fn asked(question: *mut c_void) -> c_int {
    // SAFETY: the engine hands back the pointer that `interruptible` registered, which is valid until it is taken back.
    let cancel = unsafe { &*question.cast_const().cast::<Cancel<'_>>() };
    // A panic must not cross into the engine: it counts as a wish to stop.
    c_int::from(catch_unwind(AssertUnwindSafe(|| cancel.check().is_err())).unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT sum(i) FROM n";

    #[test]
    fn a_statement_ends_when_asked_and_the_connection_goes_on() {
        let conn = Connection::open_in_memory().unwrap();
        let run = || conn.query_row(LONG, [], |row| row.get::<_, i64>(0));
        let stopped = interruptible(&conn, Cancel::new(&|| true), run);
        assert_eq!(stopped.unwrap_err().sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted));
        assert_eq!(interruptible(&conn, Cancel::never(), run).unwrap(), 5_000_050_000);
        assert!(run().is_ok());
    }
}
