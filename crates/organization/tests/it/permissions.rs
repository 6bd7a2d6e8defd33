//! Permissions: the table as data, and those that other backends register.

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::AccessReason as R;
use rolecall_api::organization::v1::PermissionPlace::{Any, Condition, Own, Self_};
use rolecall_kernel::id::ServiceAccountId;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::stage::{Stage, Who, names, refused};

fn register(namespace: &str, verbs: &[&str]) -> pb::RegisterPermissionsRequest {
    let definition = |verb: &&str| pb::PermissionDefinition {
        name: format!("{namespace}.runs.{verb}"),
        description: format!("Lets somebody {verb} runs"),
    };
    let permissions = verbs.iter().map(definition).collect();
    pb::RegisterPermissionsRequest { namespace: namespace.to_owned(), permissions, ..Default::default() }
}

async fn registered(
    stage: &Stage,
    who: Who,
    request: pb::RegisterPermissionsRequest,
) -> Result<pb::RegisterPermissionsResponse, Status> {
    Ok(stage.roles_as(who).register_permissions(request).await?.into_inner())
}

async fn allowed(stage: &Stage, subject: impl ToString, permission: &str, place: impl ToString) -> pb::AccessReason {
    let resource = pb::resource::Resource::OrganizationId(place.to_string());
    let request = pb::CheckAccessRequest {
        subject_id: subject.to_string(),
        permission: permission.to_owned(),
        resource: Some(pb::Resource { resource: Some(resource) }),
        consistency: None,
    };
    let answer = stage.access_as(Who::User(stage.admin)).check_access(request).await.expect("decides").into_inner();
    assert_eq!(answer.allowed, [1, 2, 3].contains(&answer.reason), "{answer:?}");
    answer.reason()
}

fn holders(table: &pb::GetPermissionTableResponse, permission: &str) -> Vec<(String, pb::PermissionPlace)> {
    let is_it = |row: &&pb::PermissionRow| row.permission.as_ref().is_some_and(|known| known.name == permission);
    let row = table.rows.iter().find(is_it).expect("a row");
    row.holders.iter().map(|held| (held.role.clone(), held.place())).collect()
}

async fn backend(stage: &Stage) -> ServiceAccountId {
    let right = ["organization.permissions.register"];
    stage.add_service_account(stage.admin, "-", &right).await.expect("an account of the instance")
}

fn holds(access: &pb::GetSubjectAccessResponse, permission: &str) -> bool {
    access.grants.iter().any(|grant| grant.permission == permission)
}

on_each_database! {
    async fn everybody_reads_which_role_holds_what(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let role = pb::Role {
            name: "LISTER".to_owned(),
            permissions: names(&["organization.members.list"]),
            ..Default::default()
        };
        let request = pb::CreateRoleRequest { role: Some(role), ..Default::default() };
        stage.roles(owner).create_role(request).await.expect("composes");
        let mut roles = stage.roles(guest);
        let mut table = pb::GetPermissionTableResponse::default();
        let mut request = pb::GetPermissionTableRequest { page_size: 30, ..Default::default() };
        loop {
            let page = roles.get_permission_table(request.clone()).await.expect("reads").into_inner();
            assert!(page.rows.len() <= 30 && (table.roles.is_empty() || table.roles == page.roles));
            table.rows.extend(page.rows);
            table.roles = page.roles;
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let forged = pb::GetPermissionTableRequest { page_token: "forged".to_owned(), ..request };
        assert_eq!(refused(roles.get_permission_table(forged).await), "REQUEST_INVALID");
        let all = ["ADMIN", "DATA_SCIENTIST", "DATA_STEWARD", "GUEST", "OWNER", "LISTER"];
        assert_eq!(table.roles, all);
        let told = holders(&table, "organization.members.list");
        assert_eq!(told, [("ADMIN".to_owned(), Any), ("LISTER".to_owned(), Own), ("OWNER".to_owned(), Own)]);
        assert!(holders(&table, "organization.members.get").contains(&("LISTER".to_owned(), Self_)));
        assert!(holders(&table, "organization.datasets.get_granted").contains(&("OWNER".to_owned(), Condition)));
        let mut listed = Vec::new();
        let mut request = pb::ListPermissionsRequest { page_size: 30, ..Default::default() };
        loop {
            let page = roles.list_permissions(request.clone()).await.expect("lists").into_inner();
            listed.extend(page.permissions);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let rows: Vec<_> = table.rows.iter().filter_map(|row| row.permission.clone()).collect();
        assert_eq!(listed, rows);
        assert!(listed.iter().all(|known| !known.description.is_empty() && known.name.starts_with(&known.namespace)));
        let get = pb::GetRoleRequest { name: "OWNER".to_owned(), ..Default::default() };
        let owner = roles.get_role(get).await.expect("reads").into_inner().role.expect("a role");
        assert!(owner.built_in && owner.permissions.contains(&"organization.roles.create".to_owned()));
    }

    async fn what_a_backend_registers_belongs_to_owners_and_is_decided_like_ours(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        assert_eq!(allowed(&stage, owner, "pipelines.runs.start", acme).await, R::PermissionUnknown);
        assert!(!holds(&stage.subject_access(owner).await.expect("tells"), "pipelines.runs.start"));
        let done = registered(&stage, Who::User(stage.admin), register("pipelines", &["start", "stop"])).await;
        assert_eq!(done.expect("registers").added_permissions, ["pipelines.runs.start", "pipelines.runs.stop"]);
        assert_eq!(allowed(&stage, owner, "pipelines.runs.start", acme).await, R::RoleHoldsPermission);
        assert_eq!(allowed(&stage, owner, "pipelines.runs.start", stage.home).await, R::NotAMember);
        assert_eq!(allowed(&stage, guest, "pipelines.runs.start", acme).await, R::PermissionMissing);
        assert_eq!(allowed(&stage, owner, "pipelines.runs.none", acme).await, R::PermissionUnknown);
        assert!(holds(&stage.subject_access(owner).await.expect("tells"), "pipelines.runs.start"));
        let role = pb::Role {
            name: "PILOT".to_owned(),
            permissions: names(&["pipelines.runs.start"]),
            ..Default::default()
        };
        let request = pb::CreateRoleRequest { role: Some(role), ..Default::default() };
        stage.roles(owner).create_role(request).await.expect("composes");
        stage.set_roles(owner, guest, &["PILOT"]).await.expect("gives");
        assert_eq!(allowed(&stage, guest, "pipelines.runs.start", acme).await, R::RoleHoldsPermission);
        let program = stage.add_service_account(owner, "", &["pipelines.runs.stop"]).await.expect("gives");
        assert_eq!(allowed(&stage, program, "pipelines.runs.stop", acme).await, R::PermissionGiven);
        let unknown = stage.add_service_account(owner, "", &["pipelines.runs.none"]).await;
        assert_eq!(refused(unknown), "REQUEST_INVALID");
    }

    async fn what_ends_is_taken_out_of_every_role_and_account_at_once(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let admin = Who::User(stage.admin);
        registered(&stage, admin, register("pipelines", &["start", "stop"])).await.expect("registers");
        let permissions = names(&["pipelines.runs.start", "pipelines.runs.stop"]);
        let role = pb::Role { name: "PILOT".to_owned(), permissions, ..Default::default() };
        let request = pb::CreateRoleRequest { role: Some(role), ..Default::default() };
        stage.roles(owner).create_role(request).await.expect("composes");
        let pilot = stage.add_active(owner, acme, &["PILOT"]).await;
        let program = stage.add_service_account(owner, "", &["pipelines.runs.stop"]).await.expect("gives");
        assert!(holds(&stage.subject_access(pilot).await.expect("tells"), "pipelines.runs.stop"));
        let only = pb::RegisterPermissionsRequest { validate_only: true, ..register("pipelines", &["start"]) };
        let shown = registered(&stage, admin, only).await.expect("could");
        assert_eq!((shown.changed_role_count, shown.changed_service_account_count), (1, 1));
        assert!(holds(&stage.subject_access(pilot).await.expect("tells"), "pipelines.runs.stop"));
        let done = registered(&stage, admin, register("pipelines", &["start"])).await.expect("registers");
        assert_eq!(done.removed_permissions, ["pipelines.runs.stop"]);
        assert_eq!((done.changed_role_count, done.changed_service_account_count), (1, 1));
        for subject in [pilot.to_string(), program.to_string(), owner.to_string()] {
            assert!(!holds(&stage.subject_access(subject).await.expect("tells"), "pipelines.runs.stop"));
        }
        let get = pb::GetRoleRequest { name: "PILOT".to_owned(), ..Default::default() };
        let left = stage.roles(owner).get_role(get).await.expect("reads").into_inner().role.expect("a role");
        assert_eq!((left.permissions, left.etag.as_str()), (names(&["pipelines.runs.start"]), "r2"));
        registered(&stage, admin, register("pipelines", &["start", "stop"])).await.expect("registers");
        assert!(!holds(&stage.subject_access(pilot).await.expect("tells"), "pipelines.runs.stop"), "it came back");
        let again = registered(&stage, admin, register("pipelines", &["start", "stop"])).await.expect("repeats");
        assert!(again.added_permissions.is_empty() && again.removed_permissions.is_empty());
    }

    async fn attack_t22_a_namespace_belongs_to_one_backend(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (one, two) = (backend(&stage).await, backend(&stage).await);
        let mine = pb::RegisterPermissionsRequest {
            service_account_id: one.to_string(),
            ..register("pipelines", &["start"])
        };
        assert_eq!(refused(registered(&stage, Who::ServiceAccount(one), mine.clone()).await), "REQUEST_INVALID");
        let unowned = register("pipelines", &["start"]);
        assert_eq!(refused(registered(&stage, Who::ServiceAccount(one), unowned.clone()).await), "NAMESPACE_NOT_OWNED");
        registered(&stage, Who::User(stage.admin), mine).await.expect("assigns");
        let more = register("pipelines", &["start", "stop"]);
        registered(&stage, Who::ServiceAccount(one), more.clone()).await.expect("its own");
        assert_eq!(refused(registered(&stage, Who::ServiceAccount(two), more.clone()).await), "NAMESPACE_NOT_OWNED");
        let by_owner = registered(&stage, Who::User(owner), more).await.expect_err("no right");
        assert_eq!(by_owner.code(), Code::PermissionDenied);
        for reserved in ["identity", "organization", "notification", "rolecall", "Pipelines", "p"] {
            let asked = registered(&stage, Who::User(stage.admin), register(reserved, &["start"])).await;
            assert_eq!(refused(asked), "REQUEST_INVALID", "{reserved}");
        }
        let inside = stage.add_service_account(owner, "", &["organization.members.list"]).await.expect("an account");
        let foreign = pb::RegisterPermissionsRequest { service_account_id: inside.to_string(), ..unowned };
        assert_eq!(refused(registered(&stage, Who::User(stage.admin), foreign).await), "REQUEST_INVALID");
    }

    async fn the_instance_has_room_for_five_thousand_registered_permissions(database) {
        let stage = Stage::open(&database).await;
        let many = |namespace: &str, count: usize| {
            let verbs: Vec<String> = (0..count).map(|number| format!("verb_{number}")).collect();
            register(namespace, &verbs.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let admin = Who::User(stage.admin);
        assert_eq!(refused(registered(&stage, admin, many("too_many", 1_001)).await), "REQUEST_INVALID");
        for number in 0..5 {
            registered(&stage, admin, many(&format!("space_{number}"), 1_000)).await.expect("registers");
        }
        assert_eq!(refused(registered(&stage, admin, many("space_5", 1)).await), "PERMISSION_LIMIT_REACHED");
        registered(&stage, admin, many("space_4", 999)).await.expect("fewer always go");
        registered(&stage, admin, many("space_5", 1)).await.expect("room again");
    }

    async fn everybody_who_watches_is_told_what_concerns_all(database) {
        let stage = Stage::open(&database).await;
        let mut watching = stage.members_as(Who::Service);
        let mut stream = watching.watch_access_changes(pb::WatchAccessChangesRequest::default()).await.expect("begins").into_inner();
        stream.message().await.expect("open").expect("the first message");
        registered(&stage, Who::User(stage.admin), register("pipelines", &["start"])).await.expect("registers");
        loop {
            let message = stream.message().await.expect("open").expect("a message");
            if !message.organization_ids.is_empty() {
                assert_eq!(message.organization_ids, ["-"]);
                break;
            }
        }
    }
}
