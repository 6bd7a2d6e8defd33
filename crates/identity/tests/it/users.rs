use std::sync::Arc;

use rolecall_api::identity::v1::{CreateUserRequest, GetUserRequest, ListUsersRequest, ResendInvitationRequest};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, at_once, bearer, bytes, create_user, reason, request_id};

fn list(organization: &str, size: i32, token: &str) -> ListUsersRequest {
    let (organization_id, page_token) = (organization.to_owned(), token.to_owned());
    ListUsersRequest { organization_id, page_size: size, page_token, ..Default::default() }
}

on_each_database! {
    async fn attack_t16_a_created_user_is_readable_at_once_and_its_address_is_taken_in_every_spelling(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (user, _) = world.invite(&tokens.access_token, "Ada@example.org", "DATA_SCIENTIST").await;
        let request = bearer(&tokens.access_token, GetUserRequest { user_id: user.user_id.clone() });
        assert_eq!(world.users().get_user(request).await.expect("read").into_inner().user.as_ref(), Some(&user));
        let taken = create_user("ada@EXAMPLE.org", "GUEST");
        let refused = world.users().create_user(bearer(&tokens.access_token, taken)).await.expect_err("taken");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "EMAIL_TAKEN"));
    }

    /// ASVS: T16
    async fn asvs_v15_4_2_sixty_four_parallel_creations_of_one_address_make_one_account(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let world = Arc::new(world);
        let answers = at_once(64, |index| {
            let (world, token) = (Arc::clone(&world), token.clone());
            let email = if index % 2 == 0 { "ada@example.org" } else { "ADA@example.ORG" };
            async move { world.users().create_user(bearer(&token, create_user(email, "GUEST"))).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(reason(refused), "EMAIL_TAKEN", "{refused:?}");
        }
        assert_eq!(world.peers.known().members.len(), 2, "every other membership was taken back");
        world.identity.relay().drain().await;
        assert_eq!(world.peers.known().mail.len(), 1);
    }

    async fn validate_only_checks_everything_and_changes_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let request = CreateUserRequest { validate_only: true, ..create_user("ada@example.org", "GUEST") };
        let answer = world.users().create_user(bearer(&tokens.access_token, request)).await.expect("valid").into_inner();
        let user = answer.user.expect("as it would be");
        assert!(user.user_id.is_empty() && answer.invitation.is_none() && user.name == "Ada Lovelace");
        let taken = CreateUserRequest { validate_only: true, ..create_user(ADMIN, "GUEST") };
        let refused = world.users().create_user(bearer(&tokens.access_token, taken)).await.expect_err("taken");
        assert_eq!(reason(&refused), "EMAIL_TAKEN");
        let broken = CreateUserRequest { validate_only: true, ..Default::default() };
        let refused = world.users().create_user(bearer(&tokens.access_token, broken)).await.expect_err("broken");
        let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
        let fields: Vec<_> = told.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["email", "given_name", "family_name", "name", "roles"]);
        assert_eq!(world.peers.known().members.len(), 1);
    }

    async fn a_repeated_request_is_answered_and_not_done_again(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let request = CreateUserRequest { request_id: request_id(&world.clock), ..create_user("ada@example.org", "GUEST") };
        let world = Arc::new(world);
        let answers = at_once(8, |_| {
            let (world, token, request) = (Arc::clone(&world), token.clone(), request.clone());
            async move { world.users().create_user(bearer(&token, request)).await.map(tonic::Response::into_inner) }
        }).await;
        let answers: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]) && !answers.is_empty());
        let again = world.users().create_user(bearer(&token, request.clone())).await.expect("repeated").into_inner();
        assert_eq!(again, answers[0]);
        assert_eq!(world.peers.known().members.len(), 2);
        let other = CreateUserRequest { email: "eve@example.org".to_owned(), ..request };
        let refused = world.users().create_user(bearer(&token, other)).await.expect_err("refused");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    }

    async fn parallel_repeats_of_a_creation_get_its_answer(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let request = CreateUserRequest { request_id: request_id(&world.clock), ..create_user("ada@example.org", "GUEST") };
        let world = Arc::new(world);
        let answers = at_once(8, |_| {
            let (world, request) = (Arc::clone(&world), bearer(&token, request.clone()));
            async move { world.users().create_user(request).await.expect("answered").into_inner().user.expect("a user").user_id }
        }).await;
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }

    /// ASVS: T21
    async fn asvs_v8_2_2_what_lies_outside_of_the_scope_is_like_what_does_not_exist(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let (foreign, _) = world.invite(&root.access_token, "foreign@example.org", "GUEST").await;
        let (organization, owner) = world.second_organization("owner@example.org").await;
        let random = UserId::new(world.clock.now(), &SystemEntropy).to_string();
        let mut answers = Vec::new();
        for user_id in [foreign.user_id.clone(), admin.user_id.clone(), random.clone()] {
            let request = bearer(&owner.access_token, GetUserRequest { user_id });
            answers.push(bytes(&world.users().get_user(request).await.expect_err("not found")));
        }
        for user_id in [foreign.user_id.clone(), random.clone()] {
            let request = bearer(&owner.access_token, ResendInvitationRequest { user_id, ..Default::default() });
            answers.push(bytes(&world.users().resend_invitation(request).await.expect_err("not found")));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        let mut refusals = Vec::new();
        for organization_id in [admin.organization_id.clone(), random] {
            let request = list(&organization_id, 0, "");
            refusals.push(bytes(&world.users().list_users(bearer(&owner.access_token, request)).await.expect_err("foreign")));
            let request = CreateUserRequest { organization_id, ..create_user("new@example.org", "GUEST") };
            refusals.push(bytes(&world.users().create_user(bearer(&owner.access_token, request)).await.expect_err("foreign")));
        }
        assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{refusals:?}");
        let own = world.users().list_users(bearer(&owner.access_token, list("-", 0, ""))).await.expect("listed").into_inner();
        assert!(own.users.iter().all(|user| user.organization_id == organization) && own.users.len() == 1);
        let (mine, _) = world.invite(&owner.access_token, "mine@example.org", "GUEST").await;
        assert_eq!(mine.organization_id, organization);
    }

    async fn a_guest_reads_itself_and_nobody_else(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let guest = world.join(&root.access_token, "guest@example.org", "GUEST").await;
        let token = world.log_in("guest@example.org").await.access_token;
        let own = world.users().get_user(bearer(&token, GetUserRequest { user_id: guest.user_id })).await.expect("read");
        assert!(own.into_inner().user.expect("a user").last_login_time.is_some());
        let other = world.users().get_user(bearer(&token, GetUserRequest { user_id: admin.user_id })).await;
        assert_eq!(other.expect_err("not found").code(), Code::NotFound);
        let list = world.users().list_users(bearer(&token, list("", 0, ""))).await;
        assert_eq!(list.expect_err("refused").code(), Code::PermissionDenied);
    }

    async fn pages_follow_each_other_in_order_of_creation_and_their_tokens_serve_nobody_else(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let mut expected = vec![admin.user_id];
        for number in 0..5 {
            world.clock.advance(std::time::Duration::from_millis(2));
            let (user, _) = world.invite(&root.access_token, &format!("user{number}@example.org"), "GUEST").await;
            expected.push(user.user_id);
        }
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = world.users().list_users(bearer(&root.access_token, list("", 2, &token))).await.expect("a page").into_inner();
            assert!(page.users.len() <= 2);
            seen.extend(page.users.into_iter().map(|user| user.user_id));
            if page.next_page_token.is_empty() {
                break;
            }
            token = page.next_page_token;
        }
        assert_eq!(seen, expected);
        let (_, owner) = world.second_organization("owner@example.org").await;
        for (bearer_token, organization) in [(&owner.access_token, ""), (&root.access_token, "-")] {
            let refused = world.users().list_users(bearer(bearer_token, list(organization, 2, &token))).await.expect_err("foreign");
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
        let negative = world.users().list_users(bearer(&root.access_token, list("", -1, ""))).await.expect_err("refused");
        assert_eq!(reason(&negative), "REQUEST_INVALID");
    }

    async fn roles_that_may_not_be_granted_are_refused_and_leave_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let unknown = world.users().create_user(bearer(&root.access_token, create_user("ada@example.org", "emperor"))).await;
        let told = unknown.expect_err("refused").get_details_bad_request().expect("BadRequest").field_violations;
        assert_eq!(told[0].field, "roles[0]");
        let guest = world.join(&root.access_token, "guest@example.org", "GUEST").await;
        world.peers.known().members.remove(&guest.user_id);
        let none = CreateUserRequest {
            organization_id: UserId::new(world.clock.now(), &SystemEntropy).to_string(),
            ..create_user("ada@example.org", "GUEST")
        };
        let refused = world.users().create_user(bearer(&root.access_token, none)).await.expect_err("refused");
        assert_eq!(reason(&refused), "ORGANIZATION_NOT_FOUND");
        assert_eq!(world.peers.known().members.len(), 1);
        assert_eq!(world.identity.recover().await, 0, "no work was left behind");
    }
}
