//! Hierarchical paths; a namespace is its own world.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Most segments of a path.
pub const MAX_SEGMENTS: usize = 32;
/// Most bytes of a segment.
pub const MAX_SEGMENT_BYTES: usize = 256;

/// A path of segments, such as `("user", "42", "chat")`; the empty path is the root.
///
/// Segments hold any Unicode text but NUL. The readable form joins them with `/`, writing `%2F` for a slash and
/// `%25` for a percent sign inside a segment, so that no segment can reach into another path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Namespace(Vec<String>);

impl Namespace {
    /// A path of segments.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty segment or one with NUL, [`Error::Limit`] past [`MAX_SEGMENTS`] or
    /// [`MAX_SEGMENT_BYTES`].
    pub fn new<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Result<Self> {
        let segments: Vec<String> = segments.into_iter().map(Into::into).collect();
        if segments.len() > MAX_SEGMENTS {
            return Err(limit("namespace".into(), segments.len(), MAX_SEGMENTS));
        }
        for (at, segment) in segments.iter().enumerate() {
            let argument = || format!("namespace[{at}]");
            if segment.is_empty() {
                return Err(Error::invalid(argument(), "a segment must not be empty"));
            }
            if segment.contains('\0') {
                return Err(Error::invalid(argument(), "a segment must not hold NUL"));
            }
            if segment.len() > MAX_SEGMENT_BYTES {
                return Err(limit(argument(), segment.len(), MAX_SEGMENT_BYTES));
            }
        }
        Ok(Self(segments))
    }

    /// The segments.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether this path equals the prefix or lies below it.
    pub fn starts_with(&self, prefix: &Namespace) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The half-open range of readable forms that lie strictly below this path; none for the root, which all lie below.
    pub fn below(&self) -> Option<(String, String)> {
        let own = self.to_string();
        // '0' is the character after '/', and a slash never occurs inside a written segment.
        (!self.0.is_empty()).then(|| (format!("{own}/"), format!("{own}0")))
    }
}

fn limit(argument: String, found: usize, limit: usize) -> Error {
    Error::Limit { argument, found: found as u64, limit: limit as u64 }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            f.write_str(&segment.replace('%', "%25").replace('/', "%2F"))?;
        }
        Ok(())
    }
}

impl FromStr for Namespace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        Self::new(text.split('/').map(|s| s.replace("%2F", "/").replace("%25", "%")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path() -> impl Strategy<Value = Namespace> {
        prop::collection::vec("[a0/%2F5é ]{1,5}", 0..4).prop_map(|s| Namespace::new(s).unwrap())
    }

    proptest! {
        #[test]
        fn the_readable_form_is_one_to_one(a in path(), b in path()) {
            prop_assert_eq!(a.to_string().parse::<Namespace>().unwrap(), a.clone());
            prop_assert_eq!(a == b, a.to_string() == b.to_string());
        }

        #[test]
        fn the_range_below_is_what_starts_with_says(a in path(), b in path()) {
            if let Some((from, to)) = a.below() {
                let text = b.to_string();
                let inside = from <= text && text < to;
                prop_assert_eq!(inside, b.starts_with(&a) && b != a);
            }
        }
    }

    #[test]
    fn refuses_what_is_no_segment() {
        for bad in [vec![""], vec!["a", "\0"], vec!["x"; 33]] {
            assert!(Namespace::new(bad).is_err());
        }
        assert!(Namespace::new(["x".repeat(257)]).is_err());
    }
}
