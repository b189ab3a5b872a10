//! Filters, and what they mean said once more.

use proptest::prelude::*;
use recollect_core::filter::Filter;
use recollect_core::record::{Kind, Record};
use recollect_core::store::Selection;
use recollect_core::time::{Interval, Timestamp};
use serde_json::{Value, json};

use crate::cases::{HOUR, MONDAY, kind};

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Tagged(&'static str),
    TaggedNot(&'static str),
    TaggedIn(Vec<&'static str>),
    Spoken(&'static str),
    SpokenAtAll(bool),
    Number(&'static str, i64),
    NumberIn(Vec<i64>),
    NumberNotIn(Vec<i64>),
    Listed(i64),
    Important(f32),
    After(i64),
    OfKind(Kind),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
}

use Condition::*;

impl Condition {
    pub(crate) fn json(&self) -> Value {
        let all = |list: &[Condition]| list.iter().map(Condition::json).collect::<Vec<_>>();
        match self {
            Tagged(tag) => json!({"tags": tag}),
            TaggedNot(tag) => json!({"tags": {"$ne": tag}}),
            TaggedIn(tags) => json!({"tags": {"$in": tags}}),
            Spoken(speaker) => json!({"speaker": {"$eq": speaker}}),
            SpokenAtAll(there) => json!({"speaker": {"$exists": there}}),
            Number(operator, n) => json!({"metadata.n": {*operator: n}}),
            NumberIn(list) => json!({"n": {"$in": list}}),
            NumberNotIn(list) => json!({"n": {"$nin": list}}),
            Listed(n) => json!({"list": n}),
            Important(least) => json!({"importance": {"$gte": least}}),
            After(at) => json!({"at": {"$gt": at}}),
            OfKind(kind) => json!({"kind": kind.word()}),
            And(list) => json!({"$and": all(list)}),
            Or(list) => json!({"$or": all(list)}),
            Not(inner) => json!({"$not": inner.json()}),
        }
    }

    pub(crate) fn holds(&self, record: &Record) -> bool {
        let tagged = |tag: &str| record.tags.iter().any(|x| x == tag);
        let n = record.metadata.get("n").and_then(Value::as_i64);
        match self {
            Tagged(tag) => tagged(tag),
            TaggedNot(tag) => !tagged(tag),
            TaggedIn(tags) => tags.iter().any(|tag| tagged(tag)),
            Spoken(speaker) => record.speaker.as_deref() == Some(speaker),
            SpokenAtAll(there) => record.speaker.is_some() == *there,
            Number(operator, than) => match *operator {
                "$ne" => n != Some(*than),
                "$lt" => n.is_some_and(|n| n < *than),
                "$gte" => n.is_some_and(|n| n >= *than),
                _ => n == Some(*than),
            },
            NumberIn(list) => n.is_some_and(|n| list.contains(&n)),
            NumberNotIn(list) => n.is_none_or(|n| !list.contains(&n)),
            Listed(n) => {
                record.metadata.get("list").is_some_and(|x| x.as_array().unwrap().contains(&json!(n)))
            }
            Important(least) => record.importance >= *least,
            After(at) => record.event.is_some_and(|event| event.start.0 > *at),
            OfKind(kind) => record.kind == *kind,
            And(list) => list.iter().all(|x| x.holds(record)),
            Or(list) => list.iter().any(|x| x.holds(record)),
            Not(inner) => !inner.holds(record),
        }
    }
}

fn condition() -> impl Strategy<Value = Condition> {
    let tag = || prop::sample::select(vec!["x", "y", "none"]);
    let leaf = prop_oneof![
        tag().prop_map(Tagged),
        tag().prop_map(TaggedNot),
        prop::collection::vec(tag(), 1..3).prop_map(TaggedIn),
        prop::sample::select(vec!["Ana", "user"]).prop_map(Spoken),
        any::<bool>().prop_map(SpokenAtAll),
        (prop::sample::select(vec!["$eq", "$ne", "$lt", "$gte"]), 0..4_i64).prop_map(|(op, n)| Number(op, n)),
        prop::collection::vec(0..4_i64, 1..3).prop_map(NumberIn),
        prop::collection::vec(0..4_i64, 1..3).prop_map(NumberNotIn),
        (0..3_i64).prop_map(Listed),
        prop::sample::select(vec![0.1_f32, 0.5]).prop_map(Important),
        (0..7 * 24_i64).prop_map(|hour| After(MONDAY + hour * HOUR)),
        kind().prop_map(OfKind),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let list = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![list().prop_map(And), list().prop_map(Or), inner.clone().prop_map(|x| Not(Box::new(x)))]
    })
}

/// What a call asks of memories.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    pub(crate) condition: Option<Condition>,
    pub(crate) kinds: Option<Vec<Kind>>,
    pub(crate) between: Option<Interval>,
}

impl Choice {
    pub(crate) fn selection(&self) -> Selection {
        Selection {
            filter: self.condition.as_ref().map(|x| Filter::compile(&x.json()).unwrap()),
            kinds: self.kinds.clone(),
            between: self.between,
            ..Selection::default()
        }
    }

    pub(crate) fn admits(&self, record: &Record) -> bool {
        let event = record.event.unwrap_or(Interval::instant(record.ingested));
        self.condition.as_ref().is_none_or(|x| x.holds(record))
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&record.kind))
            && self.between.is_none_or(|range| range.overlaps(&event))
    }
}

pub(crate) fn choice() -> impl Strategy<Value = Choice> {
    let between = (0..7 * 24_i64, 1..72_i64).prop_map(|(from, hours)| {
        let start = Timestamp(MONDAY + from * HOUR);
        Interval { start, end: Timestamp(start.0 + hours * HOUR) }
    });
    let parts = (
        prop::option::weighted(0.6, condition()),
        prop::option::weighted(0.3, prop::collection::vec(kind(), 0..3)),
        prop::option::weighted(0.3, between),
    );
    parts.prop_map(|(condition, kinds, between)| Choice { condition, kinds, between })
}
