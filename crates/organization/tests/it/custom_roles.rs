//! Roles that organizations compose: who may, what they hold, and that everything obeys them.

use std::time::Duration;

use futures::future::join;
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, DbBackend};
use tonic::{Code, Status};

use crate::stage::{Stage, Who, add, bytes, names, refused};

/// A role of this name that holds these permissions.
fn role(name: &str, permissions: &[&str]) -> pb::CreateRoleRequest {
    let role = pb::Role { name: name.to_owned(), permissions: names(permissions), ..Default::default() };
    pb::CreateRoleRequest { role: Some(role), ..Default::default() }
}

async fn create(stage: &Stage, actor: UserId, name: &str, permissions: &[&str]) -> Result<pb::Role, Status> {
    let answer = stage.roles(actor).create_role(role(name, permissions)).await?.into_inner();
    Ok(answer.role.expect("a role"))
}

async fn give(stage: &Stage, actor: UserId, name: &str, permissions: &[&str]) -> Result<pb::Role, Status> {
    let role = pb::Role { name: name.to_owned(), permissions: names(permissions), ..Default::default() };
    let request = pb::UpdateRoleRequest { role: Some(role), ..Default::default() };
    Ok(stage.roles(actor).update_role(request).await?.into_inner().role.expect("a role"))
}

fn delete(name: &str, take_from_holders: bool) -> pb::DeleteRoleRequest {
    pb::DeleteRoleRequest { name: name.to_owned(), take_from_holders, ..Default::default() }
}

async fn check(stage: &Stage, subject: UserId, permission: &str, on: OrganizationId) -> pb::CheckAccessResponse {
    let resource = pb::resource::Resource::OrganizationId(on.to_string());
    let request = pb::CheckAccessRequest {
        subject_id: subject.to_string(),
        permission: permission.to_owned(),
        resource: Some(pb::Resource { resource: Some(resource) }),
        consistency: None,
    };
    stage.access_as(Who::User(stage.admin)).check_access(request).await.expect("decides").into_inner()
}

async fn list(stage: &Stage, caller: UserId) -> Result<pb::ListMembersResponse, Status> {
    Ok(stage.members(caller).list_members(pb::ListMembersRequest::default()).await?.into_inner())
}

/// Copies the only hidden member and the roles that it holds.
async fn copy_the_hidden(stage: &Stage, times: u32) {
    let reader = stage.database.reader();
    let backend = reader.get_database_backend();
    let id = if backend == DbBackend::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let members = format!(
        "INSERT INTO members (user_id, organization_id, state, roles, is_owner, is_admin, version, created, updated) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times}) \
         SELECT {id}, organization_id, state, roles, is_owner, is_admin, version, created, updated \
         FROM members CROSS JOIN n WHERE state = 'HIDDEN'"
    );
    let roles = "INSERT INTO member_roles (user_id, role_id) SELECT m.user_id, r.role_id FROM members m CROSS JOIN roles r \
                 WHERE m.state = 'HIDDEN' AND m.user_id NOT IN (SELECT user_id FROM member_roles)";
    let write = stage.database.write(|tx| {
        let members = members.clone();
        async move {
            tx.execute_unprepared(&members).await?;
            tx.execute_unprepared(roles).await?;
            Ok::<_, rolecall_db::Error>(())
        }
    });
    write.await.expect("copies");
}

on_each_database! {
    async fn a_composed_role_opens_what_it_holds_and_is_told_wherever_roles_are(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let made = create(&stage, owner, "LISTER", &["organization.members.list"]).await.expect("composes");
        assert_eq!((made.organization_id.as_str(), made.etag.as_str()), (acme.to_string().as_str(), "r1"));
        let user = stage.add_active(owner, acme, &["LISTER"]).await;
        assert_eq!(list(&stage, user).await.expect("may list").members.len(), 2);
        assert_eq!(stage.get(owner, user).await.expect("reads").roles, ["LISTER"]);
        assert_eq!(stage.get(user, user).await.expect("the own record is open").user_id, user.to_string());
        let told = stage.subject_access(user).await.expect("tells");
        assert_eq!(told.roles, ["LISTER"]);
        assert!(told.grants.iter().any(|grant| grant.permission == "organization.members.list"));
        let decision = check(&stage, user, "organization.members.list", acme).await;
        assert_eq!((decision.allowed, decision.roles), (true, names(&["LISTER"])));
        assert!(!check(&stage, user, "organization.members.list", stage.home).await.allowed);
        let filtered = pb::ListMembersRequest { filter: "role = LISTER".to_owned(), ..Default::default() };
        let found = stage.members(owner).list_members(filtered).await.expect("filters").into_inner().members;
        assert!(found.len() == 1 && found[0].user_id == user.to_string());
        let mine = stage.access_as(Who::User(user)).get_my_access(pb::GetMyAccessRequest {}).await.expect("tells");
        assert_eq!(mine.into_inner().roles, ["LISTER"]);
    }

    async fn asvs_v8_3_2_a_changed_role_counts_on_the_next_call_of_an_old_token(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        create(&stage, owner, "LISTER", &["organization.members.list"]).await.expect("composes");
        let user = stage.add_active(owner, acme, &["LISTER"]).await;
        let mut old = stage.members(user);
        old.list_members(pb::ListMembersRequest::default()).await.expect("may");
        give(&stage, owner, "LISTER", &["organization.audit_events.list"]).await.expect("changes");
        let refused_now = old.list_members(pb::ListMembersRequest::default()).await.expect_err("may not");
        assert_eq!(refused_now.code(), Code::PermissionDenied);
        give(&stage, owner, "LISTER", &["organization.members.list"]).await.expect("changes back");
        old.list_members(pb::ListMembersRequest::default()).await.expect("may again");
        let request = delete("LISTER", true);
        let gone = stage.roles(owner).delete_role(request).await.expect("deletes").into_inner();
        assert_eq!(gone.holder_count, 1);
        assert_eq!(old.list_members(pb::ListMembersRequest::default()).await.expect_err("no").code(), Code::PermissionDenied);
        assert_eq!(stage.get(owner, user).await.expect("reads").roles, ["GUEST"]);
    }

    async fn a_role_that_is_held_goes_only_when_that_is_asked_for(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        create(&stage, owner, "LISTER", &["organization.members.list"]).await.expect("composes");
        let user = stage.add_pending(owner, acme, &["LISTER", "DATA_STEWARD"]).await;
        let held = stage.roles(owner).delete_role(delete("LISTER", false)).await;
        assert_eq!(refused(held), "ROLE_IN_USE");
        let only = pb::DeleteRoleRequest { validate_only: true, ..delete("LISTER", true) };
        stage.roles(owner).delete_role(only).await.expect("could");
        assert_eq!(stage.get(owner, user).await.expect("reads").roles, ["DATA_STEWARD", "LISTER"]);
        stage.roles(owner).delete_role(delete("LISTER", true)).await.expect("deletes");
        assert_eq!(stage.get(owner, user).await.expect("reads").roles, ["DATA_STEWARD"]);
        let gone = pb::GetRoleRequest { name: "LISTER".to_owned(), ..Default::default() };
        assert_eq!(refused(stage.roles(owner).get_role(gone).await), "ROLE_NOT_FOUND");
        let unknown = stage.set_roles(owner, user, &["GUEST", "LISTER"]).await.expect_err("unknown");
        assert!(unknown.code() == Code::InvalidArgument && unknown.message().contains("roles[1]"), "{unknown}");
    }

    async fn a_change_that_touches_nobody_is_no_revision_and_nothing_is_forgotten(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        let lists = ["organization.members.list"];
        create(&stage, owner, "LISTER", &lists).await.expect("composes");
        let settings = pb::OrganizationSettings { registration_mode: pb::RegistrationMode::SelfService.into(), ..Default::default() };
        let settings = pb::UpdateOrganizationSettingsRequest { settings: Some(settings), ..Default::default() };
        stage.organizations(owner).update_organization_settings(settings.clone()).await.expect("opens");
        stage.get(user, user).await.expect("is remembered");
        let before = stage.subject_access(user).await.expect("known").revision;
        give(&stage, owner, "LISTER", &["organization.members.block"]).await.expect("nobody holds it");
        give(&stage, owner, "LISTER", &["organization.members.block"]).await.expect("as it is");
        stage.set_roles(owner, user, &["GUEST"]).await.expect("as it is");
        stage.get(user, user).await.expect("is remembered");
        stage.organizations(owner).update_organization_settings(settings).await.expect("as it is");
        stage.roles(owner).delete_role(delete("LISTER", true)).await.expect("nobody holds it");
        assert!(stage.remembers(user));
        assert_eq!(stage.subject_access(user).await.expect("known").revision, before);
        create(&stage, owner, "LISTER", &lists).await.expect("composes");
        stage.set_roles(owner, user, &["LISTER"]).await.expect("gives");
        stage.get(user, user).await.expect("is remembered");
        give(&stage, owner, "LISTER", &["organization.members.block"]).await.expect("somebody holds it");
        assert!(!stage.remembers(user));
        assert!(stage.subject_access(user).await.expect("known").revision > before + 1);
    }

    async fn a_role_that_very_many_hold_is_not_taken_from_them_at_once(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        create(&stage, owner, "LISTER", &["organization.members.list"]).await.expect("composes");
        let first = stage.add_hidden(owner, acme, &["LISTER"]).await;
        copy_the_hidden(&stage, 500).await;
        let many = stage.roles(owner).delete_role(delete("LISTER", true)).await.expect_err("too many");
        assert_eq!(refused(Err::<(), _>(many.clone())), "ROLE_IN_USE");
        assert!(many.message().contains("501") && many.message().contains("500 at most"), "{many}");
        let request = pb::RemoveMemberRequest { user_id: first.to_string() };
        stage.memberships().remove_member(request).await.expect("one less");
        let gone = stage.roles(owner).delete_role(delete("LISTER", true)).await.expect("deletes").into_inner();
        assert_eq!(gone.holder_count, 500);
    }

    /// ASVS: V2.3.4
    async fn who_is_added_while_its_role_is_deleted_holds_it_or_is_refused(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        for round in 0..10 {
            create(&stage, owner, "LISTER", &["organization.members.list"]).await.expect("composes");
            let pause = |bound| tokio::time::sleep(Duration::from_micros(stage.draw(bound)));
            let adding = async {
                pause(4_000).await;
                let request = add(stage.new_user(), owner, acme, &["LISTER"]);
                stage.memberships().add_member(request).await.map(drop)
            };
            let deleting = async {
                pause(4_000).await;
                stage.roles(owner).delete_role(delete("LISTER", true)).await.map(drop)
            };
            let (added, deleted) = join(adding, deleting).await;
            deleted.unwrap_or_else(|status| panic!("round {round}: {status:?}"));
            if let Err(status) = added {
                assert!(status.message().contains("roles[0]"), "round {round}: {status:?}");
                assert_eq!(status.code(), Code::InvalidArgument, "round {round}");
            }
        }
    }

    async fn attack_t22_nobody_composes_or_gives_more_than_it_could(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        for beyond in ["organization.organizations.create", "identity.users.impersonate", "identity.keys.rotate"] {
            assert_eq!(refused(create(&stage, owner, "KING", &[beyond]).await), "REQUEST_INVALID", "{beyond}");
        }
        assert_eq!(refused(create(&stage, owner, "KING", &["pipelines.runs.start"]).await), "REQUEST_INVALID");
        let powers = ["organization.roles.create", "organization.roles.update", "organization.members.assign_roles"];
        create(&stage, owner, "PEOPLE", &[&powers[..], &["identity.users.create"]].concat()).await.expect("composes");
        create(&stage, owner, "BLOCKER", &["organization.members.block"]).await.expect("composes");
        let helper = stage.add_active(owner, acme, &["PEOPLE"]).await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let more = ["organization.members.block"];
        assert_eq!(refused(create(&stage, helper, "MORE", &more).await), "PERMISSION_NOT_GRANTABLE");
        assert_eq!(refused(give(&stage, helper, "BLOCKER", &powers[..1]).await), "PERMISSION_NOT_GRANTABLE");
        create(&stage, helper, "LESS", &powers[2..]).await.expect("composes of what it holds");
        stage.set_roles(helper, guest, &["LESS", "GUEST"]).await.expect("gives what it holds");
        for roles in [&["BLOCKER"][..], &["OWNER"], &["DATA_SCIENTIST"]] {
            assert_eq!(refused(stage.set_roles(helper, guest, roles).await), "ROLE_NOT_GRANTABLE", "{roles:?}");
            let request = add(stage.new_user(), helper, acme, roles);
            assert_eq!(refused(stage.memberships().add_member(request).await), "ROLE_NOT_GRANTABLE", "{roles:?}");
        }
        assert_eq!(refused(stage.set_roles(helper, owner, &["GUEST"]).await), "ROLE_NOT_GRANTABLE");
        assert_eq!(refused(stage.set_roles(helper, helper, &["OWNER"]).await), "SELF_REFUSED");
        stage.set_roles(owner, helper, &["BLOCKER"]).await.expect("an owner gives every role");
        assert_eq!(refused(stage.block(helper, owner).await), "ROLE_NOT_GRANTABLE");
        stage.block(helper, guest).await.expect("who is not above it");
    }

    async fn attack_t22_an_administrator_raises_others_and_not_itself_by_a_role_that_it_holds(database) {
        let stage = Stage::open(&database).await;
        let second = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        let grant = pb::GrantAdminRequest { user_id: second.to_string(), ..Default::default() };
        stage.members(stage.admin).grant_admin(grant).await.expect("grants");
        create(&stage, stage.admin, "READER", &["organization.datasets.get"]).await.expect("composes");
        stage.set_roles(stage.admin, second, &["READER"]).await.expect("gives");
        let more = ["organization.datasets.get", "organization.datasets.update"];
        assert_eq!(refused(give(&stage, second, "READER", &more).await), "SELF_REFUSED");
        give(&stage, stage.admin, "READER", &more).await.expect("an owner may");
    }

    async fn an_invitation_is_bounded_by_what_its_inviter_may_give_when_it_is_accepted(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let people = ["organization.members.assign_roles", "identity.users.create", "organization.members.list"];
        create(&stage, owner, "PEOPLE", &people).await.expect("composes");
        create(&stage, owner, "LISTER", &["organization.members.list"]).await.expect("composes");
        let helper = stage.add_active(owner, acme, &["PEOPLE"]).await;
        let invited = stage.add_pending(helper, acme, &["LISTER"]).await;
        let more = ["organization.members.list", "organization.members.block"];
        give(&stage, owner, "LISTER", &more).await.expect("changes");
        assert_eq!(refused(stage.activate(invited, helper).await), "INVITER_NOT_ENTITLED");
        give(&stage, owner, "LISTER", &more[..1]).await.expect("changes back");
        assert_eq!(stage.activate(invited, helper).await.expect("accepts").roles, ["LISTER"]);
    }

    async fn names_are_unique_in_an_organization_and_free_in_others(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (_, other) = stage.found("Other").await;
        let one = ["organization.members.list"];
        create(&stage, owner, "LISTER", &one).await.expect("composes");
        assert_eq!(refused(create(&stage, owner, "LISTER", &one).await), "ROLE_NAME_TAKEN");
        create(&stage, other, "LISTER", &one).await.expect("composes");
        for wrong in ["OWNER", "lister", "AB", ""] {
            assert_eq!(refused(create(&stage, owner, wrong, &one).await), "REQUEST_INVALID", "{wrong}");
        }
        assert_eq!(refused(create(&stage, owner, "EMPTY", &[]).await), "REQUEST_INVALID");
    }

    async fn an_organization_has_room_for_a_hundred_roles(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        for number in 0..100 {
            create(&stage, owner, &format!("ROLE_{number}"), &["organization.members.list"]).await.expect("composes");
        }
        let beyond = create(&stage, owner, "ONE_MORE", &["organization.members.list"]).await;
        assert_eq!(refused(beyond), "ROLE_LIMIT_REACHED");
        let page = pb::ListRolesRequest { page_size: 60, ..Default::default() };
        let first = stage.roles(owner).list_roles(page.clone()).await.expect("lists").into_inner();
        let next = pb::ListRolesRequest { page_token: first.next_page_token.clone(), ..page };
        let second = stage.roles(owner).list_roles(next).await.expect("lists").into_inner();
        assert_eq!((first.roles.len(), second.roles.len(), second.next_page_token.as_str()), (60, 45, ""));
        assert!(first.roles[..5].iter().all(|role| role.built_in) && !first.roles[5].built_in);
    }

    async fn a_late_change_of_a_role_is_told_the_current_version_and_a_repeat_changes_once(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let request = pb::CreateRoleRequest { request_id: stage.random_id(), ..role("LISTER", &["organization.members.list"]) };
        let first = stage.roles(owner).create_role(request.clone()).await.expect("composes").into_inner();
        let again = stage.roles(owner).create_role(request).await.expect("repeats").into_inner();
        assert_eq!(first, again);
        let late = pb::Role { description: "Lists people".to_owned(), etag: "r1".to_owned(), ..first.role.expect("a role") };
        let request = pb::UpdateRoleRequest {
            role: Some(late.clone()),
            update_mask: Some(prost_types::FieldMask { paths: names(&["description"]) }),
            ..Default::default()
        };
        let changed = stage.roles(owner).update_role(request.clone()).await.expect("in time").into_inner();
        assert_eq!(changed.role.expect("a role").description, "Lists people");
        assert_eq!(refused(stage.roles(owner).update_role(request).await), "ETAG_MISMATCH");
    }

    /// ASVS: T21
    async fn asvs_v8_2_2_roles_of_foreign_and_random_organizations_are_answered_the_same(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (other, stranger) = stage.found("Other").await;
        create(&stage, stranger, "LISTER", &["organization.members.list"]).await.expect("composes");
        let foreign = swap(&stage, owner, &other.to_string()).await;
        let random = swap(&stage, owner, &stage.random_id()).await;
        for ((method, foreign), (_, random)) in foreign.iter().zip(&random) {
            assert_eq!(foreign.code(), Code::NotFound, "{method}");
            assert_eq!(bytes(foreign), bytes(random), "{method}");
        }
        let guest = stage.add_active(owner, stage_organization(&stage, owner).await, &["GUEST"]).await;
        let role = create(&stage, guest, "LISTER", &["organization.members.list"]).await.expect_err("may not");
        assert_eq!(role.code(), Code::PermissionDenied);
        let roles = stage.roles(guest).list_roles(pb::ListRolesRequest::default()).await.expect("everybody reads");
        assert_eq!(roles.into_inner().roles.len(), 5);
    }

    async fn two_roles_of_one_name_made_at_once_are_one(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        for round in 0..10 {
            let name = format!("ROLE_{round}");
            let calls = (0..4).map(|_| create(&stage, owner, &name, &["organization.members.list"]));
            let made = futures::future::join_all(calls).await;
            let (good, bad): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
            assert_eq!(good.len(), 1, "round {round}");
            assert!(bad.into_iter().all(|bad| refused(bad) == "ROLE_NAME_TAKEN"), "round {round}");
        }
    }

    async fn a_role_that_is_deleted_and_given_at_once_is_held_by_nobody_or_stays(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        for round in 0..10 {
            let name = format!("ROLE_{round}");
            create(&stage, owner, &name, &["organization.members.list"]).await.expect("composes");
            let member = stage.add_active(owner, acme, &["GUEST"]).await;
            let added = stage.new_user();
            let given = async { stage.set_roles(owner, member, &[&name]).await };
            let adding = async { stage.memberships().add_member(add(added, owner, acme, &[&name])).await };
            let mut roles = stage.roles(owner);
            let deleted = roles.delete_role(delete(&name, round % 2 == 0));
            let (given, adding, deleted) = tokio::join!(given, adding, deleted);
            let is_there = stage.roles(owner).get_role(pb::GetRoleRequest { name: name.clone(), ..Default::default() }).await;
            let holds = stage.get(owner, member).await.expect("reads").roles == [name.as_str()];
            assert_eq!(is_there.is_err(), deleted.is_ok(), "round {round}");
            assert!(!holds || is_there.is_ok(), "round {round}: a role that is gone is held");
            for lost in [given.err(), adding.err()].into_iter().flatten() {
                assert_eq!(crate::stage::reason(&lost), "REQUEST_INVALID", "round {round}: {lost}");
            }
            if let Err(kept) = deleted {
                assert_eq!(crate::stage::reason(&kept), "ROLE_IN_USE", "round {round}: {kept}");
            }
        }
    }
}

async fn stage_organization(stage: &Stage, owner: UserId) -> OrganizationId {
    OrganizationId::parse(&stage.get(owner, owner).await.expect("reads").organization_id).expect("an id")
}

/// Calls every method about roles with this organization.
async fn swap(stage: &Stage, caller: UserId, organization: &str) -> Vec<(&'static str, Status)> {
    let organization_id = || organization.to_owned();
    let mut roles = stage.roles(caller);
    let list = pb::ListRolesRequest { organization_id: organization_id(), ..Default::default() };
    let get = |name: &str| pb::GetRoleRequest { organization_id: organization_id(), name: name.to_owned() };
    let table = pb::GetPermissionTableRequest { organization_id: organization_id(), ..Default::default() };
    let role = pb::Role {
        organization_id: organization_id(),
        name: "LISTER".to_owned(),
        permissions: names(&["organization.members.list"]),
        ..Default::default()
    };
    let create = pb::CreateRoleRequest { role: Some(role.clone()), ..Default::default() };
    let update = pb::UpdateRoleRequest { role: Some(role), ..Default::default() };
    let delete = pb::DeleteRoleRequest { organization_id: organization_id(), ..delete("LISTER", true) };
    vec![
        ("ListRoles", roles.list_roles(list).await.expect_err("hidden")),
        ("GetRole", roles.get_role(get("LISTER")).await.expect_err("hidden")),
        ("GetRole of a built-in one", roles.get_role(get("OWNER")).await.expect_err("hidden")),
        ("GetPermissionTable", roles.get_permission_table(table).await.expect_err("hidden")),
        ("CreateRole", roles.create_role(create).await.expect_err("hidden")),
        ("UpdateRole", roles.update_role(update).await.expect_err("hidden")),
        ("DeleteRole", roles.delete_role(delete).await.expect_err("hidden")),
    ]
}
