//! Guests, and people who act as others: what is open to them, and how each process obeys when it is over.

use std::time::Duration;

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::impersonate_user_request::Target;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tonic::{Code, Status};

use crate::world;

const THREE_POSTGRES: Plan =
    Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Weak };

/// ASVS: V8.2.1, V10.3.2
#[tokio::test]
async fn attack_t18_acting_is_bounded_in_one_process() {
    tell(world::ONE_SQLITE).await;
}

/// ASVS: V8.2.1, V10.3.2
#[tokio::test]
async fn attack_t18_acting_is_bounded_in_three_processes() {
    tell(THREE_POSTGRES).await;
}

async fn tell(plan: Plan) {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    let (acme, owner) = world::organization_with_owner(&stack, &admin, "Acme", "olga@acme.example").await;
    let member = world::member(&stack, &owner, "mia@acme.example", &["DATA_SCIENTIST"]).await;
    a_stranger_looks_around_while_that_is_allowed(&stack, &owner, &acme).await;
    the_person_is_told_and_both_names_are_recorded(&stack, &admin, &owner, &member).await;
    it_ends_with_the_session_of_who_acts(&stack, &member).await;
    an_owner_acts_while_that_is_allowed(&stack, &owner, &member).await;
    it_ends_when_who_acts_is_blocked(&stack, &admin, &owner, &member).await;
}

async fn allow(owner: &Actor, guests: bool, owners: bool) {
    let settings = organization::OrganizationSettings {
        guest_sessions: guests,
        owner_impersonation: owners,
        ..organization::OrganizationSettings::default()
    };
    let paths = vec!["guest_sessions".to_owned(), "owner_impersonation".to_owned()];
    let request = organization::UpdateOrganizationSettingsRequest {
        settings: Some(settings),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..Default::default()
    };
    owner.organizations().update_organization_settings(request).await.expect("changed");
}

async fn look(actor: &Actor) -> Result<organization::GetMyAccessResponse, Status> {
    Ok(actor.access().get_my_access(organization::GetMyAccessRequest {}).await?.into_inner())
}

/// Refreshes, each time with the newest token, until that is refused: the process of identity hears of it by itself.
async fn refresh_until_refused(actor: &Actor) {
    let newest = std::sync::Mutex::new(actor.refresh_token());
    let refresh = || async {
        let refresh_token = newest.lock().expect("one at a time").clone();
        let request = identity::RefreshTokensRequest { refresh_token, ..Default::default() };
        let tokens = actor.authentication().refresh_tokens(request).await?.into_inner().tokens.expect("tokens");
        *newest.lock().expect("one at a time") = tokens.refresh_token;
        Ok::<_, Status>(())
    };
    let answer = world::eventually(refresh, Result::is_err).await;
    refusal::expect_reason(answer, Code::Unauthenticated, "REFRESH_TOKEN_REFUSED");
}

/// Waits until a call is refused: a second mostly, five at worst.
async fn until_refused(actor: &Actor, reason: &str) {
    let answer = world::eventually(|| look(actor), Result::is_err).await;
    refusal::expect_reason(answer, Code::Unauthenticated, reason);
}

fn request(user_id: &str) -> identity::ImpersonateUserRequest {
    let target = Some(Target::UserId(user_id.to_owned()));
    identity::ImpersonateUserRequest { target, reason: "cannot find the dataset".to_owned(), ..Default::default() }
}

async fn act(stack: &Stack, actor: &Actor, user_id: &str) -> Result<Actor, Status> {
    let begun = actor.authentication().impersonate_user(request(user_id)).await?.into_inner();
    Ok(Actor::bearer(stack, &begun.access_token))
}

async fn visit(stack: &Stack, organization_id: &str) -> Result<identity::Tokens, Status> {
    let request = identity::LogInAsGuestRequest { organization_id: organization_id.to_owned() };
    let answer = Actor::anonymous(stack).authentication().log_in_as_guest(request).await?.into_inner();
    Ok(answer.tokens.expect("tokens"))
}

async fn a_stranger_looks_around_while_that_is_allowed(stack: &Stack, owner: &Actor, acme: &str) {
    refusal::expect_reason(visit(stack, acme).await, Code::FailedPrecondition, "GUESTS_NOT_ALLOWED");
    allow(owner, true, false).await;
    let tokens = visit(stack, acme).await.expect("let in");
    let (guest_id, guest) = (tokens.guest_id.clone(), Actor::with_tokens(stack, tokens));
    let seen = look(&guest).await.expect("harmless");
    assert_eq!(
        (seen.kind(), seen.subject_id, seen.organization_id.as_str()),
        (organization::SubjectKind::Guest, guest_id, acme)
    );
    guest.organizations().get_organization(organization::GetOrganizationRequest::default()).await.expect("its own");
    let refused = guest.account().get_account(identity::GetAccountRequest {}).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "CALLER_KIND_REFUSED");
    let refused = guest.users().list_users(identity::ListUsersRequest::default()).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_MISSING");
    let refresh = identity::RefreshTokensRequest { refresh_token: guest.refresh_token(), ..Default::default() };
    let fresh = guest.authentication().refresh_tokens(refresh).await.expect("goes on").into_inner();
    let guest = Actor::with_tokens(stack, fresh.tokens.expect("tokens"));
    let other = Actor::with_tokens(stack, visit(stack, acme).await.expect("let in"));
    other.authentication().log_out(identity::LogOutRequest {}).await.expect("out");
    let left = world::eventually(|| look(&other), Result::is_err).await.expect_err("over");
    assert_eq!(left.code(), Code::Unauthenticated);
    look(&guest).await.expect("the other one goes on");
    allow(owner, false, false).await;
    until_refused(&guest, "SUBJECT_INACTIVE").await;
    refresh_until_refused(&guest).await;
}

async fn the_person_is_told_and_both_names_are_recorded(stack: &Stack, admin: &Actor, owner: &Actor, member: &Actor) {
    let acting = act(stack, admin, &member.id).await.expect("begun");
    let seen = look(&acting).await.expect("harmless");
    assert_eq!((&seen.subject_id, &seen.impersonator_id, seen.read_only), (&member.id, &admin.id, true));
    let own = look(member).await.expect("harmless");
    assert_eq!((own.impersonator_id.as_str(), own.read_only), ("", false));
    let account = acting.account().get_account(identity::GetAccountRequest {}).await.expect("read").into_inner();
    assert_eq!(account.user.expect("an account").user_id, member.id);
    let mail = stack.mailbox.wait_for("mia@acme.example", "acts as you").await;
    assert!(mail.text.contains("cannot find the dataset"), "{}", mail.text);
    acting.authentication().log_out(identity::LogOutRequest {}).await.expect("stopped");
    until_refused(&acting, "SESSION_ENDED").await;
    look(admin).await.expect("the own session goes on");
    let list = || organization::ListAuditEventsRequest { target_id: member.id.clone(), ..Default::default() };
    let events = world::eventually(
        || async { owner.audit().list_audit_events(list()).await.expect("listed").into_inner().audit_events },
        |events| events.iter().any(|event| !event.on_behalf_of_id.is_empty()),
    )
    .await;
    let find = |topic: &str| events.iter().find(|event| event.topic == topic).expect("recorded");
    let (begun, ended) = (find("identity.user_impersonated"), find("identity.session_ended"));
    assert_eq!((&begun.actor_id, begun.details["reason"].as_str()), (&admin.id, "cannot find the dataset"));
    assert_eq!((&ended.actor_id, &ended.on_behalf_of_id), (&admin.id, &member.id));
}

async fn it_ends_with_the_session_of_who_acts(stack: &Stack, member: &Actor) {
    let admin = Actor::log_in(stack, world::ADMIN).await.expect("logged in");
    let acting = act(stack, &admin, &member.id).await.expect("begun");
    look(&acting).await.expect("harmless");
    admin.authentication().log_out(identity::LogOutRequest {}).await.expect("out");
    until_refused(&acting, "SESSION_ENDED").await;
}

async fn an_owner_acts_while_that_is_allowed(stack: &Stack, owner: &Actor, member: &Actor) {
    let refused = act(stack, owner, &member.id).await;
    refusal::expect_reason(refused.map(|_| ()), Code::PermissionDenied, "PERMISSION_MISSING");
    allow(owner, false, true).await;
    let begun = world::eventually(|| act(stack, owner, &member.id), Result::is_ok).await;
    let acting = begun.expect("allowed");
    look(&acting).await.expect("harmless");
    allow(owner, false, false).await;
    until_refused(&acting, "SESSION_ENDED").await;
}

async fn it_ends_when_who_acts_is_blocked(stack: &Stack, admin: &Actor, owner: &Actor, member: &Actor) {
    allow(owner, false, true).await;
    world::member(stack, owner, "otto@acme.example", &["OWNER"]).await;
    let other = Actor::log_in(stack, "otto@acme.example").await.expect("logged in");
    let begun = world::eventually(|| act(stack, &other, &member.id), Result::is_ok).await;
    let acting = begun.expect("allowed");
    look(&acting).await.expect("harmless");
    let reason = "a test".to_owned();
    let block = organization::BlockMemberRequest { user_id: other.id.clone(), reason, ..Default::default() };
    admin.members().block_member(block).await.expect("blocked");
    // Organization blocked it, so its process obeys before anybody is answered.
    let refused = tokio::time::timeout(Duration::from_mins(1), look(&acting)).await.expect("answered");
    refusal::expect_reason(refused, Code::Unauthenticated, "SESSION_ENDED");
}
