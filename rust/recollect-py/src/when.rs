//! What a question says of time, as Python gives it.

use pyo3::prelude::*;
use recollect_core::calendar::Yearly;
use recollect_core::error::{Error, Result};
use recollect_core::recall::{Order, Span, When};

use crate::query::interval;
use crate::timeline::{ZoneRow, zone};

/// A half-open interval of microseconds, or the first and the last month and day of a range in every year.
#[derive(FromPyObject)]
pub(crate) enum SpanRow {
    Once(i64, i64),
    Yearly(u8, u8, u8, u8),
}

/// Times, the zone by which days begin, and `earliest` or `latest`.
pub(crate) type WhenRow = (Vec<SpanRow>, Option<ZoneRow>, Option<String>);

pub(crate) fn when((spans, changes, order): WhenRow) -> Result<When> {
    let span = |row: SpanRow| {
        Ok(match row {
            SpanRow::Once(start, end) => Span::Once(interval(start, end, "when")?),
            SpanRow::Yearly(month, day, until, last) => {
                Span::Yearly(Yearly::new((month, day), (until, last))?)
            }
        })
    };
    Ok(When {
        spans: spans.into_iter().map(span).collect::<Result<_>>()?,
        zone: changes.map(zone).transpose()?.unwrap_or_default(),
        order: match order.as_deref() {
            None => None,
            Some("earliest") => Some(Order::Earliest),
            Some("latest") => Some(Order::Latest),
            Some(_) => return Err(Error::invalid("when", "expected earliest or latest")),
        },
    })
}
