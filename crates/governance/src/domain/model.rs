//! Models and their versions.

use rolecall_kernel::id::{ModelId, OrganizationId};
use rolecall_kernel::text::{Description, ResourceName};
use rolecall_kernel::time::Timestamp;

use super::schema::ParameterSchema;

/// The most versions of a model.
pub(crate) const MAX_VERSIONS: usize = 50;

/// The text is no name of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 50 letters, digits, dots, underscores, hyphens and plus signs, a letter or digit first")]
pub(crate) struct ParseVersionNameError;

/// The name of a version, such as `1.2.0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct VersionName(String);

impl VersionName {
    /// Parses a name.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseVersionNameError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && text.len() <= 50 && text.bytes().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseVersionNameError)
        }
    }

    /// Returns the name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A version as somebody wants it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) name: VersionName,
    pub(crate) parameter_schema: ParameterSchema,
    /// Never fetched.
    pub(crate) artifact_uri: String,
    pub(crate) artifact_digest: String,
}

/// A version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelVersion {
    pub(crate) draft: Draft,
    pub(crate) created: Timestamp,
    /// Since when it can be used and never changes again.
    pub(crate) published: Option<Timestamp>,
}

/// A model of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct Model {
    pub(crate) model_id: ModelId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: ResourceName,
    pub(crate) description: Option<Description>,
    /// In order of their creation.
    pub(crate) versions: Vec<ModelVersion>,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Why a version stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VersionError {
    /// The model has none of that name.
    #[error("no such version")]
    NotFound,
    /// What is published never changes.
    #[error("the version is published")]
    Published,
    /// A model has no more.
    #[error("the model has {MAX_VERSIONS} versions")]
    Exhausted,
}

impl Model {
    /// Returns the version of the row as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// Notes a change.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated = now;
    }

    fn find(&mut self, name: &VersionName) -> Option<&mut ModelVersion> {
        self.versions.iter_mut().find(|version| version.draft.name == *name)
    }

    /// Adds a draft, or replaces the draft of its name; tells whether that changed anything.
    pub(crate) fn put(&mut self, draft: &Draft, now: Timestamp) -> Result<bool, VersionError> {
        let count = self.versions.len();
        match self.find(&draft.name) {
            // To ask for what is there already is no change, published or not.
            Some(version) if version.draft == *draft => return Ok(false),
            Some(version) if version.published.is_some() => return Err(VersionError::Published),
            Some(version) => version.draft = draft.clone(),
            None if count >= MAX_VERSIONS => return Err(VersionError::Exhausted),
            None => self.versions.push(ModelVersion { draft: draft.clone(), created: now, published: None }),
        }
        self.touch(now);
        Ok(true)
    }

    /// Publishes a version and returns it; none when it was published already.
    pub(crate) fn publish(&mut self, name: &VersionName, now: Timestamp) -> Result<Option<&Draft>, VersionError> {
        let version = self.find(name).ok_or(VersionError::NotFound)?;
        if version.published.is_some() {
            return Ok(None);
        }
        version.published = Some(now);
        self.touch(now);
        Ok(self.find(name).map(|version| &version.draft))
    }

    /// Removes a draft.
    pub(crate) fn remove(&mut self, name: &VersionName, now: Timestamp) -> Result<(), VersionError> {
        let version = self.find(name).ok_or(VersionError::NotFound)?;
        if version.published.is_some() {
            return Err(VersionError::Published);
        }
        self.versions.retain(|version| version.draft.name != *name);
        self.touch(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn model() -> Model {
        Model {
            model_id: ModelId::new(NOW, &SystemEntropy),
            organization_id: OrganizationId::new(NOW, &SystemEntropy),
            name: ResourceName::parse("Regression").expect("a name"),
            description: None,
            versions: Vec::new(),
            version: 1,
            created: NOW,
            updated: NOW,
        }
    }

    fn draft(name: &str, schema: &str) -> Draft {
        Draft {
            name: VersionName::parse(name).expect("a name"),
            parameter_schema: ParameterSchema::parse(schema).expect("a schema"),
            artifact_uri: String::new(),
            artifact_digest: String::new(),
        }
    }

    #[test]
    fn a_published_version_never_changes() {
        let (mut model, first) = (model(), draft("1.0", "{}"));
        assert_eq!(model.put(&first, NOW), Ok(true));
        assert_eq!(model.put(&draft("1.0", "true"), NOW), Ok(true));
        assert_eq!(model.put(&first, NOW), Ok(true));
        assert!(model.publish(&first.name, NOW).is_ok_and(|published| published.is_some()));
        let before = model.clone();
        assert_eq!(model.put(&draft("1.0", "true"), NOW), Err(VersionError::Published));
        assert_eq!(model.remove(&first.name, NOW), Err(VersionError::Published));
        assert_eq!(model.put(&first, NOW), Ok(false));
        assert_eq!(model.publish(&first.name, NOW), Ok(None));
        assert_eq!(model, before);
    }

    #[test]
    fn drafts_come_and_go_up_to_the_limit() {
        let mut model = model();
        for index in 0..MAX_VERSIONS {
            assert_eq!(model.put(&draft(&index.to_string(), "{}"), NOW), Ok(true));
        }
        assert_eq!(model.put(&draft("more", "{}"), NOW), Err(VersionError::Exhausted));
        let gone = VersionName::parse("0").expect("a name");
        assert_eq!((model.remove(&gone, NOW), model.remove(&gone, NOW)), (Ok(()), Err(VersionError::NotFound)));
        assert_eq!(model.publish(&gone, NOW), Err(VersionError::NotFound));
        assert_eq!(model.put(&draft("more", "{}"), NOW), Ok(true));
        assert_eq!(model.etag(), "v53");
    }

    #[test]
    fn names_of_versions_are_plain() {
        for good in ["1", "1.2.0", "v1.2-rc.1+build_7"] {
            assert!(VersionName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".1", "1 2", "1/2", "\u{e9}", &"1".repeat(51)] {
            assert!(VersionName::parse(bad).is_err(), "{bad}");
        }
    }
}
