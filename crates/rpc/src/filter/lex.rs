//! The words and signs of a filter.

use super::FilterError;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `:`
    Has,
}

impl Operator {
    /// Returns the sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Has => ":",
        }
    }
}

/// Where a text holds `*`, which stands for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Star {
    /// Nowhere.
    None,
    /// At its end, which is taken off.
    Last,
    /// Somewhere else.
    Within,
}

/// A name or a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Without quotes and escapes.
    pub value: String,
    /// Whether it stood in quotes.
    pub(super) quoted: bool,
    /// Whether it holds `*`.
    pub star: Star,
}

/// What a filter is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Close,
    And,
    Or,
    Not,
    Operator(Operator),
    Text(Text),
    End,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its first character, counted from 1.
    pub(super) position: usize,
    /// Whether it follows the one before without a space.
    pub(super) joined: bool,
}

/// Splits a filter; the last token is always the end.
pub(super) fn lex(filter: &str) -> Result<Vec<Token>, FilterError> {
    let mut lexer = Lexer { characters: filter.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    loop {
        let before = lexer.at;
        while lexer.peek().is_some_and(char::is_whitespace) {
            lexer.at += 1;
        }
        let (position, joined) = (lexer.at + 1, lexer.at == before);
        let kind = lexer.next()?;
        let is_end = kind == Kind::End;
        tokens.push(Token { kind, position, joined });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer {
    characters: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let taken = self.peek();
        self.at += usize::from(taken.is_some());
        taken
    }

    fn takes(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Result<Kind, FilterError> {
        let position = self.at + 1;
        let Some(first) = self.peek() else { return Ok(Kind::End) };
        if !is_sign(first) {
            return self.word();
        }
        self.at += 1;
        Ok(match first {
            '(' => Kind::Open,
            ')' => Kind::Close,
            ':' => Kind::Operator(Operator::Has),
            '=' => Kind::Operator(Operator::Equal),
            '<' if self.takes('=') => Kind::Operator(Operator::AtMost),
            '<' => Kind::Operator(Operator::Less),
            '>' if self.takes('=') => Kind::Operator(Operator::AtLeast),
            '>' => Kind::Operator(Operator::Greater),
            '!' if self.takes('=') => Kind::Operator(Operator::NotEqual),
            '"' | '\'' => self.quoted(first, position)?,
            _ => return Err(FilterError::Syntax { position, problem: "this sign has no meaning here; quote it" }),
        })
    }

    fn word(&mut self) -> Result<Kind, FilterError> {
        let (start, mut text) = (self.at, Collected::default());
        while self.peek().is_some_and(|c| !is_sign(c) && !c.is_whitespace()) {
            self.character(&mut text)?;
        }
        let written: String = self.characters.get(start..self.at).unwrap_or_default().iter().collect();
        Ok(match written.as_str() {
            "AND" => Kind::And,
            "OR" => Kind::Or,
            "NOT" => Kind::Not,
            _ => Kind::Text(text.finish(false)),
        })
    }

    fn quoted(&mut self, quote: char, position: usize) -> Result<Kind, FilterError> {
        let mut text = Collected::default();
        loop {
            match self.peek() {
                None => return Err(FilterError::Syntax { position, problem: "this quote is not closed" }),
                Some(c) if c == quote => break,
                Some(_) => self.character(&mut text)?,
            }
        }
        self.at += 1;
        Ok(Kind::Text(text.finish(true)))
    }

    /// Takes one character of a text; a backslash takes the meaning of the next one.
    fn character(&mut self, text: &mut Collected) -> Result<(), FilterError> {
        let position = self.at + 1;
        match self.take() {
            Some('*') => text.star(),
            Some('\\') => match self.take() {
                Some(escaped) => text.push(escaped),
                None => return Err(FilterError::Syntax { position, problem: "nothing follows this backslash" }),
            },
            Some(plain) => text.push(plain),
            None => {}
        }
        Ok(())
    }
}

const fn is_sign(c: char) -> bool {
    matches!(c, '(' | ')' | '"' | '\'' | '=' | '<' | '>' | '!' | ':' | ',')
}

#[derive(Default)]
struct Collected {
    text: String,
    stars: usize,
    goes_on: bool,
}

impl Collected {
    fn push(&mut self, c: char) {
        self.goes_on |= self.stars > 0;
        self.text.push(c);
    }

    fn star(&mut self) {
        self.stars += 1;
    }

    fn finish(self, quoted: bool) -> Text {
        let star = match self.stars {
            0 => Star::None,
            1 if !self.goes_on => Star::Last,
            _ => Star::Within,
        };
        Text { value: self.text, quoted, star }
    }
}
