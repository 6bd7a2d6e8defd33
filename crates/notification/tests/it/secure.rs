//! Mail servers are spoken to under TLS, and only by those whose certificate holds.

use std::time::Duration;

use rolecall_notification::{SmtpConfig, SmtpTls};
use rolecall_testkit::smtp::Security;
use rolecall_testkit::{SmtpSink, TestDatabase, on_each_database};
use secrecy::SecretString;

use crate::world::{MINUTE, World, smtp};

/// Sends one invitation through a server; `trusts` says whether its certificate is among those believed.
async fn send(database: TestDatabase, security: Security, tls: SmtpTls, host: &str, trusts: bool) -> World {
    let sink = SmtpSink::start_with(security).await;
    let world = World::before(database, sink, |config, sink, folder| {
        let ca_file = folder.join("ca.pem");
        std::fs::write(&ca_file, sink.authority()).expect("written");
        let (username, password) = (Some("rolecall".to_owned()), Some(SecretString::from("a password for mail")));
        let ca_file = trusts.then_some(ca_file);
        let server = SmtpConfig { host: host.to_owned(), tls, ca_file, username, password, ..smtp(sink.port()) };
        config.smtp = Some(server);
        config.send_timeout = Duration::from_secs(10);
    })
    .await;
    world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
    assert_eq!(world.drain().await, 1);
    world
}

on_each_database! {
    async fn mail_goes_out_under_tls_from_the_first_byte(database) {
        let world = send(database, Security::Implicit, SmtpTls::Implicit, "localhost", true).await;
        assert_eq!(world.outcomes().await, ["sent"]);
        assert_eq!(world.sink.mails().len(), 1);
    }

    async fn mail_goes_out_under_tls_from_starttls_on(database) {
        let world = send(database, Security::StartTls, SmtpTls::StartTls, "localhost", true).await;
        assert_eq!(world.outcomes().await, ["sent"]);
        assert_eq!(world.sink.mails().len(), 1);
    }

    /// ASVS: V12.3.2
    async fn asvs_v12_3_1_a_certificate_that_nobody_vouches_for_gets_no_mail_and_no_password(database) {
        let world = send(database, Security::Implicit, SmtpTls::Implicit, "localhost", false).await;
        assert_eq!(world.outcomes().await, ["deferred"], "it may be mended");
        assert!(world.sink.mails().is_empty());
    }

    async fn a_certificate_for_another_name_gets_no_mail(database) {
        let world = send(database, Security::StartTls, SmtpTls::StartTls, "127.0.0.1", true).await;
        assert_eq!(world.outcomes().await, ["deferred"]);
        assert!(world.sink.mails().is_empty());
    }

    async fn a_server_that_no_longer_offers_starttls_gets_no_mail(database) {
        let world = send(database, Security::None, SmtpTls::StartTls, "localhost", false).await;
        assert_eq!(world.drain_after(MINUTE).await, 1);
        assert_eq!(world.outcomes().await, ["deferred", "deferred"]);
        assert!(world.sink.mails().is_empty(), "nothing is ever sent in the clear instead");
    }
}
