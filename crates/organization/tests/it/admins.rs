//! Administrators of the instance: listed, granted, revoked, and never none.

use std::collections::BTreeSet;

use futures::future::join_all;
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::stage::{Stage, block, reason, refused};

/// How many administrators of a race take it from each other, and how often; the long tier asks for more.
const TOGETHER: usize = 64;

fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "the long tier asks for more by the environment")]
    let long = std::env::var_os("ROLECALL_LONG_TESTS").is_some();
    if long { 500 } else { 2 }
}

async fn grant(stage: &Stage, actor: UserId, user: UserId) -> Result<pb::Member, Status> {
    let request = pb::GrantAdminRequest { user_id: user.to_string(), ..Default::default() };
    Ok(stage.members(actor).grant_admin(request).await?.into_inner().member.expect("a member"))
}

async fn revoke(stage: &Stage, actor: UserId, user: UserId) -> Result<pb::Member, Status> {
    let request = pb::RevokeAdminRequest { user_id: user.to_string(), ..Default::default() };
    Ok(stage.members(actor).revoke_admin(request).await?.into_inner().member.expect("a member"))
}

async fn admins(stage: &Stage, actor: UserId) -> Vec<pb::Member> {
    stage.members(actor).list_admins(pb::ListAdminsRequest::default()).await.expect("lists").into_inner().members
}

on_each_database! {
    async fn an_administrator_makes_another_who_may_at_once_what_administrators_may(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let list = pb::ListOrganizationsRequest::default();
        assert_eq!(refused(stage.organizations(owner).list_organizations(list.clone()).await), "PERMISSION_MISSING");
        stage.drain().await;
        let granted = grant(&stage, stage.admin, owner).await.expect("grants");
        assert_eq!(granted.roles, ["ADMIN", "OWNER"]);
        assert_eq!(granted.organization_id, acme.to_string());
        stage.organizations(owner).list_organizations(list.clone()).await.expect("may");
        assert_eq!(grant(&stage, stage.admin, owner).await.expect("nothing changes"), granted);
        let ids: BTreeSet<_> = admins(&stage, owner).await.into_iter().map(|member| member.user_id).collect();
        assert_eq!(ids, BTreeSet::from([stage.admin.to_string(), owner.to_string()]));
        let revoked = revoke(&stage, owner, stage.admin).await.expect("revokes");
        assert_eq!(revoked.roles, ["OWNER"]);
        assert_eq!(refused(stage.organizations(stage.admin).list_organizations(list).await), "PERMISSION_MISSING");
        assert_eq!(revoke(&stage, owner, stage.admin).await.expect("nothing changes").roles, ["OWNER"]);
        stage.drain().await;
        let topics: Vec<_> = stage.identity.mails().into_iter().map(|mail| mail.topic).collect();
        for topic in ["organization.admin_granted", "organization.admin_revoked"] {
            assert_eq!(topics.iter().filter(|told| *told == topic).count(), 1, "{topic}");
        }
        let codes = stage.identity.topics();
        let changed = codes.iter().filter(|topic| *topic == "organization.member_roles_changed").count();
        assert_eq!(changed, 2, "codes end with a promotion, and with its end");
    }

    /// ASVS: V8.2.1
    async fn attack_t22_nobody_becomes_an_administrator_by_itself_or_by_less_than_one(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let pending = stage.add_pending(owner, acme, &["GUEST"]).await;
        assert_eq!(refused(grant(&stage, owner, guest).await), "PERMISSION_MISSING");
        assert_eq!(refused(grant(&stage, owner, owner).await), "PERMISSION_MISSING");
        assert_eq!(refused(revoke(&stage, owner, stage.admin).await), "PERMISSION_MISSING");
        let list = stage.members(owner).list_admins(pb::ListAdminsRequest::default()).await;
        assert_eq!(refused(list), "PERMISSION_MISSING");
        assert_eq!(refused(grant(&stage, stage.admin, stage.admin).await), "SELF_REFUSED");
        assert_eq!(refused(revoke(&stage, stage.admin, stage.admin).await), "SELF_REFUSED");
        assert_eq!(refused(grant(&stage, stage.admin, pending).await), "MEMBER_NOT_ACTIVE");
        assert_eq!(refused(grant(&stage, stage.admin, stage.new_user()).await), "MEMBER_NOT_FOUND");
        assert_eq!(refused(stage.set_roles(stage.admin, guest, &["ADMIN"]).await), "REQUEST_INVALID");
        let wrong = pb::GrantAdminRequest { user_id: "me".to_owned(), request_id: "7".to_owned() };
        assert_eq!(refused(stage.members(stage.admin).grant_admin(wrong).await), "REQUEST_INVALID");
        let pages = pb::ListAdminsRequest { page_size: -1, ..Default::default() };
        assert_eq!(refused(stage.members(stage.admin).list_admins(pages).await), "REQUEST_INVALID");
        let suspend = pb::SuspendOrganizationRequest {
            organization_id: acme.to_string(),
            reason: "a test".to_owned(),
            ..Default::default()
        };
        stage.organizations(stage.admin).suspend_organization(suspend).await.expect("suspends");
        assert_eq!(refused(grant(&stage, stage.admin, guest).await), "ORGANIZATION_SUSPENDED");
    }

    async fn a_grant_is_asked_for_once_and_pages_follow_each_other(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let request = pb::GrantAdminRequest { user_id: user.to_string(), request_id: stage.random_id() };
        let mut client = stage.members(stage.admin);
        let first = client.grant_admin(request.clone()).await.expect("grants").into_inner();
        assert_eq!(client.grant_admin(request).await.expect("repeats").into_inner(), first);
        let page = pb::ListAdminsRequest { page_size: 1, ..Default::default() };
        let one = client.list_admins(page.clone()).await.expect("lists").into_inner();
        let rest = pb::ListAdminsRequest { page_token: one.next_page_token, ..page };
        let two = client.list_admins(rest).await.expect("lists").into_inner();
        let ids = [one.members, two.members].concat().into_iter().map(|member| member.user_id);
        assert_eq!(ids.collect::<Vec<_>>(), [stage.admin.to_string(), user.to_string()]);
        assert_eq!(two.next_page_token, "");
    }

    /// ASVS: V2.3.4
    async fn attack_t25_administrators_that_revoke_each_other_leave_one(database) {
        let stage = Stage::open(&database).await;
        let mut all = vec![stage.admin];
        while all.len() < TOGETHER {
            all.push(stage.add_active(stage.admin, stage.home, &["GUEST"]).await);
        }
        for round in 0..rounds() {
            for user in all.iter().filter(|user| **user != stage.admin) {
                grant(&stage, stage.admin, *user).await.expect("grants");
            }
            let (stage, next) = (&stage, |index: usize| all[(index + 1) % all.len()]);
            let removals = all.iter().enumerate().map(|(index, actor)| (next(index), index, *actor)).map(|(other, index, actor)| async move {
                match index % 3 {
                    0 => stage.members(actor).block_member(block(other)).await.map(drop),
                    _ => revoke(stage, actor, other).await.map(drop),
                }
            });
            for status in join_all(removals).await.into_iter().filter_map(Result::err) {
                let known = ["LAST_ADMIN", "LAST_OWNER", "ACTOR_NOT_ENTITLED", "PERMISSION_MISSING", "SUBJECT_INACTIVE"];
                let is_known = known.contains(&reason(&status).as_str());
                assert!(is_known && status.code() != Code::Internal, "round {round}: {status:?}");
            }
            let mut able = Vec::new();
            for user in &all {
                let access = stage.subject_access(*user).await.expect("known");
                if access.active && !access.blocked && access.roles.contains(&"ADMIN".to_owned()) {
                    able.push(*user);
                }
            }
            let first = *able.first().unwrap_or_else(|| panic!("round {round}: nobody is in charge"));
            make_whole(stage, first, &all).await;
        }
    }
}

/// Lets the first administrator be one again, and nobody be blocked.
async fn make_whole(stage: &Stage, able: UserId, all: &[UserId]) {
    for user in all.iter().filter(|user| **user != able) {
        let lifted = stage.members(able).unblock_member(crate::stage::unblock(*user)).await;
        let why = lifted.err().map(|status| reason(&status));
        assert!(why.is_none_or(|why| why == "MEMBER_NOT_BLOCKED"));
    }
    if able != stage.admin {
        grant(stage, able, stage.admin).await.expect("grants");
    }
}
