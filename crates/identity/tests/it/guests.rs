//! Guests: strangers who look around without an account, and what anybody is told before it logs in.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, COMES_FROM, World, at_once, bearer, bytes, reason, request_id};

async fn visit(world: &World, organization_id: &str) -> Result<Tokens, Status> {
    visit_from(world, organization_id, None).await
}

async fn visit_from(world: &World, organization_id: &str, address: Option<&str>) -> Result<Tokens, Status> {
    let mut request = Request::new(LogInAsGuestRequest { organization_id: organization_id.to_owned() });
    if let Some(address) = address {
        request.metadata_mut().insert(COMES_FROM, address.parse().expect("ascii"));
    }
    Ok(world.authentication().log_in_as_guest(request).await?.into_inner().tokens.expect("tokens"))
}

/// A world whose home organization allows guests.
fn open(world: (World, User)) -> (World, String) {
    let (world, admin) = world;
    world.peers.known().guests_allowed.insert(admin.organization_id.clone());
    (world, admin.organization_id)
}

async fn refresh(world: &World, token: &str) -> Result<Tokens, Status> {
    let request = RefreshTokensRequest { refresh_token: token.to_owned(), ..Default::default() };
    Ok(world.authentication().refresh_tokens(request).await?.into_inner().tokens.expect("tokens"))
}

async fn introspect(world: &World, admin: &str, token: &str) -> IntrospectTokenResponse {
    let request = bearer(admin, IntrospectTokenRequest { token: token.to_owned() });
    world.tokens().introspect_token(request).await.expect("answered").into_inner()
}

on_each_database! {
    async fn a_stranger_looks_around_as_a_subject_of_its_own_without_an_account(database) {
        let (world, home) = open(World::bootstrapped(&database).await);
        let users = world.rows("users").await;
        let (guest, other) = (visit(&world, "").await.expect("let in"), visit(&world, &home).await.expect("let in"));
        assert_ne!(guest.guest_id, other.guest_id);
        assert_eq!((guest.user_id.as_str(), guest.session_id.as_str()), ("", guest.guest_id.as_str()));
        let life = |end: Option<prost_types::Timestamp>| end.expect("a time").seconds - world.clock_seconds();
        assert_eq!((life(guest.access_token_expire_time), life(guest.refresh_token_expire_time)), (300, 3_600));
        assert_eq!((world.rows("users").await, world.rows("guests").await), (users, 2));
        let admin = world.log_in(ADMIN).await.access_token;
        let seen = introspect(&world, &admin, &guest.access_token).await;
        assert!(seen.active && seen.guest && !seen.service_account);
        assert_eq!((seen.subject_id, seen.organization_id), (guest.guest_id.clone(), home));
        world.identity.relay().drain().await;
        assert_eq!(world.peers.topics().iter().filter(|topic| *topic == "identity.guest_logged_in").count(), 2);
    }

    async fn asvs_v8_2_1_what_needs_an_account_is_closed_to_guests(database) {
        let (world, _) = open(World::bootstrapped(&database).await);
        let token = visit(&world, "").await.expect("let in").access_token;
        let refused = [
            world.accounts().get_account(bearer(&token, GetAccountRequest {})).await.expect_err("no account"),
            world.accounts().list_sessions(bearer(&token, ListSessionsRequest::default())).await.expect_err("no sessions"),
            world.accounts().change_password(bearer(&token, ChangePasswordRequest::default())).await.expect_err("none"),
            world.accounts().create_access_token(bearer(&token, CreateAccessTokenRequest::default())).await.expect_err("none"),
            world.authentication().reauthenticate(bearer(&token, ReauthenticateRequest::default())).await.expect_err("none"),
        ];
        for refused in refused {
            assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "CALLER_KIND_REFUSED".to_owned()));
        }
        let refused = [
            world.users().get_user(bearer(&token, GetUserRequest::default())).await.expect_err("no people"),
            world.authentication().impersonate_user(bearer(&token, ImpersonateUserRequest::default())).await.expect_err("nobody"),
        ];
        for refused in refused {
            assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "PERMISSION_MISSING".to_owned()));
        }
    }

    async fn an_organization_without_guests_answers_like_an_unknown_one(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let closed = visit(&world, "").await.expect_err("closed");
        let unknown = visit(&world, "01890a5d-ac96-774b-bcce-b302099a8057").await.expect_err("unknown");
        assert_eq!((closed.code(), reason(&closed)), (Code::FailedPrecondition, "GUESTS_NOT_ALLOWED".to_owned()));
        assert_eq!(bytes(&closed), bytes(&unknown));
        let malformed = visit(&world, "home").await.expect_err("no id");
        assert_eq!(malformed.code(), Code::InvalidArgument);
        assert_eq!(world.rows("guests").await, 0);
    }

    async fn a_guest_goes_on_by_refreshing_and_ends_after_an_idle_hour_or_half_a_day(database) {
        let (world, _) = open(World::bootstrapped(&database).await);
        let first = visit(&world, "").await.expect("let in");
        let mut newest = first.clone();
        for _ in 0..13 {
            world.clock.advance(Duration::from_mins(55));
            newest = refresh(&world, &newest.refresh_token).await.expect("goes on");
            assert_eq!((&newest.guest_id, &newest.session_id), (&first.guest_id, &first.session_id));
        }
        world.clock.advance(Duration::from_mins(6));
        assert_eq!(reason(&refresh(&world, &newest.refresh_token).await.expect_err("12 hours")), "REFRESH_TOKEN_REFUSED");
        let idle = visit(&world, "").await.expect("let in");
        world.clock.advance(Duration::from_hours(1));
        assert_eq!(reason(&refresh(&world, &idle.refresh_token).await.expect_err("idle")), "REFRESH_TOKEN_REFUSED");
        world.clock.advance(Duration::from_hours(31 * 24));
        world.identity.sweep().await.expect("swept");
        assert_eq!((world.rows("guests").await, world.rows("guest_refresh_tokens").await), (0, 0));
    }

    /// ASVS: T08
    async fn asvs_v10_4_5_the_refresh_token_of_a_guest_serves_once_and_its_reuse_ends_the_guest(database) {
        let (world, _) = open(World::bootstrapped(&database).await);
        let first = visit(&world, "").await.expect("let in");
        let second = refresh(&world, &first.refresh_token).await.expect("refreshed");
        let repeated = refresh(&world, &first.refresh_token).await.expect("the same again");
        assert_eq!(second.refresh_token, repeated.refresh_token);
        world.clock.advance(Duration::from_secs(31));
        refresh(&world, &first.refresh_token).await.expect_err("reused");
        assert_eq!(reason(&refresh(&world, &second.refresh_token).await.expect_err("over")), "REFRESH_TOKEN_REFUSED");
        let left = world.authentication().log_out(bearer(&second.access_token, LogOutRequest {})).await;
        assert_eq!(reason(&left.expect_err("over")), "SESSION_ENDED");
        let elsewhere = visit(&world, "").await.expect("let in");
        let request = RefreshTokensRequest { refresh_token: elsewhere.refresh_token, audience: "other".to_owned() };
        let refused = world.authentication().refresh_tokens(request).await.expect_err("Rolecall alone");
        assert_eq!(reason(&refused), "AUDIENCE_REFUSED");
    }

    async fn a_guest_that_logs_out_is_gone_at_once(database) {
        let (world, _) = open(World::bootstrapped(&database).await);
        let guest = visit(&world, "").await.expect("let in");
        let admin = world.log_in(ADMIN).await.access_token;
        world.authentication().log_out(bearer(&guest.access_token, LogOutRequest {})).await.expect("out");
        assert!(world.peers.known().guests.is_empty());
        assert!(!introspect(&world, &admin, &guest.access_token).await.active);
        let again = world.authentication().log_out(bearer(&guest.access_token, LogOutRequest {})).await;
        assert_eq!(again.expect_err("over").code(), Code::Unauthenticated);
        assert_eq!(reason(&refresh(&world, &guest.refresh_token).await.expect_err("over")), "REFRESH_TOKEN_REFUSED");
        let check = bearer(&world.service_token(), CheckSessionRequest { session_id: guest.session_id });
        assert!(!world.directory().check_session(check).await.expect("answered").into_inner().active);
    }

    async fn guests_end_when_their_organization_allows_none_any_more(database) {
        let (world, home) = open(World::bootstrapped(&database).await);
        let guest = visit(&world, "").await.expect("let in");
        world.peers.known().guests_allowed.remove(&home);
        world.access.invalidate_all();
        let refused = world.authentication().log_out(bearer(&guest.access_token, LogOutRequest {})).await;
        assert_eq!(reason(&refused.expect_err("inactive")), "SUBJECT_INACTIVE");
        assert_eq!(reason(&refresh(&world, &guest.refresh_token).await.expect_err("over")), "REFRESH_TOKEN_REFUSED");
    }

    async fn asvs_v2_4_1_one_network_begins_twenty_guests_an_hour(database) {
        let (world, _) = open(World::bootstrapped(&database).await);
        for _ in 0..20 {
            visit_from(&world, "", Some("192.0.2.7")).await.expect("let in");
        }
        let refused = visit_from(&world, "", Some("192.0.2.7")).await.expect_err("the twenty-first");
        assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "GUEST_LIMIT_REACHED".to_owned()));
        let wait = refused.get_details_retry_info().and_then(|info| info.retry_delay).expect("a delay");
        assert!(wait <= Duration::from_hours(1) && wait > Duration::from_mins(59), "{wait:?}");
        visit_from(&world, "", Some("192.0.2.8")).await.expect("another network");
        world.clock.advance(Duration::from_hours(1));
        visit_from(&world, "", Some("192.0.2.7")).await.expect("an hour later");
    }

    async fn asvs_v2_4_1_an_organization_holds_only_so_many_guests_however_many_come_at_once(database) {
        let world = World::with(&database, |config| config.max_guests = 3).await;
        let admin = world.bootstrap().await;
        let (world, home) = open((world, admin));
        let other = request_id(&world.clock);
        world.peers.known().organizations.insert(other.clone(), "Difference Engines".to_owned());
        world.peers.known().guests_allowed.insert(other.clone());
        let world = Arc::new(world);
        let answers = at_once(8, |_| {
            let (world, home) = (Arc::clone(&world), home.clone());
            async move { visit(&world, &home).await }
        }).await;
        let mut inside: Vec<Tokens> = answers.into_iter().filter_map(Result::ok).collect();
        assert!(inside.len() <= 3, "{} were let in", inside.len());
        while inside.len() < 3 {
            inside.push(visit(&world, &home).await.expect("there is room"));
        }
        let refused = visit(&world, &home).await.expect_err("full");
        assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "GUEST_LIMIT_REACHED".to_owned()));
        assert!(refused.get_details_retry_info().and_then(|info| info.retry_delay).is_some());
        assert_eq!((world.rows("guests").await, world.peers.known().guests.len()), (3, 3), "nobody is half there");
        visit(&world, &other).await.expect("another organization has room of its own");
        let out = bearer(&inside[0].access_token, LogOutRequest {});
        world.authentication().log_out(out).await.expect("out");
        visit(&world, &home).await.expect("who leaves makes room");
        visit(&world, &home).await.expect_err("full again");
        world.clock.advance(Duration::from_hours(1));
        visit(&world, &home).await.expect("who was idle for an hour makes room");
    }

    async fn a_guest_that_cannot_be_stored_is_taken_back(database) {
        let (world, _) = open(World::bootstrapped(&database).await);
        world.peers.known().down.insert("add_guest");
        let refused = visit(&world, "").await.expect_err("organization is away");
        assert_eq!((refused.code(), reason(&refused)), (Code::Unavailable, "PEER_UNAVAILABLE".to_owned()));
        assert_eq!(world.rows("guests").await, 0);
    }

    async fn attack_t03_login_options_depend_on_the_domain_alone(database) {
        let (world, _) = open(World::bootstrapped(&database).await);
        let ask = |email: &str| {
            let (mut client, email) = (world.authentication(), email.to_owned());
            async move { client.get_login_options(GetLoginOptionsRequest { email }).await }
        };
        let known = ask(ADMIN).await.expect("answered").into_inner();
        assert_eq!(known, ask("nobody@example.org").await.expect("answered").into_inner());
        assert_eq!(known, ask("somebody@elsewhere.example").await.expect("answered").into_inner());
        assert_eq!((known.method(), known.identity_provider_id.as_str()), (LoginMethod::Password, ""));
        assert_eq!(known.password_policy.expect("a policy").min_characters, 15);
        assert_eq!(ask("nonsense").await.expect_err("no address").code(), Code::InvalidArgument);
    }
}
