//! Sections of settings, made from comments, names, types and defaults.

use std::collections::BTreeSet;

use figment::value::{Dict, Value};
use figment::{Figment, Source};

use super::setting::{Setting, Shown};

/// A part of the configuration.
pub(super) trait Section: Sized {
    /// Reads the section; problems go to the reader, and the default takes the place of what is wrong.
    fn read(reader: &mut Reader<'_>) -> Self;

    /// Shows the settings, then the sections inside.
    fn show(&self, viewer: &mut dyn Viewer);
}

/// Is shown a section.
pub(super) trait Viewer {
    /// Is shown a setting with its comment.
    fn setting(&mut self, key: &str, comment: &[&str], value: Shown);

    /// Is shown a section with its comment; `inside` shows what is in it.
    fn section(&mut self, key: &str, comment: &[&str], inside: &dyn Fn(&mut dyn Viewer));
}

/// Defines a section: settings first, each with its default, then sections inside it.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident {
            $( $(#[doc = $doc:literal])* $field:ident: $type:ty = $default:expr, )*
        }
        $( sections { $( $(#[doc = $inner_doc:literal])* $inner:ident: $inner_type:ty, )* } )?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
            $($( $(#[doc = $inner_doc])* pub $inner: $inner_type, )*)?
        }

        impl $crate::config::section::Section for $name {
            fn read(reader: &mut $crate::config::section::Reader<'_>) -> Self {
                Self {
                    $( $field: reader.setting(stringify!($field), || $default), )*
                    $($( $inner: reader.section(stringify!($inner)), )*)?
                }
            }

            fn show(&self, viewer: &mut dyn $crate::config::section::Viewer) {
                $( viewer.setting(stringify!($field), &[$($doc),*], $crate::config::setting::Setting::show(&self.$field)); )*
                $($(
                    viewer.section(stringify!($inner), &[$($inner_doc),*], &|viewer| {
                        $crate::config::section::Section::show(&self.$inner, viewer);
                    });
                )*)?
                // A section of sections has no setting to show.
                let _ = viewer;
            }
        }
    };
}
pub(super) use section;

/// Reads one section and notes which of its keys are known.
pub(super) struct Reader<'a> {
    figment: &'a Figment,
    dict: &'a Dict,
    path: String,
    known: BTreeSet<&'static str>,
    problems: &'a mut Vec<String>,
}

/// Stands for a section that was not given.
static NOTHING: Dict = Dict::new();

impl<'a> Reader<'a> {
    /// Starts at the top of the configuration.
    pub(super) fn new(figment: &'a Figment, dict: &'a Dict, problems: &'a mut Vec<String>) -> Self {
        Self { figment, dict, path: String::new(), known: BTreeSet::new(), problems }
    }

    /// Reads a setting.
    pub(super) fn setting<T: Setting>(&mut self, key: &'static str, default: impl FnOnce() -> T) -> T {
        T::read(self, key).unwrap_or_else(default)
    }

    /// Reads a section inside this one.
    pub(super) fn section<S: Section>(&mut self, key: &'static str) -> S {
        let path = self.path_of(key);
        let dict = match self.value(key) {
            None => &NOTHING,
            Some(Value::Dict(_, dict)) => dict,
            Some(other) => {
                self.problem(key, other, "must be a section of settings");
                &NOTHING
            }
        };
        let mut inner = Reader { figment: self.figment, dict, path, known: BTreeSet::new(), problems: self.problems };
        let section = S::read(&mut inner);
        inner.report_unknown();
        section
    }

    /// Returns the value of a key, which is known from now on.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.insert(key);
        self.dict.get(key)
    }

    /// Notes what is wrong with a value.
    pub(super) fn problem(&mut self, key: &str, value: &Value, text: &str) {
        let problem = format!("{}{}: {text}", self.path_of(key), self.origin(value));
        self.problems.push(problem);
    }

    /// Tells whether the value came from the environment.
    pub(super) fn is_from_environment(&self, value: &Value) -> bool {
        self.figment.get_metadata(value.tag()).is_some_and(|metadata| metadata.name == super::source::ENVIRONMENT)
    }

    /// Reports the keys that nobody asked for, with the name that was probably meant.
    pub(super) fn report_unknown(&mut self) {
        for (key, value) in self.dict {
            if self.known.contains(key.as_str()) {
                continue;
            }
            let meant = self.known.iter().map(|known| (distance(known, key), known)).min();
            let hint = match meant {
                Some((distance, known)) if distance <= 2 => format!("; did you mean `{known}`?"),
                _ => String::new(),
            };
            let text = format!("{}{}: there is no such setting{hint}", self.path_of(key), self.origin(value));
            self.problems.push(text);
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn origin(&self, value: &Value) -> String {
        // The parts of a table that came from several places have no place of their own.
        let first = value.as_dict().and_then(|dict| dict.values().next());
        let tag = first.unwrap_or(value).tag();
        self.figment.get_metadata(tag).map_or_else(String::new, |metadata| match &metadata.source {
            Some(Source::File(file)) => format!(" (in {})", file.display()),
            _ => format!(" ({})", metadata.name),
        })
    }
}

/// How many single-character edits turn one text into the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row = (0..=right.chars().count()).collect::<Vec<_>>();
    for (line, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, b) in right.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn the_distance_counts_edits() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("listen", "lisen"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
