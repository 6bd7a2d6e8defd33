//! Personal access tokens: what they open, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::*;
use rolecall_api::organization::v1 as organization;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::{Clock as _, Timestamp};
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, PASSWORD, World, at_once, bearer, bytes, create_user, reason, request_id};

const LIST: &str = "identity.users.list";

pub(crate) fn lend(permissions: &[&str]) -> CreateAccessTokenRequest {
    CreateAccessTokenRequest {
        name: "Nightly export".to_owned(),
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    }
}

pub(crate) async fn create(
    world: &World,
    token: &str,
    request: CreateAccessTokenRequest,
) -> Result<(AccessToken, String), Status> {
    let made = world.accounts().create_access_token(bearer(token, request)).await?.into_inner();
    Ok((made.access_token.expect("described"), made.secret))
}

pub(crate) async fn exchange(world: &World, secret: &str) -> Result<String, Status> {
    let request = ExchangeApiKeyRequest { api_key: secret.to_owned(), ..Default::default() };
    Ok(world.authentication().exchange_api_key(request).await?.into_inner().access_token)
}

async fn list(world: &World, token: &str) -> Vec<AccessToken> {
    let request = bearer(token, ListAccessTokensRequest::default());
    world.accounts().list_access_tokens(request).await.expect("listed").into_inner().access_tokens
}

async fn revoke(world: &World, token: &str, id: &str) -> Result<(), Status> {
    let request = RevokeAccessTokenRequest { access_token_id: id.to_owned(), ..Default::default() };
    world.accounts().revoke_access_token(bearer(token, request)).await.map(drop)
}

async fn whoami(world: &World, token: &str) -> Result<User, Status> {
    let answer = world.accounts().get_account(bearer(token, GetAccountRequest {})).await?;
    Ok(answer.into_inner().user.expect("a user"))
}

async fn list_users(world: &World, token: &str) -> Result<usize, Status> {
    let answer = world.users().list_users(bearer(token, ListUsersRequest::default())).await?;
    Ok(answer.into_inner().users.len())
}

fn expiring(seconds: i64) -> CreateAccessTokenRequest {
    CreateAccessTokenRequest { expire_time: Some(prost_types::Timestamp { seconds, nanos: 0 }), ..lend(&[]) }
}

async fn tell_of_block(world: &World, user_id: &str, at: Timestamp) {
    let blocked = organization::domain_event::Event::MemberBlocked(organization::MemberBlocked::default());
    let event = organization::DomainEvent { target_id: user_id.to_owned(), event: Some(blocked), ..Default::default() };
    let event = IngestedEvent {
        event_id: EventId::new(world.clock.now(), &SystemEntropy).to_string(),
        topic: "organization.member_blocked".to_owned(),
        payload: event.encode_to_vec(),
        occurred_time: Some(prost_types::Timestamp { seconds: at.as_seconds(), nanos: 0 }),
        traceparent: String::new(),
    };
    let request = bearer(&world.service_token(), IngestEventsRequest { events: vec![event] });
    world.directory().ingest_events(request).await.expect("taken");
}

on_each_database! {
    async fn asvs_v10_3_2_a_token_opens_what_it_is_narrowed_to_for_its_person(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (token, secret) = create(&world, &root, lend(&[LIST])).await.expect("made");
        assert!(secret.starts_with("rp_") && secret.len() == 46);
        assert_eq!((token.name.as_str(), token.permissions.as_slice()), ("Nightly export", &[LIST.to_owned()][..]));
        assert_eq!(list(&world, &root).await, [token]);
        let answer = world.authentication().exchange_api_key(ExchangeApiKeyRequest { api_key: secret, ..Default::default() }).await;
        let answer = answer.expect("exchanged").into_inner();
        assert_eq!((answer.user_id, answer.service_account_id.as_str()), (admin.user_id.clone(), ""));
        let narrowed = answer.access_token;
        assert_eq!(list_users(&world, &narrowed).await.expect("lent"), 1);
        assert_eq!(whoami(&world, &narrowed).await.expect("harmless").user_id, admin.user_id);
        let get = GetUserRequest { user_id: admin.user_id };
        let refused = world.users().get_user(bearer(&narrowed, get)).await.expect_err("held, and not lent");
        assert_eq!(reason(&refused), "PERMISSION_MISSING");
    }

    async fn a_token_opens_no_method_about_credentials_sessions_or_tokens(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (token, secret) = create(&world, &root, lend(&[])).await.expect("made");
        let narrowed = exchange(&world, &secret).await.expect("exchanged");
        let mut accounts = world.accounts();
        let refusals = [
            create(&world, &narrowed, lend(&[])).await.map(drop),
            revoke(&world, &narrowed, &token.access_token_id).await,
            accounts.list_access_tokens(bearer(&narrowed, ListAccessTokensRequest::default())).await.map(drop),
            accounts.list_sessions(bearer(&narrowed, ListSessionsRequest::default())).await.map(drop),
            accounts.revoke_sessions(bearer(&narrowed, RevokeSessionsRequest::default())).await.map(drop),
            accounts.change_password(bearer(&narrowed, ChangePasswordRequest::default())).await.map(drop),
            accounts.change_email(bearer(&narrowed, ChangeEmailRequest::default())).await.map(drop),
            accounts.enroll_totp(bearer(&narrowed, EnrollTotpRequest::default())).await.map(drop),
            world.authentication().log_out(bearer(&narrowed, LogOutRequest {})).await.map(drop),
            world.authentication().reauthenticate(bearer(&narrowed, ReauthenticateRequest::default())).await.map(drop),
            world.tokens().rotate_signing_keys(bearer(&narrowed, RotateSigningKeysRequest::default())).await.map(drop),
        ];
        for refused in refusals {
            assert_eq!(reason(&refused.expect_err("refused")), "CALLER_KIND_REFUSED");
        }
        let refusals = [
            world.tokens().introspect_token(bearer(&narrowed, IntrospectTokenRequest::default())).await.map(drop),
            world.service_accounts().create_api_key(bearer(&narrowed, CreateApiKeyRequest::default())).await.map(drop),
        ];
        for refused in refusals {
            assert_eq!(reason(&refused.expect_err("refused")), "PERMISSION_MISSING");
        }
    }

    async fn attack_t19_a_token_for_making_accounts_gives_no_roles(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (_, secret) = create(&world, &root, lend(&["identity.users.create"])).await.expect("made");
        let narrowed = exchange(&world, &secret).await.expect("exchanged");
        let request = bearer(&narrowed, create_user("ada@example.org", "OWNER"));
        let refused = world.users().create_user(request).await.expect_err("it was not lent");
        assert_eq!(reason(&refused), "ROLE_NOT_GRANTABLE");
    }

    async fn without_a_list_a_token_only_reads(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (token, _) = create(&world, &root, lend(&[])).await.expect("made");
        assert!(token.permissions.contains(&LIST.to_owned()) && token.permissions.is_sorted(), "{token:?}");
        for name in &token.permissions {
            let reads = [".get", ".list", ".check"].iter().any(|verb| name.ends_with(verb));
            assert!(reads && !name.contains("tokens") && !name.contains("service_accounts"), "{name}");
        }
        world.join(&root, "ada@example.org", "GUEST").await;
        let guest = world.log_in("ada@example.org").await.access_token;
        let (token, _) = create(&world, &guest, lend(&[])).await.expect("made");
        assert_eq!(token.permissions, ["identity.users.get"]);
    }

    /// ASVS: T19
    async fn asvs_v10_4_11_nobody_lends_what_it_does_not_hold_nor_what_no_token_may_carry(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        let guest = world.log_in("ada@example.org").await.access_token;
        for (token, permission) in [
            (&guest, LIST),
            (&root, "organization.datasets.register"),
            (&root, "identity.tokens.introspect"),
            (&root, "identity.service_accounts.create"),
            (&root, "identity.keys.rotate"),
        ] {
            let refused = create(&world, token, lend(&["identity.users.get", permission])).await.expect_err("refused");
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PERMISSION_NOT_GRANTABLE"));
            let metadata = refused.get_details_error_info().expect("ErrorInfo").metadata;
            assert_eq!(metadata["permissions"], permission);
        }
        let many: Vec<String> = (0..51).map(|index| format!("a.b{index}.get")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let now = world.clock.now().as_seconds();
        for invalid in [
            lend(&many),
            lend(&["nonsense"]),
            CreateAccessTokenRequest { name: String::new(), ..lend(&[]) },
            expiring(now),
            expiring(now + 365 * 86_400 + 1),
        ] {
            assert_eq!(reason(&create(&world, &root, invalid).await.expect_err("refused")), "REQUEST_INVALID");
        }
        create(&world, &root, expiring(now + 365 * 86_400)).await.expect("a year");
    }

    async fn a_token_is_made_by_who_proved_a_moment_ago_who_it_is(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        world.clock.advance(Duration::from_mins(6));
        let refresh = RefreshTokensRequest { refresh_token: tokens.refresh_token, ..Default::default() };
        let later = world.authentication().refresh_tokens(refresh).await.expect("refreshed").into_inner();
        let later = later.tokens.expect("tokens").access_token;
        let refused = create(&world, &later, lend(&[])).await.expect_err("stale");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "STEP_UP_REQUIRED"));
        assert!(list(&world, &later).await.is_empty(), "reading asks for no proof");
    }

    async fn asvs_v14_2_4_a_secret_is_shown_once_and_stored_as_its_hash(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let request = CreateAccessTokenRequest { request_id: request_id(&world.clock), ..lend(&[]) };
        let (_, secret) = create(&world, &root, request.clone()).await.expect("made");
        let again = create(&world, &root, request.clone()).await.expect_err("shown before");
        assert_eq!(reason(&again), "SECRET_ALREADY_RETURNED");
        let other = CreateAccessTokenRequest { name: "Other".to_owned(), ..request };
        assert_eq!(reason(&create(&world, &root, other).await.expect_err("reused")), "REQUEST_ID_REUSED");
        assert_eq!(list(&world, &root).await.len(), 1);
        let reader = world.db.reader();
        for table in ["access_tokens", "outbox", "idempotency_records"] {
            let text = format!("SELECT * FROM {table}");
            let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await;
            let rows = format!("{:?}", rows.expect("read"));
            assert!(!rows.contains(&secret[3..]), "{table}");
        }
    }

    async fn asvs_v2_3_2_a_person_has_twenty_tokens_at_most_also_of_parallel_calls(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let world = Arc::new(world);
        let answers = at_once(24, |_| {
            let (world, root) = (Arc::clone(&world), root.clone());
            async move {
                // Many writers at once may make one come back in a moment.
                loop {
                    match create(&world, &root, lend(&[])).await {
                        Err(status) if status.code() == Code::Unavailable => {}
                        answer => break answer,
                    }
                }
            }
        }).await;
        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), refused.len()), (20, 4));
        for answer in refused {
            assert_eq!(reason(&answer.expect_err("refused")), "ACCESS_TOKEN_LIMIT_REACHED");
        }
        let listed = list(&world, &root).await;
        let ids: Vec<&str> = listed.iter().map(|token| token.access_token_id.as_str()).collect();
        assert!(listed.len() == 20 && ids.is_sorted());
        let mut request = ListAccessTokensRequest { page_size: 15, ..Default::default() };
        let first = world.accounts().list_access_tokens(bearer(&root, request.clone())).await.expect("listed").into_inner();
        request.page_token = first.next_page_token;
        let rest = world.accounts().list_access_tokens(bearer(&root, request)).await.expect("listed").into_inner();
        assert_eq!([first.access_tokens, rest.access_tokens].concat(), listed);
        revoke(&world, &root, &listed[0].access_token_id).await.expect("revoked");
        create(&world, &root, lend(&[])).await.expect("room again");
    }

    /// ASVS: V6.5.6
    async fn asvs_v10_4_9_a_revoked_token_ends_with_all_that_was_exchanged_for_it_at_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        world.join(&root, "ada@example.org", "GUEST").await;
        let guest = world.log_in("ada@example.org").await.access_token;
        let (token, secret) = create(&world, &guest, lend(&[])).await.expect("made");
        let narrowed = exchange(&world, &secret).await.expect("exchanged");
        whoami(&world, &narrowed).await.expect("good");
        let check = CheckSessionRequest { session_id: token.access_token_id.clone() };
        let active = |world: &World| {
            let (mut directory, request) = (world.directory(), bearer(&world.service_token(), check.clone()));
            async move { directory.check_session(request).await.expect("told").into_inner().active }
        };
        assert!(active(&world).await);
        let foreign = revoke(&world, &root, &token.access_token_id).await.expect_err("somebody else's");
        assert_eq!(reason(&foreign), "ACCESS_TOKEN_NOT_FOUND");
        let request = RevokeAccessTokenRequest { access_token_id: token.access_token_id.clone(), request_id: request_id(&world.clock) };
        let world = Arc::new(world);
        let answers = at_once(6, |_| {
            let (world, request) = (Arc::clone(&world), bearer(&guest, request.clone()));
            async move { world.accounts().revoke_access_token(request).await }
        }).await;
        for answer in answers {
            answer.expect("every repeat is answered like the first");
        }
        assert_eq!(reason(&whoami(&world, &narrowed).await.expect_err("over")), "SESSION_ENDED");
        assert!(!active(&world).await && list(&world, &guest).await.is_empty());
        let ended = exchange(&world, &secret).await.expect_err("over");
        let unknown = exchange(&world, &format!("rp_{}", "A".repeat(43))).await.expect_err("unknown");
        let garbage = exchange(&world, "rp_").await.expect_err("garbage");
        assert_eq!(bytes(&ended), bytes(&unknown));
        assert_eq!((bytes(&ended), reason(&ended).as_str()), (bytes(&garbage), "CREDENTIALS_REFUSED"));
        assert_eq!(reason(&revoke(&world, &guest, &token.access_token_id).await.expect_err("gone")), "ACCESS_TOKEN_NOT_FOUND");
        world.identity.sequencer().drain().await.expect("numbered");
        let mut stream = world.tokens().watch_revocations(bearer(&world.service_token(), WatchRevocationsRequest::default())).await.expect("watched").into_inner();
        let told = stream.message().await.expect("a message").expect("not over");
        assert_eq!(told.revocations[0].ended, Some(revocation::Ended::SessionId(token.access_token_id)));
        world.identity.relay().drain().await;
        let topics = world.peers.topics();
        for topic in ["identity.access_token_created", "identity.access_token_revoked"] {
            assert_eq!(topics.iter().filter(|told| *told == topic).count(), 1, "{topic}");
        }
    }

    /// ASVS: V7.4.3
    async fn attack_t11_another_password_ends_every_token_of_its_person(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let (_, secret) = create(&world, &tokens.access_token, lend(&[])).await.expect("made");
        let narrowed = exchange(&world, &secret).await.expect("exchanged");
        let change = ChangePasswordRequest {
            current_password: PASSWORD.to_owned(),
            new_password: "another tram hums louder".to_owned(),
            new_password_confirmation: "another tram hums louder".to_owned(),
            ..Default::default()
        };
        world.accounts().change_password(bearer(&tokens.access_token, change)).await.expect("changed");
        assert_eq!(reason(&whoami(&world, &narrowed).await.expect_err("over")), "SESSION_ENDED");
        exchange(&world, &secret).await.expect_err("over");
        assert!(list(&world, &tokens.access_token).await.is_empty());
    }

    /// ASVS: T11
    async fn asvs_v6_3_4_a_block_closes_a_token_at_once_and_ends_it_for_good(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let user = world.join(&root, "ada@example.org", "GUEST").await;
        let guest = world.log_in("ada@example.org").await.access_token;
        let (_, secret) = create(&world, &guest, lend(&[])).await.expect("made");
        let narrowed = exchange(&world, &secret).await.expect("exchanged");
        let blocked_at = world.clock.advance(Duration::from_secs(1));
        world.peers.known().members.get_mut(&user.user_id).expect("a member").blocked = true;
        world.access.invalidate_all();
        assert_eq!(reason(&exchange(&world, &secret).await.expect_err("blocked")), "CREDENTIALS_REFUSED");
        assert_eq!(reason(&whoami(&world, &narrowed).await.expect_err("blocked")), "SUBJECT_INACTIVE");
        tell_of_block(&world, &user.user_id, blocked_at).await;
        world.peers.known().members.get_mut(&user.user_id).expect("a member").blocked = false;
        world.access.invalidate_all();
        exchange(&world, &secret).await.expect_err("ended by the block");
        assert_eq!(reason(&whoami(&world, &narrowed).await.expect_err("ended")), "SESSION_ENDED");
    }

    async fn a_token_is_bounded_by_its_person_at_use_and_by_its_end(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let user = world.join(&root, "ada@example.org", "OWNER").await;
        let owner = world.log_in("ada@example.org").await.access_token;
        let soon = world.clock.now().as_seconds() + 60;
        let request = CreateAccessTokenRequest { permissions: vec![LIST.to_owned()], ..expiring(soon) };
        let (_, secret) = create(&world, &owner, request).await.expect("made");
        let narrowed = exchange(&world, &secret).await.expect("exchanged");
        list_users(&world, &narrowed).await.expect("held");
        world.peers.known().members.get_mut(&user.user_id).expect("a member").roles = vec!["GUEST".to_owned()];
        world.access.invalidate_all();
        assert_eq!(reason(&list_users(&world, &narrowed).await.expect_err("lost")), "PERMISSION_MISSING");
        world.clock.advance(Duration::from_secs(66));
        assert_eq!(reason(&whoami(&world, &narrowed).await.expect_err("over")), "TOKEN_INVALID");
        assert_eq!(reason(&exchange(&world, &secret).await.expect_err("over")), "CREDENTIALS_REFUSED");
    }

    async fn the_last_use_is_written_once_in_a_while_and_never_by_an_exchange(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (_, secret) = create(&world, &root, lend(&[])).await.expect("made");
        let used_at = world.clock.advance(Duration::from_secs(2)).as_seconds();
        for _ in 0..3 {
            exchange(&world, &secret).await.expect("exchanged");
        }
        assert_eq!(list(&world, &root).await[0].last_used_time, None);
        assert_eq!(world.identity.write_last_used().await.expect("written"), 1);
        let used = list(&world, &root).await[0].last_used_time.expect("used");
        assert_eq!(used.seconds, used_at);
        assert_eq!(world.identity.write_last_used().await.expect("written"), 0);
    }
}
