//! Narrowed tokens, changed programs and stolen keys: every process obeys, soon or at once.

use std::time::Duration;

use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tonic::{Code, Status};

use crate::world;

const THREE_POSTGRES: Plan =
    Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Weak };

/// ASVS: V7.4.1
#[tokio::test]
async fn attack_t11_tokens_are_obeyed_in_one_process() {
    tell(world::ONE_SQLITE).await;
}

/// ASVS: V7.4.1
#[tokio::test]
async fn attack_t11_tokens_are_obeyed_in_three_processes() {
    tell(THREE_POSTGRES).await;
}

async fn tell(plan: Plan) {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    a_narrowed_token_opens_what_it_names_until_it_is_revoked(&stack, &admin).await;
    a_changed_program_may_what_it_may_now(&stack, &admin).await;
    a_stolen_key_is_forgotten(&stack, &admin).await;
}

async fn exchange(stack: &Stack, secret: String) -> Actor {
    let request = identity::ExchangeApiKeyRequest { api_key: secret, ..Default::default() };
    let answer = Actor::anonymous(stack).authentication().exchange_api_key(request).await.expect("exchanged");
    Actor::bearer(stack, &answer.into_inner().access_token)
}

async fn list_members(actor: &Actor) -> Result<(), Status> {
    actor.members().list_members(organization::ListMembersRequest::default()).await.map(drop)
}

/// Waits until a call of another process is refused for this reason: a second mostly, five at worst.
async fn until_refused(actor: &Actor, reason: &str) {
    let refused = async {
        loop {
            match list_members(actor).await {
                Ok(()) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(status) => break refusal::of(&status),
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(5), refused).await.expect("obeyed in time");
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unauthenticated, reason));
}

async fn a_narrowed_token_opens_what_it_names_until_it_is_revoked(stack: &Stack, admin: &Actor) {
    let lent = "organization.members.list";
    let request = identity::CreateAccessTokenRequest {
        name: "Report".to_owned(),
        permissions: vec![lent.to_owned()],
        ..Default::default()
    };
    let made = admin.account().create_access_token(request).await.expect("made").into_inner();
    let program = exchange(stack, made.secret).await;
    list_members(&program).await.expect("lent");
    let access = program.access().get_my_access(organization::GetMyAccessRequest {}).await.expect("harmless");
    let named: Vec<String> = access.into_inner().grants.into_iter().map(|grant| grant.permission).collect();
    assert_eq!(named, [lent], "it is told what it may, not what its person may");
    let request = organization::ListOrganizationsRequest::default();
    let refused = program.organizations().list_organizations(request).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_MISSING");
    let access_token_id = made.access_token.expect("described").access_token_id;
    let request = identity::RevokeAccessTokenRequest { access_token_id, ..Default::default() };
    admin.account().revoke_access_token(request).await.expect("revoked");
    until_refused(&program, "SESSION_ENDED").await;
}

async fn a_changed_program_may_what_it_may_now(stack: &Stack, admin: &Actor) {
    let request = identity::CreateServiceAccountRequest {
        organization_id: "-".to_owned(),
        name: "Directory".to_owned(),
        permissions: vec!["organization.members.list".to_owned()],
        ..Default::default()
    };
    let account = admin.service_accounts().create_service_account(request).await.expect("made").into_inner();
    let account = account.service_account.expect("an account");
    let service_account_id = account.service_account_id.clone();
    let request = identity::CreateApiKeyRequest { service_account_id, ..Default::default() };
    let key = admin.service_accounts().create_api_key(request).await.expect("made").into_inner();
    let program = exchange(stack, key.secret).await;
    let everywhere = || organization::ListMembersRequest { organization_id: "-".to_owned(), ..Default::default() };
    program.members().list_members(everywhere()).await.expect("held");
    let wished = identity::ServiceAccount { permissions: vec!["organization.access.check".to_owned()], ..account };
    let request = identity::UpdateServiceAccountRequest { service_account: Some(wished), ..Default::default() };
    admin.service_accounts().update_service_account(request).await.expect("updated");
    // Organization changed it, so its process obeys before anybody is answered.
    let refused = program.members().list_members(everywhere()).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_MISSING");
}

async fn a_stolen_key_is_forgotten(stack: &Stack, admin: &Actor) {
    let request = identity::RotateSigningKeysRequest { retire_previous: true, ..Default::default() };
    admin.signing().rotate_signing_keys(request).await.expect("rotated");
    until_refused(admin, "TOKEN_INVALID").await;
    let again = Actor::log_in(stack, world::ADMIN).await.expect("logged in");
    list_members(&again).await.expect("the new key is known where it is needed");
}
