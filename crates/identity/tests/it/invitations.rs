use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::{AcceptInvitationRequest, GetInvitationRequest, ResendInvitationRequest, UserState};
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, reason};

fn look(code: &str) -> GetInvitationRequest {
    GetInvitationRequest { code: code.to_owned() }
}

on_each_database! {
    async fn an_invited_person_sees_who_invites_into_what_and_accepts(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (user, code) = world.invite(&tokens.access_token, "ada@example.org", "DATA_SCIENTIST").await;
        assert_eq!((user.state(), user.organization_id.as_str()), (UserState::Invited, admin.organization_id.as_str()));
        let shown = world.registration().get_invitation(look(&code)).await.expect("shown").into_inner();
        assert_eq!((shown.organization_name.as_str(), shown.inviter_name.as_str()), ("Analytical Engines", "Grace Hopper"));
        assert_eq!((shown.email.as_str(), shown.roles.as_slice()), ("ada@example.org", ["DATA_SCIENTIST".to_owned()].as_slice()));
        assert_eq!(shown.password_policy.map(|policy| policy.min_characters), Some(15));
        let accepted = world.accept(&code).await.expect("accepted");
        assert_eq!((accepted.state(), accepted.roles.as_slice()), (UserState::Active, ["DATA_SCIENTIST".to_owned()].as_slice()));
        world.access.invalidate_all();
        world.log_in("Ada@Example.org").await;
        let used = world.registration().get_invitation(look(&code)).await.expect_err("used");
        let unknown = world.registration().get_invitation(look("rci_x")).await.expect_err("unknown");
        assert_eq!(bytes(&used), bytes(&unknown));
        world.identity.relay().drain().await;
        assert!(world.peers.topics().contains(&"identity.invitation_accepted".to_owned()));
    }

    async fn a_code_is_erased_from_the_outbox_once_its_mail_is_handed_over(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        world.identity.relay().drain().await;
        let reader = world.db.reader();
        let text = "SELECT payload FROM outbox WHERE topic = 'notification.mail_requested'";
        let orders = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await.expect("read");
        let payloads: Vec<Vec<u8>> = orders.iter().map(|row| row.try_get_by_index(0).expect("bytes")).collect();
        assert_eq!(payloads, [Vec::<u8>::new()]);
        world.accept(&code).await.expect("it came by mail all the same");
    }

    /// ASVS: V2.3.4, T24
    async fn asvs_v6_4_1_a_code_serves_once_also_in_parallel(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        let world = Arc::new(world);
        let answers = at_once(64, |_| {
            let (world, code) = (Arc::clone(&world), code.clone());
            async move { world.accept(&code).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(reason(refused), "INVITATION_NOT_FOUND");
        }
        world.log_in("ada@example.org").await;
    }

    /// ASVS: T23
    async fn asvs_v6_4_1_a_code_ends_after_seven_days_and_when_a_newer_one_is_sent(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (user, old) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        let request = ResendInvitationRequest { user_id: user.user_id.clone(), ..Default::default() };
        world.users().resend_invitation(bearer(&tokens.access_token, request.clone())).await.expect("resent");
        let new = world.code("ada@example.org").await;
        assert_ne!(old, new);
        assert_eq!(reason(&world.accept(&old).await.expect_err("replaced")), "INVITATION_NOT_FOUND");
        world.clock.advance(Duration::from_hours(7 * 24));
        assert_eq!(reason(&world.accept(&new).await.expect_err("ended")), "INVITATION_NOT_FOUND");
        let tokens = world.log_in(ADMIN).await;
        world.users().resend_invitation(bearer(&tokens.access_token, request.clone())).await.expect("resent");
        world.accept(&world.code("ada@example.org").await).await.expect("accepted");
        let late = world.users().resend_invitation(bearer(&tokens.access_token, request)).await.expect_err("refused");
        assert_eq!(reason(&late), "USER_NOT_INVITED");
    }

    async fn attack_t23_an_invitation_is_void_when_the_inviter_lost_the_right(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        world.peers.known().inviter_lost_rights = true;
        assert_eq!(reason(&world.accept(&code).await.expect_err("void")), "INVITATION_VOID");
        world.peers.known().inviter_lost_rights = false;
        assert_eq!(reason(&world.accept(&code).await.expect_err("gone")), "INVITATION_NOT_FOUND");
        world.try_log_in("ada@example.org", PASSWORD).await.expect_err("not active");
        world.identity.relay().drain().await;
        assert!(world.peers.topics().contains(&"identity.invitation_voided".to_owned()));
    }

    async fn a_weak_password_uses_up_no_code(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, code) = world.invite(&tokens.access_token, "ada@example.org", "GUEST").await;
        for weak in ["short", "ada lovelace 1843", "aaaaaaaaaaaaaaaaaaaa"] {
            let request = AcceptInvitationRequest { code: code.clone(), password: weak.to_owned(), ..Default::default() };
            let refused = world.registration().accept_invitation(request).await.expect_err("refused");
            assert_eq!(reason(&refused), "REQUEST_INVALID", "{weak}");
        }
        world.accept(&code).await.expect("accepted");
    }
}
