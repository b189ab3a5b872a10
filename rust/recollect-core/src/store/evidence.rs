//! What supports statements, and all that was ever stated.

use std::collections::{BTreeMap, BTreeSet};

use super::admission;
use super::claims::text;
use super::entry::NO_NAME;
use super::memory::Memory;
use super::statement::SUPPORTS;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::graph::Direction;
use crate::id::{Slot, Uid};
use crate::record::{Kind, Record};
use crate::time::Timestamp;

impl Memory {
    /// Statements that nothing supports any more once some memories are gone: of those that one of them supports, the ones
    /// without another support, in the order of the writes.
    ///
    /// # Errors
    /// As any read.
    pub fn supported_only_by(&self, gone: &[Uid], now: Timestamp, cancel: Cancel<'_>) -> Result<Vec<Uid>> {
        self.read(cancel, |seen| {
            let state = seen.state;
            let Some(relation) = state.associations.relation(SUPPORTS) else { return Ok(Some(Vec::new())) };
            let ties = |node, direction| state.associations.ties(node, direction, Some(&[relation]));
            let entry = |node: Slot| &state.entries[node as usize];
            let mut left = BTreeSet::new();
            for uid in gone {
                let Some(&slot) = state.uids.get(uid) else { continue };
                for tie in ties(entry(slot).node, Direction::Out) {
                    let supported = entry(tie.dst).uid;
                    let by = ties(tie.dst, Direction::In);
                    let other = by.iter().map(|x| entry(x.src).uid).any(|x| !gone.contains(&x));
                    if !other && !gone.contains(&supported) && state.slot(supported, now).is_ok() {
                        left.insert((tie.dst, supported));
                    }
                }
            }
            Ok(Some(left.into_iter().map(|x| x.1).collect()))
        })
    }

    /// The identities of all statements of a subject, and of one predicate of it, those that were taken back included, in
    /// the order of their first versions.
    ///
    /// # Errors
    /// As any read.
    pub fn ever_stated(
        &self,
        subject: &str,
        predicate: Option<&str>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Uid>> {
        admission::name(subject, &|| "subject".into())?;
        self.read(cancel, |seen| {
            let state = seen.state;
            let mut found = BTreeMap::new();
            let current = state.claims.about(subject, predicate);
            found.extend(
                current.map(|slot| (state.entries[slot as usize].node, state.entries[slot as usize].uid)),
            );
            let Some(id) = seen.id else { return Ok(Some(Vec::new())) };
            // Of what is past, only the file knows what it said.
            for (at, (&uid, seqs)) in state.past.iter().enumerate() {
                if at % 256 == 255 {
                    cancel.check()?;
                }
                let told = seen.reader.contents(id, seqs, false)?;
                let says = |record: &Record| {
                    record.kind == Kind::Semantic
                        && text(&record.metadata, "subject") == Some(subject)
                        && predicate.is_none_or(|x| text(&record.metadata, "predicate") == Some(x))
                };
                if told.iter().flatten().any(|content| says(&content.record)) {
                    let first = seqs.iter().min().copied().unwrap_or_default();
                    let slot = state.entries.partition_point(|entry| entry.seq < first);
                    found.insert(state.entries.get(slot).map_or(NO_NAME, |entry| entry.node), uid);
                }
            }
            Ok(Some(found.into_values().collect()))
        })
    }
}
