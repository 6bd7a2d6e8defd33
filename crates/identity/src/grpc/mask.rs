//! Field masks: which fields of a resource a request changes (AIP-134).

use std::collections::BTreeSet;

use prost_types::FieldMask;

use super::convert::Fields;

/// What a request may do with a field of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
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
pub(super) struct Mask {
    paths: BTreeSet<&'static str>,
    /// Whether the request names no field and so means all that hold a value.
    pub(super) implied: bool,
}

impl Mask {
    /// Whether the request changes this field.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.paths.contains(path)
    }
}

impl Fields {
    /// Reads which of the fields of a resource are meant; without a mask all that hold a value.
    pub(super) fn mask(&mut self, mask: Option<&FieldMask>, resource: &[(&'static str, Field)]) -> Mask {
        let named = mask.map(|mask| mask.paths.as_slice()).filter(|paths| !paths.is_empty());
        let paths = match named {
            Some(named) => self.named(named, resource),
            None => resource.iter().filter(|(_, field)| field.is_populated()).map(|(path, _)| *path).collect(),
        };
        if named.is_none() && paths.is_empty() {
            self.violate("update_mask", "REQUIRED", "must name a field, or a field must hold a value");
        }
        Mask { paths, implied: named.is_none() }
    }

    fn named(&mut self, named: &[String], resource: &[(&'static str, Field)]) -> BTreeSet<&'static str> {
        let mut paths = BTreeSet::new();
        // Whoever names more than there are repeats one; the first violations are enough.
        for (index, path) in named.iter().enumerate().take(resource.len() + 1) {
            let field = format!("update_mask.paths[{index}]");
            match resource.iter().find(|(known, _)| known == path) {
                Some((path, Field::Changeable { .. })) if paths.insert(*path) => {}
                Some((path, Field::Changeable { .. })) => {
                    self.violate(&field, "DUPLICATE", &format!("names `{path}` once more"));
                }
                Some((path, Field::Elsewhere { method, .. })) => {
                    self.violate(&field, "CHANGED_ELSEWHERE", &format!("must not name `{path}`: use {method}"));
                }
                Some((path, Field::OutputOnly)) => {
                    self.violate(&field, "OUTPUT_ONLY", &format!("must not name `{path}`: only the server sets it"));
                }
                None => {
                    let known = changeable(resource);
                    let path = shown(path);
                    self.violate(&field, "UNKNOWN", &format!("must be one of {known}; `{path}` is none of them"));
                }
            }
        }
        paths
    }
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

    const SET: Field = Field::Changeable { populated: true };
    const UNSET: Field = Field::Changeable { populated: false };
    const ELSEWHERE: Field = Field::Elsewhere { populated: true, method: "Move" };

    const RESOURCE: [(&str, Field); 4] =
        [("name", SET), ("website", UNSET), ("email", ELSEWHERE), ("etag", Field::OutputOnly)];

    fn read(paths: Option<&[&str]>) -> (Mask, Vec<(String, String)>) {
        let mask = paths.map(|paths| FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() });
        let mut fields = Fields::default();
        let mask = fields.mask(mask.as_ref(), &RESOURCE);
        let status = fields.finish(Some(())).err();
        let told = status.and_then(|status| status.get_details_bad_request());
        let told = told.map(|told| told.field_violations).unwrap_or_default();
        (mask, told.into_iter().map(|violation| (violation.field, violation.reason)).collect())
    }

    #[test]
    fn named_fields_are_meant_whether_or_not_they_hold_a_value() {
        let (mask, told) = read(Some(&["website"]));
        assert!(told.is_empty() && mask.contains("website") && !mask.contains("name") && !mask.implied);
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
        let mut fields = Fields::default();
        fields.mask(None, &[("website", UNSET), ("etag", Field::OutputOnly)]);
        assert!(fields.finish(Some(())).is_err());
    }

    #[test]
    fn a_long_mask_is_not_told_line_by_line() {
        let (_, told) = read(Some(&["x"; 1_000]));
        assert_eq!(told.len(), RESOURCE.len() + 1);
        assert_eq!(shown(&"\u{202e}a`b".repeat(100)).len(), 50);
    }
}
