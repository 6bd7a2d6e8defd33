use std::path::Path;

use super::*;

/// What a code looks like that a template shows.
fn code(template: Template) -> String {
    let of = [
        (Template::PasswordReset, "rcp_"),
        (Template::EmailChange, "rcm_"),
        (Template::EmailVerification, "rcv_"),
        (Template::LoginCode, "rcl_"),
    ];
    let prefix = of.iter().find(|(other, _)| *other == template).map_or("rci_", |(_, prefix)| prefix);
    format!("{prefix}{}", "A".repeat(43))
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn render(template: Template, given: &Variables) -> Rendered {
    render_with(LinksConfig::default(), template, given)
}

fn render_with(links: LinksConfig, template: Template, given: &Variables) -> Rendered {
    let server = Server::new("https://rolecall.example.org:8443/").linking(links);
    let renderer = Renderer::new(server).expect("templates parse");
    let code = code(template);
    let secret = template.needs_secret().then_some(code.as_str());
    let expires = template.needs_secret().then(|| Timestamp::from_seconds(1_795_914_840));
    let unsubscribe = "https://rolecall.example.org:8443/unsubscribe/AAAA";
    let unsubscribe = (!template.category().is_mandatory()).then_some(unsubscribe);
    renderer.render(template, Template::VERSION, given, Extras { secret, expires, unsubscribe }).expect("it renders")
}

fn full() -> Variables {
    variables(&[
        ("instance_name", "Difference & Sons"),
        ("recipient_name", "Ada Lovelace"),
        ("inviter_name", "Grace Hopper"),
        ("actor_name", "Grace Hopper"),
        ("member_name", "Charles Babbage"),
        ("organization_name", "Analytical Engines & Sons"),
        ("occurred", "Thursday, 1 January 2026, 00:00 UTC"),
        ("until", "Sunday, 29 November 2026, 01:14 UTC"),
        ("reason", "left the project"),
        ("old_roles", "Data Scientist"),
        ("new_roles", "Data Scientist, Data Steward"),
        ("codes_left", "7"),
        ("change", "second factors"),
        ("role", "DEPUTY"),
        ("permissions", "organization.datasets.get, organization.members.list"),
        ("to_person", "yes"),
        ("title", "Spec 7 was approved <b>"),
        ("text", "Your spec was approved.\nIt may run now.\n\nSee https://app.example.org/specs/7 <i>soon</i>."),
        ("count", "2"),
        ("name", "Trial 7 & more"),
        ("cause", "a policy that it stood on was revoked"),
    ])
}

/// Links as they come from configuration; one has what HTML escapes.
fn links() -> LinksConfig {
    LinksConfig {
        invitation: Some("https://rolecall.example.org:8443/invitation?code={code}".to_owned()),
        password_reset: Some("https://app.example.org/reset?from=mail&code={code}".to_owned()),
        email_change: Some("https://rolecall.example.org:8443/email-change?code={code}".to_owned()),
        registration: Some("https://rolecall.example.org:8443/registration?code={code}".to_owned()),
        sign_in: Some("https://app.example.org/login?to=a&by=mail".to_owned()),
    }
}

fn compare(template: Template, kind: &str, mail: &Rendered) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/mail");
    let found = format!("Subject: {}\n\n{}\n==== HTML ====\n{}", mail.subject, mail.text, mail.html);
    let path = folder.join(format!("{}.{kind}.txt", template.as_str()));
    #[expect(clippy::disallowed_methods, reason = "a test is steered by the environment")]
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(&path, &found).expect("the file can be written");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "{}", path.display());
}

/// `UPDATE_GOLDEN=1` writes the files anew.
#[test]
fn every_template_reads_as_its_golden_file() {
    let bare = variables(&[("occurred", "Thursday, 1 January 2026, 00:00 UTC")]);
    for template in Template::ALL {
        compare(template, "full", &render(template, &full()));
        compare(template, "bare", &render(template, &bare));
        if template.needs_secret() || template == Template::SignIn {
            compare(template, "linked", &render_with(links(), template, &full()));
        }
    }
}

#[test]
fn every_mail_says_which_installation_it_is_from_and_where_that_is() {
    let bare = variables(&[("occurred", "Thursday, 1 January 2026, 00:00 UTC")]);
    for template in Template::ALL {
        let (named, unnamed) = (render(template, &full()), render(template, &bare));
        let url = "https://rolecall.example.org:8443";
        assert!(named.text.ends_with(&format!("\nSent by Difference & Sons, {url}\n")), "{}", named.text);
        assert!(unnamed.text.ends_with(&format!("\nSent by {url}\n")), "{}", unnamed.text);
        let html = format!("Sent by <strong>Difference &amp; Sons</strong>, {url}</p>");
        assert!(named.html.contains(&html), "{}", named.html);
        assert!(unnamed.html.contains(&format!("Sent by {url}</p>")), "{}", unnamed.html);
        assert_eq!(named.text.lines().filter(|line| *line == "--").count(), 1, "{}", named.text);
        assert_eq!(named.text.lines().filter(|line| line.starts_with("Sent by ")).count(), 1, "{}", named.text);
    }
}

/// ASVS: V14.2.1
#[test]
fn asvs_v1_2_2_a_link_is_ours_and_holds_the_code_once() {
    let theirs = [("link", "https://evil.example/"), ("link_in_html", "https://evil.example/")];
    // The code of a login is typed where the login is: there is no page for it.
    let linked = |template: &Template| template.needs_secret() && *template != Template::LoginCode;
    for template in Template::ALL.into_iter().filter(linked) {
        let mail = render_with(links(), template, &variables(&theirs));
        let code = code(template);
        assert_eq!(mail.text.matches(&format!("code={code}\n")).count(), 1, "{}", mail.text);
        assert_eq!(mail.html.matches(&format!("code={code}\"")).count(), 1, "{}", mail.html);
        assert!(!mail.html.contains("&code="), "an ampersand is escaped: {}", mail.html);
        let without = render(template, &variables(&theirs));
        for text in [&mail.text, &mail.html, &without.text, &without.html] {
            assert!(!text.contains("evil"), "{text}");
        }
        assert!(!without.html.contains("<a") && !without.text.contains("code="));
    }
}

/// ASVS: T29, V1.1.2
#[test]
fn asvs_v1_2_1_a_name_puts_neither_markup_nor_links_nor_lines_into_a_mail() {
    let evil =
        "Eve</p><a href=\"https://evil.example/\">click</a>\r\nBcc: all@victims.example \u{202e}txt.exe {{ code }}";
    let mut given = full();
    for value in given.values_mut() {
        evil.clone_into(value);
    }
    // The text of a message is its sender's own, who is trusted with links; see the test below.
    given.remove("text");
    for template in Template::ALL {
        let mail = render(template, &given);
        for text in [&mail.subject, &mail.text, &mail.html] {
            assert!(!text.contains("evil.example") && !text.contains("victims.example"), "{text}");
            assert!(!text.contains('\u{202e}') && !text.contains('\r'), "{text}");
        }
        assert!(!mail.subject.contains('\n'));
        let offered = usize::from(!template.category().is_mandatory());
        assert_eq!(mail.html.matches("<a").count(), offered, "the one that ends such mails: {}", mail.html);
        let lines = |text: &str| text.lines().filter(|line| line.starts_with("Bcc")).count();
        assert_eq!(lines(&mail.text), 0);
        assert_eq!(mail.text.matches(&code(template)).count(), usize::from(template.needs_secret()));
    }
}

#[test]
fn the_text_of_a_message_keeps_its_lines_and_is_escaped() {
    let text = "One.\r\nTwo <b>bold</b>\n\n\u{202e}https://app.example.org/?a=1&b=2";
    let mail = render(Template::Message, &variables(&[("title", "Hi <i>"), ("text", text)]));
    assert!(mail.text.contains("One.\nTwo <b>bold</b>\n\nhttps://app.example.org/?a=1&b=2"), "{}", mail.text);
    assert!(mail.html.contains("<p>One.<br>Two &lt;b&gt;bold&lt;&#x2f;b&gt;</p>"), "{}", mail.html);
    assert!(!mail.html.contains("<i>") && !mail.html.contains('\u{202e}'));
}

#[test]
fn asvs_v1_3_7_variables_of_others_replace_none_of_ours() {
    let given =
        variables(&[("code", "theirs"), ("server_url", "theirs"), ("until", "theirs"), ("server_address", "theirs")]);
    let mail = render(Template::Invitation, &given);
    assert!(!mail.text.contains("theirs") && !mail.html.contains("theirs"));
    assert!(mail.text.contains("\nrci_AAAA"), "the code stands on a line of its own");
    assert!(mail.text.contains("rolecall invitations accept --server https://rolecall.example.org:8443\n"));
}

#[test]
fn a_long_name_does_not_make_a_long_subject() {
    let mail = render(Template::Invitation, &variables(&[("organization_name", &"Very Long ".repeat(100))]));
    assert!(mail.subject.chars().count() <= SUBJECT_MAX);
}

#[test]
fn the_address_for_grpcurl_has_host_and_port() {
    for (url, address, is_plaintext) in [
        ("https://rolecall.example.org", "rolecall.example.org:443", false),
        ("https://rolecall.example.org:8443/", "rolecall.example.org:8443", false),
        ("http://127.0.0.1:50051", "127.0.0.1:50051", true),
        ("http://localhost", "localhost:80", true),
        ("http://[::1]", "[::1]:80", true),
        ("http://[::1]:50051/", "[::1]:50051", true),
    ] {
        let server = Server::new(url);
        assert_eq!((server.address.as_str(), server.is_plaintext), (address, is_plaintext), "{url}");
    }
}
