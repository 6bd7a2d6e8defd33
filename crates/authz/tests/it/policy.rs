//! Reading rules from descriptors.

use rolecall_authz::policy::{RuleError, RuleProblem};
use rolecall_authz::{Access, Policy, PolicyError, ReflectionAccess};

use crate::support::{SAMPLE, descriptor, descriptor_of};

fn errors(source: &str) -> Vec<(String, RuleProblem)> {
    match Policy::from_descriptor(&descriptor(source)) {
        Err(PolicyError::Rules(errors)) => {
            errors.into_iter().map(|RuleError { path, problem }| (path, problem)).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// A service of one method with this rule.
fn method(rule: &str) -> String {
    format!(
        "package rolecall.identity.v1; import \"rolecall/authz/v1/options.proto\"; message Empty {{}}
         service S {{ rpc M(Empty) returns (Empty) {{ option (rolecall.authz.v1.rule) = {{{rule}}}; }} }}"
    )
}

#[test]
fn the_rules_are_read_as_they_are_written() {
    let policy = Policy::from_descriptor(&descriptor(SAMPLE)).expect("a policy");
    let lines: Vec<_> = policy.entries().map(|(path, rule)| format!("{path}  {rule}")).collect();
    assert_eq!(
        lines,
        [
            "/grpc.health.v1.Health/Check  public, 64 KiB",
            "/grpc.health.v1.Health/List  public, 64 KiB",
            "/grpc.health.v1.Health/Watch  public, 64 KiB",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo  authenticated, personal tokens too, 64 KiB",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo  authenticated, personal tokens too, 64 KiB",
            "/rolecall.identity.v1.Sample/Changing  identity.users.get, impersonation that changes too, 256 KiB",
            "/rolecall.identity.v1.Sample/Inside  internal, 256 KiB",
            "/rolecall.identity.v1.Sample/Leaving  authenticated, guests too, impersonation too, 256 KiB",
            "/rolecall.identity.v1.Sample/Mixed  internal or identity.tokens.introspect, 256 KiB",
            "/rolecall.identity.v1.Sample/One  identity.users.get, 256 KiB",
            "/rolecall.identity.v1.Sample/Open  public, 64 KiB",
            "/rolecall.identity.v1.Sample/People  authenticated, people only, 4096 KiB",
            "/rolecall.identity.v1.Sample/Reading  authenticated, personal tokens too, 256 KiB",
            "/rolecall.identity.v1.Sample/Seeing  identity.users.get, impersonation too, 256 KiB",
            "/rolecall.identity.v1.Sample/SignedIn  authenticated, 256 KiB",
            "/rolecall.identity.v1.Sample/SteppedUp  internal or identity.users.get, step-up, 256 KiB",
            "/rolecall.identity.v1.Sample/Two  identity.users.get or identity.users.list, 256 KiB",
            "/rolecall.identity.v1.Sample/Visiting  authenticated, guests too, 256 KiB",
        ]
    );
    let people = policy.rule("/rolecall.identity.v1.Sample/People").expect("a rule");
    assert_eq!((people.max_request_bytes, people.refuse_service_accounts), (4_194_304, true));
    assert_eq!(&*people.context, "identity");
    assert!(policy.rule("/rolecall.identity.v1.Sample/people").is_none());
}

#[test]
fn asvs_v13_4_5_reflection_can_be_opened() {
    let policy =
        Policy::from_descriptor(&descriptor(SAMPLE)).expect("a policy").with_reflection(ReflectionAccess::Public);
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        assert_eq!(policy.rule(&path).map(|rule| &rule.access), Some(&Access::Public));
    }
}

#[test]
fn every_method_without_a_rule_is_named() {
    let source = "package rolecall.organization.v1; import \"rolecall/authz/v1/options.proto\"; message Empty {}
        service A { rpc First(Empty) returns (Empty); rpc Second(Empty) returns (Empty); }
        service B { rpc Third(Empty) returns (stream Empty); }";
    let paths: Vec<_> = errors(source).into_iter().map(|(path, problem)| format!("{path} {problem}")).collect();
    assert_eq!(
        paths,
        [
            "/rolecall.organization.v1.A/First has no rule",
            "/rolecall.organization.v1.A/Second has no rule",
            "/rolecall.organization.v1.B/Third has no rule",
        ]
    );
    let whole = Policy::from_descriptor(&descriptor(source)).expect_err("no rules").to_string();
    assert!(paths.iter().all(|path| whole.contains(&path.replace(" has", ": has"))), "{whole}");
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    for (rule, problem) in [
        ("", RuleProblem::Empty),
        ("max_request_bytes: 5", RuleProblem::Empty),
        ("refuse_service_accounts: true", RuleProblem::Empty),
        ("public: true, authenticated: true", RuleProblem::PublicWithConditions),
        ("public: true, internal: true", RuleProblem::PublicWithConditions),
        ("public: true, permissions: \"a.b.c\"", RuleProblem::PublicWithConditions),
        ("public: true, refuse_service_accounts: true", RuleProblem::PublicWithConditions),
        ("public: true, step_up: true", RuleProblem::PublicWithConditions),
        ("public: true, accept_personal_tokens: true", RuleProblem::PublicWithConditions),
        ("permissions: \"a.b.c\", accept_personal_tokens: true", RuleProblem::AcceptsInVain),
        ("authenticated: true, step_up: true, accept_personal_tokens: true", RuleProblem::AcceptsInVain),
        ("public: true, accept_guests: true", RuleProblem::PublicWithConditions),
        ("public: true, accept_impersonation: true", RuleProblem::PublicWithConditions),
        ("public: true, accept_read_only: true", RuleProblem::PublicWithConditions),
        ("permissions: \"a.b.c\", accept_guests: true", RuleProblem::AcceptsGuestsInVain),
        ("authenticated: true, step_up: true, accept_guests: true", RuleProblem::AcceptsGuestsInVain),
        ("internal: true, accept_impersonation: true", RuleProblem::ImpersonatesInVain),
        ("authenticated: true, step_up: true, accept_impersonation: true", RuleProblem::ImpersonatesInVain),
        ("authenticated: true, accept_read_only: true", RuleProblem::ImpersonatesInVain),
        ("internal: true, refuse_service_accounts: true", RuleProblem::RefusesNobody),
        ("internal: true, step_up: true", RuleProblem::StepsUpNobody),
        ("step_up: true", RuleProblem::Empty),
        ("permissions: \"\"", RuleProblem::Permission(String::new())),
        ("permissions: \"a.b\"", RuleProblem::Permission("a.b".to_owned())),
        ("permissions: \"a.b.c.d\"", RuleProblem::Permission("a.b.c.d".to_owned())),
        ("permissions: \"a.B.c\"", RuleProblem::Permission("a.B.c".to_owned())),
        ("permissions: \"a..c\"", RuleProblem::Permission("a..c".to_owned())),
        ("permissions: [\"a.b.c\", \"a.b.c\"]", RuleProblem::Permission("a.b.c".to_owned())),
    ] {
        assert_eq!(errors(&method(rule)), [("/rolecall.identity.v1.S/M".to_owned(), problem)], "{rule}");
    }
}

#[test]
fn a_condition_that_this_server_does_not_know_is_not_passed_over() {
    let options = "package rolecall.authz.v1; import \"google/protobuf/descriptor.proto\";
        message MethodRule { bool public = 1; bool authenticated = 2; bool dry_run = 99; }
        extend google.protobuf.MethodOptions { MethodRule rule = 50901; }";
    let served = method("authenticated: true, dry_run: true");
    let bytes = descriptor_of(&[("sample.proto", &served), ("rolecall/authz/v1/options.proto", options)]);
    let error = Policy::from_descriptor(&bytes).expect_err("an unknown condition").to_string();
    assert!(
        error.contains("/rolecall.identity.v1.S/M: the rule has a condition that this server does not know"),
        "{error}"
    );
}

#[test]
fn a_descriptor_without_the_option_or_that_is_none_is_refused() {
    let bare = "package rolecall.identity.v1; message Empty {} service S { rpc M(Empty) returns (Empty); }";
    assert!(matches!(Policy::from_descriptor(&descriptor(bare)), Err(PolicyError::OptionMissing)));
    assert!(matches!(Policy::from_descriptor(b"\xff\xff"), Err(PolicyError::Descriptor(_))));
}

#[test]
fn methods_of_other_packages_need_no_rule_and_have_none() {
    let source = "package other.v1; import \"rolecall/authz/v1/options.proto\"; message Empty {}
        service S { rpc M(Empty) returns (Empty) { option (rolecall.authz.v1.rule) = {public: true}; } }";
    let policy = Policy::from_descriptor(&descriptor(source)).expect("a policy");
    assert!(policy.rule("/other.v1.S/M").is_none());
}

/// ASVS: V8.2.1
#[test]
fn asvs_v8_1_1_every_method_of_the_contract_has_a_rule() {
    let policy = Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).expect("a policy");
    assert!(policy.entries().filter(|(path, _)| path.starts_with("/rolecall.")).count() > 30);
}
