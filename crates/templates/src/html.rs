//! The HTML that organizations may send: formatting and links, and nothing that runs, loads, asks or hides.

/// Tags without an end.
const VOID: [&str; 2] = ["br", "hr"];

/// Tags with an end.
const TAGS: [&str; 21] = [
    "a",
    "b",
    "blockquote",
    "code",
    "em",
    "h2",
    "h3",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Why HTML is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HtmlError {
    /// A tag that is none of them, or is spelled otherwise.
    #[error("holds <{0}, which is none of the tags that are possible")]
    Tag(String),
    /// A link to something else.
    #[error("has a link to something else than https:, http: or mailto:")]
    Link,
    /// Tags that are not closed in their order.
    #[error("has tags that are not closed in their order")]
    Unbalanced,
}

/// Checks a text before variables are in it: its parts may be left out, so only tags are looked at.
pub fn check_source(source: &str) -> Result<(), HtmlError> {
    each_tag(source, |tag| match tag {
        Tag::Begin { href: Some(href), .. } if !has_scheme(href) && !is_variable(href) => Err(HtmlError::Link),
        Tag::Begin { .. } | Tag::End(_) => Ok(()),
    })
}

/// Checks what a text has become: every tag is closed, and every link leads somewhere.
pub fn check(html: &str) -> Result<(), HtmlError> {
    let mut open: Vec<&str> = Vec::new();
    each_tag(html, |tag| {
        match tag {
            Tag::Begin { href: Some(href), .. } if !is_link(href) => return Err(HtmlError::Link),
            Tag::Begin { name, .. } if !VOID.contains(&name) => open.push(name),
            Tag::Begin { .. } => {}
            Tag::End(name) if open.pop() == Some(name) => {}
            Tag::End(_) => return Err(HtmlError::Unbalanced),
        }
        Ok(())
    })?;
    if open.is_empty() { Ok(()) } else { Err(HtmlError::Unbalanced) }
}

enum Tag<'a> {
    Begin { name: &'a str, href: Option<&'a str> },
    End(&'a str),
}

fn each_tag<'a>(html: &'a str, mut found: impl FnMut(Tag<'a>) -> Result<(), HtmlError>) -> Result<(), HtmlError> {
    let mut rest = html;
    while let Some((_, tail)) = rest.split_once('<') {
        let (inner, after) = tail.split_once('>').ok_or_else(|| refused(tail))?;
        found(tag(inner)?)?;
        rest = after;
    }
    Ok(())
}

/// Lower case only, and one spelling of each: what programs could read in two ways is none of it.
fn tag(inner: &str) -> Result<Tag<'_>, HtmlError> {
    if let Some(name) = inner.strip_prefix('/') {
        return if TAGS.contains(&name) { Ok(Tag::End(name)) } else { Err(refused(inner)) };
    }
    if TAGS.contains(&inner) || VOID.contains(&inner) {
        return Ok(Tag::Begin { name: inner, href: None });
    }
    let href = inner.strip_prefix("a href=\"").and_then(|rest| rest.strip_suffix('"'));
    let href = href.filter(|href| !href.contains(['"', '\'', '<', '`']) && !href.contains("{%"));
    href.map(|href| Tag::Begin { name: "a", href: Some(href) }).ok_or_else(|| refused(inner))
}

fn is_link(href: &str) -> bool {
    // The engine escapes slashes in what variables hold.
    let href = href.replace("&#x2f;", "/");
    has_scheme(&href) && !href.contains(char::is_whitespace)
}

fn has_scheme(href: &str) -> bool {
    let rest = ["https://", "http://", "mailto:"].iter().find_map(|scheme| href.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty())
}

/// A whole link in a variable is looked at once it is there.
fn is_variable(href: &str) -> bool {
    href.starts_with("{{")
}

fn refused(inner: &str) -> HtmlError {
    HtmlError::Tag(inner.chars().take(40).collect())
}
