//! Ids of nodes as they cross the border.

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use recollect_core::error::Result;
use recollect_core::graph::{Name, NamedGraph};
use recollect_core::id::Slot;

/// An id as Python writes it.
#[derive(FromPyObject, IntoPyObject)]
pub(crate) enum Id {
    Number(i64),
    Text(String),
}

impl From<Id> for Name {
    fn from(id: Id) -> Self {
        match id {
            Id::Number(number) => Self::Number(number),
            Id::Text(text) => Self::Text(text.into()),
        }
    }
}

impl From<Name> for Id {
    fn from(name: Name) -> Self {
        match name {
            Name::Number(number) => Self::Number(number),
            Name::Text(text) => Self::Text(text.to_string()),
        }
    }
}

/// Many ids: an array of numbers, or a list.
#[derive(FromPyObject)]
pub(crate) enum Ids<'py> {
    Numbers(Bound<'py, PyArray1<i64>>),
    List(Vec<Id>),
}

impl Ids<'_> {
    /// Copied while attached, so that no other thread can change them.
    pub(crate) fn names(self) -> PyResult<Vec<Name>> {
        match self {
            Ids::Numbers(array) => Ok(listed(&array)?.into_iter().map(Name::Number).collect()),
            Ids::List(ids) => Ok(ids.into_iter().map(Name::from).collect()),
        }
    }
}

/// Many ids, copied.
pub(crate) enum Keys {
    Numbers(Vec<i64>),
    Names(Vec<Name>),
}

impl Keys {
    pub(crate) fn new(ids: Ids<'_>) -> PyResult<Self> {
        match ids {
            Ids::Numbers(array) => Ok(Self::Numbers(listed(&array)?)),
            list @ Ids::List(_) => Ok(Self::Names(list.names()?)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Names(names) => names.len(),
        }
    }

    pub(crate) fn get(&self, at: usize) -> Name {
        match self {
            Self::Numbers(numbers) => Name::Number(numbers[at]),
            Self::Names(names) => names[at].clone(),
        }
    }
}

/// Copied while attached, so that no other thread can change it.
pub(crate) fn listed<T: numpy::Element + Copy>(array: &Bound<'_, PyArray1<T>>) -> PyResult<Vec<T>> {
    match array.to_vec() {
        Ok(values) => Ok(values),
        Err(_) => Ok(array.try_readonly()?.as_array().iter().copied().collect()),
    }
}

/// The ids of nodes.
pub(crate) fn ids(core: &NamedGraph, nodes: &[Slot]) -> Result<Vec<Id>> {
    nodes.iter().map(|&node| Ok(core.name(node)?.into())).collect()
}

/// The nodes of ids.
pub(crate) fn slots(core: &NamedGraph, argument: &str, names: &[Name]) -> Result<Vec<Slot>> {
    let one = |(at, name)| match core.slot(name) {
        Some(slot) => Ok(slot),
        None => core.known(&format!("{argument}[{at}]"), name),
    };
    names.iter().enumerate().map(one).collect()
}
