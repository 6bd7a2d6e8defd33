//! The layer around a service, every way through it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rolecall_authz::{AccessClaims, CallId, Caller, Freshness, LEEWAY, ScopeKind, SubjectAccess, SubjectKind};
use rolecall_kernel::time::Clock as _;
use tonic::Code;

use crate::support::{Refused, World, access, session, subject};

pub(crate) const OPEN: &str = "/rolecall.identity.v1.Sample/Open";
pub(crate) const SIGNED_IN: &str = "/rolecall.identity.v1.Sample/SignedIn";
pub(crate) const ONE: &str = "/rolecall.identity.v1.Sample/One";
pub(crate) const TWO: &str = "/rolecall.identity.v1.Sample/Two";
pub(crate) const PEOPLE: &str = "/rolecall.identity.v1.Sample/People";
pub(crate) const STEPPED_UP: &str = "/rolecall.identity.v1.Sample/SteppedUp";
pub(crate) const INSIDE: &str = "/rolecall.identity.v1.Sample/Inside";
const MIXED: &str = "/rolecall.identity.v1.Sample/Mixed";
const GET: &str = "identity.users.get";

pub(crate) fn world() -> World {
    World::new(Freshness::InProcess)
}

#[track_caller]
pub(crate) fn assert_refused(answer: Result<String, Refused>, code: Code, reason: &str) -> Refused {
    let refused = answer.expect_err("a refusal");
    assert_eq!((refused.code, refused.reason.as_str()), (code, reason));
    refused
}

#[tokio::test(start_paused = true)]
async fn a_public_method_is_open_and_looks_at_no_credentials() {
    let world = world();
    let expected = "nobody: public, 64 KiB";
    assert_eq!(world.send(OPEN, |request| request).await.expect("open"), expected);
    let token = world.user(1, &[]);
    assert_eq!(world.call(OPEN, &token).await.expect("open"), expected);
    let garbage = |request: http::request::Builder| {
        request.header("authorization", "x").header("authorization", "y").header("rolecall-min-revision", "z")
    };
    assert_eq!(world.send(OPEN, garbage).await.expect("open"), expected);
    assert!(world.send("/grpc.health.v1.Health/Check", |request| request).await.is_ok());
}

/// ASVS: V4.1.3
#[tokio::test(start_paused = true)]
async fn attack_t39_a_caller_that_was_planted_before_the_layer_is_removed() {
    let world = world();
    let claims = Arc::new(world.claims(1, SubjectKind::User));
    let planted = Arc::new(Caller::new(claims, Arc::new(access(1, SubjectKind::User, &[GET]))));
    let answer = world.send(OPEN, |request| request.extension(planted)).await;
    assert_eq!(answer.expect("open"), "nobody: public, 64 KiB");
}

/// ASVS: V8.3.1
#[tokio::test(start_paused = true)]
async fn attack_t39_an_unknown_method_is_denied_with_and_without_credentials() {
    let world = world();
    let token = world.user(1, &[GET]);
    for path in ["/rolecall.identity.v1.Sample/Nothing", "/", "/rolecall.identity.v1.sample/open", "//x"] {
        let refused =
            assert_refused(world.send(path, |request| request).await, Code::PermissionDenied, "METHOD_UNKNOWN");
        assert_eq!(refused.metadata("method"), Some(path));
        assert_refused(world.call(path, &token).await, Code::PermissionDenied, "METHOD_UNKNOWN");
    }
    let long = format!("/{}", "x".repeat(5000));
    let refused = assert_refused(world.call(&long, &token).await, Code::PermissionDenied, "METHOD_UNKNOWN");
    assert!(refused.message.len() < 400);
}

/// ASVS: T39
#[tokio::test(start_paused = true)]
async fn asvs_v8_3_1_every_restricted_method_asks_for_credentials() {
    let world = world();
    let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    for path in [SIGNED_IN, ONE, TWO, PEOPLE, INSIDE, MIXED, reflection] {
        assert_refused(world.send(path, |request| request).await, Code::Unauthenticated, "CREDENTIALS_MISSING");
        assert_refused(world.call(path, "x.y.z").await, Code::Unauthenticated, "TOKEN_INVALID");
    }
}

#[tokio::test(start_paused = true)]
async fn asvs_v15_3_7_credentials_come_as_one_bearer_token() {
    let world = world();
    let token = world.user(1, &[]);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer =
            world.send(SIGNED_IN, |request| request.header("authorization", format!("{scheme} {token}"))).await;
        assert!(answer.is_ok(), "{scheme}");
    }
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        &token,
        &format!("Basic {token}"),
        &format!("Bearer  {token}"),
        &format!("Bearer {token} "),
        "Bearer \u{fffd}",
    ] {
        let answer = world.send(SIGNED_IN, |request| request.header("authorization", wrong)).await;
        assert_refused(answer, Code::Unauthenticated, "TOKEN_INVALID");
    }
    let twice = |request: http::request::Builder| {
        let value = format!("Bearer {token}");
        request.header("authorization", &value).header("authorization", &value)
    };
    let refused = assert_refused(world.send(SIGNED_IN, twice).await, Code::InvalidArgument, "METADATA_INVALID");
    assert_eq!(refused.metadata("key"), Some("authorization"));
}

#[tokio::test(start_paused = true)]
async fn the_holder_of_a_permission_is_let_through_first_by_asking_then_at_once() {
    let world = world();
    let token = world.user(1, &[GET]);
    for _ in 0..3 {
        let expected = format!("{}: identity.users.get, 256 KiB", subject(1));
        assert_eq!(world.call(ONE, &token).await.expect("held"), expected);
    }
    assert_eq!(world.subjects.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn one_of_several_permissions_suffices_and_none_is_refused_by_name() {
    let world = world();
    let lister = world.user(1, &["identity.users.list"]);
    let other = world.user(2, &["identity.users.create", "identity.users", "identity.users.get_all"]);
    assert!(world.call(TWO, &lister).await.is_ok());
    for _ in 0..2 {
        let refused = assert_refused(world.call(ONE, &lister).await, Code::PermissionDenied, "PERMISSION_MISSING");
        assert_eq!(refused.metadata("permission"), Some(GET));
        let refused = assert_refused(world.call(TWO, &other).await, Code::PermissionDenied, "PERMISSION_MISSING");
        assert_eq!(refused.metadata("permission"), Some("identity.users.get,identity.users.list"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_holds_nowhere_is_none() {
    let world = world();
    let token = world.user(1, &[]);
    let grants = vec![(GET.to_owned(), ScopeKind::Own)];
    world.subjects.set(SubjectAccess { organization_id: None, grants, ..access(1, SubjectKind::User, &[]) });
    assert_refused(world.call(ONE, &token).await, Code::PermissionDenied, "PERMISSION_MISSING");
}

#[tokio::test(start_paused = true)]
async fn signed_in_callers_need_no_permission_where_none_is_asked_for() {
    let world = world();
    let token = world.user(1, &[]);
    for path in [SIGNED_IN, PEOPLE, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] {
        assert!(world.call(path, &token).await.expect("signed in").starts_with(&subject(1).to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn service_accounts_are_refused_where_people_are_meant() {
    let world = world();
    world.subjects.set(access(1, SubjectKind::ServiceAccount, &[GET]));
    let token = world.token(&world.claims(1, SubjectKind::ServiceAccount));
    assert!(world.call(ONE, &token).await.is_ok());
    let refused = assert_refused(world.call(PEOPLE, &token).await, Code::PermissionDenied, "CALLER_KIND_REFUSED");
    assert!(refused.message.contains("users"), "{}", refused.message);
}

/// ASVS: V10.3.4
#[tokio::test(start_paused = true)]
async fn asvs_v7_5_3_a_step_up_is_asked_of_who_proved_more_than_five_minutes_ago_who_it_is() {
    let world = world();
    let authenticated = world.clock.now();
    let token = |id: u128| AccessClaims { auth_time: authenticated, ..world.claims(id, SubjectKind::User) };
    world.user(1, &[GET]);
    world.user(2, &[]);
    world.clock.advance(Duration::from_mins(5));
    assert!(world.call(STEPPED_UP, &world.token(&token(1))).await.is_ok(), "asked for");
    assert!(world.call(STEPPED_UP, &world.token(&token(1))).await.is_ok(), "remembered");
    world.clock.advance(LEEWAY);
    let stale = world.token(&token(1));
    for _ in 0..2 {
        let refused = assert_refused(world.call(STEPPED_UP, &stale).await, Code::Unauthenticated, "STEP_UP_REQUIRED");
        assert_eq!(refused.metadata("max_age"), Some("300"));
    }
    assert!(world.call(ONE, &stale).await.is_ok(), "the token is good elsewhere");
    // Who may not call at all is not asked to prove anything.
    let refused = world.call(STEPPED_UP, &world.token(&token(2))).await;
    assert_refused(refused, Code::PermissionDenied, "PERMISSION_MISSING");
    let fresh = world.token(&world.claims(1, SubjectKind::User));
    assert!(world.call(STEPPED_UP, &fresh).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_step_up_is_for_people_and_services_of_the_suite_need_none() {
    let world = world();
    world.subjects.set(access(1, SubjectKind::ServiceAccount, &[GET]));
    let token = world.token(&world.claims(1, SubjectKind::ServiceAccount));
    assert_refused(world.call(STEPPED_UP, &token).await, Code::PermissionDenied, "CALLER_KIND_REFUSED");
    let service = world.services.issue("organization", "identity", world.clock.now());
    assert!(world.call(STEPPED_UP, &service).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_services_of_the_suite_reach_internal_methods_of_the_service_they_name() {
    let world = world();
    let now = world.clock.now();
    let token = world.services.issue("organization", "identity", now);
    assert_eq!(world.call(INSIDE, &token).await.expect("internal"), "organization: internal, 256 KiB");
    assert!(world.call(MIXED, &token).await.is_ok());
    for other in ["organization", "notification"] {
        let elsewhere = world.services.issue("identity", other, now);
        assert_refused(world.call(INSIDE, &elsewhere).await, Code::Unauthenticated, "TOKEN_INVALID");
    }
    for path in [SIGNED_IN, ONE, PEOPLE] {
        assert_refused(world.call(path, &token).await, Code::PermissionDenied, "CALLER_KIND_REFUSED");
    }
}

/// ASVS: V9.2.3
#[tokio::test(start_paused = true)]
async fn asvs_v10_3_1_a_service_token_for_a_context_that_lives_elsewhere_is_refused() {
    let source = crate::support::SAMPLE.replace("rolecall.identity.v1;", "rolecall.organization.v1;");
    let world = World::serving(&source, Freshness::InProcess);
    let token = world.services.issue("identity", "organization", world.clock.now());
    let path = "/rolecall.organization.v1.Sample/Inside";
    assert_refused(world.call(path, &token).await, Code::Unauthenticated, "TOKEN_INVALID");
}

/// ASVS: T39
#[tokio::test(start_paused = true)]
async fn asvs_v8_3_3_subjects_reach_no_internal_method_whatever_they_hold() {
    let world = world();
    let token = world.user(1, &[GET, "internal"]);
    assert_refused(world.call(INSIDE, &token).await, Code::PermissionDenied, "CALLER_KIND_REFUSED");
    assert_refused(world.call(MIXED, &token).await, Code::PermissionDenied, "PERMISSION_MISSING");
    let introspector = world.user(2, &["identity.tokens.introspect"]);
    assert!(world.call(MIXED, &introspector).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn inactive_subjects_are_refused_with_a_good_token() {
    let active = access(1, SubjectKind::User, &[GET]);
    let cases = [
        SubjectAccess { blocked: true, ..active.clone() },
        SubjectAccess { organization_active: false, ..active.clone() },
        SubjectAccess { kind: SubjectKind::ServiceAccount, ..active.clone() },
    ];
    for inactive in cases {
        let world = world();
        let token = world.user(1, &[]);
        world.subjects.set(inactive);
        for path in [ONE, SIGNED_IN, ONE] {
            assert_refused(world.call(path, &token).await, Code::Unauthenticated, "SUBJECT_INACTIVE");
        }
    }
    let world = world();
    let stranger = world.token(&world.claims(9, SubjectKind::User));
    assert_refused(world.call(SIGNED_IN, &stranger).await, Code::Unauthenticated, "SUBJECT_INACTIVE");
}

/// ASVS: T11
#[tokio::test(start_paused = true)]
async fn asvs_v8_3_2_a_change_of_rights_is_obeyed_by_the_next_call_with_the_same_token() {
    let world = world();
    let token = world.user(1, &[GET]);
    assert!(world.call(ONE, &token).await.is_ok());
    world.subjects.set(SubjectAccess { revision: 2, ..access(1, SubjectKind::User, &[]) });
    world.access.invalidate(subject(1), 2);
    assert_refused(world.call(ONE, &token).await, Code::PermissionDenied, "PERMISSION_MISSING");
    world.subjects.set(SubjectAccess { revision: 3, blocked: true, ..access(1, SubjectKind::User, &[GET]) });
    world.access.invalidate(subject(1), 3);
    assert_refused(world.call(ONE, &token).await, Code::Unauthenticated, "SUBJECT_INACTIVE");
}

#[tokio::test(start_paused = true)]
async fn ended_sessions_and_revoked_subjects_are_refused() {
    let world = world();
    let (first, second) = (world.user(1, &[GET]), world.user(2, &[GET]));
    assert!(world.call(ONE, &first).await.is_ok() && world.call(ONE, &second).await.is_ok());
    world.revocations.revoke_session(session(1), world.clock.now().plus(Duration::from_mins(5)));
    assert_refused(world.call(ONE, &first).await, Code::Unauthenticated, "SESSION_ENDED");
    assert!(world.call(ONE, &second).await.is_ok());
    world.clock.advance(Duration::from_micros(1));
    world.revocations.revoke_subject_before(subject(2), world.clock.now());
    assert_refused(world.call(ONE, &second).await, Code::Unauthenticated, "SESSION_ENDED");
    let next = world.token(&AccessClaims { sid: Some(session(3)), ..world.claims(2, SubjectKind::User) });
    assert!(world.call(ONE, &next).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_demanded_revision_is_reached_or_the_call_is_refused_for_now() {
    let world = world();
    let token = world.user(1, &[GET]);
    let at = |revision: &'static str| {
        let bearer = format!("Bearer {token}");
        let build = move |request: http::request::Builder| {
            request.header("authorization", bearer).header("rolecall-min-revision", revision)
        };
        world.send(ONE, build)
    };
    assert!(at("1").await.is_ok() && at("0").await.is_ok());
    let refused = assert_refused(at("2").await, Code::Unavailable, "ACCESS_UNCONFIRMED");
    assert!(refused.details.retry_info().is_some_and(|info| info.retry_delay.is_some()));
    world.subjects.set(SubjectAccess { revision: 2, ..access(1, SubjectKind::User, &[]) });
    assert_refused(at("2").await, Code::PermissionDenied, "PERMISSION_MISSING");
    for wrong in ["", "-1", "+1", "1.0", " 1", "0x1", "x", "9223372036854775808"] {
        let refused = assert_refused(at(wrong).await, Code::InvalidArgument, "METADATA_INVALID");
        assert_eq!(refused.metadata("key"), Some("rolecall-min-revision"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_of_several_demanded_revisions_counts() {
    let world = world();
    let token = world.user(1, &[GET]);
    let build = |request: http::request::Builder| {
        let request = request.header("rolecall-min-revision", "5").header("rolecall-min-revision", "1");
        request.header("authorization", format!("Bearer {token}"))
    };
    assert_refused(world.send(ONE, build).await, Code::Unavailable, "ACCESS_UNCONFIRMED");
}

/// ASVS: T11
#[tokio::test(start_paused = true)]
async fn asvs_v16_5_3_what_cannot_be_confirmed_is_refused_for_now() {
    let world = World::new(Freshness::Stream);
    let token = world.user(1, &[GET]);
    assert_refused(world.call(ONE, &token).await, Code::Unavailable, "ACCESS_UNCONFIRMED");
    world.revocations.heartbeat();
    assert!(world.call(ONE, &token).await.is_ok(), "the access source is asked while its stream is silent");
    world.access.checkpoint(1);
    world.subjects.fails.store(true, Ordering::SeqCst);
    assert!(world.call(ONE, &token).await.is_ok(), "both streams are heard");
    tokio::time::advance(Duration::from_millis(2001)).await;
    world.revocations.heartbeat();
    assert_refused(world.call(ONE, &token).await, Code::Unavailable, "ACCESS_UNCONFIRMED");
    world.access.checkpoint(1);
    assert!(world.call(ONE, &token).await.is_ok());
    tokio::time::advance(Duration::from_millis(2001)).await;
    world.access.checkpoint(1);
    assert_refused(world.call(ONE, &token).await, Code::Unavailable, "ACCESS_UNCONFIRMED");
    let service = world.services.issue("organization", "identity", world.clock.now());
    assert!(world.call(INSIDE, &service).await.is_ok(), "services need neither stream");
    assert!(world.send(OPEN, |request| request).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_the_access_is_asked_for_is_refused() {
    let world = world();
    let token = world.user(1, &[GET]);
    let (revocations, until) = (world.revocations.clone(), world.clock.now().plus(Duration::from_mins(5)));
    let ends: Box<dyn FnOnce() + Send> = Box::new(move || revocations.revoke_session(session(1), until));
    *world.subjects.meanwhile.lock().expect("subjects") = Some(ends);
    assert_refused(world.call(ONE, &token).await, Code::Unauthenticated, "SESSION_ENDED");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_is_refused_though_it_was_good_a_moment_ago() {
    let world = world();
    let token = world.user(1, &[GET]);
    assert!(world.call(ONE, &token).await.is_ok());
    world.clock.advance(Duration::from_secs(306));
    assert_refused(world.call(ONE, &token).await, Code::Unauthenticated, "TOKEN_INVALID");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_the_request_id_of_its_call() {
    let world = world();
    let call = CallId(Arc::from("call-7"));
    let refused = world.send(ONE, |request| request.extension(call.clone())).await.expect_err("a refusal");
    assert_eq!(refused.details.request_info().map(|info| info.request_id.as_str()), Some("call-7"));
    let stranger = world.token(&world.claims(9, SubjectKind::User));
    let build =
        |request: http::request::Builder| request.extension(call).header("authorization", format!("Bearer {stranger}"));
    let refused = world.send(ONE, build).await.expect_err("a refusal after asking");
    assert_eq!(refused.details.request_info().map(|info| info.request_id.as_str()), Some("call-7"));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_removed_key_is_refused_by_the_next_call() {
    let world = world();
    let token = world.user(1, &[GET]);
    assert!(world.call(ONE, &token).await.is_ok());
    world.keys.replace([]);
    assert_refused(world.call(ONE, &token).await, Code::Unauthenticated, "TOKEN_INVALID");
    world.keys.replace([world.signer.public_key().clone()]);
    assert!(world.call(ONE, &token).await.is_ok());
}
