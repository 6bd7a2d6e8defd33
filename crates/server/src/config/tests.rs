use super::*;
use std::time::Duration;

fn with(environment: &[(&str, &str)], flags: &[(&'static str, &str)], toml: &str) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("rolecall.toml");
    std::fs::write(&file, toml).expect("written");
    load(&Sources {
        file: Some(file),
        environment: environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        flags: flags.iter().map(|(path, value)| (*path, (*value).to_owned())).collect(),
    })
}

fn problems(environment: &[(&str, &str)], toml: &str) -> String {
    with(environment, &[], toml).expect_err("refused").to_string()
}

/// A master key that is no placeholder.
const KEY: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";

#[test]
fn the_defaults_are_a_whole_server_on_loopback() {
    let config = load(&Sources::default()).expect("good");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(config.server.services, Service::ALL);
    assert!(crate::settings::is_self_contained(&config));
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let toml = "[server]\nlisten = '127.0.0.1:1'\ndata_dir = 'file'\n[limits]\nmax_calls = 7";
    let environment = [("ROLECALL__SERVER__LISTEN", "127.0.0.1:2"), ("ROLECALL__SERVER__DATA_DIR", "environment")];
    let config = with(&environment, &[("server.listen", "127.0.0.1:3")], toml).expect("good");
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.data_dir, PathBuf::from("environment"));
    assert_eq!(config.limits.max_calls, 7);
}

#[test]
fn every_type_of_setting_can_come_from_the_environment() {
    let environment = [
        ("ROLECALL__SERVER__SERVICES", "organization, identity,notification"),
        ("ROLECALL__DATABASE__MIGRATE_AT_START", "true"),
        ("ROLECALL__DATABASE__MAX_CONNECTIONS", "20"),
        ("ROLECALL__TELEMETRY__FORMAT", "json"),
        ("ROLECALL__TELEMETRY__OTLP__SAMPLE_RATIO", "0.5"),
        ("ROLECALL__NOTIFICATION__RETRY", "1s,2m"),
        ("ROLECALL__IDENTITY__SERVER_NAME", "007"),
        ("ROLECALL__NOTIFICATION__SMTP__HOST", ""),
    ];
    let config = with(&environment, &[], "[notification.smtp]\nhost = 'mail'").expect("good");
    assert_eq!(config.server.services[0], Service::Organization);
    assert!(config.database.migrate_at_start);
    assert_eq!(config.database.max_connections, 20);
    assert_eq!(config.notification.retry, [Duration::from_secs(1), Duration::from_mins(2)]);
    assert_eq!(config.identity.server_name, "007");
    assert_eq!(config.notification.smtp.host, None, "an empty variable takes a setting back");
}

#[test]
fn all_problems_are_reported_at_once_with_their_place() {
    let toml =
        "[server]\nlisen = '127.0.0.1:1'\nservices = ['identity', 'mail']\n[limits]\nmax_calls = -1\n[colour]\nx = 1";
    let text = problems(&[("ROLECALL__SERVER__DRAIN", "soon"), ("ROLECALL__TELEMTRY__FILTER", "info")], toml);
    for part in [
        "server.lisen (in ",
        "did you mean `listen`?",
        "server.services (in ",
        "one of identity, organization, notification",
        "limits.max_calls",
        "colour",
        "server.drain (from the environment): must be a time",
        "telemtry (from the environment): there is no such setting; did you mean `telemetry`?",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn variables_that_are_not_ours_are_left_alone_and_malformed_ones_are_named() {
    assert!(with(&[("ROLECALL_SERVER", "http://x"), ("PATH", "/bin")], &[], "").is_ok());
    assert!(problems(&[("ROLECALL____LISTEN", "x")], "").contains("ROLECALL____LISTEN"));
}

#[test]
fn a_secret_comes_from_its_file_or_as_it_is_but_not_both() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).expect("written");
    let twin = format!("[keys]\nmaster_key_file = '{}'", file.display());
    assert!(with(&[], &[], &twin).expect("good").keys.master_key.value.is_some());
    let both = problems(&[], &format!("{twin}\nmaster_key = '{KEY}'"));
    assert!(both.contains("beside master_key_file"), "{both}");
    let missing = problems(&[], "[keys]\nmaster_key_file = '/nowhere/key'");
    assert!(missing.contains("/nowhere/key cannot be read"), "{missing}");
    std::fs::write(&file, "\n").expect("written");
    assert!(problems(&[], &twin).contains("is empty"));
}

#[test]
fn asvs_v13_3_1_a_secret_from_the_environment_stays_on_loopback() {
    let environment = [("ROLECALL__KEYS__MASTER_KEY", KEY)];
    assert!(with(&environment, &[], "").is_ok());
    let open = problems(&environment, "[server]\nlisten = '0.0.0.0:1'\nplaintext = true");
    assert!(open.contains("keys.master_key: a secret may come from the environment only on loopback"), "{open}");
}

#[test]
fn asvs_v13_2_3_a_setup_secret_that_can_be_guessed_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("secret");
    let twin = format!("[identity]\nsetup_secret_file = '{}'", file.display());
    std::fs::write(&file, format!("{}\n", "a".repeat(31))).expect("written");
    let short = problems(&[], &twin);
    assert!(short.contains("identity.setup_secret: must have 32 characters or more"), "{short}");
    std::fs::write(&file, format!("{}\n", "a".repeat(32))).expect("written");
    let config = with(&[], &[], &twin).expect("good");
    assert!(crate::settings::identity(&config).setup_secret.is_some());
    assert!(crate::settings::identity(&with(&[], &[], "").expect("good")).setup_secret.is_none());
}

#[test]
fn a_process_that_is_not_the_whole_suite_on_files_needs_a_key_and_its_peers() {
    let text = problems(&[], "[server]\nservices = ['identity']");
    for part in ["keys.master_key", "peers.organization", "peers.notification"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(problems(&[], "[database]\nurl = 'postgres://u:p@h/n'").contains("keys.master_key"));
}

#[test]
fn asvs_v12_2_1_plaintext_beyond_loopback_must_be_asked_for() {
    assert!(problems(&[], "[server]\nlisten = '0.0.0.0:1'").contains("server.plaintext = true"));
    assert!(with(&[], &[], "[server]\nlisten = '0.0.0.0:1'\nplaintext = true").is_ok());
}

#[test]
fn asvs_v13_4_2_settings_for_tests_need_a_switch_and_loopback() {
    assert!(problems(&[], "[testing]\nabort_at = 'x'").contains("testing.enabled = true"));
    let open = "[server]\nlisten = '0.0.0.0:1'\nplaintext = true\n[testing]\nenabled = true";
    assert!(problems(&[], open).contains("testing.enabled: is allowed on loopback only"));
}

/// ASVS: T35
#[test]
fn asvs_v16_2_5_no_secret_is_shown() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2hunter2").expect("written");
    let toml = format!(
        "[keys]\nmaster_key = '{KEY}'\n[database]\nurl = 'postgres://u:sesame@h/n'\n\
         [identity]\nsetup_secret = 'violet harbour, lantern and nine more'\n\
         [notification.smtp]\nhost = 'mail'\nusername = 'u'\npassword_file = '{}'",
        file.display()
    );
    let config = with(&[], &[], &toml).expect("good");
    let shown = format!("{}{config:?}", effective(&config));
    for secret in [KEY, "sesame", "hunter2", "violet"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
    assert!(shown.contains("url = \"[redacted]\"") && shown.contains("password_file = "), "{shown}");
}

#[test]
fn mails_link_to_our_pages_unless_the_platform_has_its_own() {
    let links = |toml: &str| crate::settings::notification(&with(&[], &[], toml).expect("good")).links;
    let ours = links("[server]\nexternal_url = 'https://rolecall.example.org/'");
    assert_eq!(ours.invitation.as_deref(), Some("https://rolecall.example.org/invitation?code={code}"));
    assert_eq!(ours.email_change.as_deref(), Some("https://rolecall.example.org/email-change?code={code}"));
    let own = "[links]\npassword_reset = 'https://app.example.org/reset/{code}'";
    let mixed = links(own);
    assert_eq!(mixed.password_reset.as_deref(), Some("https://app.example.org/reset/{code}"));
    assert_eq!(mixed.invitation.as_deref(), Some("http://127.0.0.1:50051/invitation?code={code}"));
    let off = links(&format!("[pages]\nenabled = false\n{own}"));
    assert_eq!(off.password_reset.as_deref(), Some("https://app.example.org/reset/{code}"), "its own pages go on");
    assert_eq!((off.invitation, off.email_change), (None, None));
}

#[test]
fn mails_link_to_no_page_that_nobody_reaches_or_that_travels_in_the_clear() {
    let open = "[server]\nlisten = '0.0.0.0:1'\nplaintext = true";
    let elsewhere = format!(
        "[server]\nservices = ['notification']\n[keys]\nmaster_key = '{KEY}'\n\
         [peers]\nidentity = 'http://127.0.0.1:1'\norganization = 'http://127.0.0.1:2'"
    );
    for toml in [open.to_owned(), format!("{open}\nexternal_url = 'http://rolecall.example.org'"), elsewhere] {
        let links = crate::settings::notification(&with(&[], &[], &toml).expect("good")).links;
        assert_eq!(links, rolecall_notification::LinksConfig::default(), "{toml}");
    }
}

#[test]
fn a_link_must_be_private_and_hold_the_code() {
    let text =
        problems(&[], "[links]\ninvitation = 'http://app.example.org/{code}'\nemail_change = 'https://x.example/'");
    for part in ["links.invitation: must be an https address", "links.email_change: must be", "{code}"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_said_to_be_none() {
    assert!(problems(&[], "[server\nlisten").contains("is no TOML"));
    let missing = load(&Sources { file: Some("/nowhere/rolecall.toml".into()), ..Sources::default() });
    assert!(missing.expect_err("refused").to_string().contains("/nowhere/rolecall.toml cannot be read"));
}

/// The example is checked in, so that people read it and reviews see its changes.
#[test]
fn the_example_file_is_the_one_that_is_checked_in() {
    let checked_in = include_str!("../../../../deploy/config/rolecall.toml");
    assert!(
        checked_in == example(),
        "run `cargo run -p rolecall -- config example > deploy/config/rolecall.toml` and commit the result"
    );
}

#[test]
fn the_example_is_good_as_it_is_and_with_every_setting_switched_on() {
    assert!(with(&[], &[], &example()).is_ok());
    // Comments have a space after their mark, settings have none.
    let is_setting =
        |line: &str| line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    let on = |line: &str| if is_setting(line) { line[1..].to_owned() } else { line.to_owned() };
    let text = example().lines().map(on).collect::<Vec<_>>().join("\n");
    if let Err(problems) = with(&[], &[], &text) {
        panic!("{problems}");
    }
}

#[test]
fn the_effective_configuration_can_be_read_again() {
    let config = with(&[], &[], "[notification]\nretry = ['90s', '1h']\n[server]\ndrain = '1500ms'").expect("good");
    let again = with(&[], &[], &effective(&config)).expect("good");
    assert_eq!(effective(&config), effective(&again));
}
