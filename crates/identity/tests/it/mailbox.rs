//! What identity had mailed.

use std::time::Duration;

use prost::Message as _;
use rolecall_api::notification::v1::MailCommand;

use crate::harness::World;

/// Returns the mails of a template to an address that identity ordered itself, oldest first.
pub(crate) async fn mails(world: &World, email: &str, template: &str) -> Vec<MailCommand> {
    world.identity.relay().drain().await;
    let known = world.peers.known();
    let ordered = known.mail.iter().filter(|event| event.topic == "notification.mail_requested");
    let commands = ordered.map(|event| MailCommand::decode(event.payload.as_slice()).expect("a command"));
    commands.filter(|command| command.email == email && command.template == template).collect()
}

impl World {
    /// Opens the code of the newest mail of a template to an address, as notification does.
    pub(crate) async fn code_of(&self, email: &str, template: &str) -> String {
        self.identity.relay().drain().await;
        let known = self.peers.known();
        let decode = |event: &rolecall_api::notification::v1::IngestedEvent| {
            let command = MailCommand::decode(event.payload.as_slice()).ok()?;
            (event.topic == "notification.mail_requested" && command.email == email && command.template == template)
                .then(|| (event.event_id.clone(), command))
        };
        let (event_id, command) = known.mail.iter().rev().find_map(decode).expect("a mail");
        let sealer = self.master.sealer(rolecall_kernel::key::Purpose::MailSecret);
        let code = sealer.open(event_id.as_bytes(), &command.sealed_secret).expect("sealed for this event");
        String::from_utf8(code.to_vec()).expect("text")
    }
}

/// Waits until there are so many of them: some are ordered after the answer.
pub(crate) async fn wait_for_mails(world: &World, email: &str, template: &str, count: usize) {
    for _ in 0..500 {
        if mails(world, email, template).await.len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("there are not {count} mails of {template} to {email}");
}

/// How often the person was told of this by an event.
pub(crate) async fn told(world: &World, topic: &str) -> usize {
    world.identity.relay().drain().await;
    world.peers.known().mail.iter().filter(|event| event.topic == topic).count()
}
