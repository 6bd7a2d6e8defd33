use super::*;
use crate::config::HashingConfig;
use crate::domain::password::Password;
use crate::hashing::Hashing;

/// Hashes of `wandering albatross`, made by OpenSSL and libxcrypt.
const OURS_ELSEWHERE: [&str; 6] = [
    "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$t79QDpyBQuFPsqfo71JNYNLK703HCJLw2SZC1/QK7kg",
    "$pbkdf2-sha512$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$\
     WlZhcXS0zcigWn52njhcqu1zwJgz5AFf5Qq6Ko9DFPKbk8sqz1KnwewkbnnZ6E3//pDCOJdy9VLN9RLR9sFVvg",
    "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$qiIeYTsRC+28yruN6YH2vYSuksipgAw704RXXb8G5n8",
    "$2a$04$abcdefghijklmnopqrstuupo6PL3ez6UuuLzzNezUoL0qiseq.8ri",
    "$2b$04$abcdefghijklmnopqrstuupo6PL3ez6UuuLzzNezUoL0qiseq.8ri",
    "$2y$04$abcdefghijklmnopqrstuupo6PL3ez6UuuLzzNezUoL0qiseq.8ri",
];

/// Hashes of `password` from the tests of the reference implementation.
const ARGON2: [&str; 3] = [
    "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
];

async fn is_right(hashing: &Hashing, password: &str, stored: &str) -> bool {
    let password = Password::parse(password).expect("a password");
    hashing.verify(password, Some(stored.to_owned()), None).await.expect("checked")
}

#[tokio::test]
async fn a_password_matches_the_hash_that_another_system_made_of_it() {
    let entropy = std::sync::Arc::new(rolecall_kernel::entropy::SystemEntropy);
    let hashing = Hashing::new(&HashingConfig::weak_for_tests(), entropy).await.expect("usable parameters");
    let all = OURS_ELSEWHERE.map(|hash| ("wandering albatross", hash)).into_iter();
    for (password, hash) in all.chain(ARGON2.map(|hash| ("password", hash))) {
        let imported = ImportedHash::parse(hash).expect("known");
        assert!(is_right(&hashing, password, imported.as_str()).await, "{hash}");
        for wrong in ["Wandering albatross", "wandering albatros", "passwords", " "] {
            assert!(!is_right(&hashing, wrong, hash).await, "{wrong} {hash}");
        }
        assert!(hashing.is_outdated(hash), "{hash}");
    }
}

#[test]
fn a_long_password_matches_by_what_bcrypt_sees_of_it() {
    let stored = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
    for (count, right) in [(71, false), (72, true), (80, true)] {
        assert_eq!(verify("x".repeat(count).as_bytes(), stored), right, "{count}");
    }
}

#[test]
fn a_hash_that_costs_too_much_to_check_is_refused() {
    let (salt, output) = ("MDEyMzQ1Njc4OWFiY2RlZg", "t79QDpyBQuFPsqfo71JNYNLK703HCJLw2SZC1/QK7kg");
    let bcrypt = |cost: &str| format!("$2b${cost}$abcdefghijklmnopqrstuupo6PL3ez6UuuLzzNezUoL0qiseq.8ri");
    let phc = |head: &str| format!("${head}${salt}${output}");
    for bounded in [
        phc("argon2id$v=19$m=65536,t=10,p=4"),
        phc("scrypt$ln=17,r=8,p=4"),
        phc("pbkdf2-sha512$i=1200000"),
        bcrypt("14"),
    ] {
        assert!(ImportedHash::parse(&bounded).is_ok(), "{bounded}");
    }
    for costly in [
        phc("argon2id$v=19$m=65537,t=1,p=1"),
        phc("argon2i$v=19$m=256,t=11,p=1"),
        phc("argon2id$v=19$m=256,t=1,p=5"),
        phc("scrypt$ln=18,r=8,p=1"),
        phc("scrypt$ln=4,r=9,p=1"),
        phc("scrypt$ln=4,r=8,p=5"),
        phc("pbkdf2-sha256$i=1200001"),
        bcrypt("15"),
        bcrypt("31"),
    ] {
        assert!(matches!(ImportedHash::parse(&costly), Err(ImportedHashError::TooCostly(_))), "{costly}");
    }
}

#[test]
fn what_is_no_hash_of_a_known_kind_is_refused() {
    let output = "t79QDpyBQuFPsqfo71JNYNLK703HCJLw2SZC1/QK7kg";
    for unknown in [
        "correct horse battery staple".to_owned(),
        "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
        format!("$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ${output}"),
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ".to_owned(),
        "$argon2id$v=19$m=256,t=2,p=1".to_owned(),
        format!("$pbkdf2-sha1$i=1000$MDEyMzQ1Njc4OWFiY2RlZg${output}"),
        format!("$pbkdf2-sha256$i=0$MDEyMzQ1Njc4OWFiY2RlZg${output}"),
        format!("$pbkdf2-sha256$MDEyMzQ1Njc4OWFiY2RlZg${output}"),
        format!("$scrypt$ln=0,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg${output}"),
        format!("$scrypt$ln=4,r=0,p=1$MDEyMzQ1Njc4OWFiY2RlZg${output}"),
        "$2x$04$abcdefghijklmnopqrstuupo6PL3ez6UuuLzzNezUoL0qiseq.8ri".to_owned(),
        "$2b$03$abcdefghijklmnopqrstuupo6PL3ez6UuuLzzNezUoL0qiseq.8ri".to_owned(),
        "$2b$04$short".to_owned(),
    ] {
        assert_eq!(ImportedHash::parse(&unknown), Err(ImportedHashError::Unknown), "{unknown}");
    }
    assert_eq!(ImportedHash::parse(""), Err(ImportedHashError::Required));
    assert_eq!(ImportedHash::parse(&"$".repeat(513)), Err(ImportedHashError::TooLong));
    assert_eq!(format!("{:?}", ImportedHash::parse(ARGON2[0])), "Ok(ImportedHash(redacted))");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reading_panic(text in "\\PC{0,80}", head in "\\$(2[aby]|scrypt|argon2id|pbkdf2-sha256)\\$") {
        let _ = ImportedHash::parse(&text);
        let _ = ImportedHash::parse(&(head + &text));
    }
}
