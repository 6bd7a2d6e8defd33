//! Every method that changes something says what it leaves in the audit log; what is not said here does not exist.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, MethodDescriptor};
use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::raw;
use rolecall_tests::stack::{Plan, Post, Stack};
use tonic::Request;

use crate::world;

/// What a success of a method leaves, or why it leaves nothing.
enum Leaves {
    /// An entry of this topic.
    Topic(&'static str),
    /// Nothing: it changes nothing that lasts.
    Nothing(&'static str),
}

use Leaves::{Nothing, Topic};

/// Each method that may change something, by context and name.
const EXPECTED: &[(&str, &str, Leaves)] = &[
    ("identity", "AcceptInvitation", Topic("identity.invitation_accepted")),
    ("identity", "AnswerChallenge", Topic("identity.login_succeeded")),
    ("identity", "BeginSsoLogin", Nothing("only the way to the provider; the login is told")),
    ("identity", "Bootstrap", Topic("identity.instance_bootstrapped")),
    ("identity", "ChangeEmail", Topic("identity.email_change_requested")),
    ("identity", "ChangePassword", Topic("identity.password_changed")),
    ("identity", "CompleteSsoLogin", Topic("identity.login_succeeded")),
    ("identity", "ConfirmEmailChange", Topic("identity.email_changed")),
    ("identity", "ConfirmTotp", Topic("identity.factor_added")),
    ("identity", "CreateAccessToken", Topic("identity.access_token_created")),
    ("identity", "CreateApiKey", Topic("identity.api_key_created")),
    ("identity", "CreateDomain", Topic("identity.domain_claimed")),
    ("identity", "CreateIdentityProvider", Topic("identity.identity_provider_created")),
    ("identity", "CreateServiceAccount", Topic("identity.service_account_created")),
    ("identity", "CreateUser", Topic("identity.user_invited")),
    ("identity", "DeleteApiKey", Topic("identity.api_key_deleted")),
    ("identity", "DeleteDomain", Topic("identity.domain_deleted")),
    ("identity", "DeleteIdentityProvider", Topic("identity.identity_provider_deleted")),
    ("identity", "DeleteServiceAccount", Topic("identity.service_account_deleted")),
    ("identity", "DeleteUser", Topic("identity.user_deleted")),
    ("identity", "EnrollTotp", Nothing("a factor counts once it is confirmed")),
    ("identity", "ExchangeApiKey", Nothing("its use is noted at the key; five minutes, renewed by the same key")),
    ("identity", "ImpersonateUser", Topic("identity.user_impersonated")),
    ("identity", "IssuePasswordReset", Topic("identity.password_reset_requested")),
    ("identity", "LinkIdentity", Topic("identity.identity_linked")),
    ("identity", "LogIn", Topic("identity.login_succeeded")),
    ("identity", "LogInAsGuest", Topic("identity.guest_logged_in")),
    ("identity", "LogOut", Topic("identity.session_ended")),
    ("identity", "Reauthenticate", Topic("identity.reauthenticated")),
    ("identity", "RefreshTokens", Nothing("the session goes on; a stolen token is told")),
    ("identity", "RegenerateRecoveryCodes", Topic("identity.recovery_codes_regenerated")),
    ("identity", "Register", Topic("identity.registration_requested")),
    ("identity", "RemoveFactor", Topic("identity.factor_removed")),
    ("identity", "RequestPasswordReset", Topic("identity.password_reset_requested")),
    ("identity", "ResendEmailVerification", Nothing("the same registration once more")),
    ("identity", "ResendInvitation", Topic("identity.invitation_resent")),
    ("identity", "ResetPassword", Topic("identity.password_changed")),
    ("identity", "ResetUserFactors", Topic("identity.factors_reset")),
    ("identity", "RevokeAccessToken", Topic("identity.access_token_revoked")),
    ("identity", "RevokeInvitation", Topic("identity.invitation_revoked")),
    ("identity", "RevokeSessions", Topic("identity.session_ended")),
    ("identity", "RevokeUserSessions", Topic("identity.session_ended")),
    ("identity", "RotateSigningKeys", Topic("identity.signing_key_rotated")),
    ("identity", "SetUserPassword", Topic("identity.password_set")),
    ("identity", "TestIdentityProvider", Nothing("it looks whether the provider answers")),
    ("identity", "UnlinkIdentity", Topic("identity.identity_unlinked")),
    ("identity", "UpdateAccount", Topic("identity.account_updated")),
    ("identity", "UpdateIdentityProvider", Topic("identity.identity_provider_updated")),
    ("identity", "UpdateServiceAccount", Topic("identity.service_account_updated")),
    ("identity", "UpdateSettings", Topic("identity.instance_settings_changed")),
    ("identity", "UpdateUser", Topic("identity.account_updated")),
    ("identity", "VerifyDomain", Topic("identity.domain_verified")),
    ("identity", "VerifyEmail", Topic("identity.user_registered")),
    ("notification", "CancelNotification", Topic("notification.notification_cancelled")),
    ("notification", "CreateTemplate", Topic("notification.template_created")),
    ("notification", "DeleteTemplate", Topic("notification.template_deleted")),
    ("notification", "UpdateTemplate", Topic("notification.template_updated")),
    ("notification", "DeleteMessages", Nothing("what somebody keeps in the own inbox is nobody else's business")),
    ("notification", "MarkMessages", Nothing("what somebody has read is nobody else's business")),
    ("notification", "ReplyToMessage", Topic("notification.message_answered")),
    ("notification", "RetryDeliveries", Topic("notification.delivery_retried")),
    ("notification", "SendNotification", Topic("notification.notification_sent")),
    ("notification", "CreateSuppression", Topic("notification.suppression_created")),
    ("notification", "DeleteSuppression", Topic("notification.suppression_deleted")),
    ("notification", "Unsubscribe", Topic("notification.mail_unsubscribed")),
    ("notification", "UpdatePreferences", Topic("notification.preferences_updated")),
    ("organization", "ActivateAssetPolicy", Topic("organization.asset_policy_activated")),
    ("organization", "ApproveComputeSpec", Topic("organization.compute_spec_reviewed")),
    ("organization", "CreateComputeSpec", Topic("organization.compute_spec_created")),
    ("organization", "RejectComputeSpec", Topic("organization.compute_spec_reviewed")),
    ("organization", "ReportComputeSpecRun", Topic("organization.compute_spec_run_reported")),
    ("organization", "SubmitComputeSpec", Topic("organization.compute_spec_submitted")),
    ("organization", "WithdrawComputeSpec", Topic("organization.compute_spec_withdrawn")),
    ("organization", "CreateAssetPolicy", Topic("organization.asset_policy_created")),
    ("organization", "DeleteAssetPolicy", Topic("organization.asset_policy_deleted")),
    ("organization", "RevokeAssetPolicy", Topic("organization.asset_policy_revoked")),
    ("organization", "UpdateAssetPolicy", Topic("organization.asset_policy_updated")),
    ("organization", "BlockMember", Topic("organization.member_blocked")),
    ("organization", "CreateOrganization", Topic("organization.organization_created")),
    ("organization", "CreateRole", Topic("organization.role_created")),
    ("organization", "DeleteDataset", Topic("organization.dataset_deleted")),
    ("organization", "DeleteModel", Topic("organization.model_deleted")),
    ("organization", "DeleteModelVersion", Topic("organization.model_version_deleted")),
    ("organization", "DeleteOrganization", Topic("organization.organization_deleted")),
    ("organization", "DeleteRole", Topic("organization.role_deleted")),
    ("organization", "GrantAdmin", Topic("organization.admin_granted")),
    ("organization", "RegisterPermissions", Topic("organization.permissions_registered")),
    ("organization", "PublishModelVersion", Topic("organization.model_version_published")),
    ("organization", "PutModelVersion", Topic("organization.model_version_put")),
    ("organization", "RegisterDataset", Topic("organization.dataset_registered")),
    ("organization", "RegisterModel", Topic("organization.model_registered")),
    ("organization", "ResumeOrganization", Topic("organization.organization_resumed")),
    ("organization", "RevokeAdmin", Topic("organization.admin_revoked")),
    ("organization", "SuspendOrganization", Topic("organization.organization_suspended")),
    ("organization", "UnblockMember", Topic("organization.member_unblocked")),
    ("organization", "UpdateDataset", Topic("organization.dataset_updated")),
    ("organization", "UpdateMemberRoles", Topic("organization.member_roles_changed")),
    ("organization", "UpdateModel", Topic("organization.model_updated")),
    ("organization", "UpdateOrganization", Topic("organization.organization_renamed")),
    ("organization", "UpdateOrganizationSettings", Topic("organization.organization_settings_changed")),
    ("organization", "UpdateRole", Topic("organization.role_updated")),
];

/// Whether people and programs may call it, and it may change something.
fn is_change(method: &MethodDescriptor) -> bool {
    let options = method.options();
    let number = options.get_field_by_name("idempotency_level").and_then(|level| level.as_enum_number());
    let pool = method.parent_pool().clone();
    let rule = pool.get_extension_by_name("rolecall.authz.v1.rule").expect("the option");
    let rule = options.get_extension(&rule);
    let rule = rule.as_message().expect("a rule");
    let is_internal = rule.get_field_by_name("internal").and_then(|value| value.as_bool()).unwrap_or_default();
    number != Some(1) && !is_internal
}

/// ASVS: V16.2.1, T34
#[test]
fn asvs_v16_3_3_every_method_that_changes_something_says_what_it_leaves_in_the_log() {
    let name = |method: &MethodDescriptor| {
        let package = method.parent_service().package_name().to_owned();
        let context = package.split('.').nth(1).unwrap_or_default().to_owned();
        (context, method.name().to_owned())
    };
    let changes: BTreeSet<_> = raw::methods().iter().filter(|method| is_change(method)).map(name).collect();
    let said: BTreeSet<_> =
        EXPECTED.iter().map(|(context, method, _)| ((*context).to_owned(), (*method).to_owned())).collect();
    assert_eq!(changes, said, "a method that changes something needs its line in EXPECTED, and one that is gone none");
    let pool = DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).expect("our own descriptors");
    for (_, method, leaves) in EXPECTED {
        match leaves {
            Topic(topic) => {
                let (context, event) = topic.split_once('.').expect("a context");
                let events = pool.get_message_by_name(&format!("rolecall.{context}.v1.DomainEvent")).expect("events");
                assert!(events.get_field_by_name(event).is_some(), "{method}: no event is {topic}");
            }
            Nothing(why) => assert!(!why.is_empty(), "{method}"),
        }
    }
}

/// Calls under names of their own, and what each has to have left.
#[derive(Default)]
struct Calls(Vec<(String, &'static str, String, String)>);

impl Calls {
    /// Names a call of this method; about whom is noted once it is known.
    fn name<T>(&mut self, method: &'static str, message: T) -> Request<T> {
        let name = format!("audited-{}-{method}", self.0.len());
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-request-id", name.parse().expect("a name"));
        self.0.push((name, method, String::new(), String::new()));
        request
    }

    /// Notes whom and which organization the last call concerned.
    fn about(&mut self, target: &str, organization: &str) {
        let last = self.0.last_mut().expect("a call");
        (last.2, last.3) = (target.to_owned(), organization.to_owned());
    }
}

fn topic(method: &str) -> &'static str {
    let (_, _, leaves) = EXPECTED.iter().find(|(_, name, _)| *name == method).expect("a method");
    match leaves {
        Topic(topic) => topic,
        Nothing(why) => panic!("{method}: {why}"),
    }
}

/// ASVS: V16.2.1, T34
#[tokio::test]
async fn asvs_v16_3_3_each_change_leaves_exactly_one_entry_that_names_who_whom_where_and_by_which_call() {
    let stack = Stack::start(Plan { post: Post::Folder, ..world::ONE_SQLITE }).await;
    let admin = world::bootstrap(&stack).await;
    let (acme, owner) = world::organization_with_owner(&stack, &admin, "Acme", "olga@acme.example").await;
    let mut calls = Calls::default();
    let user = people(&mut calls, &owner, &acme).await;
    members(&mut calls, &owner, &acme, &user).await;
    roles(&mut calls, &owner, &acme).await;
    programs(&mut calls, &owner, &acme).await;
    let erase = identity::DeleteUserRequest { user_id: user.clone(), erase: true, ..Default::default() };
    owner.users().delete_user(calls.name("DeleteUser", erase)).await.expect("deleted");
    calls.about(&user, &acme);
    // A refused call leaves no entry of a change.
    let refused = identity::DeleteUserRequest { user_id: owner.id.clone(), ..Default::default() };
    owner.users().delete_user(calls.name("DeleteUser", refused)).await.expect_err("nobody deletes itself");
    let (refused, ..) = calls.0.pop().expect("the last");
    let count = calls.0.len();
    // What was written of the user before is erased by the event that tells the end of the account.
    let is_settled = |events: &Vec<organization::AuditEvent>| {
        let is_left = |event: &organization::AuditEvent| event.target_id == user && !event.details.is_empty();
        named(events, &calls) == count && !events.iter().any(is_left)
    };
    let all = world::eventually(|| list(&owner), is_settled).await;
    for (name, method, target, organization) in &calls.0 {
        let left: Vec<_> =
            all.iter().filter(|event| event.request_id == *name && event.topic == topic(method)).collect();
        assert_eq!(left.len(), 1, "{method}: {left:?}");
        let event = left[0];
        assert_eq!((&event.actor_id, &event.organization_id), (&owner.id, organization), "{method}");
        assert_eq!(&event.target_id, target, "{method}");
    }
    assert!(all.iter().all(|event| event.request_id != refused));
    let gone = all.iter().filter(|event| event.target_id == user && !event.sealed_for_id.is_empty());
    assert!(gone.clone().count() > 1 && gone.clone().all(|event| event.is_erased && event.details.is_empty()));
    let verify = organization::VerifyAuditLogRequest { organization_id: "-".to_owned(), ..Default::default() };
    let report = admin.audit().verify_audit_log(verify).await.expect("verified").into_inner();
    assert!(report.findings.is_empty() && report.erased_count > 0, "{report:?}");
}

async fn list(owner: &Actor) -> Vec<organization::AuditEvent> {
    let request = organization::ListAuditEventsRequest { page_size: 1_000, ..Default::default() };
    owner.audit().list_audit_events(request).await.expect("listed").into_inner().audit_events
}

/// How many of the calls have left something that is chained.
fn named(events: &[organization::AuditEvent], calls: &Calls) -> usize {
    let is_there = |name: &str, method: &str| {
        let left = |event: &&organization::AuditEvent| event.request_id == name && event.topic == topic(method);
        events.iter().find(left).is_some_and(|event| !event.sequence.is_empty())
    };
    calls.0.iter().filter(|(name, method, ..)| is_there(name, method)).count()
}

async fn people(calls: &mut Calls, owner: &Actor, acme: &str) -> String {
    let invite = world::create_user_request("ina@acme.example", &["GUEST"]);
    let invited = owner.users().create_user(calls.name("CreateUser", invite)).await.expect("invited").into_inner();
    let invited = invited.user.expect("a user").user_id;
    calls.about(&invited, acme);
    let resend = identity::ResendInvitationRequest { user_id: invited.clone(), ..Default::default() };
    let renewed = owner.users().resend_invitation(calls.name("ResendInvitation", resend)).await.expect("resent");
    calls.about(&invited, acme);
    let invitation_id = renewed.into_inner().invitation.expect("an invitation").invitation_id;
    let revoke = identity::RevokeInvitationRequest { invitation_id, ..Default::default() };
    owner.users().revoke_invitation(calls.name("RevokeInvitation", revoke)).await.expect("revoked");
    calls.about(&invited, acme);
    let password = identity::InitialPassword { password: PASSWORD.to_owned(), ..Default::default() };
    let credential = Some(identity::create_user_request::Credential::InitialPassword(password));
    let create =
        identity::CreateUserRequest { credential, ..world::create_user_request("eva@acme.example", &["GUEST"]) };
    let user = owner.users().create_user(create).await.expect("created").into_inner().user.expect("a user");
    let renamed = identity::User { user_id: user.user_id.clone(), institution: "ETH".to_owned(), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["institution".to_owned()] });
    let update = identity::UpdateUserRequest { user: Some(renamed), update_mask, ..Default::default() };
    owner.users().update_user(calls.name("UpdateUser", update)).await.expect("updated");
    calls.about(&user.user_id, acme);
    let user_id = user.user_id.clone();
    let set = identity::SetUserPasswordRequest { user_id, password: format!("{PASSWORD}2"), ..Default::default() };
    owner.users().set_user_password(calls.name("SetUserPassword", set)).await.expect("set");
    calls.about(&user.user_id, acme);
    user.user_id
}

async fn members(calls: &mut Calls, owner: &Actor, acme: &str, user: &str) {
    let user_id = || user.to_owned();
    let roles = vec!["DATA_STEWARD".to_owned()];
    let roles = organization::UpdateMemberRolesRequest { user_id: user_id(), roles, ..Default::default() };
    owner.members().update_member_roles(calls.name("UpdateMemberRoles", roles)).await.expect("changed");
    calls.about(user, acme);
    let reason = "on leave".to_owned();
    let block = organization::BlockMemberRequest { user_id: user_id(), reason, ..Default::default() };
    owner.members().block_member(calls.name("BlockMember", block)).await.expect("blocked");
    calls.about(user, acme);
    let unblock = organization::UnblockMemberRequest { user_id: user_id(), ..Default::default() };
    owner.members().unblock_member(calls.name("UnblockMember", unblock)).await.expect("unblocked");
    calls.about(user, acme);
}

async fn roles(calls: &mut Calls, owner: &Actor, acme: &str) {
    let role = |permission: &str| {
        let permissions = vec![permission.to_owned()];
        Some(organization::Role { name: "LISTER".to_owned(), permissions, ..Default::default() })
    };
    let create = organization::CreateRoleRequest { role: role("organization.members.list"), ..Default::default() };
    owner.roles().create_role(calls.name("CreateRole", create)).await.expect("composed");
    calls.about("", acme);
    let update = organization::UpdateRoleRequest { role: role("organization.audit_events.list"), ..Default::default() };
    owner.roles().update_role(calls.name("UpdateRole", update)).await.expect("changed");
    calls.about("", acme);
    let delete = organization::DeleteRoleRequest { name: "LISTER".to_owned(), ..Default::default() };
    owner.roles().delete_role(calls.name("DeleteRole", delete)).await.expect("deleted");
    calls.about("", acme);
}

async fn programs(calls: &mut Calls, owner: &Actor, acme: &str) {
    let (name, permissions) = ("backup".to_owned(), vec!["identity.users.list".to_owned()]);
    let create = identity::CreateServiceAccountRequest { name, permissions, ..Default::default() };
    let made = owner.service_accounts().create_service_account(calls.name("CreateServiceAccount", create)).await;
    let id = made.expect("made").into_inner().service_account.expect("an account").service_account_id;
    calls.about(&id, acme);
    let key = identity::CreateApiKeyRequest { service_account_id: id.clone(), ..Default::default() };
    let key = owner.service_accounts().create_api_key(calls.name("CreateApiKey", key)).await.expect("made");
    calls.about(&id, acme);
    let api_key_id = key.into_inner().api_key.expect("a key").api_key_id;
    let delete = identity::DeleteApiKeyRequest { api_key_id, ..Default::default() };
    owner.service_accounts().delete_api_key(calls.name("DeleteApiKey", delete)).await.expect("deleted");
    calls.about(&id, acme);
    let delete = identity::DeleteServiceAccountRequest { service_account_id: id.clone(), ..Default::default() };
    owner.service_accounts().delete_service_account(calls.name("DeleteServiceAccount", delete)).await.expect("deleted");
    calls.about(&id, acme);
}
