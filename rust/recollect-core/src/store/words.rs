//! The words under which a memory is found.

use std::borrow::Cow;

use crate::record::Record;

/// Text for the lexical index: who spoke, then what was said.
pub(super) fn lexical_key(record: &Record) -> Cow<'_, str> {
    match &record.speaker {
        Some(speaker) => Cow::Owned(format!("{speaker}: {}", record.text)),
        None => Cow::Borrowed(&record.text),
    }
}
