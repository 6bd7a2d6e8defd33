//! How new answers are: what was promised with a token, without one, and before anything is in memory.

use rolecall_access::AccessConfig;
use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::consistency::Demand;
use rolecall_testkit::on_each_database;
use tonic_types::StatusExt as _;

use crate::access::organization;
use crate::data::{Ground, READ};
use crate::stage::{Decisions, Stage, Who, refused, violations};

const REGISTER: &str = "organization.datasets.register";

#[expect(clippy::needless_pass_by_value, reason = "ids of every kind, as they are at hand")]
pub(crate) fn question(
    subject: impl ToString,
    permission: &str,
    resource: pb::resource::Resource,
    demand: Option<Demand>,
) -> pb::CheckAccessRequest {
    pb::CheckAccessRequest {
        subject_id: subject.to_string(),
        permission: permission.to_owned(),
        resource: Some(pb::Resource { resource: Some(resource) }),
        consistency: Some(pb::Consistency { demand }),
    }
}

async fn check(mut decisions: Decisions, asked: pb::CheckAccessRequest) -> pb::CheckAccessResponse {
    decisions.check_access(asked).await.expect("answers").into_inner()
}

on_each_database! {
    async fn a_process_obeys_what_it_changed_itself_without_being_told(database) {
        let stage = Stage::open(&database).await;
        stage.access.follow().await.expect("follows");
        let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        for (roles, allowed) in [(["GUEST"], false), (["DATA_STEWARD"], true)] {
            let changed = stage.set_roles(stage.admin, user, &roles).await.expect("changes");
            let asked = question(user, REGISTER, organization(stage.home), None);
            let answer = check(stage.access_as(Who::User(stage.admin)), asked).await;
            assert_eq!((answer.allowed, answer.revision), (allowed, changed.revision));
        }
    }

    async fn c1_a_token_is_answered_at_its_revision_or_newer_or_not_at_all(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        let replica = stage.replica();
        replica.access.follow().await.expect("follows");
        let changed = stage.set_roles(stage.admin, user, &["GUEST"]).await.expect("changes");
        let ask = |demand: &str| question(user, REGISTER, organization(stage.home), Some(Demand::AtLeast(demand.to_owned())));
        let decisions = || replica.decisions(Who::User(stage.admin));
        let answer = check(decisions(), ask(&changed.revision)).await;
        assert!(!answer.allowed && answer.revision == changed.revision);
        assert!(!check(decisions(), ask(&answer.consistency_token)).await.allowed);
        for future in [format!("{}", i64::MAX), answer.consistency_token.replacen(&answer.revision, "1", 1).replace('.', ".00")] {
            let status = decisions().check_access(ask(&future)).await.expect_err("is refused");
            assert_eq!(status.code(), tonic::Code::Unavailable);
            assert!(status.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some()));
            assert_eq!(refused::<()>(Err(status)), "ACCESS_NOT_CURRENT");
        }
        let wrong = decisions().check_access(ask("nonsense")).await;
        assert_eq!(violations(wrong), [("consistency.at_least".to_owned(), "TOKEN_MALFORMED".to_owned())]);
    }

    async fn c7_whoever_asks_for_the_newest_gets_it_from_a_replica_that_was_not_told(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        let replica = stage.replica();
        replica.access.follow().await.expect("follows");
        let blocked = stage.block(stage.admin, user).await.expect("blocks");
        let asked = question(user, REGISTER, organization(stage.home), Some(Demand::FullyConsistent(true)));
        let answer = check(replica.decisions(Who::User(stage.admin)), asked).await;
        assert_eq!((answer.reason(), answer.revision), (pb::AccessReason::Blocked, blocked.revision));
    }

    async fn what_does_not_fit_into_memory_is_decided_by_the_database_and_not_listed(database) {
        let stage = Stage::open_with(&database, &AccessConfig { snapshot_mib: 0 }).await;
        let ground = Ground::lay(&stage).await;
        stage.access.follow().await.expect("follows");
        assert_eq!(stage.access.revision(), None);
        ground.open(&stage, None, None).await;
        let asked = question(ground.ada, READ, ground.dataset(0), None);
        assert!(check(stage.access_as(Who::User(stage.admin)), asked).await.allowed);
        let wish = pb::ListAccessibleResourcesRequest {
            subject_id: ground.ada.to_string(),
            permission: READ.to_owned(),
            resource_type: pb::ResourceType::Dataset.into(),
            ..Default::default()
        };
        let answer = stage.access_as(Who::User(stage.admin)).list_accessible_resources(wish).await;
        assert_eq!(refused(answer), "ACCESS_NOT_CURRENT");
    }

    async fn whoever_proves_an_address_is_seen_in_all_policies_that_waited_for_it(database) {
        let stage = Stage::open(&database).await;
        let ground = Ground::lay(&stage).await;
        let (elsewhere, owner) = stage.found("Third").await;
        let late = stage.add_active(owner, elsewhere, &["DATA_SCIENTIST"]).await;
        let policy = ground.open(&stage, None, None).await;
        stage.access.follow().await.expect("follows");
        // What the event of identity does to the tables, under a revision that names where the account belongs.
        let text = format!(
            "UPDATE asset_policy_beneficiaries SET user_id = {} WHERE asset_policy_id = {}",
            literal(&stage, &late.to_string()),
            literal(&stage, &policy)
        );
        let (subject_id, organization_id) = (late.into(), Some(elsewhere));
        let write = stage.database.write(|tx| {
            let text = text.clone();
            async move {
                let revision = rolecall_organization::ground::advance(&tx).await?;
                sea_orm::ConnectionTrait::execute_unprepared(&tx, &text).await?;
                let what = "organization.asset_policy_beneficiary_bound";
                let occurred = rolecall_kernel::time::Timestamp::from_seconds(0);
                let change = rolecall_organization::ground::AccessChange {
                    revision, subject_id, organization_id, what, occurred,
                };
                rolecall_organization::ground::record(&tx, &change, &rolecall_organization::ground::Origin::default()).await
            }
        });
        write.await.expect("writes");
        stage.access.follow().await.expect("follows");
        let asked = question(late, READ, ground.dataset(0), None);
        assert_eq!(check(stage.access_as(Who::User(stage.admin)), asked).await.reason(), pb::AccessReason::PolicyInForce);
    }

    async fn convergence_is_told_when_it_is_there_and_not_before(database) {
        let stage = Stage::open(&database).await;
        stage.access.follow().await.expect("follows");
        let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        let blocked = stage.block(stage.admin, user).await.expect("blocks");
        let wait = async |at_least: &str, seconds: i64| {
            let timeout = Some(prost_types::Duration { seconds, nanos: 0 });
            let request = pb::AwaitConvergenceRequest { at_least: at_least.to_owned(), timeout };
            stage.access_as(Who::User(stage.admin)).await_convergence(request).await
        };
        let answer = wait(&blocked.revision, 5).await.expect("answers").into_inner();
        assert_eq!((answer.converged, answer.revision), (true, blocked.revision));
        let future = wait(&i64::MAX.to_string(), 0).await.expect("answers").into_inner();
        assert!(!future.converged);
        let elsewhere = wait("1.00", 30).await.expect("answers").into_inner();
        assert!(!elsewhere.converged, "another history is not waited for");
        let expected = [("at_least".to_owned(), "REQUIRED".to_owned()), ("timeout".to_owned(), "OUT_OF_RANGE".to_owned())];
        assert_eq!(violations(wait("", 31).await), expected);
    }
}

/// An id as the database writes it.
fn literal(stage: &Stage, id: &str) -> String {
    match stage.database.backend() {
        rolecall_db::Backend::Postgres => format!("'{id}'::uuid"),
        rolecall_db::Backend::Sqlite => format!("x'{}'", id.replace('-', "")),
    }
}
