//! The mail server, spoken to by the client that Rolecall uses.

use std::time::Duration;

use lettre::message::MultiPart;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use rolecall_testkit::{Behaviour, SmtpSink};

type Client = AsyncSmtpTransport<Tokio1Executor>;

fn client(sink: &SmtpSink) -> Client {
    let builder = Client::builder_dangerous("127.0.0.1").port(sink.port());
    builder
        .credentials(Credentials::new("user".into(), "password".into()))
        .timeout(Some(Duration::from_secs(2)))
        .build()
}

fn message(subject: &str) -> Message {
    let builder = Message::builder().from("rolecall@example.org".parse().expect("an address"));
    let builder = builder.to("ada@example.org".parse().expect("an address")).subject(subject);
    let body = MultiPart::alternative_plain_html("Gr\u{fc}\u{df}e\n.\n..dots".to_owned(), "<b>hi</b>".to_owned());
    builder.multipart(body).expect("a message")
}

#[tokio::test]
async fn a_mail_is_kept_as_it_was_sent() {
    let sink = SmtpSink::start().await;
    client(&sink).send(message("K\u{f6}ln")).await.expect("the mail is taken");
    let mails = sink.wait_for(1, Duration::from_secs(5)).await;
    assert_eq!(mails[0].sender, "rolecall@example.org");
    assert_eq!(mails[0].recipients, ["ada@example.org"]);
    assert_eq!(mails[0].subject(), "K\u{f6}ln");
    assert!(mails[0].text().replace("\r\n", "\n").contains("Gr\u{fc}\u{df}e\n.\n..dots"), "{}", mails[0].text());
    assert_eq!(mails[0].html().as_deref().map(str::trim), Some("<b>hi</b>"));
}

#[tokio::test]
async fn refusals_are_permanent_or_transient_as_scripted() {
    let sink = SmtpSink::start().await;
    sink.script([
        Behaviour::RefuseRecipient,
        Behaviour::DeferRecipient,
        Behaviour::DeferData,
        Behaviour::RefuseAuthentication,
        Behaviour::RefuseConnection,
    ]);
    for is_permanent in [true, false, false, true, false] {
        let error = client(&sink).send(message("x")).await.expect_err("the mail is refused");
        assert_eq!((error.is_permanent(), error.is_transient()), (is_permanent, !is_permanent), "{error:?}");
    }
    assert!(sink.mails().is_empty());
    client(&sink).send(message("x")).await.expect("the script is over");
}

#[tokio::test]
async fn a_hang_up_after_the_data_keeps_or_loses_the_mail() {
    let sink = SmtpSink::start().await;
    sink.script([Behaviour::LoseAndHangUp, Behaviour::StoreAndHangUp, Behaviour::FallSilent]);
    for kept in [0, 1, 1] {
        // The client's own timeout covers connecting only.
        let client = client(&sink);
        let sending = tokio::time::timeout(Duration::from_millis(500), client.send(message("x")));
        assert!(!matches!(sending.await, Ok(Ok(_))), "no good answer comes");
        assert_eq!(sink.mails().len(), kept);
    }
}

#[tokio::test]
async fn a_server_that_was_down_comes_back_on_its_port() {
    let mut sink = SmtpSink::start().await;
    let pooled = client(&sink);
    pooled.send(message("before")).await.expect("it is up");
    sink.down().await;
    client(&sink).send(message("during")).await.expect_err("it is down");
    sink.up().await;
    client(&sink).send(message("after")).await.expect("it is up again");
    let subjects: Vec<String> = sink.take().iter().map(rolecall_testkit::Mail::subject).collect();
    assert_eq!(subjects, ["before", "after"]);
}
