//! When a snapshot of a namespace is worth its time.

use super::cell::Cell;
use super::segment;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::journal::ledger::Ledger;

/// Whether so many events came since the last snapshot.
pub(super) fn worth_it(cell: &Cell, worth: u64) -> bool {
    let loaded = cell.state.read();
    loaded.as_ref().is_some_and(|x| x.id.is_some() && x.state.seq.saturating_sub(x.stored) >= worth)
}

/// Writes the snapshot of a namespace if it is worth it. The caller holds the right to write.
pub(super) fn take(ledger: &dyn Ledger, cell: &Cell, worth: u64, cancel: Cancel<'_>) -> Result<()> {
    if !ledger.keeps_segments() || !worth_it(cell, worth) {
        return Ok(());
    }
    let guard = cell.state.read();
    let Some(loaded) = guard.as_ref() else { return Ok(()) };
    let (Some(id), seq) = (loaded.id, loaded.state.seq) else { return Ok(()) };
    segment::store(ledger, id, &loaded.state, cancel)?;
    drop(guard);
    if let Some(loaded) = cell.state.write().as_mut() {
        loaded.stored = seq;
    }
    Ok(())
}
