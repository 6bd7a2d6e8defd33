//! Without a mail server, mails are files.

use rolecall_notification::ChannelKind;
use rolecall_testkit::on_each_database;

use crate::world::{CODE, World};

on_each_database! {
    async fn mails_are_whole_files_named_by_their_delivery(database) {
        let world = World::with(database, |_, _| ()).await;
        assert_eq!(world.notification.channel(), ChannelKind::Folder);
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        assert_eq!(world.drain().await, 1);
        let delivery = &world.all().await[0];
        assert_eq!(delivery.channel, "folder");
        let folder = world.folder.path().join("mail");
        let names: Vec<_> = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        assert_eq!(names, [folder.join(format!("{}.eml", delivery.delivery_id))]);
        let data = std::fs::read(&names[0]).expect("a mail");
        let mail = rolecall_testkit::Mail { sender: String::new(), recipients: Vec::new(), data };
        assert_eq!(mail.header("To").as_deref(), Some("bob@example.org"));
        assert_eq!(mail.subject(), "Grace invites you to Engines");
        assert!(mail.text().lines().any(|line| line == CODE), "{}", mail.text());
        assert!(mail.text().contains("rolecall invitations accept --server https://rolecall.example.org\r\n"));
    }
}
