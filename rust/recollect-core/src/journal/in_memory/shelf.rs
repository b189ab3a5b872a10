//! What is held of one namespace.

use std::sync::Arc;

use crate::journal::chain;
use crate::journal::event::{Event, NamespaceId, Seq, Written};
use crate::journal::ledger::{Commit, Head, SegmentHeader, SegmentPart, Verification};
use crate::namespace::Namespace;
use crate::record::Metadata;

/// Entries shared as one between a reader and a later state: small enough that changing one entry copies little.
const CHUNK: usize = 256;

/// An event with what it wrote.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) event: Event,
    pub(crate) written: Option<Written>,
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

    fn written_mut(&mut self, seq: Seq) -> Option<&mut Option<Written>> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        let chunk = Arc::make_mut(self.chunks.get_mut(at / CHUNK)?);
        chunk.get_mut(at % CHUNK).map(|entry| &mut entry.written)
    }

    /// What the event with this number wrote.
    pub(crate) fn written(&self, seq: Seq) -> Option<&Written> {
        self.entry(seq)?.written.as_ref()
    }

    /// The entries after an event.
    pub(crate) fn after(&self, seq: Seq) -> impl Iterator<Item = &Entry> {
        let skip = usize::try_from(seq).unwrap_or(usize::MAX);
        let from = (skip / CHUNK).min(self.chunks.len());
        self.chunks[from..].iter().flat_map(|chunk| chunk.iter()).skip(skip % CHUNK)
    }

    /// Takes a commit that was found to follow on.
    pub(crate) fn apply(&mut self, commit: &Commit<'_>, seq: Seq, hash: [u8; 32]) {
        let mut contents = commit.contents.iter().peekable();
        let mut embeddings = commit.embeddings.iter().peekable();
        for event in commit.events {
            let content = contents.next_if(|content| content.seq == event.seq).cloned();
            let keys = embeddings.next_if(|keys| keys.seq == event.seq).cloned();
            let written = content.map(Written::Content).or(keys.map(Written::Keys));
            let entry = Entry { event: event.clone(), written };
            match self.chunks.last_mut() {
                Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(entry),
                _ => {
                    let mut chunk = Vec::with_capacity(CHUNK.min(commit.events.len()));
                    chunk.push(entry);
                    self.chunks.push(Arc::new(chunk));
                }
            }
        }
        self.head.rows += (commit.contents.len() + commit.embeddings.len()) as u64;
        for (seq, status) in commit.restated {
            if let Some(Some(Written::Content(content))) = self.written_mut(*seq) {
                content.record.status = *status;
            }
        }
        for seq in commit.erased {
            if self.written_mut(*seq).is_some_and(|written| written.take().is_some()) {
                self.head.rows -= 1;
            }
        }
        if !commit.erased.is_empty() || commit.config.is_some() {
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
            if let Some(written) = &entry.written {
                found.contents += u64::from(written.content().is_some());
                if chain::commitment_of(written) != entry.event.commitment {
                    found.damage.push(format!("content {seq} of namespace {id} is not what was committed"));
                }
            }
        }
    }
}
