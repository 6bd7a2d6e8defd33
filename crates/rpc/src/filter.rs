//! Filters of lists: a subset of AIP-160, as groups of comparisons.
//!
//! All groups must hold, and of each group one comparison. `OR` joins the comparisons of a group and
//! binds tighter than `AND`, as AIP-160 has it; a space is an `AND`. What no index could serve anyway
//! is refused here already: `NOT`, and an `OR` between whole groups.

mod lex;

use lex::{Kind, Token, lex};

pub use lex::{Operator, Star, Text};

/// The longest filter.
const MAX_CHARS: usize = 1_000;
/// The most comparisons of a filter, and the most words that are searched for.
pub const MAX_COMPARISONS: usize = 20;
/// The most parentheses within each other.
const MAX_DEPTH: usize = 10;

/// Why a filter is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It cannot be read.
    #[error("cannot be read at character {position}: {problem}")]
    Syntax {
        /// The character, counted from 1.
        position: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// A value is none of its field.
    #[error("has a wrong value at character {position}: {problem}")]
    Value {
        /// The character, counted from 1.
        position: usize,
        /// What it must be.
        problem: String,
    },
    /// More characters than are read.
    #[error("must have at most {MAX_CHARS} characters")]
    TooLong,
    /// More comparisons than are made.
    #[error("must have at most {MAX_COMPARISONS} comparisons and words")]
    TooMany,
    /// More parentheses than are followed.
    #[error("must have at most {MAX_DEPTH} parentheses within each other")]
    TooDeep,
    /// No index serves it.
    #[error("asks at character {position} for what no index serves: {what}")]
    NotIndexed {
        /// The character, counted from 1.
        position: usize,
        /// What is asked for.
        what: String,
    },
}

/// A field compared with a value, or a word that is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The field; none for a word.
    pub field: Option<String>,
    /// How they are compared; a word is had.
    pub operator: Operator,
    /// The value.
    pub value: Text,
    /// Its first character, counted from 1.
    pub position: usize,
}

/// Comparisons of which one must hold.
pub type Group = Vec<Comparison>;

/// Reads a filter; an empty one has no groups.
pub fn parse(filter: &str) -> Result<Vec<Group>, FilterError> {
    if filter.chars().count() > MAX_CHARS {
        return Err(FilterError::TooLong);
    }
    let mut parser = Parser { tokens: lex(filter)?.into_iter().peekable(), comparisons: 0 };
    if parser.peek() == &Kind::End {
        return Ok(Vec::new());
    }
    let groups = parser.all(0)?;
    match parser.take() {
        Token { kind: Kind::End, .. } => Ok(groups),
        token => Err(syntax(&token, "this parenthesis was not opened")),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    comparisons: usize,
}

fn syntax(token: &Token, problem: &'static str) -> FilterError {
    FilterError::Syntax { position: token.position, problem }
}

impl Parser {
    fn peek(&mut self) -> &Kind {
        self.tokens.peek().map_or(&Kind::End, |token| &token.kind)
    }

    fn take(&mut self) -> Token {
        // The end comes last, and nobody takes anything after it.
        self.tokens.next().unwrap_or(Token { kind: Kind::End, position: 0, joined: false })
    }

    /// Groups joined by `AND` or a space.
    fn all(&mut self, depth: usize) -> Result<Vec<Group>, FilterError> {
        let mut groups = self.any(depth)?;
        loop {
            match self.peek() {
                Kind::End | Kind::Close => return Ok(groups),
                Kind::And => drop(self.take()),
                Kind::Open | Kind::Or | Kind::Not | Kind::Operator(_) | Kind::Text(_) => {}
            }
            groups.extend(self.any(depth)?);
        }
    }

    /// One thing, or several joined by `OR`, which then are one group.
    fn any(&mut self, depth: usize) -> Result<Vec<Group>, FilterError> {
        let groups = self.one(depth)?;
        if self.peek() != &Kind::Or {
            return Ok(groups);
        }
        let mut group = single(groups)?;
        while self.peek() == &Kind::Or {
            self.take();
            group.extend(single(self.one(depth)?)?);
        }
        Ok(vec![group])
    }

    fn one(&mut self, depth: usize) -> Result<Vec<Group>, FilterError> {
        let token = self.take();
        match token.kind {
            Kind::Open if depth == MAX_DEPTH => Err(FilterError::TooDeep),
            Kind::Open => {
                let groups = self.all(depth + 1)?;
                let close = self.take();
                if close.kind == Kind::Close {
                    Ok(groups)
                } else {
                    Err(syntax(&token, "this parenthesis is not closed"))
                }
            }
            Kind::Not => Err(FilterError::NotIndexed { position: token.position, what: "NOT".to_owned() }),
            Kind::Text(text) => Ok(vec![vec![self.comparison(text, token.position)?]]),
            Kind::Close | Kind::And | Kind::Or | Kind::Operator(_) | Kind::End => {
                Err(syntax(&token, "a comparison or a word is expected"))
            }
        }
    }

    fn comparison(&mut self, text: Text, position: usize) -> Result<Comparison, FilterError> {
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(FilterError::TooMany);
        }
        if !text.quoted && text.value.starts_with('-') {
            return Err(FilterError::NotIndexed { position, what: "NOT".to_owned() });
        }
        let Kind::Operator(operator) = *self.peek() else {
            return self.word(text, position);
        };
        if text.quoted {
            return Err(FilterError::Syntax { position, problem: "a field stands without quotes" });
        }
        self.take();
        let token = self.take();
        if let Kind::Text(value) = token.kind {
            return Ok(Comparison { field: Some(text.value), operator, value, position });
        }
        Err(syntax(&token, "a value is expected; quote it"))
    }

    fn word(&mut self, value: Text, position: usize) -> Result<Comparison, FilterError> {
        let calls = |token: &Token| token.kind == Kind::Open && token.joined;
        if !value.quoted && self.tokens.peek().is_some_and(calls) {
            return Err(FilterError::NotIndexed { position, what: "functions".to_owned() });
        }
        Ok(Comparison { field: None, operator: Operator::Has, value, position })
    }
}

/// What `OR` joins is one group, or it would not be one.
fn single(mut groups: Vec<Group>) -> Result<Group, FilterError> {
    let position = groups.first().and_then(|group| group.first()).map_or(1, |first| first.position);
    match (groups.pop(), groups.is_empty()) {
        (Some(group), true) => Ok(group),
        _ => Err(FilterError::NotIndexed { position, what: "AND within OR".to_owned() }),
    }
}

#[cfg(test)]
mod tests;
