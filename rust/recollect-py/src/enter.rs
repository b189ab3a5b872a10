//! The one door into the core: detached from Python, open to Ctrl-C, closed after a fork.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::entropy::Entropy;
use recollect_core::error::{Error, Result};
use recollect_core::process;
use recollect_core::store::{Call, Memory};
use recollect_core::time::Timestamp;

use crate::errors::raise;

/// Time between two looks for a signal.
const POLL: Duration = Duration::from_millis(50);

/// Asks Python for signals, at most every 50 ms, and keeps what a handler raised.
struct Signals {
    /// None before the first look for them: a short call does not read the clock.
    next: Mutex<Option<Instant>>,
    raised: Mutex<Option<PyErr>>,
}

#[expect(clippy::disallowed_methods, reason = "the binding reads the clock so that the core need not")]
fn now() -> Instant {
    Instant::now()
}

impl Signals {
    fn new() -> Self {
        Self { next: Mutex::new(None), raised: Mutex::new(None) }
    }

    fn pending(&self) -> bool {
        if self.raised.lock().is_ok_and(|raised| raised.is_some()) {
            return true;
        }
        let Ok(mut next) = self.next.lock() else { return false };
        let at = now();
        let due = *next.get_or_insert(at + POLL);
        if at < due {
            return false;
        }
        *next = Some(at + POLL);
        drop(next);
        match Python::attach(|py| py.check_signals()) {
            Ok(()) => false,
            Err(error) => {
                if let Ok(mut raised) = self.raised.lock() {
                    *raised = Some(error);
                }
                true
            }
        }
    }
}

/// Runs core code detached from Python. `pid` is the process that opened the store.
///
/// # Errors
/// What the core answers, as the matching exception; what a signal handler raised, such as `KeyboardInterrupt`.
pub(crate) fn enter<R: Send>(
    py: Python<'_>,
    pid: u32,
    work: impl FnOnce(Cancel<'_>) -> Result<R> + Send,
) -> PyResult<R> {
    let here = process::id();
    if pid != here {
        return Err(raise(py, Error::Forked { opened: pid, now: here }));
    }
    let signals = Signals::new();
    let asked = || signals.pending();
    let answer = py.detach(|| work(Cancel::new(&asked)));
    if let Ok(Some(raised)) = signals.raised.into_inner() {
        // Also where the work was done before it could stop: a signal that was taken must not vanish.
        return Err(raised);
    }
    answer.map_err(|error| raise(py, error))
}

/// As [`enter`], for a write at an instant.
///
/// # Errors
/// As [`enter`].
pub(crate) fn write<R: Send>(
    py: Python<'_>,
    pid: u32,
    memory: &Memory,
    now: i64,
    work: impl FnOnce(&Memory, &mut Call<'_>) -> Result<R> + Send,
) -> PyResult<R> {
    enter(py, pid, |cancel| {
        let mut call = Call { now: Timestamp(now), entropy: Entropy::new(seed()?), cancel };
        work(memory, &mut call)
    })
}

fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::Storage(format!("the system gives no randomness: {e}")))?;
    Ok(seed)
}
