//! Errors as the contract states them: a code, one sentence, and `google.rpc` details.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::details::Details;

/// The `ErrorInfo.domain` of each part of the system.
pub mod domain {
    /// Errors of the identity context.
    pub const IDENTITY: &str = "identity.rolecall";
    /// Errors of the organization context.
    pub const ORGANIZATION: &str = "organization.rolecall";
    /// Errors of the notification context.
    pub const NOTIFICATION: &str = "notification.rolecall";
    /// Errors of the server stack and of calls between services, authentication and authorization included.
    pub const AUTHZ: &str = "authz.rolecall";
}

/// Reasons of the server stack; they are the values of `rolecall.authz.v1.ErrorReason` without their prefix.
pub mod reason {
    /// A metadata value of the call cannot be read.
    pub const METADATA_INVALID: &str = "METADATA_INVALID";
    /// The method exists, and another server serves it.
    pub const METHOD_NOT_SERVED: &str = "METHOD_NOT_SERVED";
    /// Nothing of that name is served here.
    pub const SERVICE_UNKNOWN: &str = "SERVICE_UNKNOWN";
    /// The request is larger than the method allows.
    pub const REQUEST_TOO_LARGE: &str = "REQUEST_TOO_LARGE";
    /// The request is not a valid message of the method.
    pub const REQUEST_MALFORMED: &str = "REQUEST_MALFORMED";
    /// The server has more calls at hand than it can finish.
    pub const OVERLOADED: &str = "OVERLOADED";
    /// The deadline of the call, or of the server, passed.
    pub const DEADLINE_EXCEEDED: &str = "DEADLINE_EXCEEDED";
    /// A defect of the server.
    pub const INTERNAL: &str = "INTERNAL";
    /// The server is going away.
    pub const SHUTTING_DOWN: &str = "SHUTTING_DOWN";
    /// An error of which nothing more is known than its code; a service should not make such.
    pub const UNSPECIFIED: &str = "UNSPECIFIED";
    /// The service that was called could not be reached.
    pub const UNREACHABLE: &str = "UNREACHABLE";
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Builds a [`Status`] that carries exactly one `ErrorInfo` and whatever else helps the caller.
///
/// ```
/// # use rolecall_rpc::status::{StatusBuilder, domain};
/// # use tonic::Code;
/// let status = StatusBuilder::new(Code::NotFound, domain::IDENTITY, "USER_NOT_FOUND", "No such user.")
///     .resource("rolecall.identity.v1.User", "01890a5d-ac96-774b-bcce-b302099a8057")
///     .build();
/// assert_eq!(status.code(), Code::NotFound);
/// ```
#[derive(Debug)]
#[must_use = "an error that is not built is not answered"]
pub struct StatusBuilder {
    code: Code,
    message: String,
    info: pb::ErrorInfo,
    violations: Vec<pb::bad_request::FieldViolation>,
    preconditions: Vec<pb::precondition_failure::Violation>,
    quotas: Vec<pb::quota_failure::Violation>,
    retry_after: Option<Duration>,
    resource: Option<pb::ResourceInfo>,
    source: Option<BoxError>,
}

impl StatusBuilder {
    /// Starts an error; `message` is one English sentence that says what to do.
    pub fn new(code: Code, domain: &'static str, reason: &str, message: impl Into<String>) -> Self {
        let info = pb::ErrorInfo { reason: reason.to_owned(), domain: domain.to_owned(), ..Default::default() };
        Self {
            code,
            message: message.into(),
            info,
            violations: Vec::new(),
            preconditions: Vec::new(),
            quotas: Vec::new(),
            retry_after: None,
            resource: None,
            source: None,
        }
    }

    /// Adds a value that the message mentions to `ErrorInfo.metadata`.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.info.metadata.insert(key.into(), value.into());
        self
    }

    /// Adds a `BadRequest` violation; `field` is the path of the field in the request.
    pub fn violation(mut self, field: impl Into<String>, reason: &str, description: impl Into<String>) -> Self {
        self.violations.push(field_violation(field.into(), reason, description.into()));
        self
    }

    /// Adds `RetryInfo`: the caller may repeat the call after this time.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Adds `ResourceInfo`: the type (its message name) and the name (its id) of what the error is about.
    pub fn resource(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        let (resource_type, resource_name) = (kind.into(), name.into());
        self.resource = Some(pb::ResourceInfo { resource_type, resource_name, ..Default::default() });
        self
    }

    /// Adds a `PreconditionFailure`: which kind of condition of which subject does not hold, and what to do.
    pub fn precondition(
        mut self,
        kind: impl Into<String>,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let (r#type, subject, description) = (kind.into(), subject.into(), description.into());
        self.preconditions.push(pb::precondition_failure::Violation { r#type, subject, description });
        self
    }

    /// Adds a `QuotaFailure`: whose limit was reached, and which.
    pub fn quota(mut self, subject: impl Into<String>, description: impl Into<String>) -> Self {
        let (subject, description) = (subject.into(), description.into());
        self.quotas.push(pb::quota_failure::Violation { subject, description, ..Default::default() });
        self
    }

    /// Attaches the cause, which is logged once at the boundary and never sent.
    pub fn source(mut self, error: impl Into<BoxError>) -> Self {
        self.source = Some(error.into());
        self
    }

    /// Makes the status.
    pub fn build(self) -> Status {
        let mut details = Details::of(&self.info);
        details.push(&pb::BadRequest { field_violations: self.violations });
        details.push(&pb::PreconditionFailure { violations: self.preconditions });
        details.push(&pb::QuotaFailure { violations: self.quotas });
        if let Some(delay) = self.retry_after {
            details.push(&pb::RetryInfo { retry_delay: prost_types::Duration::try_from(delay).ok() });
        }
        if let Some(resource) = self.resource {
            details.push(&resource);
        }
        let encoded = details.encode(self.code, &self.message);
        let mut status = Status::with_details(self.code, self.message, Bytes::from(encoded));
        if let Some(source) = self.source {
            status.set_source(Arc::from(source));
        }
        status
    }
}

impl From<StatusBuilder> for Status {
    fn from(builder: StatusBuilder) -> Self {
        builder.build()
    }
}

/// Makes the answer to a defect: the cause is logged with the request id, the caller sees only a fixed sentence.
pub fn internal(domain: &'static str, source: impl Into<BoxError>) -> Status {
    StatusBuilder::new(Code::Internal, domain, reason::INTERNAL, "A defect of the server.").source(source).build()
}

fn field_violation(field: String, reason: &str, description: String) -> pb::bad_request::FieldViolation {
    pb::bad_request::FieldViolation { field, description, reason: reason.to_owned(), localized_message: None }
}

/// Collects every field violation of a request, so that the caller learns all of them at once.
///
/// ```
/// # use rolecall_rpc::status::{Violations, domain};
/// let mut violations = Violations::default();
/// violations.push("user.email", "EMAIL_MALFORMED", "must be an address such as ada@example.org");
/// assert!(!violations.is_empty());
/// let status = violations.into_status(domain::IDENTITY, "INVALID_ARGUMENT");
/// assert_eq!(status.code(), tonic::Code::InvalidArgument);
/// ```
#[derive(Debug, Default)]
pub struct Violations(Vec<pb::bad_request::FieldViolation>);

impl Violations {
    /// Notes one violation; `field` is the path of the field in the request.
    pub fn push(&mut self, field: impl Into<String>, reason: &str, description: impl Into<String>) {
        self.0.push(field_violation(field.into(), reason, description.into()));
    }

    /// Takes the value of a parsed field, or notes its error and gives `None`.
    pub fn check<T, E: std::fmt::Display>(&mut self, field: &str, reason: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.push(field, reason, error.to_string())).ok()
    }

    /// Tells whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes the `INVALID_ARGUMENT` status with all that was noted; the message names the fields.
    pub fn into_status(self, domain: &'static str, reason: &str) -> Status {
        let said: Vec<_> = self.0.iter().map(|one| format!("{}: {}", one.field, one.description)).collect();
        let message = format!("The request is not valid: {}.", said.join("; "));
        let mut builder = StatusBuilder::new(Code::InvalidArgument, domain, reason, message);
        builder.violations = self.0;
        builder.build()
    }
}

/// A status and its causes, in one line for the log.
pub(crate) struct Chain<'a>(pub(crate) &'a Status);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.message())?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::StatusExt as _;

    #[test]
    fn a_built_status_carries_every_detail_that_was_given() {
        let status = StatusBuilder::new(Code::FailedPrecondition, domain::IDENTITY, "WRONG_STATE", "Wait.")
            .metadata("state", "blocked")
            .violation("user.email", "TAKEN", "is taken")
            .retry_after(Duration::from_millis(1_500))
            .resource("rolecall.identity.v1.User", "u1")
            .precondition("STATE", "users/u1", "unblock it first")
            .quota("users/u1", "5 mails an hour")
            .build();
        let details = status.get_error_details();
        let info = details.error_info().expect("ErrorInfo");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("WRONG_STATE", "identity.rolecall"));
        assert_eq!(info.metadata.get("state").map(String::as_str), Some("blocked"));
        assert_eq!(details.bad_request().map(|bad| bad.field_violations.len()), Some(1));
        assert_eq!(details.retry_info().and_then(|retry| retry.retry_delay), Some(Duration::from_millis(1_500)));
        assert_eq!(details.resource_info().map(|one| one.resource_name.as_str()), Some("u1"));
        assert_eq!(details.precondition_failure().map(|one| one.violations.len()), Some(1));
        assert_eq!(details.quota_failure().map(|one| one.violations.len()), Some(1));
    }

    #[test]
    fn a_status_has_only_the_details_that_were_given() {
        let status = StatusBuilder::new(Code::NotFound, domain::IDENTITY, "USER_NOT_FOUND", "No such user.").build();
        assert_eq!(status.get_error_details_vec().len(), 1);
    }

    #[test]
    fn all_violations_are_answered_at_once() {
        let mut violations = Violations::default();
        assert!(violations.is_empty());
        assert_eq!(violations.check("size", "SIZE_INVALID", "7".parse::<u8>()), Some(7));
        assert!(violations.is_empty());
        assert_eq!(violations.check("size", "SIZE_INVALID", "x".parse::<u8>()), None);
        violations.push("name", "NAME_MISSING", "must be given");
        let status = violations.into_status(domain::IDENTITY, "INVALID_ARGUMENT");
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("name: must be given"), "{}", status.message());
        let fields = status.get_details_bad_request().expect("BadRequest").field_violations;
        assert_eq!(fields.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["size", "name"]);
    }

    #[test]
    fn the_cause_of_a_defect_is_kept_for_the_log_and_not_in_the_message() {
        use std::error::Error as _;
        let status = internal(domain::IDENTITY, std::io::Error::other("password=hunter2"));
        assert!(!status.message().contains("hunter2"));
        assert!(status.source().is_some());
    }
}
