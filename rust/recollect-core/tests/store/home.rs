//! Where a store lives between two openings, and what calls bring.

use std::path::PathBuf;
use std::sync::Arc;

use recollect_core::cancel::Cancel;
use recollect_core::entropy::Entropy;
use recollect_core::journal::in_memory::InMemoryLedger;
use recollect_core::journal::ledger::{Ledger, Space};
use recollect_core::journal::sqlite::{Durability, Options, SqliteLedger};
use recollect_core::lexical::Language;
use recollect_core::namespace::Namespace;
use recollect_core::recall::{Beside, Fusion, Request, When};
use recollect_core::store::{Call, Store};
use recollect_core::time::Timestamp;
use recollect_core::vector::Keep;

use crate::wrapped::{Hook, Silent, Wrapped};

/// Dimensions of the test vectors.
pub(crate) const DIM: usize = 4;

#[derive(Debug)]
pub(crate) enum Home {
    Memory(Arc<InMemoryLedger>),
    File(tempfile::TempDir),
}

impl Home {
    pub(crate) fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub(crate) fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Memory(_) => PathBuf::new(),
            Self::File(folder) => folder.path().join("a.rcl"),
        }
    }

    pub(crate) fn ledger(&self) -> Arc<dyn Ledger> {
        match self {
            Self::Memory(ledger) => ledger.clone(),
            Self::File(_) => {
                // A test ends no machine, only stores; without the sync it is an order faster.
                let options = Options { durability: Durability::Normal, ..Options::default() };
                Arc::new(SqliteLedger::open(self.path(), &options).unwrap())
            }
        }
    }

    pub(crate) fn open(&self) -> Store {
        self.open_keeping(Keep::F32)
    }

    /// As [`Home::open`], with a form for the vectors of new namespaces.
    pub(crate) fn open_keeping(&self, keep: Keep) -> Store {
        let ledger: Box<dyn Ledger> = match self {
            Self::Memory(_) => Box::new(Wrapped { inner: self.ledger(), hook: Arc::new(Silent) }),
            Self::File(_) => Box::new(sqlite(self.path(), false)),
        };
        Store::with_keep(ledger, Some(Language::English), keep)
    }

    pub(crate) fn open_with(&self, hook: Arc<dyn Hook>) -> Store {
        let ledger = Box::new(Wrapped { inner: self.ledger(), hook });
        Store::new(ledger, Some(Language::English))
    }

    /// Drops the snapshots of all namespaces, so that the next opening reads the whole journal.
    pub(crate) fn forget_snapshots(&self) {
        let ledger = self.ledger();
        let mut ids = Vec::new();
        let below = |ids: &mut Vec<u32>| {
            ledger.read().unwrap().list(&Namespace::default(), &mut |head| {
                ids.push(head.id);
                Ok(())
            })
        };
        below(&mut ids).unwrap();
        ids.into_iter().for_each(|id| ledger.drop_segments(id).unwrap());
    }
}

/// Opens a store in a file.
pub(crate) fn open(path: impl Into<PathBuf>, read_only: bool) -> Store {
    Store::new(Box::new(sqlite(path.into(), read_only)), Some(Language::English))
}

fn sqlite(path: PathBuf, read_only: bool) -> SqliteLedger {
    let options = Options { durability: Durability::Normal, read_only, ..Options::default() };
    SqliteLedger::open(path, &options).unwrap()
}

pub(crate) fn space() -> Space {
    Space { name: "test".into(), dim: DIM as u32, metric: "cosine".into() }
}

/// A call at an instant; its number makes its randomness.
pub(crate) fn call(now: i64, number: u64) -> Call<'static> {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Call { now: Timestamp(now), entropy: Entropy::new(seed), cancel: Cancel::never() }
}

pub(crate) fn path(text: &str) -> Namespace {
    text.parse().unwrap()
}

/// A recall of everything that matches, explained.
pub(crate) fn request(text: Option<&str>, vector: Option<Vec<f32>>, fusion: Fusion) -> Request {
    Request {
        text: text.map(Into::into),
        vector,
        k: 1000,
        recall: 1.0,
        when: When::default(),
        beside: Beside { speakers: true, neighbours: true, session: true, ..Beside::NONE },
        base_level: 0.0,
        fusion,
        explain: true,
    }
}
