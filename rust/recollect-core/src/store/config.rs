//! The configuration of a namespace, as its events carry it.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::journal::event::SpaceId;
use crate::lexical::{Analyzer, Language};
use crate::record::Metadata;
use crate::vector::Keep;

/// What a namespace was set up with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Config {
    /// Language of stems and stop words; none for words as they stand.
    pub language: Option<Language>,
    /// The embedding space of its vectors, once it has some.
    pub space: Option<SpaceId>,
    /// The space it moves to, while it does.
    pub next: Option<SpaceId>,
    /// The form of its vectors, set with the space.
    pub keep: Keep,
}

impl Config {
    pub(super) fn read(detail: &Metadata) -> Result<Self> {
        let language = detail.get("language").and_then(Value::as_str).map(str::parse).transpose()?;
        let (space, next) = (number(detail.get("space"))?, number(detail.get("next"))?);
        let keep = match detail.get("keep") {
            None => Keep::F32,
            Some(word) => word.as_str().and_then(|word| word.parse().ok()).ok_or_else(|| {
                Error::Storage(
                    "the vectors of a namespace are kept in a form that this version does not read".into(),
                )
            })?,
        };
        Ok(Self { language, space, next, keep })
    }

    pub(super) fn write(&self) -> Metadata {
        let mut detail = Metadata::new();
        detail.insert("language".into(), self.language.map_or(Value::Null, |x| x.to_string().into()));
        detail.insert("space".into(), self.space.map_or(Value::Null, Into::into));
        // Only while there is one: an earlier version reads a configuration without it.
        if let Some(next) = self.next {
            detail.insert("next".into(), next.into());
        }
        if self.keep != Keep::F32 {
            detail.insert("keep".into(), self.keep.word().into());
        }
        detail
    }

    pub(super) fn analyzer(&self) -> Analyzer {
        Analyzer::new(self.language)
    }
}

fn number(value: Option<&Value>) -> Result<Option<SpaceId>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64().and_then(|x| SpaceId::try_from(x).ok());
            number.map(Some).ok_or_else(|| Error::Storage("the space of a namespace is no number".into()))
        }
    }
}
