//! Every method that the descriptor lists is attacked; what is not attacked does not exist.

use bytes::Bytes;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, MethodDescriptor, ReflectMessage as _, Value,
};
use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as organization;
use rolecall_api::organization::v1::PermissionPlace as Place;
use rolecall_db::{Database, DatabaseConfig, Error as StoreError};
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::raw;
use rolecall_tests::refusal::{self, Refusal};
use rolecall_tests::stack::{SERVICES, Stack};
use sea_orm::ConnectionTrait as _;
use tonic::Code;

use crate::world;

/// The access rule of a method, as its option says it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the option has these flags")]
struct Rule {
    public: bool,
    authenticated: bool,
    internal: bool,
    refuse_service_accounts: bool,
    step_up: bool,
    accept_personal_tokens: bool,
    accept_guests: bool,
    accept_impersonation: bool,
    permissions: Vec<String>,
}

fn option() -> ExtensionDescriptor {
    let pool = DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).unwrap();
    pool.get_extension_by_name("rolecall.authz.v1.rule").unwrap()
}

fn rule(method: &MethodDescriptor) -> Rule {
    let options = method.options();
    let option = options.descriptor().parent_pool().get_extension_by_name(option().full_name()).unwrap();
    assert!(options.has_extension(&option), "{} has no rule", raw::path(method));
    let value = options.get_extension(&option);
    let rule = value.as_message().unwrap();
    let flag = |name: &str| rule.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default();
    Rule {
        public: flag("public"),
        authenticated: flag("authenticated"),
        internal: flag("internal"),
        refuse_service_accounts: flag("refuse_service_accounts"),
        step_up: flag("step_up"),
        accept_personal_tokens: flag("accept_personal_tokens"),
        accept_guests: flag("accept_guests"),
        accept_impersonation: flag("accept_impersonation"),
        permissions: strings(rule, "permissions"),
    }
}

fn strings(message: &DynamicMessage, field: &str) -> Vec<String> {
    let value = message.get_field_by_name(field).unwrap();
    value.as_list().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The context that serves a method.
fn service(method: &MethodDescriptor) -> &'static str {
    let name = method.parent_service().full_name().to_owned();
    SERVICES.into_iter().find(|service| name.contains(&format!(".{service}."))).unwrap()
}

async fn attack(stack: &Stack, method: &MethodDescriptor, token: Option<&str>) -> Result<(), Refusal> {
    let answer = raw::call(&stack.channel(service(method)), &raw::path(method), Bytes::new(), token).await;
    answer.map(drop).map_err(|status| refusal::of(&status))
}

/// Whether a refusal came from the door rather than from the room behind it.
fn is_closed_door(result: &Result<(), Refusal>) -> bool {
    result.as_ref().is_err_and(|refusal| refusal.domain == "authz.rolecall")
}

/// ASVS: V8.2.1, T39
#[tokio::test]
async fn asvs_v8_3_1_every_method_is_closed_to_those_it_is_not_for() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let guest = world::member(&stack, &admin, "guest@home.example", &["GUEST"]).await;

    let methods = raw::methods();
    assert!(methods.len() > 30, "the descriptor lists our methods");
    for method in &methods {
        let (path, rule) = (raw::path(method), rule(method));
        let anonymous = attack(&stack, method, None).await;
        let forged = attack(&stack, method, Some(&one_bit_off(admin.token()))).await;
        if rule.public {
            assert!(!is_closed_door(&anonymous) && !is_closed_door(&forged), "{path}: {anonymous:?}");
            continue;
        }
        let missing = anonymous.expect_err(&path);
        assert_eq!((missing.code, missing.reason.as_str()), (Code::Unauthenticated, "CREDENTIALS_MISSING"), "{path}");
        let invalid = forged.expect_err(&path);
        assert_eq!((invalid.code, invalid.reason.as_str()), (Code::Unauthenticated, "TOKEN_INVALID"), "{path}");
        if rule.internal && rule.permissions.is_empty() {
            let insider = attack(&stack, method, Some(admin.token())).await.expect_err(&path);
            assert_eq!(
                (insider.code, insider.reason.as_str()),
                (Code::PermissionDenied, "CALLER_KIND_REFUSED"),
                "{path}"
            );
        } else if !rule.authenticated {
            check_guest(&stack, method, &rule, &guest).await;
        }
    }
}

/// A guest passes the door only where the table gives it a permission on itself.
async fn check_guest(stack: &Stack, method: &MethodDescriptor, rule: &Rule, guest: &Actor) {
    let held =
        ["identity.users.get", "identity.users.update", "organization.members.get", "organization.organizations.get"];
    let result = attack(stack, method, Some(guest.token())).await;
    if rule.permissions.iter().any(|permission| held.contains(&permission.as_str())) {
        assert!(!is_closed_door(&result), "{}: {result:?}", raw::path(method));
    } else {
        let refused = result.expect_err(&raw::path(method));
        assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "PERMISSION_MISSING"));
    }
}

/// ASVS: V8.2.1, V10.3.2
#[tokio::test]
async fn attack_t18_whoever_acts_as_another_finds_every_method_closed_that_does_not_accept_it() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let owner = world::member(&stack, &admin, "owner@home.example", &["OWNER"]).await;
    let request = |read_write| identity::ImpersonateUserRequest {
        target: Some(identity::impersonate_user_request::Target::UserId(owner.id.clone())),
        reason: "a test".to_owned(),
        read_write,
        ..Default::default()
    };
    let begin = |read_write| {
        let mut client = admin.authentication();
        async move { client.impersonate_user(request(read_write)).await.expect("begun").into_inner().access_token }
    };
    let (reading, changing) = (begin(false).await, begin(true).await);
    let methods = raw::methods();
    let (closed, open): (Vec<_>, Vec<_>) =
        methods.iter().filter(|method| !rule(method).public).partition(|method| !rule(method).accept_impersonation);
    assert!(closed.len() > 30 && !open.is_empty());
    for method in closed {
        for token in [&reading, &changing] {
            let refused = attack(&stack, method, Some(token)).await.expect_err(&raw::path(method));
            let expected = (Code::PermissionDenied, "IMPERSONATION_REFUSED");
            assert_eq!((refused.code, refused.reason.as_str()), expected, "{}", raw::path(method));
        }
    }
}

#[tokio::test]
async fn a_guest_finds_every_method_closed_that_needs_an_account() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let settings = organization::OrganizationSettings { guest_sessions: true, ..Default::default() };
    let request = organization::UpdateOrganizationSettingsRequest { settings: Some(settings), ..Default::default() };
    admin.organizations().update_organization_settings(request).await.expect("changed");
    let anonymous = Actor::anonymous(&stack);
    let answer = anonymous.authentication().log_in_as_guest(identity::LogInAsGuestRequest::default()).await;
    let token = answer.expect("let in").into_inner().tokens.expect("tokens").access_token;
    for method in &raw::methods() {
        let (path, rule) = (raw::path(method), rule(method));
        let holds = rule.permissions == ["organization.organizations.get"];
        if rule.public || holds || (rule.authenticated && rule.accept_guests) {
            continue;
        }
        let refused = attack(&stack, method, Some(&token)).await.expect_err(&path);
        let is_missing = !rule.permissions.is_empty() && !rule.step_up;
        let expected = if is_missing { "PERMISSION_MISSING" } else { "CALLER_KIND_REFUSED" };
        assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, expected), "{path}");
    }
}

#[tokio::test]
async fn asvs_v8_2_1_every_permission_but_the_needed_one_opens_nothing() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let (_, owner) = world::organization_with_owner(&stack, &admin, "Lab", "olga@lab.example").await;
    let methods: Vec<_> = raw::methods().into_iter().filter(|method| rule(method).permissions.len() == 1).collect();
    let programs = programs(&stack, &admin, &owner).await;
    for method in &methods {
        let (path, rule) = (raw::path(method), rule(method));
        let is_for_people = rule.refuse_service_accounts || rule.step_up;
        let expected = if is_for_people { "CALLER_KIND_REFUSED" } else { "PERMISSION_MISSING" };
        let mut opened = 0;
        for (held, token) in &programs {
            let attacked = attack(&stack, method, Some(token)).await;
            if held.contains(&rule.permissions[0]) && !is_for_people {
                assert!(!is_closed_door(&attacked), "{path}: {attacked:?}");
                opened += 1;
                continue;
            }
            let refused = attacked.expect_err(&path);
            assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, expected), "{path}");
        }
        // Impersonating is given to nobody but people: it is held on a condition about the person it is used on. Runs
        // are reported by who holds that on a condition about the spec.
        let is_conditional = rule.permissions[0] == "organization.compute_specs.run";
        assert!(opened > 0 || is_for_people || is_conditional, "{path}: nobody was given what opens it");
    }
}

/// Makes programs such that of any two permissions one program holds the first without the second: of each kind, one
/// for every bit of the permission's number that is set, and one for every bit that is not.
async fn programs(stack: &Stack, admin: &Actor, owner: &Actor) -> Vec<(Vec<String>, String)> {
    let mut programs = Vec::new();
    let people = unconditional(owner, "ADMIN").await;
    // What reads an organization's data, an administrator of people does not give: its owner does.
    let mut data = unconditional(owner, "OWNER").await;
    data.retain(|permission| !people.contains(permission));
    for (giver, organization, given) in [(admin, "-", people), (owner, "", data)] {
        let bits = usize::BITS - given.len().leading_zeros();
        for (bit, is_set) in (0..bits).flat_map(|bit| [(bit, false), (bit, true)]) {
            let numbered = given.iter().enumerate();
            let held = numbered.filter(|(number, _)| (number >> bit & 1 == 1) == is_set);
            let held: Vec<String> = held.map(|(_, permission)| permission.clone()).collect();
            if !held.is_empty() {
                let token = service_account(stack, giver, organization, held.clone()).await;
                programs.push((held, token));
            }
        }
    }
    programs
}

/// Returns what a built-in role holds on all of its organization or more.
async fn unconditional(owner: &Actor, role: &str) -> Vec<String> {
    let request = organization::GetPermissionTableRequest { page_size: 1_000, ..Default::default() };
    let table = owner.roles().get_permission_table(request).await.expect("read").into_inner();
    assert!(table.next_page_token.is_empty(), "one page holds all");
    let rows = table.rows;
    let is_unconditional =
        |held: &organization::RoleHolding| held.role == role && matches!(held.place(), Place::Any | Place::Own);
    let is_held = |row: &organization::PermissionRow| row.holders.iter().any(is_unconditional);
    rows.into_iter().filter(is_held).filter_map(|row| Some(row.permission?.name)).collect()
}

#[tokio::test]
async fn a_personal_token_passes_the_doors_that_accept_it_and_those_that_it_is_narrowed_to() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let lent = "identity.users.get";
    let request = identity::CreateAccessTokenRequest {
        name: "Attacker".to_owned(),
        permissions: vec![lent.to_owned()],
        ..Default::default()
    };
    let secret = admin.account().create_access_token(request).await.unwrap().into_inner().secret;
    let request = identity::ExchangeApiKeyRequest { api_key: secret, ..Default::default() };
    let token = Actor::anonymous(&stack).authentication().exchange_api_key(request).await.unwrap();
    let token = token.into_inner().access_token;
    for method in &raw::methods() {
        let (path, rule) = (raw::path(method), rule(method));
        let attacked = attack(&stack, method, Some(&token)).await;
        let is_lent = rule.permissions.iter().any(|permission| permission == lent);
        if rule.public || rule.accept_personal_tokens || (is_lent && !rule.step_up) {
            assert!(!is_closed_door(&attacked), "{path}: {attacked:?}");
            continue;
        }
        let is_of_another_kind = rule.step_up || rule.permissions.is_empty();
        let expected = if is_of_another_kind { "CALLER_KIND_REFUSED" } else { "PERMISSION_MISSING" };
        let refused = attacked.expect_err(&path);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, expected), "{path}");
    }
}

/// Makes a service account with these permissions and gives its token.
async fn service_account(stack: &Stack, giver: &Actor, organization: &str, permissions: Vec<String>) -> String {
    let request = identity::CreateServiceAccountRequest {
        organization_id: organization.to_owned(),
        name: "Attacker".to_owned(),
        permissions,
        ..Default::default()
    };
    let made = giver.service_accounts().create_service_account(request).await.unwrap().into_inner();
    let service_account_id = made.service_account.unwrap().service_account_id;
    let request = identity::CreateApiKeyRequest { service_account_id, ..Default::default() };
    let key = giver.service_accounts().create_api_key(request).await.unwrap().into_inner().secret;
    let request = identity::ExchangeApiKeyRequest { api_key: key, ..Default::default() };
    let answer = Actor::anonymous(stack).authentication().exchange_api_key(request).await.unwrap();
    answer.into_inner().access_token
}

/// ASVS: V10.4.11
#[tokio::test]
async fn attack_t19_nobody_makes_a_key_of_an_account_that_may_more_than_itself() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let (_, owner) = world::organization_with_owner(&stack, &admin, "Lab", "olga@lab.example").await;
    let request = identity::CreateServiceAccountRequest {
        name: "Data platform".to_owned(),
        permissions: vec!["organization.datasets.register".to_owned()],
        ..Default::default()
    };
    let made = owner.service_accounts().create_service_account(request).await.unwrap().into_inner();
    let service_account_id = made.service_account.unwrap().service_account_id;
    let request = identity::CreateApiKeyRequest { service_account_id, ..Default::default() };
    owner.service_accounts().create_api_key(request.clone()).await.expect("who may give the permission makes a key");
    // An administrator of people reads no organization's data, and so takes no key to it.
    let refused = admin.service_accounts().create_api_key(request).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_NOT_GRANTABLE");
}

#[tokio::test]
async fn the_stream_of_all_revocations_is_closed_to_an_owner() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let (_, owner) = world::organization_with_owner(&stack, &admin, "Lab", "olga@lab.example").await;
    let request = identity::WatchRevocationsRequest::default;
    let refused = owner.signing().watch_revocations(request()).await;
    refusal::expect_reason(refused.map(drop), Code::PermissionDenied, "PERMISSION_MISSING");
    let mut opened = admin.signing().watch_revocations(request()).await.unwrap().into_inner();
    assert!(opened.message().await.unwrap().is_some(), "it begins with a message at the latest after a heartbeat");
}

/// ASVS: V7.5.1, V10.3.4
#[tokio::test]
async fn asvs_v7_5_3_who_proved_six_minutes_ago_who_it_is_proves_it_again_where_a_step_up_is_asked_for() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    age_sessions(&stack).await;
    let request = identity::RefreshTokensRequest { refresh_token: admin.refresh_token(), ..Default::default() };
    let tokens = Actor::anonymous(&stack).authentication().refresh_tokens(request).await.unwrap().into_inner();
    let aged = Actor::with_tokens(&stack, tokens.tokens.unwrap());
    let password = PASSWORD.to_owned();
    let request = identity::ReauthenticateRequest { password, ..Default::default() };
    let fresh = aged.authentication().reauthenticate(request).await.unwrap().into_inner().access_token;
    let mut asked = 0;
    for method in raw::methods().iter().filter(|method| rule(method).step_up) {
        asked += 1;
        let path = raw::path(method);
        let refused = attack(&stack, method, Some(aged.token())).await.expect_err(&path);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::Unauthenticated, "STEP_UP_REQUIRED"), "{path}");
        assert_eq!(refused.metadata["max_age"], "300");
        let opened = attack(&stack, method, Some(&fresh)).await;
        assert!(!is_closed_door(&opened), "{path}: {opened:?}");
    }
    assert!(asked > 5, "the contract asks for a step-up where credentials are changed");
}

/// Puts the beginning of every session six minutes back, in the database of the running server.
async fn age_sessions(stack: &Stack) {
    let url = format!("sqlite://{}/data/identity.db", stack.folder().display());
    let database = Database::connect(&DatabaseConfig::new(url), "identity", &[]).await.unwrap();
    let age = "UPDATE sessions SET auth_time = auth_time - 360000000";
    let aged = database.write(|tx| async move { Ok::<_, StoreError>(tx.execute_unprepared(age).await?) }).await;
    assert!(aged.unwrap().rows_affected() > 0);
}

/// The same token with one bit of its signature turned.
fn one_bit_off(token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let index = bytes.len() - 20;
    bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// ASVS: V9.1.1, T09
#[tokio::test]
async fn asvs_v7_2_1_a_token_with_any_one_character_changed_is_refused() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let channel = stack.channel("identity");
    let path = "/rolecall.identity.v1.AccountService/GetAccount";
    raw::call(&channel, path, Bytes::new(), Some(admin.token())).await.expect("the whole token works");
    for index in 0..admin.token().len() {
        let mut bytes = admin.token().as_bytes().to_vec();
        bytes[index] = if bytes[index] == b'x' { b'y' } else { b'x' };
        let token = String::from_utf8(bytes).unwrap();
        let answer = raw::call(&channel, path, Bytes::new(), Some(&token)).await;
        refusal::expect_reason(answer, Code::Unauthenticated, "TOKEN_INVALID");
    }
}
