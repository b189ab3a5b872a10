//! A reader of one moment.

use std::sync::Arc;

use crate::error::Result;
use crate::id::Uid;
use crate::journal::event::{Content, Embedding, Event, NamespaceId, Seq, SpaceId, Written};
use crate::journal::in_memory::shelf::Entry;
use crate::journal::in_memory::state::State;
use crate::journal::ledger::{Head, Reader, SegmentHeader, Space};
use crate::namespace::Namespace;

/// A reader: it shares the state of the moment it began.
pub(crate) struct View(pub(crate) Arc<State>);

impl View {
    fn entries(&self, id: NamespaceId, after: Seq) -> impl Iterator<Item = &Entry> {
        self.0.shelf(id).into_iter().flat_map(move |shelf| shelf.after(after))
    }
}

impl Reader for View {
    fn version(&self) -> Result<u64> {
        Ok(self.0.version)
    }

    fn resolve(&self, path: &Namespace) -> Result<Option<Head>> {
        self.0.paths.get(&path.to_string()).map_or(Ok(None), |id| self.head(*id))
    }

    fn head(&self, id: NamespaceId) -> Result<Option<Head>> {
        Ok(self.0.shelf(id).map(|shelf| shelf.head.clone()))
    }

    fn list(&self, prefix: &Namespace, each: &mut dyn FnMut(Head) -> Result<()>) -> Result<()> {
        let mut give = |id: &NamespaceId| self.head(*id)?.map_or(Ok(()), &mut *each);
        match prefix.below() {
            None => self.0.paths.values().try_for_each(give),
            Some((from, to)) => {
                self.0.paths.get(&prefix.to_string()).map_or(Ok(()), &mut give)?;
                self.0.paths.range(from..to).map(|(_, id)| id).try_for_each(give)
            }
        }
    }

    fn events(
        &self,
        id: NamespaceId,
        after: Seq,
        each: &mut dyn FnMut(Event, Option<Written>) -> Result<()>,
    ) -> Result<()> {
        self.entries(id, after).try_for_each(|entry| each(entry.event.clone(), entry.written.clone()))
    }

    fn contents(&self, id: NamespaceId, seqs: &[Seq], vectors: bool) -> Result<Vec<Option<Content>>> {
        let Some(shelf) = self.0.shelf(id) else { return Ok(vec![None; seqs.len()]) };
        let copy = |content: &Content| {
            let vectors = if vectors { content.vectors.clone() } else { Vec::new() };
            Content { seq: content.seq, salt: content.salt, record: content.record.clone(), vectors }
        };
        Ok(seqs.iter().map(|seq| shelf.written(*seq)?.content().map(copy)).collect())
    }

    fn embeddings(&self, id: NamespaceId, seqs: &[Seq]) -> Result<Vec<Option<Embedding>>> {
        let shelf = self.0.shelf(id);
        Ok(seqs.iter().map(|seq| shelf?.written(*seq)?.keys().cloned()).collect())
    }

    fn history(&self, id: NamespaceId, uid: Uid) -> Result<Vec<Event>> {
        let of = self.entries(id, 0).filter(|entry| entry.event.uid == uid);
        Ok(of.map(|entry| entry.event.clone()).collect())
    }

    fn segments(&self, id: NamespaceId) -> Result<Option<SegmentHeader>> {
        let shelf = self.0.shelf(id);
        let header = shelf.and_then(|shelf| Some((shelf.segments.as_ref()?.0.clone(), shelf.head.seq)));
        Ok(header.filter(|(header, seq)| header.watermark <= *seq).map(|(header, _)| header))
    }

    fn segment_part(&self, id: NamespaceId, kind: &str, part: u32) -> Result<Option<Vec<u8>>> {
        let parts = self.0.shelf(id).and_then(|shelf| shelf.segments.as_ref());
        let found = parts.and_then(|(_, parts)| parts.iter().find(|p| p.kind == kind && p.part == part));
        Ok(found.map(|part| part.data.clone()))
    }

    fn spaces(&self) -> Result<Vec<(SpaceId, Space)>> {
        Ok(self.0.spaces.iter().cloned().enumerate().map(|(at, space)| (at as SpaceId + 1, space)).collect())
    }
}
