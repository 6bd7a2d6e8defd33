//! What becomes of a caller while its call goes on.

use std::sync::Arc;
use std::time::Duration;

use rolecall_authz::{Caller, Freshness, LEEWAY, Scope, SubjectAccess, SubjectKind};
use rolecall_kernel::time::Clock as _;
use tonic::Code;

use crate::support::{Refused, World, access, session, subject};

const MIXED: &str = "/rolecall.identity.v1.Sample/Mixed";
const INTROSPECT: &str = "identity.tokens.introspect";

fn world() -> World {
    World::new(Freshness::InProcess)
}

async fn refusal(standing: &rolecall_authz::Standing) -> (Code, String) {
    let refused = Refused::new(&standing.confirm().await.expect_err("a refusal").into_status(None));
    (refused.code, refused.reason)
}

#[tokio::test(start_paused = true)]
async fn a_caller_goes_on_until_its_token_would_be_refused() {
    let world = world();
    let standing = world.standing(MIXED, &world.user(1, &[INTROSPECT])).await;
    world.clock.advance(Duration::from_mins(5));
    assert!(standing.confirm().await.is_ok(), "clocks differ a little");
    world.clock.advance(LEEWAY);
    assert_eq!(refusal(&standing).await, (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_session_or_earlier_tokens_ended_goes_no_further() {
    let world = world();
    let (one, two) = (world.user(1, &[INTROSPECT]), world.user(2, &[INTROSPECT]));
    let (one, two) = (world.standing(MIXED, &one).await, world.standing(MIXED, &two).await);
    world.revocations.revoke_session(session(1), world.clock.now().plus(Duration::from_mins(5)));
    assert_eq!(refusal(&one).await, (Code::Unauthenticated, "SESSION_ENDED".to_owned()));
    assert!(two.confirm().await.is_ok());
    world.revocations.revoke_subject_before(subject(2), world.clock.now().plus(Duration::from_secs(1)));
    assert_eq!(refusal(&two).await, (Code::Unauthenticated, "SESSION_ENDED".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_judged_by_its_rights_of_now() {
    let world = world();
    let standing = world.standing(MIXED, &world.user(1, &[INTROSPECT, "identity.users.get"])).await;
    let change = |revision: i64, access: SubjectAccess| {
        world.subjects.set(SubjectAccess { revision, ..access });
        world.access.invalidate(subject(1), revision);
    };
    let now: Arc<Caller> = standing.confirm().await.expect("it goes on");
    assert_ne!(now.scope("identity.users.get"), Scope::Nothing);
    change(2, access(1, SubjectKind::User, &[INTROSPECT]));
    let now = standing.confirm().await.expect("it goes on");
    assert_eq!(now.scope("identity.users.get"), Scope::Nothing);
    assert_ne!(standing.caller().scope("identity.users.get"), Scope::Nothing, "as it was when it called");
    change(3, access(1, SubjectKind::User, &[]));
    assert_eq!(refusal(&standing).await, (Code::PermissionDenied, "PERMISSION_MISSING".to_owned()));
    change(4, SubjectAccess { blocked: true, ..access(1, SubjectKind::User, &[INTROSPECT]) });
    assert_eq!(refusal(&standing).await, (Code::Unauthenticated, "SUBJECT_INACTIVE".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_service_of_the_suite_goes_on() {
    let world = world();
    let token = world.services.issue("organization", "identity", world.clock.now());
    let standing = world.standing(MIXED, &token).await;
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(standing.confirm().await.expect("it goes on").service(), Some("organization"));
}
