//! Invitations that wait for an answer: listed and ended.

use std::time::Duration;

use rolecall_api::identity::v1::{
    Invitation, ListInvitationsRequest, ResendInvitationRequest, RevokeInvitationRequest,
};
use rolecall_testkit::on_each_database;
use tonic::Code;

use crate::harness::{ADMIN, World, bearer, bytes, reason, request_id};

fn list(organization: &str, size: i32, token: &str) -> ListInvitationsRequest {
    ListInvitationsRequest { organization_id: organization.to_owned(), page_size: size, page_token: token.to_owned() }
}

fn end(invitation: &Invitation) -> RevokeInvitationRequest {
    RevokeInvitationRequest { invitation_id: invitation.invitation_id.clone(), ..Default::default() }
}

async fn listed(world: &World, token: &str, organization: &str) -> Vec<Invitation> {
    let answer = world.users().list_invitations(bearer(token, list(organization, 0, ""))).await;
    answer.expect("listed").into_inner().invitations
}

fn emails(invitations: &[Invitation]) -> Vec<&str> {
    invitations.iter().map(|invitation| invitation.email.as_str()).collect()
}

on_each_database! {
    async fn what_waits_for_an_answer_is_listed_and_nothing_else(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (early, _) = world.invite(&root, "early@example.org", "GUEST").await;
        world.clock.advance(Duration::from_hours(6 * 24));
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "accepted@example.org", "GUEST").await;
        let (_, voided) = world.invite(&root, "voided@example.org", "GUEST").await;
        world.peers.known().inviter_lost_rights = true;
        world.accept(&voided).await.expect_err("void");
        world.peers.known().inviter_lost_rights = false;
        world.clock.advance(Duration::from_millis(2));
        let (ada, _) = world.invite(&root, "Ada@example.org", "GUEST").await;
        let waiting = listed(&world, &root, "").await;
        assert_eq!(emails(&waiting), ["early@example.org", "Ada@example.org"]);
        assert_eq!((waiting[1].user_id.as_str(), waiting[1].inviter_id.as_str()), (ada.user_id.as_str(), admin.user_id.as_str()));
        assert_eq!((waiting[1].create_time, &waiting[1].organization_id), (ada.create_time, &ada.organization_id));
        world.clock.advance(Duration::from_hours(24));
        let root = world.log_in(ADMIN).await.access_token;
        assert_eq!(emails(&listed(&world, &root, "").await), ["Ada@example.org"], "the other one has ended");
        // A newer one takes the place of the older.
        let request = ResendInvitationRequest { user_id: early.user_id, ..Default::default() };
        world.users().resend_invitation(bearer(&root, request)).await.expect("resent");
        assert_eq!(emails(&listed(&world, &root, "").await), ["Ada@example.org", "early@example.org"]);
    }

    async fn nobody_sees_or_ends_the_invitations_of_other_organizations(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.invite(&root, "home@example.org", "GUEST").await;
        let (organization, owner) = world.second_organization("owner@example.org").await;
        // Ids are in the order of creation from one millisecond to the next.
        world.clock.advance(Duration::from_millis(2));
        world.invite(&owner.access_token, "other@example.org", "GUEST").await;
        let home = listed(&world, &root, "").await;
        assert_eq!(emails(&home), ["home@example.org"]);
        assert_eq!(emails(&listed(&world, &root, "-").await), ["home@example.org", "other@example.org"]);
        assert_eq!(emails(&listed(&world, &root, &organization).await), ["other@example.org"]);
        assert_eq!(emails(&listed(&world, &owner.access_token, "-").await), ["other@example.org"]);
        let foreign = list(&admin.organization_id, 0, "");
        let foreign = world.users().list_invitations(bearer(&owner.access_token, foreign)).await.expect_err("foreign");
        assert_eq!(reason(&foreign), "ORGANIZATION_NOT_FOUND");
        let foreign = world.users().revoke_invitation(bearer(&owner.access_token, end(&home[0]))).await.expect_err("foreign");
        let random = RevokeInvitationRequest { invitation_id: admin.user_id, ..Default::default() };
        let random = world.users().revoke_invitation(bearer(&owner.access_token, random)).await.expect_err("unknown");
        assert_eq!((reason(&foreign).as_str(), bytes(&foreign)), ("INVITATION_NOT_FOUND", bytes(&random)));
        world.join(&root, "guest@example.org", "GUEST").await;
        let guest = world.log_in("guest@example.org").await.access_token;
        let denied = world.users().list_invitations(bearer(&guest, list("", 0, ""))).await.expect_err("refused");
        assert_eq!(denied.code(), Code::PermissionDenied);
    }

    async fn pages_of_invitations_follow_each_other(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for number in 0..5 {
            world.clock.advance(Duration::from_millis(2));
            world.invite(&root, &format!("user{number}@example.org"), "GUEST").await;
        }
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = world.users().list_invitations(bearer(&root, list("", 2, &token))).await.expect("a page").into_inner();
            assert!(page.invitations.len() <= 2);
            seen.extend(page.invitations.into_iter().map(|invitation| invitation.email));
            if page.next_page_token.is_empty() {
                break;
            }
            token = page.next_page_token;
        }
        let expected: Vec<String> = (0..5).map(|number| format!("user{number}@example.org")).collect();
        assert_eq!(seen, expected);
        let other = world.users().list_invitations(bearer(&root, list("-", 2, &token))).await.expect_err("foreign");
        assert_eq!(reason(&other), "REQUEST_INVALID");
    }

    async fn an_ended_invitation_opens_nothing_and_its_account_can_be_invited_anew(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (ada, code) = world.invite(&root, "ada@example.org", "GUEST").await;
        let invitation = listed(&world, &root, "").await.remove(0);
        let request = RevokeInvitationRequest { request_id: request_id(&world.clock), ..end(&invitation) };
        world.users().revoke_invitation(bearer(&root, request.clone())).await.expect("ended");
        world.users().revoke_invitation(bearer(&root, request)).await.expect("repeated");
        let again = world.users().revoke_invitation(bearer(&root, end(&invitation))).await.expect_err("over");
        assert_eq!(reason(&again), "INVITATION_NOT_FOUND");
        assert_eq!(reason(&world.accept(&code).await.expect_err("ended")), "INVITATION_NOT_FOUND");
        assert!(listed(&world, &root, "").await.is_empty());
        world.identity.relay().drain().await;
        assert!(world.peers.topics().contains(&"identity.invitation_revoked".to_owned()));
        let request = ResendInvitationRequest { user_id: ada.user_id, ..Default::default() };
        world.users().resend_invitation(bearer(&root, request)).await.expect("invited anew");
        world.accept(&world.code("ada@example.org").await).await.expect("accepted");
    }

    async fn attack_t24_an_invitation_is_accepted_or_ended_and_never_both(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for round in 0..8 {
            let (user, code) = world.invite(&root, &format!("user{round}@example.org"), "GUEST").await;
            let invitations = listed(&world, &root, "").await;
            let invitation = invitations.iter().find(|found| found.user_id == user.user_id).expect("listed");
            let mut client = world.users();
            let (accepted, ended) = tokio::join!(world.accept(&code), client.revoke_invitation(bearer(&root, end(invitation))));
            assert!(accepted.is_ok() != ended.is_ok(), "round {round}: {accepted:?} {ended:?}");
        }
    }
}
