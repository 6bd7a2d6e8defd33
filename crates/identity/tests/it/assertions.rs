//! Programs that log in with what they sign (RFC 7523), instead of a secret.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::{Signer as _, SigningKey};
use rolecall_api::identity::v1::{
    CreateApiKeyRequest, CreateServiceAccountRequest, DeleteApiKeyRequest, ExchangeApiKeyRequest, ListApiKeysRequest,
    ListUsersRequest,
};
use rolecall_testkit::on_each_database;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, at_once, bearer, bytes, reason, request_id};

/// A program with a key pair of its own.
struct Program {
    pair: SigningKey,
    service_account_id: String,
    api_key_id: String,
}

fn pem(pair: &SigningKey) -> String {
    pair.verifying_key().to_public_key_pem(LineEnding::LF).expect("PEM")
}

async fn account(world: &World, token: &str) -> String {
    let request = CreateServiceAccountRequest {
        name: "Data platform".to_owned(),
        permissions: vec!["identity.users.list".to_owned()],
        ..Default::default()
    };
    let made = world.service_accounts().create_service_account(bearer(token, request)).await.expect("made");
    made.into_inner().service_account.expect("an account").service_account_id
}

impl Program {
    async fn new(world: &World, token: &str, seed: u8) -> Self {
        let (pair, service_account_id) = (SigningKey::from_bytes(&[seed; 32]), account(world, token).await);
        let request = CreateApiKeyRequest {
            service_account_id: service_account_id.clone(),
            public_key: pem(&pair),
            ..Default::default()
        };
        let made = world.service_accounts().create_api_key(bearer(token, request)).await.expect("made").into_inner();
        assert!(made.secret.is_empty(), "the program keeps its own secret");
        let key = made.api_key.expect("a key");
        assert_eq!(key.public_key, pem(&pair));
        Self { pair, service_account_id, api_key_id: key.api_key_id }
    }

    fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "JWT", "kid": self.api_key_id})
    }

    fn claims(&self, world: &World, jti: &str) -> Value {
        let id = &self.service_account_id;
        let now = world.clock_seconds();
        json!({"iss": id, "sub": id, "aud": "rolecall", "jti": jti, "iat": now, "exp": now + 60})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        sign(&self.pair, header, claims)
    }

    fn assertion(&self, world: &World, jti: &str) -> String {
        self.sign(&self.header(), &self.claims(world, jti))
    }
}

fn sign(pair: &SigningKey, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = pair.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

async fn exchange(world: &World, assertion: &str) -> Result<String, tonic::Status> {
    let request = ExchangeApiKeyRequest { assertion: assertion.to_owned(), ..Default::default() };
    Ok(world.authentication().exchange_api_key(request).await?.into_inner().access_token)
}

/// What an assertion must not be, each a step away from a good one.
fn hostile(world: &World, program: &Program, other: &Program) -> Vec<(&'static str, String)> {
    let (header, now) = (program.header(), world.clock_seconds());
    let claimed = |name: &str, value: Value| {
        let mut claims = program.claims(world, name);
        claims[name] = value;
        program.sign(&header, &claims)
    };
    let without = |name: &str| {
        let mut claims = program.claims(world, name);
        claims.as_object_mut().expect("an object").remove(name);
        program.sign(&header, &claims)
    };
    let under = |name: &str, value: Value| {
        let mut other = program.header();
        other[name] = value;
        program.sign(&other, &program.claims(world, "headed"))
    };
    vec![
        ("signed by another", sign(&other.pair, &header, &program.claims(world, "a"))),
        ("the key of another", program.sign(&other.header(), &program.claims(world, "b"))),
        ("another subject", claimed("sub", json!(other.service_account_id))),
        ("another issuer", claimed("iss", json!(other.service_account_id))),
        ("another audience", claimed("aud", json!("https://elsewhere.example"))),
        ("one more audience", claimed("aud", json!(["rolecall", "https://elsewhere.example"]))),
        ("no audience", claimed("aud", json!([]))),
        ("over", claimed("exp", json!(now - 6))),
        ("too long", claimed("exp", json!(now + 306))),
        ("no end", without("exp")),
        ("an end in words", claimed("exp", json!("tomorrow"))),
        ("issued in the future", claimed("iat", json!(now + 60))),
        ("not yet good", claimed("nbf", json!(now + 60))),
        ("no name", without("jti")),
        ("an empty name", claimed("jti", json!(""))),
        ("a long name", claimed("jti", json!("x".repeat(129)))),
        ("no algorithm", under("alg", json!("none"))),
        ("a shared secret", under("alg", json!("HS256"))),
        ("an access token", under("typ", json!("at+jwt"))),
        ("a service token", under("typ", json!("svc+jwt"))),
        ("an extension", under("crit", json!(["exp"]))),
        ("no key", under("kid", Value::Null)),
        ("an unknown key", under("kid", json!(program.service_account_id))),
        ("nothing signed", format!("{}.", program.assertion(world, "c").rsplit_once('.').expect("parts").0)),
    ]
}

on_each_database! {
    async fn asvs_v10_4_16_a_program_logs_in_with_what_it_signs_and_each_assertion_counts_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let program = Program::new(&world, &root, 1).await;
        let assertion = program.assertion(&world, "first");
        let token = exchange(&world, &assertion).await.expect("exchanged");
        let users = world.users().list_users(bearer(&token, ListUsersRequest::default())).await.expect("listed");
        assert_eq!(users.into_inner().users.len(), 1);
        let again = exchange(&world, &assertion).await.expect_err("used");
        assert_eq!((again.code(), reason(&again).as_str()), (Code::Unauthenticated, "CREDENTIALS_REFUSED"));
        // In another spelling, too, it is the same one.
        let mut claims = program.claims(&world, "first");
        claims["exp"] = json!(world.clock_seconds() + 61);
        exchange(&world, &program.sign(&program.header(), &claims)).await.expect_err("used");
        exchange(&world, &program.assertion(&world, "second")).await.expect("exchanged");
    }

    /// ASVS: V10.4.10
    async fn asvs_v10_4_16_whatever_is_not_quite_an_assertion_is_refused_alike(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (program, other) = (Program::new(&world, &root, 1).await, Program::new(&world, &root, 2).await);
        let unknown = exchange(&world, "x").await.expect_err("nothing");
        for (what, assertion) in hostile(&world, &program, &other) {
            let refused = exchange(&world, &assertion).await.expect_err(what);
            assert_eq!(bytes(&refused), bytes(&unknown), "{what}");
        }
        assert_eq!(world.rows("used_assertions").await, 0, "what was refused left no trace");
        let mut listed = program.claims(&world, "listed");
        listed["aud"] = json!(["rolecall"]);
        listed["exp"] = json!(f64::from(u32::try_from(world.clock_seconds() + 299).expect("now")) + 0.5);
        let header = json!({"alg": "EdDSA", "kid": program.api_key_id, "typ": "client-authentication+jwt"});
        exchange(&world, &program.sign(&header, &listed)).await.expect("other forms of the same are good");
    }

    async fn attack_t08_of_parallel_uses_of_an_assertion_one_succeeds(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let program = Program::new(&world, &root, 1).await;
        let request = ExchangeApiKeyRequest { assertion: program.assertion(&world, "once"), ..Default::default() };
        let client = world.authentication();
        let answers = at_once(16, |_| {
            let (mut client, request) = (client.clone(), request.clone());
            async move { client.exchange_api_key(request).await.map(drop) }
        });
        let answers = answers.await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(reason(&refused), "CREDENTIALS_REFUSED");
        }
    }

    async fn a_deleted_or_ended_key_verifies_nothing_and_used_assertions_are_forgotten(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let (deleted, ended) = (Program::new(&world, &root, 1).await, Program::new(&world, &root, 2).await);
        exchange(&world, &ended.assertion(&world, "a")).await.expect("exchanged");
        let delete = DeleteApiKeyRequest { api_key_id: deleted.api_key_id.clone(), ..Default::default() };
        world.service_accounts().delete_api_key(bearer(&root, delete)).await.expect("deleted");
        exchange(&world, &deleted.assertion(&world, "b")).await.expect_err("deleted");
        world.clock.advance(Duration::from_mins(6));
        world.identity.sweep().await.expect("swept");
        assert_eq!(world.rows("used_assertions").await, 0);
        world.clock.advance(Duration::from_hours(90 * 24));
        exchange(&world, &ended.assertion(&world, "c")).await.expect_err("ended");
    }

    async fn a_repeat_of_a_key_without_a_secret_gets_the_same_key(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let request = CreateApiKeyRequest {
            request_id: request_id(&world.clock),
            service_account_id: account(&world, &root).await,
            public_key: pem(&SigningKey::from_bytes(&[1; 32])),
            ..Default::default()
        };
        let first = world.service_accounts().create_api_key(bearer(&root, request.clone())).await.expect("made");
        let again = world.service_accounts().create_api_key(bearer(&root, request.clone())).await.expect("the same");
        assert_eq!(first.into_inner(), again.into_inner());
        let listed = ListApiKeysRequest { service_account_id: request.service_account_id, ..Default::default() };
        let listed = world.service_accounts().list_api_keys(bearer(&root, listed)).await.expect("listed").into_inner();
        assert_eq!(listed.api_keys.len(), 1);
        assert_eq!(listed.api_keys[0].public_key, request.public_key);
    }

    async fn what_is_no_ed25519_key_is_refused_with_the_field(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let service_account_id = account(&world, &root).await;
        // Under the neutral point the signatures of anybody hold for some messages.
        let weak = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n-----END PRIVATE KEY-----\n";
        for public_key in ["x", weak, private] {
            let request = CreateApiKeyRequest {
                service_account_id: service_account_id.clone(),
                public_key: public_key.to_owned(),
                ..Default::default()
            };
            let refused = world.service_accounts().create_api_key(bearer(&root, request)).await.expect_err("no key");
            let violations = refused.get_details_bad_request().expect("violations").field_violations;
            assert_eq!(violations[0].field, "public_key", "{public_key}");
            assert!(!refused.message().contains("MC4C"), "what was given is not repeated");
        }
        assert_eq!(world.rows("api_keys").await, 0);
    }

    async fn asvs_v10_4_16_secrets_can_be_switched_off(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let program = Program::new(&world, &root, 1).await;
        let wish = CreateApiKeyRequest { service_account_id: program.service_account_id.clone(), ..Default::default() };
        let secret = world.service_accounts().create_api_key(bearer(&root, wish.clone())).await.expect("made").into_inner().secret;
        let strict = world.replica_with(&database, |config| config.secret_keys = false).await;
        let refused = strict.service_accounts().create_api_key(bearer(&root, wish)).await.expect_err("no secrets");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "SECRET_KEYS_OFF"));
        let shown = ExchangeApiKeyRequest { api_key: secret.clone(), ..Default::default() };
        let refused = strict.authentication().exchange_api_key(shown).await.expect_err("no secrets");
        assert_eq!(reason(&refused), "CREDENTIALS_REFUSED");
        exchange(&strict, &program.assertion(&world, "strict")).await.expect("exchanged");
        let both = ExchangeApiKeyRequest { api_key: secret, assertion: program.assertion(&world, "both") };
        let refused = world.authentication().exchange_api_key(both).await.expect_err("one of the two");
        assert_eq!(reason(&refused), "REQUEST_INVALID");
    }
}
