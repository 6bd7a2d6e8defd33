//! Field masks: which fields of a resource a request changes (AIP-134).

use std::collections::BTreeSet;

use prost_types::FieldMask;

use crate::status::Violations;

/// What a request may do with a field of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Change it.
    Changeable {
        /// Whether the resource of the request holds a value.
        populated: bool,
    },
    /// Hold its current value, as a resource does that was read and is given back; nothing else.
    Elsewhere {
        /// Whether the resource of the request holds a value.
        populated: bool,
        /// Which method changes it.
        method: &'static str,
    },
    /// Nothing: only the server sets it.
    OutputOnly,
}

/// The fields that a request changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what is not looked at changes nothing"]
pub struct Mask {
    paths: BTreeSet<&'static str>,
    /// Whether the request names no field and so means all that hold a value.
    pub implied: bool,
}

impl Mask {
    /// Reads which of the fields of a resource are meant; without a mask all that hold a value.
    ///
    /// A field of a message that the resource holds is `message.field`; the name of the message alone means all of
    /// its fields.
    pub fn read(violations: &mut Violations, mask: Option<&FieldMask>, resource: &[(&'static str, Field)]) -> Self {
        let named = mask.map(|mask| mask.paths.as_slice()).filter(|paths| !paths.is_empty());
        let paths = match named {
            Some(paths) => self::named(violations, paths, resource),
            None => resource.iter().filter(|(_, field)| field.is_populated()).map(|(path, _)| *path).collect(),
        };
        if named.is_none() && paths.is_empty() {
            violations.push("update_mask", "REQUIRED", "must name a field, or a field must hold a value");
        }
        Self { paths, implied: named.is_none() }
    }

    /// Whether the request changes this field.
    pub fn contains(&self, path: &str) -> bool {
        self.paths.contains(path)
    }
}

fn named(violations: &mut Violations, named: &[String], resource: &[(&'static str, Field)]) -> BTreeSet<&'static str> {
    let mut paths = BTreeSet::new();
    // Whoever names more than there are repeats one; the first violations are enough.
    for (index, path) in named.iter().enumerate().take(resource.len() + 1) {
        let place = format!("update_mask.paths[{index}]");
        let meant: Vec<_> = resource.iter().filter(|(known, _)| known == path || is_within(known, path)).collect();
        for (path, field) in &meant {
            match field {
                Field::Changeable { .. } if paths.insert(*path) => {}
                Field::Changeable { .. } => {
                    violations.push(&place, "DUPLICATE", format!("names `{path}` once more"));
                }
                Field::Elsewhere { method, .. } => {
                    violations.push(&place, "CHANGED_ELSEWHERE", format!("must not name `{path}`: use {method}"));
                }
                Field::OutputOnly => {
                    let what = format!("must not name `{path}`: only the server sets it");
                    violations.push(&place, "OUTPUT_ONLY", what);
                }
            }
        }
        if meant.is_empty() {
            let (known, path) = (changeable(resource), shown(path));
            violations.push(&place, "UNKNOWN", format!("must be one of {known}; `{path}` is none of them"));
        }
    }
    paths
}

/// Whether a field belongs to the message of that name.
fn is_within(field: &str, message: &str) -> bool {
    field.strip_prefix(message).is_some_and(|rest| rest.starts_with('.'))
}

impl Field {
    const fn is_populated(self) -> bool {
        match self {
            Self::Changeable { populated } | Self::Elsewhere { populated, .. } => populated,
            Self::OutputOnly => false,
        }
    }
}

fn changeable(resource: &[(&'static str, Field)]) -> String {
    let is_changeable = |field: &Field| matches!(field, Field::Changeable { .. });
    let names = resource.iter().filter(|(_, field)| is_changeable(field)).map(|(path, _)| *path);
    names.collect::<Vec<_>>().join(", ")
}

/// As much of a stranger's text as an error repeats.
fn shown(path: &str) -> String {
    path.chars().filter(|c| c.is_ascii_graphic() && *c != '`').take(50).collect()
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::status::domain;

    const SET: Field = Field::Changeable { populated: true };
    const UNSET: Field = Field::Changeable { populated: false };
    const ELSEWHERE: Field = Field::Elsewhere { populated: true, method: "Move" };

    const RESOURCE: [(&str, Field); 6] = [
        ("name", SET),
        ("website", UNSET),
        ("email", ELSEWHERE),
        ("etag", Field::OutputOnly),
        ("limits.low", UNSET),
        ("limits.high", UNSET),
    ];

    fn read(paths: Option<&[&str]>) -> (Mask, Vec<(String, String)>) {
        let mask = paths.map(|paths| FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() });
        let mut violations = Violations::default();
        let mask = Mask::read(&mut violations, mask.as_ref(), &RESOURCE);
        let status = violations.into_status(domain::IDENTITY, "REQUEST_INVALID");
        let told = status.get_details_bad_request();
        let told = told.map(|told| told.field_violations).unwrap_or_default();
        (mask, told.into_iter().map(|violation| (violation.field, violation.reason)).collect())
    }

    #[test]
    fn named_fields_are_meant_whether_or_not_they_hold_a_value() {
        let (mask, told) = read(Some(&["website"]));
        assert!(told.is_empty() && mask.contains("website") && !mask.contains("name") && !mask.implied);
    }

    #[test]
    fn a_message_means_all_its_fields() {
        let (mask, told) = read(Some(&["limits"]));
        assert!(told.is_empty() && mask.contains("limits.low") && mask.contains("limits.high"));
        let (mask, told) = read(Some(&["limits.high"]));
        assert!(told.is_empty() && !mask.contains("limits.low") && mask.contains("limits.high"));
        let (_, told) = read(Some(&["limits", "limits.low", "limit"]));
        let told: Vec<&str> = told.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(told, ["DUPLICATE", "UNKNOWN"]);
    }

    #[test]
    fn without_a_mask_all_that_hold_a_value_are_meant() {
        for absent in [None, Some(&[][..])] {
            let (mask, told) = read(absent);
            assert!(told.is_empty() && mask.implied);
            assert!(mask.contains("name") && mask.contains("email") && !mask.contains("website"));
        }
    }

    #[test]
    fn each_path_that_cannot_be_meant_is_told_with_its_place() {
        let (mask, told) = read(Some(&["name", "etag", "email", "name"]));
        let expected = [("[1]", "OUTPUT_ONLY"), ("[2]", "CHANGED_ELSEWHERE"), ("[3]", "DUPLICATE")];
        let expected = expected.map(|(place, why)| (format!("update_mask.paths{place}"), why.to_owned()));
        assert_eq!(told, expected);
        assert!(mask.contains("name"));
        for unknown in ["*", "user.name", "Name", "name.first", ""] {
            let (mask, told) = read(Some(&[unknown]));
            assert_eq!(told, [("update_mask.paths[0]".to_owned(), "UNKNOWN".to_owned())], "{unknown}");
            assert!(!mask.contains(unknown));
        }
    }

    #[test]
    fn a_mask_that_means_nothing_is_refused() {
        let mut violations = Violations::default();
        let _mask = Mask::read(&mut violations, None, &[("website", UNSET), ("etag", Field::OutputOnly)]);
        assert!(!violations.is_empty());
    }

    #[test]
    fn a_long_mask_is_not_told_line_by_line() {
        let (_, told) = read(Some(&["x"; 1_000]));
        assert_eq!(told.len(), RESOURCE.len() + 1);
        assert_eq!(shown(&"\u{202e}a`b".repeat(100)).len(), 50);
    }
}
