//! Tokens that others show: good or not, and whose.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::access_tokens::{create, exchange, lend};
use crate::harness::{ADMIN, World, bearer, reason};

const INTROSPECT: &str = "identity.tokens.introspect";

async fn introspect(world: &World, asker: &str, token: &str) -> Result<IntrospectTokenResponse, Status> {
    let request = IntrospectTokenRequest { token: token.to_owned() };
    Ok(world.tokens().introspect_token(bearer(asker, request)).await?.into_inner())
}

async fn is_active(world: &World, asker: &str, token: &str) -> bool {
    let answer = introspect(world, asker, token).await.expect("answered");
    if !answer.active {
        assert_eq!(answer, IntrospectTokenResponse::default(), "nothing else is told");
    }
    answer.active
}

/// Makes a service account that may introspect, and returns its id and a token.
async fn backend(world: &World, root: &str, organization: &str) -> (String, String) {
    let request = CreateServiceAccountRequest {
        organization_id: organization.to_owned(),
        name: "Gateway".to_owned(),
        permissions: vec![INTROSPECT.to_owned()],
        ..Default::default()
    };
    let made = world.service_accounts().create_service_account(bearer(root, request)).await.expect("made");
    let id = made.into_inner().service_account.expect("an account").service_account_id;
    let key = CreateApiKeyRequest { service_account_id: id.clone(), ..Default::default() };
    let key = world.service_accounts().create_api_key(bearer(root, key)).await.expect("made").into_inner();
    (id, exchange(world, &key.secret).await.expect("exchanged"))
}

on_each_database! {
    async fn a_good_token_is_described(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let tokens = world.log_in(ADMIN).await;
        let root = tokens.access_token;
        let (program, asker) = backend(&world, &root, "-").await;
        let (now, lifetime) = (world.clock_seconds(), 300);
        let session = introspect(&world, &asker, &root).await.expect("answered");
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let expected = IntrospectTokenResponse {
            active: true,
            subject_id: admin.user_id.clone(),
            organization_id: admin.organization_id.clone(),
            session_id: tokens.session_id,
            audience: "rolecall".to_owned(),
            authentication_methods: vec!["pwd".to_owned()],
            auth_time: time(now),
            issue_time: time(now),
            expire_time: time(now + lifetime),
            ..Default::default()
        };
        assert_eq!(session, expected);
        let own = introspect(&world, &asker, &asker).await.expect("answered");
        assert!(own.active && own.service_account && own.session_id.is_empty() && own.organization_id.is_empty());
        assert_eq!(own.subject_id, program);
        let (personal, secret) = create(&world, &root, lend(&["identity.users.list"])).await.expect("made");
        world.clock.advance(Duration::from_secs(100));
        let narrowed = exchange(&world, &secret).await.expect("exchanged");
        let personal = IntrospectTokenResponse {
            session_id: personal.access_token_id,
            authentication_methods: vec!["pat".to_owned()],
            permissions: vec!["identity.users.list".to_owned()],
            issue_time: time(now + 100),
            expire_time: time(now + 100 + lifetime),
            ..expected
        };
        let (_, asker) = backend(&world, &root, "-").await;
        assert_eq!(introspect(&world, &asker, &narrowed).await.expect("answered"), personal);
    }

    /// ASVS: V7.4.2
    async fn asvs_v7_4_1_of_a_token_that_is_not_good_nothing_is_told(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let user = world.join(&root, "ada@example.org", "GUEST").await;
        for garbage in ["x", "a.b.c", &"x".repeat(8_192), &format!("{root}x"), &world.service_token()] {
            assert!(!is_active(&world, &root, garbage).await, "{garbage}");
        }
        let ended = world.log_in("ada@example.org").await.access_token;
        assert!(is_active(&world, &root, &ended).await);
        world.authentication().log_out(bearer(&ended, LogOutRequest {})).await.expect("logged out");
        assert!(!is_active(&world, &root, &ended).await, "the session has ended");
        let (program, token) = backend(&world, &root, "").await;
        assert!(is_active(&world, &root, &token).await);
        let deletion = DeleteServiceAccountRequest { service_account_id: program, ..Default::default() };
        world.service_accounts().delete_service_account(bearer(&root, deletion)).await.expect("deleted");
        world.access.invalidate_all();
        assert!(!is_active(&world, &root, &token).await, "the account is gone");
        let blocked = world.log_in("ada@example.org").await.access_token;
        world.peers.known().members.get_mut(&user.user_id).expect("a member").blocked = true;
        world.access.invalidate_all();
        assert!(!is_active(&world, &root, &blocked).await, "its person is blocked");
        world.peers.known().members.remove(&user.user_id);
        world.access.invalidate_all();
        assert!(!is_active(&world, &root, &blocked).await, "its person is unknown");
        let old = world.log_in(ADMIN).await.access_token;
        world.clock.advance(Duration::from_secs(306));
        let root = world.log_in(ADMIN).await.access_token;
        assert!(!is_active(&world, &root, &old).await, "it is over");
    }

    async fn a_key_that_another_process_drew_is_looked_for_and_one_that_it_retired_is_forgotten(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let other = world.replica(&database).await;
        let rotate = RotateSigningKeysRequest { retire_previous: true, ..Default::default() };
        let before = world.log_in(ADMIN).await.access_token;
        assert!(is_active(&other, &before, &before).await);
        world.tokens().rotate_signing_keys(bearer(&before, rotate)).await.expect("rotated");
        let root = world.log_in(ADMIN).await.access_token;
        // The other process has not heard of the rotation: it still obeys the key before.
        assert!(is_active(&other, &before, &root).await, "its key is looked for");
        assert!(!is_active(&other, &root, &before).await, "its key was retired");
    }

    async fn whoever_asks_sees_the_tokens_of_its_own_organization(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (organization, owner) = world.second_organization("owner@example.org").await;
        let owner = owner.access_token;
        assert!(is_active(&world, &owner, &owner).await && !is_active(&world, &owner, &root).await);
        let (_, theirs) = backend(&world, &owner, "").await;
        let (_, everywhere) = backend(&world, &root, "-").await;
        assert!(is_active(&world, &theirs, &owner).await && !is_active(&world, &theirs, &root).await);
        assert!(!is_active(&world, &theirs, &everywhere).await, "it belongs to no organization");
        let seen = introspect(&world, &everywhere, &owner).await.expect("answered");
        assert!(seen.active && seen.organization_id == organization);
        world.join(&root, "ada@example.org", "GUEST").await;
        let guest = world.log_in("ada@example.org").await.access_token;
        let refused = introspect(&world, &guest, &guest).await.expect_err("not allowed");
        assert_eq!(reason(&refused), "PERMISSION_MISSING");
    }

    async fn what_cannot_be_read_is_invalid_and_an_outage_is_no_answer(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for wrong in ["", &"x".repeat(8_193)] {
            assert_eq!(reason(&introspect(&world, &root, wrong).await.expect_err("refused")), "REQUEST_INVALID");
        }
        world.join(&root, "ada@example.org", "GUEST").await;
        let token = world.log_in("ada@example.org").await.access_token;
        world.peers.known().down.insert("subject_access");
        let refused = introspect(&world, &root, &token).await.expect_err("nobody knows");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "ACCESS_UNCONFIRMED"));
        world.peers.known().down.clear();
        assert!(is_active(&world, &root, &token).await);
    }
}
