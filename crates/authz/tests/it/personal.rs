//! Tokens that were exchanged for a personal access token.

use rolecall_authz::{AccessClaims, SubjectKind};
use tonic::Code;

use crate::layer::{ONE, PEOPLE, SIGNED_IN, STEPPED_UP, TWO, assert_refused, world};
use crate::support::access;

const READING: &str = "/rolecall.identity.v1.Sample/Reading";
const GET: &str = "identity.users.get";
const LIST: &str = "identity.users.list";

#[tokio::test(start_paused = true)]
async fn a_personal_token_opens_what_it_is_narrowed_to_and_what_accepts_it() {
    let world = world();
    world.user(1, &[GET, LIST]);
    let narrowed = |names: &[&str]| {
        let scope = Some(names.iter().map(|name| (*name).to_owned()).collect());
        world.token(&AccessClaims { scope, ..world.claims(1, SubjectKind::User) })
    };
    let reading = narrowed(&[GET]);
    assert!(world.call(ONE, &reading).await.is_ok());
    assert!(world.call(TWO, &reading).await.is_ok(), "one of the alternatives suffices");
    assert!(world.call(READING, &narrowed(&[])).await.is_ok());
    let refused = world.call(ONE, &narrowed(&[LIST])).await;
    assert_refused(refused, Code::PermissionDenied, "PERMISSION_MISSING");
    for closed in [SIGNED_IN, PEOPLE] {
        let refused = assert_refused(world.call(closed, &reading).await, Code::PermissionDenied, "CALLER_KIND_REFUSED");
        assert_eq!(refused.metadata("open_to"), Some("users that logged in"));
    }
    // Made a moment ago, and yet no proof that its person is there.
    let refused = world.call(STEPPED_UP, &reading).await;
    assert_refused(refused, Code::PermissionDenied, "CALLER_KIND_REFUSED");
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_token_of_a_program_is_none_of_ours() {
    let world = world();
    world.subjects.set(access(1, SubjectKind::ServiceAccount, &[GET]));
    let claims = AccessClaims { scope: Some(vec![GET.to_owned()]), ..world.claims(1, SubjectKind::ServiceAccount) };
    assert_refused(world.call(ONE, &world.token(&claims)).await, Code::Unauthenticated, "TOKEN_INVALID");
}
