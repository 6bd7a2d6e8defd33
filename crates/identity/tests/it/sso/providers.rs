//! Identity providers: connected, changed, disconnected, and bounded by whoever does it.

use rolecall_api::identity::v1::*;
use rolecall_testkit::{DnsServer, on_each_database};
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::provider::{Discovery, Provider, SECRET};
use super::{Stage, ada, change, connect, described, open_world};
use crate::harness::{ADMIN, World, bearer, reason, request_id};

on_each_database! {
    async fn a_provider_is_connected_read_listed_changed_and_disconnected(database) {
        let stage = Stage::set(&database).await;
        let made = &stage.connected;
        assert_eq!(made.client_secret, "", "never read back");
        assert_eq!(made.scopes, ["email", "profile"]);
        assert!(made.redirect_uri.ends_with(&format!("/sso/callback/{}", made.identity_provider_id)));
        let get = GetIdentityProviderRequest { identity_provider_id: made.identity_provider_id.clone() };
        let read = stage.world.providers().get_identity_provider(bearer(&stage.owner, get.clone())).await.expect("read");
        assert_eq!(read.into_inner().identity_provider.as_ref(), Some(made));
        let list = bearer(&stage.owner, ListIdentityProvidersRequest::default());
        let listed = stage.world.providers().list_identity_providers(list).await.expect("listed").into_inner();
        assert_eq!(listed.identity_providers, std::slice::from_ref(made));
        let renamed = IdentityProvider { display_name: "Other".to_owned(), ..made.clone() };
        let changed = change(&stage.world, &stage.owner, renamed.clone(), &["display_name"]).await.expect("changed");
        assert_eq!((changed.display_name.as_str(), changed.etag.as_str()), ("Other", "2"));
        let stale = change(&stage.world, &stage.owner, renamed, &["display_name"]).await.expect_err("stale");
        assert_eq!((reason(&stale).as_str(), stale.code()), ("ETAG_MISMATCH", Code::Aborted));
        let delete = DeleteIdentityProviderRequest {
            request_id: request_id(&stage.world.clock),
            identity_provider_id: made.identity_provider_id.clone(),
        };
        for _ in 0..2 {
            let answer = stage.world.providers().delete_identity_provider(bearer(&stage.owner, delete.clone())).await;
            answer.expect("deleted, and the same again");
        }
        let gone = stage.world.providers().get_identity_provider(bearer(&stage.owner, get)).await.expect_err("gone");
        assert_eq!(reason(&gone), "IDENTITY_PROVIDER_NOT_FOUND");
    }

    async fn the_client_secret_is_sealed_at_rest(database) {
        let stage = Stage::set(&database).await;
        let reader = stage.world.db.reader();
        let text = "SELECT sealed_secret FROM identity_providers";
        let statement = Statement::from_string(reader.get_database_backend(), text);
        let row = reader.query_one_raw(statement).await.expect("read").expect("a row");
        let sealed: Vec<u8> = row.try_get_by_index(0).expect("bytes");
        assert!(!sealed.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }

    async fn all_that_is_wrong_with_a_provider_is_told_at_once(database) {
        let stage = Stage::set(&database).await;
        let wrong = IdentityProvider {
            issuer: "https://idp.example.org/?tenant=1".to_owned(),
            role_source: 9,
            role_mappings: vec![RoleMapping { value: String::new(), role: "ADMIN".to_owned() }],
            scopes: vec!["two words".to_owned()],
            ..Default::default()
        };
        let refused = connect(&stage.world, &stage.owner, wrong).await.expect_err("refused");
        let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
        let paths: Vec<&str> = told.iter().map(|violation| violation.field.as_str()).collect();
        for path in ["display_name", "client_id", "issuer", "role_source", "role_mappings[0].role", "scopes[0]"] {
            assert!(paths.contains(&format!("identity_provider.{path}").as_str()), "{path}: {paths:?}");
        }
        for issuer in ["ftp://idp.example.org", "http://idp.example.org", "https://user@idp.example.org", "nonsense"] {
            let refused = connect(&stage.world, &stage.owner, described(issuer)).await.expect_err("refused");
            let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
            assert_eq!(told[0].reason, "ISSUER_REFUSED", "{issuer}");
        }
    }

    async fn an_organization_has_ten_providers_at_most(database) {
        let stage = Stage::set(&database).await;
        for _ in 1..10 {
            connect(&stage.world, &stage.owner, described(&stage.provider.issuer)).await.expect("connected");
        }
        let refused = connect(&stage.world, &stage.owner, described(&stage.provider.issuer)).await.expect_err("full");
        assert_eq!(reason(&refused), "SSO_LIMIT_REACHED");
    }

    async fn a_test_tells_what_is_wrong_without_a_word_of_the_provider(database) {
        let stage = Stage::set(&database).await;
        let request = TestIdentityProviderRequest { identity_provider_id: stage.connected.identity_provider_id.clone() };
        let test = async || {
            let request = bearer(&stage.owner, request.clone());
            stage.world.providers().test_identity_provider(request).await
        };
        let right = test().await.expect("usable").into_inner();
        assert_eq!((right.key_count, right.issuer_in_answers), (1, true));
        for (discovery, problem) in [
            (Discovery::Issuer("https://other.example".to_owned()), "its configuration names another issuer"),
            (Discovery::Issuer(format!("{}/", stage.provider.issuer)), "its configuration names another issuer"),
            (Discovery::Huge, "the answer is too large"),
            (Discovery::Drip, "the answer did not come in time"),
            (Discovery::Redirect("http://127.0.0.1:1/".to_owned()), "it answers with the HTTP status 302"),
        ] {
            stage.provider.script().discovery = discovery;
            let refused = test().await.expect_err("unusable");
            assert_eq!(reason(&refused), "PROVIDER_UNUSABLE");
            let told = refused.get_details_error_info().expect("ErrorInfo").metadata;
            assert_eq!(told.get("problem").map(String::as_str), Some(problem));
        }
    }

    async fn attack_t27_a_provider_on_a_private_address_is_never_spoken_to(database) {
        let (dns, provider) = (DnsServer::start().await, Provider::start(7).await);
        let dns_server = dns.address();
        let world = World::with(&database, |config| config.outbound.dns_server = Some(dns_server)).await;
        world.bootstrap().await;
        let owner = world.log_in(ADMIN).await.access_token;
        let port = provider.issuer.rsplit(':').next().expect("a port");
        for issuer in [
            provider.issuer.clone(),
            format!("https://127.0.0.1:{port}"), format!("https://2130706433:{port}"), format!("https://[::1]:{port}"),
            format!("https://[::ffff:127.0.0.1]:{port}"), format!("https://0x7f.1:{port}"),
            "https://169.254.169.254/latest/meta-data".to_owned(), "https://10.0.0.1".to_owned(),
        ] {
            let refused = connect(&world, &owner, described(&issuer)).await.expect_err("refused");
            let told = refused.get_details_bad_request().expect("BadRequest").field_violations;
            assert_eq!(told[0].reason, "ISSUER_REFUSED", "{issuer}");
        }
        let local = std::net::Ipv4Addr::LOCALHOST;
        dns.set_addresses("inside.example", &[local]);
        dns.set_addresses("rebinding.example", &[std::net::Ipv4Addr::new(192, 0, 2, 1), local]);
        for issuer in ["https://inside.example", "https://rebinding.example"] {
            let made = connect(&world, &owner, described(issuer)).await.expect("a name tells nothing yet");
            for _ in 0..3 {
                let request = TestIdentityProviderRequest { identity_provider_id: made.identity_provider_id.clone() };
                let refused = world.providers().test_identity_provider(bearer(&owner, request)).await.expect_err("closed");
                assert_eq!(reason(&refused), "PROVIDER_UNUSABLE");
            }
        }
        assert_eq!(provider.script().discovery_calls, 0);
    }

    async fn attack_t15_what_a_provider_opened_ends_with_it(database) {
        let stage = Stage::set(&database).await;
        let tokens = stage.log_in(ada()).await.expect("logged in");
        let begun = stage.begin().await;
        let (state, code) = stage.provider.log_in(&begun.authorization_url, ada());
        let off = IdentityProvider { enabled: false, ..stage.connected.clone() };
        let changed = change(&stage.world, &stage.owner, off, &["enabled"]).await.expect("switched off");
        stage.whoami(&tokens).await.expect_err("ended at once");
        let refresh = RefreshTokensRequest { refresh_token: tokens.refresh_token.clone(), ..Default::default() };
        stage.world.authentication().refresh_tokens(refresh).await.expect_err("ended");
        let refused = stage.complete(&begun.login_token, &state, &code).await.expect_err("begun before");
        assert_eq!(reason(&refused), "SSO_REFUSED");
        let id = begin_sso_login_request::Provider::IdentityProviderId(changed.identity_provider_id.clone());
        assert_eq!(reason(&stage.try_begin(id).await.expect_err("off")), "IDENTITY_PROVIDER_NOT_FOUND");
        let on = IdentityProvider { enabled: true, ..changed };
        let changed = change(&stage.world, &stage.owner, on, &["enabled"]).await.expect("switched on");
        let tokens = stage.log_in(ada()).await.expect("logged in");
        let request = DeleteIdentityProviderRequest {
            identity_provider_id: changed.identity_provider_id,
            ..Default::default()
        };
        stage.world.providers().delete_identity_provider(bearer(&stage.owner, request)).await.expect("deleted");
        stage.whoami(&tokens).await.expect_err("ended at once");
        assert_eq!(stage.world.rows("linked_identities").await, 0);
        assert_eq!(crate::mailbox::told(&stage.world, "identity.identity_unlinked").await, 1, "its person is told");
    }

    async fn attack_t15_nobody_asserts_the_people_of_another_organization(database) {
        let stage = Stage::set(&database).await;
        let first = stage.log_in(ada()).await.expect("logged in");
        let (_, other) = stage.world.second_organization("charles@difference.example").await;
        stage.world.access.invalidate_all();
        // The same issuer, connected by another organization that did not prove the domain.
        let theirs = connect(&stage.world, &other.access_token, described(&stage.provider.issuer)).await.expect("connected");
        let id = || begin_sso_login_request::Provider::IdentityProviderId(theirs.identity_provider_id.clone());
        for claims in [ada(), super::ada_with(serde_json::json!({ "sub": "eve", "email": "eve@acme.example" }))] {
            let begun = stage.try_begin(id()).await.expect("begun");
            let (state, code) = stage.provider.log_in(&begun.authorization_url, claims);
            let refused = stage.complete(&begun.login_token, &state, &code).await.expect_err("not theirs");
            assert_eq!(reason(&refused), "SSO_REFUSED");
        }
        stage.whoami(&first).await.expect("untouched");
        let get = GetIdentityProviderRequest { identity_provider_id: stage.connected.identity_provider_id.clone() };
        let foreign = stage.world.providers().get_identity_provider(bearer(&other.access_token, get)).await;
        assert_eq!(reason(&foreign.expect_err("not theirs")), "IDENTITY_PROVIDER_NOT_FOUND");
    }
}

#[tokio::test]
async fn loopback_is_spoken_to_where_the_operator_opened_it() {
    let (database, dns) = (rolecall_testkit::TestDatabase::sqlite().await, DnsServer::start().await);
    let world = open_world(&database, &dns).await;
    world.bootstrap().await;
    let owner = world.log_in(ADMIN).await.access_token;
    connect(&world, &owner, described("http://127.0.0.1:4000")).await.expect("connected");
}
