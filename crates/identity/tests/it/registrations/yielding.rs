//! Accounts that nobody proved give way to whoever proves their address; all others stay.

use rolecall_api::identity::v1::create_user_request::Credential as New;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;

use super::{ADA, OWN, chosen, count, open, open_world, register, registered, typed, verify};
use crate::harness::{ADMIN, PASSWORD, World, bearer, create_user, reason};
use crate::mailbox::mails;

const SQUATTED: &str = "nine violet trams hum quietly";

/// Makes an account whose password an administrator chose, so that nobody proved its address.
async fn squat(world: &World, email: &str, role: &str) -> User {
    let initial =
        InitialPassword { password: SQUATTED.to_owned(), change: PasswordChange::Advised.into(), ..Default::default() };
    let request = CreateUserRequest { credential: Some(New::InitialPassword(initial)), ..create_user(email, role) };
    let token = world.log_in(ADMIN).await.access_token;
    world.users().create_user(bearer(&token, request)).await.expect("made").into_inner().user.expect("a user")
}

async fn is_known(world: &World, user_id: &str) -> bool {
    let token = world.log_in(ADMIN).await.access_token;
    world.users().get_user(bearer(&token, GetUserRequest { user_id: user_id.to_owned() })).await.is_ok()
}

on_each_database! {
    async fn attack_t13_an_account_that_nobody_proved_ends_with_its_sessions(database) {
        let (world, _) = open_world(&database).await;
        let squatter = squat(&world, ADA, "OWNER").await;
        world.access.invalidate_all();
        let session = world.try_log_in(ADA, SQUATTED).await.expect("the squatter is in");
        let code = registered(&world, ADA).await;
        let look = GetRegistrationRequest { code: code.clone() };
        assert!(world.registration().get_registration(look).await.expect("shown").into_inner().replaces_account);
        let account = || bearer(&session.access_token, GetAccountRequest {});
        world.accounts().get_account(account()).await.expect("nothing ends before the proof");
        let user = verify(&world, &code, chosen(OWN)).await.expect("verified");
        assert_ne!(user.user_id, squatter.user_id);
        assert_eq!(user.roles, ["DATA_SCIENTIST"], "rights of others are not inherited");
        world.accounts().get_account(account()).await.expect_err("the squatter is out");
        let refresh = RefreshTokensRequest { refresh_token: session.refresh_token.clone(), ..Default::default() };
        world.authentication().refresh_tokens(refresh).await.expect_err("for good");
        world.access.invalidate_all();
        world.try_log_in(ADA, SQUATTED).await.expect_err("its password ended");
        world.try_log_in(ADA, OWN).await.expect("its own account");
        assert!(!is_known(&world, &squatter.user_id).await);
        assert!(!world.peers.known().members.contains_key(&squatter.user_id), "its membership ended too");
        assert_eq!(count(&world, "identity.address_yielded").await, 1);
        assert_eq!(world.identity.recover().await, 0, "nothing is left to do");
    }

    async fn an_invitation_that_nobody_accepted_ends_with_its_code(database) {
        let (world, _) = open_world(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let (_, invitation) = world.invite(&token, ADA, "OWNER").await;
        let code = registered(&world, ADA).await;
        let user = verify(&world, &code, typed(PASSWORD)).await.expect("verified");
        assert_eq!(user.roles, ["DATA_SCIENTIST"]);
        assert_eq!(reason(&world.accept(&invitation).await.expect_err("ended")), "INVITATION_NOT_FOUND");
    }

    async fn an_account_that_was_proven_meanwhile_stays(database) {
        let (world, _) = open_world(&database).await;
        let token = world.log_in(ADMIN).await.access_token;
        let (invited, invitation) = world.invite(&token, ADA, "GUEST").await;
        let code = registered(&world, ADA).await;
        world.accept(&invitation).await.expect("accepted");
        assert_eq!(reason(&verify(&world, &code, chosen(OWN)).await.expect_err("taken")), "EMAIL_TAKEN");
        world.access.invalidate_all();
        world.log_in(ADA).await;
        assert!(is_known(&world, &invited.user_id).await);
        register(&world, ADA).await;
        assert_eq!(mails(&world, ADA, "registration_attempted").await.len(), 1);
        assert_eq!(mails(&world, ADA, "email_verification").await.len(), 1, "the one of before");
    }

    async fn whoever_is_last_in_charge_stays(database) {
        let (world, _) = open_world(&database).await;
        let code = registered(&world, ADMIN).await;
        let refused = verify(&world, &code, chosen(OWN)).await.expect_err("the only administrator");
        assert_eq!(reason(&refused), "EMAIL_TAKEN");
        world.log_in(ADMIN).await;
        assert_eq!(world.peers.known().members.len(), 1);
    }

    async fn a_deleted_address_stays_reserved(database) {
        let (world, admin) = open_world(&database).await;
        let user = verify(&world, &registered(&world, ADA).await, typed(PASSWORD)).await.expect("verified");
        let token = world.log_in(ADMIN).await.access_token;
        let delete = DeleteUserRequest { user_id: user.user_id.clone(), ..Default::default() };
        world.users().delete_user(bearer(&token, delete)).await.expect("deleted");
        let code = registered(&world, ADA).await;
        assert_eq!(reason(&verify(&world, &code, typed(PASSWORD)).await.expect_err("reserved")), "EMAIL_TAKEN");
        open(&world, &admin.organization_id, "");
        assert_eq!(world.peers.known().members.len(), 1, "nobody was half added");
    }
}
