//! One filter form that every filter language compiles to.
//!
//! | file | idea |
//! |---|---|
//! | `language` | the JSON language, compiled and checked |
//! | `test` | one test of one field |

mod language;
mod test;

pub use test::{Scalar, Test};

/// What a filter can ask of a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// Identity, as 32 hexadecimal digits.
    Uid,
    /// Kind, as its word.
    Kind,
    /// Status, as its word.
    Status,
    /// Any of the tags.
    Tags,
    /// Who said it.
    Speaker,
    /// The session.
    Session,
    /// Start of the event, microseconds.
    At,
    /// End of the event, microseconds.
    Until,
    /// When the store learned it, microseconds.
    Ingested,
    /// The turn counter.
    Turn,
    /// Importance.
    Importance,
    /// Confidence.
    Confidence,
    /// Source of the provenance.
    Source,
    /// Principal of the provenance.
    Principal,
    /// Trust of the provenance.
    Trust,
    /// Whether it is pinned.
    Pinned,
    /// What the rewards of its uses came to, in `[-1, 1]`; 0 for one that was never judged.
    Utility,
    /// How often it was judged.
    Judged,
    /// The share of its judgements that were rewards; missing for one that was never judged.
    SuccessRate,
    /// A path into the metadata; lists on the way are searched element by element.
    Metadata(Vec<String>),
}

/// Who can answer for its fields.
pub trait Fields {
    /// Shows every value of a field, none where it is missing, until one is taken (the answer of `each`).
    fn any(&self, field: &Field, each: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool;
}

/// A compiled filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these.
    All(Vec<Filter>),
    /// At least one of these.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A test of a field.
    Field(Field, Test),
}

impl Filter {
    /// Whether these fields pass.
    pub fn matches(&self, fields: &dyn Fields) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|f| f.matches(fields)),
            Self::Any(filters) => filters.iter().any(|f| f.matches(fields)),
            Self::Not(filter) => !filter.matches(fields),
            Self::Field(field, test) => test.matches(field, fields),
        }
    }
}
