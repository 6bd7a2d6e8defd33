use rolecall_api::identity::v1::{GetServerInfoRequest, ListSigningKeysRequest, UserState};
use rolecall_identity::{Identity, SetupSecret};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, at_once, reason};

on_each_database! {
    /// ASVS: T26
    async fn asvs_v6_3_2_the_first_administrator_is_made_once_for_ever(database) {
        let world = World::start(&database).await;
        let info = world.instance().get_server_info(GetServerInfoRequest {}).await.expect("told").into_inner();
        assert!(!info.bootstrapped && !info.version.is_empty());
        let mut wrong = world.bootstrap_request();
        wrong.setup_secret = wrong.setup_secret.replace("rcs_", "rci_");
        let refused = world.instance().bootstrap(wrong).await.expect_err("refused");
        assert_eq!(reason(&refused), "SETUP_SECRET_REFUSED");
        let user = world.instance().bootstrap(world.bootstrap_request()).await.expect("made").into_inner().user.expect("a user");
        assert_eq!((user.roles.as_slice(), user.state()), (["ADMIN".to_owned(), "OWNER".to_owned()].as_slice(), UserState::Active));
        let again = world.instance().bootstrap(world.bootstrap_request()).await.expect_err("refused");
        assert_eq!(reason(&again), "ALREADY_BOOTSTRAPPED");
        assert!(world.instance().get_server_info(GetServerInfoRequest {}).await.expect("told").into_inner().bootstrapped);
        assert!(matches!(world.identity.setup_secret().await, Ok(SetupSecret::Bootstrapped)));
        assert_eq!(world.log_in(ADMIN).await.user_id, user.user_id);
        world.identity.relay().drain().await;
        assert!(world.peers.topics().contains(&"identity.instance_bootstrapped".to_owned()));
    }

    async fn what_a_bootstrap_was_begun_with_is_forgotten_once_it_is_done(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let text = "SELECT 1 AS one FROM instance WHERE setup_secret_hash IS NULL AND fingerprint IS NULL";
        let reader = world.db.reader();
        let found = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await.expect("read");
        assert_eq!(found.len(), 1);
    }

    /// ASVS: V15.4.2
    async fn asvs_v6_3_2_parallel_bootstraps_make_one_administrator(database) {
        let world = std::sync::Arc::new(World::start(&database).await);
        let request = world.bootstrap_request();
        let answers = at_once(8, |_| {
            let (world, request) = (std::sync::Arc::clone(&world), request.clone());
            async move { world.instance().bootstrap(request).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(reason(refused), "ALREADY_BOOTSTRAPPED");
        }
        assert_eq!(world.peers.known().members.len(), 1);
    }

    async fn a_bootstrap_that_was_cut_goes_on_only_with_the_same_content(database) {
        let world = World::start(&database).await;
        world.peers.known().down.insert("bootstrap_organization");
        let cut = world.instance().bootstrap(world.bootstrap_request()).await.expect_err("cut");
        assert_eq!(reason(&cut), "PEER_UNAVAILABLE");
        let mut other = world.bootstrap_request();
        "eve@example.org".clone_into(&mut other.email);
        let refused = world.instance().bootstrap(other).await.expect_err("refused");
        assert_eq!(reason(&refused), "BOOTSTRAP_IN_PROGRESS");
        world.peers.known().down.clear();
        world.instance().bootstrap(world.bootstrap_request()).await.expect("goes on");
        assert_eq!(world.peers.known().members.len(), 1);
    }

    async fn a_lost_setup_secret_is_renewed_until_it_is_used(database) {
        let world = World::start(&database).await;
        assert!(matches!(world.identity.setup_secret().await, Ok(SetupSecret::AlreadyIssued)));
        let Ok(SetupSecret::Fresh(fresh)) = Identity::renew_setup_secret(&world.db, &world.clock, &SystemEntropy).await else {
            panic!("a fresh secret")
        };
        let old = world.instance().bootstrap(world.bootstrap_request()).await.expect_err("refused");
        assert_eq!(reason(&old), "SETUP_SECRET_REFUSED");
        let mut request = world.bootstrap_request();
        request.setup_secret = fresh.expose().to_owned();
        world.instance().bootstrap(request).await.expect("made");
        let late = Identity::renew_setup_secret(&world.db, &world.clock, &SystemEntropy).await;
        assert!(matches!(late, Ok(SetupSecret::Bootstrapped)));
    }

    async fn every_broken_field_is_told_and_nothing_is_stored(database) {
        let world = World::start(&database).await;
        let mut request = world.bootstrap_request();
        (request.organization_name, request.email, request.name) = (String::new(), "root".to_owned(), "\n".to_owned());
        (request.password, request.password_confirmation) = ("short".to_owned(), "other".to_owned());
        let refused = world.instance().bootstrap(request).await.expect_err("refused");
        let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
        let fields: Vec<_> = told.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["organization_name", "email", "name", "password", "password_confirmation"]);
        let mut guessable = world.bootstrap_request();
        "analytical engines".clone_into(&mut guessable.password);
        let refused = world.instance().bootstrap(guessable).await.expect_err("refused");
        assert_eq!(reason(&refused), "REQUEST_INVALID");
        assert!(world.peers.known().members.is_empty());
    }

    async fn the_keys_that_sign_tokens_are_published_and_stay(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let keys = world.tokens().list_signing_keys(ListSigningKeysRequest {}).await.expect("listed").into_inner().keys;
        assert_eq!(keys.len(), 1);
        assert_eq!((keys[0].kty.as_str(), keys[0].crv.as_str(), keys[0].alg.as_str()), ("OKP", "Ed25519", "EdDSA"));
        let again = world.tokens().list_signing_keys(ListSigningKeysRequest {}).await.expect("listed").into_inner().keys;
        assert_eq!(keys, again);
    }
}
