use std::time::Duration;

use rolecall_api::identity::v1::{
    CreateApiKeyRequest, CreateServiceAccountRequest, DeleteApiKeyRequest, DeleteServiceAccountRequest,
    ExchangeApiKeyRequest, GetServiceAccountRequest, ListApiKeysRequest, ListServiceAccountsRequest, ListUsersRequest,
    ServiceAccount, UpdateServiceAccountRequest,
};
use rolecall_testkit::on_each_database;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, at_once, bearer, bytes, reason, request_id};

async fn make(world: &World, token: &str, organization: &str) -> ServiceAccount {
    let request = CreateServiceAccountRequest {
        organization_id: organization.to_owned(),
        name: "Data platform".to_owned(),
        permissions: vec!["identity.users.list".to_owned()],
        ..Default::default()
    };
    let made = world.service_accounts().create_service_account(bearer(token, request)).await.expect("made");
    made.into_inner().service_account.expect("an account")
}

fn key_for(id: &str) -> CreateApiKeyRequest {
    CreateApiKeyRequest { service_account_id: id.to_owned(), ..Default::default() }
}

fn named(account: &ServiceAccount) -> ServiceAccount {
    ServiceAccount { service_account_id: account.service_account_id.clone(), ..Default::default() }
}

async fn update(
    world: &World,
    token: &str,
    account: ServiceAccount,
    paths: &[&str],
) -> Result<ServiceAccount, tonic::Status> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = (!paths.is_empty()).then_some(prost_types::FieldMask { paths });
    let request = UpdateServiceAccountRequest { service_account: Some(account), update_mask, ..Default::default() };
    let answer = world.service_accounts().update_service_account(bearer(token, request)).await?.into_inner();
    Ok(answer.service_account.expect("an account"))
}

async fn exchange(world: &World, key: &str) -> Result<String, tonic::Status> {
    let request = ExchangeApiKeyRequest { api_key: key.to_owned(), ..Default::default() };
    Ok(world.authentication().exchange_api_key(request).await?.into_inner().access_token)
}

on_each_database! {
    /// ASVS: V10.4.10
    async fn asvs_v7_2_2_a_key_is_exchanged_for_a_token_that_acts_for_its_account(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await;
        let account = make(&world, &root.access_token, "").await;
        assert_eq!(account.organization_id, admin.organization_id);
        let request = bearer(&root.access_token, key_for(&account.service_account_id));
        let made = world.service_accounts().create_api_key(request).await.expect("made").into_inner();
        let token = exchange(&world, &made.secret).await.expect("exchanged");
        let users = world.users().list_users(bearer(&token, ListUsersRequest::default())).await.expect("listed").into_inner();
        assert_eq!(users.users.len(), 1);
        world.clock.advance(Duration::from_hours(90 * 24));
        let ended = exchange(&world, &made.secret).await.expect_err("ended");
        let unknown = exchange(&world, "rk_unknown").await.expect_err("unknown");
        assert_eq!(bytes(&ended), bytes(&unknown));
    }

    /// ASVS: T11
    async fn asvs_v10_4_10_a_deleted_account_and_a_deleted_key_open_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let account = make(&world, &root, "").await;
        let id = account.service_account_id.clone();
        let mut keys = Vec::new();
        for _ in 0..2 {
            world.clock.advance(Duration::from_millis(2));
            keys.push(world.service_accounts().create_api_key(bearer(&root, key_for(&id))).await.expect("made").into_inner());
        }
        let first = keys[0].api_key.clone().expect("described");
        let request = DeleteApiKeyRequest { api_key_id: first.api_key_id.clone(), ..Default::default() };
        world.service_accounts().delete_api_key(bearer(&root, request.clone())).await.expect("deleted");
        let gone = world.service_accounts().delete_api_key(bearer(&root, request)).await.expect_err("gone");
        assert_eq!(reason(&gone), "API_KEY_NOT_FOUND");
        exchange(&world, &keys[0].secret).await.expect_err("deleted");
        let listed = ListApiKeysRequest { service_account_id: id.clone(), ..Default::default() };
        let listed = world.service_accounts().list_api_keys(bearer(&root, listed)).await.expect("listed").into_inner();
        assert_eq!(listed.api_keys, [keys[1].api_key.clone().expect("described")]);
        let token = exchange(&world, &keys[1].secret).await.expect("exchanged");
        world.clock.advance(Duration::from_millis(2));
        let request = DeleteServiceAccountRequest { service_account_id: id.clone(), ..Default::default() };
        world.service_accounts().delete_service_account(bearer(&root, request)).await.expect("deleted");
        let refused = world.users().list_users(bearer(&token, ListUsersRequest::default())).await.expect_err("over");
        assert_eq!(refused.code(), Code::Unauthenticated);
        exchange(&world, &keys[1].secret).await.expect_err("gone");
        assert!(world.peers.known().service_accounts.is_empty());
    }

    async fn parallel_repeats_of_a_deletion_get_its_answer(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let service_account_id = make(&world, &root, "").await.service_account_id;
        let request = DeleteServiceAccountRequest { service_account_id, request_id: request_id(&world.clock) };
        let world = std::sync::Arc::new(world);
        let answers = at_once(8, |_| {
            let (world, request) = (std::sync::Arc::clone(&world), bearer(&root, request.clone()));
            async move { world.service_accounts().delete_service_account(request).await }
        }).await;
        for answer in answers {
            answer.expect("answered");
        }
    }

    async fn parallel_repeats_of_the_deletion_of_a_key_get_its_answer(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let id = make(&world, &root, "").await.service_account_id;
        let key = world.service_accounts().create_api_key(bearer(&root, key_for(&id))).await.expect("made").into_inner();
        let api_key_id = key.api_key.expect("described").api_key_id;
        let request = DeleteApiKeyRequest { api_key_id, request_id: request_id(&world.clock) };
        let world = std::sync::Arc::new(world);
        let answers = at_once(8, |_| {
            let (world, request) = (std::sync::Arc::clone(&world), bearer(&root, request.clone()));
            async move { world.service_accounts().delete_api_key(request).await }
        }).await;
        for answer in answers {
            answer.expect("answered");
        }
    }

    async fn other_permissions_count_from_the_next_call_on(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let account = make(&world, &root, "").await;
        let key = world.service_accounts().create_api_key(bearer(&root, key_for(&account.service_account_id))).await;
        let token = exchange(&world, &key.expect("made").into_inner().secret).await.expect("exchanged");
        world.users().list_users(bearer(&token, ListUsersRequest::default())).await.expect("held");
        let wished = ServiceAccount { permissions: vec!["identity.users.get".to_owned()], ..named(&account) };
        let updated = update(&world, &root, wished, &["permissions"]).await.expect("updated");
        assert_eq!(updated.permissions, ["identity.users.get"]);
        assert_eq!((&updated.name, updated.create_time), (&account.name, account.create_time));
        assert_ne!(updated.etag, account.etag);
        // In the suite organization tells the processes; here the test does.
        world.access.invalidate_all();
        let refused = world.users().list_users(bearer(&token, ListUsersRequest::default())).await.expect_err("lost");
        assert_eq!(reason(&refused), "PERMISSION_MISSING");
        let get = GetServiceAccountRequest { service_account_id: account.service_account_id };
        let read = world.service_accounts().get_service_account(bearer(&root, get)).await.expect("read").into_inner();
        assert_eq!(read.service_account, Some(updated));
        world.identity.relay().drain().await;
        assert!(world.peers.topics().contains(&"identity.service_account_updated".to_owned()));
    }

    /// ASVS: V8.2.3
    async fn attack_t19_an_update_changes_what_its_mask_names_and_nothing_that_moved(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let account = make(&world, &root, "").await;
        let renamed = ServiceAccount { name: "Gateway".to_owned(), ..named(&account) };
        let both = ServiceAccount { permissions: vec!["identity.users.get".to_owned()], ..renamed.clone() };
        let first = update(&world, &root, both.clone(), &["name"]).await.expect("updated");
        assert_eq!((first.name.as_str(), &first.permissions), ("Gateway", &account.permissions));
        let stale = ServiceAccount { etag: account.etag.clone(), ..both.clone() };
        let refused = update(&world, &root, stale, &[]).await.expect_err("moved");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
        assert_eq!(refused.get_details_error_info().expect("ErrorInfo").metadata["etag"], first.etag);
        let current = ServiceAccount { etag: first.etag, ..both };
        let second = update(&world, &root, current, &[]).await.expect("all that is populated");
        assert_eq!(second.permissions, ["identity.users.get"]);
        for (wished, paths) in [
            (renamed.clone(), &["organization_id"][..]),
            (renamed.clone(), &["display_name"]),
            (ServiceAccount { name: String::new(), ..renamed.clone() }, &["name"]),
            (renamed, &["permissions"]),
            (ServiceAccount::default(), &["name"]),
            (named(&account), &[]),
        ] {
            assert_eq!(reason(&update(&world, &root, wished, paths).await.expect_err("refused")), "REQUEST_INVALID");
        }
    }

    /// ASVS: V10.4.11
    async fn attack_t19_an_update_is_bounded_like_the_making(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (_, owner) = world.second_organization("owner@example.org").await;
        let account = make(&world, &root, "").await;
        let wished = ServiceAccount { name: "Mine".to_owned(), ..named(&account) };
        let refused = update(&world, &owner.access_token, wished, &[]).await.expect_err("foreign");
        assert_eq!(reason(&refused), "SERVICE_ACCOUNT_NOT_FOUND");
        let beyond = ServiceAccount { permissions: vec!["organization.datasets.register".to_owned()], ..named(&account) };
        let refused = update(&world, &root, beyond, &[]).await.expect_err("nobody may give it");
        assert_eq!(reason(&refused), "PERMISSION_NOT_GRANTABLE");
        let get = GetServiceAccountRequest { service_account_id: account.service_account_id.clone() };
        let read = world.service_accounts().get_service_account(bearer(&root, get)).await.expect("read").into_inner();
        assert_eq!(read.service_account.expect("an account"), account, "as it was");
        assert_eq!(world.peers.known().service_accounts[&account.service_account_id].1, account.permissions);
    }

    async fn parallel_repeats_of_an_update_get_its_answer(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let account = make(&world, &root, "").await;
        let request = UpdateServiceAccountRequest {
            request_id: request_id(&world.clock),
            service_account: Some(ServiceAccount {
                permissions: vec!["identity.users.get".to_owned()],
                etag: account.etag.clone(),
                ..named(&account)
            }),
            update_mask: None,
        };
        let world = std::sync::Arc::new(world);
        let answers = at_once(6, |_| {
            let (world, root, request) = (std::sync::Arc::clone(&world), root.clone(), request.clone());
            async move {
                loop {
                    match world.service_accounts().update_service_account(bearer(&root, request.clone())).await {
                        Err(status) if status.code() == Code::Unavailable => tokio::time::sleep(Duration::from_millis(5)).await,
                        answer => break answer.expect("answered").into_inner(),
                    }
                }
            }
        }).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }

    async fn an_update_that_was_left_behind_is_taken_back(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let account = make(&world, &root, "").await;
        let wished = ServiceAccount { permissions: vec!["identity.users.get".to_owned()], ..named(&account) };
        world.peers.known().down.insert("update_service_account");
        let refused = update(&world, &root, wished.clone(), &[]).await.expect_err("out of reach");
        assert_eq!(reason(&refused), "PEER_UNAVAILABLE");
        // Whether organization did its part is unknown; say it did.
        world.peers.known().down.clear();
        let id = account.service_account_id.clone();
        world.peers.known().service_accounts.get_mut(&id).expect("known").1.clone_from(&wished.permissions);
        let busy = update(&world, &root, wished.clone(), &[]).await.expect_err("unfinished");
        assert_eq!(reason(&busy), "STORE_UNAVAILABLE");
        let deletion = DeleteServiceAccountRequest { service_account_id: id.clone(), ..Default::default() };
        let busy = world.service_accounts().delete_service_account(bearer(&root, deletion)).await.expect_err("unfinished");
        assert_eq!(reason(&busy), "STORE_UNAVAILABLE");
        let get = GetServiceAccountRequest { service_account_id: id.clone() };
        world.service_accounts().get_service_account(bearer(&root, get)).await.expect("it is there meanwhile");
        world.clock.advance(Duration::from_secs(21));
        assert_eq!(world.identity.recover().await, 1);
        assert_eq!(world.peers.known().service_accounts[&id].1, account.permissions, "as it was");
        let updated = update(&world, &root, wished, &[]).await.expect("updated");
        assert_eq!(world.peers.known().service_accounts[&id].1, updated.permissions);
    }

    async fn the_last_use_of_a_key_is_told(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let id = make(&world, &root, "").await.service_account_id;
        let key = world.service_accounts().create_api_key(bearer(&root, key_for(&id))).await.expect("made").into_inner();
        let used_at = world.clock.advance(Duration::from_secs(3)).as_seconds();
        exchange(&world, &key.secret).await.expect("exchanged");
        assert_eq!(world.identity.write_last_used().await.expect("written"), 1);
        let listed = ListApiKeysRequest { service_account_id: id, ..Default::default() };
        let listed = world.service_accounts().list_api_keys(bearer(&root, listed)).await.expect("listed").into_inner();
        assert_eq!(listed.api_keys[0].last_used_time.map(|time| time.seconds), Some(used_at));
    }

    async fn a_secret_is_shown_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let id = make(&world, &root, "").await.service_account_id;
        let request = CreateApiKeyRequest { request_id: request_id(&world.clock), ..key_for(&id) };
        world.service_accounts().create_api_key(bearer(&root, request.clone())).await.expect("made");
        let again = world.service_accounts().create_api_key(bearer(&root, request)).await.expect_err("refused");
        assert_eq!(reason(&again), "SECRET_ALREADY_RETURNED");
        let mut late = key_for(&id);
        late.expire_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
        let late = world.service_accounts().create_api_key(bearer(&root, late)).await.expect_err("refused");
        assert_eq!(reason(&late), "REQUEST_INVALID");
    }

    async fn accounts_of_the_instance_and_of_others_are_beyond_an_owner(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let instance = make(&world, &root, "-").await;
        assert!(instance.organization_id.is_empty());
        let (_, owner) = world.second_organization("owner@example.org").await;
        let get = GetServiceAccountRequest { service_account_id: instance.service_account_id.clone() };
        let refused = world.service_accounts().get_service_account(bearer(&owner.access_token, get.clone())).await;
        assert_eq!(reason(&refused.expect_err("foreign")), "SERVICE_ACCOUNT_NOT_FOUND");
        world.service_accounts().get_service_account(bearer(&root, get)).await.expect("read");
        let mut request = CreateServiceAccountRequest {
            organization_id: "-".to_owned(),
            name: "Mine".to_owned(),
            permissions: vec!["identity.users.list".to_owned()],
            ..Default::default()
        };
        let refused = world.service_accounts().create_service_account(bearer(&owner.access_token, request.clone())).await;
        assert_eq!(reason(&refused.expect_err("ADMIN only")), "ORGANIZATION_NOT_FOUND");
        request.organization_id.clear();
        request.permissions = vec!["organization.datasets.register".to_owned()];
        let refused = world.service_accounts().create_service_account(bearer(&owner.access_token, request)).await;
        assert_eq!(reason(&refused.expect_err("beyond its own")), "PERMISSION_NOT_GRANTABLE");
        let all = |organization: &str| ListServiceAccountsRequest { organization_id: organization.to_owned(), ..Default::default() };
        let listed = world.service_accounts().list_service_accounts(bearer(&root, all("-"))).await.expect("listed").into_inner();
        assert_eq!(listed.service_accounts.len(), 1);
        let own = world.service_accounts().list_service_accounts(bearer(&owner.access_token, all("-"))).await.expect("listed").into_inner();
        assert!(own.service_accounts.is_empty());
    }
}
