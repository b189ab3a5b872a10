//! Work in pieces that write to places of their own, on some threads: no result depends on how many.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Does `work` on every task, on up to `threads` threads; each thread has a `space` of its own.
///
/// The calling thread works too, and is the one that asks `cancel`.
///
/// # Errors
/// An error of `work`; [`Error::Cancelled`].
pub(super) fn each<T: Send, S>(
    tasks: Vec<T>,
    threads: usize,
    cancel: Cancel<'_>,
    space: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T, Cancel<'_>) -> Result<()> + Sync,
) -> Result<()> {
    cancel.check()?;
    let threads = threads.clamp(1, tasks.len().max(1));
    let (queue, stop) = (Mutex::new(tasks.into_iter()), AtomicBool::new(false));
    let run = |cancel: Cancel<'_>| {
        let mut space = space();
        loop {
            let task = queue.lock().map_err(|_| lost())?.next();
            let Some(task) = task else { return Ok(()) };
            let done = cancel.check().and_then(|()| work(&mut space, task, cancel));
            if done.is_err() {
                stop.store(true, Ordering::Relaxed);
                return done;
            }
        }
    };
    let stopped = || stop.load(Ordering::Relaxed);
    let answers = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(|| run(Cancel::new(&stopped)))).collect();
        let mut answers = vec![run(cancel)];
        answers.extend(helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|_| Err(lost()))));
        answers
    });
    // What stopped the others comes before what being stopped looks like.
    let mut errors: Vec<Error> = answers.into_iter().filter_map(Result::err).collect();
    errors.sort_by_key(|error| matches!(error, Error::Cancelled));
    errors.into_iter().next().map_or(Ok(()), Err)
}

fn lost() -> Error {
    Error::Storage("a thread of the work ended early".into())
}
