//! What the ledger in memory holds of one namespace, and how it is read.

use std::sync::Arc;

use crate::error::Result;
use crate::id::Uid;
use crate::journal::chain;
use crate::journal::event::{Content, Event, NamespaceId, Seq, SpaceId};
use crate::journal::in_memory::State;
use crate::journal::ledger::{Commit, Head, Reader, SegmentHeader, SegmentPart, Space, Verification};
use crate::namespace::Namespace;
use crate::record::Metadata;

/// Entries shared as one between a reader and a later state: small enough that changing one entry copies little.
const CHUNK: usize = 256;

#[derive(Debug, Clone)]
struct Entry {
    event: Event,
    content: Option<Content>,
}

/// One namespace; event `n` is entry `n - 1`.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    pub(crate) head: Head,
    chunks: Vec<Arc<Vec<Entry>>>,
    pub(crate) segments: Option<(SegmentHeader, Arc<Vec<SegmentPart>>)>,
}

impl Shelf {
    pub(crate) fn new(id: NamespaceId, path: &Namespace, config: &Metadata) -> Self {
        let (hash, path, config) = (chain::genesis(path), path.clone(), config.clone());
        let head = Head { id, path, seq: 0, hash, rows: 0, config };
        Self { head, chunks: Vec::new(), segments: None }
    }

    fn entry(&self, seq: Seq) -> Option<&Entry> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)
    }

    fn content_mut(&mut self, seq: Seq) -> Option<&mut Option<Content>> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        let chunk = Arc::make_mut(self.chunks.get_mut(at / CHUNK)?);
        chunk.get_mut(at % CHUNK).map(|entry| &mut entry.content)
    }

    /// The content with this number.
    pub(crate) fn content(&self, seq: Seq) -> Option<&Content> {
        self.entry(seq)?.content.as_ref()
    }

    /// Takes a commit that was found to follow on.
    pub(crate) fn apply(&mut self, commit: &Commit<'_>, seq: Seq, hash: [u8; 32]) {
        let mut contents = commit.contents.iter().peekable();
        for event in commit.events {
            let content = contents.next_if(|content| content.seq == event.seq).cloned();
            let entry = Entry { event: event.clone(), content };
            match self.chunks.last_mut() {
                Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(entry),
                _ => {
                    let mut chunk = Vec::with_capacity(CHUNK.min(commit.events.len()));
                    chunk.push(entry);
                    self.chunks.push(Arc::new(chunk));
                }
            }
        }
        self.head.rows += commit.contents.len() as u64;
        for (seq, status) in commit.restated {
            if let Some(Some(content)) = self.content_mut(*seq) {
                content.record.status = *status;
            }
        }
        for seq in commit.erased {
            if self.content_mut(*seq).is_some_and(|content| content.take().is_some()) {
                self.head.rows -= 1;
            }
        }
        if !commit.erased.is_empty() {
            self.segments = None;
        }
        if let Some(config) = commit.config {
            self.head.config = config.clone();
        }
        (self.head.seq, self.head.hash) = (seq, hash);
    }

    /// Checks chain and commitments.
    pub(crate) fn verify(&self, found: &mut Verification) {
        found.namespaces += 1;
        let mut hash = chain::genesis(&self.head.path);
        for entry in self.chunks.iter().flat_map(|chunk| chunk.iter()) {
            let (id, seq) = (self.head.id, entry.event.seq);
            found.events += 1;
            if chain::link(&hash, &entry.event) != entry.event.hash {
                found.damage.push(format!("event {seq} of namespace {id} does not follow on"));
            }
            hash = entry.event.hash;
            if let Some(content) = &entry.content {
                found.contents += 1;
                if chain::commitment(content) != entry.event.commitment {
                    found.damage.push(format!("content {seq} of namespace {id} is not what was committed"));
                }
            }
        }
    }
}

/// A reader: it shares the state of the moment it began.
pub(crate) struct View(pub(crate) Arc<State>);

impl View {
    fn entries(&self, id: NamespaceId, after: Seq) -> impl Iterator<Item = &Entry> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let chunks = self.0.shelf(id).map_or(&[][..], |shelf| &shelf.chunks);
        let from = (skip / CHUNK).min(chunks.len());
        chunks[from..].iter().flat_map(|chunk| chunk.iter()).skip(skip % CHUNK)
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
        each: &mut dyn FnMut(Event, Option<Content>) -> Result<()>,
    ) -> Result<()> {
        self.entries(id, after).try_for_each(|entry| each(entry.event.clone(), entry.content.clone()))
    }

    fn contents(&self, id: NamespaceId, seqs: &[Seq], vectors: bool) -> Result<Vec<Option<Content>>> {
        let Some(shelf) = self.0.shelf(id) else { return Ok(vec![None; seqs.len()]) };
        let copy = |content: &Content| {
            let vectors = if vectors { content.vectors.clone() } else { Vec::new() };
            Content { seq: content.seq, salt: content.salt, record: content.record.clone(), vectors }
        };
        Ok(seqs.iter().map(|seq| shelf.content(*seq).map(copy)).collect())
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
