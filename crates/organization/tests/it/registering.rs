//! Members that register themselves, and members that give way to whoever proved their address.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::stage::{Memberships, Stage, Who, add, bytes, reason, refused};

/// Opens an organization to registrations with addresses of these domains; none allows all.
async fn open(stage: &Stage, owner: UserId, organization: OrganizationId, domains: &[&str]) {
    change(stage, owner, organization, pb::RegistrationMode::SelfService, domains).await;
}

async fn close(stage: &Stage, owner: UserId, organization: OrganizationId) {
    change(stage, owner, organization, pb::RegistrationMode::Manual, &[]).await;
}

async fn change(
    stage: &Stage,
    owner: UserId,
    organization: OrganizationId,
    mode: pb::RegistrationMode,
    domains: &[&str],
) {
    let settings = pb::OrganizationSettings {
        organization_id: organization.to_string(),
        registration_mode: mode.into(),
        allowed_email_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ..Default::default()
    };
    let paths = vec!["registration_mode".to_owned(), "allowed_email_domains".to_owned()];
    let update_mask = Some(prost_types::FieldMask { paths });
    let request = pb::UpdateOrganizationSettingsRequest { settings: Some(settings), update_mask, ..Default::default() };
    stage.organizations(owner).update_organization_settings(request).await.expect("changed");
}

fn registering(user: UserId, organization: OrganizationId) -> pb::RegisterMemberRequest {
    pb::RegisterMemberRequest {
        user_id: user.to_string(),
        organization_id: organization.to_string(),
        email: "ada@example.org".to_owned(),
        ..Default::default()
    }
}

async fn register(stage: &Stage, request: pb::RegisterMemberRequest) -> Result<pb::Organization, Status> {
    let answer = stage.memberships().register_member(request).await?;
    Ok(answer.into_inner().organization.expect("an organization"))
}

async fn yield_to_owner_of_address(stage: &Stage, user: UserId) -> Result<(), Status> {
    stage.memberships().yield_member(pb::YieldMemberRequest { user_id: user.to_string() }).await.map(drop)
}

async fn confirm(stage: &Stage, user: UserId) -> Result<(), Status> {
    stage.memberships().confirm_member(pb::ConfirmMemberRequest { user_id: user.to_string() }).await.map(drop)
}

on_each_database! {
    async fn who_registers_is_hidden_until_confirmed_and_then_an_active_data_scientist(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        open(&stage, owner, acme, &[]).await;
        let user = stage.new_user();
        let joined = register(&stage, registering(user, acme)).await.expect("taken");
        assert_eq!((joined.name.as_str(), joined.organization_id), ("Acme", acme.to_string()));
        assert_eq!(refused(stage.get(owner, user).await), "MEMBER_NOT_FOUND");
        assert_eq!(refused(stage.get(user, user).await), "SUBJECT_INACTIVE");
        for _ in 0..2 {
            confirm(&stage, user).await.expect("repeatable");
        }
        let member = stage.get(user, user).await.expect("acts");
        assert_eq!((member.state(), member.roles), (pb::MemberState::Active, vec!["DATA_SCIENTIST".to_owned()]));
        assert_eq!(member.organization_id, acme.to_string());
    }

    async fn an_empty_organization_is_the_home_organization(database) {
        let stage = Stage::open(&database).await;
        let request = |user| pb::RegisterMemberRequest { organization_id: String::new(), ..registering(user, stage.home) };
        assert_eq!(refused(register(&stage, request(stage.new_user())).await), "REGISTRATION_CLOSED");
        open(&stage, stage.admin, stage.home, &[]).await;
        let joined = register(&stage, request(stage.new_user())).await.expect("taken");
        assert_eq!(joined.organization_id, stage.home.to_string());
    }

    async fn a_registration_is_repeated_with_the_same_content_only(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        open(&stage, owner, acme, &[]).await;
        open(&stage, stage.admin, stage.home, &[]).await;
        let user = stage.new_user();
        let first = register(&stage, registering(user, acme)).await.expect("taken");
        assert_eq!(register(&stage, registering(user, acme)).await.expect("the same again"), first);
        assert_eq!(refused(register(&stage, registering(user, stage.home)).await), "REQUEST_INVALID");
        confirm(&stage, user).await.expect("confirmed");
        assert_eq!(register(&stage, registering(user, acme)).await.expect("the same again"), first);
        let invited = stage.add_pending(owner, acme, &["GUEST"]).await;
        assert_eq!(refused(register(&stage, registering(invited, acme)).await), "REQUEST_INVALID");
        assert_eq!(stage.get(owner, invited).await.expect("stays").roles, ["GUEST"]);
    }

    /// ASVS: V15.4.2
    async fn parallel_registrations_of_one_account_add_it_once(database) {
        let stage = Stage::open(&database).await;
        open(&stage, stage.admin, stage.home, &[]).await;
        let user = stage.new_user();
        let calls = (0..8).map(|_| register(&stage, registering(user, stage.home)));
        let answers = futures::future::join_all(calls).await;
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        }
        assert!(answers.iter().any(Result::is_ok));
        confirm(&stage, user).await.expect("confirmed");
        stage.drain().await;
        let request = pb::ListMembersRequest::default();
        let members = stage.members(stage.admin).list_members(request).await.expect("lists").into_inner().members;
        assert_eq!(members.iter().filter(|member| member.user_id == user.to_string()).count(), 1);
    }

    async fn a_closed_organization_answers_like_one_that_does_not_exist(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let unknown = OrganizationId::new(stage.now(), &stage.entropy);
        let closed = register(&stage, registering(stage.new_user(), acme)).await.expect_err("closed");
        let nowhere = register(&stage, registering(stage.new_user(), unknown)).await.expect_err("unknown");
        assert_eq!((closed.code(), reason(&closed).as_str()), (Code::FailedPrecondition, "REGISTRATION_CLOSED"));
        assert_eq!(bytes(&closed), bytes(&nowhere));
        open(&stage, owner, acme, &[]).await;
        let early = stage.new_user();
        register(&stage, registering(early, acme)).await.expect("open");
        close(&stage, owner, acme).await;
        assert_eq!(refused(register(&stage, registering(stage.new_user(), acme)).await), "REGISTRATION_CLOSED");
        confirm(&stage, early).await.expect("who was taken comes in");
    }

    async fn only_addresses_of_allowed_domains_are_taken(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        open(&stage, owner, acme, &["acme.example", "B\u{fc}cher.example"]).await;
        let of = |email: &str| pb::RegisterMemberRequest {
            email: email.to_owned(),
            ..registering(stage.new_user(), acme)
        };
        for email in ["a@acme.example", "a@ACME.example", "a@b\u{fc}cher.example", "a@xn--bcher-kva.example"] {
            register(&stage, of(email)).await.expect(email);
        }
        for email in ["a@sub.acme.example", "a@notacme.example", "a@acme.example.evil.example", "a@example.org"] {
            assert_eq!(refused(register(&stage, of(email)).await), "EMAIL_DOMAIN_REFUSED", "{email}");
        }
    }

    async fn a_check_of_a_registration_refuses_what_it_would_and_adds_nobody(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let trial = |email: &str| pb::RegisterMemberRequest {
            user_id: String::new(),
            email: email.to_owned(),
            validate_only: true,
            ..registering(owner, acme)
        };
        assert_eq!(refused(register(&stage, trial("a@acme.example")).await), "REGISTRATION_CLOSED");
        open(&stage, owner, acme, &["acme.example"]).await;
        assert_eq!(refused(register(&stage, trial("a@elsewhere.example")).await), "EMAIL_DOMAIN_REFUSED");
        assert_eq!(register(&stage, trial("a@acme.example")).await.expect("it would").name, "Acme");
        let yielding = pb::RegisterMemberRequest { yielding_user_id: owner.to_string(), ..trial("a@acme.example") };
        assert_eq!(refused(register(&stage, yielding).await), "LAST_OWNER");
        // A check may come with an account; it is not added either.
        let user = stage.new_user();
        let named = pb::RegisterMemberRequest { user_id: user.to_string(), ..trial("a@acme.example") };
        register(&stage, named).await.expect("it would");
        assert_eq!(refused(confirm(&stage, user).await), "MEMBER_NOT_FOUND");
    }

    async fn who_gives_way_must_not_be_the_last_in_charge(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        open(&stage, owner, acme, &[]).await;
        for (yielding, why) in [(owner, "LAST_OWNER"), (stage.admin, "LAST_OWNER")] {
            let user = stage.new_user();
            let request = pb::RegisterMemberRequest { yielding_user_id: yielding.to_string(), ..registering(user, acme) };
            assert_eq!(refused(register(&stage, request).await), why);
            assert_eq!(refused(confirm(&stage, user).await), "MEMBER_NOT_FOUND", "nobody was added");
            assert_eq!(refused(yield_to_owner_of_address(&stage, yielding).await), why);
            stage.get(yielding, yielding).await.expect("stays");
        }
        // Somebody else owns the home organization too, and nobody else is an administrator.
        stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        assert_eq!(refused(yield_to_owner_of_address(&stage, stage.admin).await), "LAST_ADMIN");
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let request = pb::RegisterMemberRequest { yielding_user_id: second.to_string(), ..registering(stage.new_user(), acme) };
        register(&stage, request).await.expect("another owner stays");
        stage.get(second, second).await.expect("it gives way when it is told to");
        yield_to_owner_of_address(&stage, second).await.expect("gives way");
        let unknown = stage.new_user();
        let request = pb::RegisterMemberRequest { yielding_user_id: unknown.to_string(), ..registering(stage.new_user(), acme) };
        register(&stage, request).await.expect("who is no member holds nothing up");
    }

    async fn of_two_last_owners_that_give_way_at_once_one_stays(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        let (one, two) =
            futures::future::join(yield_to_owner_of_address(&stage, owner), yield_to_owner_of_address(&stage, second))
                .await;
        let refused: Vec<String> = [one, two].into_iter().filter_map(Result::err).map(|status| reason(&status)).collect();
        assert_eq!(refused, ["LAST_OWNER"]);
    }

    async fn a_member_gives_way_in_every_state_at_once_and_once(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let hidden = stage.add_hidden(owner, acme, &["GUEST"]).await;
        let pending = stage.add_pending(owner, acme, &["OWNER"]).await;
        let active = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let blocked = stage.add_active(owner, acme, &["GUEST"]).await;
        stage.block(owner, blocked).await.expect("blocks");
        stage.get(active, active).await.expect("acts");
        for user in [hidden, pending, active, blocked, stage.new_user()] {
            for _ in 0..2 {
                yield_to_owner_of_address(&stage, user).await.expect("what is not there stays so");
            }
            assert_eq!(refused(stage.get(owner, user).await), "MEMBER_NOT_FOUND");
            assert_eq!(refused(stage.activate(user, owner).await), "MEMBER_NOT_FOUND");
            assert_eq!(refused(stage.get(user, user).await), "SUBJECT_INACTIVE", "obeyed before the answer");
        }
        stage.drain().await;
        let request = pb::ListAuditEventsRequest { topic: "organization.member_removed".to_owned(), ..Default::default() };
        let events = stage.audit(owner).list_audit_events(request).await.expect("lists").into_inner().audit_events;
        let mut ended: Vec<String> = events.into_iter().map(|event| event.target_id).collect();
        ended.sort();
        let mut expected: Vec<String> = [hidden, pending, active, blocked].iter().map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(ended, expected);
    }

    async fn who_was_removed_before_it_registered_is_not_added(database) {
        let stage = Stage::open(&database).await;
        open(&stage, stage.admin, stage.home, &[]).await;
        let user = stage.new_user();
        let request = pb::RemoveMemberRequest { user_id: user.to_string() };
        stage.memberships().remove_member(request).await.expect("what is not there stays so");
        let late = register(&stage, registering(user, stage.home)).await.expect_err("its caller gave up");
        assert_eq!((late.code(), reason(&late).as_str()), (Code::Aborted, "SUBJECT_REMOVED"));
    }

    async fn what_is_wrong_with_a_registration_is_told_at_once(database) {
        let stage = Stage::open(&database).await;
        let wrong = pb::RegisterMemberRequest {
            user_id: "1".to_owned(),
            organization_id: "2".to_owned(),
            email: "nobody".to_owned(),
            yielding_user_id: "3".to_owned(),
            validate_only: false,
        };
        let told = register(&stage, wrong).await.expect_err("wrong");
        let fields = tonic_types::StatusExt::get_details_bad_request(&told).expect("violations").field_violations;
        let mut fields: Vec<String> = fields.into_iter().map(|violation| violation.field).collect();
        fields.sort();
        assert_eq!(fields, ["email", "organization_id", "user_id", "yielding_user_id"]);
        let malformed = stage.memberships().yield_member(pb::YieldMemberRequest { user_id: "1".to_owned() }).await;
        assert_eq!(refused(malformed), "REQUEST_INVALID");
    }

    /// ASVS: V8.2.1
    async fn registering_and_giving_way_are_closed_to_people_guests_and_programs(database) {
        let stage = Stage::open(&database).await;
        open(&stage, stage.admin, stage.home, &[]).await;
        let program = stage.add_service_account(stage.admin, "-", &["identity.users.create"]).await.expect("adds");
        let victim = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        for who in [Who::User(stage.admin), Who::ServiceAccount(program)] {
            let mut client: Memberships = stage.memberships_as(who);
            let registered = client.register_member(registering(stage.new_user(), stage.home)).await;
            assert_eq!(registered.expect_err("closed").code(), Code::PermissionDenied, "{who:?}");
            let request = pb::YieldMemberRequest { user_id: victim.to_string() };
            assert_eq!(client.yield_member(request).await.expect_err("closed").code(), Code::PermissionDenied, "{who:?}");
            let added = client.add_member(add(stage.new_user(), stage.admin, stage.home, &["OWNER"])).await;
            assert_eq!(added.expect_err("closed").code(), Code::PermissionDenied, "{who:?}");
        }
        stage.get(victim, victim).await.expect("stays");
    }
}
