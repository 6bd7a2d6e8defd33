//! Whoever changes the audit log behind our back is found, at the entry that was changed.

use std::time::Duration;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::AuditFindingKind as Kind;
use rolecall_db::{Backend, Connection, Error};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_testkit::on_each_database;

use crate::audit_chain::{entries, number, settle, verify, verify_with};
use crate::audit_export::export;
use crate::stage::{Stage, refused};

/// Spells a statement for the database that it runs on.
pub(crate) fn statement<C: Connection>(connection: &C, text: &str) -> sea_orm::Statement {
    sea_orm::Statement::from_string(connection.get_database_backend(), text)
}

/// Runs statements as whoever owns the database.
async fn tamper(stage: &Stage, statements: &[String]) -> Result<(), Error> {
    stage
        .database
        .write(|tx| async move {
            for text in statements {
                tx.execute_unprepared(text).await?;
            }
            Ok(())
        })
        .await
}

/// Switches off what keeps entries as they are, and keeps a copy of them.
async fn open_the_safe(stage: &Stage) {
    let on = match stage.database.backend() {
        Backend::Postgres => " ON audit_events",
        Backend::Sqlite => "",
    };
    let mut statements =
        vec![format!("DROP TRIGGER audit_events_no_update{on}"), format!("DROP TRIGGER audit_events_no_delete{on}")];
    let tables = ["audit_events", "audit_chains", "audit_checkpoints", "audit_subject_keys"];
    statements.extend(tables.map(|table| format!("CREATE TABLE copy_of_{table} AS SELECT * FROM {table}")));
    tamper(stage, &statements).await.expect("it is ours");
}

/// Puts everything back as it was.
async fn restore(stage: &Stage) {
    let tables = ["audit_events", "audit_chains", "audit_checkpoints", "audit_subject_keys"];
    let back =
        |table: &str| [format!("DELETE FROM {table}"), format!("INSERT INTO {table} SELECT * FROM copy_of_{table}")];
    let statements: Vec<String> = tables.into_iter().flat_map(back).collect();
    tamper(stage, &statements).await.expect("it is ours");
}

/// Spells bytes.
fn blob(stage: &Stage, bytes: &[u8]) -> String {
    let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    match stage.database.backend() {
        Backend::Postgres => format!("'\\x{hex}'::bytea"),
        Backend::Sqlite => format!("X'{hex}'"),
    }
}

/// Spells an id.
fn id(stage: &Stage, id: &str) -> String {
    match stage.database.backend() {
        Backend::Postgres => format!("'{id}'::uuid"),
        Backend::Sqlite => format!("X'{}'", id.replace('-', "")),
    }
}

/// An organization whose chain has entries with sealed details in its middle.
async fn acme(stage: &Stage) -> (OrganizationId, UserId, pb::AuditEvent) {
    let (acme, owner) = stage.found("Acme").await;
    let user = stage.add_active(owner, acme, &["GUEST"]).await;
    stage.clock.advance(Duration::from_millis(1));
    stage.block(owner, user).await.expect("blocks");
    settle(stage).await;
    stage.clock.advance(Duration::from_secs(61));
    stage.organization.sign_audit().await.expect("signs");
    stage.add_active(owner, acme, &["GUEST"]).await;
    stage.add_active(owner, acme, &["GUEST"]).await;
    settle(stage).await;
    stage.clock.advance(Duration::from_secs(61));
    stage.organization.sign_audit().await.expect("signs");
    let events = entries(stage, acme).await;
    let victim = events.into_iter().find(|event| event.topic == "organization.member_blocked").expect("blocked");
    (acme, owner, victim)
}

fn kinds(report: &pb::VerifyAuditLogResponse) -> Vec<Kind> {
    report.findings.iter().map(pb::AuditFinding::kind).collect()
}

on_each_database! {
    /// ASVS: V16.4.2, T34
    async fn attack_t34_a_change_of_any_column_is_found_at_its_entry(database) {
        let stage = Stage::open(&database).await;
        let (_, owner, victim) = acme(&stage).await;
        assert!(verify(&stage, owner, "").await.findings.is_empty());
        open_the_safe(&stage).await;
        let other = id(&stage, &stage.random_id());
        let bytes = blob(&stage, &[7; 32]);
        let changes = [
            ("event_id", other.as_str()),
            ("topic", "'organization.member_unblocked'"),
            ("actor_id", &other),
            ("organization_id", &other),
            ("target_id", "NULL"),
            ("request_id", "request_id || 'x'"),
            ("occurred", "occurred + 1"),
            ("details", "'{\"reason\":\"none\"}'"),
            ("on_behalf_of_id", &other),
            ("chain_id", &other),
            ("sequence", "sequence + 1000"),
            ("hash", &bytes),
            ("hash", "NULL"),
            ("commitment", &bytes),
            ("sealed_for", &other),
            ("sealed_for", "NULL"),
            ("sealed", &bytes),
            ("sealed", "NULL"),
            ("source_number", "source_number + 1"),
        ];
        let place = number(&victim);
        for (column, value) in changes {
            let event_id = id(&stage, &victim.event_id);
            tamper(&stage, &[format!("UPDATE audit_events SET {column} = {value} WHERE event_id = {event_id}")]).await.expect("it is ours");
            let report = verify(&stage, owner, "").await;
            let named: Vec<i64> = report.findings.iter().map(|finding| finding.sequence.parse().expect("a number")).collect();
            // A hole is told at the entry behind it.
            assert!(named.contains(&place) || named.contains(&(place + 1)), "{column}: {report:?}");
            assert!(report.checkpoints.is_empty(), "{column}: no fresh checkpoint of a broken chain");
            restore(&stage).await;
        }
        let report = verify(&stage, owner, "").await;
        assert!(report.findings.is_empty(), "{report:?}");
    }

    /// ASVS: V16.4.2, T34
    async fn attack_t34_what_is_removed_moved_or_cut_off_is_found(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner, victim) = acme(&stage).await;
        let kept = verify(&stage, owner, "").await.checkpoints;
        open_the_safe(&stage).await;
        let (chain, place) = (id(&stage, &acme.to_string()), number(&victim));
        let at = |sequence: i64| format!("WHERE chain_id = {chain} AND sequence = {sequence}");
        tamper(&stage, &[format!("DELETE FROM audit_events {}", at(place))]).await.expect("it is ours");
        let report = verify(&stage, owner, "").await;
        assert_eq!((kinds(&report), report.findings[0].sequence.clone()), (vec![Kind::EntriesMissing], (place + 1).to_string()));
        restore(&stage).await;
        let swap = [(place, -1), (place + 1, place), (-1, place + 1)];
        let swap = swap.map(|(from, to)| format!("UPDATE audit_events SET sequence = {to} {}", at(from)));
        tamper(&stage, &swap).await.expect("it is ours");
        assert_eq!(kinds(&verify(&stage, owner, "").await)[0], Kind::EntryChanged);
        restore(&stage).await;
        let cut = vec![format!("DELETE FROM audit_events WHERE chain_id = {chain} AND sequence > {place}")];
        tamper(&stage, &cut).await.expect("it is ours");
        let report = verify(&stage, owner, "").await;
        assert!(kinds(&report).contains(&Kind::EndMissing), "{report:?}");
        // Whoever also rewrites the end and the checkpoints is found only by a checkpoint kept elsewhere.
        let hash = blob(&stage, &victim.hash);
        let cover = vec![
            format!("UPDATE audit_chains SET head = {place}, hash = {hash}, signed = 0 WHERE chain_id = {chain}"),
            format!("DELETE FROM audit_checkpoints WHERE chain_id = {chain} AND sequence > {place}"),
        ];
        tamper(&stage, &cover).await.expect("it is ours");
        let fooled = verify(&stage, owner, "").await;
        assert!(fooled.findings.is_empty(), "{fooled:?}");
        let report = verify_with(&stage, owner, "", kept.clone()).await;
        assert_eq!(kinds(&report), [Kind::EndMissing], "{report:?}");
        let whole = [format!("DELETE FROM audit_events WHERE chain_id = {chain}"), format!("DELETE FROM audit_chains WHERE chain_id = {chain}"), format!("DELETE FROM audit_checkpoints WHERE chain_id = {chain}")];
        tamper(&stage, &whole).await.expect("it is ours");
        assert_eq!(kinds(&verify_with(&stage, stage.admin, "-", kept).await), [Kind::EndMissing]);
    }

    /// ASVS: T34
    async fn attack_t34_a_rewritten_chain_contradicts_its_checkpoints_and_no_foreign_key_signs(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner, _) = acme(&stage).await;
        let chain = id(&stage, &acme.to_string());
        open_the_safe(&stage).await;
        let (hash, key) = (blob(&stage, &[9; 32]), blob(&stage, &[8; 32]));
        for (change, kind) in [
            (format!("hash = {hash}"), Kind::CheckpointContradicted),
            (format!("public_key = {key}"), Kind::CheckpointForged),
            (format!("signature = {hash}"), Kind::CheckpointForged),
            ("signed_at = signed_at + 1".to_owned(), Kind::CheckpointForged),
            ("sequence = sequence + 1000".to_owned(), Kind::EndMissing),
        ] {
            let text = format!("UPDATE audit_checkpoints SET {change} WHERE chain_id = {chain}");
            tamper(&stage, &[text]).await.expect("it is ours");
            let report = verify(&stage, owner, "").await;
            assert!(kinds(&report).contains(&kind), "{change}: {report:?}");
            restore(&stage).await;
        }
        for (change, kind) in [(format!("hash = {hash}"), Kind::EndChanged), ("head = head + 1".to_owned(), Kind::EndMissing), ("head = head - 1".to_owned(), Kind::EndChanged)] {
            tamper(&stage, &[format!("UPDATE audit_chains SET {change} WHERE chain_id = {chain}")]).await.expect("it is ours");
            let report = verify(&stage, owner, "").await;
            assert!(kinds(&report).contains(&kind), "{change}: {report:?}");
            restore(&stage).await;
        }
        tamper(&stage, &["DELETE FROM audit_subject_keys".to_owned()]).await.expect("it is ours");
        assert!(kinds(&verify(&stage, owner, "").await).contains(&Kind::DetailsChanged), "a key that is gone unseen is no erasure");
    }

    /// ASVS: V16.4.2, T34
    async fn attack_t34_details_that_are_put_to_an_erased_entry_are_found(database) {
        let stage = Stage::open(&database).await;
        let (_, owner, victim) = acme(&stage).await;
        open_the_safe(&stage).await;
        let (event_id, subject) = (id(&stage, &victim.event_id), id(&stage, &victim.sealed_for_id));
        tamper(&stage, &[format!("UPDATE audit_subject_keys SET sealed_key = NULL, erased = 1 WHERE subject_id = {subject}")]).await.expect("it is ours");
        assert!(verify(&stage, owner, "").await.findings.is_empty(), "who was erased is told without details");
        let lie = format!("UPDATE audit_events SET details = '{{\"reason\":\"a lie\"}}' WHERE event_id = {event_id}");
        tamper(&stage, &[lie]).await.expect("it is ours");
        let report = verify(&stage, owner, "").await;
        assert_eq!((kinds(&report), report.findings[0].sequence.clone()), (vec![Kind::DetailsChanged], victim.sequence));
    }

    /// ASVS: V16.2.5
    async fn details_whose_key_does_not_open_are_not_kept_in_plain(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let user = stage.add_active(owner, acme, &["GUEST"]).await;
        settle(&stage).await;
        let subject = id(&stage, &user.to_string());
        let broken = format!("UPDATE audit_subject_keys SET sealed_key = {} WHERE subject_id = {subject}", blob(&stage, &[7; 60]));
        tamper(&stage, &[broken]).await.expect("it is ours");
        stage.block(owner, user).await.expect("blocks");
        settle(&stage).await;
        let events = entries(&stage, acme).await;
        let blocked = events.into_iter().find(|event| event.topic == "organization.member_blocked").expect("listed");
        assert!(blocked.details.is_empty() && !blocked.is_erased, "{blocked:?}");
        assert_eq!(blocked.sealed_for_id, user.to_string());
        let report = verify(&stage, owner, "").await;
        assert!(report.findings.iter().any(|finding| finding.event_id == blocked.event_id && finding.kind() == Kind::DetailsChanged), "{report:?}");
        assert!(kinds(&report).iter().all(|kind| *kind == Kind::DetailsChanged), "its hash is right: {report:?}");
    }

    /// ASVS: V16.4.2, T34
    async fn attack_t34_a_long_chain_without_hashes_is_read_to_its_end_and_never_signed(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner, _) = acme(&stage).await;
        open_the_safe(&stage).await;
        let (chain, hash) = (id(&stage, &acme.to_string()), blob(&stage, &[9; 32]));
        let random = match stage.database.backend() {
            Backend::Postgres => "gen_random_uuid()",
            Backend::Sqlite => "randomblob(16)",
        };
        let forged = format!(
            "INSERT INTO audit_events
                (event_id, topic, organization_id, request_id, occurred, details, chain_id, sequence, hash, commitment, source_number)
            WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 20000)
            SELECT {random}, 'organization.member_added', {chain}, '', n, '{{}}', {chain}, n,
                CASE WHEN n = 20000 THEN {hash} END, {hash}, 0 FROM number"
        );
        tamper(&stage, &[
            format!("DELETE FROM audit_events WHERE chain_id = {chain}"),
            format!("DELETE FROM audit_checkpoints WHERE chain_id = {chain}"),
            forged,
            format!("UPDATE audit_chains SET head = 20000, hash = {hash} WHERE chain_id = {chain}"),
        ]).await.expect("it is ours");
        stage.add_active(owner, acme, &["GUEST"]).await;
        settle(&stage).await;
        let page = async |page_token: String| {
            let request = pb::VerifyAuditLogRequest { page_token, ..Default::default() };
            stage.audit(owner).verify_audit_log(request).await.expect("verifies").into_inner()
        };
        let first = page(String::new()).await;
        assert_eq!((first.verified_count, first.checkpoints.len()), (20_000, 0));
        assert!(first.findings.iter().all(|finding| finding.kind() != Kind::EntriesMissing), "all are there");
        let rest = page(first.next_page_token).await;
        assert!(rest.verified_count > 0 && rest.next_page_token.is_empty(), "{rest:?}");
        assert_eq!((rest.findings.len(), rest.checkpoints.len()), (0, 0), "what broke before stays broken");
        let exported = export(&stage, owner, "", "").await.iter().map(|message| message.audit_events.len()).sum::<usize>();
        assert_eq!(i32::try_from(exported).expect("few"), first.verified_count + rest.verified_count);
    }

    async fn a_chain_that_grows_and_is_signed_while_it_is_verified_misses_nothing(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner, _) = acme(&stage).await;
        let grow = async {
            for _ in 0..10 {
                stage.add_active(owner, acme, &["GUEST"]).await;
                settle(&stage).await;
                stage.clock.advance(Duration::from_secs(61));
                stage.organization.sign_audit().await.expect("signs");
            }
        };
        let look = async {
            for _ in 0..30 {
                let report = verify(&stage, owner, "").await;
                assert!(report.findings.is_empty(), "{report:?}");
            }
        };
        tokio::join!(grow, look);
    }

    /// ASVS: V16.4.2
    async fn the_database_itself_keeps_entries_as_they_are(database) {
        let stage = Stage::open(&database).await;
        acme(&stage).await;
        for text in ["UPDATE audit_events SET topic = 'x'", "DELETE FROM audit_events"] {
            assert!(tamper(&stage, &[text.to_owned()]).await.is_err(), "{text}");
        }
        if stage.database.backend() == Backend::Postgres {
            assert!(tamper(&stage, &["TRUNCATE audit_events".to_owned()]).await.is_err());
        }
        assert!(verify(&stage, stage.admin, "-").await.findings.is_empty());
    }

    async fn a_checkpoint_that_is_kept_must_be_one_of_what_is_verified(database) {
        let stage = Stage::open(&database).await;
        let (_, owner, _) = acme(&stage).await;
        let (_, stranger) = stage.found("Other").await;
        settle(&stage).await;
        let kept = verify(&stage, owner, "").await.checkpoints;
        let ask = async |caller: UserId, known_checkpoints: Vec<pb::AuditCheckpoint>| {
            let request = pb::VerifyAuditLogRequest { known_checkpoints, ..Default::default() };
            stage.audit(caller).verify_audit_log(request).await.map(tonic::Response::into_inner)
        };
        assert_eq!(refused(ask(stranger, kept.clone()).await), "REQUEST_INVALID");
        let broken = pb::AuditCheckpoint { hash: vec![1], ..kept[0].clone() };
        assert_eq!(refused(ask(owner, vec![broken]).await), "REQUEST_INVALID");
        let forged = pb::AuditCheckpoint { hash: vec![1; 32], ..kept[0].clone() };
        let report = ask(owner, vec![forged]).await.expect("verifies");
        assert_eq!(kinds(&report), [Kind::CheckpointForged, Kind::CheckpointContradicted]);
        assert_eq!(refused(ask(owner, vec![kept[0].clone(); 101]).await), "REQUEST_INVALID");
    }
}
