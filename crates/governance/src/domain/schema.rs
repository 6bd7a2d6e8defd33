//! What the parameters of a computation must fulfil: JSON Schema, draft 2020-12.

use std::collections::BTreeMap;

use jsonschema::PatternOptions;
use serde_json::{Map, Value};

/// The largest schema in octets.
const MAX_OCTETS: usize = 64 * 1024;
/// The most objects and lists within each other.
const MAX_DEPTH: usize = 32;
/// The most definitions that one evaluation visits, each as often as it is referred to.
const MAX_VISITS: u64 = 1_000;
/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Why a text is no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SchemaError {
    /// Nothing was given.
    #[error("is required")]
    Required,
    /// More than is read.
    #[error("must have at most {MAX_OCTETS} octets")]
    TooLong,
    /// More levels than are followed.
    #[error("must have at most {MAX_DEPTH} levels")]
    TooDeep,
    /// No JSON.
    #[error("must be JSON: {0}")]
    NotJson(String),
    /// Another dialect.
    #[error("must name no other $schema than {DIALECT}")]
    OtherDialect,
    /// It refers to something outside of itself.
    #[error("must refer to nothing outside of itself: {0} begins with #, or is left out")]
    Remote(&'static str),
    /// It refers in a circle, too often, or to what is no definition of its own.
    #[error("must refer to its own definitions by #/$defs/name, in no circle, and to at most {MAX_VISITS} in all")]
    References,
    /// JSON, but no schema.
    #[error("must be a JSON Schema of draft 2020-12: {0}")]
    NotASchema(String),
}

impl SchemaError {
    /// Returns the reason of a field violation.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::TooLong => "TOO_LONG",
            Self::TooDeep => "TOO_DEEP",
            Self::NotJson(_) => "JSON_MALFORMED",
            Self::OtherDialect => "SCHEMA_DIALECT",
            Self::Remote(_) => "SCHEMA_REMOTE",
            Self::References => "SCHEMA_REFERENCES",
            Self::NotASchema(_) => "SCHEMA_MALFORMED",
        }
    }
}

/// A schema of parameters, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParameterSchema(String);

impl ParameterSchema {
    /// Parses a schema: bounded, in the one dialect, referring to nothing outside of itself.
    pub(crate) fn parse(text: &str) -> Result<Self, SchemaError> {
        if text.is_empty() {
            return Err(SchemaError::Required);
        }
        if text.len() > MAX_OCTETS {
            return Err(SchemaError::TooLong);
        }
        let schema: Value = serde_json::from_str(text).map_err(|error| SchemaError::NotJson(error.to_string()))?;
        if depth(&schema) > MAX_DEPTH {
            return Err(SchemaError::TooDeep);
        }
        own_dialect(&schema)?;
        compile(&schema)?;
        References::of(&schema).visits(&schema)?;
        Ok(Self(text.to_owned()))
    }

    /// Takes a schema that was parsed before it was stored.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the schema as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// How often an evaluation visits the definitions: fifty of them that refer twice to the next are a thousand million
/// million visits.
struct References<'a> {
    definitions: Option<&'a Map<String, Value>>,
    /// What is known of a definition: none while it is looked at, so that a circle shows.
    known: BTreeMap<&'a str, Option<u64>>,
}

impl<'a> References<'a> {
    fn of(schema: &'a Value) -> Self {
        Self { definitions: schema.get("$defs").and_then(Value::as_object), known: BTreeMap::new() }
    }

    /// Counts the visits of what is below a value, definitions inside of it left out: they are visited where they are
    /// referred to.
    fn visits(&mut self, value: &'a Value) -> Result<u64, SchemaError> {
        let mut visits = 0_u64;
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    visits = visits.saturating_add(match (key.as_str(), value) {
                        ("$defs", _) => 0,
                        ("$ref", Value::String(target)) => self.follow(target)?,
                        ("$dynamicRef" | "$recursiveRef", Value::String(_)) => return Err(SchemaError::References),
                        _ => self.visits(value)?,
                    });
                }
            }
            Value::Array(items) => {
                for item in items {
                    visits = visits.saturating_add(self.visits(item)?);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        if visits > MAX_VISITS { Err(SchemaError::References) } else { Ok(visits) }
    }

    fn follow(&mut self, target: &'a str) -> Result<u64, SchemaError> {
        let name = target.strip_prefix("#/$defs/").ok_or(SchemaError::References)?;
        if let Some(known) = self.known.get(name) {
            return known.ok_or(SchemaError::References);
        }
        let definition = self.definitions.and_then(|definitions| definitions.get(name));
        let definition = definition.ok_or(SchemaError::References)?;
        self.known.insert(name, None);
        let visits = self.visits(definition)?.saturating_add(1);
        self.known.insert(name, Some(visits));
        Ok(visits)
    }
}

/// Checks the schema against the dialect itself, its references and its patterns; nothing is fetched.
fn compile(schema: &Value) -> Result<(), SchemaError> {
    let wrong = |error: &dyn std::fmt::Display| SchemaError::NotASchema(error.to_string().chars().take(300).collect());
    jsonschema::draft202012::meta::validate(schema).map_err(|error| wrong(&error))?;
    // Patterns are those that are matched in linear time: no schema keeps us busy.
    let options = jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex());
    options.build(schema).map(drop).map_err(|error| wrong(&error))
}

/// The levels of a value; a number or text has none.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Looks everywhere, also where the word might be the name of a parameter: what only looks like a reference is rare.
fn own_dialect(value: &Value) -> Result<(), SchemaError> {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("$schema", Value::String(dialect)) if dialect.trim_end_matches('#') != DIALECT => {
                        return Err(SchemaError::OtherDialect);
                    }
                    ("$ref", Value::String(target)) if !target.starts_with('#') => {
                        return Err(SchemaError::Remote("$ref"));
                    }
                    ("$dynamicRef", Value::String(target)) if !target.starts_with('#') => {
                        return Err(SchemaError::Remote("$dynamicRef"));
                    }
                    // What is refered to would be sought under another name.
                    ("$id", Value::String(_)) => return Err(SchemaError::Remote("$id")),
                    _ => own_dialect(value)?,
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(own_dialect),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> &'static str {
        ParameterSchema::parse(text).map_or_else(|error| error.reason(), |_| "")
    }

    #[test]
    fn a_schema_of_the_dialect_is_taken_as_it_was_written() {
        for text in [
            "true",
            "{}",
            r#"{ "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object" }"#,
            r##"{"$defs": {"rate": {"type": "number", "maximum": 1}}, "properties": {"r": {"$ref": "#/$defs/rate"}}}"##,
            r#"{"properties": {"epochs": {"type": "integer", "minimum": 1}}, "additionalProperties": false}"#,
        ] {
            assert_eq!(ParameterSchema::parse(text).map(|schema| schema.as_str().to_owned()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_schema_of_the_dialect_is_refused_with_its_reason() {
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        let long = format!("{{\"description\": \"{}\"}}", "x".repeat(MAX_OCTETS));
        for (text, expected) in [
            ("", "REQUIRED"),
            (long.as_str(), "TOO_LONG"),
            (&format!("{{\"enum\": {deep}}}"), "TOO_DEEP"),
            (&"[".repeat(30_000), "JSON_MALFORMED"),
            ("{", "JSON_MALFORMED"),
            ("7", "SCHEMA_MALFORMED"),
            (r#"{"type": "integr"}"#, "SCHEMA_MALFORMED"),
            (r#"{"minimum": "1"}"#, "SCHEMA_MALFORMED"),
            (r#"{"pattern": "("}"#, "SCHEMA_MALFORMED"),
            (r##"{"$ref": "#/$defs/none"}"##, "SCHEMA_MALFORMED"),
            (r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#, "SCHEMA_DIALECT"),
            (r#"{"items": {"$ref": "https://example.org/schema"}}"#, "SCHEMA_REMOTE"),
            (r#"{"$dynamicRef": "file:///etc/passwd"}"#, "SCHEMA_REMOTE"),
            (r#"{"$id": "https://example.org/schema"}"#, "SCHEMA_REMOTE"),
        ] {
            let shown: String = text.chars().take(60).collect();
            assert_eq!(reason(text), expected, "{shown}");
        }
    }

    #[test]
    fn patterns_that_take_exponential_time_are_refused() {
        assert_eq!(reason(r#"{"pattern": "^(a+)+\\1$"}"#), "SCHEMA_MALFORMED");
    }

    #[test]
    fn references_that_take_exponential_time_or_lead_in_a_circle_are_refused() {
        let next = |number: usize| format!(r##"{{"$ref": "#/$defs/a{}"}}"##, number + 1);
        let link = |number: usize| format!(r#""a{number}": {{"allOf": [{0}, {0}]}}"#, next(number));
        let chain = |length: usize| {
            let links: Vec<String> = (0..length).map(link).collect();
            format!(r##"{{"$ref": "#/$defs/a0", "$defs": {{{}, "a{length}": {{}}}}}}"##, links.join(", "))
        };
        assert_eq!(reason(&chain(7)), "", "255 visits");
        for length in [9, 50] {
            assert_eq!(reason(&chain(length)), "SCHEMA_REFERENCES", "{length}");
        }
        for circle in [
            r##"{"$ref": "#"}"##,
            r##"{"properties": {"x": {"$ref": "#"}}}"##,
            r##"{"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": {"$ref": "#/$defs/a"}}}}}"##,
            r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}}"##,
        ] {
            assert_eq!(reason(circle), "SCHEMA_REFERENCES", "{circle}");
        }
    }
}
