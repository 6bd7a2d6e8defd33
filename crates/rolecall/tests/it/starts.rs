//! Starts that succeed, and how they end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::program::{Place, mode};

/// Returns the setup secret in a text.
fn secret(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.starts_with("rcs_") && word.len() == 47)
}

#[test]
fn an_empty_folder_becomes_an_installation_with_a_secret_that_is_shown_once() {
    let place = Place::new();
    let (code, first) = place.serve(&[]).stop();
    assert_eq!(code, Some(0), "{first}");
    assert!(secret(&first).is_some() && first.contains("grpcurl") && first.contains("rolecall bootstrap"), "{first}");
    let data = place.path("rolecall-data");
    assert_eq!((mode(&data), mode(&data.join("master.key"))), (0o700, 0o600));
    assert_eq!(mode(&data.join("identity.db")) & 0o077, 0, "others cannot read the database");

    let (_, second) = place.serve(&[]).stop();
    assert_eq!(secret(&second), None);
    assert!(second.contains("rolecall setup-secret --renew"), "{second}");
}

#[test]
fn a_renewed_setup_secret_makes_the_first_administrator_and_the_old_one_does_not() {
    let place = Place::new();
    let (_, printed) = place.serve(&[]).stop();
    let old = secret(&printed).expect("printed").to_owned();
    let new = place.run(&["setup-secret", "--renew"]).expect_success().trim().to_owned();
    let server = place.serve(&[]);
    let bootstrap = |secret: &str| {
        let person = "--email ada@example.org --given-name Ada --family-name L --password-stdin";
        let line = format!("bootstrap --organization Home --mfa optional {person}");
        let arguments = line.split(' ').collect::<Vec<_>>();
        place.run_with(&arguments, &format!("{secret}\nviolet-harbour-lantern-9\n"))
    };
    let refused = bootstrap(&old);
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert!(refused.err.contains("SETUP_SECRET_REFUSED"), "{}", refused.err);
    assert!(bootstrap(&new).expect_success().contains("ADMIN,OWNER"));

    let login = ["login", "--email", "ada@example.org", "--password-stdin"];
    place.run_with(&login, "violet-harbour-lantern-9\n").expect_success();
    assert!(place.run(&["whoami"]).expect_success().contains("Ada L"));
    assert_eq!(mode(&place.path(".config/rolecall/tokens.toml")), 0o600);
    place.run(&["logout"]).expect_success();
    assert_eq!(place.run(&["whoami"]).code, Some(3));
    drop(server);
    place.run(&["setup-secret", "--renew"]).expect_one_sentence(&["the first administrator exists"]);
}

#[test]
fn a_setup_secret_from_a_file_makes_the_first_administrator_and_is_not_printed() {
    let place = Place::new();
    let chosen = "lantern harbour violet, nine of each";
    place.write("setup-secret", &format!("{chosen}\n"));
    place.write("rolecall.toml", "[identity]\nsetup_secret_file = 'setup-secret'\n");
    let with = ["--config", "rolecall.toml"];
    let (_, printed) = place.serve(&with).stop();
    assert!(secret(&printed).is_none() && !printed.contains("lantern"), "{printed}");
    assert!(printed.contains("rolecall bootstrap") && printed.contains("that the configuration names"), "{printed}");
    let renewal = place.run(&["setup-secret", "--renew", with[0], with[1]]);
    renewal.expect_one_sentence(&["identity.setup_secret names the setup secret"]);

    let _server = place.serve(&with);
    let line =
        "bootstrap --organization Home --email ada@example.org --given-name Ada --family-name L --password-stdin";
    let made = place.run_with(&line.split(' ').collect::<Vec<_>>(), &format!("{chosen}\nviolet-harbour-lantern-9\n"));
    assert!(made.expect_success().contains("ADMIN,OWNER"));
}

#[test]
fn a_server_is_healthy_when_it_has_announced_itself_and_publishes_its_keys() {
    let place = Place::new();
    let _server = place.serve(&[]);
    let deadline = std::iter::repeat_with(|| place.run(&["health"]).code).take(50);
    assert!(deadline.into_iter().any(|code| code == Some(0)), "healthy soon");
    assert_eq!(place.run(&["health", "--service", "liveness"]).code, Some(0));
    assert_eq!(place.run(&["health", "--service", "nothing"]).code, Some(4));

    let mut stream = TcpStream::connect(("127.0.0.1", place.port)).expect("connects");
    stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"Ed25519\""), "{answer}");
    // Well below the time for which a new key is published before it signs.
    assert!(answer.contains("cache-control: public, max-age=60\r\n"), "{answer}");
}

#[test]
fn a_local_authority_is_enough_for_tls() {
    let place = Place::new();
    place.run(&["certs", "init", "--dir", "certs"]).expect_success();
    place.write("tls.toml", "[server.tls]\ncert_file = 'certs/server.pem'\nkey_file = 'certs/server.key'\n");
    let _server = place.serve(&["--config", "tls.toml"]);
    let address = format!("https://localhost:{}", place.port);
    let ask = |more: &[&str]| place.run(&[&["health", "--service", "liveness", "--server", &address], more].concat());
    assert_eq!(ask(&["--ca-file", "certs/ca.pem"]).code, Some(0));
    assert_eq!(ask(&[]).code, Some(5), "an authority that nobody named is not trusted");
    assert_eq!(place.run(&["health", "--service", "liveness"]).code, Some(5), "plaintext is not answered");
}

#[test]
fn the_doctor_finds_a_key_that_others_can_read() {
    let place = Place::new();
    place.serve(&[]).stop();
    assert!(place.run(&["doctor"]).expect_success().contains("database of identity: reachable, schema current"));
    let key = place.path("rolecall-data/master.key");
    std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("mode");
    let sick = place.run(&["doctor"]);
    assert_eq!(sick.code, Some(1));
    assert!(sick.out.contains("fail  master key") && sick.out.contains("chmod 600"), "{}", sick.out);
}
