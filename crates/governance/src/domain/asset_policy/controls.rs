//! Privacy controls: what a platform has to keep to when it runs a computation.

/// The text is no name of an obligation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 lower-case letters, digits, dots, underscores and hyphens, a letter first")]
pub(crate) struct ParseObligationError;

/// The name of something to be kept to, on which owners and platform agreed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Obligation(String);

impl Obligation {
    /// Parses a name.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseObligationError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= 64 && text.bytes().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseObligationError)
        }
    }

    /// Returns the name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What may be learned in the sense of differential privacy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PrivacyBudget {
    pub(crate) epsilon: f64,
    pub(crate) delta: f64,
}

/// What a platform has to keep to.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PrivacyControls {
    /// The fewest persons that any output may stand on.
    pub(crate) minimum_cohort: Option<i32>,
    pub(crate) budget: Option<PrivacyBudget>,
    pub(crate) output_review: bool,
    /// In order, each once.
    pub(crate) obligations: Vec<Obligation>,
}

impl PrivacyBudget {
    fn is_within(self, other: Self) -> bool {
        self.epsilon <= other.epsilon && self.delta <= other.delta
    }
}

impl PrivacyControls {
    /// The most named obligations.
    pub(crate) const MAX_OBLIGATIONS: usize = 20;

    /// Tells whether they demand all that others demand.
    pub(crate) fn are_as_strict_as(&self, other: &Self) -> bool {
        let budget = other.budget.is_none_or(|allowed| self.budget.is_some_and(|budget| budget.is_within(allowed)));
        self.minimum_cohort >= other.minimum_cohort
            && budget
            && (self.output_review || !other.output_review)
            && other.obligations.iter().all(|obligation| self.obligations.contains(obligation))
    }
}
