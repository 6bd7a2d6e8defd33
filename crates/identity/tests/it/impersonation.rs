//! Acting as somebody else: who may as whom, how it ends, and what is told.

use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::domain_event::Event;
use rolecall_api::identity::v1::impersonate_user_request::Target;
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::harness::{ADMIN, PASSWORD, World, bearer, reason, request_id};
use crate::profile::violations;

const ADA: &str = "ada@example.org";

fn request(user_id: &str) -> ImpersonateUserRequest {
    let target = Some(Target::UserId(user_id.to_owned()));
    ImpersonateUserRequest { target, reason: "cannot find the dataset".to_owned(), ..Default::default() }
}

fn of_guest(organization_id: &str) -> ImpersonateUserRequest {
    ImpersonateUserRequest { target: Some(Target::GuestOfOrganizationId(organization_id.to_owned())), ..request("") }
}

async fn act(world: &World, token: &str, request: ImpersonateUserRequest) -> Result<ImpersonateUserResponse, Status> {
    world.access.invalidate_all();
    Ok(world.authentication().impersonate_user(bearer(token, request)).await?.into_inner())
}

async fn read(world: &World, token: &str) -> Result<User, Status> {
    Ok(world.accounts().get_account(bearer(token, GetAccountRequest {})).await?.into_inner().user.expect("a user"))
}

async fn refusal(world: &World, token: &str, request: ImpersonateUserRequest) -> (Code, String) {
    let refused = act(world, token, request).await.map(drop).expect_err("refused");
    (refused.code(), reason(&refused))
}

async fn over(world: &World, token: &str) -> String {
    world.access.invalidate_all();
    let refused = read(world, token).await.expect_err("over");
    assert_eq!(refused.code(), Code::Unauthenticated);
    reason(&refused)
}

async fn introspect(world: &World, admin: &str, token: &str) -> IntrospectTokenResponse {
    let request = bearer(admin, IntrospectTokenRequest { token: token.to_owned() });
    world.tokens().introspect_token(request).await.expect("answered").into_inner()
}

/// The fields that break rules.
fn fields(refused: &Status) -> Vec<String> {
    violations(refused).into_iter().map(|(field, _)| field).collect()
}

fn denied(reason: &str) -> (Code, String) {
    (Code::PermissionDenied, reason.to_owned())
}

/// The administrator with its tokens, and a member of the same organization.
async fn cast(world: (World, User)) -> (World, User, Tokens, User) {
    let (world, admin) = world;
    let tokens = world.log_in(ADMIN).await;
    let ada = world.join(&tokens.access_token, ADA, "DATA_SCIENTIST").await;
    (world, admin, tokens, ada)
}

on_each_database! {
    async fn an_administrator_acts_as_a_person_for_a_quarter_of_an_hour(database) {
        let (world, admin, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let begun = act(&world, &tokens.access_token, request(&ada.user_id)).await.expect("begun");
        assert_eq!(begun.subject_id, ada.user_id);
        assert_eq!(begun.access_token_expire_time.expect("a time").seconds - world.clock_seconds(), 900);
        assert_eq!(read(&world, &begun.access_token).await.expect("read").user_id, ada.user_id);
        let seen = introspect(&world, &tokens.access_token, &begun.access_token).await;
        assert!(seen.active && seen.read_only && !seen.guest);
        assert_eq!((seen.subject_id, seen.impersonator_id), (ada.user_id.clone(), admin.user_id.clone()));
        assert_eq!(seen.session_id, begun.session_id);
        let own = introspect(&world, &tokens.access_token, &tokens.access_token).await;
        assert_eq!((own.impersonator_id.as_str(), own.read_only), ("", false));
        world.clock.advance(Duration::from_secs(906));
        assert_eq!(over(&world, &begun.access_token).await, "TOKEN_INVALID");
    }

    async fn attack_t18_the_person_is_told_and_the_audit_log_names_both(database) {
        let (world, admin, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let begun = act(&world, &tokens.access_token, request(&ada.user_id)).await.expect("begun");
        world.authentication().log_out(bearer(&begun.access_token, LogOutRequest {})).await.expect("stopped");
        assert_eq!(over(&world, &begun.access_token).await, "SESSION_ENDED");
        read(&world, &tokens.access_token).await.expect("the own session goes on");
        world.identity.relay().drain().await;
        let known = world.peers.known();
        let told = |event: &rolecall_api::organization::v1::IngestedEvent| {
            DomainEvent::decode(event.payload.as_slice()).expect("an event")
        };
        let events: Vec<DomainEvent> = known.audit.iter().map(told).collect();
        let acted = events.iter().find(|event| matches!(event.event, Some(Event::UserImpersonated(_)))).expect("told");
        assert_eq!((&acted.actor_id, &acted.target_id), (&admin.user_id, &ada.user_id));
        let Some(Event::UserImpersonated(detail)) = &acted.event else { panic!("an impersonation") };
        assert_eq!((detail.reason.as_str(), detail.read_only), ("cannot find the dataset", true));
        assert_eq!(detail.session_id, begun.session_id);
        let is_mailed = |event: &rolecall_api::notification::v1::IngestedEvent| event.topic == "identity.user_impersonated";
        assert!(known.mail.iter().any(is_mailed), "the person is told");
        let ended = events.iter().rev().find(|event| matches!(event.event, Some(Event::SessionEnded(_)))).expect("told");
        assert_eq!(ended.target_id, ada.user_id);
    }

    async fn attack_t18_nobody_acts_as_an_administrator_as_an_equal_or_as_itself(database) {
        let (world, admin, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let root = &tokens.access_token;
        assert_eq!(refusal(&world, root, request(&admin.user_id)).await, denied("SELF_REFUSED"));
        let owner = world.join(root, "owner@example.org", "OWNER").await;
        let theirs = world.log_in("owner@example.org").await.access_token;
        assert_eq!(refusal(&world, &theirs, request(&ada.user_id)).await, denied("PERMISSION_MISSING"));
        world.peers.known().owner_impersonation.insert(admin.organization_id.clone());
        act(&world, &theirs, request(&ada.user_id)).await.expect("its own member");
        act(&world, root, request(&owner.user_id)).await.expect("an administrator acts as an owner");
        assert_eq!(refusal(&world, &theirs, request(&admin.user_id)).await, denied("EQUAL_PROTECTED"));
        world.join(root, "other@example.org", "OWNER").await;
        let other = world.log_in("other@example.org").await;
        assert_eq!(refusal(&world, &theirs, request(&other.user_id)).await, denied("EQUAL_PROTECTED"));
        let (_, far) = world.second_organization("charles@example.org").await;
        let unseen = (Code::NotFound, "USER_NOT_FOUND".to_owned());
        assert_eq!(refusal(&world, &theirs, request(&far.user_id)).await, unseen);
        assert_eq!(refusal(&world, &theirs, request("01890a5d-ac96-774b-bcce-b302099a8057")).await, unseen);
        let adas = world.log_in(ADA).await.access_token;
        assert_eq!(refusal(&world, &adas, request(&owner.user_id)).await, denied("PERMISSION_MISSING"));
        let (invited, _) = world.invite(root, "late@example.org", "GUEST").await;
        let waiting = (Code::FailedPrecondition, "USER_NOT_ACTIVE".to_owned());
        assert_eq!(refusal(&world, root, request(&invited.user_id)).await, waiting);
        world.peers.known().members.get_mut(&ada.user_id).expect("a member").blocked = true;
        let blocked = (Code::FailedPrecondition, "USER_BLOCKED".to_owned());
        assert_eq!(refusal(&world, root, request(&ada.user_id)).await, blocked);
    }

    async fn attack_t18_what_is_closed_stays_closed_and_nobody_acts_through_another(database) {
        let (world, _, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let owner = world.join(&tokens.access_token, "owner@example.org", "OWNER").await;
        let as_owner = ImpersonateUserRequest { read_write: true, ..request(&owner.user_id) };
        let token = &act(&world, &tokens.access_token, as_owner).await.expect("begun").access_token;
        let accounts = || world.accounts();
        let refused = [
            accounts().change_password(bearer(token, ChangePasswordRequest::default())).await.map(drop),
            accounts().change_email(bearer(token, ChangeEmailRequest::default())).await.map(drop),
            accounts().update_account(bearer(token, UpdateAccountRequest::default())).await.map(drop),
            accounts().list_sessions(bearer(token, ListSessionsRequest::default())).await.map(drop),
            accounts().revoke_sessions(bearer(token, RevokeSessionsRequest::default())).await.map(drop),
            accounts().list_factors(bearer(token, ListFactorsRequest {})).await.map(drop),
            accounts().enroll_totp(bearer(token, EnrollTotpRequest::default())).await.map(drop),
            accounts().create_access_token(bearer(token, CreateAccessTokenRequest::default())).await.map(drop),
            accounts().list_access_tokens(bearer(token, ListAccessTokensRequest::default())).await.map(drop),
            world.users().create_user(bearer(token, CreateUserRequest::default())).await.map(drop),
            world.users().update_user(bearer(token, UpdateUserRequest::default())).await.map(drop),
            world.users().delete_user(bearer(token, DeleteUserRequest::default())).await.map(drop),
            world.users().set_user_password(bearer(token, SetUserPasswordRequest::default())).await.map(drop),
            world.users().get_user(bearer(token, GetUserRequest { user_id: ada.user_id.clone() })).await.map(drop),
            world.tokens().introspect_token(bearer(token, IntrospectTokenRequest::default())).await.map(drop),
            world.authentication().reauthenticate(bearer(token, ReauthenticateRequest::default())).await.map(drop),
            world.authentication().impersonate_user(bearer(token, request(&ada.user_id))).await.map(drop),
        ];
        for refused in refused {
            let refused = refused.expect_err("closed");
            assert_eq!((refused.code(), reason(&refused)), denied("IMPERSONATION_REFUSED"));
        }
        assert_eq!(read(&world, token).await.expect("open").user_id, owner.user_id);
    }

    async fn attack_t18_a_token_that_changes_takes_a_fresh_proof(database) {
        let (world, _, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let changing = ImpersonateUserRequest { read_write: true, ..request(&ada.user_id) };
        let begun = act(&world, &tokens.access_token, changing.clone()).await.expect("just logged in");
        assert!(!introspect(&world, &tokens.access_token, &begun.access_token).await.read_only);
        world.clock.advance(Duration::from_mins(6));
        let refresh = RefreshTokensRequest { refresh_token: tokens.refresh_token, ..Default::default() };
        let later = world.authentication().refresh_tokens(refresh).await.expect("refreshed").into_inner();
        let later = later.tokens.expect("tokens").access_token;
        let stale = (Code::Unauthenticated, "STEP_UP_REQUIRED".to_owned());
        assert_eq!(refusal(&world, &later, changing.clone()).await, stale);
        act(&world, &later, request(&ada.user_id)).await.expect("reading takes none");
        let proof = ReauthenticateRequest { password: PASSWORD.to_owned(), factor: None };
        let proved = world.authentication().reauthenticate(bearer(&later, proof)).await.expect("proved").into_inner();
        act(&world, &proved.access_token, changing).await.expect("proved");
    }

    async fn attack_t18_it_ends_with_the_session_of_who_acts(database) {
        let (world, _, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let second = world.log_in(ADMIN).await;
        let begun = act(&world, &tokens.access_token, request(&ada.user_id)).await.expect("begun");
        world.authentication().log_out(bearer(&tokens.access_token, LogOutRequest {})).await.expect("out");
        assert_eq!(over(&world, &begun.access_token).await, "SESSION_ENDED");
        assert!(!introspect(&world, &second.access_token, &begun.access_token).await.active);
        let check = bearer(&world.service_token(), CheckSessionRequest { session_id: begun.session_id.clone() });
        assert!(!world.directory().check_session(check).await.expect("answered").into_inner().active);
        let late = world.authentication().impersonate_user(bearer(&tokens.access_token, request(&ada.user_id))).await;
        assert_eq!(reason(&late.expect_err("over")), "SESSION_ENDED");
        world.identity.relay().drain().await;
        let known = world.peers.known();
        let ended = known.audit.iter().rev().find(|event| event.topic == "identity.session_ended").expect("told");
        let ended = DomainEvent::decode(ended.payload.as_slice()).expect("an event");
        let Some(Event::SessionEnded(detail)) = ended.event else { panic!("an end") };
        assert_eq!((ended.target_id, detail.reason.as_str()), (ada.user_id, "actor_ended"));
        assert_eq!(detail.session_id, begun.session_id);
    }

    async fn attack_t18_it_ends_when_either_side_is_blocked_or_may_no_longer(database) {
        let (world, admin, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let begun = act(&world, &tokens.access_token, request(&ada.user_id)).await.expect("begun");
        let token = &begun.access_token;
        let set = |id: &str, change: fn(&mut crate::peers::FakeMember)| {
            change(world.peers.known().members.get_mut(id).expect("a member"));
            world.access.invalidate_all();
        };
        set(&admin.user_id, |member| member.blocked = true);
        assert_eq!(over(&world, token).await, "SESSION_ENDED");
        set(&admin.user_id, |member| member.blocked = false);
        read(&world, token).await.expect("the block was lifted in time");
        set(&admin.user_id, |member| member.roles = vec!["OWNER".to_owned()]);
        assert_eq!(over(&world, token).await, "SESSION_ENDED");
        set(&admin.user_id, |member| member.roles = vec!["ADMIN".to_owned(), "OWNER".to_owned()]);
        set(&ada.user_id, |member| member.roles = vec!["ADMIN".to_owned()]);
        assert_eq!(over(&world, token).await, "SESSION_ENDED");
        set(&ada.user_id, |member| member.roles = vec!["GUEST".to_owned()]);
        set(&ada.user_id, |member| member.blocked = true);
        assert_eq!(over(&world, token).await, "SUBJECT_INACTIVE");
        set(&ada.user_id, |member| member.blocked = false);
        let delete = DeleteUserRequest { user_id: ada.user_id.clone(), ..Default::default() };
        world.users().delete_user(bearer(&tokens.access_token, delete)).await.expect("deleted");
        world.access.invalidate_all();
        assert_eq!(over(&world, token).await, "SESSION_ENDED");
    }

    async fn owners_stop_when_their_organization_allows_it_no_more(database) {
        let (world, admin, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        world.join(&tokens.access_token, "owner@example.org", "OWNER").await;
        world.peers.known().owner_impersonation.insert(admin.organization_id.clone());
        let owner = world.log_in("owner@example.org").await.access_token;
        let begun = act(&world, &owner, request(&ada.user_id)).await.expect("allowed");
        read(&world, &begun.access_token).await.expect("read");
        world.peers.known().owner_impersonation.clear();
        assert_eq!(over(&world, &begun.access_token).await, "SESSION_ENDED");
        assert!(!introspect(&world, &tokens.access_token, &begun.access_token).await.active);
    }

    async fn it_is_listed_as_what_it_is_and_the_person_ends_it(database) {
        let (world, admin, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let own = world.log_in(ADA).await;
        let begun = act(&world, &tokens.access_token, request(&ada.user_id)).await.expect("begun");
        let listed = world.accounts().list_sessions(bearer(&own.access_token, ListSessionsRequest::default())).await;
        let listed = listed.expect("listed").into_inner().sessions;
        let acted = listed.iter().find(|session| session.session_id == begun.session_id).expect("listed");
        assert_eq!((&acted.impersonator_id, acted.read_only), (&admin.user_id, true));
        let mine = listed.iter().find(|session| session.session_id == own.session_id).expect("listed");
        assert_eq!((mine.impersonator_id.as_str(), mine.read_only), ("", false));
        let session_ids = vec![begun.session_id.clone()];
        let request_id = request_id(&world.clock);
        let revoke = RevokeSessionsRequest { session_ids, request_id, ..Default::default() };
        world.accounts().revoke_sessions(bearer(&own.access_token, revoke)).await.expect("ended");
        assert_eq!(over(&world, &begun.access_token).await, "SESSION_ENDED");
        let again = act(&world, &tokens.access_token, request(&ada.user_id)).await.expect("begun");
        for _ in 0..20 {
            world.clock.advance(Duration::from_millis(10));
            world.log_in(ADA).await;
        }
        read(&world, &again.access_token).await.expect("logins of the person do not push it out");
    }

    async fn the_reason_and_the_time_are_bounded_and_all_that_is_wrong_is_told_at_once(database) {
        let (world, _, tokens, ada) = cast(World::bootstrapped(&database).await).await;
        let root = &tokens.access_token;
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let wrong = ImpersonateUserRequest { lifetime: seconds(1_801), ..Default::default() };
        let refused = act(&world, root, wrong).await.map(drop).expect_err("all wrong");
        assert_eq!(fields(&refused), ["target", "reason", "lifetime"]);
        for lifetime in [seconds(59), seconds(-1), seconds(0)] {
            let refused = act(&world, root, ImpersonateUserRequest { lifetime, ..request(&ada.user_id) }).await;
            assert_eq!(fields(&refused.map(drop).expect_err("out of range")), ["lifetime"]);
        }
        let long = ImpersonateUserRequest { reason: "x".repeat(501), ..request(&ada.user_id) };
        assert_eq!(fields(&act(&world, root, long).await.map(drop).expect_err("too long")), ["reason"]);
        let most = ImpersonateUserRequest { lifetime: seconds(1_800), ..request(&ada.user_id) };
        let begun = act(&world, root, most).await.expect("half an hour");
        world.clock.advance(Duration::from_mins(29));
        read(&world, &begun.access_token).await.expect("longer than other tokens");
    }

    async fn a_guest_is_acted_as_where_guests_are_allowed(database) {
        let (world, admin, tokens, _) = cast(World::bootstrapped(&database).await).await;
        let (root, home) = (&tokens.access_token, &admin.organization_id);
        let closed = (Code::FailedPrecondition, "GUESTS_NOT_ALLOWED".to_owned());
        assert_eq!(refusal(&world, root, of_guest(home)).await, closed);
        world.peers.known().guests_allowed.insert(home.clone());
        let begun = act(&world, root, of_guest("")).await.expect("the own organization");
        assert_eq!(begun.subject_id, begun.session_id);
        let seen = introspect(&world, root, &begun.access_token).await;
        assert!(seen.active && seen.guest && seen.read_only);
        assert_eq!((seen.subject_id, seen.impersonator_id), (begun.subject_id.clone(), admin.user_id.clone()));
        let refused = read(&world, &begun.access_token).await.expect_err("a guest has no account");
        assert_eq!((refused.code(), reason(&refused)), denied("CALLER_KIND_REFUSED"));
        world.authentication().log_out(bearer(&begun.access_token, LogOutRequest {})).await.expect("stopped");
        assert!(world.peers.known().guests.is_empty());
        let second = act(&world, root, of_guest(home)).await.expect("begun");
        world.authentication().log_out(bearer(root, LogOutRequest {})).await.expect("out");
        assert_eq!(over(&world, &second.access_token).await, "SESSION_ENDED");
        world.identity.relay().drain().await;
        assert!(world.peers.topics().iter().any(|topic| topic == "identity.guest_impersonated"));
        world.join(&world.log_in(ADMIN).await.access_token, "owner@example.org", "OWNER").await;
        world.peers.known().owner_impersonation.insert(home.clone());
        let owner = world.log_in("owner@example.org").await.access_token;
        let (far, _) = world.second_organization("charles@example.org").await;
        let unseen = (Code::NotFound, "ORGANIZATION_NOT_FOUND".to_owned());
        assert_eq!(refusal(&world, &owner, of_guest(&far)).await, unseen);
    }
}
