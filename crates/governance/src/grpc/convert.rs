//! Messages as commands: every field is checked, and all violations are answered at once.

pub(super) mod asset_policies;
pub(super) mod compute_specs;
pub(super) mod datasets;
pub(super) mod models;

use rolecall_kernel::text::{Description, is_forbidden};
use rolecall_organization::ground::{Fields as _, Noted, invalid};
use rolecall_rpc::status::Violations;
use tonic::Status;

/// The longest reference to something that is kept elsewhere.
const MAX_URI: usize = 1_000;

/// Reads a description; an empty one is none.
fn description(violations: &mut Violations, field: &str, text: &str) -> Result<Option<Description>, Noted> {
    if text.is_empty() {
        return Ok(None);
    }
    violations.text(field, text, Description::parse).map(Some).ok_or(Noted)
}

/// Reads where something is kept, which we never look at: an absolute URI, or nothing.
fn reference(violations: &mut Violations, field: &str, text: &str) -> Option<String> {
    if text.chars().count() > MAX_URI {
        violations.push(field, "TOO_LONG", format!("must have at most {MAX_URI} characters"));
        return None;
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_plain = !text.chars().any(|c| is_forbidden(c) || c.is_whitespace());
    if text.is_empty() || (is_scheme && is_plain) {
        return Some(text.to_owned());
    }
    violations.push(field, "URI_MALFORMED", "must be a URI with a scheme, such as s3://bucket/name, without spaces");
    None
}

/// Reads an etag that a change is based on.
fn etag(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|etag| !etag.is_empty())
}

/// Returns what was read, or the refusal with all that is wrong.
fn finish<T>(violations: Violations, read: Option<T>) -> Result<T, Status> {
    match read {
        Some(read) if violations.is_empty() => Ok(read),
        Some(_) | None => Err(invalid(violations)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_uris_that_nobody_looks_at() {
        let good = ["", "s3://bucket/key", "urn:uuid:1", "https://example.org/a?b#c"];
        let bad =
            ["bucket/key", "1s3://x", "s3://a b", "s3://a\u{202e}b", "://x", &format!("s3:{}", "x".repeat(1_000))];
        for (texts, expected) in [(&good[..], true), (&bad[..], false)] {
            for text in texts {
                let mut violations = Violations::default();
                let read = reference(&mut violations, "uri", text);
                assert_eq!((read.is_some(), violations.is_empty()), (expected, expected), "{text}");
            }
        }
    }
}
