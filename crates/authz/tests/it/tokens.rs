//! Tokens that must be refused, and the few that must not.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curve25519_dalek::Scalar;
use ed25519_dalek::{Signer as _, SigningKey, Verifier as _};
use rolecall_authz::{
    AccessClaims, KeySet, PublicKey, ServiceClaims, ServiceTokens, SubjectKind, TokenError, TokenSigner, Verified,
    Verifier,
};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::Clock as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::support::{Hand, SEED, claims, session, subject, verifier};

pub(crate) struct Setup {
    pub(crate) clock: Hand,
    pub(crate) signer: TokenSigner,
    keys: Arc<KeySet>,
    pub(crate) services: ServiceTokens,
    verifier: Verifier,
}

pub(crate) fn setup() -> Setup {
    let clock = Hand::new();
    let signer = TokenSigner::from_seed("first", &SEED);
    let keys = Arc::new(KeySet::new([signer.public_key().clone()]));
    let services = ServiceTokens::new(&MasterKey::new(&SystemEntropy));
    let verifier = verifier(&clock, &keys, &services);
    Setup { clock, signer, keys, services, verifier }
}

impl Setup {
    fn claims(&self) -> AccessClaims {
        claims(1, SubjectKind::User, self.clock.now())
    }

    fn token(&self) -> String {
        self.signer.sign_access(&self.claims())
    }

    fn is_good(&self, token: &str) -> bool {
        self.verifier.verify(token).is_ok()
    }

    /// Signs any header and claims with the key that access tokens are signed with.
    fn forge(&self, header: &Value, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = serde_json::to_value(self.claims()).expect("claims are JSON");
        change(&mut claims);
        forge(&SEED, header, &claims)
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn forge(seed: &[u8; 32], header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = SigningKey::from_bytes(seed).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "first"})
}

#[test]
fn a_good_token_tells_what_was_signed() {
    let setup = setup();
    for _ in 0..2 {
        match setup.verifier.verify(&setup.token()).expect("a good token") {
            Verified::Access(found) => assert_eq!(found.sub, setup.claims().sub),
            Verified::Service(_) => panic!("a service token"),
        }
    }
    let forged = setup.forge(&header(), |_| {});
    assert!(setup.is_good(&forged), "the forgeries below differ from a good token in one thing each");
}

/// ASVS: V7.2.1, T09
#[test]
fn asvs_v9_1_1_one_bit_off_anywhere_is_refused() {
    let setup = setup();
    let token = setup.token();
    assert!(setup.is_good(&token));
    for index in 0..token.len() {
        for bit in 0..8 {
            let mut changed = token.clone().into_bytes();
            changed[index] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(changed) {
                assert!(!setup.is_good(&changed), "bit {bit} of character {index}");
            }
        }
        assert!(!setup.is_good(&token[..index]), "cut after {index} characters");
    }
    for suffix in ["A", "=", "==", ".", " ", "\n", ".e30"] {
        assert!(!setup.is_good(&format!("{token}{suffix}")), "{suffix:?}");
        assert!(!setup.is_good(&format!("{suffix}{token}")), "{suffix:?}");
    }
    assert!(!setup.is_good("") && !setup.is_good(".") && !setup.is_good("..") && !setup.is_good("..."));
    assert!(!setup.is_good(&"x".repeat(100_000)));
}

/// ASVS: V9.1.3, T09
#[test]
fn asvs_v9_1_2_headers_of_other_kinds_are_refused() {
    let setup = setup();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("RS256")),
        ("alg", json!("eddsa")),
        ("alg", json!(null)),
        ("typ", json!("JWT")),
        ("typ", json!("AT+JWT")),
        ("typ", json!("application/at+jwt")),
        ("typ", json!("svc+jwt")),
        ("typ", json!(null)),
        ("kid", json!("second")),
        ("kid", json!("")),
        ("kid", json!("service")),
        ("kid", json!(null)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
    ] {
        let mut changed = header();
        changed[name] = value;
        assert!(!setup.is_good(&setup.forge(&changed, |_| {})), "{changed}");
    }
    for name in ["alg", "typ", "kid"] {
        let mut changed = header();
        changed.as_object_mut().expect("an object").remove(name);
        assert!(!setup.is_good(&setup.forge(&changed, |_| {})), "{changed}");
    }
}

type Change = fn(&mut Value);

#[test]
fn attack_t18_a_token_of_an_impersonation_has_a_type_of_its_own() {
    let setup = setup();
    let act = json!({"sub": subject(2).to_string(), "sid": session(2).to_string()});
    let acting = |typ: &str, change: &dyn Fn(&mut Value)| {
        let header = json!({"typ": typ, "alg": "EdDSA", "kid": "first"});
        setup.is_good(&setup.forge(&header, |claims| {
            claims["act"] = act.clone();
            change(claims);
        }))
    };
    assert!(acting("imp+jwt", &|_| {}) && acting("imp+jwt", &|claims| claims["read_only"] = json!(true)));
    assert!(acting("imp+jwt", &|claims| claims["kind"] = json!("guest")));
    assert!(!acting("at+jwt", &|_| {}), "it would pass for the subject itself");
    let changes: [Change; 6] = [
        |claims| drop(claims.as_object_mut().expect("an object").remove("act")),
        |claims| claims["act"]["act"] = claims["act"].clone(),
        |claims| claims["act"]["sub"] = claims["sub"].clone(),
        |claims| claims["scope"] = json!("identity.users.get"),
        |claims| claims["kind"] = json!("service_account"),
        |claims| drop(claims.as_object_mut().expect("an object").remove("sid")),
    ];
    for (index, change) in changes.iter().enumerate() {
        assert!(!acting("imp+jwt", change), "{index}");
    }
    let own = setup.forge(&header(), |claims| claims["read_only"] = json!(true));
    assert!(!setup.is_good(&own), "only an impersonation is read-only");
}

/// ASVS: T09
#[test]
fn asvs_v9_1_2_a_token_without_a_signature_or_with_the_public_key_as_a_secret_is_refused() {
    let setup = setup();
    let claims = serde_json::to_value(setup.claims()).expect("claims are JSON");
    for alg in ["none", "None", "EdDSA", "HS256"] {
        let message = format!("{}.{}", encode(&json!({"typ": "at+jwt", "alg": alg, "kid": "first"})), encode(&claims));
        assert!(!setup.is_good(&format!("{message}.")), "{alg}");
        // HMAC-SHA-256 under the public key, the classic confusion.
        let key = setup.signer.public_key().as_bytes();
        let pad = |byte: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or_default() ^ byte).collect() };
        let hash = |parts: [&[u8]; 2]| sha2::Sha256::digest(parts.concat());
        let mac = hash([&pad(0x5c), &hash([&pad(0x36), message.as_bytes()])]);
        assert!(!setup.is_good(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac))), "{alg}");
    }
}

/// ASVS: V9.2.1, V10.3.1, T09
#[test]
fn asvs_v9_2_3_claims_of_others_or_incomplete_ones_are_refused() {
    let setup = setup();
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("iss", json!("https://rolecall.example/")),
        ("aud", json!("other")),
        ("aud", json!(["rolecall"])),
        ("aud", json!("")),
        ("sub", json!("")),
        ("sid", json!("")),
        ("sid", json!(null)),
        ("jti", json!("")),
        ("kind", json!("service")),
        ("amr", json!("pwd")),
    ] {
        assert!(!setup.is_good(&setup.forge(&header(), |claims| claims[name] = value.clone())), "{name} {value}");
    }
    for name in ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "kind", "auth_time", "amr"] {
        let token = setup.forge(&header(), |claims| {
            claims.as_object_mut().expect("an object").remove(name);
        });
        assert!(!setup.is_good(&token), "{name}");
    }
    let account = AccessClaims { sid: None, kind: SubjectKind::ServiceAccount, ..setup.claims() };
    assert!(setup.is_good(&setup.signer.sign_access(&account)), "a service account has no session");
}

#[test]
fn asvs_v15_3_7_a_claim_that_is_told_twice_is_refused() {
    let setup = setup();
    let claims = serde_json::to_string(&setup.claims()).expect("claims are JSON");
    let twice = claims.replacen('{', "{\"aud\":\"other\",", 1);
    let message = format!("{}.{}", encode(&header()), URL_SAFE_NO_PAD.encode(twice));
    let signature = SigningKey::from_bytes(&SEED).sign(message.as_bytes());
    assert!(!setup.is_good(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))));
}

#[test]
fn asvs_v9_2_1_a_token_is_good_from_its_issue_to_its_end_give_or_take_the_leeway() {
    let setup = setup();
    let now = setup.clock.now();
    let good = |issued: i64, expires: i64| {
        let at = |seconds: i64| rolecall_kernel::time::Timestamp::from_seconds(now.as_seconds() + seconds);
        setup.is_good(&setup.signer.sign_access(&AccessClaims { iat: at(issued), exp: at(expires), ..setup.claims() }))
    };
    assert!(good(0, 300) && good(-300, 0) && good(-300, -4) && good(5, 300));
    assert!(!good(-300, -5), "the clock stands a fraction past the second");
    assert!(!good(6, 300), "not issued yet");
    assert!(!good(0, -1) && !good(300, 299), "ends before it begins");
    assert!(good(0, 1800) && !good(0, 1801), "lives too long");
}

#[test]
fn a_remembered_token_ends_like_any_other() {
    let setup = setup();
    let token = setup.token();
    assert!(setup.is_good(&token));
    setup.clock.advance(Duration::from_millis(304_800));
    assert!(setup.is_good(&token));
    setup.clock.advance(Duration::from_millis(200));
    assert!(matches!(setup.verifier.verify(&token), Err(TokenError::Time)));
}

#[test]
fn tokens_of_other_keys_are_refused() {
    let setup = setup();
    let impostor = TokenSigner::from_seed("first", &[8; 32]);
    assert!(matches!(setup.verifier.verify(&impostor.sign_access(&setup.claims())), Err(TokenError::Signature)));
    let stranger = TokenSigner::from_seed("second", &[8; 32]);
    let token = stranger.sign_access(&setup.claims());
    assert!(matches!(setup.verifier.verify(&token), Err(TokenError::UnknownKey)));
    let other = ServiceTokens::new(&MasterKey::new(&SystemEntropy)).issue("identity", "identity", setup.clock.now());
    assert!(matches!(setup.verifier.verify(&other), Err(TokenError::Signature)));
}

#[test]
fn a_remembered_token_is_forgotten_with_its_key_and_outlives_the_others() {
    let setup = setup();
    let token = setup.token();
    assert!(setup.is_good(&token));
    let second = TokenSigner::from_seed("second", &[8; 32]);
    setup.keys.replace([setup.signer.public_key().clone(), second.public_key().clone()]);
    assert!(setup.is_good(&token) && setup.is_good(&second.sign_access(&setup.claims())));
    setup.keys.replace([second.public_key().clone()]);
    assert!(!setup.is_good(&token));
    let same_name = TokenSigner::from_seed("first", &[9; 32]);
    setup.keys.replace([same_name.public_key().clone()]);
    assert!(!setup.is_good(&token));
}

/// ASVS: T09
#[test]
fn asvs_v9_2_2_a_token_of_one_kind_is_never_taken_for_the_other() {
    let setup = setup();
    let now = setup.clock.now();
    assert!(matches!(setup.verifier.verify(&setup.services.issue("a", "b", now)), Ok(Verified::Service(_))));
    assert!(matches!(setup.verifier.verify(&setup.token()), Ok(Verified::Access(_))));

    // Were a key ever used for both kinds, type and claims still would keep them apart.
    let master = MasterKey::new(&SystemEntropy);
    let services = ServiceTokens::new(&master);
    let seed = master.derive(rolecall_kernel::key::Purpose::ServiceToken);
    let keys = Arc::new(KeySet::new([PublicKey::new("service", *services.public_key().as_bytes()).expect("a key")]));
    let verifier = verifier(&setup.clock, &keys, &services);
    let service = json!(ServiceClaims {
        iss: "rolecall".to_owned(),
        sub: "service:identity".to_owned(),
        aud: "service:organization".to_owned(),
        exp: now.plus(Duration::from_secs(30)),
        iat: now,
    });
    let access = json!(setup.claims());
    for (typ, claims, good) in [
        ("svc+jwt", &service, true),
        ("at+jwt", &service, false),
        ("at+jwt", &access, true),
        ("svc+jwt", &access, false),
    ] {
        let token = forge(&seed, &json!({"typ": typ, "alg": "EdDSA", "kid": "service"}), claims);
        assert_eq!(verifier.verify(&token).is_ok(), good, "{typ} {claims}");
    }
}

/// ASVS: V13.2.1
#[test]
fn asvs_v9_2_4_service_tokens_are_short_and_name_both_ends() {
    let master = MasterKey::new(&SystemEntropy);
    let services = ServiceTokens::new(&master);
    let seed = master.derive(rolecall_kernel::key::Purpose::ServiceToken);
    let clock = Hand::new();
    let verifier = verifier(&clock, &Arc::new(KeySet::new([])), &services);
    let now = clock.now().as_seconds();
    let good = |change: &[(&str, Value)]| {
        let mut claims =
            json!({"iss": "rolecall", "sub": "service:a", "aud": "service:b", "iat": now, "exp": now + 60});
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        verifier.verify(&forge(&seed, &json!({"typ": "svc+jwt", "alg": "EdDSA", "kid": "service"}), &claims)).is_ok()
    };
    assert!(good(&[]));
    for (name, value) in [
        ("exp", json!(now + 61)),
        ("exp", json!(now - 6)),
        ("iat", json!(now + 6)),
        ("iss", json!("https://rolecall.example")),
        ("sub", json!("a")),
        ("sub", json!("service:")),
        ("aud", json!("rolecall")),
        ("aud", json!(null)),
    ] {
        assert!(!good(&[(name, value.clone())]), "{name} {value}");
    }
    let token = services.issue("identity", "organization", clock.now());
    clock.advance(Duration::from_secs(64));
    assert!(verifier.verify(&token).is_ok());
    clock.advance(Duration::from_secs(1));
    assert!(verifier.verify(&token).is_err());
}

/// Without strictness, whoever holds the secret key can make a second signature of the same message
/// whose first half is a point of small order.
#[test]
fn asvs_v11_6_1_only_strict_signatures_are_accepted() {
    let setup = setup();
    let message = format!("{}.{}", encode(&header()), encode(&serde_json::to_value(setup.claims()).expect("JSON")));
    let key = SigningKey::from_bytes(&SEED);
    let mut identity = [0; 32];
    identity[0] = 1;
    let digest = Sha512::new().chain_update(identity).chain_update(key.verifying_key()).chain_update(&message);
    let challenge = Scalar::from_bytes_mod_order_wide(&digest.finalize().into());
    let response = challenge * key.to_scalar();
    let bytes = [identity, response.to_bytes()].concat();
    let lenient = ed25519_dalek::Signature::from_slice(&bytes).expect("64 bytes");
    assert!(key.verifying_key().verify(message.as_bytes(), &lenient).is_ok(), "the lenient way takes it");
    assert!(!setup.is_good(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes))));
}

#[test]
fn neither_signer_is_printed() {
    let setup = setup();
    let printed = format!("{:?} {:?} {:?}", setup.signer, setup.services, setup.verifier);
    assert!(!printed.contains(&format!("{SEED:?}")) && printed.contains("redacted"), "{printed}");
}
