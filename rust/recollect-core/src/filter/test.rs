//! One test of one field.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Field, Fields};

/// One value of a field, as the record holds it.
#[derive(Debug, Clone, Copy)]
pub enum Scalar<'a> {
    /// An integer, such as a time in microseconds.
    Int(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Truth(bool),
    /// Text.
    Text(&'a str),
    /// A value of the metadata, which may be a list.
    Json(&'a Value),
}

/// A test; operators as in MongoDB: `$ne` and `$nin` pass where the field is missing, a comparison of values of
/// different types fails, and a list passes if one of its elements does.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Equal; null also where the field is missing.
    Eq(Value),
    /// Not equal.
    Ne(Value),
    /// Greater.
    Gt(Value),
    /// Greater or equal.
    Gte(Value),
    /// Less.
    Lt(Value),
    /// Less or equal.
    Lte(Value),
    /// Equal to one of these.
    In(Vec<Value>),
    /// Equal to none of these.
    Nin(Vec<Value>),
    /// Present, or missing.
    Exists(bool),
}

impl Test {
    /// The values it compares with.
    pub(super) fn operands(&self) -> &[Value] {
        match self {
            Self::Eq(v) | Self::Ne(v) | Self::Gt(v) | Self::Gte(v) | Self::Lt(v) | Self::Lte(v) => {
                std::slice::from_ref(v)
            }
            Self::In(list) | Self::Nin(list) => list,
            Self::Exists(_) => &[],
        }
    }

    /// Whether a field passes.
    pub(super) fn matches(&self, field: &Field, fields: &dyn Fields) -> bool {
        let equal = |value: &Value| {
            fields.any(field, &mut |found| equals(found, value))
                || value.is_null() && !fields.any(field, &mut |_| true)
        };
        let compares = |value: &Value, wanted: fn(Ordering) -> bool| {
            fields.any(field, &mut |found| elements(found, &mut |x| compare(x, value).is_some_and(wanted)))
        };
        match self {
            Self::Eq(value) => equal(value),
            Self::Ne(value) => !equal(value),
            Self::Gt(value) => compares(value, Ordering::is_gt),
            Self::Gte(value) => compares(value, Ordering::is_ge),
            Self::Lt(value) => compares(value, Ordering::is_lt),
            Self::Lte(value) => compares(value, Ordering::is_le),
            Self::In(list) => list.iter().any(equal),
            Self::Nin(list) => !list.iter().any(equal),
            Self::Exists(wanted) => fields.any(field, &mut |_| true) == *wanted,
        }
    }
}

fn elements(found: Scalar<'_>, each: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
    match found {
        Scalar::Json(Value::Array(list)) => list.iter().any(|x| each(Scalar::Json(x))),
        one => each(one),
    }
}

fn equals(found: Scalar<'_>, value: &Value) -> bool {
    if let Scalar::Json(json) = found
        && json == value
    {
        return true;
    }
    elements(found, &mut |x| match x {
        Scalar::Json(json) if json == value => true,
        _ => compare(x, value) == Some(Ordering::Equal),
    })
}

fn compare(found: Scalar<'_>, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Scalar::Int(a), b) => compare_int(a, b),
        (Scalar::Float(a), b) => a.partial_cmp(&b.as_f64()?),
        (Scalar::Truth(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Scalar::Text(a), Value::String(b)) => Some(a.cmp(b.as_str())),
        (Scalar::Json(Value::String(a)), Value::String(b)) => Some(a.cmp(b)),
        (Scalar::Json(Value::Bool(a)), Value::Bool(b)) => Some(a.cmp(b)),
        (Scalar::Json(Value::Number(a)), b) => match a.as_i64() {
            Some(a) => compare_int(a, b),
            None => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        _ => None,
    }
}

fn compare_int(a: i64, b: &Value) -> Option<Ordering> {
    match b.as_i64() {
        Some(b) => Some(a.cmp(&b)),
        None => (a as f64).partial_cmp(&b.as_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;
    use serde_json::json;

    struct Document(Value);

    impl Fields for Document {
        fn any(&self, field: &Field, each: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
            match field {
                Field::Metadata(path) => crate::record::walk(&self.0, path, &mut |v| each(Scalar::Json(v))),
                Field::At => each(Scalar::Int(1_000)),
                _ => false,
            }
        }
    }

    #[test]
    fn each_operator_on_each_shape() {
        let document = Document(json!({
            "n": 3, "x": 2.5, "s": "beta", "b": true, "nil": null, "list": [1, "two", 3.0],
            "deep": {"er": {"n": 7}}, "rows": [{"k": 1}, {"k": 2}],
        }));
        for (source, expected) in [
            (json!({"n": 3}), true),
            (json!({"n": 3.0}), true),
            (json!({"n": "3"}), false),
            (json!({"n": {"$gt": 2, "$lt": 4}}), true),
            (json!({"n": {"$gte": 3, "$lte": 2.9}}), false),
            (json!({"x": {"$gt": 2}}), true),
            (json!({"s": {"$gt": "alpha"}}), true),
            (json!({"s": {"$gt": 1}}), false),
            (json!({"b": true}), true),
            (json!({"nil": null}), true),
            (json!({"missing": null}), true),
            (json!({"missing": {"$exists": false}}), true),
            (json!({"nil": {"$exists": true}}), true),
            (json!({"missing": {"$ne": 1}}), true),
            (json!({"missing": {"$nin": [1]}}), true),
            (json!({"missing": {"$gt": 0}}), false),
            (json!({"list": "two"}), true),
            (json!({"list": [1, "two", 3.0]}), true),
            (json!({"list": {"$gt": 2}}), true),
            (json!({"list": {"$nin": ["two"]}}), false),
            (json!({"list": {"$in": [9, 3]}}), true),
            (json!({"deep.er.n": 7}), true),
            (json!({"metadata.deep.er.n": 7}), true),
            (json!({"deep": {"er": {"n": 7}}}), true),
            (json!({"rows.k": 2}), true),
            (json!({"rows.k": 3}), false),
            (json!({"n": {"$not": {"$gt": 2}}}), false),
            (json!({"$or": [{"n": 9}, {"s": "beta"}]}), true),
            (json!({"$not": {"n": 3}}), false),
            (json!({"n": 3, "s": "gamma"}), false),
            (json!({}), true),
            (json!({"at": {"$gte": 1000}}), true),
            (json!({"at": {"$lt": 1000}}), false),
        ] {
            assert_eq!(Filter::compile(&source).unwrap().matches(&document), expected, "{source}");
        }
    }
}
