use std::io::Write as _;

use rolecall_kernel::audit::CheckpointSigner;

use super::*;

const ORGANIZATION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A chain of three entries, the second with sealed details, and a checkpoint of its end.
fn log() -> (Vec<AuditEvent>, AuditCheckpoint) {
    let mut previous = GENESIS;
    let mut events = Vec::new();
    for number in 1..=3 {
        let details: BTreeMap<String, String> = [("reason".to_owned(), format!("r{number}"))].into();
        let salt = if number == 2 { vec![5; 32] } else { Vec::new() };
        let mut event = AuditEvent {
            event_id: format!("01890a5d-ac96-774b-bcce-b302099a805{number}"),
            topic: "organization.member_blocked".to_owned(),
            organization_id: ORGANIZATION.to_owned(),
            target_id: ORGANIZATION.to_owned(),
            sealed_for_id: if number == 2 { ORGANIZATION.to_owned() } else { String::new() },
            occurred_time: Some(WireTime { seconds: 1_000, nanos: 1_000 }),
            details_commitment: commit(&details, &salt).to_vec(),
            details: details.into_iter().collect(),
            salt,
            sequence: number.to_string(),
            source_number: "7".to_owned(),
            ..AuditEvent::default()
        };
        previous = parse(&event).expect("an entry").hash(&previous);
        event.hash = previous.to_vec();
        events.push(event);
    }
    let signer = CheckpointSigner::from_seed(&[3; 32]);
    let mut checkpoint = AuditCheckpoint {
        organization_id: ORGANIZATION.to_owned(),
        sequence: "3".to_owned(),
        hash: previous.to_vec(),
        sign_time: Some(WireTime { seconds: 1_100, nanos: 0 }),
        public_key: signer.public_key().to_vec(),
        signature: Vec::new(),
    };
    checkpoint.signature = signer.sign(&parse_checkpoint(&checkpoint).expect("a checkpoint")).to_vec();
    (events, checkpoint)
}

/// Writes a file as `audit export` does, and verifies it.
fn kinds(events: &[AuditEvent], checkpoints: &[AuditCheckpoint], key: Option<&[u8]>) -> Vec<Kind> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for event in events {
        file.write_all(lines::event(event).expect("a line").as_bytes()).expect("written");
    }
    for checkpoint in checkpoints {
        file.write_all(lines::checkpoint(checkpoint).expect("a line").as_bytes()).expect("written");
    }
    let report = verify(file.path(), Vec::new(), key).expect("readable");
    assert_eq!(report.verified_count, i32::try_from(events.len()).expect("few"));
    report.findings.iter().map(AuditFinding::kind).collect()
}

#[test]
fn a_file_as_it_was_exported_is_whole() {
    let (events, signed) = log();
    let key = signed.public_key.clone();
    assert_eq!(kinds(&events, std::slice::from_ref(&signed), Some(&key)), []);
    assert_eq!(kinds(&events[1..], &[signed], None), [], "an export that went on begins in the middle");
}

#[test]
fn attack_t34_a_file_that_was_changed_is_found_without_the_server() {
    let (events, signed) = log();
    let changed = |change: fn(&mut AuditEvent)| {
        let mut events = events.clone();
        change(&mut events[1]);
        kinds(&events, std::slice::from_ref(&signed), None)
    };
    assert_eq!(changed(|event| event.topic.push('x')), [Kind::EntryChanged]);
    assert_eq!(changed(|event| event.actor_id = ORGANIZATION.to_owned()), [Kind::EntryChanged]);
    assert_eq!(changed(|event| event.details.clear()), [Kind::DetailsChanged]);
    assert_eq!(changed(|event| event.salt.clear()), [Kind::DetailsChanged]);
    assert_eq!(changed(|event| event.hash[0] ^= 1), [Kind::EntryChanged, Kind::EntryChanged]);
    assert_eq!(changed(|event| event.sequence = "x".to_owned())[0], Kind::EntryChanged);
    let erased = changed(|event| {
        event.is_erased = true;
        event.details.clear();
        event.salt.clear();
    });
    assert_eq!(erased, [], "who was erased is told without details");
    let told = changed(|event| {
        event.is_erased = true;
        event.details.insert("reason".to_owned(), "another".to_owned());
    });
    assert_eq!(told, [Kind::DetailsChanged], "what was erased is not told any more");
    let mut plain = events.clone();
    plain[0].is_erased = true;
    plain[0].details.clear();
    let plain = kinds(&plain, std::slice::from_ref(&signed), None);
    assert_eq!(plain, [Kind::DetailsChanged], "what was not sealed is not erased");
    let holed = [events[0].clone(), events[2].clone()];
    assert_eq!(kinds(&holed, std::slice::from_ref(&signed), None), [Kind::EntriesMissing]);
    assert_eq!(kinds(&events[..2], std::slice::from_ref(&signed), None), [Kind::EndMissing]);
    assert_eq!(kinds(&events, std::slice::from_ref(&signed), Some(&[1; 32])), [Kind::CheckpointForged]);
    let forged = AuditCheckpoint { hash: vec![1; 32], ..signed };
    assert_eq!(kinds(&events, &[forged], None), [Kind::CheckpointForged, Kind::CheckpointContradicted]);
}
