//! One namespace in memory: loaded on first use, kept level with the ledger.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::config::Config;
use super::next::Next;
use super::segment;
use super::state::State;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Uid;
use crate::journal::chain;
use crate::journal::event::{Event, NamespaceId};
use crate::journal::ledger::{Ledger, Reader, Space};
use crate::namespace::Namespace;
use crate::time::Timestamp;

/// How often a read starts over when what it was about to return was erased meanwhile.
const ATTEMPTS: usize = 8;

/// The states of earlier times, the one that was asked for last at the end.
pub(super) type Past = Vec<(Timestamp, Arc<RwLock<Option<Loaded>>>)>;

/// A namespace with its state, once loaded.
#[derive(Debug)]
pub(super) struct Cell {
    pub path: Namespace,
    pub language: Config,
    pub state: RwLock<Option<Loaded>>,
    /// Sliding expiries renewed by reads, to be journalled with the next write.
    pub touched: Mutex<Vec<Renewal>>,
    /// Held from before a commit until the state has taken it in.
    pub committing: Mutex<()>,
    /// The namespace as it was known at earlier times.
    pub past: Mutex<Past>,
    /// When a handle was last asked for, as a count of such requests.
    pub used: AtomicU64,
}

/// A sliding time to live that a read started anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renewal {
    pub uid: Uid,
    pub expires: i64,
    pub at: i64,
}

/// The state with where it stands in the ledger.
#[derive(Debug)]
pub(super) struct Loaded {
    pub state: State,
    pub id: Option<NamespaceId>,
    pub version: u64,
    /// Last event the stored segments have seen.
    pub stored: u64,
}

impl Loaded {
    /// Takes in what the journal has after where the state stands; passes over events that do not count.
    pub(super) fn read_on(
        &mut self,
        reader: &dyn Reader,
        version: u64,
        cancel: Cancel<'_>,
        counts: &dyn Fn(&Event) -> bool,
    ) -> Result<()> {
        if let Some(id) = self.id {
            let spaces = reader.spaces()?;
            let named = |id| space_of(&spaces, id);
            let state = &mut self.state;
            let mut since = 0u32;
            reader.events(id, state.seq, &mut |event, written| {
                since += 1;
                if since.is_multiple_of(1024) {
                    cancel.check()?;
                }
                if counts(&event) {
                    return state.apply(&event, written.as_ref(), &named);
                }
                (state.seq, state.hash) = (event.seq, event.hash);
                Ok(())
            })?;
        }
        self.version = version;
        Ok(())
    }
}

/// What a read of a loaded namespace sees.
pub(super) struct Seen<'a> {
    pub state: &'a State,
    pub id: Option<NamespaceId>,
    pub reader: &'a dyn Reader,
}

impl Cell {
    pub(super) fn new(path: Namespace, language: Config) -> Arc<Self> {
        Arc::new(Self {
            path,
            language,
            state: RwLock::new(None),
            touched: Mutex::new(Vec::new()),
            committing: Mutex::new(()),
            past: Mutex::default(),
            used: AtomicU64::new(0),
        })
    }

    /// Runs a read on a state that is level with the ledger; `None` from `f` starts it over.
    pub(super) fn read<R>(
        &self,
        ledger: &dyn Ledger,
        cancel: Cancel<'_>,
        mut f: impl FnMut(Seen<'_>) -> Result<Option<R>>,
    ) -> Result<R> {
        for _ in 0..ATTEMPTS {
            let reader = ledger.read()?;
            let guard = self.level(ledger, &*reader, cancel)?;
            if let Some(loaded) = guard.as_ref()
                && let Some(answer) = f(Seen { state: &loaded.state, id: loaded.id, reader: &*reader })?
            {
                return Ok(answer);
            }
            drop(guard);
            // A commit that erased what was asked for may be in the file and not in the state yet.
            drop(self.committing.lock());
        }
        Err(Error::Storage(format!(
            "the index of namespace \"{}\" names contents the file does not hold",
            self.path
        )))
    }

    /// The state, level with what the reader sees.
    pub(super) fn level<'a>(
        &'a self,
        ledger: &dyn Ledger,
        reader: &dyn Reader,
        cancel: Cancel<'_>,
    ) -> Result<RwLockReadGuard<'a, Option<Loaded>>> {
        let guard = self.state.read();
        if let Some(loaded) = guard.as_ref()
            && (ledger.writable() || loaded.version == reader.version()?)
        {
            return Ok(guard);
        }
        drop(guard);
        let mut guard = self.state.write();
        self.catch_up(&mut guard, ledger, reader, cancel)?;
        Ok(RwLockWriteGuard::downgrade(guard))
    }

    fn catch_up(
        &self,
        slot: &mut Option<Loaded>,
        ledger: &dyn Ledger,
        reader: &dyn Reader,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let version = reader.version()?;
        let mut loaded = match slot.take() {
            // The writer's own state is level by construction.
            Some(loaded) if ledger.writable() => {
                *slot = Some(loaded);
                return Ok(());
            }
            Some(loaded) => loaded,
            None => self.load(reader, version)?,
        };
        if loaded.id.is_none() {
            loaded = self.load(reader, version)?;
        }
        loaded.read_on(reader, version, cancel, &|_| true)?;
        if loaded.id.is_some() {
            // Those of a write that failed; it may have taken place all the same.
            self.touched.lock().retain(|renewal| loaded.state.renew(renewal.uid, renewal.expires));
        }
        *slot = Some(loaded);
        Ok(())
    }

    /// The state as the stored segments have it, or the empty one.
    fn load(&self, reader: &dyn Reader, version: u64) -> Result<Loaded> {
        if let Some(head) = reader.resolve(&self.path)? {
            let config = Config::read(&head.config)?;
            if let Some(state) = segment::load(reader, &head, &config, &reader.spaces()?)? {
                let stored = state.seq;
                return Ok(Loaded { state, id: Some(head.id), version, stored });
            }
        }
        self.beginning(reader, version)
    }

    /// The state before the first event.
    pub(super) fn beginning(&self, reader: &dyn Reader, version: u64) -> Result<Loaded> {
        let genesis = chain::genesis(&self.path);
        let Some(head) = reader.resolve(&self.path)? else {
            let state = State::new(self.language.clone(), None, genesis)?;
            return Ok(Loaded { state, id: None, version, stored: 0 });
        };
        let config = Config::read(&head.config)?;
        let spaces = reader.spaces()?;
        let space = config.space.map(|id| space_of(&spaces, id)).transpose()?;
        let next = config.next.map(|id| space_of(&spaces, id)).transpose()?;
        let keep = config.keep;
        let mut state = State::new(config, space, genesis)?;
        state.next = next.map(|space| Next::new(space, keep)).transpose()?;
        Ok(Loaded { state, id: Some(head.id), version, stored: 0 })
    }
}

fn space_of(spaces: &[(u32, Space)], id: u32) -> Result<Space> {
    let found = spaces.iter().find(|x| x.0 == id).map(|x| x.1.clone());
    found.ok_or_else(|| Error::Storage(format!("the file does not name the embedding space {id}")))
}
