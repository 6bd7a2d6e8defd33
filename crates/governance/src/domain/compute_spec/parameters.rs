//! Parameters of a computation, and whether they fit a schema.

use jsonschema::PatternOptions;
use serde_json::Value;

use crate::domain::schema::{ParameterSchema, depth};

/// The largest parameters in octets.
const MAX_OCTETS: usize = 64 * 1024;
/// The most objects and lists within each other.
const MAX_DEPTH: usize = 32;

/// Why a text holds no parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParametersError {
    /// More than is read.
    #[error("must have at most {MAX_OCTETS} octets")]
    TooLong,
    /// More levels than are followed.
    #[error("must have at most {MAX_DEPTH} levels")]
    TooDeep,
    /// No JSON.
    #[error("must be JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("must be a JSON object")]
    NotAnObject,
}

impl ParametersError {
    /// Returns the reason of a field violation.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "TOO_LONG",
            Self::TooDeep => "TOO_DEEP",
            Self::NotJson(_) => "JSON_MALFORMED",
            Self::NotAnObject => "OBJECT_REQUIRED",
        }
    }
}

/// Parameters, as they were understood: spelled anew, so that whoever reads them reads what was checked, also where
/// parsers differ, as about members of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters(String);

impl Parameters {
    /// Parses parameters; nothing is an empty object.
    pub(crate) fn parse(text: &str) -> Result<Self, ParametersError> {
        if text.is_empty() {
            return Ok(Self("{}".to_owned()));
        }
        if text.len() > MAX_OCTETS {
            return Err(ParametersError::TooLong);
        }
        let value: Value = serde_json::from_str(text).map_err(|error| ParametersError::NotJson(error.to_string()))?;
        if depth(&value) > MAX_DEPTH {
            return Err(ParametersError::TooDeep);
        }
        if value.is_object() { Ok(Self(value.to_string())) } else { Err(ParametersError::NotAnObject) }
    }

    /// Takes parameters that were parsed before they were stored.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the parameters.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells what keeps parameters from fulfilling a schema; whatever cannot be judged does not fit.
pub(crate) fn fits(parameters: &Parameters, schema: &ParameterSchema) -> Result<(), String> {
    let short = |text: String| text.chars().take(300).collect::<String>();
    let value: Value = serde_json::from_str(parameters.as_str()).map_err(|error| short(error.to_string()))?;
    let schema: Value = serde_json::from_str(schema.as_str()).map_err(|error| short(error.to_string()))?;
    // Patterns are those that are matched in linear time, as when the schema was taken.
    let options = jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex());
    let validator = options.build(&schema).map_err(|error| short(error.to_string()))?;
    validator.validate(&value).map_err(|error| {
        let place = error.instance_path().to_string();
        short(if place.is_empty() { error.to_string() } else { format!("{place}: {error}") })
    })
}
