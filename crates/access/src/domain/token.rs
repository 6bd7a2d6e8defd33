//! Points in the history of access, as callers keep them.

use std::fmt;
use std::sync::Arc;

/// Names one history: a database that was made anew has another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Epoch(pub(crate) Arc<str>);

/// A point that a caller demands to be answered at or after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) revision: i64,
    /// The history that it belongs to; a bare revision belongs to any.
    pub(crate) epoch: Option<Epoch>,
}

/// The text is not such a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a consistency_token or the revision of an answer")]
pub(crate) struct ParsePointError;

/// The longest text that is one.
const MAX: usize = 64;

impl Point {
    /// Parses `<revision>` or `<revision>.<epoch>`.
    pub(crate) fn parse(text: &str) -> Result<Self, ParsePointError> {
        let (revision, epoch) = text.split_once('.').map_or((text, None), |(number, epoch)| (number, Some(epoch)));
        let is_number = !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit());
        let is_epoch =
            epoch.is_none_or(|epoch| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if text.len() > MAX || !is_number || !is_epoch {
            return Err(ParsePointError);
        }
        let revision = revision.parse().map_err(|_| ParsePointError)?;
        Ok(Self { revision, epoch: epoch.map(|epoch| Epoch(epoch.into())) })
    }

    /// Tells whether this history has come to the point.
    pub(crate) fn is_reached(&self, revision: i64, epoch: &Epoch) -> bool {
        revision >= self.revision && self.epoch.as_ref().is_none_or(|wanted| wanted == epoch)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.epoch {
            Some(Epoch(epoch)) => write!(f, "{}.{epoch}", self.revision),
            None => write!(f, "{}", self.revision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_what_was_answered_and_nothing_else() {
        for text in ["0", "12", "12.00ff"] {
            assert_eq!(Point::parse(text).map(|point| point.to_string()).as_deref(), Ok(text));
        }
        for wrong in ["", ".", "1.", ".ff", "-1", "+1", "1.xyz", "1.f.f", "99999999999999999999", " 1"] {
            assert_eq!(Point::parse(wrong), Err(ParsePointError), "{wrong:?}");
        }
        assert!(Point::parse(&format!("1.{}", "f".repeat(63))).is_err());
    }

    #[test]
    fn a_point_of_another_history_is_never_reached() {
        let (own, other) = (Epoch("aa".into()), Epoch("bb".into()));
        let point = Point { revision: 5, epoch: Some(own.clone()) };
        assert!(point.is_reached(5, &own) && !point.is_reached(4, &own) && !point.is_reached(9, &other));
        assert!(Point { epoch: None, ..point }.is_reached(5, &other));
    }
}
