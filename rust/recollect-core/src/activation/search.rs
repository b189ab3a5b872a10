//! One request over a graph, or many on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::answer::Answer;
use super::request::Request;
use super::workspace::{Workspace, Workspaces};
use super::{bounded, push};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::id::Slot;

/// What the seeds, nodes with weights of at least 0, activate. `out_of_time` is asked now and then; once it says so the
/// best so far is the answer, which then depends on the machine.
///
/// # Errors
/// [`Error::UnknownNode`]; [`Error::Invalid`] for a value out of its domain, or no seed that counts;
/// [`Error::Cancelled`]; [`Error::Storage`] without memory.
pub fn activate(
    graph: &Graph,
    seeds: &[(Slot, f64)],
    request: &Request,
    space: &mut Workspace,
    out_of_time: &(dyn Fn() -> bool + Sync),
    cancel: Cancel<'_>,
) -> Result<Answer> {
    request.admit()?;
    let seeds = request.spread_over(graph, seeds)?;
    if request.fan.keeps_mass() {
        push::push(graph, &seeds, request, space, out_of_time, cancel)
    } else {
        bounded::spread(graph, &seeds, request, space, out_of_time, cancel)
    }
}

/// As [`activate`] for many sets of seeds, on up to `threads` threads; each answer is that of the query alone.
///
/// # Errors
/// As [`activate`], the first in the order of the queries.
pub fn activate_many(
    graph: &Graph,
    queries: &[Vec<(Slot, f64)>],
    request: &Request,
    spaces: &Workspaces,
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Vec<Answer>> {
    cancel.check()?;
    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let run = |cancel: Cancel<'_>| {
        spaces.with(|space| {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(seeds) = queries.get(at) else { break };
                let found =
                    cancel.check().and_then(|()| activate(graph, seeds, request, space, &|| false, cancel));
                let failed = found.is_err();
                done.push((at, found));
                if failed {
                    stop.store(true, Ordering::Relaxed);
                    break;
                }
            }
            done
        })
    };
    let stopped = || stop.load(Ordering::Relaxed);
    let mut all = std::thread::scope(|scope| {
        let helpers = threads.clamp(1, queries.len().max(1)) - 1;
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(|| run(Cancel::new(&stopped)))).collect();
        let mut all = run(cancel);
        for helper in helpers {
            let lost =
                || vec![(usize::MAX, Err(Error::Storage("a thread of the search ended early".into())))];
            all.extend(helper.join().unwrap_or_else(|_| lost()));
        }
        all
    });
    // What stopped the others comes before what being stopped looks like.
    all.sort_by_key(|(at, found)| (matches!(found, Err(Error::Cancelled)), *at));
    let (mut answers, mut cancelled) = (Vec::with_capacity(all.len()), false);
    for (_, found) in all {
        match found {
            Ok(answer) => answers.push(answer),
            Err(Error::Cancelled) => cancelled = true,
            Err(error) => return Err(error),
        }
    }
    if cancelled { Err(Error::Cancelled) } else { Ok(answers) }
}
