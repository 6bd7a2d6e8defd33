//! Somebody who acts as another: what is open to it, what it reaches, and when it is over.

use std::time::Duration;

use rolecall_authz::{AccessClaims, Actor, Freshness, IMPERSONATE, ScopeKind, SubjectAccess, SubjectKind};
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Clock as _;
use tonic::Code;

use crate::layer::{INSIDE, ONE, OPEN, PEOPLE, SIGNED_IN, STEPPED_UP, TWO, assert_refused, world};
use crate::support::{World, access, session, subject};

const SEEING: &str = "/rolecall.identity.v1.Sample/Seeing";
const CHANGING: &str = "/rolecall.identity.v1.Sample/Changing";
const LEAVING: &str = "/rolecall.identity.v1.Sample/Leaving";
const GET: &str = "identity.users.get";

/// Somebody who may act as anybody.
fn admin(revision: i64) -> SubjectAccess {
    let grants = vec![(IMPERSONATE.to_owned(), ScopeKind::Any), (GET.to_owned(), ScopeKind::Any)];
    SubjectAccess { admin: true, grants, revision, ..access(9, SubjectKind::User, &[]) }
}

fn claims(world: &World, read_only: bool) -> AccessClaims {
    let act = Some(Actor { sub: subject(9), sid: session(9) });
    AccessClaims { act, read_only, sid: Some(session(8)), ..world.claims(1, SubjectKind::User) }
}

/// A world in which subject 9 acts as subject 1, and the token with which it does.
fn acting(read_only: bool) -> (World, String) {
    let world = world();
    world.subjects.set(access(1, SubjectKind::User, &[GET]));
    world.subjects.set(admin(1));
    let token = world.token(&claims(&world, read_only));
    (world, token)
}

/// Changes subjects as the organization context does.
fn change(world: &World, access: SubjectAccess) {
    let (subject, revision) = (access.subject, access.revision);
    world.subjects.set(access);
    world.access.invalidate(subject, revision);
}

#[tokio::test(start_paused = true)]
async fn attack_t18_only_what_accepts_impersonation_is_open_and_a_read_only_token_changes_nothing() {
    let (world, reading) = acting(true);
    let changing = world.token(&claims(&world, false));
    for token in [&reading, &changing] {
        assert!(world.call(SEEING, token).await.is_ok() && world.call(LEAVING, token).await.is_ok());
        assert!(world.call(OPEN, token).await.is_ok());
        for closed in [ONE, TWO, SIGNED_IN, PEOPLE, INSIDE] {
            let refused = world.call(closed, token).await;
            assert_refused(refused, Code::PermissionDenied, "IMPERSONATION_REFUSED");
        }
    }
    assert!(world.call(CHANGING, &changing).await.is_ok());
    assert_refused(world.call(CHANGING, &reading).await, Code::PermissionDenied, "READ_ONLY");
    let refused = world.call(STEPPED_UP, &changing).await;
    assert_refused(refused, Code::PermissionDenied, "IMPERSONATION_REFUSED");
}

#[tokio::test(start_paused = true)]
async fn attack_t18_the_rights_are_those_of_the_target_as_far_as_the_actor_reaches_itself() {
    let (world, token) = acting(true);
    let seen = world.standing(SEEING, &token).await;
    let organization = OrganizationId::from_uuid(uuid::Uuid::from_u128(77));
    assert_eq!(seen.caller().scope(GET), rolecall_authz::Scope::organization(organization));
    assert_eq!((seen.caller().subject(), seen.caller().actor()), (subject(1), Some(subject(9))));
    assert!(!seen.caller().holds(IMPERSONATE), "what the actor may itself is left behind");
    // What the target holds and the actor does not.
    let grants = vec![(IMPERSONATE.to_owned(), ScopeKind::Any)];
    change(&world, SubjectAccess { grants, ..admin(2) });
    assert_refused(world.call(SEEING, &token).await, Code::PermissionDenied, "PERMISSION_MISSING");
    // What the target holds on itself.
    let own = vec![(GET.to_owned(), ScopeKind::SelfOnly)];
    change(&world, SubjectAccess { grants: own, revision: 3, ..access(1, SubjectKind::User, &[]) });
    change(&world, admin(3));
    let seen = world.standing(SEEING, &token).await;
    assert_eq!(seen.caller().scope(GET), rolecall_authz::Scope::SelfOnly(subject(1)));
}

#[tokio::test(start_paused = true)]
async fn attack_t18_it_is_over_once_either_side_may_no_longer() {
    let actor_changes = [
        SubjectAccess { blocked: true, ..admin(2) },
        SubjectAccess { organization_active: false, ..admin(2) },
        SubjectAccess { grants: vec![(GET.to_owned(), ScopeKind::Any)], ..admin(2) },
        SubjectAccess { kind: SubjectKind::ServiceAccount, ..admin(2) },
    ];
    for changed in actor_changes {
        let (world, token) = acting(true);
        let standing = world.standing(SEEING, &token).await;
        change(&world, changed);
        assert_refused(world.call(SEEING, &token).await, Code::Unauthenticated, "SESSION_ENDED");
        assert!(standing.confirm().await.is_err(), "a stream ends as well");
    }
    let target = |change: fn(&mut SubjectAccess)| {
        let mut target = SubjectAccess { revision: 2, ..access(1, SubjectKind::User, &[GET]) };
        change(&mut target);
        target
    };
    for (changed, reason) in [
        (target(|target| target.blocked = true), "SUBJECT_INACTIVE"),
        (target(|target| target.admin = true), "SESSION_ENDED"),
    ] {
        let (world, token) = acting(true);
        assert!(world.call(SEEING, &token).await.is_ok());
        change(&world, changed);
        assert_refused(world.call(SEEING, &token).await, Code::Unauthenticated, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn attack_t18_it_ends_with_either_session_and_is_never_longer_than_half_an_hour() {
    for ended in [8, 9] {
        let (world, token) = acting(true);
        assert!(world.call(SEEING, &token).await.is_ok());
        world.revocations.revoke_session(session(ended), world.clock.now().plus(Duration::from_mins(30)));
        assert_refused(world.call(SEEING, &token).await, Code::Unauthenticated, "SESSION_ENDED");
    }
    let (world, _) = acting(true);
    let exp = world.clock.now().plus(Duration::from_mins(31));
    let long = world.token(&AccessClaims { exp, ..claims(&world, true) });
    assert_refused(world.call(SEEING, &long).await, Code::Unauthenticated, "TOKEN_INVALID");
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_cannot_be_confirmed_is_refused() {
    let world = World::new(Freshness::Stream);
    world.subjects.set(access(1, SubjectKind::User, &[GET]));
    world.subjects.set(admin(1));
    world.revocations.heartbeat();
    world.access.checkpoint(1);
    let token = world.token(&claims(&world, true));
    assert!(world.call(SEEING, &token).await.is_ok());
    world.access.invalidate(subject(9), 2);
    world.subjects.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_refused(world.call(SEEING, &token).await, Code::Unavailable, "ACCESS_UNCONFIRMED");
}
