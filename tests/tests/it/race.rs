//! Many at once: the database decides, and exactly one wins.

use std::time::Duration;

use futures::future::join_all;
use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack};
use tonic::Code;

use crate::world;

#[tokio::test]
async fn sixty_four_parallel_creations_of_one_address_make_one_account_on_sqlite() {
    one_address(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn sixty_four_parallel_creations_of_one_address_make_one_account_on_postgres() {
    one_address(world::ONE_POSTGRES).await;
}

async fn one_address(plan: Plan) {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    let spelling = |index: usize| {
        if index.is_multiple_of(2) { "One@Home.example" } else { "one@home.example" }
    };
    let calls = (0..64).map(|index| {
        let mut users = admin.users();
        async move { users.create_user(world::create_user_request(spelling(index), &["GUEST"])).await }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    for answer in answers.into_iter().filter(Result::is_err) {
        refusal::expect_reason(answer, Code::AlreadyExists, "EMAIL_TAKEN");
    }
    let members = organization::ListMembersRequest::default();
    let members = admin.members().list_members(members).await.unwrap().into_inner().members;
    assert_eq!(members.len(), 2, "the losers left no membership behind");
    world::accept(&stack, "one@home.example").await.ok();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let to_one = stack.mailbox.mails().into_iter().filter(|mail| mail.to.eq_ignore_ascii_case("one@home.example"));
    assert_eq!(to_one.count(), 1, "the losers sent no mail");
}

/// ASVS: V2.3.4
#[tokio::test]
async fn attack_t24_sixty_four_parallel_acceptances_of_one_invitation_activate_once() {
    let stack = Stack::start(world::ONE_POSTGRES).await;
    let admin = world::bootstrap(&stack).await;
    for round in 0..rounds() {
        accept_many_times(&stack, &admin, &format!("many{round}@home.example")).await;
    }
    let request = organization::ListAuditEventsRequest {
        topic: "identity.invitation_accepted".to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    let list =
        || async { admin.audit().list_audit_events(request.clone()).await.unwrap().into_inner().audit_events.len() };
    assert_eq!(world::eventually(list, |count| *count >= rounds()).await, rounds());
}

/// One on each test run, 200 on a long one.
fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test is steered by the environment")]
    let is_long = std::env::var_os("ROLECALL_LONG_TESTS").is_some();
    if is_long { 200 } else { 1 }
}

async fn accept_many_times(stack: &Stack, admin: &Actor, email: &str) {
    admin.users().create_user(world::create_user_request(email, &["GUEST"])).await.unwrap();
    let code = stack.mailbox.wait_for(email, "nvit").await.code();
    let calls = (0..64).map(|_| {
        let mut registration = Actor::anonymous(stack).registration();
        let request = identity::AcceptInvitationRequest {
            code: code.clone(),
            password: PASSWORD.to_owned(),
            password_confirmation: PASSWORD.to_owned(),
        };
        async move { registration.accept_invitation(request).await }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        let refused = refusal::expect(answer);
        let expected = ["INVITATION_NOT_FOUND", "HASHING_OVERLOADED"];
        assert!(expected.contains(&refused.reason.as_str()), "{refused:?}");
    }
}

/// ASVS: V10.4.5, V15.4.2
#[tokio::test]
async fn attack_t08_thirty_two_parallel_refreshes_of_one_token_get_one_successor() {
    let stack = Stack::start(world::ONE_POSTGRES).await;
    let admin = world::bootstrap(&stack).await;
    let calls = (0..32).map(|_| {
        let mut authentication = Actor::anonymous(&stack).authentication();
        let request = identity::RefreshTokensRequest { refresh_token: admin.refresh_token(), ..Default::default() };
        async move { authentication.refresh_tokens(request).await }
    });
    let successors: Vec<String> = join_all(calls)
        .await
        .into_iter()
        .map(|answer| answer.expect("each refresh within the grace works").into_inner().tokens.unwrap().refresh_token)
        .collect();
    assert!(successors.iter().all(|token| *token == successors[0]));
    assert_ne!(successors[0], admin.refresh_token());
}

/// ASVS: V2.3.4, V15.4.2
#[tokio::test]
async fn attack_t25_two_owners_who_demote_each_other_leave_one() {
    let stack = Stack::start(world::ONE_POSTGRES).await;
    let admin = world::bootstrap(&stack).await;
    let (_, first) = world::organization_with_owner(&stack, &admin, "Lab", "a@lab.example").await;
    let second = world::member(&stack, &first, "b@lab.example", &["OWNER"]).await;
    for _round in 0..10 {
        let demote = |by: &Actor, whom: &Actor| {
            let request = organization::UpdateMemberRolesRequest {
                user_id: whom.id.clone(),
                roles: vec!["GUEST".to_owned()],
                ..Default::default()
            };
            let mut members = by.members();
            async move { members.update_member_roles(request).await }
        };
        let (one, other) = tokio::join!(demote(&first, &second), demote(&second, &first));
        let (won, lost) = if one.is_ok() { (&first, other) } else { (&second, one) };
        let reason = refusal::expect(lost).reason;
        assert!(
            ["LAST_OWNER", "PERMISSION_MISSING", "ROLE_NOT_GRANTABLE", "MEMBER_NOT_FOUND", "ACTOR_NOT_ENTITLED"]
                .contains(&reason.as_str()),
            "{reason}"
        );
        let loser = if won.id == first.id { &second } else { &first };
        let restore = organization::UpdateMemberRolesRequest {
            user_id: loser.id.clone(),
            roles: vec!["OWNER".to_owned()],
            ..Default::default()
        };
        won.members().update_member_roles(restore).await.expect("the owner that is left restores the other");
    }
}
