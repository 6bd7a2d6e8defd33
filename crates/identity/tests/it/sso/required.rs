//! Organizations without passwords, but for the one of their break-glass owner.

use std::time::Duration;

use prost::Message as _;
use rolecall_api::identity::v1::*;
use rolecall_api::organization::v1 as organization;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::{Clock as _, Timestamp};
use rolecall_testkit::on_each_database;

use super::{Stage, ada};
use crate::access_tokens::{create, exchange, lend};
use crate::authenticator::totp;
use crate::harness::{PASSWORD, bearer, bytes, create_user, reason};
use crate::mailbox::mails;
use crate::password_reset::{mailed_code, reset};

const ADA: &str = "ada@acme.example";
const BEA: &str = "bea@acme.example";
const NEW: &str = "seven green lamps whistle";

impl Stage {
    fn home(&self) -> String {
        self.world.peers.known().home.clone()
    }

    pub(super) fn user_id(&self, role: &str) -> String {
        let known = self.world.peers.known();
        let holds = |member: &crate::peers::FakeMember| member.roles.iter().any(|held| held == role);
        known.members.iter().find(|(_, member)| holds(member)).map(|(id, _)| id.clone()).expect("a member")
    }

    /// Switches passwords off, as organization does; nobody was told yet. Returns when.
    pub(super) fn switch(&self, break_glass: &str) -> Timestamp {
        let settings = organization::OrganizationSettings {
            login_policy: organization::LoginPolicy::Sso.into(),
            break_glass_user_id: break_glass.to_owned(),
            ..Default::default()
        };
        let home = self.home();
        self.world.peers.known().settings.insert(home, settings);
        self.world.clock.now()
    }

    fn switch_back(&self) {
        let home = self.home();
        self.world.peers.known().settings.remove(&home);
    }

    fn event(&self, break_glass: &str, at: Timestamp) -> IngestedEvent {
        self.replacement(break_glass, "", at)
    }

    /// That another owner keeps a password.
    fn replacement(&self, break_glass: &str, previous: &str, at: Timestamp) -> IngestedEvent {
        let required = organization::SingleSignOnRequired {
            break_glass_user_id: break_glass.to_owned(),
            previous_break_glass_user_id: previous.to_owned(),
        };
        let event = organization::DomainEvent {
            organization_id: self.home(),
            event: Some(organization::domain_event::Event::SingleSignOnRequired(required)),
            ..Default::default()
        };
        IngestedEvent {
            event_id: EventId::new(at, &SystemEntropy).to_string(),
            topic: "organization.single_sign_on_required".to_owned(),
            payload: event.encode_to_vec(),
            occurred_time: Some(prost_types::Timestamp {
                seconds: at.as_seconds(),
                nanos: at.subsec_nanos().cast_signed(),
            }),
            traceparent: String::new(),
        }
    }

    async fn ingest(&self, event: &IngestedEvent) -> IngestOutcome {
        let request = IngestEventsRequest { events: vec![event.clone()] };
        let answer = self.world.directory().ingest_events(bearer(&self.world.service_token(), request)).await;
        answer.expect("taken").into_inner().results[0].outcome()
    }

    async fn options(&self, email: &str) -> GetLoginOptionsResponse {
        let request = GetLoginOptionsRequest { email: email.to_owned() };
        self.world.authentication().get_login_options(request).await.expect("told").into_inner()
    }
}

on_each_database! {
    async fn the_switch_ends_passwords_and_sessions_of_all_but_the_break_glass_owner(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        world.join(&stage.owner, ADA, "DATA_SCIENTIST").await;
        let ada_session = world.log_in(ADA).await;
        let keeper = stage.user_id("OWNER");
        assert!(!stage.options(ADA).await.sso_required);
        let wrong = world.try_log_in(ADA, "not the password at all").await.expect_err("wrong");
        let at = stage.switch(&keeper);
        assert!(stage.options(ADA).await.sso_required);
        let refused = world.try_log_in(ADA, PASSWORD).await.expect_err("before identity is told");
        assert_eq!(bytes(&refused), bytes(&wrong), "nobody learns that the password was right");

        world.clock.advance(Duration::from_secs(5));
        let event = stage.event(&keeper, at);
        for _ in 0..2 {
            assert_eq!(stage.ingest(&event).await, IngestOutcome::Done);
        }
        assert!(!world.is_let_in(&ada_session.access_token).await, "old tokens are refused");
        assert!(!world.is_let_in(&stage.owner).await, "nor does the break-glass owner go on without a second factor");
        assert_eq!(world.rows("credentials").await, 1);
        let told = world.told().await;
        assert_eq!(told.iter().filter(|topic| *topic == "identity.password_removed").count(), 1);
        let refused = world.try_log_in(ADA, PASSWORD).await.expect_err("gone");
        assert_eq!(bytes(&refused), bytes(&wrong));

        let tokens = stage.log_in(ada()).await.expect("the provider vouches for the address");
        assert_eq!(tokens.user_id, ada_session.user_id, "the same account");
        assert_eq!(stage.ingest(&event).await, IngestOutcome::Done);
        assert!(world.is_let_in(&tokens.access_token).await, "what began at the provider goes on");
    }

    /// ASVS: V6.4.1
    async fn who_was_invited_before_the_switch_accepts_at_the_provider(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        let (invited, code) = world.invite(&stage.owner, ADA, "DATA_STEWARD").await;
        assert_eq!(reason(&stage.log_in(ada()).await.expect_err("the code is for that")), "SSO_ACCOUNT_NOT_LINKED");
        stage.switch(&stage.user_id("OWNER"));
        assert_eq!(reason(&world.accept(&code).await.expect_err("no passwords")), "SSO_REQUIRED");
        let tokens = stage.log_in(ada()).await.expect("the proven address stands for the code");
        let user = stage.whoami(&tokens).await.expect("signed in");
        assert_eq!((user.user_id, user.roles), (invited.user_id.clone(), vec!["DATA_STEWARD".to_owned()]));
        assert!(user.email_verified, "the provider vouches for the address");
        assert_eq!(world.rows("credentials").await, 1, "that of the owner");
        assert_eq!(world.told().await.iter().filter(|topic| *topic == "identity.invitation_accepted").count(), 1);
        assert_eq!(reason(&world.accept(&code).await.expect_err("used")), "INVITATION_NOT_FOUND");
        assert_eq!(stage.log_in(ada()).await.expect("again").user_id, invited.user_id);
    }

    /// ASVS: V6.4.1
    async fn an_invitation_that_ended_is_accepted_nowhere(database) {
        let stage = Stage::set(&database).await;
        stage.world.invite(&stage.owner, ADA, "DATA_STEWARD").await;
        stage.world.invite(&stage.owner, BEA, "DATA_STEWARD").await;
        stage.switch(&stage.user_id("OWNER"));
        stage.world.peers.known().inviter_lost_rights = true;
        assert_eq!(reason(&stage.log_in(ada()).await.expect_err("nobody stands for it")), "SSO_REFUSED");
        assert_eq!(reason(&stage.log_in(ada()).await.expect_err("void")), "SSO_ACCOUNT_NOT_LINKED");
        stage.world.peers.known().inviter_lost_rights = false;
        stage.world.clock.advance(Duration::from_hours(24 * 7));
        let bea = super::ada_with(serde_json::json!({
            "sub": "bea", "email": BEA, "iat": 1_767_830_400, "exp": 1_767_834_000,
        }));
        assert_eq!(reason(&stage.log_in(bea).await.expect_err("late")), "SSO_ACCOUNT_NOT_LINKED");
        assert_eq!(stage.world.rows("linked_identities").await, 0);
    }

    async fn a_password_that_came_on_the_last_way_through_ends_too(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        let keeper = stage.user_id("OWNER");
        let at = stage.switch(&keeper);
        stage.switch_back();
        world.clock.advance(Duration::from_secs(1));
        world.join(&stage.owner, ADA, "DATA_SCIENTIST").await;
        let session = world.log_in(ADA).await;
        stage.switch(&keeper);
        assert_eq!(stage.ingest(&stage.event(&keeper, at)).await, IngestOutcome::Done);
        assert!(!world.is_let_in(&session.access_token).await);
        assert_eq!(world.rows("credentials").await, 1);
    }

    async fn another_break_glass_owner_takes_the_password_of_the_former_and_of_nobody_else(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        let keeper = stage.user_id("OWNER");
        let second = world.join(&stage.owner, ADA, "OWNER").await;
        let (app, _) = world.enroll(&world.log_in(ADA).await.access_token).await;
        let (mine, _) = world.enroll(&stage.owner).await;
        let at = stage.switch(&keeper);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(stage.ingest(&stage.event(&keeper, at)).await, IngestOutcome::Done);
        let kept = world.log_in_with(crate::harness::ADMIN, &mine).await;
        let bea = serde_json::json!({ "sub": "bea", "email": BEA, "auth_time": world.clock_seconds() });
        let bea = stage.log_in(super::ada_with(bea)).await.expect("just in time");
        let (_, token) = create(world, &bea.access_token, lend(&[])).await.expect("made");
        let ada_session = stage.log_in(ada()).await.expect("at the provider");

        let at = stage.switch(&second.user_id);
        world.clock.advance(Duration::from_secs(1));
        let event = stage.replacement(&second.user_id, &keeper, at);
        for _ in 0..2 {
            assert_eq!(stage.ingest(&event).await, IngestOutcome::Done);
        }
        assert!(!world.is_let_in(&kept.access_token).await, "the former one");
        assert_eq!(world.rows("credentials").await, 0);
        assert!(world.is_let_in(&bea.access_token).await, "others go on");
        exchange(world, &token).await.expect("so do their programs");
        assert!(!world.is_let_in(&ada_session.access_token).await, "whoever keeps a password shows its factor here");
        let code = mailed_code(world, ADA).await;
        reset(world, &code, NEW).await.expect("a new password");
        world.next_step();
        let begun = world.begin_log_in(ADA, NEW).await.expect("right").challenge(ChallengeKind::Factor);
        let tokens = world.answer(&begun.challenge_token, totp(app.code(world.clock.now()))).await.expect("right").tokens();
        assert_eq!(stage.ingest(&event).await, IngestOutcome::Done);
        assert!(world.is_let_in(&tokens.access_token).await, "with its second factor");
    }

    async fn personal_tokens_of_sessions_that_a_password_opened_end_however_late_they_were_made(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        world.join(&stage.owner, ADA, "DATA_SCIENTIST").await;
        let session = world.log_in(ADA).await.access_token;
        let keeper = stage.user_id("OWNER");
        let at = stage.switch(&keeper);
        let refused = create(world, &session, lend(&[])).await.expect_err("its session is about to end");
        assert_eq!(reason(&refused), "SSO_REQUIRED");
        assert_eq!(reason(&world.reauthenticate(&session, PASSWORD, None).await.expect_err("no password")), "CREDENTIALS_REFUSED");
        stage.switch_back();
        world.clock.advance(Duration::from_secs(1));
        // By a process that had not heard of the switch.
        let (_, token) = create(world, &session, lend(&[])).await.expect("made");
        exchange(world, &token).await.expect("good");
        stage.switch(&keeper);
        assert_eq!(stage.ingest(&stage.event(&keeper, at)).await, IngestOutcome::Done);
        exchange(world, &token).await.expect_err("ended");
        let fresh = super::ada_with(serde_json::json!({ "auth_time": world.clock_seconds() }));
        let session = stage.log_in(fresh).await.expect("at the provider").access_token;
        create(world, &session, lend(&[])).await.expect("as everywhere");
    }

    async fn a_password_that_was_stored_meanwhile_shuts_nobody_out(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        let member = world.join(&stage.owner, ADA, "DATA_SCIENTIST").await;
        assert_eq!(reason(&stage.log_in(ada()).await.expect_err("it has a password")), "SSO_ACCOUNT_NOT_LINKED");
        // The event was worked on before; what was under way stored the password after it.
        stage.switch(&stage.user_id("OWNER"));
        let tokens = stage.log_in(ada()).await.expect("a password that nobody may have opens nothing");
        assert_eq!(tokens.user_id, member.user_id);
        assert_eq!((world.rows("credentials").await, world.rows("awaited_passwords").await), (1, 1));
        let told = world.told().await;
        assert_eq!(told.iter().filter(|topic| *topic == "identity.password_removed").count(), 1);
    }

    async fn nobody_sets_a_password_where_there_are_none(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        let member = world.join(&stage.owner, ADA, "DATA_SCIENTIST").await;
        let (_, code) = world.invite(&stage.owner, BEA, "DATA_SCIENTIST").await;
        let reset_code = mailed_code(world, ADA).await;
        let ada_session = world.log_in(ADA).await;
        let keeper = stage.user_id("OWNER");
        stage.switch(&keeper);
        let refused = world.accept(&code).await.expect_err("it would set a password");
        assert_eq!(reason(&refused), "SSO_REQUIRED");
        assert_eq!(reason(&reset(world, &reset_code, NEW).await.expect_err("as if unknown")), "CODE_NOT_FOUND");
        let change = ChangePasswordRequest {
            current_password: PASSWORD.to_owned(),
            new_password: NEW.to_owned(),
            new_password_confirmation: NEW.to_owned(),
            ..Default::default()
        };
        let refused = world.accounts().change_password(bearer(&ada_session.access_token, change)).await;
        assert_eq!(reason(&refused.expect_err("refused")), "SSO_REQUIRED");
        let set = SetUserPasswordRequest {
            user_id: member.user_id.clone(),
            password: NEW.to_owned(),
            ..Default::default()
        };
        let refused = world.users().set_user_password(bearer(&stage.owner, set)).await.expect_err("refused");
        assert_eq!(reason(&refused), "SSO_REQUIRED");
        let issue = IssuePasswordResetRequest { user_id: member.user_id.clone(), ..Default::default() };
        let refused = world.users().issue_password_reset(bearer(&stage.owner, issue)).await.expect_err("refused");
        assert_eq!(reason(&refused), "SSO_REQUIRED");
        let invite = create_user("cleo@acme.example", "DATA_SCIENTIST");
        let refused = world.users().create_user(bearer(&stage.owner, invite)).await.expect_err("refused");
        assert_eq!(reason(&refused), "SSO_REQUIRED");
    }

    /// ASVS: V6.3.3
    async fn the_break_glass_owner_logs_in_with_a_second_factor_here_and_nowhere_else(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        let second = world.join(&stage.owner, ADA, "OWNER").await;
        let (app, _) = world.enroll(&world.log_in(ADA).await.access_token).await;
        let at = stage.switch(&second.user_id);
        world.clock.advance(Duration::from_secs(5));
        assert_eq!(stage.ingest(&stage.event(&second.user_id, at)).await, IngestOutcome::Done);
        let begun = world.begin_log_in(ADA, PASSWORD).await.expect("right").challenge(ChallengeKind::Factor);
        world.next_step();
        let tokens = world.answer(&begun.challenge_token, totp(app.code(world.clock.now()))).await.expect("right").tokens();
        let factor = world.accounts().list_factors(bearer(&tokens.access_token, ListFactorsRequest {})).await;
        let factor_id = factor.expect("listed").into_inner().factors[0].factor_id.clone();
        let remove = RemoveFactorRequest { factor_id, ..Default::default() };
        let refused = world.accounts().remove_factor(bearer(&tokens.access_token, remove)).await.expect_err("needed");
        assert_eq!(reason(&refused), "FACTOR_REQUIRED", "whatever the organization demands of others");
        let id = stage.connected.identity_provider_id.clone();
        let link = LinkIdentityRequest { identity_provider_id: id, ..Default::default() };
        let begun = world.accounts().link_identity(bearer(&tokens.access_token, link)).await.expect("begun").into_inner();
        let (state, code) = stage.provider.log_in(&begun.authorization_url, ada());
        let refused = stage.complete(&begun.login_token, &state, &code).await.expect_err("not by the provider");
        assert_eq!(reason(&refused), "SSO_REFUSED");
    }

    async fn who_lost_its_password_gets_one_by_a_reset_when_there_are_passwords_again(database) {
        let stage = Stage::set(&database).await;
        let world = &stage.world;
        world.join(&stage.owner, ADA, "DATA_SCIENTIST").await;
        let keeper = stage.user_id("OWNER");
        let at = stage.switch(&keeper);
        assert_eq!(stage.ingest(&stage.event(&keeper, at)).await, IngestOutcome::Done);
        stage.log_in(super::ada_with(serde_json::json!({ "sub": "bea", "email": BEA }))).await.expect("just in time");
        for email in [ADA, BEA] {
            let request = RequestPasswordResetRequest { email: email.to_owned() };
            world.accounts().request_password_reset(request).await.expect("always the same");
        }
        // Each request is worked on after its answer, and spends from the budget of its address whatever comes of it.
        let spent = async {
            while world.rows("mail_budgets").await < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), spent).await.expect("nothing is spent");
        stage.switch_back();
        for email in [ADA, BEA] {
            assert_eq!(mails(world, email, "password_reset").await.len(), 0, "no mail while there are no passwords");
            let code = mailed_code(world, email).await;
            reset(world, &code, NEW).await.expect("a new password");
            world.try_log_in(email, NEW).await.expect("logged in");
        }
        assert_eq!(world.rows("awaited_passwords").await, 0);
    }
}
