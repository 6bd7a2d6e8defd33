//! Mail through bad times: nothing accepted is lost, and nothing comes twice.

use rolecall_testkit::SmtpSink;
use rolecall_tests::mail::Mailbox;
use rolecall_tests::stack::Stack;

use crate::world;

#[tokio::test]
async fn every_mail_arrives_once_when_the_mail_server_was_down_for_a_while() {
    let mut stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    sink(&mut stack).down().await;
    for index in 0..10 {
        let request = world::create_user_request(&format!("p{index}@home.example"), &["GUEST"]);
        admin.users().create_user(request).await.expect("a mail server that is down does not stop the work");
    }
    sink(&mut stack).up().await;
    for index in 0..10 {
        stack.mailbox.wait_for(&format!("p{index}@home.example"), "nvit").await;
    }
    assert!(stack.mailbox.copies().values().all(|count| *count == 1), "{:?}", stack.mailbox.copies());
    let logs = stack.logs();
    for mail in stack.mailbox.mails() {
        assert!(!logs.contains(&mail.code()), "an invitation code is in the logs");
    }
}

fn sink(stack: &mut Stack) -> &mut SmtpSink {
    let Mailbox::Smtp(sink) = &mut stack.mailbox else { panic!("this story needs a mail server") };
    sink
}
