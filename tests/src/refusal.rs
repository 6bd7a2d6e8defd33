//! A refusal as a client reads it: code, reason, metadata, violations.

use std::collections::BTreeMap;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What a client learns from an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// The one reason.
    pub reason: String,
    /// Whose reason it is.
    pub domain: String,
    /// The values that the text mentions.
    pub metadata: BTreeMap<String, String>,
    /// The fields that break rules.
    pub fields: Vec<String>,
    /// The sentence.
    pub message: String,
    /// Whether a repeat later may help.
    pub retry: bool,
}

/// Reads a status; a status without a reason breaks the contract.
pub fn of(status: &Status) -> Refusal {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("an error without ErrorInfo: {status:?}"));
    assert!(details.request_info().is_some(), "an error without RequestInfo: {status:?}");
    assert!(!status.message().is_empty(), "an error without a sentence: {status:?}");
    let fields = details.bad_request().map(|bad| bad.field_violations.iter().map(|v| v.field.clone()).collect());
    Refusal {
        code: status.code(),
        reason: info.reason.clone(),
        domain: info.domain.clone(),
        metadata: info.metadata.clone().into_iter().collect(),
        fields: fields.unwrap_or_default(),
        message: status.message().to_owned(),
        retry: details.retry_info().is_some(),
    }
}

/// Whether the server itself refused, rather than nobody having answered.
pub fn is_refusal(status: &Status) -> bool {
    status.get_error_details().error_info().is_some()
}

/// Expects a call to be refused and reads why.
#[track_caller]
pub fn expect<T: std::fmt::Debug>(result: Result<T, Status>) -> Refusal {
    of(&result.expect_err("the call should have been refused"))
}

/// Expects a call to be refused with this code and reason.
#[track_caller]
pub fn expect_reason<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, reason: &str) -> Refusal {
    let refusal = expect(result);
    assert_eq!((refusal.code, refusal.reason.as_str()), (code, reason), "{}", refusal.message);
    refusal
}
