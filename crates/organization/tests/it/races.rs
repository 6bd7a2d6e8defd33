//! What happens at once: somebody always stays in charge, and revisions are in the order of commits.

use std::time::Duration;

use futures::future::{join, join_all};
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::stage::{Stage, add, reason};

/// Counts the owners of an organization that can act, as a caller sees them.
async fn owners(stage: &Stage, organization: OrganizationId) -> usize {
    let request = pb::ListMembersRequest { organization_id: organization.to_string(), ..Default::default() };
    let members = stage.members(stage.admin).list_members(request).await.expect("lists").into_inner().members;
    let acts = |member: &&pb::Member| member.roles.contains(&"OWNER".to_owned()) && member.block.is_none();
    members.iter().filter(acts).count()
}

async fn remove(stage: &Stage, actor: UserId, user: UserId, by_block: bool) -> Option<String> {
    let outcome = if by_block {
        stage.block(actor, user).await.map(drop)
    } else {
        stage.set_roles(actor, user, &["GUEST"]).await.map(drop)
    };
    outcome.err().map(|status| reason(&status))
}

fn give(stage: &Stage, program: &str) -> pb::AddServiceAccountRequest {
    pb::AddServiceAccountRequest {
        service_account_id: program.to_owned(),
        organization_id: "-".to_owned(),
        permissions: vec!["organization.access.check".to_owned()],
        actor_id: stage.admin.to_string(),
        validate_only: false,
    }
}

on_each_database! {
    /// ASVS: V2.3.4
    async fn attack_t25_two_owners_that_remove_each_other_leave_one(database) {
        let stage = Stage::open(&database).await;
        for round in 0..15 {
            let (acme, first) = stage.found(&format!("Acme {round}")).await;
            let second = stage.add_active(first, acme, &["OWNER"]).await;
            let (one, two) = (stage.draw(2) == 0, stage.draw(2) == 0);
            let (left, right) = join(remove(&stage, first, second, one), remove(&stage, second, first, two)).await;
            assert_eq!(owners(&stage, acme).await, 1, "round {round}: {left:?} {right:?}");
            assert!(left.is_none() != right.is_none(), "round {round}: {left:?} {right:?}");
        }
    }

    async fn attack_t25_an_administrator_that_removes_all_owners_at_once_leaves_one(database) {
        let stage = Stage::open(&database).await;
        for round in 0..15 {
            let (acme, first) = stage.found(&format!("Acme {round}")).await;
            let second = stage.add_active(first, acme, &["OWNER"]).await;
            let third = stage.add_active(first, acme, &["OWNER"]).await;
            let calls = [first, second, third].map(|owner| remove(&stage, stage.admin, owner, stage.draw(2) == 0));
            let outcomes = join_all(calls).await;
            assert_eq!(owners(&stage, acme).await, 1, "round {round}: {outcomes:?}");
            let refused: Vec<_> = outcomes.into_iter().flatten().collect();
            assert_eq!(refused, ["LAST_OWNER"], "round {round}");
        }
    }

    async fn what_is_added_and_removed_at_once_is_gone(database) {
        let stage = Stage::open(&database).await;
        for round in 0..30 {
            let (user, program) = (stage.new_user(), stage.random_id());
            let pause = |bound| tokio::time::sleep(Duration::from_micros(stage.draw(bound)));
            let added = async {
                pause(3_000).await;
                stage.memberships().add_member(add(user, stage.admin, stage.home, &["GUEST"])).await.map(drop)
            };
            let removed = async {
                pause(3_000).await;
                stage.memberships().remove_member(pb::RemoveMemberRequest { user_id: user.to_string() }).await
            };
            let given = async {
                pause(3_000).await;
                stage.memberships().add_service_account(give(&stage, &program)).await.map(drop)
            };
            let taken = async {
                pause(3_000).await;
                let request = pb::RemoveServiceAccountRequest { service_account_id: program.clone() };
                stage.memberships().remove_service_account(request).await
            };
            let (added, removed, given, taken) = tokio::join!(added, removed, given, taken);
            removed.expect("undoes");
            taken.expect("undoes");
            for outcome in [added, given] {
                let late = outcome.err().map(|status| reason(&status));
                assert!(late.is_none_or(|reason| reason == "SUBJECT_REMOVED"), "round {round}");
            }
            let confirm = pb::ConfirmMemberRequest { user_id: user.to_string() };
            let left = stage.memberships().confirm_member(confirm).await.expect_err("nobody is left");
            assert_eq!(reason(&left), "MEMBER_NOT_FOUND", "round {round}");
            let left = stage.subject_access(&program).await.expect_err("nothing is left");
            assert_eq!(reason(&left), "SUBJECT_NOT_FOUND", "round {round}");
        }
    }

    async fn revisions_are_in_the_order_of_commits(database) {
        let stage = Stage::open(&database).await;
        let mut users = Vec::new();
        for _ in 0..6 {
            users.push(stage.add_active(stage.admin, stage.home, &["GUEST"]).await);
        }
        let writers = users.iter().map(|user| async {
            for names in [&["DATA_STEWARD"], &["GUEST"], &["DATA_SCIENTIST"]] {
                stage.set_roles(stage.admin, *user, names).await.expect("changes");
            }
        });
        // A reader that has seen a revision never sees a smaller one appear later.
        let reader = async {
            let (mut seen, mut count) = (0, 0);
            for _ in 0..100 {
                let revisions = revisions(&stage).await;
                let below = revisions.iter().filter(|revision| **revision <= seen).count();
                assert_eq!(below, count, "a change appeared below revision {seen}");
                (seen, count) = (revisions.last().copied().unwrap_or_default(), revisions.len());
                tokio::task::yield_now().await;
            }
        };
        join(join_all(writers), reader).await;
    }
}

async fn revisions(stage: &Stage) -> Vec<i64> {
    let reader = stage.database.reader();
    let text = "SELECT revision FROM access_changes ORDER BY revision";
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await;
    rows.expect("reads").iter().map(|row| row.try_get_by_index(0).expect("a revision")).collect()
}
