//! The audit log as a stream: whole, in the order of its chains, and on from where it broke.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::audit_chain::{entries, settle, verify_with};
use crate::stage::{Stage, refused};

async fn begin(
    stage: &Stage,
    caller: UserId,
    place: &str,
    resume_token: &str,
) -> Result<tonic::Streaming<pb::ExportAuditEventsResponse>, Status> {
    let (organization_id, resume_token) = (place.to_owned(), resume_token.to_owned());
    let request = pb::ExportAuditEventsRequest { organization_id, resume_token };
    Ok(stage.audit(caller).export_audit_events(request).await?.into_inner())
}

/// Reads a stream to its end.
pub(crate) async fn export(
    stage: &Stage,
    caller: UserId,
    place: &str,
    resume: &str,
) -> Vec<pb::ExportAuditEventsResponse> {
    let mut stream = begin(stage, caller, place, resume).await.expect("begins");
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.expect("goes on") {
        messages.push(message);
    }
    messages
}

fn events(messages: &[pb::ExportAuditEventsResponse]) -> Vec<pb::AuditEvent> {
    messages.iter().flat_map(|message| message.audit_events.clone()).collect()
}

on_each_database! {
    async fn an_export_holds_a_whole_chain_in_its_order_and_goes_on_later(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        for _ in 0..70 {
            stage.add_active(owner, acme, &["GUEST"]).await;
        }
        settle(&stage).await;
        let messages = export(&stage, owner, "", "").await;
        assert!(messages.len() > 1, "in parts");
        assert_eq!(events(&messages), entries(&stage, acme).await);
        // From the middle on comes exactly the rest.
        let rest = export(&stage, owner, "", &messages[0].resume_token).await;
        assert_eq!(events(&rest), events(&messages[1..]));
        let end = messages.last().expect("some");
        assert_eq!(end.checkpoints.last().expect("of the end").sequence, end.audit_events.last().expect("some").sequence);
        assert!(export(&stage, owner, "", &end.resume_token).await.is_empty());
        let report = verify_with(&stage, owner, "", end.checkpoints.clone()).await;
        assert!(report.findings.is_empty() && report.checkpoint_count == 1, "{report:?}");
        stage.add_active(owner, acme, &["GUEST"]).await;
        settle(&stage).await;
        let added = events(&export(&stage, owner, "", &end.resume_token).await);
        assert_eq!(added.len(), 2, "{added:?}");
    }

    async fn an_administrator_exports_every_chain_and_a_token_serves_only_its_export(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        stage.add_service_account(stage.admin, "-", &["organization.access.check"]).await.expect("adds");
        settle(&stage).await;
        let all = export(&stage, stage.admin, "-", "").await;
        let chains: std::collections::BTreeSet<String> = events(&all).into_iter().map(|event| event.organization_id).collect();
        let expected = [String::new(), stage.home.to_string(), acme.to_string()];
        assert_eq!(chains, expected.into_iter().collect());
        let own = export(&stage, owner, "-", "").await;
        assert!(events(&own).iter().all(|event| event.organization_id == acme.to_string()));
        let foreign = begin(&stage, owner, "", &all[0].resume_token).await.map(drop);
        assert_eq!(refused(foreign), "REQUEST_INVALID");
        assert_eq!(refused(begin(&stage, owner, "", "nonsense").await.map(drop)), "REQUEST_INVALID");
    }

    /// ASVS: V8.2.2
    async fn a_resume_token_opens_no_chain_that_its_holder_may_not_see(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let (_, stranger) = stage.found("Other").await;
        let former = stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        let grant = pb::GrantAdminRequest { user_id: former.to_string(), ..Default::default() };
        stage.members(stage.admin).grant_admin(grant).await.expect("grants");
        settle(&stage).await;
        let is_of_acme = |message: &&pb::ExportAuditEventsResponse| message.audit_events[0].organization_id == acme.to_string();
        let all = export(&stage, former, "-", "").await;
        let of_acme = all.iter().find(is_of_acme).expect("some").resume_token.clone();
        let revoke = pb::RevokeAdminRequest { user_id: former.to_string(), ..Default::default() };
        stage.members(stage.admin).revoke_admin(revoke).await.expect("revokes");
        stage.add_active(owner, acme, &["GUEST"]).await;
        settle(&stage).await;
        assert_eq!(refused(begin(&stage, former, "-", &of_acme).await.map(drop)), "REQUEST_INVALID");
        let own = export(&stage, owner, "", "").await.remove(0).resume_token;
        stage.add_active(owner, acme, &["GUEST"]).await;
        settle(&stage).await;
        assert_eq!(refused(begin(&stage, stranger, "", &own).await.map(drop)), "REQUEST_INVALID");
    }

    async fn an_export_ends_with_the_right_to_it(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let second = stage.add_active(owner, acme, &["OWNER"]).await;
        for _ in 0..220 {
            stage.add_pending(owner, acme, &["GUEST"]).await;
        }
        settle(&stage).await;
        let mut stream = begin(&stage, owner, "", "").await.expect("begins");
        stream.message().await.expect("goes on").expect("a part");
        stage.set_roles(second, owner, &["GUEST"]).await.expect("demotes");
        let end = loop {
            match stream.message().await {
                // What was read ahead before the right was lost.
                Ok(Some(_)) => {}
                Ok(None) => panic!("the right was lost"),
                Err(status) => break status,
            }
        };
        assert_eq!(refused::<()>(Err(end)), "PERMISSION_MISSING");
    }
}
