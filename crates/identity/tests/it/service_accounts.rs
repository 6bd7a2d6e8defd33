use std::time::Duration;

use rolecall_api::identity::v1::{
    CreateApiKeyRequest, CreateServiceAccountRequest, DeleteApiKeyRequest, DeleteServiceAccountRequest,
    ExchangeApiKeyRequest, GetServiceAccountRequest, ListApiKeysRequest, ListServiceAccountsRequest, ListUsersRequest,
    ServiceAccount,
};
use rolecall_testkit::on_each_database;
use tonic::Code;

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

async fn exchange(world: &World, key: &str) -> Result<String, tonic::Status> {
    let request = ExchangeApiKeyRequest { api_key: key.to_owned() };
    Ok(world.authentication().exchange_api_key(request).await?.into_inner().access_token)
}

on_each_database! {
    async fn a_key_is_exchanged_for_a_token_that_acts_for_its_account(database) {
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

    async fn a_deleted_account_and_a_deleted_key_open_nothing(database) {
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
