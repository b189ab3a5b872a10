//! The store as Python holds it.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use recollect_core::journal::in_memory::InMemoryLedger;
use recollect_core::journal::ledger::Ledger;
use recollect_core::journal::sqlite::{Durability, Options, SqliteLedger};
use recollect_core::lexical::Language;
use recollect_core::store::Store as Core;
use recollect_core::vector::Keep;
use serde_json::json;

use crate::enter::enter;
use crate::errors::{invalid, raise};
use crate::namespace::Namespace;
use crate::query::path as segments;

/// A file of memories, or none for a store in memory.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Store {
    core: Core,
    path: Option<PathBuf>,
    pid: u32,
    closed: std::sync::atomic::AtomicBool,
}

#[pymethods]
impl Store {
    /// Opens a store.
    #[staticmethod]
    #[pyo3(signature = (path, *, create, read_only, durability, language, keep))]
    fn open(
        py: Python<'_>,
        path: Option<PathBuf>,
        create: bool,
        read_only: bool,
        durability: &str,
        language: Option<&str>,
        keep: &str,
    ) -> PyResult<Self> {
        let keep: Keep = keep.parse().map_err(|error| raise(py, error))?;
        let language: Option<Language> =
            language.map(str::parse).transpose().map_err(|error| raise(py, error))?;
        let durability = match durability {
            "full" => Durability::Full,
            "normal" => Durability::Normal,
            _ => return Err(invalid("durability", "expected \"full\" or \"normal\"")),
        };
        let pid = std::process::id();
        let file = path.clone();
        let core = enter(py, pid, move |_| {
            let ledger: Box<dyn Ledger> = match &file {
                None => Box::new(InMemoryLedger::new()),
                Some(path) => Box::new(SqliteLedger::open(path, &Options { create, read_only, durability })?),
            };
            Ok(Core::with_keep(ledger, language, keep))
        })?;
        Ok(Self { core, path, pid, closed: false.into() })
    }

    /// The file, or none in memory.
    #[getter]
    fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the store may not write.
    #[getter]
    fn read_only(&self) -> bool {
        !self.core.writable()
    }

    /// Whether the store was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(std::sync::atomic::Ordering::Acquire)
    }

    /// The memories of a namespace, whose vectors are kept in the form `keep` and no other, where one is given; nothing
    /// is made before the first write.
    #[pyo3(signature = (path, keep = None))]
    fn namespace(&self, py: Python<'_>, path: Vec<String>, keep: Option<&str>) -> PyResult<Namespace> {
        let memory = enter(py, self.pid, |_| match keep {
            None => self.core.namespace(&segments(path)?),
            Some(keep) => self.core.namespace_keeping(&segments(path)?, keep.parse()?),
        })?;
        Ok(Namespace { store: self.core.clone(), memory, pid: self.pid })
    }

    /// The namespaces that hold data, at and below a prefix.
    fn namespaces(&self, py: Python<'_>, prefix: Vec<String>) -> PyResult<Vec<Vec<String>>> {
        let found = enter(py, self.pid, |_| self.core.namespaces(&segments(prefix)?))?;
        Ok(found.iter().map(|x| x.segments().to_vec()).collect())
    }

    /// Namespaces, events and contents checked, and all damage in words.
    fn verify(&self, py: Python<'_>) -> PyResult<(u64, u64, u64, Vec<String>)> {
        let found = enter(py, self.pid, |cancel| self.core.verify(cancel))?;
        Ok((found.namespaces, found.events, found.contents, found.damage))
    }

    /// Writes a consistent copy to a new file; `progress(done, total)` counts pages.
    #[pyo3(signature = (path, progress = None))]
    fn backup(&self, py: Python<'_>, path: PathBuf, progress: Option<Py<PyAny>>) -> PyResult<()> {
        let raised = std::sync::Mutex::new(None);
        let answer = enter(py, self.pid, |cancel| {
            let failed = std::sync::atomic::AtomicBool::new(false);
            let stop = || failed.load(std::sync::atomic::Ordering::Acquire) || cancel.check().is_err();
            let mut report = |done: u64, total: u64| {
                let Some(progress) = &progress else { return };
                if let Err(error) = Python::attach(|py| progress.call1(py, (done, total)).map(drop)) {
                    failed.store(true, std::sync::atomic::Ordering::Release);
                    if let Ok(mut raised) = raised.lock() {
                        *raised = Some(error);
                    }
                }
            };
            self.core.backup(&path, recollect_core::cancel::Cancel::new(&stop), &mut report)
        });
        match raised.into_inner() {
            Ok(Some(error)) => Err(error),
            _ => answer,
        }
    }

    /// What the file holds, as JSON.
    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        let (bytes, namespaces) = enter(py, self.pid, |_| {
            Ok((self.core.bytes()?, self.core.namespaces(&segments(Vec::new())?)?.len()))
        })?;
        Ok(json!({
            "namespaces": namespaces,
            "bytes_on_disk": bytes,
            "simd": format!("{:?}", recollect_core::simd::Kernels::best().tier()).to_lowercase(),
        })
        .to_string())
    }

    /// Writes the indexes of changed namespaces into the file.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<()> {
        enter(py, self.pid, |cancel| self.core.checkpoint(cancel))
    }

    /// Ends the store; twice is fine.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if std::process::id() != self.pid {
            // The parent's store stays the parent's: a fork has nothing to close.
            return Ok(());
        }
        let answer = enter(py, self.pid, |_| self.core.close());
        self.closed.store(true, std::sync::atomic::Ordering::Release);
        answer
    }

    fn __repr__(&self) -> String {
        let place = self.path.as_ref().map_or_else(|| "memory".to_owned(), |p| p.display().to_string());
        format!("<recollect._native.Store in {place}>")
    }
}
