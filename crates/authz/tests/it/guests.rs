//! Anonymous guests: what is open to them, and what needs an account.

use rolecall_authz::SubjectKind;
use tonic::Code;

use crate::layer::{ONE, PEOPLE, SIGNED_IN, STEPPED_UP, TWO, assert_refused, world};
use crate::support::access;

const VISITING: &str = "/rolecall.identity.v1.Sample/Visiting";
const LEAVING: &str = "/rolecall.identity.v1.Sample/Leaving";
const GET: &str = "identity.users.get";

#[tokio::test(start_paused = true)]
async fn a_guest_calls_what_accepts_guests_and_what_it_holds() {
    let world = world();
    world.subjects.set(access(1, SubjectKind::Guest, &[GET]));
    let guest = world.token(&world.claims(1, SubjectKind::Guest));
    for open in [VISITING, LEAVING, ONE, TWO] {
        assert!(world.call(open, &guest).await.is_ok(), "{open}");
    }
    for closed in [SIGNED_IN, PEOPLE, STEPPED_UP] {
        let refused = assert_refused(world.call(closed, &guest).await, Code::PermissionDenied, "CALLER_KIND_REFUSED");
        assert_eq!(refused.metadata("open_to"), Some("users with an account"), "{closed}");
    }
    world.subjects.set(access(2, SubjectKind::Guest, &[]));
    let other = world.token(&world.claims(2, SubjectKind::Guest));
    assert_refused(world.call(ONE, &other).await, Code::PermissionDenied, "PERMISSION_MISSING");
}

#[tokio::test(start_paused = true)]
async fn a_guest_and_a_user_are_not_taken_for_each_other() {
    let world = world();
    world.subjects.set(access(1, SubjectKind::Guest, &[GET]));
    let user = world.token(&world.claims(1, SubjectKind::User));
    assert_refused(world.call(ONE, &user).await, Code::Unauthenticated, "SUBJECT_INACTIVE");
    world.subjects.set(access(2, SubjectKind::User, &[GET]));
    let guest = world.token(&world.claims(2, SubjectKind::Guest));
    assert_refused(world.call(ONE, &guest).await, Code::Unauthenticated, "SUBJECT_INACTIVE");
}
