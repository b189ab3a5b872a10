//! Which memories state something of a subject: the current semantic ones with a `subject` in their metadata, and a
//! `predicate` and an `object` where they are facts.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::id::Slot;
use crate::record::{Kind, Metadata};

/// The memories about each subject.
#[derive(Debug, Default)]
pub(super) struct Claims(FxHashMap<String, Vec<(Option<String>, Slot)>>);

impl Claims {
    pub(super) fn insert(&mut self, kind: Kind, metadata: &Metadata, slot: Slot) {
        if let (Kind::Semantic, Some(subject)) = (kind, text(metadata, "subject")) {
            let predicate = text(metadata, "predicate").map(Into::into);
            self.0.entry(subject.to_owned()).or_default().push((predicate, slot));
        }
    }

    pub(super) fn remove(&mut self, metadata: &Metadata, slot: Slot) {
        let Some(subject) = text(metadata, "subject") else { return };
        let Some(about) = self.0.get_mut(subject) else { return };
        about.retain(|x| x.1 != slot);
        if about.is_empty() {
            self.0.remove(subject);
        }
    }

    /// The memories about a subject, those that state one predicate of it if one is given, in the order of the writes.
    pub(super) fn about<'a>(
        &'a self,
        subject: &str,
        predicate: Option<&'a str>,
    ) -> impl Iterator<Item = Slot> + 'a {
        let all = self.0.get(subject).map_or(&[][..], Vec::as_slice).iter();
        all.filter(move |x| predicate.is_none() || x.0.as_deref() == predicate).map(|x| x.1)
    }
}

/// What a memory says of whom.
pub(super) fn text<'a>(metadata: &'a Metadata, field: &str) -> Option<&'a str> {
    metadata.get(field).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_and_their_predicates_find_memories_until_these_leave() {
        let told = |subject: &str, predicate: Option<&str>| {
            let mut metadata = Metadata::new();
            metadata.insert("subject".into(), subject.into());
            predicate.map(|x| metadata.insert("predicate".into(), x.into()));
            metadata
        };
        let mut claims = Claims::default();
        let all = [(told("a", Some("p")), 1), (told("a", None), 2), (told("b", Some("p")), 3)];
        all.iter().for_each(|(metadata, slot)| claims.insert(Kind::Semantic, metadata, *slot));
        claims.insert(Kind::Episodic, &told("a", None), 4);
        claims.insert(Kind::Semantic, &Metadata::new(), 5);
        assert_eq!(claims.about("a", None).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(claims.about("a", Some("p")).collect::<Vec<_>>(), [1]);
        assert_eq!(claims.about("c", None).count(), 0);
        claims.remove(&all[0].0, 1);
        claims.remove(&told("a", None), 9);
        assert_eq!(claims.about("a", None).collect::<Vec<_>>(), [2]);
        claims.remove(&all[2].0, 3);
        assert!(!claims.0.contains_key("b"));
    }
}
