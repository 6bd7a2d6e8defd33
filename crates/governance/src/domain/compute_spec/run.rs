//! Runs, as platforms report them.

use rolecall_kernel::time::Timestamp;

/// The text is no name of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 letters, digits, dots, underscores and hyphens, a letter or digit first")]
pub(crate) struct ParseRunNameError;

/// The platform's name of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunName(String);

impl RunName {
    /// Parses a name.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseRunNameError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && text.len() <= 64 && text.bytes().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseRunNameError)
        }
    }

    /// Returns the name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl RunState {
    /// Returns its name in tables and events.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled].into_iter().find(|state| state.name() == name)
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) name: RunName,
    pub(crate) state: RunState,
    /// Empty when there is nothing to say.
    pub(crate) detail: String,
    pub(crate) started: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Why a run stays as it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunError {
    /// It has come to its end.
    #[error("the run has ended")]
    Ended,
}

impl Run {
    /// Takes a report; `false` when it says what is known.
    pub(crate) fn report(&mut self, state: RunState, detail: &str, now: Timestamp) -> Result<bool, RunError> {
        if (self.state, self.detail.as_str()) == (state, detail) {
            return Ok(false);
        }
        if self.state != RunState::Running {
            return Err(RunError::Ended);
        }
        (self.state, self.detail, self.updated) = (state, detail.to_owned(), now);
        Ok(true)
    }
}
