//! Access decisions and what they stand on.

use std::collections::BTreeSet;

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_testkit::on_each_database;

use crate::stage::{Stage, Who, refused};

pub(crate) fn organization(id: OrganizationId) -> pb::resource::Resource {
    pb::resource::Resource::OrganizationId(id.to_string())
}

pub(crate) fn record(id: UserId) -> pb::resource::Resource {
    pb::resource::Resource::UserId(id.to_string())
}

pub(crate) async fn ask(
    stage: &Stage,
    asker: Who,
    subject: impl ToString,
    permission: &str,
    resource: pb::resource::Resource,
) -> pb::CheckAccessResponse {
    let request = pb::CheckAccessRequest {
        subject_id: subject.to_string(),
        permission: permission.to_owned(),
        resource: Some(pb::Resource { resource: Some(resource) }),
        consistency: None,
    };
    stage.access_as(asker).check_access(request).await.expect("answers").into_inner()
}

const LIST: &str = "organization.members.list";
const REGISTER: &str = "organization.datasets.register";
const OWN: &str = "organization.datasets.update_registered";

on_each_database! {
    async fn every_reason_can_be_reached(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let pending = stage.add_pending(owner, acme, &["GUEST"]).await;
        let blocked = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        stage.block(owner, blocked).await.expect("blocks");
        let program = stage.add_service_account(owner, "", &[LIST]).await.expect("adds");
        let (other, kept_out) = stage.found("Other").await;
        let suspend = pb::SuspendOrganizationRequest {
            organization_id: other.to_string(),
            reason: "a test".to_owned(),
            ..Default::default()
        };
        stage.organizations(stage.admin).suspend_organization(suspend).await.expect("suspends");
        let nobody = stage.new_user();
        let admin = Who::User(stage.admin);
        let mut seen = BTreeSet::new();
        for (subject, permission, resource, reason) in [
            (owner.to_string(), LIST, organization(acme), pb::AccessReason::RoleHoldsPermission),
            (program.to_string(), LIST, organization(acme), pb::AccessReason::PermissionGiven),
            (guest.to_string(), "identity.users.get", record(guest), pb::AccessReason::OwnRecord),
            (nobody.to_string(), LIST, organization(acme), pb::AccessReason::SubjectUnknown),
            (owner.to_string(), LIST, record(nobody), pb::AccessReason::ResourceUnknown),
            (owner.to_string(), "organization.members.eat", organization(acme), pb::AccessReason::PermissionUnknown),
            (pending.to_string(), LIST, organization(acme), pb::AccessReason::SubjectInactive),
            (blocked.to_string(), REGISTER, organization(acme), pb::AccessReason::Blocked),
            (owner.to_string(), LIST, organization(stage.home), pb::AccessReason::NotAMember),
            (guest.to_string(), LIST, organization(acme), pb::AccessReason::PermissionMissing),
            (kept_out.to_string(), LIST, organization(other), pb::AccessReason::OrganizationSuspended),
            (guest.to_string(), "identity.users.get", record(owner), pb::AccessReason::NotOwnRecord),
            (steward.to_string(), OWN, organization(acme), pb::AccessReason::ConditionNotMet),
        ] {
            let answer = ask(&stage, admin, subject, permission, resource).await;
            assert_eq!(answer.reason(), reason, "{permission}");
            let allows = [
                pb::AccessReason::RoleHoldsPermission,
                pb::AccessReason::PermissionGiven,
                pb::AccessReason::OwnRecord,
            ];
            assert_eq!(answer.allowed, allows.contains(&reason), "{reason:?}");
            seen.insert(answer.reason);
        }
        // Those about data follow, and are reached there.
        assert_eq!(seen, (1..pb::AccessReason::Registrant.into()).collect());
    }

    async fn an_owner_asks_about_its_own_organization_only(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let (_, stranger) = stage.found("Other").await;
        let asker = Who::User(owner);
        let foreign = ask(&stage, asker, stranger, LIST, organization(acme)).await;
        let random = ask(&stage, asker, stage.new_user(), LIST, organization(acme)).await;
        assert_eq!((foreign.reason(), &foreign), (pb::AccessReason::SubjectUnknown, &random));
        let foreign = ask(&stage, asker, owner, LIST, organization(stage.home)).await;
        assert_eq!(foreign.reason(), pb::AccessReason::ResourceUnknown);
        let foreign = ask(&stage, asker, owner, LIST, record(stranger)).await;
        assert_eq!(foreign.reason(), pb::AccessReason::ResourceUnknown);
        let program = stage.add_service_account(stage.admin, "-", &["organization.access.check"]).await.expect("adds");
        let instance = ask(&stage, asker, program, LIST, organization(acme)).await;
        assert_eq!(instance.reason(), pb::AccessReason::SubjectUnknown);
        let answer = ask(&stage, Who::ServiceAccount(program), stranger, LIST, organization(acme)).await;
        assert_eq!(answer.reason(), pb::AccessReason::NotAMember);
    }

    /// ASVS: T20
    async fn asvs_v8_3_2_a_decision_is_never_older_than_the_last_change(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        let admin = Who::User(stage.admin);
        let answer = ask(&stage, admin, user, REGISTER, organization(stage.home)).await;
        assert_eq!((answer.allowed, answer.roles), (true, vec!["DATA_STEWARD".to_owned()]));
        let changed = stage.set_roles(stage.admin, user, &["GUEST"]).await.expect("changes");
        let answer = ask(&stage, admin, user, REGISTER, organization(stage.home)).await;
        assert!(!answer.allowed);
        let number = |text: &str| text.parse::<i64>().expect("a number");
        assert!(number(&answer.revision) >= number(&changed.revision));
    }

    async fn everybody_sees_its_own_access(database) {
        let stage = Stage::open(&database).await;
        let user = stage.add_active(stage.admin, stage.home, &["DATA_STEWARD"]).await;
        let own = stage.access_as(Who::User(user)).get_my_access(pb::GetMyAccessRequest {}).await;
        let own = own.expect("answers").into_inner();
        assert_eq!((own.subject_id, own.organization_id), (user.to_string(), stage.home.to_string()));
        assert_eq!(own.roles, ["DATA_STEWARD"]);
        let grant = |name: &str| own.grants.iter().find(|grant| grant.permission == name).map(pb::PermissionGrant::scope);
        assert_eq!(grant(REGISTER), Some(pb::PermissionScope::OwnOrganization));
        assert_eq!(grant("identity.users.get"), Some(pb::PermissionScope::Self_));
        assert_eq!(grant(OWN), Some(pb::PermissionScope::Related));
        let all = stage.subject_access(stage.admin).await.expect("known").grants;
        assert!(all.iter().any(|grant| grant.permission == LIST && grant.scope() == pb::PermissionScope::All));
        assert_eq!(refused(stage.subject_access(stage.random_id()).await), "SUBJECT_NOT_FOUND");
    }
}
