//! The words under which a memory is found.

use std::fmt::Write;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::association::Fact;
use crate::recall::Role;
use crate::record::{Metadata, Record};

/// Metadata that names a memory.
const TITLE: &str = "title";
/// Metadata that says by what else a memory is called: a list of texts.
const ALIASES: &str = "aliases";
/// Metadata that states facts: a list of triples.
const FACTS: &str = "facts";
/// Speakers that are roles, not people.
const ROLES: [(&str, Role); 7] = [
    ("user", Role::User),
    ("human", Role::User),
    ("assistant", Role::Assistant),
    ("system", Role::Assistant),
    ("ai", Role::Assistant),
    ("tool", Role::Assistant),
    ("bot", Role::Assistant),
];
/// Metadata that says what a memory is about; indexed where it is text.
const ABOUT: [&str; 5] = [TITLE, "subject", "topic", "kind", "location"];

/// Whether a speaker is somebody rather than a role.
pub(super) fn is_named(speaker: &str) -> bool {
    role_of(speaker).is_none()
}

/// The role that a speaker goes by.
pub(super) fn role_of(speaker: &str) -> Option<Role> {
    ROLES.iter().find(|role| role.0.eq_ignore_ascii_case(speaker.trim())).map(|role| role.1)
}

/// The title of a memory, and its aliases.
pub(super) fn titles_of(metadata: &Metadata) -> Vec<&str> {
    let aliases = metadata.get(ALIASES).and_then(Value::as_array).into_iter().flatten();
    metadata.get(TITLE).into_iter().chain(aliases).filter_map(Value::as_str).collect()
}

/// The facts that a memory states, that of a statement first; what is no triple of texts is none.
pub(super) fn facts_of(metadata: &Metadata) -> Vec<Fact<'_>> {
    fn triple(fact: &Value) -> Option<Fact<'_>> {
        let [subject, predicate, object] = fact.as_array()?.as_slice() else { return None };
        Some([subject.as_str()?, predicate.as_str()?, object.as_str()?])
    }
    let part = |name: &str| metadata.get(name).and_then(Value::as_str);
    let own = part("subject").zip(part("predicate")).zip(part("object"));
    let listed = metadata.get(FACTS).and_then(Value::as_array).into_iter().flatten().filter_map(triple);
    own.map(|((subject, predicate), object)| [subject, predicate, object]).into_iter().chain(listed).collect()
}

/// Text for the lexical index: what was said, who said it, what it is about and when it happened, such as
/// `8 May 2023 Monday`.
pub(super) fn lexical_key(record: &Record, key: &mut String) {
    key.clear();
    key.push_str(&record.text);
    if let Some(speaker) = record.speaker.as_deref().filter(|x| is_named(x)) {
        key.push('\n');
        key.push_str(speaker);
    }
    if !record.metadata.is_empty() {
        for about in ABOUT {
            if let Some(Value::String(text)) = record.metadata.get(about) {
                key.push('\n');
                key.push_str(text);
            }
        }
    }
    if let Some(event) = record.event
        && let Ok(instant) = jiff::Timestamp::from_microsecond(event.start.0)
    {
        let day = instant.to_zoned(TimeZone::UTC).date();
        let month = MONTHS[(day.month() as usize).saturating_sub(1) % 12];
        let weekday = WEEKDAYS[day.weekday().to_monday_zero_offset() as usize % 7];
        // Writing to a string cannot fail.
        let _ = write!(key, "\n{} {month} {} {weekday}", day.day(), day.year());
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Uid;
    use crate::record::{Kind, Provenance, Status};
    use crate::time::{Interval, Timestamp};

    #[test]
    fn the_key_names_speaker_subject_and_day() {
        let mut record = Record {
            uid: Uid([0; 16]),
            version: 1,
            kind: Kind::Episodic,
            status: Status::Active,
            text: "I went".into(),
            metadata: Metadata::new(),
            tags: Vec::new(),
            speaker: Some("Ana".into()),
            session: None,
            event: Some(Interval::instant(Timestamp(1_683_554_160_000_000))),
            ingested: Timestamp(0),
            turn: 1,
            importance: 0.5,
            confidence: 1.0,
            provenance: Provenance::default(),
            ttl: None,
        };
        record.metadata.insert("title".into(), "Trip".into());
        record.metadata.insert("kind".into(), 3.into());
        let mut key = String::new();
        lexical_key(&record, &mut key);
        assert_eq!(key, "I went\nAna\nTrip\n8 May 2023 Monday");
        record.speaker = Some("Assistant".into());
        record.event = Some(Interval::instant(Timestamp(i64::MAX - 1)));
        lexical_key(&record, &mut key);
        assert_eq!(key, "I went\nTrip");
    }
}
