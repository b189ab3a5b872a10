//! A ledger around another, with a say before and after each call.

use std::path::Path;
use std::sync::Arc;

use recollect_core::cancel::Cancel;
use recollect_core::error::Result;
use recollect_core::id::Uid;
use recollect_core::journal::event::{Content, Embedding, Event, NamespaceId, Seq, SpaceId, Written};
use recollect_core::journal::ledger::{
    Commit, Head, Ledger, Purge, Reader, SegmentHeader, SegmentPart, Space, Verification,
};
use recollect_core::namespace::Namespace;

/// What a ledger is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Commit,
    /// Spaces, snapshots, purges: writes that change no memory.
    Side,
    Read,
}

/// Has a say before and after each call; its error becomes that of the call.
pub(crate) trait Hook: Send + Sync + std::fmt::Debug {
    fn before(&self, _: At) -> Result<()> {
        Ok(())
    }

    fn after(&self, _: At) -> Result<()> {
        Ok(())
    }
}

/// Has nothing to say.
#[derive(Debug)]
pub(crate) struct Silent;

impl Hook for Silent {}

/// The ledger around another; closing it leaves the other open.
#[derive(Debug)]
pub(crate) struct Wrapped {
    pub(crate) inner: Arc<dyn Ledger>,
    pub(crate) hook: Arc<dyn Hook>,
}

impl Wrapped {
    fn at<T>(&self, at: At, act: impl FnOnce(&dyn Ledger) -> Result<T>) -> Result<T> {
        self.hook.before(at)?;
        let done = act(&*self.inner)?;
        self.hook.after(at)?;
        Ok(done)
    }
}

impl Ledger for Wrapped {
    fn read(&self) -> Result<Box<dyn Reader + '_>> {
        self.hook.before(At::Read)?;
        Ok(Box::new(Reading { inner: self.inner.read()?, hook: &*self.hook }))
    }

    fn commit(&self, commits: &[Commit<'_>], cancel: Cancel<'_>) -> Result<Vec<NamespaceId>> {
        self.at(At::Commit, |inner| inner.commit(commits, cancel))
    }

    fn space(&self, space: &Space) -> Result<SpaceId> {
        self.at(At::Side, |inner| inner.space(space))
    }

    fn put_segments(
        &self,
        id: NamespaceId,
        watermark: Seq,
        format: u32,
        parts: &mut dyn Iterator<Item = SegmentPart>,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        self.at(At::Side, |inner| inner.put_segments(id, watermark, format, parts, cancel))
    }

    fn drop_segments(&self, id: NamespaceId) -> Result<()> {
        self.at(At::Side, |inner| inner.drop_segments(id))
    }

    fn purge(&self) -> Result<Purge> {
        self.at(At::Side, |inner| inner.purge())
    }

    fn verify(&self, cancel: Cancel<'_>) -> Result<Verification> {
        self.at(At::Read, |inner| inner.verify(cancel))
    }

    fn backup(&self, to: &Path, cancel: Cancel<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.at(At::Read, |inner| inner.backup(to, cancel, progress))
    }

    fn bytes(&self) -> Result<u64> {
        self.inner.bytes()
    }

    fn writable(&self) -> bool {
        self.inner.writable()
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

struct Reading<'a> {
    inner: Box<dyn Reader + 'a>,
    hook: &'a dyn Hook,
}

impl Reader for Reading<'_> {
    fn version(&self) -> Result<u64> {
        self.hook.before(At::Read)?;
        self.inner.version()
    }

    fn resolve(&self, path: &Namespace) -> Result<Option<Head>> {
        self.hook.before(At::Read)?;
        self.inner.resolve(path)
    }

    fn head(&self, id: NamespaceId) -> Result<Option<Head>> {
        self.hook.before(At::Read)?;
        self.inner.head(id)
    }

    fn list(&self, prefix: &Namespace, each: &mut dyn FnMut(Head) -> Result<()>) -> Result<()> {
        self.hook.before(At::Read)?;
        self.inner.list(prefix, each)
    }

    fn events(
        &self,
        id: NamespaceId,
        after: Seq,
        each: &mut dyn FnMut(Event, Option<Written>) -> Result<()>,
    ) -> Result<()> {
        self.hook.before(At::Read)?;
        self.inner.events(id, after, &mut |event, written| {
            // Each event counts, so that a pass can break off in the middle.
            self.hook.before(At::Read)?;
            each(event, written)
        })
    }

    fn contents(&self, id: NamespaceId, seqs: &[Seq], vectors: bool) -> Result<Vec<Option<Content>>> {
        self.hook.before(At::Read)?;
        self.inner.contents(id, seqs, vectors)
    }

    fn embeddings(&self, id: NamespaceId, seqs: &[Seq]) -> Result<Vec<Option<Embedding>>> {
        self.hook.before(At::Read)?;
        self.inner.embeddings(id, seqs)
    }

    fn history(&self, id: NamespaceId, uid: Uid) -> Result<Vec<Event>> {
        self.hook.before(At::Read)?;
        self.inner.history(id, uid)
    }

    fn segments(&self, id: NamespaceId) -> Result<Option<SegmentHeader>> {
        self.hook.before(At::Read)?;
        self.inner.segments(id)
    }

    fn segment_part(&self, id: NamespaceId, kind: &str, part: u32) -> Result<Option<Vec<u8>>> {
        self.hook.before(At::Read)?;
        self.inner.segment_part(id, kind, part)
    }

    fn spaces(&self) -> Result<Vec<(SpaceId, Space)>> {
        self.hook.before(At::Read)?;
        self.inner.spaces()
    }
}
