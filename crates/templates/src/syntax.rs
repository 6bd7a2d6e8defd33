//! The part of the template language that organizations may use: it shows variables and leaves parts out.
//!
//! Everything else is refused before the engine sees it: loops, filters, functions, arithmetic, assignments and other
//! templates are how a short text takes much time or memory, or reads what it should not.

use std::collections::BTreeSet;

/// Words of the language, which name no variable.
pub(crate) const WORDS: [&str; 16] = [
    "if", "elif", "else", "endif", "for", "in", "is", "not", "and", "or", "true", "false", "none", "set", "self",
    "loop",
];

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// A tag is not closed.
    #[error("has a tag that is not closed")]
    Open,
    /// Something else than what is possible.
    #[error("may hold {{{{ name }}}}, if, elif, else and endif, with not, and, or, == and !=, and not `{0}`")]
    Refused(String),
    /// Conditions and their ends do not match.
    #[error("has an if without an endif, or the other way round")]
    Unbalanced,
    /// Conditions lie too deep in each other.
    #[error("has conditions within conditions more than 10 deep")]
    Deep,
}

/// How deep conditions may lie in each other.
const DEEPEST: usize = 10;

/// Reads a text, and returns the variables in it.
pub fn read(source: &str) -> Result<BTreeSet<String>, SyntaxError> {
    let (mut names, mut depth, mut rest) = (BTreeSet::new(), 0_usize, source);
    while let Some((_, tail)) = rest.split_once('{') {
        rest = match tail.chars().next() {
            Some('{') => {
                let (inner, after) = inside(tail, "}}")?;
                names.insert(variable(inner)?);
                after
            }
            Some('%') => {
                let (inner, after) = inside(tail, "%}")?;
                depth = tag(inner, depth, &mut names)?;
                after
            }
            Some('#') => return Err(SyntaxError::Refused("{#".to_owned())),
            _ => tail,
        };
    }
    if depth == 0 { Ok(names) } else { Err(SyntaxError::Unbalanced) }
}

/// What a tag holds, and what follows it. Nothing in it may look like a tag, so that nobody disagrees where it ends.
fn inside<'a>(tail: &'a str, end: &str) -> Result<(&'a str, &'a str), SyntaxError> {
    let (inner, after) = tail.get(1..).and_then(|tail| tail.split_once(end)).ok_or(SyntaxError::Open)?;
    match inner.chars().find(|c| matches!(c, '{' | '}' | '%' | '#' | '\\')) {
        Some(_) => Err(refused(inner)),
        None => Ok((inner.trim(), after)),
    }
}

fn variable(text: &str) -> Result<String, SyntaxError> {
    let is_name = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if is_name && begins && !WORDS.contains(&text) { Ok(text.to_owned()) } else { Err(refused(text)) }
}

/// Reads what is between `{%` and `%}`, and returns how deep the text is in conditions after it.
fn tag(inner: &str, depth: usize, names: &mut BTreeSet<String>) -> Result<usize, SyntaxError> {
    let (word, condition) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    match (word, condition.trim()) {
        ("if", condition) => {
            self::condition(condition, names)?;
            if depth == DEEPEST { Err(SyntaxError::Deep) } else { Ok(depth + 1) }
        }
        ("elif", condition) if depth > 0 => self::condition(condition, names).map(|()| depth),
        ("else", "") if depth > 0 => Ok(depth),
        ("endif", "") => depth.checked_sub(1).ok_or(SyntaxError::Unbalanced),
        ("elif" | "else", _) if depth == 0 => Err(SyntaxError::Unbalanced),
        _ => Err(refused(inner)),
    }
}

/// Reads `[not] term [== "value"] {and|or ...}`.
fn condition(text: &str, names: &mut BTreeSet<String>) -> Result<(), SyntaxError> {
    let mut rest = text;
    loop {
        while let Some(after) = rest.strip_prefix("not ") {
            rest = after.trim_start();
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        names.insert(variable(name).map_err(|_| refused(text))?);
        rest = after.trim_start();
        if let Some(after) = rest.strip_prefix("==").or_else(|| rest.strip_prefix("!=")) {
            let value = after.trim_start().strip_prefix('"').and_then(|value| value.split_once('"'));
            rest = value.ok_or_else(|| refused(text))?.1.trim_start();
        }
        if rest.is_empty() {
            return Ok(());
        }
        let next = rest.strip_prefix("and ").or_else(|| rest.strip_prefix("or "));
        rest = next.ok_or_else(|| refused(text))?.trim_start();
    }
}

fn refused(text: &str) -> SyntaxError {
    SyntaxError::Refused(text.trim().chars().take(40).collect())
}
