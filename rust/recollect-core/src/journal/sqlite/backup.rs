//! A consistent copy in a new file.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::sqlite::connection::{self, Durability, Role};
use crate::journal::sqlite::errors::{damage, sql};
use crate::journal::sqlite::interruption::interruptible;
use crate::journal::sqlite::open::{beside, make, sync_folder};
use crate::journal::sqlite::{heads, schema};

/// Pages copied between two questions whether to stop: 4 MiB.
const STEP: i32 = 1024;

/// Copies what a reader sees. The target must not exist; a copy that did not succeed is taken away again.
pub(crate) fn backup(
    from: &Connection,
    path: &Path,
    to: &Path,
    cancel: Cancel<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let to = std::path::absolute(to).map_err(Error::refused(to))?;
    if to.exists() {
        return Err(Error::invalid("to", "there is a file already"));
    }
    make(&to)?;
    let copied = copy(from, path, &to, cancel, progress).and_then(|()| settle(&to, cancel));
    if copied.is_err() {
        for ending in ["", "-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&to, ending));
        }
    }
    copied
}

fn copy(
    from: &Connection,
    path: &Path,
    to: &Path,
    cancel: Cancel<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    // Closed after the connection: closing it would give up the locks of the engine.
    let file = File::options().write(true).open(to).map_err(Error::refused(to))?;
    let mut target = connection::open(to, Role::Writer(Durability::Full))?;
    target.pragma_update(None, "cache_size", STEP).map_err(sql(to))?;
    let copy = Backup::new(from, &mut target).map_err(sql(path))?;
    loop {
        cancel.check()?;
        let step = copy.step(STEP).map_err(sql(to))?;
        let state = copy.progress();
        let total = u64::try_from(state.pagecount).unwrap_or(0);
        progress(total - u64::try_from(state.remaining).unwrap_or(0).min(total), total);
        match step {
            StepResult::Done => return Ok(()),
            // Or the last step would wait for all pages at once, and no question would be asked meanwhile.
            StepResult::More => file.sync_data().map_err(Error::refused(to))?,
            // Nobody else knows the new file, so this passes.
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Checks the copy and makes it durable.
fn settle(to: &Path, cancel: Cancel<'_>) -> Result<()> {
    cancel.check()?;
    let conn = connection::open(to, Role::Writer(Durability::Full))?;
    schema::check(&conn, to)?;
    heads::census(&conn, to)?;
    let check = || conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let answer = interruptible(&conn, cancel, check).map_err(sql(to))?;
    if answer != "ok" {
        return Err(damage(to, "file", "copy", answer));
    }
    conn.close().map_err(|(_, error)| sql(to)(error))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(Error::refused(to))?;
    sync_folder(to)
}
