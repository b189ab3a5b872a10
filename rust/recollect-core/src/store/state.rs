//! Everything a namespace knows, changed by one function.

use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;

use super::claims::Claims;
use super::config::Config;
use super::digests::Digests;
use super::embeddings::Embeddings;
use super::entry::{Entry, NEVER, Named};
use super::next::{Next, index};
use super::speakers::Speakers;
use super::times::Times;
use super::uses::Uses;
use super::words::{facts_of, lexical_key, role_of, titles_of};
use crate::association::{Associations, Note};
use crate::bitmap::Bitmap;
use crate::error::{Error, Result};
use crate::id::{Slot, Uid};
use crate::interner::Interner;
use crate::journal::event::{Content, Event, Op, Seq, Written};
use crate::journal::ledger::Space;
use crate::lexical::{Bm25, LexicalIndex};
use crate::session::Sessions;
use crate::time::Timestamp;
use crate::vector::VectorIndex;

/// Tells states of this process apart.
static STATES: AtomicU64 = AtomicU64::new(0);

/// The memories of one namespace and their indexes.
#[derive(Debug)]
pub(super) struct State {
    /// Number of this state in the process: slots of another one are others.
    pub number: u64,
    pub config: Config,
    pub space: Option<Space>,
    pub seq: Seq,
    pub hash: [u8; 32],
    pub turn: u64,
    pub entries: Vec<Entry>,
    /// The identity of each slot, side by side.
    pub identities: Vec<Uid>,
    pub speakers: Speakers,
    pub live: Bitmap,
    pub mortal: Bitmap,
    pub names: Interner,
    pub uids: FxHashMap<Uid, Slot>,
    pub digests: Digests,
    pub keys: FxHashMap<String, (Uid, u32)>,
    /// Contents of earlier versions and of deleted memories, by identity.
    pub past: FxHashMap<Uid, Vec<Seq>>,
    pub sessions: Sessions,
    pub lexical: LexicalIndex,
    pub vectors: Option<VectorIndex>,
    /// The space the namespace moves to, while it does.
    pub next: Option<Next>,
    pub embeddings: Embeddings,
    pub uses: Uses,
    pub associations: Associations,
    pub claims: Claims,
    pub times: Times,
    /// The event with which it last moved: keys that came with contents before it lie in an earlier space.
    pub moved: Seq,
}

impl State {
    pub(super) fn new(config: Config, space: Option<Space>, genesis: [u8; 32]) -> Result<Self> {
        let lexical = LexicalIndex::with_parameters(config.analyzer(), Bm25::default().logarithmic());
        let vectors = space.as_ref().map(|space| index(space, config.keep)).transpose()?;
        Ok(Self {
            number: STATES.fetch_add(1, Ordering::Relaxed),
            config,
            space,
            seq: 0,
            hash: genesis,
            turn: 0,
            entries: Vec::new(),
            identities: Vec::new(),
            speakers: Speakers::default(),
            live: Bitmap::new(),
            mortal: Bitmap::new(),
            names: Interner::default(),
            uids: FxHashMap::default(),
            digests: Digests::default(),
            keys: FxHashMap::default(),
            past: FxHashMap::default(),
            sessions: Sessions::default(),
            lexical,
            vectors,
            next: None,
            embeddings: Embeddings::default(),
            uses: Uses::default(),
            associations: Associations::default(),
            claims: Claims::default(),
            times: Times::default(),
            moved: 0,
        })
    }

    /// Applies one event; the only function that changes a namespace.
    ///
    /// `written` is what the event wrote, none where it wrote nothing or was erased since; `spaces` names the spaces of
    /// the file.
    pub(super) fn apply(
        &mut self,
        event: &Event,
        written: Option<&Written>,
        spaces: &dyn Fn(u32) -> Result<Space>,
    ) -> Result<()> {
        if event.seq != self.seq + 1 {
            return Err(Error::Storage(format!("event {} follows {}", event.seq, self.seq)));
        }
        match event.op {
            Op::Added | Op::Updated => {
                let old = self.supersede(event.uid);
                match written.and_then(Written::content) {
                    Some(content) => self.enter(content, old)?,
                    None => old.map_or(Ok(()), |old| self.associations.leave(old.node))?,
                }
            }
            Op::Deleted => {
                if let Some(old) = self.supersede(event.uid) {
                    self.associations.leave(old.node)?;
                }
                self.uses.remove(event.uid);
            }
            Op::Erased => {
                let seqs = self.seqs(event.uid).unwrap_or_default();
                if let Some(old) = self.retire(event.uid) {
                    self.associations.leave(old.node)?;
                }
                self.past.remove(&event.uid);
                self.embeddings.remove(event.uid);
                self.uses.remove(event.uid);
                self.blank(&seqs);
            }
            Op::Noop => {
                if event.detail.contains_key("mention")
                    && let Some(&slot) = self.uids.get(&event.uid)
                {
                    self.entries[slot as usize].mentions += 1;
                }
            }
            Op::Touched => {
                let expires = event.detail.get("expires").and_then(serde_json::Value::as_i64);
                if let Some(expires) = expires {
                    self.renew(event.uid, expires);
                }
            }
            Op::Linked | Op::Unlinked => self.tie(event)?,
            Op::Recalled | Op::Rewarded | Op::Pinned => self.note_use(event),
            Op::Configured => {
                self.reconfigure(Config::read(&event.detail)?, event.seq, spaces)?;
            }
            Op::Embedded => {
                let keys = written.and_then(Written::keys).map_or(&[][..], |keys| &keys.vectors);
                if let Some(key) = keys.first() {
                    self.embeddings.insert(event.uid, key.space, event.seq);
                }
                if let (Some(next), Some(&slot)) = (&mut self.next, self.uids.get(&event.uid))
                    && self.entries[slot as usize].version == event.version
                {
                    next.take(slot, keys)?;
                }
            }
        }
        if let Some(key) = event.detail.get("key").and_then(serde_json::Value::as_str) {
            self.keys.insert(key.to_owned(), (event.uid, event.version));
        }
        self.seq = event.seq;
        self.hash = event.hash;
        Ok(())
    }

    fn enter(&mut self, content: &Content, old: Option<Entry>) -> Result<()> {
        let record = &content.record;
        let slot = Slot::try_from(self.entries.len())
            .map_err(|_| Error::Storage("a namespace holds at most 2^32 versions in memory".into()))?;
        let node = old.as_ref().map_or(slot, |old| old.node);
        let mut entry = Entry::new(record, content.seq, node, &mut self.names);
        entry.mentions = old.map_or(1, |old| old.mentions);
        let mut key = String::new();
        lexical_key(record, &mut key);
        self.lexical.insert(slot, &key);
        let own = content.vectors.iter().filter(|key| Some(key.space) == self.config.space);
        if let Some(index) = &mut self.vectors {
            own.into_iter().try_for_each(|key| index.insert(slot, &key.values()))?;
        }
        self.turn = self.turn.max(entry.turn);
        if let Some(session) = entry.session {
            self.sessions.insert(session, entry.place(slot));
        }
        if entry.expires != NEVER {
            self.mortal.insert(slot);
        }
        self.live.insert(slot);
        self.times.insert(slot, &entry);
        self.uids.insert(entry.uid, slot);
        self.digests.insert(entry.digest, slot);
        self.claims.insert(entry.kind, &record.metadata, slot);
        let (titles, facts) = (titles_of(&record.metadata), facts_of(&record.metadata));
        let note = Note { text: &record.text, titles: &titles, facts: &facts, trusted: entry.trusted() };
        self.associations.enter(node, &note)?;
        self.place(slot, entry);
        Ok(())
    }

    /// Gives a slot its entry and its speaker.
    pub(super) fn place(&mut self, slot: Slot, entry: Entry) {
        if let Some(number) = entry.speaker
            && self.live.contains(slot)
            && let Some(name) = self.names.text(number)
        {
            match role_of(name) {
                Some(role) => self.speakers.insert_role(role, slot),
                None => self.speakers.insert(number, slot, || self.lexical.analyzer().terms(name)),
            }
        }
        self.identities.push(entry.uid);
        self.entries.push(entry);
    }

    /// Takes a memory out of every index and remembers where its content lies.
    fn supersede(&mut self, uid: Uid) -> Option<Entry> {
        let entry = self.retire(uid)?;
        self.past.entry(uid).or_default().push(entry.seq);
        Some(entry)
    }

    /// Takes a memory out of every index; its slot is never used again.
    fn retire(&mut self, uid: Uid) -> Option<Entry> {
        let slot = self.uids.remove(&uid)?;
        let entry = self.entries[slot as usize].clone();
        self.live.remove(slot);
        self.mortal.remove(slot);
        self.lexical.remove(slot);
        if self.lexical.wants_compaction() {
            self.lexical.compact();
        }
        if let Some(index) = &mut self.vectors {
            index.remove(slot);
        }
        if let Some(next) = &mut self.next {
            next.remove(slot);
        }
        if let Some(session) = entry.session {
            self.sessions.remove(session, entry.place(slot));
        }
        if let Some(speaker) = entry.speaker {
            self.speakers.remove(speaker, slot);
        }
        self.times.remove(slot, &entry);
        self.digests.remove(entry.digest, slot);
        if let Some(metadata) = &entry.metadata {
            self.claims.remove(metadata, slot);
        }
        self.entries[slot as usize].scrub();
        Some(entry)
    }

    /// Leaves nothing of erased contents but their slots, as if they had never been read.
    fn blank(&mut self, seqs: &[Seq]) {
        let mut last = false;
        for &seq in seqs {
            // Contents are entered in the order of their numbers.
            let slot = self.entries.partition_point(|entry| entry.seq < seq);
            if let Some(entry) = self.entries.get_mut(slot).filter(|entry| entry.seq == seq) {
                last |= entry.turn == self.turn;
                entry.blank();
            }
        }
        if last {
            self.turn = self.entries.iter().map(|entry| entry.turn).max().unwrap_or(0);
        }
    }

    /// Starts a sliding time to live anew; whether that changed anything.
    pub(super) fn renew(&mut self, uid: Uid, expires: i64) -> bool {
        let Some(&slot) = self.uids.get(&uid) else { return false };
        let entry = &mut self.entries[slot as usize];
        let later = entry.expires < expires;
        entry.expires = entry.expires.max(expires);
        later
    }

    /// The vector indexes: that of the space, and that of the next one.
    pub(super) fn indexes(&self) -> impl Iterator<Item = &VectorIndex> {
        self.vectors.iter().chain(self.next.iter().map(|next| &next.index))
    }

    /// Refuses indexes that do not speak of the same memories.
    pub(super) fn check_indexes(&self) -> Result<()> {
        let words =
            self.lexical.len() == self.live.len() && self.live.iter().all(|x| self.lexical.contains(x));
        let vectors = self
            .vectors
            .as_ref()
            .is_none_or(|index| index.slots() <= self.live.len() && index.slots_end() <= self.entries.len());
        let fits = |space: &Space, index: &VectorIndex| {
            space.dim as usize == index.dim()
                && space.metric == index.metric().word()
                && self.config.keep == index.keep()
        };
        let own = self.space.as_ref().zip(self.vectors.as_ref());
        let next = self.next.as_ref().is_none_or(|next| {
            let done = &next.done;
            fits(&next.space, &next.index)
                && next.index.slots() <= done.len()
                && done.iter().all(|slot| self.live.contains(slot))
        });
        let form = next && own.is_none_or(|(space, index)| fits(space, index));
        if words && vectors && form { Ok(()) } else { Err(Error::Storage("the indexes disagree".into())) }
    }

    /// Sets up a namespace that its first commit has just made.
    pub(super) fn configure(&mut self, config: Config, space: Space) -> Result<()> {
        self.vectors = Some(index(&space, config.keep)?);
        self.config = config;
        self.space = Some(space);
        Ok(())
    }

    /// Bytes of the table of memories and of what finds them by identity and content; not those of names and metadata.
    pub(super) fn entry_bytes(&self) -> usize {
        // A hash table has a byte of its own for each place, and seven of eight places are filled at most.
        let table = |places: usize, pair: usize| places * 8 / 7 * (pair + 1);
        self.entries.capacity() * size_of::<Entry>()
            + self.identities.capacity() * size_of::<Uid>()
            + table(self.uids.capacity(), size_of::<(Uid, Slot)>())
            + table(self.digests.capacity(), size_of::<(u128, Slot)>())
    }

    /// Opens, changes and closes spaces as a new configuration has it.
    ///
    /// A journal that is read from its start is read under the configuration of its end, until the first change: spaces
    /// that only the end knows have no vectors before they are opened, and those it no longer knows need none.
    fn reconfigure(&mut self, config: Config, seq: Seq, spaces: &dyn Fn(u32) -> Result<Space>) -> Result<()> {
        let open = |id: u32| spaces(id).and_then(|space| Next::new(space, config.keep));
        let mut next = self.config.next;
        if config.space != self.config.space || config.space.is_some() && self.space.is_none() {
            if self.config.space.is_some() && self.config.space != config.space {
                self.moved = seq;
            }
            let moved = if next.is_some() && next == config.space { self.next.take() } else { None };
            let own = match (moved, config.space) {
                (Some(moved), _) => Some(moved),
                (None, id) => id.map(open).transpose()?,
            };
            (self.space, self.vectors) = own.map(|own| (own.space, own.index)).unzip();
            next = next.filter(|_| self.next.is_some());
        }
        if config.next != next {
            self.next = config.next.map(open).transpose()?;
        }
        self.embeddings.retain(|id| Some(id) == config.space || Some(id) == config.next);
        self.config = config;
        Ok(())
    }

    /// The numbers of everything written of a memory, a deleted one too.
    pub(super) fn seqs(&self, uid: Uid) -> Option<Vec<Seq>> {
        let mut seqs = self.past.get(&uid).cloned().unwrap_or_default();
        seqs.extend(self.uids.get(&uid).map(|&slot| self.entries[slot as usize].seq));
        seqs.extend(self.embeddings.of(uid).iter().map(|row| row.1));
        (!seqs.is_empty()).then_some(seqs)
    }

    /// The live, unexpired memory of an identity.
    pub(super) fn slot(&self, uid: Uid, now: Timestamp) -> Result<Slot> {
        let slot = self.uids.get(&uid).copied().ok_or_else(|| Error::UnknownMemory(uid.to_string()))?;
        if self.entries[slot as usize].expired(now) {
            return Err(Error::UnknownMemory(uid.to_string()));
        }
        Ok(slot)
    }

    /// A memory with the names it refers to.
    pub(super) fn named(&self, slot: Slot) -> Named<'_> {
        let entry = &self.entries[slot as usize];
        Named { entry, names: &self.names, uses: &self.uses }
    }
}
