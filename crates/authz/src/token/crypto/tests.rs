//! Signatures by strangers, through the very way by which a token is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::*;
use crate::token::keys::PublicKey;

const WYCHEPROOF: &str = include_str!("../../../tests/data/wycheproof/ed25519_test.json");

/// Verifies as `jsonwebtoken::decode` does: with a key that a key set took, through the installed provider.
fn holds(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    assert!(install());
    let Some(key) = key.try_into().ok().and_then(|bytes| PublicKey::new("test", bytes).ok()) else {
        return false;
    };
    let signature = URL_SAFE_NO_PAD.encode(signature);
    jsonwebtoken::crypto::verify(&signature, message, key.decoding(), Algorithm::EdDSA).unwrap_or(false)
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("text").as_bytes();
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a digit");
    text.chunks(2).map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("a byte")).collect()
}

/// ASVS: V11.6.1, V11.2.1, T09
#[test]
fn asvs_v9_1_1_every_vector_of_wycheproof_is_judged_as_it_should_be() {
    let vectors: Value = serde_json::from_str(WYCHEPROOF).expect("JSON");
    let mut judged = 0;
    for group in vectors["testGroups"].as_array().expect("groups") {
        let key = hex(&group["publicKey"]["pk"]);
        for vector in group["tests"].as_array().expect("vectors") {
            let found = holds(&key, &hex(&vector["msg"]), &hex(&vector["sig"]));
            assert_eq!(found, vector["result"] == "valid", "{vector}");
            judged += 1;
        }
    }
    assert_eq!(Value::from(judged), vectors["numberOfTests"]);
}

#[test]
fn the_signed_example_of_rfc_8037_holds_and_nothing_near_it() {
    let key = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64url");
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert!(holds(&key, message, &signature));
    assert!(!holds(&key, &message[1..], &signature));
    assert!(!holds(&key, message, &signature[..63]));
    for bit in 0..signature.len() * 8 {
        let mut other = signature.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&key, message, &other), "{bit}");
    }
}
