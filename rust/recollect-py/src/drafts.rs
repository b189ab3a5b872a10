//! Columns of a batch, one memory a row.

use recollect_core::error::{Error, Result};
use recollect_core::id::Uid;
use recollect_core::record::{Kind, Provenance, Ttl};
use recollect_core::store::Draft;

use crate::query::{event, metadata, uids};

/// The columns of a batch; each is missing or as long as the texts.
pub(crate) struct Columns {
    pub texts: Vec<String>,
    pub kind: String,
    pub starts: Option<Vec<Option<i64>>>,
    pub ends: Option<Vec<Option<i64>>>,
    pub speakers: Option<Vec<Option<String>>>,
    pub sessions: Option<Vec<Option<String>>>,
    pub metadata: Option<Vec<Option<String>>>,
    pub tags: Option<Vec<Vec<String>>>,
    pub turns: Option<Vec<Option<u64>>>,
    pub importance: Option<Vec<f32>>,
    pub confidence: Option<Vec<f32>>,
    pub keys: Option<Vec<Option<String>>>,
    pub parents: Option<Vec<Vec<String>>>,
    pub ttl: Option<i64>,
    pub sliding: bool,
    pub source: String,
    pub principal: String,
    pub trust: f32,
    pub vectors: Option<Vec<Vec<Vec<f32>>>>,
    pub beside: Option<Vec<Vec<Vec<f32>>>>,
}

impl Columns {
    /// The memories, in order.
    ///
    /// # Errors
    /// `Invalid` naming the column and row.
    pub(crate) fn drafts(self) -> Result<Vec<Draft>> {
        let n = self.texts.len();
        let kind: Kind = self.kind.parse()?;
        let mut starts = column("at", self.starts, n)?;
        let mut ends = column("until", self.ends, n)?;
        let mut speakers = column("speaker", self.speakers, n)?;
        let mut sessions = column("session", self.sessions, n)?;
        let mut metadatas = column("metadata", self.metadata, n)?;
        let mut tags = column("tags", self.tags, n)?;
        let mut turns = column("turn", self.turns, n)?;
        let mut importance = column("importance", self.importance, n)?;
        let mut confidence = column("confidence", self.confidence, n)?;
        let mut keys = column("key", self.keys, n)?;
        let mut parents = column("parents", self.parents, n)?;
        let mut vectors = column("vectors", self.vectors, n)?;
        let mut beside = column("vectors", self.beside, n)?;
        let mut drafts = Vec::with_capacity(n);
        for (at, text) in self.texts.into_iter().enumerate() {
            let parsed = next(&mut metadatas).flatten();
            let lineage: Vec<Uid> = match next(&mut parents) {
                Some(list) => uids(&list, &format!("parents[{at}]"))?,
                None => Vec::new(),
            };
            let mut draft = Draft::new(kind, text);
            draft.metadata = match parsed {
                Some(text) => metadata(&text, &|| format!("metadata[{at}]"))?,
                None => recollect_core::record::Metadata::new(),
            };
            draft.tags = next(&mut tags).unwrap_or_default();
            draft.speaker = next(&mut speakers).flatten();
            draft.session = next(&mut sessions).flatten();
            draft.event =
                event(next(&mut starts).flatten(), next(&mut ends).flatten(), &|| format!("until[{at}]"))?;
            draft.turn = next(&mut turns).flatten();
            draft.importance = next(&mut importance).unwrap_or(draft.importance);
            draft.confidence = next(&mut confidence).unwrap_or(draft.confidence);
            draft.provenance = Provenance {
                source: self.source.clone(),
                principal: self.principal.clone(),
                trust: self.trust,
                parents: lineage,
            };
            draft.ttl = self.ttl.map(|micros| Ttl { micros, sliding: self.sliding });
            draft.vectors = next(&mut vectors).unwrap_or_default();
            draft.beside = next(&mut beside).unwrap_or_default();
            draft.key = next(&mut keys).flatten();
            drafts.push(draft);
        }
        Ok(drafts)
    }
}

type Column<T> = Option<std::vec::IntoIter<T>>;

fn column<T>(name: &str, column: Option<Vec<T>>, n: usize) -> Result<Column<T>> {
    match column {
        Some(list) if list.len() != n => {
            Err(Error::invalid(name, format!("{} values for {n} texts", list.len())))
        }
        column => Ok(column.map(Vec::into_iter)),
    }
}

fn next<T>(column: &mut Column<T>) -> Option<T> {
    column.as_mut().and_then(Iterator::next)
}
