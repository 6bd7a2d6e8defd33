//! Errors as people read them, and the exit code of each.

use std::fmt;
use std::process::ExitCode;

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::pb;

/// The exit codes, for the help text.
pub const EXIT_CODES: &str = "Exit codes:
  0  done
  1  refused or failed
  2  the command line is wrong
  3  not logged in, or not allowed
  4  not found
  5  the server is out of reach";

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// The command line or what was typed is wrong.
    Usage(String),
    /// Something on this machine is in the way.
    Local(String),
    /// Nobody is logged in at this server.
    LoggedOut(String),
    /// The answer to the question is no.
    Refused,
    /// The server could not be reached.
    Unreachable(String),
    /// The server answered with an error.
    Remote(Box<Remote>),
}

impl Failure {
    /// Makes a failure of this machine: what could not be done, and why.
    pub(crate) fn local(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::Local(format!("{what}: {why}"))
    }

    /// Tells whether the server refused for this reason.
    pub(crate) fn has_reason(&self, reason: &str) -> bool {
        matches!(self, Self::Remote(remote) if remote.reason == reason)
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.number())
    }

    fn number(&self) -> u8 {
        match self {
            Self::Local(_) => 1,
            Self::Usage(_) => 2,
            Self::LoggedOut(_) | Self::Refused => 3,
            Self::Unreachable(_) => 5,
            Self::Remote(remote) => match remote.code {
                Code::Unauthenticated | Code::PermissionDenied => 3,
                Code::NotFound => 4,
                Code::Unavailable | Code::DeadlineExceeded => 5,
                Code::Ok
                | Code::Cancelled
                | Code::Unknown
                | Code::InvalidArgument
                | Code::AlreadyExists
                | Code::ResourceExhausted
                | Code::FailedPrecondition
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unimplemented
                | Code::Internal
                | Code::DataLoss => 1,
            },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Local(text) | Self::Unreachable(text) => write!(f, "error: {text}"),
            Self::LoggedOut(server) => {
                write!(f, "error: nobody is logged in at {server}; run `rolecall login --server {server} --email ...`")
            }
            Self::Refused => f.write_str("refused"),
            Self::Remote(remote) => remote.fmt(f),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let remote = Remote::new(&status);
        // Only the transport fails without a reason: nothing that Rolecall answers does.
        let codes = [Code::Unavailable, Code::Unknown, Code::Internal, Code::Cancelled, Code::DeadlineExceeded];
        if remote.reason.is_empty() && codes.contains(&status.code()) {
            return Self::Unreachable(unreachable(&status));
        }
        Self::Remote(Box::new(remote))
    }
}

/// Says what is out of reach, with the innermost cause, which is the one that helps.
fn unreachable(status: &Status) -> String {
    let mut cause = std::error::Error::source(status);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    let why = cause.map_or_else(|| status.message().to_owned(), ToString::to_string);
    format!("the server cannot be reached ({why}); check --server, and that it runs")
}

/// An error that the server answered, with its details.
#[derive(Debug)]
pub struct Remote {
    code: Code,
    message: String,
    domain: String,
    reason: String,
    metadata: Vec<(String, String)>,
    violations: Vec<pb::bad_request::FieldViolation>,
    request_id: String,
    retry_seconds: Option<i64>,
}

impl Remote {
    fn new(status: &Status) -> Self {
        let mut remote = Self {
            code: status.code(),
            message: status.message().to_owned(),
            domain: String::new(),
            reason: String::new(),
            metadata: Vec::new(),
            violations: Vec::new(),
            request_id: String::new(),
            retry_seconds: None,
        };
        let details = pb::Status::decode(status.details()).map(|status| status.details).unwrap_or_default();
        for detail in details {
            remote.take(&detail.type_url, &detail.value);
        }
        remote
    }

    fn take(&mut self, type_url: &str, value: &[u8]) {
        match type_url.rsplit('/').next().unwrap_or_default() {
            "google.rpc.ErrorInfo" => {
                let info = pb::ErrorInfo::decode(value).unwrap_or_default();
                (self.domain, self.reason) = (info.domain, info.reason);
                self.metadata = info.metadata.into_iter().collect();
                self.metadata.sort();
            }
            "google.rpc.BadRequest" => {
                self.violations = pb::BadRequest::decode(value).unwrap_or_default().field_violations;
            }
            "google.rpc.RequestInfo" => {
                self.request_id = pb::RequestInfo::decode(value).unwrap_or_default().request_id;
            }
            "google.rpc.RetryInfo" => {
                let delay = pb::RetryInfo::decode(value).unwrap_or_default().retry_delay;
                self.retry_seconds = delay.map(|delay| delay.seconds.max(1));
            }
            _ => {}
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.message))?;
        write!(f, "\n  reason: {} ({}, {:?})", printable(&self.reason), printable(&self.domain), self.code)?;
        for violation in &self.violations {
            let (field, text) = (printable(&violation.field), printable(&violation.description));
            write!(f, "\n  field {field}: {text}")?;
            if !violation.reason.is_empty() {
                write!(f, " ({})", printable(&violation.reason))?;
            }
        }
        for (key, value) in &self.metadata {
            write!(f, "\n  {}: {}", printable(key), printable(value))?;
        }
        if self.reason == "STEP_UP_REQUIRED" {
            f.write_str("\n  run `rolecall reauthenticate`, then repeat the command")?;
        }
        if let Some(seconds) = self.retry_seconds {
            write!(f, "\n  try again in {seconds} s")?;
        }
        if !self.request_id.is_empty() {
            write!(f, "\n  request id: {}", printable(&self.request_id))?;
        }
        Ok(())
    }
}

/// Replaces control characters: what a server sends must not steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::{ErrorDetails, StatusExt as _};

    fn refused() -> Failure {
        let mut details = ErrorDetails::new();
        details.set_error_info("REQUEST_INVALID", "identity.rolecall", [("field".to_owned(), "email".to_owned())]);
        details.add_bad_request_violation("email", "must be an address");
        details.add_bad_request_violation("roles", "must name a role\u{1b}[2J");
        details.set_request_info("0198-x", "");
        Status::with_error_details(Code::InvalidArgument, "Two fields are wrong.", details).into()
    }

    #[test]
    fn an_error_shows_its_reason_every_field_and_the_request_id() {
        let text = refused().to_string();
        for part in ["Two fields are wrong.", "REQUEST_INVALID", "field email: must be an address", "roles", "0198-x"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!text.contains('\u{1b}'), "control characters must not reach the terminal");
    }

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        assert_eq!(refused().number(), 1);
        assert_eq!(Failure::Usage(String::new()).number(), 2);
        assert_eq!(Failure::LoggedOut(String::new()).number(), 3);
        let coded = |code| {
            let details = ErrorDetails::with_error_info("REASON", "identity.rolecall", []);
            Failure::from(Status::with_error_details(code, "text", details)).number()
        };
        assert_eq!(coded(Code::Unauthenticated), 3);
        assert_eq!(coded(Code::PermissionDenied), 3);
        assert_eq!(coded(Code::NotFound), 4);
        assert_eq!(coded(Code::Unavailable), 5);
        assert_eq!(Failure::from(Status::unavailable("tcp connect error")).number(), 5);
    }
}
