//! The JSON filter language: `{"field": value}`, `{"field": {"$gt": 3}}`, `$and`, `$or`, `$not`.

use serde_json::{Map, Value};

use super::{Field, Filter, Test};
use crate::error::{Error, Result};
use crate::record::{Kind, Status};

/// Deepest nesting of a filter.
const MAX_DEPTH: usize = 64;
/// Most tests in a filter, counting each element of `$in` and `$nin`.
const MAX_TESTS: usize = 65_536;

impl Filter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the place for an unknown operator or an operand of the wrong type, [`Error::Limit`]
    /// past 64 levels or 65,536 tests.
    pub fn compile(source: &Value) -> Result<Self> {
        let mut compiler = Compiler { tests: 0 };
        compiler.document(source, "filter", 0)
    }

    /// Compiles a filter from JSON text.
    ///
    /// # Errors
    /// As [`Filter::compile`], and [`Error::Invalid`] for text that is no JSON.
    pub fn parse(text: &str) -> Result<Self> {
        let source = serde_json::from_str(text).map_err(|e| Error::invalid("filter", e.to_string()))?;
        Self::compile(&source)
    }
}

struct Compiler {
    tests: usize,
}

impl Compiler {
    fn document(&mut self, source: &Value, place: &str, depth: usize) -> Result<Filter> {
        if depth > MAX_DEPTH {
            return Err(Error::Limit {
                argument: place.into(),
                found: depth as u64,
                limit: MAX_DEPTH as u64,
            });
        }
        let entries = object(source, place)?;
        let mut all = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let place = format!("{place}.{key}");
            all.push(match key.as_str() {
                "$and" => Filter::All(self.list(value, &place, depth)?),
                "$or" => Filter::Any(self.list(value, &place, depth)?),
                "$not" => Filter::Not(Box::new(self.document(value, &place, depth + 1)?)),
                operator if operator.starts_with('$') => return Err(unknown(&place, operator)),
                name => self.field(&field(name, &place)?, value, &place, depth)?,
            });
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::All(all) })
    }

    fn list(&mut self, source: &Value, place: &str, depth: usize) -> Result<Vec<Filter>> {
        let list = source.as_array().ok_or_else(|| Error::invalid(place, "expected a list of filters"))?;
        if list.is_empty() {
            return Err(Error::invalid(place, "expected at least one filter"));
        }
        list.iter().enumerate().map(|(i, x)| self.document(x, &format!("{place}[{i}]"), depth + 1)).collect()
    }

    fn field(&mut self, field: &Field, source: &Value, place: &str, depth: usize) -> Result<Filter> {
        let operators = match source {
            Value::Object(map) if map.keys().any(|k| k.starts_with('$')) => map,
            value => return self.test(field, Test::Eq(value.clone()), place, 1),
        };
        let mut all = Vec::with_capacity(operators.len());
        for (operator, value) in operators {
            let place = format!("{place}.{operator}");
            let many = || value.as_array().cloned().ok_or_else(|| Error::invalid(&place, "expected a list"));
            let (test, weight) = match operator.as_str() {
                "$eq" => (Test::Eq(value.clone()), 1),
                "$ne" => (Test::Ne(value.clone()), 1),
                "$gt" => (Test::Gt(value.clone()), 1),
                "$gte" => (Test::Gte(value.clone()), 1),
                "$lt" => (Test::Lt(value.clone()), 1),
                "$lte" => (Test::Lte(value.clone()), 1),
                "$in" => many().map(|list| (list.len(), list)).map(|(n, list)| (Test::In(list), n))?,
                "$nin" => many().map(|list| (list.len(), list)).map(|(n, list)| (Test::Nin(list), n))?,
                "$exists" => match value.as_bool() {
                    Some(wanted) => (Test::Exists(wanted), 1),
                    None => return Err(Error::invalid(place, "expected true or false")),
                },
                "$not" => {
                    if depth > MAX_DEPTH {
                        let limit = MAX_DEPTH as u64;
                        return Err(Error::Limit { argument: place, found: depth as u64, limit });
                    }
                    all.push(Filter::Not(Box::new(self.field(field, value, &place, depth + 1)?)));
                    continue;
                }
                other => return Err(unknown(&place, other)),
            };
            all.push(self.test(field, test, &place, weight)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::All(all) })
    }

    fn test(&mut self, field: &Field, test: Test, place: &str, weight: usize) -> Result<Filter> {
        self.tests += weight;
        if self.tests > MAX_TESTS {
            let (found, limit) = (self.tests as u64, MAX_TESTS as u64);
            return Err(Error::Limit { argument: place.into(), found, limit });
        }
        check_operands(field, &test, place)?;
        Ok(Filter::Field(field.clone(), test))
    }
}

fn object<'a>(source: &'a Value, place: &str) -> Result<&'a Map<String, Value>> {
    source.as_object().ok_or_else(|| Error::invalid(place, "expected an object"))
}

fn unknown(place: &str, operator: &str) -> Error {
    let known = "$eq $ne $gt $gte $lt $lte $in $nin $exists $and $or $not";
    Error::invalid(place, format!("unknown operator {operator}; known are {known}"))
}

fn field(name: &str, place: &str) -> Result<Field> {
    Ok(match name {
        "uid" => Field::Uid,
        "kind" => Field::Kind,
        "status" => Field::Status,
        "tags" => Field::Tags,
        "speaker" => Field::Speaker,
        "session" => Field::Session,
        "at" => Field::At,
        "until" => Field::Until,
        "ingested" => Field::Ingested,
        "turn" => Field::Turn,
        "importance" => Field::Importance,
        "confidence" => Field::Confidence,
        "source" => Field::Source,
        "principal" => Field::Principal,
        "trust" => Field::Trust,
        "pinned" => Field::Pinned,
        "utility" => Field::Utility,
        "judged" => Field::Judged,
        "success_rate" => Field::SuccessRate,
        path => {
            let path = path.strip_prefix("metadata.").unwrap_or(path);
            let keys: Vec<String> = path.split('.').map(Into::into).collect();
            if keys.iter().any(String::is_empty) {
                return Err(Error::invalid(place, "a path must not have an empty key"));
            }
            Field::Metadata(keys)
        }
    })
}

fn check_operands(field: &Field, test: &Test, place: &str) -> Result<()> {
    let wrong = |what: &str| Err(Error::invalid(place, format!("expected {what}")));
    for operand in test.operands() {
        if operand.is_null() && !matches!(test, Test::Eq(_) | Test::Ne(_)) {
            return wrong("a value that can be compared, not null");
        }
        match field {
            Field::At | Field::Until | Field::Ingested if !(operand.is_i64() || operand.is_null()) => {
                return wrong("a time");
            }
            Field::Turn
            | Field::Importance
            | Field::Confidence
            | Field::Trust
            | Field::Utility
            | Field::Judged
            | Field::SuccessRate
                if !operand.is_number() =>
            {
                return wrong("a number");
            }
            Field::Pinned if !operand.is_boolean() => return wrong("true or false"),
            Field::Kind => {
                operand.as_str().map_or_else(|| wrong("a kind"), |w| w.parse::<Kind>().map(|_| ()))?
            }
            Field::Status => {
                operand.as_str().map_or_else(|| wrong("a status"), |w| w.parse::<Status>().map(|_| ()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_the_place_of_a_mistake() {
        for (source, place) in [
            (json!([]), "filter"),
            (json!({"a": {"$foo": 1}}), "filter.a.$foo"),
            (json!({"$or": [{"a": 1}, {"b": {"$in": 3}}]}), "filter.$or[1].b.$in"),
            (json!({"kind": "nonsense"}), "kind"),
            (json!({"at": "yesterday"}), "filter.at"),
            (json!({"a..b": 1}), "filter.a..b"),
            (json!({"$and": []}), "filter.$and"),
        ] {
            match Filter::compile(&source) {
                Err(Error::Invalid { argument, .. }) => assert_eq!(argument, place),
                other => panic!("{source}: {other:?}"),
            }
        }
    }

    #[test]
    fn refuses_what_is_too_deep_or_too_large() {
        let mut deep = json!({"a": 1});
        for _ in 0..100 {
            deep = json!({"$not": deep});
        }
        assert!(matches!(Filter::compile(&deep), Err(Error::Limit { .. })));
        let wide = json!({"a": {"$in": vec![1; 70_000]}});
        assert!(matches!(Filter::compile(&wide), Err(Error::Limit { .. })));
        assert!(Filter::parse(&"[".repeat(10_000)).is_err());
    }
}
