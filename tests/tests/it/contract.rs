//! What the contract must never come to offer.

use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use rolecall_tests::raw;

/// Every field that can be reached from a message, by its path.
fn fields(message: &MessageDescriptor) -> Vec<(String, FieldDescriptor)> {
    fn descend(message: &MessageDescriptor, path: &str, above: &[String], found: &mut Vec<(String, FieldDescriptor)>) {
        if above.iter().any(|name| name == message.full_name()) {
            return;
        }
        let above = [above, &[message.full_name().to_owned()]].concat();
        for field in message.fields() {
            let path = format!("{path}.{}", field.name());
            if let Kind::Message(inner) = field.kind() {
                descend(&inner, &path, &above, found);
            }
            found.push((path, field));
        }
    }
    let mut found = Vec::new();
    descend(message, message.name(), &[], &mut found);
    found
}

#[test]
fn asvs_v6_4_2_nobody_is_asked_for_hints_or_secret_questions() {
    let words = ["hint", "question", "maiden", "security_answer", "secret_answer", "reminder"];
    for method in raw::methods() {
        for (path, field) in [fields(&method.input()), fields(&method.output())].concat() {
            assert!(!words.iter().any(|word| field.name().contains(word)), "{path}");
        }
    }
}

/// Methods that prove who somebody is take no time from the caller.
#[test]
fn asvs_v6_5_8_no_method_that_checks_a_code_takes_a_time() {
    let mut codes = 0;
    for method in raw::methods() {
        let input = fields(&method.input());
        if !input.iter().any(|(_, field)| field.name().ends_with("code") && field.name() != "code_delivery") {
            continue;
        }
        codes += 1;
        for (path, field) in input {
            let is_time =
                matches!(field.kind(), Kind::Message(kind) if kind.full_name() == "google.protobuf.Timestamp");
            assert!(!is_time, "{path}");
        }
    }
    assert!(codes > 5, "codes are checked by several methods");
}

/// A new one is a new way in: it has to obey locks, blocks, second factors and the switches of organizations, with tests.
///
/// ASVS: V6.3.4
#[test]
fn asvs_v6_1_3_every_way_to_a_token_is_known() {
    let gives = |message: &MessageDescriptor| {
        fields(message).iter().any(|(_, field)| {
            let is_text = matches!(field.kind(), Kind::String);
            is_text && ["access_token", "refresh_token", "challenge_token", "secret", "code"].contains(&field.name())
        })
    };
    let ways = raw::methods().into_iter().filter(|method| gives(&method.output()));
    let ways: BTreeSet<String> = ways.map(|method| method.name().to_owned()).collect();
    let known = [
        // A password and whatever is due after it.
        "LogIn",
        "AnswerChallenge",
        "Reauthenticate",
        // A secret that a session or a person left behind.
        "RefreshTokens",
        "ExchangeApiKey",
        // Nobody, where the organization allows it; and somebody else.
        "LogInAsGuest",
        "ImpersonateUser",
        // Secrets that are exchanged later.
        "CreateAccessToken",
        "CreateApiKey",
        // Codes that an administrator passes on.
        "CreateUser",
        "ResendInvitation",
        "IssuePasswordReset",
        // Shown to an app.
        "EnrollTotp",
        // An identity provider.
        "BeginSsoLogin",
        "CompleteSsoLogin",
        "LogInWithSso",
    ];
    let unknown: Vec<&String> = ways.iter().filter(|way| !known.contains(&way.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn asvs_v10_4_4_no_method_takes_a_grant_for_another_program() {
    let words = ["grant_type", "response_type", "client_id", "client_secret", "redirect_uri"];
    for method in raw::methods() {
        let is_provider = method.parent_service().name() == "IdentityProviderService";
        for (path, field) in fields(&method.input()) {
            assert!(is_provider || !words.contains(&field.name()), "{path}");
        }
    }
}
