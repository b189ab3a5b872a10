//! One transaction over the namespaces it touches.

use std::path::Path;

use rusqlite::Connection;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::journal::continuity::{MAX_NAMESPACES, follow};
use crate::journal::event::NamespaceId;
use crate::journal::ledger::{Commit, Target};
use crate::journal::sqlite::heads::{self, Census, Stand};
use crate::journal::sqlite::{
    content_rows, embedding_rows, errors, event_rows, schema, segments, vector_rows,
};
use crate::namespace::Namespace;
use crate::record::Metadata;

/// Events between two questions whether to stop.
const CHECKPOINT: usize = 512;

/// Runs a change in a transaction of its own: all of it or nothing.
pub(crate) fn transaction<T>(
    conn: &Connection,
    path: &Path,
    change: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let run = |statement: &str| conn.prepare_cached(statement).and_then(|mut it| it.execute([]));
    run("BEGIN IMMEDIATE").map_err(errors::sql(path))?;
    let done = change(conn).and_then(|value| {
        run("COMMIT").map_err(|error| errors::commit(path, &error))?;
        Ok(value)
    });
    if !conn.is_autocommit() {
        // The engine may have rolled back already; either way the first error is the one to tell.
        let _ = run("ROLLBACK");
    }
    done
}

/// Writes commits; gives the number of each namespace.
pub(crate) fn write(
    conn: &Connection,
    path: &Path,
    commits: &[Commit<'_>],
    cancel: Cancel<'_>,
) -> Result<Vec<NamespaceId>> {
    let mut census = heads::census(conn, path)?;
    let mut ids = Vec::with_capacity(commits.len());
    for commit in commits {
        ids.push(write_one(conn, path, commit, &mut census, cancel)?);
    }
    census.commits += 1;
    heads::put_census(conn, path, census)?;
    Ok(ids)
}

fn write_one(
    conn: &Connection,
    path: &Path,
    commit: &Commit<'_>,
    census: &mut Census,
    cancel: Cancel<'_>,
) -> Result<NamespaceId> {
    let (mut stand, new) = match commit.target {
        Target::Known(id) => {
            let stand = heads::by_id(conn, path, id)?
                .ok_or_else(|| Error::invalid("namespace", format!("there is no number {id}")))?;
            (stand, false)
        }
        Target::New { path: name, config } => (make(conn, path, name, config, census)?, true),
    };
    (stand.head.seq, stand.head.hash) = follow(stand.head.seq, stand.head.hash, commit)?;
    let id = stand.head.id;
    schema::raise(conn, path, schema::needed(commit))?;
    let mut contents = commit.contents.iter().peekable();
    let mut embeddings = commit.embeddings.iter().peekable();
    for (at, event) in commit.events.iter().enumerate() {
        if at.is_multiple_of(CHECKPOINT) {
            cancel.check()?;
        }
        event_rows::insert(conn, path, id, event)?;
        if let Some(content) = contents.next_if(|content| content.seq == event.seq) {
            let hash = content_rows::insert(conn, path, id, content, &event.commitment)?;
            vector_rows::insert(conn, path, id, content.seq, &content.vectors)?;
            stand.sum = stand.sum.wrapping_add(hash);
        }
        if let Some(keys) = embeddings.next_if(|keys| keys.seq == event.seq) {
            let hash = embedding_rows::insert(conn, path, id, keys, &event.commitment)?;
            stand.sum = stand.sum.wrapping_add(hash);
        }
    }
    stand.head.rows += (commit.contents.len() + commit.embeddings.len()) as u64;
    for (seq, status) in commit.restated {
        let (before, now) = content_rows::restate(conn, path, id, *seq, *status)?;
        stand.sum = stand.sum.wrapping_sub(before).wrapping_add(now);
    }
    for seq in commit.erased {
        if let Some(hash) = content_rows::erase(conn, path, id, *seq)? {
            stand.sum = stand.sum.wrapping_sub(hash);
            stand.head.rows = stand.head.rows.saturating_sub(1);
        }
    }
    if !commit.erased.is_empty() || commit.config.is_some() {
        // A snapshot of the indexes holds what is being erased, or is one of other spaces.
        segments::delete(conn, path, id)?;
    }
    if !commit.erased.is_empty() {
        // The next process to open the file sees what this one may not live to purge.
        conn.prepare_cached("INSERT OR IGNORE INTO meta VALUES ('purge', 'due')")
            .and_then(|mut insert| insert.execute([]))
            .map_err(errors::sql(path))?;
    }
    if let Some(config) = commit.config {
        stand.head.config = config.clone();
    }
    heads::put(conn, path, &stand, new)?;
    Ok(id)
}

fn make(
    conn: &Connection,
    path: &Path,
    name: &Namespace,
    config: &Metadata,
    census: &mut Census,
) -> Result<Stand> {
    if heads::by_path(conn, path, name)?.is_some() {
        return Err(Error::invalid("namespace", "there is one with this path already"));
    }
    heads::complete(conn, path, census.namespaces)?;
    census.namespaces += 1;
    if census.namespaces >= MAX_NAMESPACES {
        let (found, limit) = (census.namespaces, MAX_NAMESPACES - 1);
        return Err(Error::Limit { argument: "namespaces".into(), found, limit });
    }
    Ok(Stand::new(census.namespaces as NamespaceId, name, config))
}
