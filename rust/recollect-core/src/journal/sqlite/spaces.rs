//! The rows of `space`: which models the vectors come from.

use std::path::Path;

use rusqlite::Connection;

use crate::error::Result;
use crate::journal::digest::{digest, field, short};
use crate::journal::event::SpaceId;
use crate::journal::ledger::Space;
use crate::journal::sqlite::{errors, heads};

/// The number of an embedding space, made if it is new.
pub(crate) fn put(conn: &Connection, path: &Path, space: &Space) -> Result<SpaceId> {
    let known = spaces(conn, path)?;
    if let Some((id, _)) = known.iter().find(|(_, other)| other == space) {
        return Ok(*id);
    }
    let id = known.iter().map(|(id, _)| *id).max().unwrap_or(0) + 1;
    conn.execute(
        "INSERT INTO space VALUES (?1, ?2, ?3, ?4, ?5)",
        rusqlite::params![id, space.name, space.dim, space.metric, space_hash(id, space).to_le_bytes()],
    )
    .map_err(errors::sql(path))?;
    let mut census = heads::census(conn, path)?;
    census.commits += 1;
    heads::put_census(conn, path, census)?;
    Ok(id)
}

/// All embedding spaces. They are few, and nothing counts them: the engine looks whether a page claims fewer than it holds.
pub(crate) fn spaces(conn: &Connection, path: &Path) -> Result<Vec<(SpaceId, Space)>> {
    let sound: String = conn
        .prepare_cached("PRAGMA quick_check(space)")
        .and_then(|mut check| check.query_row([], |row| row.get(0)))
        .map_err(errors::sql(path))?;
    if sound != "ok" {
        return Err(errors::damage(path, "space", 0, sound));
    }
    let mut query = conn
        .prepare_cached("SELECT id, name, dim, metric, h FROM space ORDER BY id")
        .map_err(errors::sql(path))?;
    let mut rows = query.query([]).map_err(errors::sql(path))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(errors::sql(path))? {
        let read = || -> rusqlite::Result<_> {
            let space = Space { name: row.get(1)?, dim: row.get(2)?, metric: row.get(3)? };
            Ok((row.get(0)?, space, u128::from_le_bytes(row.get(4)?)))
        };
        let (id, space, hash) = read().map_err(errors::sql(path))?;
        if space_hash(id, &space) != hash {
            return Err(errors::damage(path, "space", id, "the row does not match its hash"));
        }
        found.push((id, space));
    }
    Ok(found)
}

fn space_hash(id: SpaceId, space: &Space) -> u128 {
    short(&digest(b"recollect/space/1", |bytes| {
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&space.dim.to_le_bytes());
        field(bytes, space.name.as_bytes());
        field(bytes, space.metric.as_bytes());
    }))
}
