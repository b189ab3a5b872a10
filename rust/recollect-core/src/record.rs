//! What a memory is.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::id::Uid;
use crate::time::{Interval, Timestamp};

/// JSON metadata of a memory, keys in order.
pub type Metadata = Map<String, Value>;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant = $code),+ }

        impl $name {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in files and messages.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The one with this code.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|x| *x as u8 == code)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.word()) }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::ALL.iter().copied().find(|x| x.word() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|x| x.word()).collect();
                    Error::invalid(stringify!($name).to_lowercase(), format!("expected one of {}", known.join(", ")))
                })
            }
        }
    };
}

words! {
    /// Which store a memory belongs to.
    Kind {
        /// What happened.
        Episodic = 0 "episodic",
        /// What is known.
        Semantic = 1 "semantic",
        /// How something is done.
        Procedural = 2 "procedural",
        /// What is always at hand.
        Core = 3 "core",
        /// What is being worked on.
        Working = 4 "working",
        /// What was asked of the agent.
        Instruction = 5 "instruction",
    }
}

words! {
    /// Where a version of a memory stands in its life.
    Status {
        /// Recalled.
        Active = 0 "active",
        /// Replaced by a later version.
        Archived = 1 "archived",
        /// Deleted, its content kept until erased.
        Deleted = 2 "deleted",
    }
}

/// Where a memory comes from; it never changes after the write.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The channel it came through, such as `conversation` or `import`.
    pub source: String,
    /// Who is answerable for it.
    pub principal: String,
    /// Trust in `[0, 1]`; of derived memories at most the least trust of the parents.
    pub trust: f32,
    /// The memories it was derived from.
    pub parents: Vec<Uid>,
}

impl Default for Provenance {
    fn default() -> Self {
        Self { source: String::new(), principal: String::new(), trust: 1.0, parents: Vec::new() }
    }
}

/// Time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    /// Microseconds from the write, or from the last recall if sliding.
    pub micros: i64,
    /// Whether each recall starts the time anew.
    pub sliding: bool,
}

/// One version of a memory, without its vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Identity, the same over all versions.
    pub uid: Uid,
    /// 1 for the first version.
    pub version: u32,
    /// Which store it belongs to.
    pub kind: Kind,
    /// Where this version stands.
    pub status: Status,
    /// What is remembered.
    pub text: String,
    /// JSON metadata.
    pub metadata: Metadata,
    /// Tags, in the order given.
    pub tags: Vec<String>,
    /// Who said it.
    pub speaker: Option<String>,
    /// The conversation, document or day it belongs to.
    pub session: Option<String>,
    /// When it happened.
    pub event: Option<Interval>,
    /// When the store learned it.
    pub ingested: Timestamp,
    /// Counter of writes in the namespace, or the caller's own.
    pub turn: u64,
    /// Importance in `[0, 1]`.
    pub importance: f32,
    /// Confidence in `[0, 1]`.
    pub confidence: f32,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Time to live.
    pub ttl: Option<Ttl>,
}

/// Shows every value at a path of keys, lists on the way element by element, until one is taken.
pub fn walk(value: &Value, path: &[String], each: &mut dyn FnMut(&Value) -> bool) -> bool {
    match (path.split_first(), value) {
        (None, value) => each(value),
        (Some((key, rest)), Value::Object(map)) => map.get(key).is_some_and(|v| walk(v, rest, each)),
        (Some(_), Value::Array(list)) => list.iter().any(|v| v.is_object() && walk(v, path, each)),
        _ => false,
    }
}
