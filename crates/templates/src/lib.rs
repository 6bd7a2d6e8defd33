//! Texts that organizations write and send again and again: what may be in them, and what data makes of them.
//!
//! Whoever writes one speaks to people under our sender, and whoever sends with it gives the data. So the texts can show
//! and leave out, and do nothing else: their size bounds what they make, and no data becomes markup. Pure functions and
//! types; who may write and send, and where texts are kept, is the business of the notification context.
//!
//! | Module | Holds |
//! |---|---|
//! | `content` | texts, their variables, and the data that fits them |
//! | `syntax` | the part of the template language that is possible |
//! | `html` | the tags and links that are possible |
//! | `render` | from a text and data to what a mail says |
//! | `locale` | languages |
//! | `clean` | what names may hold that others read under our sender |
//!
//! To allow one more tag: a line in `html::TAGS`, and in the comment of `TemplateService`.

pub mod html;
pub mod render;
pub mod syntax;

mod clean;
mod content;
mod locale;

pub use clean::clean;
pub use content::{Content, Data, Fault, Name, ParseNameError, SUBJECT_MAX, Text, VALUE_MAX, Variable};
pub use locale::{Locale, ParseLocaleError};

#[cfg(test)]
mod tests;
