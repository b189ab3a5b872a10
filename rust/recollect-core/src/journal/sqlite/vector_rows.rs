//! The rows of `vec`: the vector keys of a content, all in one row. Keys that were written alone lie there as well, see
//! `embedding_rows`.
//!
//! `spaces` names space and dimension of each key, `[[1,384]]`, and its form where one is not f32: `[[1,384,"int8"]]`.
//! `data` holds them one after the other, as [`Keep::encode`](crate::vector::Keep::encode) writes them.

use std::borrow::Cow;
use std::path::Path;

use rusqlite::{Connection, Row, params};

use crate::error::Result;
use crate::journal::chain;
use crate::journal::event::{KeyVector, NamespaceId, Seq, SpaceId};
use crate::journal::sqlite::errors::{Checked, damage, sql};
use crate::journal::sqlite::schema::row_id;
use crate::vector::Keep;

/// The columns in the order that [`decode`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, spaces, data FROM vec", $rest)
    };
}

/// Why a row is none.
pub(crate) const UNREADABLE: &str = "the row holds no such vectors";

/// One row by its number.
pub(crate) const ONE: &str = select!(" WHERE id = ?1");
/// The rows of a range, in order.
pub(crate) const RANGE: &str = select!(" WHERE id BETWEEN ?1 AND ?2 ORDER BY id");

/// Inserts the keys of a content; none leave no row.
pub(crate) fn insert(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seq: Seq,
    keys: &[KeyVector],
) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    put(conn, path, namespace, seq, &names(keys), &data(keys))
}

/// Inserts a row.
pub(crate) fn put(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seq: Seq,
    spaces: &str,
    data: &[u8],
) -> Result<()> {
    conn.prepare_cached("INSERT INTO vec VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| insert.execute(params![row_id(namespace, seq), spaces, data]))
        .map_err(sql(path))?;
    Ok(())
}

/// The components of keys, one after the other.
pub(crate) fn data(keys: &[KeyVector]) -> Cow<'_, [u8]> {
    match keys {
        [one] => one.data().into(),
        _ => keys.iter().flat_map(KeyVector::data).copied().collect(),
    }
}

/// Space, dimension and form of keys, as JSON.
pub(crate) fn names(keys: &[KeyVector]) -> String {
    let plain = keys.iter().all(|key| key.keep() == Keep::F32);
    let named = |key: &KeyVector| match plain {
        true => format!("[{},{}]", key.space, key.dim()),
        false => format!("[{},{},\"{}\"]", key.space, key.dim(), key.keep()),
    };
    let named: Vec<String> = keys.iter().map(named).collect();
    format!("[{}]", named.join(","))
}

/// The keys of a content whose row carries this digest.
pub(crate) fn one(
    conn: &Connection,
    path: &Path,
    namespace: NamespaceId,
    seq: Seq,
    digest: &[u8; 32],
) -> Result<Vec<KeyVector>> {
    if *digest == [0; 32] {
        return Ok(Vec::new());
    }
    let mut query = conn.prepare_cached(ONE).map_err(sql(path))?;
    let mut rows = query.query([row_id(namespace, seq)]).map_err(sql(path))?;
    let found = match rows.next().map_err(sql(path))? {
        Some(row) => decode(row).and_then(|keys| check(keys, digest)),
        None => Err("the row is missing".to_owned()),
    };
    found.map_err(|reason| damage(path, "vec", seq, reason))
}

/// Reads a row; [`check`] says whether it is the one that was written.
pub(crate) fn decode(row: &Row<'_>) -> Checked<Vec<KeyVector>> {
    columns(row).and_then(|(spaces, data)| split(spaces, data)).ok_or_else(|| UNREADABLE.to_owned())
}

/// The names and the components of a row.
pub(crate) fn columns<'a>(row: &'a Row<'_>) -> Option<(&'a str, &'a [u8])> {
    Some((row.get_ref(1).ok()?.as_str().ok()?, row.get_ref(2).ok()?.as_blob().ok()?))
}

/// Gives the keys if they have this digest.
pub(crate) fn check(keys: Vec<KeyVector>, digest: &[u8; 32]) -> Checked<Vec<KeyVector>> {
    if chain::keys(&keys) == *digest { Ok(keys) } else { Err("the row does not match its hash".to_owned()) }
}

/// The keys of such names and components.
pub(crate) fn split(spaces: &str, mut data: &[u8]) -> Option<Vec<KeyVector>> {
    // Most rows name no form, and reading pairs is quicker.
    let spaces: Vec<(SpaceId, usize, Keep)> = if spaces.contains('"') {
        let named: Vec<(SpaceId, usize, String)> = serde_json::from_str(spaces).ok()?;
        named
            .into_iter()
            .map(|(space, dim, form)| Some((space, dim, form.parse().ok()?)))
            .collect::<Option<_>>()?
    } else {
        let plain: Vec<(SpaceId, usize)> = serde_json::from_str(spaces).ok()?;
        plain.into_iter().map(|(space, dim)| (space, dim, Keep::F32)).collect()
    };
    let mut keys = Vec::with_capacity(spaces.len());
    for (space, dim, keep) in spaces {
        // Every form takes a byte a dimension or more, so what cannot be there is not multiplied.
        let bytes = keep.bytes(Some(dim).filter(|&dim| dim <= data.len())?);
        let (own, rest) = data.split_at_checked(bytes)?;
        keys.push(KeyVector::of_data(space, keep, dim, own)?);
        data = rest;
    }
    data.is_empty().then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_their_form_and_hold_nothing_else() {
        let floats = [1.0f32.to_le_bytes(), (-2.5f32).to_le_bytes()].concat();
        let plain = split("[[7,2]]", &floats).unwrap();
        assert_eq!(plain, [KeyVector::new(7, Keep::F32, &[1.0, -2.5])]);
        let halves = [0x3C00u16.to_le_bytes(), 0xC100u16.to_le_bytes()].concat();
        let codes = [&2f32.powi(-7).to_le_bytes()[..], &[127, 0x81]].concat();
        let both = [&halves[..], &codes[..]].concat();
        let named = split("[[7,2,\"f16\"],[1,2,\"int8\"]]", &both).unwrap();
        assert_eq!(named[0].values(), [1.0, -2.5]);
        assert_eq!(named[1].values(), [127.0 / 128.0, -127.0 / 128.0]);
        assert_ne!(chain::keys(&named[..1]), chain::keys(&plain));

        let infinite = [0x3C00u16.to_le_bytes(), 0xFC00u16.to_le_bytes()].concat();
        let unscaled = [&2f32.powi(-7).to_le_bytes()[..], &[126, 0]].concat();
        let below = [&2f32.powi(-7).to_le_bytes()[..], &[127, 0x80]].concat();
        let long = [&0.1f32.to_le_bytes()[..], &[127, 0]].concat();
        for (spaces, data) in [
            ("[[7,2]]", &halves),
            ("[[7,3]]", &floats),
            ("[[7,2,\"f64\"]]", &floats),
            ("[[7,2,\"f16\"]]", &infinite),
            ("[[7,2,\"int8\"]]", &unscaled),
            ("[[7,2,\"int8\"]]", &below),
            ("[[7,2,\"int8\"]]", &long),
            ("[[7,2,\"int8\"]]", &floats),
            ("[[7,18446744073709551615]]", &Vec::new()),
            ("[[7,9223372036854775808,\"f16\"]]", &Vec::new()),
        ] {
            assert!(split(spaces, data).is_none(), "{spaces}");
        }
    }
}
