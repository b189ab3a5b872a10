//! Many queries at once: on several threads, and where all rows are read, several queries to a read.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Queries that read each block together: their state stays in the second cache.
pub(super) const TOGETHER: usize = 8;

/// Queries of which a thread takes its share at a time.
pub(super) const SHARE: usize = 4 * TOGETHER;

/// Runs `work` on shares of `0..count`, `size` each, on up to `threads` threads and joins the answers in order.
///
/// The calling thread works too, and is the one that asks `cancel`.
///
/// # Errors
/// The first error of `work`; [`Error::Cancelled`].
pub(super) fn shared<R: Send>(
    count: usize,
    size: usize,
    threads: usize,
    cancel: Cancel<'_>,
    work: impl Fn(std::ops::Range<usize>, Cancel<'_>) -> Result<Vec<R>> + Sync,
) -> Result<Vec<R>> {
    cancel.check()?;
    let shares: Vec<_> = (0..count).step_by(size).map(|start| start..(start + size).min(count)).collect();
    let threads = threads.clamp(1, shares.len().max(1));
    if threads == 1 {
        let found = shares.into_iter().map(|share| work(share, cancel));
        return Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect());
    }
    let (stop, next) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    let run = |cancel: Cancel<'_>| {
        let mut done = Vec::new();
        while let Some(share) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
            match work(share.clone(), cancel) {
                Ok(found) => done.push((share.start, found)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(done)
    };
    let stopped = || stop.load(Ordering::Relaxed);
    let answers = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(|| run(Cancel::new(&stopped)))).collect();
        let own = run(cancel);
        let lost = || Error::Storage("a thread of the search ended early".into());
        let mut answers = vec![own];
        answers.extend(helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|_| Err(lost()))));
        answers
    });
    // What stopped the others comes before what being stopped looks like.
    if answers.iter().any(Result::is_err) {
        let mut errors: Vec<Error> = answers.into_iter().filter_map(Result::err).collect();
        errors.sort_by_key(|error| matches!(error, Error::Cancelled));
        return Err(errors.into_iter().next().unwrap_or(Error::Cancelled));
    }
    let mut parts: Vec<_> = answers.into_iter().flatten().flatten().collect();
    parts.sort_unstable_by_key(|part| part.0);
    Ok(parts.into_iter().flat_map(|part| part.1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_back_in_order_and_errors_come_out() {
        for threads in [1, 2, 3, 9] {
            for count in [0, 1, 31, 32, 33, 1000] {
                let found = shared(count, SHARE, threads, Cancel::never(), |share, _| Ok(share.collect()));
                assert_eq!(found.unwrap(), (0..count).collect::<Vec<_>>());
            }
            let failed = shared(1000, SHARE, threads, Cancel::never(), |share, cancel| {
                cancel.check()?;
                if share.contains(&500) { Err(Error::invalid("query", "bad")) } else { Ok(vec![0]) }
            });
            assert!(matches!(failed, Err(Error::Invalid { .. })));
            let cancelled = shared(1000, SHARE, threads, Cancel::new(&|| true), |_, cancel| {
                cancel.check()?;
                Ok(vec![0])
            });
            assert!(matches!(cancelled, Err(Error::Cancelled)));
        }
    }
}
