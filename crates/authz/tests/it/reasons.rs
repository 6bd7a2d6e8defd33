//! The reasons of refusals are those of the contract.

use std::sync::Arc;

use rolecall_api::authz::v1::ErrorReason;
use rolecall_authz::{CallId, Refusal};
use tonic_types::StatusExt as _;

fn refusals() -> Vec<Refusal> {
    vec![
        Refusal::CredentialsMissing,
        Refusal::TokenInvalid,
        Refusal::SessionEnded,
        Refusal::SubjectInactive,
        Refusal::PermissionMissing(vec!["identity.users.get".into()]),
        Refusal::CallerKindRefused("users"),
        Refusal::StepUpRequired,
        Refusal::ImpersonationRefused,
        Refusal::ReadOnly,
        Refusal::MethodUnknown("/a/b".to_owned()),
        Refusal::AccessUnconfirmed,
        Refusal::MetadataInvalid { key: "rolecall-min-revision", expected: "a number" },
        Refusal::Internal,
    ]
}

/// The code that the contract gives a reason.
fn declared_code(reason: &str) -> i32 {
    let pool = prost_reflect::DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).expect("descriptors");
    let reasons = pool.get_enum_by_name("rolecall.authz.v1.ErrorReason").expect("the enum");
    let option = pool.get_extension_by_name("rolecall.authz.v1.code").expect("the option");
    let value = reasons.get_value_by_name(&format!("ERROR_REASON_{reason}")).expect("the reason");
    value.options().get_extension(&option).as_enum_number().expect("a code")
}

#[test]
fn every_reason_and_its_code_are_declared() {
    for refusal in refusals() {
        let name = format!("ERROR_REASON_{}", refusal.reason());
        assert!(ErrorReason::from_str_name(&name).is_some(), "{name}");
        assert_eq!(refusal.code() as i32, declared_code(refusal.reason()), "{name}");
    }
}

#[test]
fn only_what_helps_to_repeat_carries_a_delay() {
    for refusal in refusals() {
        let unavailable = refusal.code() == tonic::Code::Unavailable;
        let details = refusal.into_status(None).get_error_details();
        assert_eq!(details.retry_info().is_some_and(|info| info.retry_delay.is_some()), unavailable);
        assert!(details.request_info().is_none());
    }
}

#[test]
fn a_refusal_names_the_call_that_was_refused() {
    let call = CallId(Arc::from("call-1"));
    for refusal in refusals() {
        let details = refusal.into_status(Some(&call)).get_error_details();
        assert_eq!(details.request_info().map(|info| info.request_id.as_str()), Some("call-1"));
    }
}

#[test]
fn the_values_of_a_message_are_in_the_metadata() {
    let status = Refusal::PermissionMissing(vec!["a.b.c".into(), "d.e.f".into()]).into_status(None);
    assert!(status.message().contains("`a.b.c` or `d.e.f`"), "{}", status.message());
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    assert_eq!(info.metadata["permission"], "a.b.c,d.e.f");
    let status = Refusal::StepUpRequired.into_status(None);
    assert!(status.message().contains("300 seconds"), "{}", status.message());
    assert_eq!(status.get_error_details().error_info().expect("an ErrorInfo").metadata["max_age"], "300");
}
